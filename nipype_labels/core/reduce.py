# SPDX-License-Identifier: BSD-3-Clause
"""One number per region and volume, in one pass over blocks of volumes.

A block is an array of shape (b, I·J·K): b volumes as they are stored, each flat with its first axis fastest. A
:class:`~nipype_labels.core.scaling.View` gives the values at an atlas's labelled voxels, a strategy turns those of a
region into one, and :func:`reduce_series` makes the pass.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from ..model.errors import ImageError
from . import grid
from .operators import Gather, RegionWeights, Sums
from .resample import Sampler, clip_range
from .scaling import Decoder, View
from .smooth import kernel_sigmas
from .strategies import STRATEGIES, Partition

#: So much is gathered of a block at a time, in float64; more would no longer be near the processor when it is summed.
GATHERED_BYTES = 16 * 2**20

#: What may become of non-finite voxels.
NAN_POLICIES = ('omit', 'zero', 'raise')


class RegionReducer:
    """Reduce blocks of a series to the regions of one label image.

    Parameters
    ----------
    labels : array of int, shape (I, J, K)
    labels_affine : array, shape (4, 4)
    ids : array of int, shape (L,)
        Region ids in the order of the columns.
    shape, affine : tuple of 3 ints, array of shape (4, 4)
        The series' grid.
    decoder : Decoder
        How stored values become numbers.
    strategy : {'mean', 'sum', 'median', 'minimum', 'maximum', 'variance', 'standard_deviation'}
    smoothing_fwhm : float or sequence of 3 floats
        In mm; 0 is off. Over the whole volume, after sampling and before the reduction.
    nan_policy : {'omit', 'zero', 'raise'}
        Non-finite voxels, and voxels outside the series' field of view, are excluded or count as 0 (as in nilearn);
        ``'raise'`` refuses non-finite voxels and leaves out those outside.
    interpolation : {'cubic', 'linear', 'nearest'}, optional
        How to sample the series on the labels' grid; without it both must have one grid.
    num_threads : int
        How many volumes to sample and smooth at a time.

    Attributes
    ----------
    n_in_view : array of int, shape (L,)
        Voxels of each region in the series' field of view.
    samples : bool
        Whether the series is sampled.
    weights : RegionWeights or None
        Of the series' voxels, if regions are their weighted sums.

    Raises
    ------
    LabelsError
        If a smoothing width is none, or too wide for the voxels.
    """

    def __init__(
        self,
        labels,
        labels_affine,
        ids,
        *,
        shape,
        affine,
        decoder=Decoder(),
        strategy='mean',
        smoothing_fwhm=0.0,
        nan_policy='omit',
        interpolation=None,
        num_threads=1,
    ):
        part, sigmas = Partition.of(labels, ids), kernel_sigmas(smoothing_fwhm, labels_affine)
        in_view, sampler = np.ones(len(part.voxels), dtype=bool), None
        self.samples = interpolation is not None
        if self.samples:
            in_view = _in_view(part.voxels, labels.shape, labels_affine, shape, affine)
            if nan_policy != 'zero':
                part, in_view = part.keep(in_view), in_view[in_view]
        self.n_in_view = np.bincount(part.column[in_view], minlength=part.width)
        if self.samples:
            voxels = None if any(sigmas) else part.voxels
            sampler = Sampler(shape, affine, labels.shape, labels_affine, voxels, interpolation)
        blank = 0.0 if nan_policy == 'zero' else np.nan
        self._part, self._in_view = part, in_view
        self._view = None
        if self.samples or any(sigmas):
            self._view = View(part.voxels, labels.shape, decoder, sampler, sigmas, blank, num_threads)
        self._reduce, self._nan_policy = STRATEGIES[strategy], nan_policy
        self._used = np.zeros(len(part.voxels), dtype=bool)
        self._finite, self._finite_part = None, None
        self.weights = None
        if not self.samples and strategy in ('mean', 'sum') and len(part.voxels):
            self.weights = RegionWeights.of(part, labels.shape, sigmas, strategy == 'mean')

    @property
    def n_used(self):
        """Voxels in view that gave a finite value at least once, shape (L,)."""
        return np.bincount(self._part.column[self._used & self._in_view], minlength=self._part.width)

    @property
    def gathers(self):
        """Flat indices of the series' voxels that are gathered, shape (n,); none if they are sampled or smoothed."""
        if self.weights is not None:
            return self.weights.voxels
        return self._part.voxels if self._view is None else np.empty(0, dtype=np.intp)

    def __call__(self, block, clip=None, first=0, gathered=None, sums=None):
        """Reduce a block.

        Parameters
        ----------
        block : array, shape (b, I·J·K)
        clip : tuple of 2 floats, optional
            Range to keep interpolated values in.
        first : int
            Index of the block's first volume, for errors.
        gathered : Gathered
            Of the block, for what :attr:`gathers` wants; needed if it wants any.
        sums : array, shape (b, m)
            By :attr:`weights`; needed if there are any.

        Returns
        -------
        signals : array, shape (b, L)
            NaN for regions without a value.
        clipped : array of bool, shape (b,)
            Which volumes held values beyond ``clip``.

        Raises
        ------
        ImageError
            If something is not finite and ``nan_policy`` is ``'raise'``.
        """
        signals = np.full((len(block), self._part.width), np.nan)
        clipped = np.zeros(len(block), dtype=bool)
        if not len(self._part.voxels):
            return signals, clipped
        rows = np.arange(len(block))
        if self.weights is not None:
            # Sums are finite only if every value is: the other volumes go the long way.
            whole = np.isfinite(sums).all(axis=1)
            signals[:, self._part.columns] = np.where(whole[:, None], sums, np.nan)
            self._used |= whole.any()
            rows = rows[~whole]
        if not len(rows):
            return signals, clipped
        if self._view is None:
            self._reduce_values(gathered.at(self._part.voxels, rows), signals, rows, first)
            return signals, clipped
        for row, (values, clipped[row]) in zip(rows, self._view(block[rows], clip), strict=True):
            self._reduce_values(values[None], signals, [row], first)
        return signals, clipped

    def _reduce_values(self, values, signals, rows, first):
        """Reduce values at voxels into the rows of ``signals`` that they belong to."""
        if values.dtype.kind != 'f' or np.isfinite(values).all():
            self._used[:] = True
            signals[np.ix_(rows, self._part.columns)] = self._reduce(values, self._part)
        else:
            for row, of_volume in zip(rows, values, strict=True):
                self._reduce_finite(of_volume, signals[row], first + row)

    def _reduce_finite(self, values, out, volume):
        """Reduce one volume's values that may hold NaN or infinities into ``out``, after the policy."""
        finite = np.isfinite(values)
        if self._nan_policy == 'raise' and not finite.all():
            raise ImageError(f"volume {volume}: {(~finite).sum()} labelled voxels are not finite (nan_policy='raise')")
        self._used |= finite
        if self._nan_policy == 'zero':
            out[self._part.columns] = self._reduce(np.where(finite, values, 0)[None], self._part)[0]
            return
        # Holes mostly stay where they are from volume to volume: regroup only when they move.
        if self._finite is None or not np.array_equal(finite, self._finite):
            self._finite, self._finite_part = finite, self._part.keep(finite)
        if finite.any():
            out[self._finite_part.columns] = self._reduce(values[finite][None], self._finite_part)[0]


