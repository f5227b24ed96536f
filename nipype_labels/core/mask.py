# SPDX-License-Identifier: BSD-3-Clause
"""Labels where a mask lets them count."""

import numpy as np

from ..model.errors import GridError, MissingRegionsError
from . import grid
from .regions import count_voxels


def apply_mask(labels, mask, background_label=0):
    """Set labels outside a mask to the background.

    Parameters
    ----------
    labels : array of int, shape (I, J, K)
    mask : array of bool, shape (I, J, K)
    background_label : int

    Returns
    -------
    array, shape (I, J, K), dtype of ``labels``

    Raises
    ------
    GridError
        If the shapes differ.
    """
    if labels.shape != mask.shape:
        raise GridError(
            f'labels are {labels.shape} voxels and their mask {mask.shape}: resample the mask to the labels'
        )
    return np.where(mask, labels, labels.dtype.type(background_label))


def region_ids(labels, background_label=0):
    """Ids of the regions of an image, in rising order.

    Parameters
    ----------
    labels : array of int, any shape
    background_label : int

    Returns
    -------
    array of int, shape (L,)

    Raises
    ------
    MissingRegionsError
        If there is nothing but background.
    """
    ids = np.unique(labels[labels != background_label])
    if not len(ids):
        raise MissingRegionsError(f'the label image holds nothing but its background, {background_label}')
    return ids


def count_in_view(labels, affine, ids, view_shape, view_affine):
    """Count the voxels of each region that lie within the grid of another image.

    A voxel is within a grid if its centre is within half a voxel of the grid's outermost centres.

    Parameters
    ----------
    labels : array of int, shape (I, J, K)
    affine : array, shape (4, 4)
        Of ``labels``.
    ids : array of int, shape (L,)
    view_shape : tuple of 3 ints
    view_affine : array, shape (4, 4)

    Returns
    -------
    array of int, shape (L,)
    """
    matrix = grid.voxel_map(affine, view_affine)
    counts = np.zeros(len(ids), dtype=int)
    for k in range(labels.shape[2]):
        where = grid.map_slab(matrix, labels.shape, k)
        in_view = grid.inside(where, view_shape, margin=0.5)
        counts += count_voxels(labels[in_view, k], ids)
    return counts
