# SPDX-License-Identifier: BSD-3-Clause
"""Parcellations of surfaces: dense labels of CIFTI, and pairs of GIFTI or FreeSurfer files."""

import os
import re
import struct
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np

from ..model.atlas import Atlas, unused_id
from ..model.errors import ImageError, LookupTableError, MissingRegionsError, errors_name, list_names
from ..model.grayordinates import CIFTI_NAME, Grayordinates, pair_space
from .cifti import open_cifti
from .gifti import read_hemisphere
from .hemispheres import GIFTI_ENDS, find_pair
from .lut import check_lookup_table, check_named, choose_lookup_table
from .volumes import to_labels

#: Names of rows of label tables that are background, in lower case without punctuation.
_BACKGROUND_NAMES = re.compile('background.*|.*medialwall|unknown|')

#: Label of elements that belong to no region, while parts are put together; a label of 32 bits cannot be it.
_BACKGROUND = -(2**40)

#: Path of a CIFTI file and the name of one of its maps.
_WITH_MAP = re.compile(r'(?P<file>.+\.dlabel\.nii):(?P<map>.+)', re.IGNORECASE | re.DOTALL)

#: End of errors about files that may hold probabilistic maps.
_NO_MAPS = 'Probabilistic maps of surfaces are not supported'


class Region(NamedTuple):
    """A row of a label table: unique id, name in the file, hemisphere (``L``, ``R`` or empty), and id in the file."""

    index: int
    name: str
    hemisphere: str
    index_file: int


class Parcellation(NamedTuple):
    """What the files of a parcellation hold: space, labels (n,), regions, and names of rows that are background."""

    space: Grayordinates
    labels: np.ndarray
    regions: list[Region]
    background_names: list[str]


def split_map(path):
    """Return the path of a file, and the name of the map that is appended to it (``FILE:MAPNAME``) or None.

    >>> split_map('atlas.dlabel.nii:Yeo7'), split_map('atlas.dlabel.nii')
    (('atlas.dlabel.nii', 'Yeo7'), ('atlas.dlabel.nii', None))
    """
    found = _WITH_MAP.fullmatch(str(path))
    return (found['file'], found['map']) if found else (str(path), None)


def is_background(name):
    """Return whether a row of a label table with this name is background.

    >>> [is_background(name) for name in ('???', 'Unknown', 'Medial_wall', 'Background+FreeSurfer', 'V1')]
    [True, True, True, True, False]
    """
    return bool(_BACKGROUND_NAMES.fullmatch(re.sub(r'[\W_]', '', name).lower()))


def read_parcellation(given, names=None, lut=None, warn=lambda message, *values: None):
    """Return the Atlas of a parcellation of surfaces, and its look-up table.

    Regions of two files are identified by hemisphere and id. Ids that have vertices in both hemispheres are different
    regions: those of the right one are increased by a power of ten. A key of a CIFTI file is one region, also in both
    hemispheres. Names that stand for different regions of both hemispheres become ``L_x`` and ``R_x``.

    Parameters
    ----------
    given : path, or sequence of two paths
        ``.dlabel.nii``, of several maps ``FILE:MAPNAME``; or ``.label.gii`` or ``.annot`` files of two hemispheres,
        of which one may be given (see :func:`~nipype_labels.files.hemispheres.find_pair`).
    names, lut, warn : object
        See :func:`~nipype_labels.files.lut.choose_lookup_table`; by default the label tables of the files.

    Returns
    -------
    atlas : Atlas
        On Grayordinates.
    lookup : dict of arrays
        Columns ``index`` (int), ``name`` (str), ``hemisphere`` (``L``, ``R`` or empty) and ``index_file`` (id in the
        file), in the order of the tables, left before right.

    Raises
    ------
    LabelsError
        If a file cannot be read or its partner is missing, several maps exist and none is chosen, a label is not a
        whole number, or names are not unique.
    """
    return name_parcellation(open_parcellation(given), names, lut, warn)


def open_parcellation(given):
    """Return the Parcellation of a path, or of a sequence of two; see :func:`read_parcellation`."""
    return _read_cifti(given) if _is_cifti(given) else _read_pair(*find_pair(given))


