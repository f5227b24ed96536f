# SPDX-License-Identifier: BSD-3-Clause
"""Values of a block of volumes at the voxels of an atlas: as they are, or sampled and smoothed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np

from .operators import Block
from .resample import Sampler
from .scaling import floating
from .smooth import smooth

#: Number of values that are taken out of a block at a time; more would not stay in the processor's cache.
VALUES_AT_ONCE = 2**21


class StoredVoxels:
    """Values at voxels on the grid of the series.

    Parameters
    ----------
    voxels : array of int, shape (n,)
    """

    needs_volumes = False

    def __init__(self, voxels: np.ndarray) -> None:
        self.elements = voxels

    def __call__(
        self, block: Block, rows: np.ndarray, clip: tuple[float, float] | None = None
    ) -> Iterator[tuple[int, np.ndarray, tuple[bool, bool]]]:
        """Yield the number of volumes, their values (n_volumes, n), and that they are not below or above ``clip``."""
        # Regions that overlap need more values than a block has.
        most = max(1, VALUES_AT_ONCE // max(1, len(self.elements)))
        for start in range(0, len(rows), most):
            some = rows[start : start + most]
            yield len(some), block.values_at(self.elements, some), (False, False)


class SampledVoxels:
    """Values at voxels of volumes that are sampled on another grid, smoothed, or both.

    Parameters
    ----------
    voxels : array of int, shape (n,)
        On the grid of the labels.
    shape : tuple of 3 ints
        Of that grid.
    sampler : callable, optional
        Returns the Sampler from the grid of the series to ``voxels``, or to the whole grid of the labels if volumes are
        smoothed; it is called when the first volume is sampled. Without it, both are on one grid.
    sigmas : tuple of 3 floats
        Widths of the smoothing kernel in voxels; all 0 is off.
    blank : float
        Value of voxels that are not finite or outside the field of view: NaN or 0.
    num_threads : int
        Number of volumes that are processed at a time.
    """

    needs_volumes = True

    def __init__(
        self,
        voxels: np.ndarray,
        shape: tuple[int, ...],
        sampler: Callable[[], Sampler] | None = None,
        sigmas: tuple[float, ...] = (0, 0, 0),
        blank: float = np.nan,
        num_threads: int = 1,
    ) -> None:
        self.elements, self._voxels, self._shape = np.empty(0, dtype=np.intp), voxels, tuple(shape)
        self._make_sampler, self._sigmas, self._blank, self._num_threads = sampler, sigmas, blank, num_threads

    def __call__(
        self, block: Block, rows: np.ndarray, clip: tuple[float, float] | None = None
    ) -> Iterator[tuple[int, np.ndarray, tuple[bool, bool]]]:
        """Yield for each volume 1, its values, shape (1, n), and whether some were below and above ``clip``."""
        _ = self._sampler  # before threads would make one each
        with ThreadPoolExecutor(self._num_threads) as pool:
            yield from pool.map(lambda row: self._sample(block.volume(row), clip), rows)

    @cached_property
    def _sampler(self) -> Sampler | None:
        return None if self._make_sampler is None else self._make_sampler()

    def _sample(
        self, volume: np.ndarray, clip: tuple[float, float] | None
    ) -> tuple[int, np.ndarray, tuple[bool, bool]]:
        """Return the values of one flat volume."""
        clipped = (False, False)
        if self._sampler is None or not self._sampler.order:
            volume = floating(volume)
        if self._sampler is not None:
            volume = volume.reshape(self._sampler.shape, order='F')
            volume, clipped = self._sampler.sample(volume, clip, self._blank)
        return 1, (self._smooth(volume) if any(self._sigmas) else volume)[None], clipped

    def _smooth(self, volume: np.ndarray) -> np.ndarray:
        """Smooth a flat volume and return its values at the voxels."""
        volume = np.where(np.isfinite(volume), volume, volume.dtype.type(self._blank))
        smoothed = smooth(volume.reshape(self._shape, order='F'), self._sigmas)
        return smoothed.reshape(-1, order='F')[self._voxels]
