# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels status``: which runs of a dataset are complete, missing or failed, and what to submit again.

It reads manifests and logs only, so that it can be called while jobs are running.
"""

import os
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path

from .. import __version__
from ..bids.dataset import describe_dataset
from ..bids.index import list_participants
from ..bids.manifest import Request, find_change, name_manifest, read_manifest
from ..bids.runs import find_runs
from ..files.json_files import read_json
from ..model.columns import COMPLETE
from ..model.errors import LabelsError
from .logs import name_log, read_reason
from .messages import in_options
from .progress import count
from .summary import list_notes, load_filters

#: States of a run that is not complete.
MISSING, FAILED = 'missing', 'failed'


def report_status(
    dataset,
    out,
    participant_label=(),
    session_label=(),
    task=(),
    run=(),
    bids_filter_file=None,
    space=(),
    echo=(),
    bold_desc=None,
    desc=None,
):
    """Print a TSV row for each run, and the participants to submit again; return 1 unless all runs are complete."""
    out = Path(out).absolute()
    _check_out(out)
    chosen = dict(participants=participant_label, sessions=session_label, tasks=task, runs=run, spaces=space)
    chosen |= dict(echoes=echo, bold_desc=bold_desc, filters=load_filters(bids_filter_file))
    found = find_runs(dataset, **chosen)
    rows = [(f'sub-{run.entities["sub"]}', run.name, *find_state(run, out, desc)) for run in found.runs]
    print('participant', 'name', 'status', 'reason', sep='\t')
    for *columns, reason in rows:
        print(*columns, in_options(reason) or 'n/a', sep='\t')
    counts = Counter(state for _, _, state, _ in rows)
    states = ', '.join(f'{counts[state]} {state}' for state in (COMPLETE, MISSING, FAILED))
    sys.stderr.writelines(f'{line}\n' for line in [*list_notes(found), f'{count(len(rows), "run")}: {states}'])
    incomplete = {participant for participant, _, state, _ in rows if state != COMPLETE}
    if incomplete:
        participants = list_participants(Path(dataset))
        tasks = format_array(i for i, name in enumerate(participants) if name in incomplete)
        command = f'sbatch --array={tasks} SCRIPT'  # the user knows the name of the script
        print(f'{count(len(incomplete), "participant")} to submit again: {command}', file=sys.stderr)
    return 1 if incomplete else 0


def find_state(run, out, desc=None):
    """Return the state of a run, and why it failed or has to be processed again; empty without a reason.

    A run is complete if its inputs, its outputs and the software are those of its manifest.
    """
    reason = read_reason(out / name_log(run.name, desc))
    if reason is not None:
        return FAILED, reason
    try:
        manifest = read_manifest(out / name_manifest(run.name, desc))
        if manifest is None:
            return MISSING, ''
        # Names of files outside the dataset begin with `..`, which must not be the parent of what a link leads to.
        inputs = {name: Path(os.path.normpath(run.root / name)) for name in manifest['Inputs']}
        request = Request(inputs, tuple(manifest['Outputs']), (), manifest['Parameters'])
        change = find_change(manifest, request, out)
    except (LabelsError, OSError) as e:
        change = str(e)
    return (COMPLETE, '') if change is None else (MISSING, change)


def format_array(indices):
    """Return numbers in increasing order as the option --array of sbatch takes them.

    >>> format_array([0, 1, 2, 5, 7, 8])
    '0-2,5,7-8'
    """
    groups = groupby(enumerate(indices), key=lambda pair: pair[1] - pair[0])
    ranges = [[number for _, number in group] for _, group in groups]
    return ','.join(f'{numbers[0]}-{numbers[-1]}' if len(numbers) > 1 else f'{numbers[0]}' for numbers in ranges)


def _check_out(out):
    """Raise LabelsError unless a folder may be the output of ``derivatives``, also if no run is complete yet."""
    if not out.is_dir():
        raise LabelsError(f'{out}: no such folder. Pass the OUT of derivatives')
    description = out / 'dataset_description.json'
    if description.is_file():
        describe_dataset(__version__, existing=read_json(description), where=description)
