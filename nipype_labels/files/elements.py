# SPDX-License-Identifier: BSD-3-Clause
"""Labels, masks and spaces of either volumes or surfaces, from files and to files."""

import re

import numpy as np

from ..model.atlas import Atlas
from ..model.errors import ImageError
from ..model.grayordinates import CIFTI_NAME, Grayordinates
from .atlases import is_table, read_surface_atlas
from .cifti import open_cifti
from .grids import read_grid
from .parcellations import split_map
from .spaces import is_surface, open_any_series
from .surface_images import write_dense_labels
from .volumes import read_mask, write_volume

#: CIFTI files of scalars, such as masks.
_VALUES = re.compile(r'\.dscalar\.nii$', re.IGNORECASE)

_SERIES = re.compile(r'(\.dtseries\.nii|\.func\.gii(\.gz)?|\.mg[hz])$', re.IGNORECASE)


def read_space(path, whole=False):
    """Return the space of a file: a VolumeGrid (see :func:`~.grids.read_grid`) or, of surfaces, Grayordinates."""
    if not is_surface(path):
        return read_grid(path, whole)
    if _SERIES.search(str(path)):
        return open_any_series(path).space
    file = split_map(path)[0]
    return open_cifti(file).space if CIFTI_NAME.search(file) else read_surface_atlas(path)[0].space


def read_own_grids(images):
    """Return the spaces of the atlases that have one: seeds do not."""
    return [read_space(image, whole=True) for image in images if not is_table(image)]


def read_surface_labels(path):
    """Return the Atlas of a parcellation of surfaces; of scalars (``.dscalar.nii``), the mask as one region."""
    if not _VALUES.search(str(path)):
        return read_surface_atlas(path)[0]
    file = open_cifti(path)
    if file.n_columns != 1:
        raise ImageError(f'{path} is not a mask: it has {file.n_columns} maps')
    values = file.read_map(0)
    inside = np.isfinite(values) & (values != 0)
    if len(np.unique(values[inside])) != 1:
        raise ImageError(f'{path} is not a mask: it must hold 0 and one other value')
    return Atlas(file.space, inside.astype(np.int32), np.array([1]), ['mask'])


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
