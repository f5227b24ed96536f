# SPDX-License-Identifier: BSD-3-Clause
"""Spheres around seed coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .space import VolumeGrid
from .weighted import WeightedAtlas

#: Distance in mm within which a voxel counts as on the surface of a sphere, and so inside. It is larger than the
#: rounding errors of affines in single precision, and far below what a voxel can show.
SURFACE_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Seeds:
    """Spheres of voxels whose centres are within a radius, inclusive.

    Parameters
    ----------
    centres : array, shape (L, 3)
        In world coordinates, mm.
    radii : array, shape (L,)
        In mm.
    ids : array of int, shape (L,)
    names : sequence of str, length L
    includes_nearest : bool
        Whether a sphere that has no voxel, because its radius is small, gets the voxel nearest to its seed.

    Examples
    --------
    >>> seeds = Seeds(np.array([[1.0, 0, 0], [9, 0, 0]]), np.array([1.0, 1.0]), [1, 2], ['V1', 'V2'])
    >>> atlas = seeds.on(VolumeGrid((3, 1, 1), np.eye(4)))
    >>> atlas.elements.tolist(), atlas.counts.tolist()
    ([0, 1, 2], [3, 0])
    """

    centres: np.ndarray
    radii: np.ndarray
    ids: Sequence[int] | np.ndarray
    names: Sequence[str] | np.ndarray
    includes_nearest: bool = False

    def on(self, space: VolumeGrid) -> WeightedAtlas:
        """Return the spheres on a grid."""
        located = zip(self._locate(space).T, self._find_reach(space).T, self.radii, strict=True)
        spheres = [self._find_voxels(*sphere, space.affine) for sphere in located]
        inside = [voxels[((voxels >= 0) & (voxels < space.shape)).all(axis=1)] for voxels in spheres]
        elements = [np.sort(np.ravel_multi_index(tuple(voxels.T), space.shape, order='F')) for voxels in inside]
        counts = np.array([len(numbers) for numbers in elements])
        together = np.concatenate(elements)
        return WeightedAtlas(space, together, np.ones(len(together)), counts, np.asarray(self.ids), self.names, self)

    def on_endless(self, space: VolumeGrid) -> WeightedAtlas:
        """Return the spheres on a grid that contains them whole, empty ones with the nearest voxel: full coverage."""
        return replace(self, includes_nearest=True).on(self.extend(space))

    def extend(self, space: VolumeGrid) -> VolumeGrid:
        """Return a grid with the same voxels that contains every sphere, and the voxel nearest to every seed."""
        centres, half = self._locate(space), self._find_reach(space)
        nearest = np.floor(centres + 0.5)
        first = np.minimum(np.ceil(centres - half), nearest).min(axis=1, initial=0).astype(np.intp)
        last = np.maximum(np.floor(centres + half), nearest).max(axis=1, initial=0).astype(np.intp)
        last = np.maximum(last, np.array(space.shape) - 1)
        affine = np.array(space.affine)
        affine[:3, 3] += affine[:3, :3] @ first
        return VolumeGrid(tuple((last - first + 1).tolist()), affine, space.path, space.doubt)

    def _locate(self, space: VolumeGrid) -> np.ndarray:
        """Return the fractional voxel indices of the seeds, shape (3, L)."""
        return (np.linalg.inv(space.affine) @ np.column_stack([self.centres, np.ones(len(self.centres))]).T)[:3]

    def _find_reach(self, space: VolumeGrid) -> np.ndarray:
        """Return half the edges, in voxels, of the box around each sphere, shape (3, L)."""
        edges = np.sqrt((np.linalg.inv(space.affine[:3, :3]) ** 2).sum(axis=1))
        return edges[:, None] * (self.radii + SURFACE_TOLERANCE)

    def _find_voxels(self, centre: np.ndarray, half: np.ndarray, radius: float, affine: np.ndarray) -> np.ndarray:
        """Return the indices of the voxels of a sphere, shape (n, 3), also of those beyond the grid.

        ``centre`` and ``half``, the edges of the box around the sphere over 2, are in voxels, ``radius`` is in mm.
        """
        axes = [np.arange(np.ceil(c - h), np.floor(c + h) + 1) for c, h in zip(centre, half, strict=True)]
        box = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
        distance = np.linalg.norm((box - centre) @ affine[:3, :3].T, axis=1)
        voxels = box[distance <= radius + SURFACE_TOLERANCE].astype(np.intp)
        if self.includes_nearest and not len(voxels):
            return np.floor(centre + 0.5).astype(np.intp)[None]
        return voxels
