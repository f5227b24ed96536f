# SPDX-License-Identifier: BSD-3-Clause
"""Sums of small integers over the regions of label atlases, which are exact in any order."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import scipy

from .operators import RegionOperator
from .scaling import Decoder

#: Number of elements that are summed at a time; as integers of 32 bits they stay in the processor's cache.
SLAB = 2**18

#: Largest number of combinations of regions that are looked up when an atlas joins others.
MOST_COMBINATIONS = 2**21


def has_small_integers(stored: np.dtype, decoder: Decoder) -> bool:
    """Return whether stored values have at most 16 bits and are integers, also after decoding."""
    return stored.kind in 'iu' and stored.itemsize <= 2 and decoder(np.empty(0, stored)).dtype.kind in 'iu'


class CellSums:
    """Sums of small integers over the regions of several atlases, and the sum of all volumes, in one pass.

    A cell is the elements that are in the same region of each of a few atlases. Values are added up to sums of cells,
    and these to sums of regions, which needs several times fewer additions than each atlas separately.

    Parameters
    ----------
    operators : sequence of RegionOperator or None
        Of each atlas. Those with weights are ignored.
    elements : array of int, shape (n,)
        At least those of the operators, in ascending order.
    n_elements : int
        Number of elements of the series.
    stored : dtype
        Integers of at most 16 bits.

    Attributes
    ----------
    others : list of RegionOperator or None
        The operators that are ignored, and None instead of the others.
    """

    def __init__(
        self, operators: Sequence[RegionOperator | None], elements: np.ndarray, n_elements: int, stored: np.dtype
    ) -> None:
        self.others = [None if each is None or each.weights.dtype == np.int8 else each for each in operators]
        self._operators = {i: each for i, each in enumerate(operators) if each is not None and self.others[i] is None}
        self._atlases: list[int] = []  # in the order of their sums
        self._regions: list[Any] = []  # matrix of each group of atlases
        firsts = np.arange(0, n_elements, SLAB)
        self._slabs: list[list[Any]] = [[] for _ in firsts]
        for atlases, regions, matrices in self._group(elements, firsts, n_elements):
            for i, first, matrix in matrices:
                self._slabs[i].append((len(self._regions), slice(first, first + matrix.shape[0]), matrix))
            self._atlases += atlases
            self._regions.append(regions)
        all_matrices = [matrix for slab in self._slabs for *_, matrix in slab]
        bounds = np.iinfo(stored)
        most = max((int(np.diff(matrix.indptr).max()) for matrix in all_matrices), default=0)
        self._type = np.int32 if most * max(bounds.max, -bounds.min) < 2**31 else np.int64
        ones = np.ones(max((matrix.nnz for matrix in all_matrices), default=0), self._type)
        for matrix in all_matrices:
            matrix.data = ones[: matrix.nnz]  # in memory once

    def _group(self, elements: np.ndarray, firsts: np.ndarray, n_elements: int) -> Iterator[tuple[list[int], Any, Any]]:
        """Yield atlases, the matrix from sums of cells to sums of regions, and matrices of slabs."""
        group: _Cells | None = None
        for i, operator in self._operators.items():
            m, weights = len(operator.divisor), operator.weights
            label = _label(weights, elements) if len(self._operators) > 1 else None
            if label is None:
                yield [i], scipy.sparse.eye_array(m, dtype=np.int64, format='csr'), _slice(weights, firsts)
                continue
            joined = None if group is None else group.join(i, label, m)
            if group is not None and joined is None:
                yield group.atlases, group.regions_matrix(), group.matrices(elements, firsts, n_elements)
            group = joined or _Cells([i], [m], label, np.arange(m + 1)[None])
        if group is not None:
            yield group.atlases, group.regions_matrix(), group.matrices(elements, firsts, n_elements)

    def __call__(self, stored: np.ndarray, total: np.ndarray) -> list[np.ndarray | None]:
        """Return the statistics, shape (b, m), of each atlas, or None; add the volumes, shape (b, N), to ``total``."""
        sums = [np.zeros((len(stored), regions.shape[1]), np.int64) for regions in self._regions]
        buffer = np.empty(SLAB, self._type)
        for i, matrices in enumerate(self._slabs):
            part = total[i * SLAB : (i + 1) * SLAB]
            values = buffer[: len(part)]
            for row, volume in enumerate(stored):
                values[:] = volume[i * SLAB : (i + 1) * SLAB]
                np.add(part, values, out=part)
                for group, cells, matrix in matrices:
                    sums[group][row, cells] += matrix @ values
        found: list[np.ndarray | None] = [None] * len(self.others)
        of_groups = [matrix @ cells.T for matrix, cells in zip(self._regions, sums, strict=True)]
        of_regions, stop = np.concatenate([np.empty((0, len(stored)), np.int64), *of_groups]), 0
        for i in self._atlases:
            start, stop = stop, stop + len(self._operators[i].divisor)
            found[i] = self._operators[i].finish(of_regions[start:stop])
        return found


@dataclass(frozen=True, eq=False)
class _Cells:
    """Elements that are in the same region of each of some atlases.

    Attributes
    ----------
    atlases, widths : list of int
        Numbers of the atlases, and how many regions each has.
    cell : array of int, shape (n,)
        Cell of each element; 0 for elements without a region.
    regions : array of int, shape (number of atlases, number of cells)
        Region of each cell in each atlas, from 1; 0 for none.
    """

    atlases: list[int]
    widths: list[int]
    cell: np.ndarray
    regions: np.ndarray

    def join(self, atlas: int, label: np.ndarray, width: int) -> Self | None:
        """Return the cells of one more atlas, by the region of each element; None if there were too many."""
        size = self.regions.shape[1] * (width + 1)
        if size > MOST_COMBINATIONS:
            return None
        both = self.cell * np.int32(width + 1) + label
        exists = np.zeros(size, dtype=bool)
        exists[both] = exists[0] = True
        found = np.flatnonzero(exists)
        if len(found) * (1 + len(self.widths)) > len(label) // 2:
            return None
        # In the order of their first elements, so that those of a slab are close together.
        first = np.empty(size, dtype=np.int32)
        first[both[::-1]] = np.arange(len(both), dtype=np.int32)[::-1]
        first[0] = -1
        found = found[np.argsort(first[found])]
        place = first
        place[found] = np.arange(len(found))
        of_cells, of_atlas = np.divmod(found, width + 1)
        regions = np.vstack([self.regions[:, of_cells], of_atlas])
        return type(self)([*self.atlases, atlas], [*self.widths, width], place[both], regions)

    def regions_matrix(self) -> Any:
        """Return the sparse matrix from sums of cells to sums of the regions of all atlases."""
        atlas, cell = np.nonzero(self.regions)
        first = np.cumsum((0, *self.widths))
        rows = first[atlas] + self.regions[atlas, cell] - 1
        entries = (np.ones(len(rows), np.int64), (rows, cell - 1))
        shape = (first[-1], self.regions.shape[1] - 1)
        return scipy.sparse.coo_array(entries, shape=shape).tocsr()

    def matrices(self, elements: np.ndarray, firsts: np.ndarray, n_elements: int) -> Iterator[Any]:
        """Yield number, first cell, and matrix from values to sums of cells, of each slab with cells."""
        bounds = np.searchsorted(elements, [*firsts, n_elements])
        for i, (start, stop) in enumerate(itertools.pairwise(bounds)):
            inside = np.flatnonzero(self.cell[start:stop])
            if len(inside):
                cell, element = self.cell[start:stop][inside], elements[start:stop][inside] - firsts[i]
                least, largest = int(cell.min()), int(cell.max())
                shape = (largest + 1 - least, min(SLAB, n_elements - firsts[i]))
                entries = (np.ones(len(inside), np.int8), (cell - least, element))
                yield i, least - 1, scipy.sparse.coo_array(entries, shape=shape).tocsr()


def _slice(weights: Any, firsts: np.ndarray) -> Iterator[tuple[int, int, Any]]:
    """Yield number, 0, and the columns of a matrix in CSR format, of each slab."""
    m, n_elements = weights.shape
    # Row by row, elements ascend.
    row_starts = np.arange(m) * n_elements
    key = np.repeat(row_starts, np.diff(weights.indptr))
    key += weights.indices
    bounds = np.searchsorted(key, row_starts[:, None] + [*firsts, n_elements])
    del key
    for i, first in enumerate(firsts):
        start, n = bounds[:, i], bounds[:, i + 1] - bounds[:, i]
        stops = np.cumsum(n)
        indices = weights.indices[np.repeat(start - stops + n, n) + np.arange(stops[-1])] - np.int32(first)
        entries = (np.ones(len(indices), np.int8), indices, np.append(0, stops).astype(np.int32))
        if len(indices):
            yield i, 0, scipy.sparse.csr_array(entries, shape=(m, min(SLAB, n_elements - first)))


def _label(weights: Any, elements: np.ndarray) -> np.ndarray | None:
    """Return the region of each element, from 1, 0 for none; None if regions overlap."""
    m, n_elements = weights.shape
    label = np.zeros(n_elements, np.min_scalar_type(m))
    label[weights.indices] = np.repeat(np.arange(1, m + 1, dtype=label.dtype), np.diff(weights.indptr))
    label = label[elements]
    return label if np.count_nonzero(label) == weights.nnz else None
