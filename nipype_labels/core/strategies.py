# SPDX-License-Identifier: BSD-3-Clause
"""Voxels grouped by region, and the ways to make one number of a group."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Partition:
    """Voxels grouped by region.

    Attributes
    ----------
    voxels : array of int, shape (n,)
        Flat indices (first axis fastest), sorted by region, then by place.
    starts : array of int, shape (m,)
        Where each region that has voxels begins in ``voxels``.
    columns : array of int, shape (m,)
        The column of each region that has voxels.
    width : int
        Number of columns, regions without voxels included.
    """

    voxels: np.ndarray
    starts: np.ndarray
    columns: np.ndarray
    width: int

    @classmethod
    def of(cls, labels, ids):
        """Group the voxels of ``labels`` by ``ids``, in this order."""
        ids = np.asarray(ids)
        flat = np.asarray(labels).reshape(-1, order='F')
        order = np.argsort(ids)
        # Most voxels are background, and mostly that is below all ids.
        voxels = np.flatnonzero((flat >= ids.min()) & (flat <= ids.max()))
        place = np.searchsorted(ids[order], flat[voxels])
        known = ids[order][place] == flat[voxels]
        voxels, column = voxels[known], order[place[known]]
        # Small integers are sorted by their digits, several times faster.
        by_column = np.argsort(column.astype(np.min_scalar_type(len(ids))), kind='stable')
        return cls._grouped(voxels[by_column], column[by_column], len(ids))

    @classmethod
    def _grouped(cls, voxels, column, width):
        starts = np.flatnonzero(np.diff(column, prepend=-1))
        return cls(voxels, starts, column[starts], width)

    @property
    def counts(self):
        """Voxels of each region that has some, shape (m,)."""
        return np.diff(self.starts, append=len(self.voxels))

    @property
    def column(self):
        """Column of each voxel, shape (n,)."""
        return np.repeat(self.columns, self.counts)

    def keep(self, wanted):
        """The same regions with only the voxels where ``wanted`` (bool, shape (n,)) holds."""
        return self._grouped(self.voxels[wanted], self.column[wanted], self.width)


def _sum(values, part):
    return np.add.reduceat(values, part.starts, axis=1, dtype=np.float64)


def _mean(values, part):
    return _sum(values, part) / part.counts


def _median(values, part):
    out = np.empty((len(values), len(part.starts)))
    for column, (start, n) in enumerate(zip(part.starts, part.counts, strict=True)):
        middle = sorted({(n - 1) // 2, n // 2})
        ranked = np.partition(values[:, start : start + n], middle, axis=1)
        out[:, column] = ranked[:, middle].mean(axis=1, dtype=np.float64)
    return out


def _minimum(values, part):
    return np.minimum.reduceat(values, part.starts, axis=1)


def _maximum(values, part):
    return np.maximum.reduceat(values, part.starts, axis=1)


def _variance(values, part):
    deviation = values - np.repeat(_mean(values, part), part.counts, axis=1)
    return _mean(np.square(deviation, out=deviation), part)


def _standard_deviation(values, part):
    return np.sqrt(_variance(values, part))


#: How the voxels of a region become one value; variance is that of the population (ddof 0).
STRATEGIES = {
    'mean': _mean,
    'sum': _sum,
    'median': _median,
    'minimum': _minimum,
    'maximum': _maximum,
    'variance': _variance,
    'standard_deviation': _standard_deviation,
}
