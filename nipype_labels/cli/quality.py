# SPDX-License-Identifier: BSD-3-Clause
"""Quality of all runs of a dataset of derivatives: which tables are intact, and a row per run and atlas."""

import os
from contextlib import suppress
from pathlib import Path

import pandas as pd

from ..bids.manifest import find_damage
from ..bids.names import RUN_COLUMNS, build_name, parse_name, sort_entities, split_name
from ..bids.quality import QUALITY_COLUMNS, find_sidecar, is_coverage, name_coverage, read_quality
from ..files.atomic import create_folder, write_atomically
from ..files.coverage import read_coverage
from ..files.frames import read_table, write_table
from ..files.tables import to_numbers
from ..model.columns import COMPLETE
from ..model.errors import LabelsError
from .logs import FOLDER as LOGS
from .logs import read_reason
from .status import FAILED
from .verify import read_manifests

#: Entities that distinguish atlases, spaces and sets of parameters; all others distinguish runs.
TABLE_ENTITIES = ('tpl', 'space', 'cohort', 'res', 'den', 'atlas', 'seg', 'scale', 'stat', 'desc')

#: State of a run whose derivatives are damaged or incomplete.
EXCLUDED = 'excluded'

#: End of the names of connectivity matrices.
PAIRS = '_relmat.tsv'

#: Folder of the tables of all runs in the dataset, and path of the table of quality.
FOLDER = 'group'
QC = f'{FOLDER}/qc.tsv'

#: Columns of the table of quality. ``page`` is the report of the run, or its log if it failed.
QC_COLUMNS = (*RUN_COLUMNS, 'run_name', 'folder', 'atlas', 'status', 'reason', *QUALITY_COLUMNS, 'page')

#: End of the names of reports.
_REPORT = '_report.html'


def find_files(out, start='sub-'):
    """Return the files of participants, and a line for each folder that cannot be read.

    The names of the folders of participants begin with ``start``.
    """
    found, unread = [], []

    def note(error):
        unread.append(f'{error.filename} cannot be read: {error.strerror}')

    for folder, folders, names in os.walk(out, onerror=note):
        if Path(folder) == out:
            folders[:] = [name for name in folders if name.startswith(start)]
        else:
            found += [Path(folder, name) for name in names if name.startswith('sub-')]
    return found, unread


def find_tables(paths, owners, out):
    """Return the paths of intact files by table and run, and why others are excluded, by path.

    A table is named by what its files have in common.
    """
    tables, excluded = {}, {}
    for path in sorted(path for path in paths if path.name.endswith(PAIRS) or is_coverage(path)):
        damage = _find_damage(out, path, owners)
        if damage:
            excluded[path] = f'{relative(path, out)} is excluded: {damage}'
            continue
        entities, suffix, extension = parse_name(path)
        shared = {key: label for key, label in entities.items() if key in TABLE_ENTITIES}
        tables.setdefault(build_name(shared, suffix, extension), {})[name_run(entities)] = path
    return tables, excluded


def relative(path, out):
    """Return the path of a file within a dataset, as manifests have it."""
    return path.relative_to(out).as_posix()


def _find_damage(out, path, owners):
    """Return why a table cannot be used, None if it, its sidecar and what describes its regions and run are intact."""
    name, coverage = relative(path, out), path.with_name(name_coverage(path))
    if name not in owners:
        return 'it is not in a manifest, so the run was not completed with these parameters'
    outputs = owners[name]['Outputs']
    files = {relative(file, out) for each in (path, coverage) for file in (each, each.with_suffix('.json'))}
    for file in [*sorted(files), find_sidecar(coverage.name, outputs)]:
        if file not in outputs:
            return f'{Path(file).name if file else "the sidecar of time series"} is not in the manifest of the run'
        damage = find_damage(out, owners[name], file)
        if damage:
            return f'{Path(file).name} {damage}. Run the level participant again'
    return None


def name_run(entities):
    """Return the name of a run: all entities that do not distinguish tables."""
    return '_'.join(f'{key}-{entities[key]}' for key in sort_entities(entities) if key not in TABLE_ENTITIES)


