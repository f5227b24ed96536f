# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels derivatives … group``: one table per atlas of all runs, from the derivatives of each run."""

import os
import sys
from pathlib import Path

import numpy as np

from ..bids.names import build_name, parse_name, sort_entities
from ..files.atomic import write_atomically
from ..files.coverage import read_coverage
from ..files.tables import format_row, read_signals
from ..model.errors import LabelsError

#: Folder of the tables in the dataset.
FOLDER = 'group'

#: Entities that distinguish tables; all others distinguish the runs in a table.
TABLE_ENTITIES = ('tpl', 'space', 'cohort', 'res', 'den', 'atlas', 'seg', 'scale', 'stat', 'desc')

#: Ends of the names of files that may be collected.
_ENDS = ('_bold.tsv', '_relmat.tsv')


def collect(out):
    """Write the tables: a row per run, a column per region or per pair of regions.

    One run after another is read, and of its connectivity the upper triangle is kept: memory holds one run, however
    many there are.

    Parameters
    ----------
    out : path
        Data set that the command has written before.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    LabelsError
        If there is nothing to collect, or two runs differ in their regions.
    """
    out = Path(out).absolute()
    found, unread = _find(out)
    tables = {}
    for path in found:
        entities, suffix, extension = parse_name(path)
        if suffix == 'bold' and entities.get('stat') != 'coverage':
            continue
        shared = {key: label for key, label in entities.items() if key in TABLE_ENTITIES}
        tables.setdefault(build_name(shared, suffix, extension), {})[_name_run(entities)] = path
    if not tables:
        reasons = ''.join(f'; {line.strip()}' for line in unread)
        raise LabelsError(f'{out} has no derivatives to collect{reasons}. Run the level participant first')
    (out / FOLDER).mkdir(exist_ok=True)
    for name, paths in tables.items():
        _write(out / FOLDER / name, paths, _read_pairs if name.endswith('_relmat.tsv') else _read_coverage)
    runs = {run for paths in tables.values() for run in paths}
    incomplete = [
        f'  {FOLDER}/{name} has {len(paths)} of {len(runs)} runs; missing: {_shorten(sorted(runs - set(paths)))}'
        for name, paths in tables.items()
        if len(paths) < len(runs)
    ]
    failed = sorted(path.stem for path in (out / 'logs').glob('*.txt'))
    failed = [f'  runs that failed before and are missing (see {out}/logs): {_shorten(failed)}'] if failed else []
    for line in [*incomplete, *failed, *unread]:
        print(line, file=sys.stderr)
    print(f'wrote {len(tables)} tables of {len(runs)} runs to {out / FOLDER}', file=sys.stderr)
    return 1 if unread else 0


def _find(out):
    """Paths of the files to collect, in the order of their names, and a line for each folder that cannot be read."""
    unread = []

    def note(error):
        unread.append(f'  {error.filename} cannot be read: {error.strerror}')

    found = []
    for top in sorted(path for path in _list_folder(out, note) if path.name.startswith('sub-')):
        for folder, _, names in os.walk(top, onerror=note):
            found += [Path(folder, name) for name in names if name.startswith('sub-')]
    return sorted(path for path in found if path.name.endswith(_ENDS)), unread


def _list_folder(folder, note):
    """Paths in a folder; none if it cannot be read."""
    try:
        return list(folder.iterdir())
    except OSError as e:
        note(e)
        return []


def _name_run(entities):
    """Name of a run: all entities that do not distinguish tables."""
    return '_'.join(f'{key}-{entities[key]}' for key in sort_entities(entities) if key not in TABLE_ENTITIES)


def _shorten(names):
    """At most five names, and the number of the others."""
    more = f' and {len(names) - 5} more' if len(names) > 5 else ''
    return ', '.join(names[:5]) + more


def _read_coverage(path):
    """Names of regions, and the part of each that is covered."""
    regions = read_coverage(path)
    return list(regions.name), regions.coverage


def _read_pairs(path):
    """Names of pairs of regions, and their connectivity."""
    names, matrix = read_signals(path)
    rows, columns = np.triu_indices(len(names), 1)
    return [f'{names[i]} × {names[j]}' for i, j in zip(rows, columns, strict=True)], matrix[rows, columns]


def _write(target, paths, read):
    """Write one table of files by the names of their runs."""
    with write_atomically(target) as partial, partial.open('w', encoding='utf-8', newline='\n') as stream:
        expected = None
        for run, path in paths.items():
            names, values = read(path)
            if expected is None:
                first, expected = path, names
                stream.write('\t'.join(['run', *names]) + '\n')
            elif names != expected:
                raise LabelsError(
                    f'{path} and {first} have different regions. Use the same atlas for all runs, and another '
                    '--missing-labels than drop'
                )
            stream.write(f'{run}\t{format_row(values)}\n')
