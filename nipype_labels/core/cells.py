# SPDX-License-Identifier: BSD-3-Clause
"""Sums of small integers over the regions of label atlases, which are exact in any order."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
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
        Of each atlas. Those with weights, or with regions that overlap, are ignored.
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
        self._operators: list[RegionOperator | None] = [None] * len(operators)
        self.others = list(operators)
        self._regions = []
        firsts = np.arange(0, n_elements, SLAB)
        self._slabs: list[list[Any]] = [[] for _ in firsts]
        for i, cells in enumerate(_Cells.group(self._choose(elements))):
            self._regions.append(cells.regions_matrix())
            for slab, first, matrix in cells.matrices(elements, firsts, n_elements):
                self._slabs[slab].append((i, slice(first, first + matrix.shape[0]), matrix))
        matrices = [matrix for slab in self._slabs for *_, matrix in slab]
        bounds = np.iinfo(stored)
        most = max((int(np.diff(matrix.indptr).max()) for matrix in matrices), default=0)
        self._type = np.int32 if most * max(bounds.max, -bounds.min) < 2**31 else np.int64
        ones = np.ones(max((matrix.nnz for matrix in matrices), default=0), self._type)
        for matrix in matrices:
            matrix.data = ones[: matrix.nnz]  # in memory once

    def _choose(self, elements: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
        """Yield the region of each element, from 1, or 0, and the number of regions, of each atlas that fits."""
        for i, operator in enumerate(self.others):
            label = None if operator is None else _label(operator.weights, elements)
            if operator is not None and label is not None:
                self._operators[i], self.others[i] = operator, None
                yield label, operator.weights.shape[0]

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
        of_groups = [matrix @ cells.T for matrix, cells in zip(self._regions, sums, strict=True)]
        widths = [len(operator.divisor) for operator in self._operators if operator is not None]
        of_atlases = iter(np.split(np.concatenate([np.empty((0, len(stored))), *of_groups]), np.cumsum(widths)))
        return [None if operator is None else operator.finish(next(of_atlases)) for operator in self._operators]


@dataclass(frozen=True, eq=False)
class _Cells:
    """Elements that are in the same region of each of some atlases.

    Attributes
    ----------
    cell : array of int, shape (n,)
        Cell of each element; 0 for elements without a region.
    regions : array of int, shape (number of atlases, number of cells)
        Region of each cell in each atlas, from 1; 0 for none.
    widths : tuple of int
        Number of regions of each atlas.
    """

    cell: np.ndarray
    regions: np.ndarray
    widths: tuple[int, ...]

    @classmethod
    def group(cls, labels: Iterable[tuple[np.ndarray, int]]) -> Iterator[Self]:
        """Yield the cells of one atlas after another, of as many together as saves additions."""
        last = None
        for label, width in labels:
            joined = None if last is None else last._join(label, width)
            if last is not None and joined is None:
                yield last._in_order()
            last = joined or cls(label, np.arange(width + 1)[None], (width,))
        if last is not None:
            yield last._in_order()

    def _join(self, label: np.ndarray, width: int) -> Self | None:
        """Return the cells of one more atlas; None if there were too many."""
        size = self.regions.shape[1] * (width + 1)
        if size > MOST_COMBINATIONS:
            return None
        both = self.cell * np.int32(width + 1) + label
        exists = np.zeros(size, dtype=bool)
        exists[both] = exists[0] = True
        found = np.flatnonzero(exists)
        if len(found) * (1 + len(self.widths)) > len(label) // 2:
            return None
        place = np.empty(size, dtype=np.int32)
        place[found] = np.arange(len(found))
        of_cells, of_atlas = np.divmod(found, width + 1)
        regions = np.vstack([self.regions[:, of_cells], of_atlas])
        return type(self)(place[both], regions, (*self.widths, width))

    def _in_order(self) -> Self:
        """Return the cells in the order of their first elements, so that those of a slab are close together."""
        if len(self.widths) == 1:
            return self  # few
        first = np.empty(self.regions.shape[1], dtype=np.int32)
        first[self.cell[::-1]] = np.arange(len(self.cell), dtype=np.int32)[::-1]
        first[0] = -1
        order = np.argsort(first, kind='stable')
        place = np.empty(len(order), dtype=self.cell.dtype)
        place[order] = np.arange(len(order))
        return type(self)(place[self.cell], self.regions[:, order], self.widths)

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


def _label(weights: Any, elements: np.ndarray) -> np.ndarray | None:
    """Return the region of each element, from 1, 0 for none; None if regions have weights or overlap."""
    if weights.dtype != np.int8:
        return None
    m, n_elements = weights.shape
    label = np.zeros(n_elements, np.min_scalar_type(m))
    label[weights.indices] = np.repeat(np.arange(1, m + 1, dtype=label.dtype), np.diff(weights.indptr))
    label = label[elements]
    return label if np.count_nonzero(label) == weights.nnz else None
