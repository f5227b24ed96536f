# SPDX-License-Identifier: BSD-3-Clause
"""Text that ``derivatives`` prints: warnings, and the summary of all series found."""

import sys

from ..bids.filters import read_filters
from ..bids.runs import PREPROC
from ..model.entities import CONTRADICTION, find_contradictions


def summarise(found, warnings, job, reasons):
    """Print failed runs with reasons, warnings, and last an account of all series found; return the exit status."""
    for name, reason in reasons.items():
        log = job.log(name)
        # A run that was not started has no log.
        print(f'  {job.runs[name].name}: {reason}' + (f' (log: {log})' if log.is_file() else ''), file=sys.stderr)
    for line in [*warnings, *list_notes(found), *list_unused(found, job.parameters)]:
        print(line, file=sys.stderr)
    n_done = sum(run.n_series for name, run in job.runs.items() if name not in reasons)
    n_failed = found.n_series - n_done - sum(found.excluded.values())
    account = f'{n_done} done, {n_failed} not done{count_excluded(found)}'
    done = f'{len(job.runs) - len(reasons)} of {len(job.runs)} runs are done'
    print(f'{done}, in {job.out}; {found.n_series} series found: {account}', file=sys.stderr)
    return 1 if reasons or found.bad_series or found.unread else 0


def load_filters(path):
    """Return the filters of --bids-filter-file by entity, None without it; print which of its sections are not used."""
    if path is None:
        return None
    filters, unused = read_filters(path)
    if unused:
        print(f'--bids-filter-file {path}: only BOLD series are read, not {", ".join(unused)}', file=sys.stderr)
    return filters


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


def list_unused(found, parameters):
    """Return a line about confounds tables if there are any, and no columns were chosen."""
    if parameters['use_confounds'] or not any(run.confounds for run in found.runs):
        return []
    choices = '--preset, --confounds-strategy or --confounds-columns'
    return [f'the confounds tables are not used: choose columns by {choices}']


def count_excluded(found):
    """Return the end of a sentence that counts excluded series, and files that could not be read."""
    counts = [f', {count} {reason}' for reason, count in found.excluded.items()]
    nouns = 'folder or file' if len(found.unread) == 1 else 'folders or files'
    return ''.join(counts) + (f'; {len(found.unread)} {nouns} could not be read' if found.unread else '')
