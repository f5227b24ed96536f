# SPDX-License-Identifier: BSD-3-Clause
"""Text that ``derivatives`` prints: the plan of a dry run, and the summary of all series found."""

import sys
from dataclasses import replace

from ..bids.runs import PREPROC
from ..files.entities import find_contradictions
from ..files.grids import read_grid
from ..files.series import open_series
from ..interfaces.clean import CONTRADICTION
from ..model.errors import LabelsError
from ..workflows.resources import Sizes, estimate, estimate_disk
from .checks import check_orientations


def measure(run, grids, n_regions, parameters):
    """Return the sizes of a run from its headers, which must say left from right where images are resampled."""
    series = open_series(run.bold)
    check_orientations(series.grid, grids, read_grid(run.mask) if parameters['use_mask'] else None, parameters)
    sizes = Sizes.of(series, grids)
    return replace(sizes, n_regions=max(n_regions))


def describe_plan(found, warnings, grids, n_regions, parameters, reports, nprocs):
    """Return the runs, and the memory and disk space that they need, as text."""
    lines, memory, disk, n_read = [], [], [0, 0], 0
    target, fwhm = parameters.get('resampling_target', 'data'), parameters.get('smoothing_fwhm')
    for run in found.runs:
        try:
            run.require(parameters['use_mask'], parameters['use_confounds'])
            sizes = measure(run, grids, n_regions, parameters)
        except (LabelsError, OSError) as e:
            lines.append(f'  {run.name}: {e}')
            continue
        nodes = estimate(sizes, nprocs, target == 'labels', bool(fwhm), parameters.get('project', 'none'))
        memory.append(max(nodes.values()))
        n_read += 1
        disk = [sum(pair) for pair in zip(disk, estimate_disk(sizes, n_regions, parameters, reports), strict=True)]
    subjects = len({run.entities['sub'] for run in found.runs})
    together = sum(sorted(memory)[-nprocs:])
    return '\n'.join(
        [
            f'{n_read} runs of {subjects} participants × {len(grids)} atlases',
            f'memory: {together:.2f} GB',
            f'disk: {disk[0] / 1e6:.1f} MB of derivatives, {disk[1] / 1e6:.1f} MB of work that may go afterwards',
            *([f'{len(lines)} runs cannot be processed:'] if lines else []),
            *lines,
            *warnings,
            *list_notes(found),
            f'{found.n_series} series found{count_excluded(found)}',
        ]
    )


def summarise(found, warnings, runs, reasons, out):
    """Print failed runs with reasons, warnings, and last an account of all series found; return the exit status."""
    for name, reason in reasons.items():
        log = out / 'logs' / f'{name}.txt'
        where = f' (log: {log})' if log.is_file() else ''
        print(f'  {runs[name].name}: {reason}{where}', file=sys.stderr)
    for line in [*warnings, *list_notes(found)]:
        print(line, file=sys.stderr)
    n_done = sum(run.n_series for name, run in runs.items() if name not in reasons)
    n_failed = found.n_series - n_done - sum(found.excluded.values())
    account = f'{n_done} done, {n_failed} not done{count_excluded(found)}'
    print(
        f'{len(runs) - len(reasons)} of {len(runs)} runs are done, in {out}; {found.n_series} series found: {account}',
        file=sys.stderr,
    )
    return 1 if reasons or found.bad_series or found.unread else 0


def list_contradictions(runs, atlases):
    """Return a line for each contradiction between file names; runs that contradict the same file share a line."""
    groups = {}
    for run in runs:
        tables = [path for path in (run.confounds,) if path is not None]
        for found in find_contradictions(run.bold, run.mask, tables, [atlas.path for atlas in atlases]):
            groups.setdefault((found.second, found.but_has), []).append(found)
    return [
        f'WARNING: {CONTRADICTION % str(same[0])}' + (f' (in {len(same)} runs)' if len(same) > 1 else '')
        for same in groups.values()
    ]


def list_notes(found):
    """Return a line for each series, folder and file that cannot be used, and one if the series are not preproc."""
    lines = [f'  {path}: {reason}' for path, reason in {**found.bad_series, **found.unread}.items()]
    return lines + ([f'series are desc-{found.bold_desc}'] if found.bold_desc != PREPROC else [])


def count_excluded(found):
    """Return the end of a sentence that counts excluded series, and files that could not be read."""
    counts = [f', {count} {reason}' for reason, count in found.excluded.items()]
    nouns = 'folder or file' if len(found.unread) == 1 else 'folders or files'
    return ''.join(counts) + (f'; {len(found.unread)} {nouns} could not be read' if found.unread else '')
