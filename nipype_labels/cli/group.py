# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels derivatives … group``: one table per atlas of all runs, from the derivatives of each run."""

import os
import sys
from pathlib import Path

import numpy as np

from ..bids.manifest import find_damage, list_differences
from ..bids.names import build_name, parse_name, sort_entities
from ..files.atomic import write_atomically
from ..files.coverage import read_coverage
from ..files.tables import format_row, read_signals
from ..model.errors import LabelsError, list_names
from .verify import read_manifests

#: Folder of the tables in the dataset.
FOLDER = 'group'

#: Entities that distinguish tables; all others distinguish the runs in a table.
TABLE_ENTITIES = ('tpl', 'space', 'cohort', 'res', 'den', 'atlas', 'seg', 'scale', 'stat', 'desc')

#: End of the names of connectivity matrices.
_PAIRS = '_relmat.tsv'

#: Digests of an atlas that the runs of a table have in common.
_FILES = ('Digest', 'LookupTable')


def collect(out):
    """Write a table per atlas with a row per run; return 1 if a run is excluded because of damage, else 0.

    One run after another is read, and of its connectivity the upper triangle is kept: memory holds one run. LabelsError
    if there is nothing to collect, or runs of a table differ in parameters, software, atlas or regions.
    """
    out = Path(out).absolute()
    found, problems = _find(out)
    manifests, damaged = read_manifests(out)
    owners = {name: manifest for manifest in manifests.values() for name in manifest['Outputs']}
    tables, excluded = {}, [*problems, *(f'  {line}' for line in damaged)]
    for path in sorted({*found, *(out / name for name in owners if _is_collected(Path(name)))}):
        damage = _find_damage(out, path, owners)
        if damage:
            excluded.append(f'  {path.relative_to(out)} is excluded: {damage}')
            continue
        entities, suffix, extension = parse_name(path)
        shared = {key: label for key, label in entities.items() if key in TABLE_ENTITIES}
        tables.setdefault(build_name(shared, suffix, extension), {})[_name_run(entities)] = path
    if not tables:
        reasons = ''.join(f'; {line.strip()}' for line in excluded)
        raise LabelsError(f'{out} has no derivatives to collect{reasons}. Run the level participant first')
    for name, paths in tables.items():
        _check_equal(name, {run: owners[path.relative_to(out).as_posix()] for run, path in paths.items()})
    (out / FOLDER).mkdir(exist_ok=True)
    for name, paths in tables.items():
        _write(out / FOLDER / name, paths, _read_pairs if name.endswith(_PAIRS) else _read_coverage)
    runs = {run for paths in tables.values() for run in paths}
    for line in [*_list_missing(tables, runs), *_list_failed(out), *excluded]:
        print(line, file=sys.stderr)
    print(f'wrote {len(tables)} tables of {len(runs)} runs to {out / FOLDER}', file=sys.stderr)
    return 1 if excluded else 0


def _find(out):
    """Return the files to collect that exist, and a line for each folder that cannot be read."""
    unread = []

    def note(error):
        unread.append(f'  {error.filename} cannot be read: {error.strerror}')

    found = []
    for top in sorted(path for path in _list_folder(out, note) if path.name.startswith('sub-')):
        for folder, _, names in os.walk(top, onerror=note):
            found += [Path(folder, name) for name in names if name.startswith('sub-')]
    return [path for path in found if _is_collected(path)], unread


def _list_folder(folder, note):
    """Return the paths in a folder; none if it cannot be read."""
    try:
        return list(folder.iterdir())
    except OSError as e:
        note(e)
        return []


def _is_collected(path):
    """Whether tables are made from a file."""
    return path.name.endswith(_PAIRS) or _is_coverage(path)


def _is_coverage(path):
    """Whether a file is a coverage table, with or without a ``desc``."""
    return path.name.endswith('_bold.tsv') and '_stat-coverage_' in path.name


