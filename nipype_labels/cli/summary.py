# SPDX-License-Identifier: BSD-3-Clause
"""Text that ``derivatives`` prints: warnings, and the summary of all series found."""

import re
import sys

from ..bids.filters import read_filters
from ..bids.runs import PREPROC
from ..model.entities import CONTRADICTION, find_contradictions

#: Runs with equal reasons of failure that have a line each; of more runs, as many are named in one line.
_MOST_LINES = 3


def summarise(found, warnings, job, reasons):
    """Print failed runs with reasons, warnings, and last an account of all series found; return the exit status."""
    for name, line in list_failures(job, reasons).items():
        log = job.log(name)
        # A run that was not started has no log.
        print(line + (f' (log: {log})' if log.is_file() else ''), file=sys.stderr)
    for line in [*warnings, *list_notes(found), *list_unused(found, job.parameters)]:
        print(line, file=sys.stderr)
    n_done = sum(run.n_series for name, run in job.runs.items() if name not in reasons)
    n_failed = found.n_series - n_done - sum(found.excluded.values())
    account = f'{n_done} done, {n_failed} not done{count_excluded(found)}'
    done = f'{len(job.runs) - len(reasons)} of {len(job.runs)} runs are done'
    print(f'{done}, in {job.out}; {found.n_series} series found: {account}', file=sys.stderr)
    return 1 if reasons or found.bad_series or found.unread else 0


def list_failures(job, reasons):
    """Return a line for each run with the reason why it fails, by name; one line for many runs with equal reasons.

    The key of a line of many runs is the first run, and its reason is printed. Reasons are equal if they differ only in
    entities of the runs, as in names of files.
    """
    groups, lines = {}, {}
    for name, reason in reasons.items():
        own = '|'.join(re.escape(f'{key}-{value}') for key, value in job.runs[name].entities.items())
        common = re.sub(rf'(?<![0-9A-Za-z])({own})(?![0-9A-Za-z])', '', reason)
        groups.setdefault(common, []).append(name)
    for names in groups.values():
        if len(names) > _MOST_LINES:
            first = ', '.join(job.runs[name].name for name in names[:_MOST_LINES])
            lines[names[0]] = f'  {len(names)} runs ({first}, …), the first: {reasons[names[0]]}'
        else:
            lines |= {name: f'  {job.runs[name].name}: {reasons[name]}' for name in names}
    return lines


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
