# SPDX-License-Identifier: BSD-3-Clause
"""Linear statistics of regions as sparse matrices, and the values of the elements that atlases need."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import scipy

from .scaling import Decoder, floating
from .smooth import region_weights
from .strategies import RegionIndex


@dataclass(frozen=True, eq=False)
class RegionOperator:
    """Sparse matrix from the elements of a series to sums or means over regions; smoothing may be a part of it.

    Attributes
    ----------
    weights : scipy.sparse.csr_array, shape (m, number of elements)
        Weight of each element in each of the m regions that have elements.
    divisor : array, shape (m, 1)
        By which the weighted sums are divided.
    """

    weights: Any
    divisor: np.ndarray

    @classmethod
    def of(cls, index: RegionIndex, shape: tuple[int, ...], sigmas: tuple[float, ...], strategy: str) -> Self | None:
        """Return the operator of a strategy after smoothing; None if it is not linear or has too many weights.

        ``sigmas`` are the widths of the kernel in voxels of a grid of that ``shape``; all 0 is off.
        """
        if strategy not in ('mean', 'sum') or not len(index.elements):
            return None
        if any(sigmas):
            weights = region_weights(index.elements, index.starts, shape, sigmas)
            if weights is None:
                return None
        else:
            voxels, ends = index.elements.astype(np.int32), np.append(index.starts, len(index.elements))
            # Small until they are multiplied: all of this is memory that was never used before, which takes time.
            entries = (np.ones(len(voxels), dtype=np.int8), voxels, ends.astype(np.int32))
            weights = scipy.sparse.csr_array(entries, shape=(len(index.starts), np.prod(shape)))
        return cls(weights, (index.counts if strategy == 'mean' else np.ones(len(index.starts)))[:, None])

    @property
    def elements(self) -> np.ndarray:
        """Numbers of the elements that have weights, in any order, possibly repeated."""
        return self.weights.indices


class ElementUnion:
    """All elements that some atlases need, so that each is taken out of a block once.

    Parameters
    ----------
    needed : sequence of arrays of int, shape (m,)
        Numbers of the elements that each atlas needs, in any order.

    Attributes
    ----------
    elements : array of int, shape (n,)
        Elements that any of them needs, in ascending order.
    place : array of int, shape (1 + largest number,)
        Position of each needed element in ``elements``, by its number.
    """

    def __init__(self, needed: Sequence[np.ndarray]) -> None:
        among = np.zeros(max((elements.max() + 1 for elements in needed if len(elements)), default=0), dtype=bool)
        for elements in needed:
            among[elements] = True
        self.elements, self.place = np.flatnonzero(among), np.cumsum(among, dtype=np.int32) - 1


class Block:
    """Some volumes of a series, each decoded once, whatever the number of atlases.

    Parameters
    ----------
    stored : array, shape (b, number of elements)
        As in the file, each volume with its first axis fastest.
    decoder : Decoder
    union : ElementUnion
    first : int
        Number of the first volume in the series.
    """

    def __init__(self, stored: np.ndarray, decoder: Decoder, union: ElementUnion, first: int = 0) -> None:
        self.stored, self.first, self._decoder, self._union = stored, first, decoder, union

    def __len__(self) -> int:
        return len(self.stored)

    @cached_property
    def decoded(self) -> np.ndarray:
        """All values, shape (b, number of elements)."""
        return self._decoder(self.stored)

    @cached_property
    def volumes(self) -> np.ndarray:
        """All values as floating-point numbers, shape (b, number of elements)."""
        return floating(self.decoded)

    def volume(self, row: int) -> np.ndarray:
        """Return the values of a volume as floating-point numbers, shape (number of elements,)."""
        return self.volumes[row] if 'volumes' in vars(self) else floating(self._decoder(self.stored[row]))

    @cached_property
    def values(self) -> np.ndarray:
        """Values of the elements of the union, shape (b, n)."""
        if 'decoded' in vars(self):
            return np.take(self.decoded, self._union.elements, axis=1)
        return self._decoder(np.take(self.stored, self._union.elements, axis=1))

    @property
    def columns(self) -> np.ndarray:
        """Values of the elements of the union in float64, element by element, shape (n, b)."""
        columns = np.empty(self.values.shape[::-1])
        # Of a few volumes NumPy would turn the axes several times slower.
        for column, volume in zip(columns.T, self.values, strict=True):
            column[:] = volume
        return columns

    def values_at(self, elements: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the values of some elements of the union in some volumes, shape (number of rows, m)."""
        values = self.values if len(rows) == len(self.values) else self.values[rows]
        return np.take(values, self._union.place[elements], axis=1)


class JointOperator:
    """The operators of several atlases in one product, so that each value comes from memory once.

    Parameters
    ----------
    operators : sequence of RegionOperator or None
        Of each atlas; None for an atlas that is reduced in another way.
    union : ElementUnion
        Of at least their elements.
    """

    def __init__(self, operators: Sequence[RegionOperator | None], union: ElementUnion) -> None:
        self._operators = operators
        self._weights: Any = None
        weighted = [operator.weights for operator in operators if operator is not None]
        if weighted:
            # By elements: those of a region are added in the order of memory, whatever other atlases need.
            together: Any = weighted[0] if len(weighted) == 1 else scipy.sparse.vstack(weighted, format='csr')
            weights = together.tocsc()
            pointers = np.append(weights.indptr[union.elements], weights.indptr[-1])
            shape = (weights.shape[0], len(union.elements))
            data = weights.data.astype(np.float64, copy=False)
            self._weights = scipy.sparse.csc_array((data, weights.indices, pointers), shape=shape)

    def __call__(self, block: Block) -> list[np.ndarray | None]:
        """Return sums or means, shape (b, m), of each atlas, or None; not finite where a value is not."""
        sums: Any = None if self._weights is None else self._weights @ block.columns
        start, found = 0, []
        for operator in self._operators:
            stop = start if operator is None else start + len(operator.divisor)
            found.append(None if operator is None else (sums[start:stop] / operator.divisor).T)
            start = stop
        return found