def _find_damage(out, path, owners):
    """Return why a table cannot be used, None if it, its sidecar and the coverage of its regions are intact."""
    name = path.relative_to(out).as_posix()
    if name not in owners:
        return 'it is not in a manifest, so the run was not completed with these parameters'
    for file in (path, path.with_suffix('.json'), _find_coverage(path)):
        other = file.relative_to(out).as_posix()
        if other not in owners[name]['Outputs']:
            return f'{file.name} is not in the manifest of the run'
        damage = find_damage(out, owners[name], other)
        if damage:
            return f'{file.name} {damage}. Run the level participant again'
    return None


def _find_coverage(path):
    """Return the coverage table of the regions of a table."""
    if _is_coverage(path):
        return path
    entities, _, _ = parse_name(path)
    return path.with_name(build_name(entities | {'stat': 'coverage'}, 'bold', '.tsv'))


def _check_equal(name, manifests):
    """Raise LabelsError if the runs of a table differ in parameters, software, or atlas."""
    atlas = parse_name(f'sub-x_{name}')[0]['atlas']
    (first, known), *others = manifests.items()
    for run, manifest in others:
        pairs = list_differences(known, manifest)
        atlases = known['Atlases'][atlas], manifest['Atlases'][atlas]
        pairs += [(f'{key} of atlas {atlas}', *(each[key] for each in atlases)) for key in _FILES]
        differences = ', '.join(f'{key} is {one} and {other}' for key, one, other in pairs if one != other)
        if differences:
            raise LabelsError(
                f'{FOLDER}/{name}: {first} and {run} cannot be in one table: {differences}. Run the level participant '
                'with the same options for all runs, or with another --desc for each set of options'
            )


def _list_missing(tables, runs):
    """Return a line for each table that does not have all runs."""
    return [
        f'  {FOLDER}/{name} has {len(paths)} of {len(runs)} runs; missing: {list_names(sorted(runs - set(paths)), 5)}'
        for name, paths in tables.items()
        if len(paths) < len(runs)
    ]


def _list_failed(out):
    """Return a line that names runs that failed at the level participant."""
    failed = sorted(path.stem for path in (out / 'logs').glob('*.txt'))
    return [f'  runs that failed before and are missing (see {out}/logs): {list_names(failed, 5)}'] if failed else []


def _name_run(entities):
    """Return the name of a run: all entities that do not distinguish tables."""
    return '_'.join(f'{key}-{entities[key]}' for key in sort_entities(entities) if key not in TABLE_ENTITIES)


def _read_coverage(path):
    """Return the names of regions, and the coverage of each."""
    regions = read_coverage(path)
    return list(regions.name), regions.coverage


def _read_pairs(path):
    """Return the names of pairs of regions, and their connectivity; LabelsError if the matrix is not symmetric."""
    names, matrix = read_signals(path)
    coverage = _find_coverage(path)
    known = list(read_coverage(coverage).name)
    # With --missing-labels drop, the matrix has a part of the regions.
    if names != [name for name in known if name in set(names)]:
        raise LabelsError(f'{path}: the regions are not in the order of {coverage.name}')
    if matrix.shape != (len(names), len(names)):
        raise LabelsError(f'{path}: {len(matrix)} rows, but {len(names)} columns')
    if not np.array_equal(matrix, matrix.T, equal_nan=True):
        i, j = np.argwhere((matrix != matrix.T) & ~(np.isnan(matrix) & np.isnan(matrix.T)))[0]
        raise LabelsError(f'{path}: not symmetric, such as for {names[i]} and {names[j]}')
    rows, columns = np.triu_indices(len(names), 1)
    return [f'{names[i]} × {names[j]}' for i, j in zip(rows, columns, strict=True)], matrix[rows, columns]


def _write(target, paths, read):
    """Write one table of files by the names of their runs."""
    with write_atomically(target) as partial, partial.open('wb') as stream:
        expected = None
        for run, path in paths.items():
            names, values = read(path)
            if expected is None:
                first, expected = path, names
                stream.write('\t'.join(['run', *names]).encode() + b'\n')
            elif names != expected:
                raise LabelsError(
                    f'{path} and {first} have different regions. Use the same atlas for all runs, and another '
                    '--missing-labels than drop'
                )
            stream.write(run.encode() + b'\t' + format_row(values) + b'\n')
