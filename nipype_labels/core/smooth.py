# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian smoothing in space, of volumes or folded into the weights of regions."""

import math

import numpy as np
import scipy

from ..model.affines import voxel_sizes
from ..model.errors import LabelsError

#: Standard deviations at which the kernel is cut (scipy's default).
TRUNCATE = 4.0

#: Largest radius of a kernel, in voxels. A wider kernel exceeds any image, and filtering would not end.
MOST_RADIUS = 2000

#: Largest number of weights (12 bytes each) of regions; beyond it, smoothing volumes is faster.
MOST_WEIGHTS = 10_000_000


def check_fwhm(fwhm: object) -> np.ndarray:
    """Return widths of the kernel in mm, shape (1,) or (3,); LabelsError if they are negative, not finite, or two."""
    try:
        given = np.atleast_1d(np.asarray(fwhm))
    except ValueError:
        given = np.array([None])
    # NumPy would convert text and flags to numbers.
    widths = given.astype(np.float64) if given.dtype.kind in 'iuf' else np.array([np.nan])
    if widths.shape not in ((1,), (3,)) or not np.isfinite(widths).all() or (widths < 0).any():
        raise LabelsError(f'smoothing_fwhm must be one width in mm or three, none negative, not {fwhm!r}')
    return widths


def kernel_sigmas(fwhm: object, affine: np.ndarray) -> tuple[float, ...]:
    """Return the standard deviations of the kernel along the voxel axes, in voxels, for widths in mm.

    LabelsError if a width is invalid, or reaches over more than ``MOST_RADIUS`` voxels.
    """
    sizes = voxel_sizes(affine)
    sigmas = check_fwhm(fwhm) / (math.sqrt(8 * math.log(2)) * sizes)
    if sigmas.max() * TRUNCATE > MOST_RADIUS:
        voxels = '×'.join(f'{size:.4g}' for size in sizes)
        raise LabelsError(f'smoothing_fwhm={fwhm!r} mm is too wide for voxels of {voxels} mm')
    return tuple(sigmas.tolist())


def smooth(volume: np.ndarray, sigmas: tuple[float, ...]) -> np.ndarray:
    """Smooth a floating-point volume, shape (I, J, K); voxels that are not finite have no weight and become NaN.

    Where everything is finite this is ``scipy.ndimage.gaussian_filter`` with mirrored borders. Elsewhere the kernel is
    normalised over the finite voxels.
    """
    finite = np.isfinite(volume)
    if finite.all():
        return _gaussian(volume, sigmas)
    weight = _gaussian(finite.astype(volume.dtype), sigmas)
    total = _gaussian(np.where(finite, volume, volume.dtype.type(0)), sigmas)
    return np.where(finite, total / np.where(finite, weight, 1), volume.dtype.type(np.nan))


def region_weights(
    voxels: np.ndarray,
    starts: np.ndarray,
    shape: tuple[int, ...],
    sigmas: tuple[float, ...],
    own: np.ndarray | None = None,
) -> scipy.sparse.csr_array | None:
    """Return weights whose products with a volume are the weighted sums over regions of the smoothed volume.

    Smoothing with mirrored borders is symmetric: summing the smoothed volume over a region equals weighting the volume
    by the smoothed indicator of the region, or its smoothed weights.

    Parameters
    ----------
    voxels : array of int, shape (n,)
        Sorted by region.
    starts : array of int, shape (m,)
        First position in ``voxels`` of each region.
    shape : tuple of 3 ints
    sigmas : tuple of 3 floats
        In voxels.
    own : array, shape (n,), optional
        Weights of the voxels; default: 1.

    Returns
    -------
    scipy.sparse.csr_array, shape (m, I·J·K), or None
        None if there would be more than ``MOST_WEIGHTS`` weights.
    """
    radius = kernel_radius(sigmas)
    columns, weights, lengths = [], [], []
    for i, members in enumerate(np.split(voxels, starts[1:])):
        where = np.stack(np.unravel_index(members, shape, order='F'))
        # A box cut a kernel's radius away from the region: its own border mirrors only zeros, the grid's is kept.
        first = np.maximum(where.min(axis=1) - radius, 0)
        last = np.minimum(where.max(axis=1) + radius + 1, shape)
        indicator = np.zeros(last - first)
        indicator[tuple(where - first[:, None])] = 1 if own is None else own[starts[i] :][: len(members)]
        smoothed = _gaussian(indicator, sigmas)
        inside = np.nonzero(smoothed)
        flat = np.ravel_multi_index(tuple(i + f for i, f in zip(inside, first, strict=True)), shape, order='F')
        columns.append(flat.astype(np.int32))
        weights.append(smoothed[inside])
        lengths.append(len(columns[-1]))
        if sum(lengths) > MOST_WEIGHTS:
            return None
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return scipy.sparse.csr_array(
        (np.concatenate(weights), np.concatenate(columns), pointers), shape=(len(starts), math.prod(shape))
    )


def kernel_radius(sigmas: tuple[float, ...]) -> np.ndarray:
    """Return the radius of the kernel in voxels, one per axis.

    >>> kernel_radius((1.0, 0.5, 0.0)).tolist()
    [4, 2, 0]
    """
    return np.array([int(TRUNCATE * sigma + 0.5) for sigma in sigmas])


def _gaussian(volume: np.ndarray, sigmas: tuple[float, ...]) -> np.ndarray:
    """Filter axis by axis with mirrored borders."""
    return scipy.ndimage.gaussian_filter(volume, sigmas, mode='reflect', truncate=TRUNCATE)
