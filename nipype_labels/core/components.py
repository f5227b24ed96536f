# SPDX-License-Identifier: BSD-3-Clause
"""Connected components of the regions of an atlas, and regions at the border of their image."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, spatial

#: Fraction of a region's voxels, and number of voxels, below which a component is not looked at.
LEAST_FRACTION, LEAST_VOXELS = 0.05, 5


@dataclass(frozen=True)
class Components:
    """The larger connected components of one region.

    Attributes
    ----------
    n : int
        How many there are; voxels that share a corner are connected.
    gap : float
        Distance in mm between the centres of the nearest voxels of the two largest; 0 for one component.
    both_sides : bool
        Whether the centres of the two largest are on different sides of the plane x = 0 mm.
    """

    n: int
    gap: float = 0.0
    both_sides: bool = False


def find_components(labels, ids, affine):
    """Find the larger connected components of each region.

    Parameters
    ----------
    labels : array of int, shape (I, J, K)
    ids : array of int, shape (L,)
        In rising order.
    affine : array, shape (4, 4)
        RAS+, in mm.

    Returns
    -------
    list of Components
        Of each id.
    """
    place = np.where(np.isin(labels, ids), 1 + np.searchsorted(ids, labels), 0)
    boxes = ndimage.find_objects(place, max_label=len(ids))
    return [_split(place[box] == i, box, affine) for i, box in enumerate(boxes, start=1)]


def _split(inside, box, affine):
    """Components of one region within its bounding box."""
    numbers, _ = ndimage.label(inside, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    large = np.flatnonzero(sizes >= max(LEAST_VOXELS, LEAST_FRACTION * sizes.sum()))
    if len(large) < 2:
        return Components(1)
    first, second = large[np.argsort(-sizes[large], kind='stable')][:2]
    corner = np.array([part.start for part in box])
    places = [(np.argwhere(numbers == i) + corner) @ affine[:3, :3].T + affine[:3, 3] for i in (first, second)]
    gap = spatial.KDTree(places[0]).query(places[1])[0].min()
    x = [points[:, 0].mean() for points in places]
    return Components(len(large), float(gap), x[0] * x[1] < 0)


def find_at_border(labels, ids):
    """Find the regions that touch the border of their image.

    Parameters
    ----------
    labels : array of int, shape (I, J, K)
    ids : array of int, shape (L,)

    Returns
    -------
    array of bool, shape (L,)
    """
    planes = [np.take(labels, (0, -1), axis=axis).ravel() for axis in range(3) if labels.shape[axis] > 1]
    return np.isin(ids, np.concatenate(planes)) if planes else np.zeros(len(ids), bool)
