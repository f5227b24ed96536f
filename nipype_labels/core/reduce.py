# SPDX-License-Identifier: BSD-3-Clause
"""Time series of the regions of atlases, in one pass over a series in blocks of volumes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from ..model.errors import ImageError
from ..model.space import VolumeGrid
from ..model.weighted import AnyAtlas
from .ahead import read_ahead
from .elements import ElementUnion
from .joining import count_joined, join_blocks
from .operators import Block, RegionOperator
from .resample import Sampler, clip_range
from .sampled_sums import SampledSums
from .sampling import SampledVoxels, StoredVoxels
from .scaling import Decoder, ReadBlocks
from .smooth import kernel_sigmas
from .strategies import RegionIndex, check_strategy, reduce_values
from .sums import SeriesSums, divide

#: Size in float64 of the values that are taken out of a block at a time; more would not stay in the processor's cache.
GATHERED_BYTES = 16 * 2**20


@dataclass(frozen=True, eq=False)
class Reduction:
    """What reducing a series to the regions of an atlas returns.

    Attributes
    ----------
    signals : array, shape (T, L)
        Time series; NaN where a region has no value.
    n_used : array of int, shape (L,)
        Voxels in the field of view that have a finite value in at least one volume.
    n_in_view : array of int, shape (L,)
        Voxels in the field of view of the series.
    weight_used : array, shape (L,)
        Sum of the magnitudes of the weights of the voxels that are used; of labels their number.
    is_collinear : array of bool, shape (L,)
        Maps that are linear combinations of others, so that only one of many best fits is returned.
    n_zero : array of int, shape (L,), or None
        Elements of surfaces that are 0 in every volume, and excluded; None for volumes.
    """

    signals: np.ndarray
    n_used: np.ndarray
    n_in_view: np.ndarray
    weight_used: np.ndarray
    is_collinear: np.ndarray
    n_zero: np.ndarray | None = None


class RegionReducer:
    """Reduces blocks of a series to the regions of one atlas.

    Sums and means of values on the grid of the series are products with a :class:`RegionOperator`. Other statistics,
    and volumes with values that are not finite, are computed from the values at the voxels of the regions.

    Parameters
    ----------
    atlas : Atlas or WeightedAtlas
    space : VolumeGrid
        Of the series.
    strategy : {'mean', 'sum', 'median', 'minimum', 'maximum', 'variance', 'standard_deviation', 'weighted_mean', \
'least_squares'}
    smoothing_fwhm : float or sequence of 3 floats
        In mm; 0 is off. Volumes are smoothed whole, after sampling.
    nan_policy : {'omit', 'zero', 'raise'}
        Voxels that are not finite, and voxels outside the field of view, are excluded or count as 0 (as in nilearn);
        ``'raise'`` refuses voxels that are not finite and excludes those outside.
    interpolation : {'cubic', 'linear', 'nearest'}, optional
        How the series is sampled on the grid of the atlas; without it, both are on one grid.
    num_threads : int
        Number of volumes that are sampled and smoothed at a time.

    Raises
    ------
    LabelsError
        If a smoothing width is invalid, or too wide for the voxels, or the strategy does not fit the atlas.
    """

    def __init__(
        self,
        atlas: AnyAtlas,
        space: VolumeGrid,
        *,
        strategy: str = 'mean',
        smoothing_fwhm: float | Sequence[float] = 0.0,
        nan_policy: str = 'omit',
        interpolation: str | None = None,
        num_threads: int = 1,
    ) -> None:
        check_strategy(strategy, atlas)
        index, sigmas = RegionIndex.of(atlas), kernel_sigmas(smoothing_fwhm, atlas.space.affine)
        in_view, sampler = np.broadcast_to(np.True_, len(index.voxels)), None
        self.is_sampled = interpolation is not None
        if interpolation is not None:
            in_view = space.contains(atlas.space, index.voxels)
            if nan_policy != 'zero':
                index, in_view = index.keep(index.at_entries(in_view)), in_view[in_view]
            sampler = cache(partial(Sampler, space, atlas.space, None if any(sigmas) else index.voxels, interpolation))
        self.voxels: StoredVoxels | SampledVoxels = StoredVoxels(index.voxels)
        if self.is_sampled or any(sigmas):
            blank = 0.0 if nan_policy == 'zero' else np.nan
            self.voxels = SampledVoxels(index.voxels, atlas.space.shape, sampler, sigmas, blank, num_threads)
        self._sampled_sums = None
        if sampler and interpolation == 'cubic' and strategy in ('mean', 'sum') and not any(sigmas):
            self._sampled_sums = SampledSums.of(space, atlas.space, index, sampler, num_threads)
        self.operator = None
        if not self.is_sampled:
            self.operator = RegionOperator.of(index, atlas.space.shape, sigmas, strategy)
        self._index, self._in_view = index, in_view
        self._reduce, self._nan_policy = partial(reduce_values, strategy), nan_policy
        self._strategy, self._divisor = strategy, index.counts if strategy == 'mean' else 1
        self._used, self._uses_all = np.zeros(len(index.voxels), dtype=bool), False
        self._finite: np.ndarray | None = None
        self._finite_index = index

    @property
    def elements(self) -> np.ndarray:
        """Numbers of the elements whose values a block must have for this reducer."""
        return self.voxels.elements if self.operator is None else self.operator.elements

    @property
    def needs_volumes(self) -> bool:
        """Whether every volume is needed whole."""
        return self.operator is None and self.voxels.needs_volumes

    @property
    def width(self) -> int:
        """Number of regions."""
        return self._index.width

    @property
    def n_in_view(self) -> np.ndarray:
        """Voxels of each region in the field of view of the series, shape (L,)."""
        return self._index.count(self._index.at_entries(self._in_view))

    @property
    def n_used(self) -> np.ndarray:
        """Voxels of each region in the field of view that had a finite value in a volume so far, shape (L,)."""
        return self._index.count(self._index.at_entries(self._used & self._in_view))

    def summarize(self, signals: np.ndarray) -> Reduction:
        """Return the Reduction of the volumes so far, whose time series are ``signals``."""
        used = self._index.at_entries(self._used & self._in_view)
        weight = self._index.sum_weights(used)
        fitted = self._index.keep(used) if self._strategy == 'least_squares' else None
        is_collinear = np.zeros(self.width, dtype=bool) if fitted is None else fitted.find_collinear()
        return Reduction(signals, self._index.count(used), self.n_in_view, weight, is_collinear)

    def __call__(
        self, block: Block, clip: tuple[float, float] | None = None, sums: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Reduce a block.

        Parameters
        ----------
        block : Block
        clip : tuple of 2 floats, optional
            Range to which interpolated values are clipped.
        sums : array, shape (b, m)
            Product of the operator, if there is one.

        Returns
        -------
        signals : array, shape (b, L)
            NaN for regions without a value.
        clipped : array of bool, shape (b, 2)
            Which volumes had values below and above ``clip``.

        Raises
        ------
        ImageError
            If a value is not finite and ``nan_policy`` is ``'raise'``.
        """
        signals = np.full((len(block), self.width), np.nan)
        clipped = np.zeros((len(block), 2), dtype=bool)
        rows = np.arange(len(block) if len(self._index.elements) else 0)
        if sums is not None:
            # Sums are finite only if every value is: other volumes are reduced from their values.
            whole = np.isfinite(sums).all(axis=1)
            signals[:, self._index.columns] = np.where(whole[:, None], sums, np.nan)
            if whole.any():
                self._use_all()
            rows = rows[~whole]
        if self._sampled_sums is not None:
            found = list(self._sampled_sums(block, rows, clip or (-np.inf, np.inf)))
            for row, (of_volume, may_change) in zip(rows, found, strict=True):
                clipped[row] = may_change
                if of_volume is not None:
                    signals[row, self._index.columns] = of_volume / self._divisor
                    self._use_all()
            rows = rows[[of_volume is None for of_volume, _ in found]]
        if len(rows):
            start = 0
            for n, values, beyond in self.voxels(block, rows, clip):
                some = rows[start : start + n]
                clipped[some] |= beyond
                self._reduce_values(values, signals, some, block.first)
                start += n
        return signals, clipped

    def _use_all(self) -> None:
        """Note that a volume had a finite value at every voxel."""
        if not self._uses_all:
            self._used[:] = self._uses_all = True

    def clip_to_range(self, signals: np.ndarray, clip: tuple[float, float]) -> None:
        """Clip what was sampled of the volumes so far to the range of the series, in ``signals``, shape (T, L)."""
        if self._sampled_sums is not None:
            for volume, sums in self._sampled_sums.clip_to_range(clip):
                signals[volume, self._index.columns] = sums / self._divisor

    def _reduce_values(self, values: np.ndarray, signals: np.ndarray, rows: np.ndarray, first: int) -> None:
        """Reduce values at voxels, shape (number of rows, n), into rows of ``signals``."""
        if values.dtype.kind != 'f' or np.isfinite(values).all():
            self._use_all()
            signals[np.ix_(rows, self._index.columns)] = self._reduce(values, self._index)
        else:
            for row, of_volume in zip(rows, values, strict=True):
                self._reduce_finite(of_volume, signals[row], first + row)

    def _reduce_finite(self, values: np.ndarray, out: np.ndarray, volume: int) -> None:
        """Reduce the values of a volume of which some may not be finite, after the policy, into ``out``."""
        finite = np.isfinite(values)
        if self._nan_policy == 'raise' and not finite.all():
            wrong = f'{(~finite).sum()} of {finite.size} labelled voxels'
            raise ImageError(f"volume {volume}: values that are not finite in {wrong} (nan_policy='raise')")
        self._used |= finite
        if self._nan_policy == 'zero':
            out[self._index.columns] = self._reduce(np.where(finite, values, 0)[None], self._index)[0]
            return
        # Voxels that are not finite are mostly the same in every volume: regroup only when they change.
        if self._finite is None or not np.array_equal(finite, self._finite):
            self._finite, self._finite_index = finite, self._index.keep(self._index.at_entries(finite))
        if finite.any():
            out[self._finite_index.columns] = self._reduce(values[finite][None], self._finite_index)[0]


