# SPDX-License-Identifier: BSD-3-Clause
"""Weights of the voxels in overlapping regions, passed between nodes as ``.npz``: few voxels of each map are not 0."""

import zipfile
from pathlib import Path

import numpy as np

from ..model.errors import ImageError
from ..model.seeds import Seeds
from ..model.space import VolumeGrid
from ..model.weighted import WeightedAtlas
from .niimg import open_image

#: Suffix of these files.
SUFFIX = '.npz'

#: Compressed size of a value that is not 0, at least, for each byte of its type; and how many maps a voxel has, at most
#: on average. Both are of published atlases and of maps of independent components.
LEAST_BYTES, MOST_MAPS = 0.55, 16

#: Arrays of every file, and those of spheres.
_ARRAYS = ('shape', 'affine', 'doubt', 'elements', 'weights', 'counts', 'ids', 'names')
_SPHERES = ('centres', 'radii', 'includes_nearest')


def write_weights(path, atlas):
    """Write an atlas with weights."""
    arrays = {
        'shape': atlas.space.shape,
        'affine': atlas.space.affine,
        'doubt': atlas.space.doubt,
        'elements': atlas.elements.astype(np.int32, copy=False),
        'weights': atlas.weights,
        'counts': atlas.counts,
        'ids': atlas.ids,
        'names': [str(name) for name in atlas.names],
    }
    if atlas.seeds is not None:
        arrays |= {name: getattr(atlas.seeds, name) for name in _SPHERES}
    # Of a name without its suffix, NumPy would write another file.
    with Path(path).open('wb') as file:
        np.savez(file, **arrays)


def read_weights(path):
    """Return the WeightedAtlas in a file; ImageError if the file is damaged or of another kind."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        shape, affine, doubt, elements, weights, counts, ids, names = (arrays[name] for name in _ARRAYS)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as e:
        raise ImageError(f'{path} does not hold the weights of an atlas: {e}') from e
    grid = VolumeGrid(tuple(shape.tolist()), affine, str(path), str(doubt))
    if not len(elements) == len(weights) == counts.sum() or (len(elements) and elements.max() >= grid.size):
        raise ImageError(f'{path} does not hold the weights of an atlas: its arrays do not fit each other')
    seeds, names = None, names.tolist()
    if 'centres' in arrays:
        seeds = Seeds(arrays['centres'], arrays['radii'], ids, names, bool(arrays['includes_nearest']))
    return WeightedAtlas(grid, elements, weights, counts, ids, names, seeds)


def count_weights(images):
    """Return the number of weights that maps have at most, from their headers and the sizes of their files."""
    total = 0
    for series in map(open_image, images):
        size = Path(series.voxel_file).stat().st_size
        most = min(MOST_MAPS, series.n_volumes) * series.n_voxels
        total += min(most, int(size / (LEAST_BYTES * series.stored.itemsize)))
    return total


def read_maps(image):
    """Return the maps of a 4D image or its path as a WeightedAtlas; values that are not finite are 0."""
    series = open_image(image)
    decoder, kind = series.decoder(), series.float_type
    # Grown in place: joining the parts of many maps would take the memory twice.
    elements, weights, counts = bytearray(), bytearray(), []
    for _, block in series.blocks():
        for stored in block:
            values = decoder(stored)
            voxels = np.flatnonzero(values != 0).astype(np.int32)
            found = values[voxels].astype(kind, copy=False)
            finite = np.isfinite(found)
            if not finite.all():
                voxels, found = voxels[finite], found[finite]
            elements += voxels.data
            weights += found.data
            counts.append(len(voxels))
    ids = np.arange(1, len(counts) + 1)
    voxels, found = np.frombuffer(elements, np.int32), np.frombuffer(weights, kind)
    return WeightedAtlas(series.grid, voxels, found, np.array(counts), ids, [str(number) for number in ids])
