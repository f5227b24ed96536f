# SPDX-License-Identifier: BSD-3-Clause
"""Slices of volumes along the axes of the world, whatever the affines of the volumes.

Every slice is sampled in world coordinates: a flipped, permuted or oblique affine changes where values are looked up,
never which side is left.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from ..model.affines import map_voxels
from ..model.space import VolumeGrid

#: Voxels used to choose slices; more would choose the same slices.
MAX_VOXELS = 100_000


@dataclass(frozen=True)
class Plane:
    """Anatomical plane: its world axes (0 is x, 1 is y, 2 is z), and what is at its left and right edge."""

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
    """Voxel grid along the axes of the world: its most left, posterior and inferior voxel and its steps, in mm."""

    first: np.ndarray
    steps: np.ndarray
    shape: tuple

    def position(self, axis: int, index: float) -> float:
        """Return the world coordinate of a slice in mm."""
        return float(self.first[axis] + self.steps[axis] * index)


def view_grid(shape: tuple[int, ...], affine: np.ndarray) -> View:
    """Return the view that holds a volume; it has the volume's own voxels unless the volume is oblique.

    >>> view_grid((10, 20, 30), np.array([[0, 0, -2.0, 0], [3, 0, 0, 0], [0, 4, 0, 0], [0, 0, 0, 1]])).shape
    (30, 10, 20)
    """
    affine = np.asarray(affine, dtype=np.float64)
    steps = 1 / np.sqrt((np.linalg.inv(affine[:3, :3]) ** 2).sum(axis=0))
    corners = map_voxels(affine, np.array(list(itertools.product(*((0, n - 1) for n in shape[:3])))).T)
    first = corners.min(axis=1)
    counts = np.rint((corners.max(axis=1) - first) / steps).astype(int) + 1
    return View(first, steps, tuple(counts.tolist()))


def choose_slices(mask: np.ndarray, affine: np.ndarray, view: View, n: int) -> list[np.ndarray]:
    """Return at most ``n`` slices along x, y and z that share out the voxels of a mask evenly.

    They are spread over the whole view if it shows no voxel of the mask.
    """
    inside = np.flatnonzero(mask)
    voxels = np.unravel_index(inside[:: len(inside) // MAX_VOXELS + 1], mask.shape)
    world = map_voxels(np.asarray(affine), voxels)
    indices = np.rint((world - view.first[:, None]) / view.steps[:, None])
    shown = np.logical_and.reduce([(i >= 0) & (i < length) for i, length in zip(indices, view.shape, strict=True)])
    shares = (np.arange(n) + 0.5) / n
    if not shown.any():
        return [np.unique(np.floor(shares * length).astype(int)) for length in view.shape]
    return [np.unique(np.quantile(i[shown], shares, method='nearest').astype(int)) for i in indices]


def cut_plane(
    volume: np.ndarray, affine: np.ndarray, view: View, plane: Plane, index: float, fill: float = 0
) -> np.ndarray:
    """Return a slice of a volume by the nearest voxel, shape (rows, columns), from top to bottom and left to right."""
    target = np.eye(4)
    target[:3, :3] = np.diag(view.steps)[:, [plane.across, plane.up, plane.normal]]
    target[:3, 1] *= -1
    target[:3, 3] = view.first
    target[plane.up, 3] = view.position(plane.up, view.shape[plane.up] - 1)
    target[plane.normal, 3] = view.position(plane.normal, index)
    shape = (view.shape[plane.across], view.shape[plane.up], 1)
    return VolumeGrid(volume.shape, affine).resample_nearest(volume, VolumeGrid(shape, target), fill)[..., 0].T