def choose_reducer(
    atlas: AnyAtlas, space: VolumeGrid, *, resampling_target: str, interpolation: str, **options: Any
) -> RegionReducer:
    """Return the reducer of a series on the grid ``space`` to an atlas.

    With the target ``'labels'``, the series is sampled on the grid of the atlas unless it is on that grid. Otherwise
    both must be on one grid, or GridError is raised. ``options`` are parameters of :class:`RegionReducer`.
    """
    is_sampled = resampling_target == 'labels' and not space.matches(atlas.space)
    if not is_sampled:
        atlas.space.require(space, "resample the labels, or set resampling_target='labels'")
    return RegionReducer(atlas, space, interpolation=interpolation if is_sampled else None, **options)


def reduce_series(
    read_blocks: ReadBlocks,
    n_volumes: int,
    reducers: Sequence[RegionReducer],
    decoder: Decoder = Decoder(),
    num_threads: int = 1,
) -> tuple[list[Reduction], np.ndarray]:
    """Reduce a series to the regions of several atlases in one pass.

    Interpolated values are clipped to the range of the whole series, which is known only at its end. They are clipped
    to the range so far; volumes that were cut where the range is wider at the end, few if any, are read again.

    Parameters
    ----------
    read_blocks : callable
        Returns a new iterator over the series, of pairs (first volume, stored values of shape (b, I·J·K)).
    n_volumes : int
        T.
    reducers : sequence of RegionReducer
    decoder : Decoder
    num_threads : int
        Number of reducers that run at a time; it has no influence on the result.

    Returns
    -------
    reductions : list of Reduction
        One per reducer.
    mean : array, shape (I·J·K,)
        Mean volume of the series.
    """
    signals = [np.full((n_volumes, reducer.width), np.nan) for reducer in reducers]
    clips = any(reducer.is_sampled for reducer in reducers)
    clip = (0.0, 0.0)
    bounds = np.full((n_volumes, 2), np.nan)  # at which values were cut
    union = ElementUnion([reducer.elements for reducer in reducers])
    sums = SeriesSums([reducer.operator for reducer in reducers], decoder, union, n_volumes)
    with ThreadPoolExecutor(num_threads) as pool:
        # A single reducer is faster in the thread that has the block, and so are those whose sums are known.
        work: Any = pool.map if min(num_threads, len(reducers)) > 1 else map
        fitted = [each.operator.fitted for each in reducers if each.operator and each.operator.fitted]
        # Meanwhile the first blocks are read.
        solving = [pool.submit(getattr, index, 'gram_inverse') for index in fitted if num_threads > 1]
        reduce: Any = map if all(reducer.operator is not None for reducer in reducers) else work
        n_joined = count_joined([reducer.operator for reducer in reducers], union)
        if n_joined:
            blocks: Any = read_ahead(join_blocks(read_blocks(), union, decoder, n_joined, sums.add), num_threads)
        else:
            parts = _split(read_blocks(), GATHERED_BYTES // (8 * max(1, len(union.elements))))
            blocks = ((_open_block(stored, decoder, union, first, reducers), None) for first, stored in parts)
        # After an error, a block that is being read is waited for, so that the series can be closed.
        with closing(blocks):
            for block, known in blocks:
                wait(solving)
                first = block.first
                clip = clip_range(block.decoded, *clip) if clips else clip
                sums.open(block.stored)
                add: Any = partial(sums.add, block.stored) if known is None else partial(list, known)
                both = work(_call, [add, partial(sums.sum_up, block)])
                found = [a if b is None else b for a, b in zip(*both, strict=True)]
                jobs = [partial(reducer, block, clip, of_one) for reducer, of_one in zip(reducers, found, strict=True)]
                for out, (values, clipped) in zip(signals, reduce(_call, jobs), strict=True):
                    out[first : first + len(block)] = values
                    np.copyto(bounds[first : first + len(block)], clip, where=clipped)
    for out, reducer in zip(signals, reducers, strict=True):
        reducer.clip_to_range(out, clip)
    stale = set(np.flatnonzero((~np.isnan(bounds) & (bounds != clip)).any(axis=1)).tolist())
    for first, stored in read_blocks() if stale else ():
        rows = [row for row in range(len(stored)) if first + row in stale]
        sampled = [(out, reducer) for out, reducer in zip(signals, reducers, strict=True) if reducer.is_sampled]
        block = Block(stored[rows], decoder, union, first)
        for out, reducer in sampled if rows else ():
            out[[first + row for row in rows]] = reducer(block, clip)[0]
        stale.difference_update(first + row for row in rows)
        if not stale:
            break
    # Nothing else of the size of a volume is in memory with the mean.
    total = sums.total
    del add, block, blocks, both, union, sums, jobs
    done = zip(signals, reducers, strict=True)
    return [reducer.summarize(out) for out, reducer in done], decoder(divide(total, n_volumes))


def _open_block(
    stored: np.ndarray, decoder: Decoder, union: ElementUnion, first: int, reducers: Sequence[RegionReducer]
) -> Block:
    """Return a block that has what the reducers need, decoded before they run in several threads."""
    block = Block(stored, decoder, union, first)
    # A single reducer decodes each volume when it needs it, which takes less memory.
    if sum(reducer.needs_volumes for reducer in reducers) > 1:
        _ = block.decoded
    if any(reducer.operator is None and not reducer.needs_volumes for reducer in reducers):
        _ = block.values
    return block


def _split(blocks: Iterable[tuple[int, np.ndarray]], most: int) -> Iterator[tuple[int, np.ndarray]]:
    """Split blocks into parts of at most ``most`` volumes, or one."""
    for first, block in blocks:
        for start in range(0, len(block), max(1, most)):
            yield first + start, block[start : start + max(1, most)]


def _call(job: Callable) -> Any:
    return job()
