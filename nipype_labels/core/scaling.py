# SPDX-License-Identifier: BSD-3-Clause
"""What an atlas sees of a volume: the values at its voxels, decoded, sampled and smoothed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from .smooth import smooth

#: What voxels can be cast to as they are read: nothing, float32 unless integers, or one of two types.
DTYPES = ('none', 'auto', 'float32', 'float64')


#: No measurement is larger than single precision holds: beyond it a value is none, and squares of sums would overflow.
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Decoder:
    """Turn stored values into numbers: ``stored × slope + intercept``, then cast.

    Unscaled integers stay integers if no cast is asked for, so that they are gathered at their own size.

    Attributes
    ----------
    slope, intercept : float
    dtype : dtype, optional
        What to cast to.
    largest : float
        Values beyond become NaN.
    """

    slope: float = 1.0
    intercept: float = 0.0
    dtype: np.dtype | None = None
    largest: float = LARGEST

    def __call__(self, stored):
        """Decode an array.

        >>> Decoder(0.5, 1.0)(np.array([2, 4], dtype='>i2')).tolist(), Decoder()(np.array([1.5, 1e300])).tolist()
        ([2.0, 3.0], [1.5, nan])
        """
        values = np.asarray(stored)
        values = values.astype(values.dtype.newbyteorder('='), copy=False)
        if (self.slope, self.intercept) != (1.0, 0.0):
            with np.errstate(over='ignore', invalid='ignore'):
                values = values * np.float64(self.slope) + np.float64(self.intercept)
        if values.dtype == np.float64 and not max(values.max(initial=0), -values.min(initial=0)) <= self.largest:
            values = np.where(np.abs(values) <= self.largest, values, np.nan)
        return values if self.dtype is None else values.astype(self.dtype, copy=False)


class View:
    """Volumes sampled at some voxels or smoothed, one by one.

    Parameters
    ----------
    voxels : array of int, shape (n,)
        Flat indices (first axis fastest) on the grid of the labels.
    shape : tuple of 3 ints
        That grid.
    decoder : Decoder
    sampler : Sampler, optional
        From the series' grid to ``voxels``, or to the whole grid if there is smoothing. Without it both grids are one.
    sigmas : tuple of 3 floats
        Smoothing kernel in voxels; all 0 is off.
    blank : float
        What stands for holes and for what lies outside the field of view: NaN or 0.
    num_threads : int
        How many volumes to work at a time.
    """

    def __init__(self, voxels, shape, decoder, sampler=None, sigmas=(0, 0, 0), blank=np.nan, num_threads=1):
        self.voxels, self.shape, self.decoder = voxels, tuple(shape), decoder
        self.sampler, self.sigmas, self.blank = sampler, sigmas, blank
        self.num_threads = num_threads

    def __call__(self, block, clip=None):
        """Look at a block.

        Parameters
        ----------
        block : array, shape (b, I·J·K)
        clip : tuple of 2 floats, optional
            Range to keep sampled values in.

        Yields
        ------
        values : array, shape (n,)
            Of each volume in turn.
        clipped : bool
            Whether it held sampled values beyond ``clip``.
        """
        with ThreadPoolExecutor(self.num_threads) as pool:
            yield from pool.map(lambda stored: self._look(stored, clip), block)

    def _look(self, stored, clip):
        """Values of one flat volume, and whether some were sampled beyond ``clip``."""
        volume, clipped = floating(self.decoder(stored)), False
        if self.sampler is not None:
            volume = volume.reshape(self.sampler.shape, order='F')
            volume, clipped = self.sampler.sample(volume, clip, self.blank)
        return (self._smooth(volume) if any(self.sigmas) else volume), clipped

    def _smooth(self, volume):
        """Smooth a flat volume and take the voxels wanted."""
        volume = np.where(np.isfinite(volume), volume, volume.dtype.type(self.blank))
        smoothed = smooth(volume.reshape(self.shape, order='F'), self.sigmas)
        return smoothed.reshape(-1, order='F')[self.voxels]


def floating(values):
    """The values as floating point that holds them exactly: float32 where that can, else float64.

    >>> floating(np.array([1], dtype=np.int16)).dtype, floating(np.array([1], dtype=np.int32)).dtype
    (dtype('float32'), dtype('float64'))
    """
    return values.astype(np.float32 if np.can_cast(values.dtype, np.float32) else np.float64, copy=False)
