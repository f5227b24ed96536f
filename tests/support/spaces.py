# SPDX-License-Identifier: BSD-3-Clause
"""Spaces, atlases and reducers of arrays."""

import numpy as np

from nipype_labels.core.reduce import RegionReducer, reduce_series
from nipype_labels.core.strategies import RegionIndex
from nipype_labels.model.atlas import Atlas
from nipype_labels.model.space import VolumeGrid
from nipype_labels.model.weighted import WeightedAtlas


def make_grid(shape, affine, path=''):
    return VolumeGrid(tuple(shape[:3]), np.asarray(affine, dtype=float), path)


def make_atlas(labels, affine=None, ids=(), names=None, background=0):
    affine = np.eye(4) if affine is None else affine
    names = [f'R{i}' for i in ids] if names is None else names
    return Atlas(make_grid(labels.shape, affine), labels, np.asarray(ids), names, background)


def make_weighted(maps, grid):
    """Return the WeightedAtlas of maps, shape (L, voxels of the grid)."""
    counts, ids = (maps != 0).sum(axis=1), np.arange(1, len(maps) + 1)
    elements = np.nonzero(maps)[1].astype(np.int32)
    return WeightedAtlas(grid, elements, maps[maps != 0], counts, ids, [f'M{i}' for i in ids])


def make_reducer(labels, labels_affine, ids, *, shape, affine, **options):
    return RegionReducer(make_atlas(labels, labels_affine, ids), make_grid(shape, affine), **options)


def read_signals(read_blocks, n_volumes, reducers, *args):
    """Return the time series of each reducer, and the mean volume."""
    reductions, mean = reduce_series(read_blocks, n_volumes, reducers, *args)
    return [reduction.signals for reduction in reductions], mean


def resample_nearest(values, affine, shape, target_affine, fill=0):
    return make_grid(values.shape, affine).resample_nearest(values, make_grid(shape, target_affine), fill)


def apply_mask(labels, mask, background=0):
    return make_atlas(labels, background=background).within(mask).labels


def make_index(labels, ids):
    return RegionIndex.of(make_atlas(labels, ids=ids))


def spread(labels, ids, values):
    """Return an image in which each voxel has the value of its region."""
    return make_index(labels, ids).spread(np.asarray(values), labels.size).reshape(labels.shape, order='F')
