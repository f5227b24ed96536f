# SPDX-License-Identifier: BSD-3-Clause
"""Affines: matrices of shape (4, 4) from voxel indices to world coordinates (RAS+, mm)."""

import itertools
from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike

from .errors import GridError

#: Least ratio of the singular values of an affine. Voxels of 0.1 mm that lie 10 m from the origin are far above it.
LEAST_CONDITION = 1e-12

#: Positions closer than this are the same, in voxels. Wide enough for affines that were rounded to single precision
#: or to a few decimals, and far below what interpolation could show.
GRID_TOLERANCE = 0.01

#: Largest way, in voxels, over which a line may leave the axis that it is parallel to. Wide enough for axes that were
#: rounded to single precision.
STRAIGHT_TOLERANCE = 1e-5


def check_affine(affine: ArrayLike, name: str = 'affine') -> np.ndarray:
    """Return an affine as float64; GridError, which calls it ``name``, if it is not finite and invertible."""
    affine = np.asarray(affine, dtype=np.float64)
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or not is_invertible(affine):
        rows = np.array2string(affine, separator=', ').replace('\n', '')
        raise GridError(f'{name} is not valid, it must be finite and invertible: {rows}')
    return affine


def is_invertible(affine: np.ndarray) -> bool:
    """Return whether an affine is invertible and well conditioned.

    >>> is_invertible(np.diag([2.0, 2, 2, 1])), is_invertible(np.diag([2.0, 2, 1e-20, 1]))
    (True, False)
    """
    sizes = np.linalg.svd(affine, compute_uv=False)
    return bool(sizes[-1] > LEAST_CONDITION * sizes[0])


def voxel_sizes(affine: ArrayLike) -> np.ndarray:
    """Return the edge lengths of a voxel in mm, shape (3,).

    >>> voxel_sizes(np.diag([-2.0, 3.0, 4.0, 1.0])).tolist()
    [2.0, 3.0, 4.0]
    """
    return np.sqrt((np.asarray(affine, dtype=np.float64)[:3, :3] ** 2).sum(axis=0))


def voxel_volume(affine: ArrayLike) -> float:
    """Return the volume of a voxel in mm³, also of rotated and sheared voxels.

    >>> round(voxel_volume(np.diag([-2.0, 3.0, 4.0, 1.0])), 9)
    24.0
    """
    return abs(float(np.linalg.det(np.asarray(affine, dtype=np.float64)[:3, :3])))


def voxel_map(target_affine: ArrayLike, source_affine: ArrayLike) -> np.ndarray:
    """Return the matrix, shape (4, 4), from voxel indices of a target to those of a source in the same world.

    >>> voxel_map(np.diag([2.0, 2, 2, 1]), np.diag([1.0, 1, 1, 1])).diagonal().tolist()
    [2.0, 2.0, 2.0, 1.0]
    """
    return scipy.linalg.inv(source_affine) @ np.asarray(target_affine, dtype=np.float64)


def largest_drift(shape: Sequence[int], affine: ArrayLike, other_affine: ArrayLike) -> float:
    """Return the largest distance along an axis between the corners of a grid under two affines, in voxels.

    >>> largest_drift((9, 9, 9), np.eye(4), np.diag([2.0, 1, 1, 1]))
    4.0
    """
    corners = np.array([(*corner, 1) for corner in itertools.product(*((0, n - 1) for n in shape[:3]))]).T
    # By NumPy: most processes need nothing else of scipy.linalg, which takes time to import.
    affine, other_affine = np.asarray(affine, dtype=np.float64), np.asarray(other_affine, dtype=np.float64)
    drift = np.linalg.inv(other_affine) @ affine @ corners - corners
    return float(np.abs(drift).max())


def is_axis_aligned(matrix: np.ndarray) -> bool:
    """Return whether a map between voxel indices keeps the order of the axes and only scales and shifts them.

    >>> is_axis_aligned(np.diag([-1.5, 2.0, 2.0, 1.0])), is_axis_aligned(np.eye(4)[[1, 0, 2, 3]])
    (True, False)
    """
    return bool((matrix[:3, :3] == np.diag(matrix[:3, :3].diagonal())).all())


def parallel_axes(matrix: np.ndarray, shape: Sequence[int]) -> tuple[int, ...] | None:
    """Return along which axis of a target each axis of a source runs; None if they are not parallel.

    Rounding of affines is forgiven.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        From :func:`voxel_map`.
    shape : sequence of 3 ints
        Of the target.

    Examples
    --------
    >>> parallel_axes(np.eye(4)[[1, 0, 2, 3]], (9, 9, 9))
    (1, 0, 2)
    >>> parallel_axes(np.eye(4) + np.diag([0.01, 0, 0], k=1), (9, 9, 9)) is None
    True
    """
    sizes = np.abs(matrix[:3, :3])
    axes = sizes.argmax(axis=1)
    # How far the way over the whole target along each of its axes leads along those of the source.
    ways = sizes * (np.array(shape[:3]) - 1)
    ways[range(3), axes] = 0
    return tuple(axes.tolist()) if len(set(axes)) == 3 and ways.max() <= STRAIGHT_TOLERANCE else None


def map_voxels(matrix: np.ndarray, index: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """Return where voxels of a target lie in a source, as fractional voxel indices, shape (3, ...).

    Parameters
    ----------
    matrix : array, shape (4, 4)
        From :func:`voxel_map`.
    index : tuple of 3 arrays
        Voxel indices in the target, which broadcast.
    """
    # Halfway between two voxels the last bit decides which one is nearest. The order of operations is SciPy's, so that
    # halves are rounded to the same side.
    if is_axis_aligned(matrix):
        scale, shift = matrix[:3, :3].diagonal(), matrix[:3, 3]
        where = [(i + b / a) * a for i, a, b in zip(index, scale, shift, strict=True)]
        return np.stack(np.broadcast_arrays(*where))
    return np.stack([row[3] + row[0] * index[0] + row[1] * index[1] + row[2] * index[2] for row in matrix[:3]])


def is_inside(coordinates: np.ndarray, shape: Sequence[int], margin: float = GRID_TOLERANCE) -> np.ndarray:
    """Return whether fractional voxel indices, shape (3, ...), lie between the first and the last voxel of a grid.

    ``margin`` voxels more are accepted, so that rounding errors of an affine never lose a slab.
    """
    lengths = zip(coordinates, shape, strict=False)
    return np.logical_and.reduce([(c >= -margin) & (c <= n - 1 + margin) for c, n in lengths])


def nearest_voxels(coordinates: np.ndarray, shape: Sequence[int]) -> tuple[np.ndarray, ...]:
    """Return the voxels nearest to fractional indices, shape (3, n), as a tuple of 3 arrays; halves are rounded up.

    >>> nearest_voxels(np.array([[0.5], [-0.3], [9.0]]), (4, 4, 4))
    (array([1]), array([0]), array([3]))
    """
    pairs = zip(np.floor(coordinates + 0.5).astype(np.intp), shape, strict=False)
    return tuple(np.clip(index, 0, n - 1) for index, n in pairs)
