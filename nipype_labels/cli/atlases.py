# SPDX-License-Identifier: BSD-3-Clause
"""Atlases that a command receives, and groups of atlases that share a pass over a series."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from ..bids.atlases import find_atlas, is_atlas_name
from ..bids.names import make_labels
from ..core.strategies import check_map_strategy
from ..files.atlases import is_maps, is_table, read_ids, read_regions
from ..files.atomic import write_atomically
from ..files.json_files import read_json
from ..files.locks import locked
from ..files.lut import NO_TABLE, name_by_order
from ..files.parcellations import split_map
from ..files.paths import expand
from ..files.spaces import is_surface, name_content
from ..model.errors import LabelsError
from ..model.parameters import SPHERES
from ..model.weighted import OVERLAPPING
from .messages import warn


@dataclass(frozen=True)
class NamedAtlas:
    """An atlas file with its name; without ``lut``, the nodes search for its look-up table."""

    name: str  # letters and digits: files are named by it
    path: str
    lut: str | None = None


def name_atlases(given, luts=(), space=None, datasets=()):
    """Return the atlases of arguments ``name=path``, or of paths alone, which are named by their files.

    In place of a path, an argument may have the name of an atlas: see :func:`resolve_names`.
    """
    pairs = [entry.split('=', 1) if '=' in entry else (None, entry) for entry in given]
    images, luts = resolve_names([image for _, image in pairs], luts, space, datasets)
    paths = [Path(path).expanduser().absolute() for path in images]
    made = make_labels(list(map(name_by_file, paths)))
    names = [label if name is None else name for (name, _), label in zip(pairs, made, strict=True)]
    for name, path in zip(names, paths, strict=True):
        if not name.isalnum() or not name.isascii():
            raise LabelsError(f'--atlas {name}={path}: the name is part of file names. Use letters and digits only')
        if [other.lower() for other in names].count(name.lower()) > 1:
            raise LabelsError(f'two atlases are named {name}. Pass --atlas NAME=IMAGE with different names')
        if not Path(split_map(path)[0]).is_file():
            raise LabelsError(f'--atlas {path}: file not found')
    tables = [lut and str(expand(lut).absolute()) for lut in luts]
    return [NamedAtlas(name, str(path), lut) for name, path, lut in zip(names, paths, tables, strict=True)]


def resolve_names(atlases, luts, space, datasets, has_labels=False):
    """Return paths of the images and look-up tables of atlases, and print the files of those that are given by name.

    Names are resolved in the ``space`` of the series, None if unknown; ``datasets`` are arguments ``name=path``. With
    ``has_labels`` the user names the regions, and tables of atlases are not used.
    """
    images, luts, folders = [], [*luts, *[None] * (len(atlases) - len(luts))], read_datasets(datasets)
    if folders and not any(map(is_atlas_name, atlases)):
        raise LabelsError('--datasets given, but no --atlas is the name of an atlas')
    for i, atlas in enumerate(atlases):
        if is_atlas_name(atlas):
            if space is None:
                raise LabelsError(f'--atlas {atlas}: the name of BOLD has no space-. Pass the path of an image')
            image, lut, dataset = find_atlas(atlas, space, folders, option='--atlas ')
            print(f'--atlas {atlas}: {image} ({dataset})', file=sys.stderr)
            if luts[i] is None and lut is not None and not has_labels:
                luts[i] = str(lut)
            atlas = str(image)
        images.append(atlas)
    return images, luts


def name_by_file(path):
    """Return the name of the file of an atlas without the suffixes of its format; other dots are part of the name.

    >>> name_by_file('Tian.S1.nii.gz'), name_by_file('seeds.tsv'), name_by_file('lh.aparc.annot')
    ('Tian.S1', 'seeds', 'aparc')
    """
    if is_surface(path) or is_table(path):
        return name_content(path)
    return Path(path).name.removesuffix('.gz').removesuffix('.nii')


def read_datasets(given):
    """Return the folders of arguments ``name=path``, by name; a path alone is named by its folder."""
    pairs = [entry.split('=', 1) if '=' in entry else (expand(entry).absolute().name, entry) for entry in given]
    names = [name for name, _ in pairs]
    for name, path in pairs:
        if names.count(name) > 1:
            raise LabelsError(f'two --datasets are named {name}. Pass --datasets NAME=PATH with different names')
        if not expand(path).is_dir():
            raise LabelsError(f'--datasets {name}={path}: no such folder')
    return dict(pairs)


def check_tables(paths, luts, labels, parameters):
    """Read the regions of each atlas, print warnings about names, and return the look-up tables."""
    tables, background_label = [], parameters.get('background_label', 0)
    for path, lut in zip(paths, luts, strict=True):
        if not is_table(path) and is_maps(path):
            check_map_strategy(parameters.get('strategy', 'mean'), path)
        if lut is None and labels is not None:
            tables.append(name_by_order(labels, read_ids(path, background_label), '--labels'))
        else:
            tables.append(read_regions(path, lut, background_label, parameters.get('radius'), _warn))
    given = [name for name in SPHERES if name in parameters]
    if given and not any(map(is_table, paths)):
        raise LabelsError(f'{given[0]} given, but it only acts with --seeds')
    if not parameters.get('allow_overlap', True) and not any(is_table(path) or is_maps(path) for path in paths):
        raise LabelsError(f'allow_overlap given, but it only acts with {OVERLAPPING}')
    return tables


def _warn(message, *values):
    remedy = '; name its table with --lut' if message == NO_TABLE else ''
    warn(f'{message % values}{remedy}')


def group_atlases(atlases, record):
    """Return groups of atlases that share a pass over a series, as the JSON file ``record`` has them."""
    with locked(record.with_name('.atlases.lock')):
        return _group_atlases(atlases, record)


def _read_groups(record):
    """Return the names of the atlases in each group; none if the record is damaged.

    The nodes notice that results belong to other atlases.
    """
    try:
        groups = read_json(record).get('groups')
    except LabelsError:
        return []
    is_valid = isinstance(groups, list) and all(isinstance(members, list) for members in groups)
    return groups if is_valid else []


def _group_atlases(atlases, record):
    """Group atlases while no other job changes the ``record``."""
    known = _read_groups(record) if record.is_file() else []
    by_name, groups = {atlas.name: atlas for atlas in atlases}, {}
    for i, members in enumerate(known):
        # The nodes of a part of a group would have other inputs, so that nothing would be reused.
        if all(name in by_name for name in members):
            groups[f'labels_{i}_wf'] = [by_name.pop(name) for name in members]
    if by_name:
        groups[f'labels_{len(known)}_wf'] = list(by_name.values())
        with write_atomically(record) as partial:
            content = json.dumps({'groups': [*known, list(by_name)]}, indent=1)
            partial.write_text(content + '\n', encoding='utf-8')
    return groups