def name_parcellation(parcellation, names=None, lut=None, warn=lambda message, *values: None):
    """Return the Atlas of a Parcellation, and its look-up table; see :func:`read_parcellation`."""
    space, labels, regions, _ = parcellation
    with errors_name(space.path):
        ids = np.unique(labels[labels != _BACKGROUND])
        if not len(ids):
            raise MissingRegionsError('no vertex or voxel has the label of a region')
        if names is None and lut is None:
            rows = [(region.index, region.name) for region in _name_by_hemisphere(regions)]
            lookup = check_lookup_table(rows, space.path)
            check_named(lookup, ids, space.path, space.path, warn)
        else:
            lookup = choose_lookup_table(ids, space.path, names, lut, warn)
    known = {region.index: region for region in regions}
    unknown = Region(0, '', '', 0)
    numbers = lookup['index'].tolist()
    lookup['hemisphere'] = np.array([known.get(i, unknown).hemisphere for i in numbers], dtype=object)
    lookup['index_file'] = np.array([known[i].index_file if i in known else i for i in numbers])
    background = unused_id([*ids, *numbers])
    labels = np.where(labels == _BACKGROUND, background, labels).astype(np.int32)
    return Atlas(space, labels, lookup['index'], lookup['name'], background), lookup


def _is_cifti(given):
    path = given[0] if isinstance(given, list | tuple) and len(given) == 1 else given
    file = split_map(path)[0] if isinstance(path, str | os.PathLike) else ''
    return file.lower().endswith('.nii') or bool(CIFTI_NAME.search(file))


def _read_cifti(given):
    """Return the Parcellation of a map of a dlabel file."""
    path, name = split_map(given[0] if isinstance(given, list | tuple) else given)
    file = open_cifti(path)
    if file.kind != 'LABELS':
        raise ImageError(
            f'{path} is not a parcellation: its columns are not labels. Use a .dlabel.nii file. {_NO_MAPS}'
        )
    number = _choose_map([each.name for each in file.maps], name, path)
    labels, table, background = _drop_background(to_labels(file.read_map(number), path), file.maps[number].labels)
    sides = {side: set(np.unique(labels[file.space.hemispheres == side]).tolist()) for side in ('L', 'R', '')}
    regions = [Region(key, name, _find_hemisphere(key, sides), key) for key, name in table.items()]
    return Parcellation(file.space, labels, regions, background)


def _find_hemisphere(key, sides):
    """Return the only hemisphere in which an id has vertices or voxels, empty for several or none."""
    found = [side for side, ids in sides.items() if key in ids]
    return found[0] if len(found) == 1 else ''


def _choose_map(maps, name, path):
    """Return the number of a map, chosen by its name unless it is the only one."""
    if name is None and len(maps) == 1:
        return 0
    if maps.count(name) == 1:
        return maps.index(name)
    problem = 'has several maps' if name is None else f'has {maps.count(name)} maps with the name {name!r}'
    raise LookupTableError(
        f'{path} {problem}: {list_names(maps, 20)}. Append the name of one to the path, as in {path}:{maps[0]}'
    )


def _read_pair(left, right):
    """Return the Parcellation of a pair of files."""
    (left_labels, left_table, left_background), (right_labels, right_table, right_background) = (
        _drop_background(*_read_hemisphere(path, side)) for path, side in ((left, 'L'), (right, 'R'))
    )
    space = pair_space(len(left_labels), len(right_labels), left)
    used = [set(np.unique(labels).tolist()) for labels in (left_labels, right_labels)]
    common = left_table.keys() & right_table.keys()
    is_one_table = not used[0] & used[1] - {_BACKGROUND} and all(left_table[i] == right_table[i] for i in common)
    shift = 0
    if not is_one_table:
        ids = [*left_table, *right_table, *(used[0] | used[1]) - {_BACKGROUND}]
        shift = 10 ** len(str(max(max(map(abs, ids)), max(ids) - min(ids))))
    sides = dict(zip('LR', used, strict=True))
    regions = []
    for side, table, added in (('L', left_table, 0), ('R', right_table, shift)):
        for key, name in table.items():
            is_shared = is_one_table and key in common
            hemisphere = _find_hemisphere(key, sides) if is_shared else side
            if not (is_shared and side == 'R'):
                regions.append(Region(key + added, name, hemisphere, key))
    right_labels = np.where(right_labels == _BACKGROUND, _BACKGROUND, right_labels + shift)
    background = list(dict.fromkeys(left_background + right_background))
    return Parcellation(space, np.concatenate([left_labels, right_labels]), regions, background)


