# SPDX-License-Identifier: BSD-3-Clause
"""Files of the images and tables of a masker, for a workflow."""

import os
from functools import partial
from hashlib import sha256
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from ..files.atomic import write_atomically
from ..files.frames import write_table
from ..files.hemispheres import find_pair
from ..files.lut import choose_lookup_table
from ..files.niimg import single_image
from ..files.paths import expand
from ..files.surface_series import find_surface_files
from ..files.volumes import read_labels, read_mask, write_volume
from ..files.weights import read_maps
from ..model.atlas import region_ids
from ..model.errors import LabelsError
from .state import READERS, read_atlas


def find_files(settings, fitted, folder=None):
    """Return the paths ``atlas_file``, ``mask_file`` and ``lut_file`` of a masker; the last two may be None.

    What exists only in memory is written to ``folder``. Files must still hold what ``fit`` read (``fitted``, or None).
    """
    mask_file, mask = None, None if fitted is None else fitted.mask
    if settings['on_surfaces']:
        atlas_file, mask_file = _find_surfaces(settings, fitted)
    elif settings['mask_img'] is not None:
        mask_file = _find_image('mask_img', settings['mask_img'], read_mask, mask, folder)
    lut = settings['lut']
    if not settings['on_surfaces']:
        find = {'labels_img': _find_labels, 'maps_img': _find_maps, 'seeds': _find_seeds}[settings['atlas_parameter']]
        atlas_file, lut = find(settings, fitted, folder)
    if isinstance(lut, pd.DataFrame):
        _require_folder('lut', folder)
        lut = _write(folder, 'lut', '.tsv', lut.to_csv().encode(), lambda path: write_table(path, lut))
    elif lut is not None:
        lut = str(expand(lut).absolute())
    return {'atlas_file': atlas_file, 'mask_file': mask_file, 'lut_file': lut}


def _find_surfaces(settings, fitted):
    """Return the paths of a parcellation and of a mask of surfaces; of a pair, that of one hemisphere."""
    now = read_atlas(settings)
    if fitted is not None:
        is_same = np.array_equal(now.atlas.labels, fitted.atlas.labels) and now.lookup.equals(fitted.lookup)
        if not is_same or (now.mask is not None and not np.array_equal(now.mask[0], fitted.mask[0])):
            raise LabelsError('labels_img, its look-up table or mask_img was changed after fit read it: call fit again')
        if any(not np.array_equal(now.areas[name], area) for name, area in (fitted.areas or {}).items()):
            raise LabelsError('areas_file was changed after fit read it: call fit again')
    return tuple(_name_one(settings[name]) for name in ('labels_img', 'mask_img'))


def _name_one(given):
    """Return the path of a file, of a pair that of one hemisphere; None of nothing."""
    if given is None:
        return None
    files = find_surface_files(given)
    if isinstance(files, str):
        return str(Path(files).absolute())
    if len(files) > 1 and find_pair(files[0]) != find_pair(files):
        raise LabelsError(f'a graph finds the partner of {files[0]} by its name, and {files[1]} has another name')
    return str(Path(files[0]).absolute())


def _find_labels(settings, fitted, folder):
    """Return the path of a label image, and its look-up table unless that is found by the path."""
    read = partial(read_labels, background_label=settings['background_label'])
    known = None if fitted is None else (fitted.atlas.labels, fitted.atlas.space)
    atlas_file = _find_image('labels_img', settings['labels_img'], read, known, folder)
    image, background = single_image(settings['labels_img']), settings['background_label']
    ids = region_ids(read(image)[0], background)
    lookup = pd.DataFrame(choose_lookup_table(ids, image, settings['labels'], settings['lut']))
    own = lookup[lookup['index'] != background].reset_index(drop=True)
    if fitted is not None and not own.equals(fitted.lookup):
        raise LabelsError('the look-up table was changed after fit read it: call fit again')
    if settings['lut'] is None and not lookup.equals(
        pd.DataFrame(choose_lookup_table(ids, atlas_file, settings['labels']))
    ):
        # Names that the image has in its header, or next to another file.
        return atlas_file, lookup
    return atlas_file, settings['lut']


