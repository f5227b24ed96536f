# SPDX-License-Identifier: BSD-3-Clause
"""The plan of a dataset that ``derivatives --dry-run`` prints."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..bids.names import RUN_COLUMNS
from ..bids.run import Run
from ..files.atomic import write_atomically
from ..files.confounds import read_columns
from ..files.frames import write_table
from ..files.selection import select_columns
from ..model.columns import COMPLETE
from ..model.entities import CONTRADICTION, find_contradictions
from ..model.errors import LabelsError
from ..workflows.resources import estimate_disk
from .messages import in_options
from .progress import count, format_time
from .run import explain
from .sizes import RunSizes, estimate_memory, estimate_time
from .status import MISSING
from .summary import count_excluded, list_failures, list_notes, list_unused

#: Columns of the table with files that are read, and all columns in order.
_FILES = ('series', 'mask', 'confounds', 'sidecars', 'areas', 'surfaces')
COLUMNS = (
    *RUN_COLUMNS,
    *('name', 'status', 'reason', 'problems', *_FILES, 'atlases'),
    *('seconds', 'memory_gb', 'derivatives_bytes', 'work_bytes'),
)


@dataclass(frozen=True)
class PlannedRun:
    """A run as it would be processed now.

    Attributes
    ----------
    run : Run
    files : dict of str to list of str
        Files that are read, by role, within the dataset of the series.
    status : str
        ``complete`` or ``missing``.
    problems : list of str
        First why the run fails, if it does; then which files may not belong together.
    fails : bool
        Whether the run fails because of its problems.
    reason : str or None
        Why a run that was complete is processed again.
    seconds, memory_gb, derivatives, work : float or None
        Estimates (disk space in bytes); 0 for a complete run, None for one that fails.
    """

    run: Run
    files: dict
    status: str
    problems: list
    fails: bool = False
    reason: str | None = None
    seconds: float | None = 0
    memory_gb: float | None = 0
    derivatives: float | None = 0
    work: float | None = 0


def report_plan(found, warnings, job, nprocs, changes, tsv=None):
    """Print each run of a Job and what processing needs, and write the runs as TSV; return the exit status.

    ``changes`` are the runs that are not complete, each with the reason if it was complete before.
    """
    sizes_of_runs = RunSizes(job)
    planned = [_plan_run(name, job, sizes_of_runs, changes) for name in job.runs]
    if tsv is not None:
        _write_plan(tsv, planned, found, job)
    for each in planned:
        print(*_describe_run(each), sep='\n')
    notes = [*warnings, *list_notes(found), *list_unused(found, job.parameters)]
    reasons = {name: each.problems[0] for name, each in zip(job.runs, planned, strict=True) if each.fails}
    failing = list_failures(job, reasons).values()
    print(*_describe_total(planned, job, nprocs), *failing, *notes, sep='\n')
    print(f'{found.n_series} series found{count_excluded(found)}')
    return 0


def _plan_run(name, job, sizes_of_runs, changes):
    """Return the PlannedRun of a run; headers are read only if it is not complete."""
    run, parameters, files = job.runs[name], job.parameters, _list_files(job, name)
    tables = [run.confounds] if run.confounds is not None else []
    atlases = [atlas.path for atlas in job.atlases]
    notes = [CONTRADICTION % str(each) for each in find_contradictions(run.bold, run.mask, tables, atlases)]
    if name not in changes:
        return PlannedRun(run, files, COMPLETE, notes)
    reason = in_options(changes[name]) if changes[name] else None
    try:
        job.require(name)
        sizes = sizes_of_runs.measure(run)
        if run.has_readable_confounds:
            table = read_columns(run.confounds, sizes.shape[3])
            if parameters['use_confounds']:
                select_columns([table], job.requests[name].parameters, str(run.bold))
    except Exception as e:
        # When the run is processed, it fails for this reason and stops no other.
        problems = [in_options(explain(e)[0]), *notes]
        return PlannedRun(run, files, MISSING, problems, True, reason, None, None, None, None)
    memory, seconds = estimate_memory(sizes, parameters), estimate_time(run, job)
    disk = estimate_disk(sizes, job.n_regions, parameters, job.reports, job.digits)
    return PlannedRun(run, files, MISSING, notes, False, reason, seconds, memory, *disk)


def _list_files(job, name):
    """Return the paths of the files that are read for a run, by role, within the dataset of the series."""
    run = job.runs[name]
    roles = {'series': run.list_files('bold'), 'mask': run.list_files('mask'), 'confounds': [run.confounds]}
    roles |= {'sidecars': run.sidecars, 'areas': run.list_files('areas'), 'surfaces': map(Path, run.surfaces)}
    inputs = {path: source for source, path in job.requests[name].inputs.items()}
    return {role: [inputs[path] for path in paths if path in inputs] for role, paths in roles.items()}


def _describe_run(planned):
    """Return a PlannedRun as lines of text."""
    again = f' (processed again, because {planned.reason})' if planned.reason else ''
    yield f'{planned.run.name}: {planned.status}{again}'
    for role, paths in planned.files.items():
        if role in ('areas', 'surfaces') and not paths:
            continue  # volumes have none
        yield f'  {role}: {", ".join(paths) or "none"}'
    if planned.status != COMPLETE and not planned.fails:
        yield (
            f'  needs: {format_time(planned.seconds)}, {planned.memory_gb:.2f} GB of memory, '
            f'{planned.derivatives / 1e6:.1f} MB of derivatives, {planned.work / 1e6:.1f} MB of work'
        )
    for problem in planned.problems:
        yield f'  problem: {problem}'


def _describe_total(planned, job, nprocs):
    """Return the number of runs, the atlases, and what processing the runs that are not complete needs, as lines."""
    waiting = [each for each in planned if each.status != COMPLETE and not each.fails]
    n_failing = sum(each.fails for each in planned)
    participants = len({each.run.entities['sub'] for each in planned})
    subject = f'{count(len(planned), "run")} of {count(participants, "participant")}'
    states = [f'{sum(each.status == state for each in planned)} {state}' for state in (COMPLETE, MISSING)]
    states += [f'{n_failing} of these cannot be processed'] if n_failing else []
    yield f'{subject} × {count(len(job.atlases), "atlas")}: {", ".join(states)}'
    for atlas, n_regions in zip(job.atlases, job.n_regions, strict=True):
        yield f'atlas {atlas.name}: {atlas.path}, {count(n_regions, "region")}'
    n_processes = max(1, min(nprocs, len(waiting)))
    seconds = sum(each.seconds for each in waiting) / n_processes
    yield f'time: about {format_time(seconds)} with {count(n_processes, "process")}'
    yield f'memory: {sum(sorted(each.memory_gb for each in waiting)[-n_processes:]):.2f} GB'
    derivatives, work = (sum(getattr(each, kind) for each in waiting) / 1e6 for kind in ('derivatives', 'work'))
    yield f'disk: {derivatives:.1f} MB of derivatives, {work:.1f} MB of work, which can be deleted afterwards'


def _write_plan(path, planned, found, job):
    """Write a row for each run, and for each series that cannot be used, as TSV."""
    atlases = ','.join(atlas.name for atlas in job.atlases)
    rows = []
    for each in planned:
        row = {column: each.run.entities.get(key) for column, key in RUN_COLUMNS.items()}
        row |= {'name': each.run.name, 'status': each.status, 'reason': each.reason, 'atlases': atlases}
        row |= {'problems': '; '.join(each.problems)}
        row |= {role: ','.join(paths) for role, paths in each.files.items()}
        row |= {'seconds': each.seconds, 'memory_gb': each.memory_gb}
        rows.append(row | {'derivatives_bytes': each.derivatives, 'work_bytes': each.work})
    for series, reason in found.bad_series.items():
        rows.append({'status': MISSING, 'problems': reason, 'series': str(series)})
    table = pd.DataFrame(rows, columns=COLUMNS).replace('', None)
    table = table.astype({'derivatives_bytes': 'Int64', 'work_bytes': 'Int64'})
    for column in ('reason', 'problems', *_FILES):
        # A tab or line break in a name would end the cell.
        table[column] = table[column].str.replace(r'\s+', ' ', regex=True)
    try:
        with write_atomically(Path(path)) as partial:
            write_table(partial, table.round({'seconds': 1, 'memory_gb': 3}))
    except OSError as e:
        raise LabelsError(f'--tsv {path} cannot be written: {e.strerror}') from e
