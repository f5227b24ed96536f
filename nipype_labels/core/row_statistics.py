# SPDX-License-Identifier: BSD-3-Clause
"""Summary statistics of regions that grow by blocks of elements, each with all of its volumes.

Elements are added one after another in their order, so that blocks of any size give the same bits. The statistics are
made from ``shape``, the numbers of regions and of volumes; ``finish`` takes the number of values, or the sum of their
weights, by region and volume, and returns NaN or anything where that is 0.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from .scaling import floating
from .strategies import find_medians

try:
    from scipy.sparse._sparsetools import csc_matvecs
except ImportError:
    # It is private. Without it, reducing surfaces takes longer.
    csc_matvecs = None

#: Memory in bytes for the values of the regions whose medians are found in one pass over a series.
MEDIAN_BYTES = 96 * 2**20


class RowBlock:
    """Some elements of a series in all volumes.

    Parameters
    ----------
    decoded : array, shape (n, T)
    first : int
        Number of the first element in the series.
    buffer : array of float64, shape (n or more, T)
        Memory for the values.

    Attributes
    ----------
    values : array of float64, shape (n, T)
        0 where a value is not finite.
    sums : array, shape (n,)
        Sum of the values of each element; not finite if a value is not.
    is_zero, has_finite : array of bool, shape (n,)
        Elements that are 0 in every volume; that have a finite value.
    missing : array of bool, shape (n, T), or None
        Which values are not finite, if any.
    """

    def __init__(self, decoded: np.ndarray, first: int, buffer: np.ndarray) -> None:
        self.decoded, self.first = decoded, first
        self.values = buffer[: len(decoded)]
        self.values[:] = decoded
        with np.errstate(invalid='ignore'):
            self.sums = self.values.sum(axis=1)
        self.is_zero = self.values[:, 0] == 0
        self.is_zero[self.is_zero] = ~self.values[self.is_zero].any(axis=1)
        self.has_finite, self.missing = np.ones(len(decoded), dtype=bool), None
        if not np.isfinite(self.sums).all():
            self.missing = ~np.isfinite(self.values)
            self.values[self.missing] = 0
            self.has_finite = ~self.missing.all(axis=1)


@dataclass(frozen=True, eq=False)
class Part:
    """The elements of a block that belong to regions.

    Attributes
    ----------
    rows : array of int, shape (k,)
        Rows of the block, ascending.
    region : array of int32, shape (k,)
        Number of the region of each row.
    weights : array, shape (k,), or None
        Of each row; None for weights of 1.
    """

    rows: np.ndarray
    region: np.ndarray
    weights: np.ndarray | None

    def take(self, which: np.ndarray) -> Self:
        """Return the part with the rows where ``which``, shape (k,), is True."""
        weights = None if self.weights is None else self.weights[which]
        return replace(self, rows=self.rows[which], region=self.region[which], weights=weights)

    def add(self, sums: np.ndarray, values: np.ndarray) -> None:
        """Add weighted rows of ``values`` to the ``sums`` of their regions in the order of the rows.

        ``values``, shape (n, T), and ``sums``, shape (number of regions, T), are float64 in C order.
        """
        n, n_volumes = values.shape
        weights = np.ones(len(self.rows)) if self.weights is None else self.weights
        # SciPy's products of sparse matrices call this function with a new array for the result. Public functions that
        # continue the sums of earlier blocks row by row take longer. With 91,282 elements, 400 regions, 1,200 volumes:
        # this 0.06 s, a loop 0.16 s, a product of [identity, weights] and [sums, values] 0.36 s, numpy.add.at 1.4 s.
        if csc_matvecs is not None:
            ends = np.zeros(n + 1, dtype=np.int32)
            ends[self.rows + 1] = 1
            np.cumsum(ends, out=ends)
            csc_matvecs(len(sums), n, n_volumes, ends, self.region, weights, values.reshape(-1), sums.reshape(-1))
            return
        for row, region, weight in zip(self.rows, self.region, weights, strict=True):
            sums[region] += weight * values[row]


class Sums:
    """Sums and means."""

    def __init__(self, shape: tuple[int, int], strategy: str) -> None:
        self._sums, self._is_sum = np.zeros(shape), strategy == 'sum'

    def add(self, part: Part, block: RowBlock, missing: np.ndarray | None) -> None:
        """Add a part of a block."""
        part.add(self._sums, block.values)

    def finish(self, total: np.ndarray) -> np.ndarray:
        """Return the statistic, shape (number of regions, T)."""
        return self._sums if self._is_sum else self._sums / total


class Moments:
    """Variances and standard deviations of the population."""

    def __init__(self, shape: tuple[int, int], strategy: str) -> None:
        # Deviations from a value of the region itself: it is as close to the mean as the variance is large.
        self._shift = np.full(shape, np.nan)
        self._sums, self._squares = np.zeros(shape), np.zeros(shape)
        self._is_root, self._buffer = strategy == 'standard_deviation', np.empty((0, shape[1]))

    def add(self, part: Part, block: RowBlock, missing: np.ndarray | None) -> None:
        """Add a part of a block."""
        self._find_shift(part, block.values, missing)
        k = len(part.rows)
        if len(self._buffer) < k:
            self._buffer = np.empty_like(block.values)
        deviations = self._buffer[:k]
        np.take(self._shift, part.region, axis=0, out=deviations, mode='clip')
        np.subtract(block.values[part.rows], deviations, out=deviations)
        if missing is not None:
            deviations[missing[part.rows]] = 0
        packed = replace(part, rows=np.arange(k))
        packed.add(self._sums, deviations)
        np.square(deviations, out=deviations)
        packed.add(self._squares, deviations)

    def _find_shift(self, part: Part, values: np.ndarray, missing: np.ndarray | None) -> None:
        """Set the shift of each region to its first value in each volume."""
        is_unknown = np.isnan(self._shift).any(axis=1)
        for region in np.unique(part.region[is_unknown[part.region]]):
            shift = self._shift[region]
            for row in part.rows[part.region == region]:
                new = np.isnan(shift)
                if not new.any():
                    break
                if missing is not None:
                    new &= ~missing[row]
                shift[new] = values[row, new]

    def finish(self, total: np.ndarray) -> np.ndarray:
        """Return the statistic, shape (number of regions, T)."""
        variance = np.maximum(self._squares - self._sums**2 / total, 0) / total
        return np.sqrt(variance) if self._is_root else variance


class Extremes:
    """Minima and maxima; weights have no influence."""

    def __init__(self, shape: tuple[int, int], strategy: str) -> None:
        self._best: np.ufunc
        self._best, self._worst = (np.minimum, np.inf) if strategy == 'minimum' else (np.maximum, -np.inf)
        self._found = np.full(shape, self._worst)

    def add(self, part: Part, block: RowBlock, missing: np.ndarray | None) -> None:
        """Add a part of a block."""
        order = np.argsort(part.region, kind='stable')
        rows, regions = part.rows[order], np.unique(part.region)
        values = block.values[rows]
        if missing is not None:
            values[missing[rows]] = self._worst
        best = self._best.reduceat(values, np.searchsorted(part.region[order], regions), axis=0)
        self._found[regions] = self._best(self._found[regions], best)

    def finish(self, total: np.ndarray) -> np.ndarray:
        """Return the statistic, shape (number of regions, T)."""
        return self._found


class Medians:
    """Medians, in each pass over a series of as many regions as fit in memory.

    ``counts`` are the numbers of elements of the regions. Values that are not finite are excluded, or count as 0.
    """

    def __init__(self, shape: tuple[int, int], counts: np.ndarray, count_as_zero: bool) -> None:
        ends = np.cumsum(counts * shape[1] * 8)
        _, self._pass_of = np.unique((ends - 1) // MEDIAN_BYTES, return_inverse=True)
        self._counts, self._found, self._pass = counts, np.full(shape, np.nan), -1
        self._blank = 0 if count_as_zero else np.nan
        self._begin_pass()

    @property
    def needs_pass(self) -> bool:
        """Whether regions are left."""
        return self._pass <= self._pass_of.max(initial=-1)

    def _begin_pass(self) -> None:
        self._pass += 1
        size = int(self._counts[self._pass_of == self._pass].sum())
        self._values: Any = None
        self._region, self._weights, self._n = np.empty(size, dtype=np.intp), np.ones(size), 0

    def add(self, part: Part, block: RowBlock, missing: np.ndarray | None) -> None:
        """Add a part of a block."""
        self.gather(part, block.decoded)

    def gather(self, part: Part, decoded: np.ndarray) -> None:
        """Keep the values of the regions of this pass, of a part of a block in a series, shape (n, T)."""
        part = part.take(self._pass_of[part.region] == self._pass)
        values = floating(decoded[part.rows])
        if self._values is None:
            self._values = np.empty((len(self._region), values.shape[1]), values.dtype)
        kept = slice(self._n, self._n + len(values))
        self._values[kept], self._region[kept] = values, part.region
        self._weights[kept] = 1 if part.weights is None else part.weights
        self._n = kept.stop

    def end_pass(self) -> None:
        """Find the medians of the regions of this pass."""
        region, is_weighted = self._region[: self._n], (self._weights != 1).any()
        for number in np.unique(region):
            rows = np.flatnonzero(region == number)
            values = self._values[rows]
            values[~np.isfinite(values)] = self._blank
            self._found[number] = median_rows(values, self._weights[rows] if is_weighted else None)
        self._begin_pass()

    def finish(self, total: np.ndarray) -> np.ndarray:
        """Return the statistic, shape (number of regions, T)."""
        return self._found


def median_rows(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the median of each column of ``values``, shape (n, T), without NaN; NaN for a column of NaN only.

    With weights, shape (n,), it is the value up to which half of the weights lie, or midway to the next one if half lie
    exactly up to it.

    >>> median_rows(np.array([[1.0, np.nan], [2, np.nan], [9, 5]])).tolist()
    [2.0, 5.0]
    >>> median_rows(np.array([[1.0, 1], [2, 2], [3, 3]]), np.array([1, 1, 2])).tolist()
    [2.5, 2.5]
    """
    out = np.full(values.shape[1], np.nan)
    is_missing = np.isnan(values)
    whole = ~is_missing.any(axis=0)
    if whole.any():
        out[whole] = _median(values if whole.all() else values[:, whole], weights)
    for column in np.flatnonzero(~whole & ~is_missing.all(axis=0)):
        kept = ~is_missing[:, column]
        out[column] = _median(values[kept][:, [column]], None if weights is None else weights[kept])[0]
    return out


def _median(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    if weights is None:
        return find_medians(values.T)
    order = np.argsort(values, axis=0, kind='stable')
    up_to = np.cumsum(weights[order], axis=0)
    half = up_to[-1] / 2
    places = [(up_to < half).sum(axis=0), np.minimum((up_to <= half).sum(axis=0), len(values) - 1)]
    return np.take_along_axis(values, np.take_along_axis(order, np.stack(places), axis=0), axis=0).mean(
        axis=0, dtype=np.float64
    )
