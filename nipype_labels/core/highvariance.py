# SPDX-License-Identifier: BSD-3-Clause
"""High-variance confounds (after Behzadi et al., 2007, NeuroImage 37:90-101), in two passes over a series."""

import math
from collections.abc import Sequence

import numpy as np

from ..model.errors import SignalError
from .filters import remove_trend
from .scaling import Decoder, ReadBlocks

#: Default number of confounds, and percentage of the voxels that they are computed from.
N_CONFOUNDS = 5
PERCENTILE = 2.0

#: Voxels whose time series are converted to floating point at a time: few enough to stay in the processor's cache.
CHUNK = 8192

#: Below it, sums of integers and of halves are exact in single precision.
EXACT = 2.0**23

#: Types whose sums may be so small.
_SMALL = (np.int8, np.uint8, np.int16, np.uint16)


class _Sums:
    """Sums of the values of voxels, of their products with times, and of their squares.

    Sums of small integers are exact in single precision, in which they take half the time, and moved to double
    precision before they are too large.

    Parameters
    ----------
    n_voxels, n_volumes : int
    """

    def __init__(self, n_voxels: int, n_volumes: int) -> None:
        self._n_volumes, self._exact, self._recent = n_volumes, np.zeros((3, n_voxels)), np.empty((3, 0), np.float32)
        self._bounds: dict[int, float] = {}  # on the recent sums of each chunk

    def add(self, chunk: slice, values: np.ndarray, origin: np.ndarray, times: np.ndarray) -> None:
        """Add values, shape (b, n), minus ``origin``, at ``times``, which are multiples of one half."""
        if values.dtype in _SMALL and self._bounds.get(chunk.start, 0.0) < math.inf:
            found = _sum(values.astype(np.float32), origin, times)
            most = float(found[2].max())  # exact if it is small; no value is larger than its root
            bound = most + self._n_volumes * math.sqrt(len(values) * most)
            if bound < EXACT:
                self._add_small(chunk, found, bound)
                return
            self._bounds[chunk.start] = math.inf  # larger values mostly come again
        exact = values.astype(np.float64)
        exact[np.isinf(exact)] = np.nan
        _add(self._exact[:, chunk], _sum(exact, origin, times))

    def _add_small(self, chunk: slice, found: Sequence[np.ndarray], bound: float) -> None:
        """Add sums in single precision, of which none is larger than ``bound``."""
        if not self._recent.size:
            self._recent = np.zeros(self._exact.shape, np.float32)
        recent, bounds = self._recent[:, chunk], self._bounds
        bounds[chunk.start] = bounds.get(chunk.start, 0.0) + bound
        if bounds[chunk.start] >= EXACT:
            self._exact[:, chunk] += recent
            recent[:], bounds[chunk.start] = 0, bound
        _add(recent, found)

    def total(self) -> np.ndarray:
        """Return all sums, shape (3, n_voxels), at the end."""
        if self._recent.size:
            self._exact += self._recent
            self._recent = self._recent[:, :0].copy()
        return self._exact


def _sum(values: np.ndarray, origin: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return sums of values minus ``origin``, of products with ``times``, and of squares; overwrite ``values``."""
    values -= origin
    return values.sum(axis=0), times.astype(values.dtype) @ values, np.einsum('ij,ij->j', values, values)


def _add(sums: np.ndarray, parts: Sequence[np.ndarray]) -> None:
    """Add each part to its row of ``sums``."""
    for row, part in zip(sums, parts, strict=True):
        row += part


def voxel_power(
    read_blocks: ReadBlocks, n_volumes: int, voxels: np.ndarray, decoder: Decoder = Decoder(), detrend: bool = True
) -> np.ndarray:
    """Return the mean square of the time series of each voxel, shape (n,); NaN where a value is not finite."""
    ramp = np.arange(n_volumes) - (n_volumes - 1) / 2
    sums, origin = _Sums(len(voxels), n_volumes), np.empty(0)
    for first, block in read_blocks():
        if not origin.size:
            is_small = decoder(block[:0]).dtype in _SMALL
            origin = np.zeros(len(voxels), np.float32 if is_small else np.float64)
        for start in range(0, len(voxels), CHUNK):
            chunk = slice(start, start + CHUNK)
            values = decoder(_take(block, voxels[chunk]))
            if detrend and first == 0:
                # Sums about the first volume keep their digits where the variance is small relative to the mean.
                origin[chunk] = np.where(np.isinf(values[0]), np.nan, values[0])
            sums.add(chunk, values, origin[chunk], ramp[first : first + len(values)])
    total, slope, square = sums.total()
    if detrend:
        square -= total**2 / n_volumes + (slope**2 / (ramp @ ramp) if n_volumes > 1 else 0.0)
    return np.maximum(square, 0) / n_volumes


def _take(block: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Return values at voxels in ascending order, shape (b, n)."""
    first, last = voxels[0], voxels[-1] + 1
    # A slice is ten times faster than indices.
    return block[:, first:last] if last - first == len(voxels) else np.take(block, voxels, axis=1)


def high_variance_confounds(
    read_blocks: ReadBlocks,
    n_volumes: int,
    voxels: np.ndarray,
    *,
    decoder: Decoder = Decoder(),
    n_confounds: int = N_CONFOUNDS,
    percentile: float = PERCENTILE,
    detrend: bool = True,
) -> np.ndarray:
    """Return the principal components of the voxels with the largest variance.

    Parameters
    ----------
    read_blocks : callable
        Returns a new iterator of pairs (first volume, stored values of shape (b, I·J·K)).
    n_volumes : int
        T.
    voxels : array of int, shape (n,)
        Flat indices, first axis fastest, in ascending order.
    decoder : Decoder
    n_confounds : int
        C; fewer are returned if the voxels have fewer independent time series.
    percentile : float
        Fraction of the voxels that is used, in percent.
    detrend : bool
        Remove the linear trend of each voxel first.

    Returns
    -------
    array, shape (T, C)
        Orthonormal columns, the strongest first; the largest entry of each is positive.

    Raises
    ------
    SignalError
        If no voxel varies more than the others.
    """
    power = voxel_power(read_blocks, n_volumes, voxels, decoder, detrend)
    if not np.isfinite(power).any():
        raise SignalError('no voxel is finite throughout the series, so none varies most')
    strongest = voxels[power > np.nanpercentile(power, 100 - percentile)]
    if not len(strongest):
        raise SignalError(f'no voxel varies more than the others, so there is no top {percentile} %')
    courses = np.concatenate([np.take(block, strongest, axis=1) for _, block in read_blocks()])
    gram = np.zeros((n_volumes, n_volumes))
    for start in range(0, len(strongest), CHUNK):
        values = decoder(courses[:, start : start + CHUNK]).astype(np.float64)
        values = remove_trend(values) if detrend else values
        gram += values @ values.T
    strength, vectors = np.linalg.eigh(gram / n_volumes)
    order = np.argsort(strength)[::-1][:n_confounds]
    # Directions without variance are arbitrary.
    vectors = vectors[:, order[strength[order] > n_volumes * np.finfo(np.float64).eps * strength[order[0]]]]
    largest = np.abs(vectors).argmax(axis=0)
    return vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])
