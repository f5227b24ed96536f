# SPDX-License-Identifier: BSD-3-Clause
"""Products with the weights of maps that have most elements, by BLAS on dense matrices of a few elements at a time."""

from collections.abc import Callable, Iterator

import numpy as np

from .elements import ElementUnion

#: Least fraction of weights that are not 0 for dense products to be faster: filling the matrices takes time too.
LEAST_FRACTION = 0.5

#: Elements and maps of a dense matrix, which stays in the processor's cache.
ELEMENTS_AT_ONCE, MAPS_AT_ONCE = 4096, 64

#: Elements and volumes of each product. Rounding errors of BLAS depend on the shape of a product: it is always this.
PRODUCT_ELEMENTS, PRODUCT_VOLUMES = 1024, 8

#: Additions and multiplications of a dense product in the time that a sparse product takes for one.
SPARSE_COST = 100


class DenseWeights:
    """Weights of the elements of regions, from which dense matrices of some of them are made when they are needed.

    Parameters
    ----------
    elements : array of int, shape (n,)
        Numbers of the elements of the first region in ascending order, then those of the second region, and so on.
    starts : array of int, shape (m,)
        First position of each region.
    weights : array, shape (n,)
    union : ElementUnion
        Of the elements.
    """

    def __init__(self, elements: np.ndarray, starts: np.ndarray, weights: np.ndarray, union: ElementUnion) -> None:
        self._elements, self._weights, self.union = elements, weights, union
        # Where the entries of each region for each part of the elements begin.
        firsts = union.elements[::ELEMENTS_AT_ONCE].astype(elements.dtype)
        regions = zip(starts, [*starts[1:], len(elements)], strict=True)
        self._bounds = np.array(
            [[*(start + np.searchsorted(elements[start:stop], firsts)), stop] for start, stop in regions]
        )

    @property
    def n_regions(self) -> int:
        """Number of regions, m."""
        return len(self._bounds)

    def parts(self) -> Iterator[tuple[int, slice]]:
        """Yield the number of each part of the union, and its positions there."""
        for part in range(self._bounds.shape[1] - 1):
            start = part * ELEMENTS_AT_ONCE
            yield part, slice(start, min(start + ELEMENTS_AT_ONCE, len(self.union)))

    def fill(self, out: np.ndarray, part: int, regions: slice | np.ndarray) -> None:
        """Fill ``out``, shape (regions, elements), with the weights of some regions in a part of the union.

        What ``out`` has more than the part becomes 0.
        """
        n, start = min(ELEMENTS_AT_ONCE, len(self.union) - part * ELEMENTS_AT_ONCE), part * ELEMENTS_AT_ONCE
        for row, (begin, end) in zip(out, self._bounds[regions, part : part + 2], strict=True):
            if end - begin == n:
                row[:n], row[n:] = self._weights[begin:end], 0
            else:
                row[:] = 0
                row[self.union.place[self._elements[begin:end]] - start] = self._weights[begin:end]

    def sum(self, take: Callable[[np.ndarray], np.ndarray], n_volumes: int) -> np.ndarray:
        """Return the weighted sums of values, shape (m, n_volumes).

        ``take`` returns the values of some elements of the union, shape (n_volumes, n).
        """
        padded = -(-n_volumes // PRODUCT_VOLUMES) * PRODUCT_VOLUMES
        sums = np.zeros((self.n_regions, padded))
        values = np.zeros((padded, ELEMENTS_AT_ONCE))
        dense = np.empty((min(MAPS_AT_ONCE, self.n_regions), ELEMENTS_AT_ONCE))
        for part, some in self.parts():
            n = some.stop - some.start
            values[:n_volumes, :n], values[:, n:] = take(self.union.elements[some]), 0
            for first in range(0, self.n_regions, MAPS_AT_ONCE):
                regions = slice(first, first + MAPS_AT_ONCE)
                weights = dense[: len(sums[regions])]
                self.fill(weights, part, regions)
                _add_products(sums[regions], weights, values, n)
        return sums[:, :n_volumes]

    def multiply(self) -> np.ndarray:
        """Return the inner products of the regions, shape (m, m)."""
        products = np.zeros((self.n_regions, self.n_regions))
        dense = np.empty((self.n_regions, ELEMENTS_AT_ONCE))
        for part, _ in self.parts():
            regions = np.flatnonzero(self._bounds[:, part] < self._bounds[:, part + 1])
            weights = dense[: len(regions)]
            self.fill(weights, part, regions)
            # Products of a few maps with many elements would wait for the threads of BLAS.
            step = ELEMENTS_AT_ONCE if len(regions) > MAPS_AT_ONCE else ELEMENTS_AT_ONCE // 32
            slices = np.split(weights, range(step, ELEMENTS_AT_ONCE, step), axis=1)
            products[np.ix_(regions, regions)] += sum(some @ some.T for some in slices)
        return products


def _add_products(sums: np.ndarray, weights: np.ndarray, values: np.ndarray, n: int) -> None:
    """Add weights, shape (m, ≥ n), times values, shape (b, ≥ n), to sums, shape (m, b)."""
    for start in range(0, n, PRODUCT_ELEMENTS):
        some = slice(start, start + PRODUCT_ELEMENTS)
        for first in range(0, len(values), PRODUCT_VOLUMES):
            volumes = slice(first, first + PRODUCT_VOLUMES)
            sums[:, volumes] += weights[:, some] @ values[volumes, some].T
