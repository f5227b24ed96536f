# SPDX-License-Identifier: BSD-3-Clause
"""Atlases: named regions on a space."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .errors import GridError, MissingRegionsError


@dataclass(frozen=True, eq=False)
class Atlas:
    """Regions on a voxel grid or on surfaces, each the elements of one label.

    Parameters
    ----------
    space : VolumeGrid or Grayordinates
    labels : array of int, shape (I, J, K), of surfaces (n,)
        Region id of each voxel or vertex.
    ids : array of int, shape (L,)
        Region ids in the order of the look-up table; labels that are not among them belong to no region.
    names : sequence of str, length L
    background : int
        Label of elements that belong to no region.

    Examples
    --------
    >>> from nipype_labels.model.space import VolumeGrid
    >>> grid = VolumeGrid((1, 1, 4), np.eye(4))
    >>> atlas = Atlas(grid, np.array([[[0, 7, 7, 2]]]), [7, 3, 2], ['V1', 'V2', 'V4'])
    >>> atlas.count_voxels().tolist(), atlas.within(np.array([[[True, True, False, True]]])).count_voxels().tolist()
    ([2, 0, 1], [1, 0, 1])
    """

    space: Any
    labels: np.ndarray
    ids: np.ndarray
    names: tuple
    background: int = 0

    def on(self, space: Any) -> 'Atlas':
        """Return the atlas on another space of the same kind: by the nearest voxel, or by vertex; GridError if not."""
        return replace(self, space=space, labels=self.space.resample_nearest(self.labels, space, self.background))

    def within(self, mask: np.ndarray) -> 'Atlas':
        """Return the atlas within a mask, an array of bool on its space; GridError if the shapes differ."""
        if self.labels.shape != mask.shape:
            raise GridError(
                f'labels are {self.labels.shape} voxels and their mask {mask.shape}: resample the mask to the labels'
            )
        return replace(self, labels=np.where(mask, self.labels, self.labels.dtype.type(self.background)))

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """Arrays that say which voxels the regions have."""
        return (self.labels,)

    def select(self, ids: ArrayLike, names: Any) -> 'Atlas':
        """Return the regions with some ids, in their order, under other names; the background gets another label."""
        labels, background = self.labels, self.background
        if background in np.asarray(ids):
            background = unused_id([*np.unique(labels), *np.asarray(ids)])
            labels = np.where(labels == self.background, labels.dtype.type(background), labels)
        return replace(self, labels=labels, ids=np.asarray(ids), names=names, background=background)

    def count_voxels(self) -> np.ndarray:
        """Return the number of voxels of each region, shape (L,)."""
        return self._count(self.labels)

    def volumes(self) -> np.ndarray:
        """Return the volume of each region in mm³, shape (L,); of surfaces the area in mm² or their number."""
        areas = getattr(self.space, 'areas', None)
        if areas is None:
            return self.count_voxels() * self.space.measure
        order = np.argsort(self.ids)
        place = np.minimum(np.searchsorted(self.ids, self.labels, sorter=order), len(order) - 1)
        known = np.asarray(self.ids)[order][place] == self.labels
        return np.bincount(order[place[known]], areas[known], len(order))

    def count_near(self, space: Any, which: np.ndarray, margin: float) -> np.ndarray:
        """Return the number of voxels of some regions in another grid or its ``margin``, in voxels; 0 for others.

        ``which`` regions, shape (L,), is an array of bool; the result has the same shape.
        """
        if not np.any(which):  # as for most atlases
            return np.zeros(len(self.ids), dtype=np.int64)
        flat = self.labels.reshape(-1, order='F')
        voxels = np.flatnonzero(np.isin(flat, np.asarray(self.ids)[which]))
        return self._count(flat[voxels[space.contains(self.space, voxels, margin)]])

    def _count(self, labels: np.ndarray) -> np.ndarray:
        """Return how often the id of each region is among some labels, shape (L,)."""
        found, counts = np.unique(labels, return_counts=True)
        if not len(found):
            return np.zeros(len(self.ids), dtype=int)
        place = np.minimum(np.searchsorted(found, self.ids), len(found) - 1)
        return np.where(found[place] == self.ids, counts[place], 0)


def region_ids(labels: np.ndarray, background: int = 0) -> np.ndarray:
    """Return the ids in a label image in ascending order, shape (L,); MissingRegionsError if all is background.

    >>> region_ids(np.array([[0, 7], [7, 2]])).tolist()
    [2, 7]
    """
    ids = np.unique(labels[labels != background])
    if not len(ids):
        raise MissingRegionsError(f'the label image holds only its background, {background}')
    return ids


def unused_id(ids: ArrayLike) -> int:
    """Return an id that no region has, for voxels that belong to no region.

    >>> unused_id([0, 1, 3])
    2
    """
    taken = set(np.asarray(ids).tolist())
    return next(i for i in range(len(taken) + 1) if i not in taken)
