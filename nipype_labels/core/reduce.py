# SPDX-License-Identifier: BSD-3-Clause
"""One number per region and volume, in one pass over blocks of volumes.

A block is an array of shape (b, I·J·K): b volumes as they are stored, each flat with its first axis fastest. A
:class:`~nipype_labels.core.view.View` gives the values at an atlas's labelled voxels, a strategy turns those of a
region into one, and :func:`reduce_series` makes the pass.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from . import grid
from .errors import ImageError
from .partition import STRATEGIES, Partition
from .resample import Sampler, clip_range
from .smooth import kernel_sigmas, region_weights
from .view import Decoder, View

#: What may become of non-finite voxels.
NAN_POLICIES = ('omit', 'zero', 'raise')


@dataclass(frozen=True)
class FoldedSmoothing:
    """Means or sums of smoothed volumes, by weights that hold the smoothing.

    Attributes
    ----------
    voxels : array of int, shape (n,)
        Flat indices of all voxels with a weight.
    weights : scipy.sparse.csr_array, shape (m, n)
        Of each voxel in each region that has voxels.
    decoder : Decoder
    """

    voxels: np.ndarray
    weights: object
    decoder: Decoder

    @classmethod
    def of(cls, part, shape, sigmas, decoder, mean):
        """Weights for the sums, or means, of ``part``'s regions; None if there would be too many."""
        weights = region_weights(part.voxels, part.starts, shape, sigmas)
        if weights is None:
            return None
        reached = np.zeros(weights.shape[1], dtype=bool)
        reached[weights.indices] = True
        voxels = np.flatnonzero(reached)
        if mean:
            weights.data /= np.repeat(part.counts, np.diff(weights.indptr))
        return cls(voxels, weights[:, voxels], decoder)

    def __call__(self, block):
        """Reduce the volumes of a block that are finite wherever there is a weight.

        Parameters
        ----------
        block : array, shape (b, I·J·K)

        Returns
        -------
        whole : array of bool, shape (b,)
            Which volumes are.
        values : array, shape (number of these, m)
        """
        stored = self.decoder(np.take(block, self.voxels, axis=1))
        whole = np.isfinite(stored).all(axis=1)
        values = np.ascontiguousarray(stored[whole].T, dtype=np.float64)
        return whole, (self.weights @ values).T


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
        Non-finite voxels, and voxels outside the series' field of view, are left out or count as 0 (nilearn's way);
        ``'raise'`` refuses non-finite voxels and leaves out those outside.
    interpolation : {'cubic', 'linear', 'nearest'}, optional
        How to sample the series on the labels' grid; without it both must have one grid.
    num_threads : int
        How many volumes to sample and smooth at a time.

    Attributes
    ----------
    n_in_view : array of int, shape (L,)
        Voxels of each region in the series' field of view.
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
            matrix = grid.voxel_map(labels_affine, affine)
            index = np.unravel_index(part.voxels, labels.shape, order='F')
            in_view = grid.inside(grid.map_voxels(matrix, index), shape)
        self.n_in_view = np.bincount(part.column[in_view], minlength=part.width)
        if nan_policy != 'zero':
            part, in_view = part.keep(in_view), in_view[in_view]
        if self.samples:
            voxels = None if any(sigmas) else part.voxels
            sampler = Sampler(shape, affine, labels.shape, labels_affine, voxels, interpolation)
        blank = 0.0 if nan_policy == 'zero' else np.nan
        self._part, self._in_view = part, in_view
        self._view = View(part.voxels, labels.shape, decoder, sampler, sigmas, blank, num_threads)
        self._reduce, self._nan_policy = STRATEGIES[strategy], nan_policy
        self._used = np.zeros(len(part.voxels), dtype=bool)
        self._finite, self._finite_part = None, None
        self._folded = None
        if any(sigmas) and not self.samples and strategy in ('mean', 'sum') and len(part.voxels):
            self._folded = FoldedSmoothing.of(part, labels.shape, sigmas, decoder, strategy == 'mean')

    @property
    def n_used(self):
        """Voxels in view that gave a finite value at least once, shape (L,)."""
        return np.bincount(self._part.column[self._used & self._in_view], minlength=self._part.width)

    @property
    def gathered(self):
        """Flat indices of the series' voxels that are gathered, shape (n,); None if they are sampled or smoothed."""
        return self._part.voxels if self._view.gathers else None

    def __call__(self, block, clip=None, first=0, voxels=None):
        """Reduce a block.

        Parameters
        ----------
        block : array, shape (b, I·J·K)
        clip : tuple of 2 floats, optional
            Range to keep interpolated values in.
        first : int
            Index of the block's first volume, for errors.
        voxels : array of int, shape (n,), optional
            Where in the block to gather what :attr:`gathered` names, if it holds only some of the voxels.

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
        if self._folded is not None:
            whole, values = self._folded(block)
            signals[np.ix_(whole, self._part.columns)] = values
            self._used |= whole.any()
            rows = rows[~whole]
        if len(rows):
            block = block[rows] if len(rows) < len(block) else block
            for part, values, beyond in self._view(block, clip, voxels):
                self._reduce_values(values, signals, rows[part], first)
                clipped[rows[part]] = beyond
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
    gathered, places = _share_voxels(reducers)
    with ThreadPoolExecutor(num_threads) as pool:
        # A single reducer is done sooner where the block is at hand.
        work = pool.map if min(num_threads, len(reducers)) > 1 else map
        for first, block in read_blocks():
            clip = clip_range(decoder(block), *clip) if clips else None
            # What several gather is gathered together and in the order of memory first: then it is in the cache.
            compact = np.take(block, gathered, axis=1) if len(gathered) else None
            blocks = [block if within is None else compact for within in places]
            reduced = work(_reduce_block, reducers, blocks, repeat(clip), repeat(first), places)
            total = np.zeros(block.shape[1]) if total is None else total
            for volume in block:
                np.add(total, volume, out=total)
            for out, (values, clipped) in zip(signals, reduced, strict=True):
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


def _reduce_block(reducer, *given):
    return reducer(*given)


def _share_voxels(reducers):
    """Voxels that several reducers gather, in the order of memory, and where among them each finds its own.

    Returns
    -------
    gathered : array of int, shape (n,)
        None of them if fewer than two reducers gather.
    places : list of (array of int or None)
    """
    own = [reducer.gathered for reducer in reducers]
    voxels = [v for v in own if v is not None and len(v)]
    if len(voxels) < 2:
        return np.empty(0, dtype=np.intp), [None] * len(own)
    among = np.zeros(max(v.max() for v in voxels) + 1, dtype=bool)
    for v in voxels:
        among[v] = True
    place = np.cumsum(among) - 1
    return np.flatnonzero(among), [None if v is None else place[v] for v in own]
