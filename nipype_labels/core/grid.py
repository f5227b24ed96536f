# SPDX-License-Identifier: BSD-3-Clause
"""Where voxels are: affines map voxel indices to world coordinates (RAS+, mm)."""

import itertools

import numpy as np
import scipy

from ..model.errors import GridError

#: Affines whose inverse would hold no more digits than this part of one are none. Voxels of 0.1 mm that lie 10 m away
#: are far above it.
LEAST_CONDITION = 1e-12

#: Two positions nearer than this are one, as a fraction of a voxel. Wide enough for affines that were
#: rounded to single precision or to a few decimals, and far below what interpolation could show.
GRID_TOLERANCE = 0.01

#: What to do with an image whose header does not say left from right, if another image is on another grid.
UNKNOWN_ORIENTATION = ('raise', 'accept')


def check_affine(affine, name='affine'):
    """Give an affine back if it maps a grid.

    Parameters
    ----------
    affine : array, shape (4, 4)
        Voxel indices to world coordinates.
    name : str
        What to call it in the error.

    Returns
    -------
    array of float64, shape (4, 4)

    Raises
    ------
    GridError
        If it holds non-finite numbers or can't be inverted.
    """
    affine = np.asarray(affine, dtype=np.float64)
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or not is_invertible(affine):
        rows = np.array2string(affine, separator=', ').replace('\n', '')
        raise GridError(f'{name} is no usable affine, it must be finite and invertible: {rows}')
    return affine


def is_invertible(affine):
    """Whether positions in voxels and in mm tell each other, with digits to spare.

    >>> is_invertible(np.diag([2.0, 2, 2, 1])), is_invertible(np.diag([2.0, 2, 1e-20, 1]))
    (True, False)
    """
    sizes = np.linalg.svd(affine, compute_uv=False)
    return bool(sizes[-1] > LEAST_CONDITION * sizes[0])


def voxel_sizes(affine):
    """Edge lengths of a voxel in mm, one per axis.

    >>> voxel_sizes(np.diag([-2.0, 3.0, 4.0, 1.0])).tolist()
    [2.0, 3.0, 4.0]
    """
    return np.sqrt((np.asarray(affine, dtype=np.float64)[:3, :3] ** 2).sum(axis=0))


def voxel_volume(affine):
    """Volume of a voxel in mm³, right under rotation and shear too.

    >>> round(voxel_volume(np.diag([-2.0, 3.0, 4.0, 1.0])), 9)
    24.0
    """
    return abs(float(np.linalg.det(np.asarray(affine, dtype=np.float64)[:3, :3])))


def voxel_map(target_affine, source_affine):
    """Affine from the voxel indices of a target to those of a source, both in the same world.

    Parameters
    ----------
    target_affine, source_affine : array, shape (4, 4)
        Voxel indices to mm.

    Returns
    -------
    array, shape (4, 4)

    Examples
    --------
    >>> voxel_map(np.diag([2.0, 2, 2, 1]), np.diag([1.0, 1, 1, 1])).diagonal().tolist()
    [2.0, 2.0, 2.0, 1.0]
    """
    return scipy.linalg.inv(source_affine) @ np.asarray(target_affine, dtype=np.float64)


def same_grid(shape, affine, other_shape, other_affine):
    """Whether two images have their voxels in the same places.

    They have if their first three lengths agree and each of the eight corners of the one lies within
    ``GRID_TOLERANCE`` voxels of its counterpart. This is the package's one rule for it.

    Parameters
    ----------
    shape, affine : tuple of 3 ints or more, array of shape (4, 4)
        Of one; the affine takes voxel indices to mm.
    other_shape, other_affine : tuple of 3 ints or more, array of shape (4, 4)

    Returns
    -------
    bool

    Examples
    --------
    >>> eye = np.eye(4)
    >>> same_grid((9, 9, 9), eye, (9, 9, 9), eye + 1e-7), same_grid((9, 9, 9), eye, (9, 9, 8), eye)
    (True, False)
    """
    if tuple(shape[:3]) != tuple(other_shape[:3]):
        return False
    return largest_drift(shape, affine, other_affine) <= GRID_TOLERANCE


