# SPDX-License-Identifier: BSD-3-Clause
"""Elements grouped by region, and the summary statistics of regions."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import scipy

from ..model.atlas import Atlas


@dataclass(frozen=True, eq=False)
class RegionIndex:
    """Elements grouped by region.

    Attributes
    ----------
    elements : array of int, shape (n,)
        Numbers of the elements, sorted by region, then in ascending order.
    starts : array of int, shape (m,)
        First position in ``elements`` of each of the m regions that have elements.
    columns : array of int, shape (m,)
        Column of each region that has elements.
    width : int
        Number of columns, L, including those of regions without elements.
    """

    elements: np.ndarray
    starts: np.ndarray
    columns: np.ndarray
    width: int

    @classmethod
    def of(cls, atlas: Atlas) -> Self:
        """Group the voxels of an atlas by its regions, in the order of the look-up table."""
        ids = np.asarray(atlas.ids)
        flat = np.asarray(atlas.labels).reshape(-1, order='F')
        order = np.argsort(ids)
        # Types as small as possible: arrays of the size of a volume take time and memory.
        small = np.min_scalar_type(len(ids))
        # Most voxels are background, whose label is mostly below all ids.
        voxels = np.flatnonzero((flat >= ids.min()) & (flat <= ids.max())).astype(np.min_scalar_type(-flat.size))
        found = flat[voxels]
        place = np.searchsorted(ids[order], found).astype(small)
        known = ids[order].astype(flat.dtype)[place] == found
        if not known.all():
            voxels, place = voxels[known], place[known]
        del found, known
        # Several times faster than sorting, with less memory.
        entries = (np.ones(len(voxels), dtype=np.int8), (order.astype(small)[place], voxels))
        grouped: Any = scipy.sparse.coo_array(entries, shape=(len(ids), flat.size)).tocsr()
        columns = np.flatnonzero(np.diff(grouped.indptr))
        return cls(grouped.indices, grouped.indptr[columns], columns, len(ids))

    @classmethod
    def _grouped(cls, elements: np.ndarray, column: np.ndarray, width: int) -> Self:
        """Return the index of elements that are sorted by column."""
        starts = np.flatnonzero(np.append(True, column[1:] != column[:-1])[: len(column)])
        return cls(elements, starts, column[starts].astype(np.intp), width)

    @property
    def counts(self) -> np.ndarray:
        """Number of elements of each region that has elements, shape (m,)."""
        return np.diff(self.starts, append=len(self.elements))

    @property
    def column(self) -> np.ndarray:
        """Column of each element, shape (n,)."""
        return np.repeat(self.columns, self.counts)

    def count(self, which: np.ndarray) -> np.ndarray:
        """Return the number of elements of each region, shape (L,), among those where ``which`` is True, shape (n,)."""
        counts = np.zeros(self.width, dtype=np.intp)
        counts[self.columns] = np.add.reduceat(which, self.starts, dtype=np.intp)
        return counts

    def keep(self, which: np.ndarray) -> Self:
        """Return the index of the elements where ``which`` is True, shape (n,), with the same columns."""
        return self._grouped(self.elements[which], self.column[which], self.width)

    def spread(self, values: np.ndarray, size: int) -> np.ndarray:
        """Return an array with the value of its region at each element, and 0 elsewhere: the adjoint of the sum.

        ``values`` has the shape (L,), the result the shape (size,).
        """
        out = np.zeros(size)
        out[self.elements] = np.repeat(values[self.columns], self.counts)
        return out


def _sum(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    return np.add.reduceat(values, index.starts, axis=1, dtype=np.float64)


def _mean(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    return _sum(values, index) / index.counts


def _median(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    out = np.empty((len(values), len(index.starts)))
    for column, (start, n) in enumerate(zip(index.starts, index.counts, strict=True)):
        middle = sorted({(n - 1) // 2, n // 2})
        ranked = np.partition(values[:, start : start + n], middle, axis=1)
        out[:, column] = ranked[:, middle].mean(axis=1, dtype=np.float64)
    return out


def _minimum(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    return np.minimum.reduceat(values, index.starts, axis=1)


def _maximum(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    return np.maximum.reduceat(values, index.starts, axis=1)


def _variance(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    deviation = values - np.repeat(_mean(values, index), index.counts, axis=1)
    return _mean(np.square(deviation, out=deviation), index)


def _standard_deviation(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    return np.sqrt(_variance(values, index))


#: Summary statistic across the voxels of a region by name; variance is that of the population (ddof 0).
STRATEGIES = {
    'mean': _mean,
    'sum': _sum,
    'median': _median,
    'minimum': _minimum,
    'maximum': _maximum,
    'variance': _variance,
    'standard_deviation': _standard_deviation,
}