def name_folder(name):
    """Return the folder of a table, or of a file of a run: the entities of tables except the statistic.

    >>> name_folder('space-MNI152NLin2009cAsym_atlas-AAL_stat-correlation_relmat.tsv')
    'space-MNI152NLin2009cAsym_atlas-AAL'
    """
    entities, _, _ = split_name(name)
    chosen = [key for key in sort_entities(entities) if key in TABLE_ENTITIES and key != 'stat']
    return '_'.join(f'{key}-{entities[key]}' for key in chosen)


def describe_run(path):
    """Return the first columns of the row of a run."""
    entities, _, _ = parse_name(path)
    return {column: entities.get(key) for column, key in RUN_COLUMNS.items()} | {'run_name': name_run(entities)}


def describe_table(path):
    """Return the first columns of the row of a run and atlas in the table of quality."""
    # Matrices of other software may have no atlas in their names.
    return describe_run(path) | {'folder': name_folder(path.name), 'atlas': parse_name(path)[0].get('atlas')}


def describe_complete(path, table, outputs, out):
    """Return the row of a run and atlas whose derivatives are intact.

    ``path`` and ``table`` are its coverage table, ``outputs`` the paths of all files of the run.
    """
    quality = read_quality(out / find_sidecar(path.name, outputs), table)
    return describe_table(path) | {'status': COMPLETE, 'page': find_report(outputs)} | quality


def find_report(outputs):
    """Return the path of the report among the paths of all files of a run; None without a report."""
    return next((name for name in outputs if name.endswith(_REPORT)), None)


def list_quality(complete, excluded):
    """Return the rows of the table of quality of runs that have derivatives, intact (their rows) or not (reasons)."""
    rows = {(row['folder'], row['run_name']): row for row in complete}
    for path, reason in excluded.items():
        row = describe_table(path)
        place = row['folder'], row['run_name']
        rows[place] = rows.get(place, row) | {'status': EXCLUDED, 'reason': reason}
    return list(rows.values())


def list_failed(out, start='sub-'):
    """Return rows of the table of quality for runs that failed; the names of their logs begin with ``start``."""
    rows = []
    for log in sorted((out / LOGS).glob(f'{start}*.txt')):
        # Logs of a scheduler may be in the folder too.
        with suppress(LabelsError):
            row = describe_run(f'{log.stem}_bold.tsv')
            rows.append(row | {'status': FAILED, 'reason': read_reason(log), 'page': relative(log, out)})
    return rows


def read_participant(out, participant):
    """Return the rows of a participant, such as ``'sub-01'``, in the table of quality, and the manifests of the runs.

    A damaged manifest is like a missing one: its files are excluded.
    """
    start = f'{participant}_'
    manifests, _ = read_manifests(out, start)
    owners = {name: manifest for manifest in manifests.values() for name in manifest['Outputs']}
    found = [path for path in find_files(out, participant)[0] if path.name.startswith(start)]
    tables, excluded = find_tables({*found, *(out / name for name in owners)}, owners, out)
    complete = [
        describe_complete(path, read_coverage(path), owners[relative(path, out)]['Outputs'], out)
        for name, paths in tables.items()
        if is_coverage(name)
        for path in paths.values()
    ]
    return [*list_quality(complete, excluded), *list_failed(out, start)], list(manifests.values())


def write_quality(out, rows):
    """Write the table of quality, a row per run and folder of tables; return the rows with all columns, sorted."""
    rows = [dict.fromkeys(QC_COLUMNS) | row for row in rows]
    rows.sort(key=lambda row: (row['run_name'], row['folder'] or ''))
    table = pd.DataFrame(rows, columns=QC_COLUMNS)
    whole = [column for column in QC_COLUMNS if column.startswith('n_')]
    create_folder(out / FOLDER)
    with write_atomically(out / QC) as partial:
        write_table(partial, table.astype(dict.fromkeys(whole, 'Int64')))
    return rows


def read_rows(out):
    """Return the rows of the table of quality as dicts, None where a cell is missing; None without a valid table."""
    try:
        table = read_table(out / QC)
        if list(table) != list(QC_COLUMNS):
            return None
        columns = {name: to_numbers(table[name]) if name in QUALITY_COLUMNS else table[name] for name in table}
    except (LabelsError, ValueError):
        return None
    cells = [[None if cell != cell else cell for cell in column.tolist()] for column in columns.values()]
    return [dict(zip(QC_COLUMNS, row, strict=True)) for row in zip(*cells, strict=True)]