def largest_drift(shape, affine, other_affine):
    """Largest distance between the corners of one grid under two affines, along an axis.

    Parameters
    ----------
    shape : tuple of 3 ints or more
    affine, other_affine : array, shape (4, 4)
        Voxel indices to mm.

    Returns
    -------
    float
        In voxels of the other affine.

    Examples
    --------
    >>> largest_drift((9, 9, 9), np.eye(4), np.diag([2.0, 1, 1, 1]))
    4.0
    """
    corners = np.array([(*corner, 1) for corner in itertools.product(*((0, n - 1) for n in shape[:3]))]).T
    drift = voxel_map(affine, other_affine) @ corners - corners
    return float(np.abs(drift).max())


def is_axis_aligned(matrix):
    """Whether a map between voxel indices keeps the order of the axes and only scales and shifts them.

    >>> is_axis_aligned(np.diag([-1.5, 2.0, 2.0, 1.0])), is_axis_aligned(np.eye(4)[[1, 0, 2, 3]])
    (True, False)
    """
    return bool((matrix[:3, :3] == np.diag(matrix[:3, :3].diagonal())).all())


def map_voxels(matrix, index):
    """Map voxel indices through ``matrix``.

    Halfway between two voxels the last bit decides which one is nearest. The order of operations is SciPy's, so that
    halves fall to the side that they fall to there.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        From :func:`voxel_map`.
    index : tuple of 3 arrays
        Voxel indices in the target, of shapes that go together.

    Returns
    -------
    array, shape (3, ...)
        Fractional voxel indices in the source.
    """
    if is_axis_aligned(matrix):
        scale, shift = matrix[:3, :3].diagonal(), matrix[:3, 3]
        where = [(i + b / a) * a for i, a, b in zip(index, scale, shift, strict=True)]
        return np.stack(np.broadcast_arrays(*where))
    return np.stack([row[3] + row[0] * index[0] + row[1] * index[1] + row[2] * index[2] for row in matrix[:3]])


def map_slab(matrix, shape, k):
    """Map one slab of a grid, the voxels of index ``k`` along the last axis, through ``matrix``.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        From :func:`voxel_map`.
    shape : tuple of 3 ints
        I, J and K of the target.
    k : int

    Returns
    -------
    array, shape (3, I, J)
        Fractional voxel indices in the source.
    """
    return map_voxels(matrix, (np.arange(shape[0])[:, None], np.arange(shape[1]), np.array(k)))


def inside(coordinates, shape, margin=GRID_TOLERANCE):
    """Whether fractional voxel indices lie on a grid, between its first and last voxel centres.

    ``margin`` voxels are forgiven, so that rounding noise in an affine never loses a slab.

    Parameters
    ----------
    coordinates : array, shape (3, ...)
    shape : tuple of 3 ints
    margin : float

    Returns
    -------
    array of bool, shape (...)
    """
    lengths = zip(coordinates, shape, strict=False)
    return np.logical_and.reduce([(c >= -margin) & (c <= n - 1 + margin) for c, n in lengths])


def describe(shape, affine):
    """Shape, voxel sizes and origin of a grid in a few words, for messages.

    Parameters
    ----------
    shape : tuple of 3 ints or more
    affine : array, shape (4, 4)
        Voxel indices to mm.

    Returns
    -------
    str

    Examples
    --------
    >>> describe((4, 5, 6), np.diag([2.0, 2, 2.5, 1]))
    '4×5×6 voxels of 2×2×2.5 mm, first at (0, 0, 0) mm'
    """
    lengths = '×'.join(str(n) for n in shape[:3])
    sizes = '×'.join(f'{size:.4g}' for size in voxel_sizes(affine))
    origin = ', '.join(f'{x:.5g}' for x in np.asarray(affine)[:3, 3])
    return f'{lengths} voxels of {sizes} mm, first at ({origin}) mm'
