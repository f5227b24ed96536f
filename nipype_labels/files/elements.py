# SPDX-License-Identifier: BSD-3-Clause
"""Labels, masks and spaces of either volumes or surfaces, from files and to files."""

import re

import numpy as np

from ..model.atlas import Atlas
from ..model.errors import ImageError
from ..model.grayordinates import CIFTI_NAME, CORTEX, Grayordinates, pair_space
from .atlases import is_table, read_surface_atlas
from .cifti import open_cifti
from .gifti import GiftiReader, find_numbers, has_values, read_hemisphere
from .grids import read_grid
from .hemispheres import GIFTI_ENDS, MGH_ENDS, find_pair
from .parcellations import split_map
from .spaces import is_surface, open_any_series
from .surface_images import write_dense_labels
from .volumes import read_mask, write_volume

#: CIFTI files of scalars, such as masks.
_VALUES = re.compile(r'\.dscalar\.nii$', re.IGNORECASE)


def read_space(path, whole=False):
    """Return the space of a file: a VolumeGrid (see :func:`~.grids.read_grid`) or, of surfaces, Grayordinates."""
    if not is_surface(path):
        return read_grid(path, whole)
    file = split_map(path)[0]
    if CIFTI_NAME.search(file):
        return open_cifti(file).space
    if file.lower().endswith(MGH_ENDS):
        return open_any_series(file).space
    return _measure_pair(path) if _is_pair_of_values(path) else read_surface_atlas(path)[0].space


def read_own_grids(images):
    """Return the spaces of the atlases that have one: seeds do not."""
    return [read_space(image, whole=True) for image in images if not is_table(image)]


def read_surface_labels(path):
    """Return the Atlas of a parcellation of surfaces; of numbers of vertices instead of labels, the mask as one region.

    Numbers are those of ``.dscalar.nii``, or of a pair of GIFTI files, also if their names end in ``.label.gii``, as
    those of the masks of the cortex that fMRIPrep writes.
    """
    if _VALUES.search(str(path)):
        file = open_cifti(path)
        if file.n_columns != 1:
            raise ImageError(f'{path} is not a mask: it has {file.n_columns} maps')
        space, values = file.space, file.read_map(0)
    elif _is_pair_of_values(path):
        space, values = _measure_pair(path), _read_pair(path)
    else:
        return read_surface_atlas(path)[0]
    inside = np.isfinite(values) & (values != 0)
    if len(np.unique(values[inside])) != 1:
        raise ImageError(f'{path} is not a mask: it must hold 0 and one other value')
    return Atlas(space, inside.astype(np.int32), np.array([1]), ['mask'])


def _is_pair_of_values(path):
    """Return whether a file is one of a pair of GIFTI files with numbers of vertices, instead of labels."""
    return str(path).lower().endswith(GIFTI_ENDS) and has_values(path)


def _measure_pair(path):
    """Return the space of a pair of GIFTI files, whose first arrays have the numbers of vertices."""
    files = find_pair(path)
    sizes = [GiftiReader(file).read_description().arrays[0].shape[0] for file in files]
    return pair_space(*sizes, files[0])


def _read_pair(path):
    """Return the number of each vertex in a pair of GIFTI files, shape (n,)."""
    found = []
    for file, side in zip(find_pair(path), CORTEX, strict=True):
        numbers = find_numbers(read_hemisphere(file, side)[1])
        if numbers is None:
            raise ImageError(f'{file} is not a mask: it must have one number for each vertex')
        found.append(numbers)
    return np.concatenate(found)


def read_any_mask(path):
    """Return a mask, bool of the shape of its space, and the space; of label tables, all that is not background."""
    if not is_surface(path):
        return read_mask(path)
    atlas = read_surface_labels(path)
    return np.isin(atlas.labels, atlas.ids), atlas.space


def write_labels(path, atlas):
    """Write the labels of an Atlas or of weights: a NIfTI image, of surfaces ``.dlabel.nii``."""
    if isinstance(atlas.space, Grayordinates):
        write_dense_labels(path, atlas)
    else:
        write_volume(path, atlas.labels, atlas.space.affine, atlas.space.doubt)


def name_image(name, space, end):
    """Return the name of an image, ``x.nii.gz``, with the end that it has in a space; ``end`` is of surfaces.

    >>> name_image('labels.nii.gz', Grayordinates(()), '.dlabel.nii')
    'labels.dlabel.nii'
    """
    return f'{name.removesuffix(".nii.gz")}{end}' if isinstance(space, Grayordinates) else name
