# SPDX-License-Identifier: BSD-3-Clause
"""Cuts through volumes, upright and with known sides, whatever their affines.

Every cut is sampled in world coordinates: a flipped, permuted or oblique affine changes where values are looked up,
never where left is.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from ..core.resample import resample_nearest

#: Voxels that are looked at to choose slices; more would choose the same.
MAX_VOXELS = 100_000


@dataclass(frozen=True)
class Plane:
    """A kind of cut.

    Attributes
    ----------
    name : str
    normal, across, up : int
        World axes: 0 is x, 1 is y, 2 is z.
    left, right : str
        What lies at its left and right edge.
    """

    name: str
    normal: int
    across: int
    up: int
    left: str
    right: str


#: Left is left, and anterior is right or up.
PLANES = (
    Plane('axial', normal=2, across=0, up=1, left='L', right='R'),
    Plane('coronal', normal=1, across=0, up=2, left='L', right='R'),
    Plane('sagittal', normal=0, across=1, up=2, left='P', right='A'),
)


@dataclass(frozen=True)
class View:
    """A grid along the world's axes.

    Attributes
    ----------
    first : array, shape (3,)
        World coordinates of the voxel that is most left, posterior and inferior, in mm.
    steps : array, shape (3,)
        Voxel sizes in mm.
    shape : tuple of 3 ints
    """

    first: np.ndarray
    steps: np.ndarray
    shape: tuple

    def position(self, axis, index):
        """World coordinate in mm of a slice."""
        return float(self.first[axis] + self.steps[axis] * index)


def view_grid(shape, affine):
    """Grid along the world's axes that holds a volume; it has the volume's own voxels unless that is oblique.

    Parameters
    ----------
    shape : tuple of 3 ints
    affine : array, shape (4, 4)

    Returns
    -------
    View

    Examples
    --------
    >>> view_grid((10, 20, 30), np.array([[0, 0, -2.0, 0], [3, 0, 0, 0], [0, 4, 0, 0], [0, 0, 0, 1]])).shape
    (30, 10, 20)
    """
    linear = np.asarray(affine, dtype=np.float64)[:3, :3]
    steps = 1 / np.sqrt((np.linalg.inv(linear) ** 2).sum(axis=0))
    corners = np.array(list(itertools.product(*((0, n - 1) for n in shape[:3])))) @ linear.T + np.asarray(affine)[:3, 3]
    first = corners.min(axis=0)
    counts = np.rint((corners.max(axis=0) - first) / steps).astype(int) + 1
    return View(first, steps, tuple(counts.tolist()))


def choose_slices(mask, affine, view, n):
    """Choose slices that share out the voxels of a mask evenly.

    Parameters
    ----------
    mask : array of bool, shape (I, J, K)
    affine : array, shape (4, 4)
        Of ``mask``.
    view : View
    n : int
        Slices wanted along each axis.

    Returns
    -------
    list of 3 arrays of int, shape (at most n,)
        Indices in the view along x, y and z, ascending; spread over the whole view if it shows no voxel of the mask.
    """
    voxels = np.flatnonzero(mask)
    voxels = np.unravel_index(voxels[:: len(voxels) // MAX_VOXELS + 1], mask.shape)
    world = np.asarray(affine)[:3, :3] @ np.array(voxels, dtype=np.float64) + np.asarray(affine)[:3, 3:]
    places = np.rint((world - view.first[:, None]) / view.steps[:, None])
    shown = np.logical_and.reduce([(p >= 0) & (p < length) for p, length in zip(places, view.shape, strict=True)])
    parts = (np.arange(n) + 0.5) / n
    if not shown.any():
        return [np.unique(np.floor(parts * length).astype(int)) for length in view.shape]
    return [np.unique(np.quantile(p[shown], parts, method='nearest').astype(int)) for p in places]


def cut_plane(volume, affine, view, plane, index, fill=0):
    """Cut a slice out of a volume, by the nearest voxel.

    Parameters
    ----------
    volume : array, shape (I, J, K)
    affine : array, shape (4, 4)
        Of ``volume``.
    view : View
    plane : Plane
    index : int
        Of the slice, along the plane's normal.
    fill : scalar
        For what lies outside the volume.

    Returns
    -------
    array, shape (rows, columns)
        From top to bottom and from left to right as the plane says.
    """
    target = np.eye(4)
    target[:3, :3] = np.diag(view.steps)[:, [plane.across, plane.up, plane.normal]]
    target[:3, 1] *= -1
    target[:3, 3] = view.first
    target[plane.up, 3] = view.position(plane.up, view.shape[plane.up] - 1)
    target[plane.normal, 3] = view.position(plane.normal, index)
    shape = (view.shape[plane.across], view.shape[plane.up], 1)
    return resample_nearest(volume, affine, shape, target, fill)[..., 0].T