def _read_hemisphere(path, side):
    """Return the labels (n,) and the label table of a file of one hemisphere."""
    if path.lower().endswith('.annot'):
        return _read_annot(path)
    if path.lower().endswith(GIFTI_ENDS):
        return _read_gifti(path, side)
    raise ImageError(f'{path} is not a parcellation of surfaces: use .dlabel.nii, .label.gii or .annot files')


def _read_gifti(path, side):
    """Return the labels (n,) and the label table of a GIFTI file."""
    reader, values = read_hemisphere(path, side)
    with errors_name(path):
        array = reader.arrays[0]
        if array.intent != 'LABEL' or array.shape != values[0].shape[:1] + (1,) * (len(array.shape) - 1):
            problem = f'it holds {array.intent} of shape {array.shape}, not labels of vertices'
            raise ImageError(f'{problem}. Use .label.gii. {_NO_MAPS}')
        if len(values) != 1:
            names = [each.metadata.get('Name') or f'{i} (no name)' for i, each in enumerate(reader.arrays, 1)]
            merge = 'wb_command -label-merge OUT -label IN -column MAP'
            raise ImageError(f'it has {len(values)} maps: {list_names(names, 20)}. Extract one of them: {merge}')
    return to_labels(values[0].ravel(), path), reader.labels


def _read_annot(path):
    """Return the labels (n,) and the names by id of a FreeSurfer annotation; ids are numbers of rows of its table."""
    try:
        # nibabel's own ids are wrong for colours that are missing in the table, and for rows behind a missing one.
        values, colours, names = nib.freesurfer.read_annot(path, orig_ids=True)
        rows = _list_rows(path, len(values), len(names))
        codes = colours[rows, 4].tolist()
        table = {row: name.decode('utf-8', 'replace').strip() for row, name in zip(rows, names, strict=True)}
    except Exception as e:  # damaged files make nibabel raise all kinds
        raise ImageError(f'{path} is not an annotation that nibabel can read: {" ".join(str(e).split())}') from e
    if not len(values):
        raise ImageError(f'{path} has no vertices')
    found, places = np.unique(values, return_inverse=True)
    ids = []
    for value in found.tolist():
        matching = [row for row, code in zip(rows, codes, strict=True) if code == value] if value else [_BACKGROUND]
        if len(matching) != 1:
            rgb = [value >> shift & 255 for shift in (0, 8, 16)]
            raise ImageError(f'{path} has vertices of the colour {rgb}, which {len(matching)} rows of its table have')
        ids += matching
    return np.array(ids)[places], table


def _list_rows(path, n_vertices, n_names):
    """Return the number of the row of each name in an annotation that nibabel can read."""
    content, place = Path(path).read_bytes(), 8 + 8 * n_vertices
    if not np.array_equal(np.frombuffer(content, '>i4', 2 * n_vertices, 4)[::2], np.arange(n_vertices)):
        raise ValueError('its vertices are not in their order')
    version, _, length = struct.unpack_from('>3i', content, place)
    if version > 0:  # the format without numbers
        return list(range(n_names))
    rows, place = [], place + 16 + length
    for _ in range(n_names):
        row, length = struct.unpack_from('>2i', content, place)
        rows.append(row)
        place += 24 + length
    return rows


def _drop_background(labels, table):
    """Return labels, int64, whose background has one value; the rows of regions; and the names of other rows."""
    background = [key for key, name in table.items() if is_background(name)]
    # 0 needs no row to be background.
    background += [] if 0 in table else [0]
    labels = np.where(np.isin(labels, background), _BACKGROUND, labels.astype(np.int64))
    names = [table[key] for key in background if key in table]
    return labels, {key: name for key, name in table.items() if key not in background}, names


def _name_by_hemisphere(regions):
    """Return regions whose names have the hemisphere if both hemispheres have regions of the same name.

    Regions without a vertex have no hemisphere: their names have the id, if it is needed.
    """
    left, right = ({region.name for region in regions if region.hemisphere == side} for side in 'LR')
    if left & right:
        regions = [
            region._replace(name=f'{region.hemisphere}_{region.name}') if region.hemisphere else region
            for region in regions
        ]
    counts = Counter(region.name for region in regions)
    return [
        region._replace(name=f'{region.name} ({region.index})')
        if counts[region.name] > 1 and not region.hemisphere
        else region
        for region in regions
    ]
