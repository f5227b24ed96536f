# SPDX-License-Identifier: BSD-3-Clause
"""Files of atlases: label images, parcellations of surfaces, probabilistic maps (or their weights), tables of seeds."""

import os

import numpy as np

from ..model.atlas import Atlas, region_ids
from ..model.errors import LookupTableError, errors_name
from .lut import choose_lookup_table
from .niimg import open_image
from .parcellations import read_parcellation
from .seeds import is_seed_table, read_seeds
from .spaces import is_surface
from .volumes import read_labels
from .weights import SUFFIX, read_maps, read_weights


def is_maps(image):
    """Whether an image, or its path, holds several maps rather than one volume of labels."""
    if is_weights(image) or is_table(image) or is_surface(image):
        return False
    return open_image(image).n_volumes > 1


def is_weights(image):
    """Whether a path names a file of weights."""
    return isinstance(image, str | os.PathLike) and str(image).endswith(SUFFIX)


def is_table(image):
    """Whether a path names a table of seeds."""
    return isinstance(image, str | os.PathLike) and is_seed_table(image)


def refuse_seeds(image):
    """Raise LookupTableError if a path, which must have a voxel grid, names a table of seeds."""
    if is_table(image):
        raise LookupTableError(
            f'{image} is a table, not an image or a series, and has no voxel grid. For a table of seeds as atlas, set '
            "resampling_target='data', and project onto the labels"
        )


def read_regions(image, lut=None, background=0, radius=None, warn=lambda message, *values: None):
    """Return the look-up table of an atlas, columns by name, without the voxels of maps.

    ``radius`` is that of seeds without their own; for the others see :func:`read_atlas`.
    """
    if is_table(image):
        seeds = read_seeds(image, radius)
        if lut is not None:
            raise LookupTableError(f'{image} has the names of its seeds: look-up tables are for images')
        return {'index': seeds.ids, 'name': seeds.names}
    if is_surface(image):
        return read_surface_atlas(image, lut=lut, background=background, warn=warn)[1]
    return choose_lookup_table(read_ids(image, background), image, lut=lut, warn=warn, of_maps=is_maps(image))


def read_ids(image, background=0):
    """Return the sorted ids of the regions of an image: those of labels, or the numbers of maps from 1."""
    if is_surface(image):
        atlas = read_surface_atlas(image, background=background)[0]
        return region_ids(atlas.labels, atlas.background)
    if is_maps(image):
        return np.arange(1, open_image(image).n_volumes + 1)
    with errors_name(image):
        return region_ids(read_labels(image, background)[0], background)


def read_placed(image, ids=None, names=None, background=0):
    """Return an atlas on its own space: an Atlas of labels, a WeightedAtlas of maps or weights.

    Parameters
    ----------
    image : path or nibabel image
        Of a pair of hemispheres either file, or a sequence of both.
    ids, names : sequence, length L, optional
        The regions in their order; all of the image by default, named by their ids.
    background : int
        Id of voxels of a label image that belong to no region.

    Raises
    ------
    LabelsError
        If the image cannot be read, or is a table of seeds, which have no voxel grid.
    """
    refuse_seeds(image)
    if is_surface(image):
        atlas = read_surface_atlas(image)[0]  # its label table has the background
    elif is_weights(image):
        atlas = read_weights(image)
    elif is_maps(image):
        atlas = read_maps(image)
    else:
        labels, grid = read_labels(image, background)
        if ids is None:
            with errors_name(grid.path):
                ids = region_ids(labels, background)
            names = [str(number) for number in ids]
        return Atlas(grid, labels, np.asarray(ids), names, background)
    return atlas if ids is None else atlas.select(ids, names)


def read_atlas(image, names=None, lut=None, background=0, warn=lambda message, *values: None):
    """Return an atlas on its own space with the regions of its look-up table, in the order of the table.

    Parameters
    ----------
    image : path or nibabel image
        Of a pair of hemispheres either file, or a sequence of both.
    names, lut, warn : object
        See :func:`~nipype_labels.files.lut.choose_lookup_table`.
    background : int
        Id of voxels of a label image that belong to no region; it is not in the result.

    Raises
    ------
    LabelsError
        If the image or the table cannot be read, or the names do not match.
    """
    refuse_seeds(image)
    with errors_name(image if isinstance(image, str | os.PathLike) else None):
        if is_surface(image):
            return read_surface_atlas(image, names, lut, background, warn)[0]
        if not (is_weights(image) or is_maps(image)):
            return read_label_atlas(image, names, lut, background, warn)
        atlas = read_placed(image)
        if is_weights(image) and names is None and lut is None:
            return atlas
        lookup = choose_lookup_table(np.asarray(atlas.ids), image, names, lut, warn, of_maps=True)
    return atlas.select(lookup['index'], lookup['name'])


def read_label_atlas(image, names=None, lut=None, background=0, warn=lambda message, *values: None):
    """Return the Atlas in a label image, with the regions of its look-up table; see :func:`read_atlas`."""
    labels, grid = read_labels(image, background)
    lookup = choose_lookup_table(region_ids(labels, background), image, names, lut, warn)
    own = lookup['index'] != background
    return Atlas(grid, labels, lookup['index'][own], lookup['name'][own], background)


def read_surface_atlas(given, names=None, lut=None, background=0, warn=lambda message, *values: None):
    """Return the Atlas of a parcellation of surfaces and its look-up table; see :func:`read_parcellation`."""
    if background != 0:
        raise LookupTableError(
            f'background_label={background}: parcellations of surfaces name their background in their label tables'
        )
    return read_parcellation(given, names, lut, warn)


def list_origins(lookup):
    """Return the columns of the coverage table with the origin of the regions of a parcellation of surfaces."""
    sides = np.array([side or None for side in lookup['hemisphere']], dtype=object)
    return {'hemisphere': sides, 'index_file': lookup['index_file']}