def _find_maps(settings, fitted, folder):
    """Return the path of maps, and their look-up table unless that is found by the path."""
    image = single_image(settings['maps_img'])

    def read(image):
        atlas = read_maps(image)
        return np.stack([atlas.elements, atlas.column, atlas.weights]), atlas.space

    now = READERS['maps_img'](settings)
    if fitted is not None and not (all(map(np.array_equal, now.arrays, fitted.atlas.arrays)) and _same(now, fitted)):
        raise LabelsError('maps_img or its look-up table was changed after fit read it: call fit again')
    path = _find_image('maps_img', image, read, None, folder, lambda path: nib.save(image, path))
    if settings['lut'] is None and settings['labels'] is None:
        found = READERS['maps_img'](settings | {'maps_img': path})
        if list(found.names) != list(now.names):
            return path, pd.DataFrame({'index': now.ids, 'name': list(now.names)})
    return path, settings['lut']


def _find_seeds(settings, fitted, folder):
    """Return the path of a table of seeds, and None, because the table has the names."""
    now = READERS['seeds'](settings)
    known = now if fitted is None else fitted.atlas
    is_same = np.array_equal(now.centres, known.centres) and np.array_equal(now.radii, known.radii)
    if fitted is not None and not (is_same and _same(now, fitted)):
        raise LabelsError('seeds were changed after fit read them: call fit again')
    if isinstance(settings['seeds'], str | os.PathLike):
        return str(expand(settings['seeds']).absolute()), None
    _require_folder('seeds', folder)
    x, y, z = now.centres.T
    table = pd.DataFrame({'index': now.ids, 'name': list(now.names), 'x': x, 'y': y, 'z': z, 'radius': now.radii})
    return _write(folder, 'seeds', '.tsv', table.to_csv().encode(), lambda path: write_table(path, table)), None


def _same(atlas, fitted):
    """Return whether an atlas has the names that ``fit`` read."""
    return list(atlas.names) == fitted.lookup['name'].tolist()


def _find_image(name, image, read, fitted, folder, write=None):
    """Return the path of a file that has the voxels of an image; write it if no such file exists."""
    volume, grid = now = read(image)
    if fitted is not None and not _are_equal(now, fitted):
        raise LabelsError(f'{name} was changed after fit read it: call fit again')
    for path in _possible_files(image):
        if os.path.isfile(path) and _are_equal(now, read(path)):  # noqa: PTH113
            return str(Path(path).absolute())
    _require_folder(name, folder)
    content = repr((volume.shape, grid.affine.tolist())).encode() + volume.tobytes()
    write = write or (lambda path: write_volume(path, volume, grid.affine))
    return _write(folder, name, '.nii.gz', content, write)


def _possible_files(image):
    """Return the paths that an image may have been loaded from."""
    image = single_image(image)
    if isinstance(image, str):
        return [image]
    named = (image.get_filename(), getattr(image.dataobj, 'file_like', None))
    return [path for path in named if isinstance(path, str | os.PathLike)]


def _are_equal(one, other):
    """Return whether two images have the same values on the same grid."""
    return np.array_equal(one[0], other[0]) and one[1].is_identical(other[1])


def _require_folder(name, folder):
    """Refuse an image or table in memory without a folder to write it to."""
    if folder is None:
        raise LabelsError(
            f'{name} is in memory, or was changed there since it was loaded, and a graph works on files: '
            'save it and set its path, or name a folder to write it to, to_workflow(folder=…)'
        )


def _write(folder, name, suffix, content, write):
    """Write a file atomically under a name that depends on its content."""
    path = expand(folder).absolute() / f'{name}-{sha256(content).hexdigest()[:12]}{suffix}'
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(path) as partial_path:
        write(partial_path)
    return str(path)