def _in_view(voxels, labels_shape, labels_affine, shape, affine):
    """Which voxels of a label image lie in the series' field of view."""
    index = np.unravel_index(voxels, labels_shape, order='F')
    return grid.inside(grid.map_voxels(grid.voxel_map(labels_affine, affine), index), shape)


def reduce_series(read_blocks, n_volumes, reducers, decoder=Decoder(), num_threads=1):
    """Reduce a series to regions, for several label images in one pass.

    Interpolated values are clipped to the range of the whole series, which is known only at its end. They are clipped
    to the range seen so far; volumes for which that was too narrow, few if any, are read again.

    Parameters
    ----------
    read_blocks : callable
        Gives a fresh iterator over the series, of pairs (first volume, block).
    n_volumes : int
    reducers : sequence of RegionReducer
    decoder : Decoder
    num_threads : int
        How many reducers to work at a time; it changes no bit.

    Returns
    -------
    signals : list of arrays, shape (n_volumes, L)
        One per reducer.
    mean : array, shape (I·J·K,)
        The series' mean volume.
    """
    signals = [np.full((n_volumes, len(reducer.n_in_view)), np.nan) for reducer in reducers]
    clips = any(reducer.samples for reducer in reducers)
    clip, stale, total = (0.0, 0.0) if clips else None, {}, None
    gather = Gather([reducer.gathers for reducer in reducers], decoder)
    sum_up = Sums([reducer.weights for reducer in reducers], gather)
    with ThreadPoolExecutor(num_threads) as pool:
        # A single reducer is done sooner where the block is at hand, and so are those whose sums are there.
        work = pool.map if min(num_threads, len(reducers)) > 1 else map
        reduce = map if all(reducer.weights is not None for reducer in reducers) else work
        for first, block in _parts(read_blocks(), GATHERED_BYTES // (8 * max(1, len(gather.voxels)))):
            clip = clip_range(decoder(block), *clip) if clips else None
            total = np.zeros(block.shape[1], _sum_type(block.dtype, n_volumes)) if total is None else total
            gathered = gather(block)
            _, sums = work(_call, [partial(_accumulate, block, total), partial(sum_up, gathered)])
            jobs = [
                partial(reducer, block, clip, first, gathered, s) for reducer, s in zip(reducers, sums, strict=True)
            ]
            for out, (values, clipped) in zip(signals, reduce(_call, jobs), strict=True):
                out[first : first + len(block)] = values
                stale.update((first + int(row), clip) for row in np.flatnonzero(clipped))
    stale = {volume for volume, used in stale.items() if used != clip}
    for first, block in read_blocks() if stale else ():
        rows = [row for row in range(len(block)) if first + row in stale]
        for out, reducer in zip(signals, reducers, strict=True):
            if rows and reducer.samples:
                out[[first + row for row in rows]] = reducer(block[rows], clip)[0]
        stale.difference_update(first + row for row in rows)
        if not stale:
            break
    return signals, decoder(total / n_volumes)


def _parts(blocks, most):
    """Blocks of at most so many volumes, or one."""
    for first, block in blocks:
        for start in range(0, len(block), max(1, most)):
            yield first + start, block[start : start + max(1, most)]


def _sum_type(stored, n_volumes):
    """Type for sums of volumes: float64, or integers of half the size if they hold all sums, as exactly and sooner."""
    small = stored.kind in 'iu' and stored.itemsize <= 2 and n_volumes < 2**15
    return np.int32 if small else np.float64


def _accumulate(block, total):
    """Add the volumes of a block to ``total``; what is not finite, or too large, makes it so too."""
    with np.errstate(over='ignore', invalid='ignore'):
        for volume in block:
            np.add(total, volume, out=total)


def _call(job):
    return job()
