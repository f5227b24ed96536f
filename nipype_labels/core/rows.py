# SPDX-License-Identifier: BSD-3-Clause
"""Time series of the regions of parcellations, from a series in blocks of elements.

Surface and CIFTI series store the values of an element together: a block has some elements in all volumes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..model.atlas import Atlas
from ..model.errors import ImageError
from .reduce import Reduction
from .row_statistics import Extremes, Medians, Moments, Part, RowBlock, Sums
from .scaling import Decoder
from .strategies import RegionIndex

#: Function that returns a new iterator over a series: pairs of the first element, and stored values (n, T).
ReadRows = Callable[[], Iterable[tuple[int, np.ndarray]]]

#: Size in float64 of the values that are reduced at a time; more would not stay in the processor's cache.
BLOCK_BYTES = 8 * 2**20

#: Statistics that are not sums.
_STATISTICS = {'minimum': Extremes, 'maximum': Extremes, 'variance': Moments, 'standard_deviation': Moments}


class RowReducer:
    """Reduces blocks of elements to the regions of a parcellation.

    Parameters
    ----------
    atlas : Atlas
        Labels on the space of the series.
    strategy : {'mean', 'sum', 'median', 'minimum', 'maximum', 'variance', 'standard_deviation', 'weighted_mean', \
'least_squares'}
        The last two are the mean, as of all labels.
    nan_policy : {'omit', 'zero', 'raise'}
        Values that are not finite are excluded, count as 0, or raise an error.
    zeros : {'omit', 'keep'}
        Whether elements that are 0 in every volume are excluded, such as those of the medial wall.
    areas : array, shape (number of elements,), optional
        Weights of the elements: their areas in mm². Minimum and maximum are not weighted.
    """

    def __init__(
        self,
        atlas: Atlas,
        *,
        strategy: str = 'mean',
        nan_policy: str = 'omit',
        zeros: str = 'omit',
        areas: np.ndarray | None = None,
    ) -> None:
        index, size = RegionIndex.of(atlas), atlas.labels.size
        self._areas = None if areas is None else np.asarray(areas, dtype=np.float64)
        weights = None if self._areas is None else self._areas[index.elements]
        self._index = RegionIndex(index.elements, index.starts, index.columns, index.width, weights)
        self._region = np.full(size, -1, dtype=np.int32)
        self._region[index.elements] = np.repeat(np.arange(self.n_regions), index.counts)
        self._strategy, self._nan_policy, self._omits_zeros = strategy, nan_policy, zeros == 'omit'
        self._is_zero, self._has_finite = np.zeros(size, dtype=bool), np.ones(size, dtype=bool)

    @property
    def n_regions(self) -> int:
        """Number of regions that have elements."""
        return len(self._index.starts)

    @property
    def needs_pass(self) -> bool:
        """Whether the series must be read again."""
        return isinstance(self._statistic, Medians) and self._statistic.needs_pass

    def start(self, n_volumes: int) -> None:
        """Begin a series of T volumes."""
        shape = (self.n_regions, n_volumes)
        if self._strategy == 'median':
            self._statistic: Any = Medians(shape, self._index.counts, self._nan_policy == 'zero')
        else:
            self._statistic = _STATISTICS.get(self._strategy, Sums)(shape, self._strategy)
        # Number of values that are not finite, and the sum of their weights, by region and volume, if there are any.
        self._missing: Any = None
        self._n_volumes = n_volumes

    def add(self, block: RowBlock) -> None:
        """Add a block; ImageError if ``nan_policy`` is ``'raise'`` and a value of a region is not finite."""
        some = slice(block.first, block.first + len(block.values))
        if self._nan_policy == 'raise' and block.missing is not None:
            wrong = block.first + np.flatnonzero((self._region[some] >= 0) & block.missing.any(axis=1))
            if len(wrong):
                raise ImageError(f"element {wrong[0]}: values of a region are not finite (nan_policy='raise')")
        if self._omits_zeros:
            self._is_zero[some] = block.is_zero
        self._has_finite[some] = block.has_finite
        part, missing = self._part(some), None if self._nan_policy == 'zero' else block.missing
        if len(part.rows):
            self._statistic.add(part, block, missing)
            if missing is not None:
                self._count_missing(part, missing)

    def add_again(self, first: int, decoded: np.ndarray) -> None:
        """Add a block, shape (n, T), whose first element is ``first``, in a further pass over the series."""
        self._statistic.gather(self._part(slice(first, first + len(decoded))), decoded)

    def _part(self, some: slice) -> Part:
        """Return which of some elements are used, and for which regions."""
        region = self._region[some]
        rows = np.flatnonzero((region >= 0) & self._is_kept(some))
        return Part(rows, region[rows], None if self._areas is None else self._areas[some][rows])

    def _is_kept(self, some: slice) -> np.ndarray:
        """Return which of some elements are used."""
        return ~self._is_zero[some] & (self._has_finite[some] | (self._nan_policy == 'zero'))

    def _count_missing(self, part: Part, missing: np.ndarray) -> None:
        """Count values that are not finite."""
        part = part.take(missing[part.rows].any(axis=1))
        if len(part.rows):
            if self._missing is None:
                self._missing = np.zeros((2, self.n_regions, self._n_volumes))
            values = missing.astype(np.float64)
            for counts, weights in zip(self._missing, (None, part.weights), strict=True):
                replace(part, weights=weights).add(counts, values)

    def end_pass(self) -> None:
        """End a pass over the series."""
        if isinstance(self._statistic, Medians):
            self._statistic.end_pass()

    def summarize(self) -> Reduction:
        """Return the Reduction of the series."""
        index, is_kept = self._index, self._is_kept(slice(None))[self._index.elements]
        n, total = index.count(is_kept)[index.columns, None], index.sum_weights(is_kept)[index.columns, None]
        if self._missing is not None:
            n, total = n - self._missing[0], total - self._missing[1]
        signals = np.full((self._n_volumes, index.width), np.nan)
        with np.errstate(divide='ignore', invalid='ignore'):
            signals[:, index.columns] = np.where(n > 0, self._statistic.finish(total), np.nan).T
        # With many parcellations, sums and time series of all would need twice the memory.
        del self._statistic
        in_view = ~self._is_zero[index.elements]
        used = in_view & self._has_finite[index.elements]
        return Reduction(
            signals=signals,
            n_used=index.count(used),
            n_in_view=index.count(in_view),
            weight_used=index.sum_weights(used),
            is_collinear=np.zeros(index.width, dtype=bool),
            n_zero=index.count(~in_view),
        )


def reduce_rows(
    read_rows: ReadRows, n_volumes: int, reducers: Sequence[RowReducer], decoder: Decoder = Decoder()
) -> tuple[list[Reduction], np.ndarray]:
    """Reduce a series to the regions of several parcellations in one pass; medians may need more passes.

    Parameters
    ----------
    read_rows : callable
        Returns a new iterator over the series, of pairs (first element, stored values of shape (n, T)).
    n_volumes : int
        T.
    reducers : sequence of RowReducer
    decoder : Decoder

    Returns
    -------
    reductions : list of Reduction
        One per reducer.
    mean : array, shape (number of elements,)
        Mean of each element over volumes.
    """
    for reducer in reducers:
        reducer.start(n_volumes)
    sums = []
    # Threads do not help: additions wait for memory.
    for block in _read_blocks(read_rows, decoder):
        sums.append(block.sums)
        for reducer in reducers:
            reducer.add(block)
    for reducer in reducers:
        reducer.end_pass()
    while any(reducer.needs_pass for reducer in reducers):
        remaining = [reducer for reducer in reducers if reducer.needs_pass]
        for first, stored in read_rows():
            for reducer in remaining:
                reducer.add_again(first, decoder(stored))
        for reducer in remaining:
            reducer.end_pass()
    return [reducer.summarize() for reducer in reducers], np.concatenate(sums) / n_volumes


def _read_blocks(read_rows: ReadRows, decoder: Decoder) -> Iterator[RowBlock]:
    """Yield the blocks of a series, in parts of a few elements, each in the memory of the one before."""
    buffer: Any = None
    for first, stored in read_rows():
        most = max(1, BLOCK_BYTES // (8 * stored.shape[1]))
        if buffer is None:
            buffer = np.empty((most, stored.shape[1]))
        for start in range(0, len(stored), most):
            yield RowBlock(decoder(stored[start : start + most]), first + start, buffer)
