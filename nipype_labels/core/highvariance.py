# SPDX-License-Identifier: BSD-3-Clause
"""High-variance confounds (after Behzadi et al., 2007, NeuroImage 37:90-101), in two passes over a series."""

import numpy as np

from ..model.errors import SignalError
from .filters import remove_trend
from .scaling import Decoder, ReadBlocks

#: Default number of confounds, and percentage of the voxels that they are computed from.
N_CONFOUNDS = 5
PERCENTILE = 2.0

#: Voxels whose time series are converted to float64 at a time: few enough to stay in the processor's cache.
CHUNK = 8192


def voxel_power(
    read_blocks: ReadBlocks, n_volumes: int, voxels: np.ndarray, decoder: Decoder = Decoder(), detrend: bool = True
) -> np.ndarray:
    """Return the mean square of the time series of each voxel, shape (n,); NaN where a value is not finite."""
    ramp = np.arange(n_volumes) - (n_volumes - 1) / 2
    origin, total, square, slope = np.zeros((4, len(voxels)))
    for first, block in read_blocks():
        for start in range(0, len(voxels), CHUNK):
            chunk = slice(start, start + CHUNK)
            values = decoder(_take(block, voxels[chunk]))
            if detrend and first == 0:
                # Sums about the first volume keep their digits where the variance is small relative to the mean.
                origin[chunk] = np.where(np.isinf(values[0]), np.nan, values[0])
            values = _subtract(origin[chunk], values, n_volumes)
            total[chunk] += values.sum(axis=0)
            slope[chunk] += ramp[first : first + len(values)].astype(values.dtype) @ values
            square[chunk] += np.einsum('ij,ij->j', values, values)
    if detrend:
        square -= total**2 / n_volumes + (slope**2 / (ramp @ ramp) if n_volumes > 1 else 0.0)
    return np.maximum(square, 0) / n_volumes


def _take(block: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Return values at voxels in ascending order, shape (b, n)."""
    first, last = voxels[0], voxels[-1] + 1
    # A slice is ten times faster than indices.
    return block[:, first:last] if last - first == len(voxels) else np.take(block, voxels, axis=1)


def _subtract(origin: np.ndarray, values: np.ndarray, n_volumes: int) -> np.ndarray:
    """Return values minus ``origin``: float32 if sums of squares and of products with times are exact, or float64."""
    if values.dtype in (np.int8, np.uint8, np.int16, np.uint16):
        small = values.astype(np.float32) - origin.astype(np.float32)
        largest = max(small.max(), -small.min())
        # Times are multiples of one half, at most n_volumes / 2.
        if len(small) * largest * max(largest, n_volumes) < 2**24:
            return small
        del small
    exact = values.astype(np.float64)
    exact[np.isinf(exact)] = np.nan
    exact -= origin
    return exact


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
