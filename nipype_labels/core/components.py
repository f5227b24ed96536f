# SPDX-License-Identifier: BSD-3-Clause
"""Connected components of the regions of an atlas, and regions at the border of their image."""

from dataclasses import dataclass

import numpy as np
import scipy

from ..model.atlas import Atlas

#: Fraction of a region's voxels, and number of voxels, below which a component is ignored.
LEAST_FRACTION, LEAST_VOXELS = 0.05, 5


@dataclass(frozen=True)
class Components:
    """The larger connected components of one region.

    Attributes
    ----------
    n : int
        Number of components; voxels that share a corner are connected.
    gap : float
        Distance in mm between the centres of the nearest voxels of the two largest; 0 for one component.
    both_sides : bool
        Whether the centres of the two largest are on different sides of the plane x = 0 mm.
    """

    n: int
    gap: float = 0.0
    both_sides: bool = False


def find_components(atlas: Atlas) -> list[Components]:
    """Return the larger connected components of each region of an atlas, a list of L Components."""
    order = np.argsort(atlas.ids)
    ids = np.asarray(atlas.ids)[order]
    place = np.where(np.isin(atlas.labels, ids), 1 + np.searchsorted(ids, atlas.labels), 0)
    boxes = scipy.ndimage.find_objects(place, max_label=len(ids))
    found = [_split(place[box] == i, box, atlas.space.affine) for i, box in enumerate(boxes, start=1)]
    return [found[i] for i in np.argsort(order)]


def _split(inside: np.ndarray, box: tuple[slice, ...], affine: np.ndarray) -> Components:
    """Return the components of one region within its bounding box."""
    numbers, _ = scipy.ndimage.label(inside, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    large = np.flatnonzero(sizes >= max(LEAST_VOXELS, LEAST_FRACTION * sizes.sum()))
    if len(large) < 2:
        return Components(1)
    first, second = large[np.argsort(-sizes[large], kind='stable')][:2]
    corner = np.array([part.start for part in box])
    places = [(np.argwhere(numbers == i) + corner) @ affine[:3, :3].T + affine[:3, 3] for i in (first, second)]
    gap = scipy.spatial.KDTree(places[0]).query(places[1])[0].min()
    x = [points[:, 0].mean() for points in places]
    return Components(len(large), float(gap), x[0] * x[1] < 0)


def find_at_border(atlas: Atlas) -> np.ndarray:
    """Return which regions of an atlas touch the border of its image, shape (L,)."""
    labels = atlas.labels
    planes = [np.take(labels, (0, -1), axis=axis).ravel() for axis in range(3) if labels.shape[axis] > 1]
    return np.isin(atlas.ids, np.concatenate(planes)) if planes else np.zeros(len(atlas.ids), bool)
