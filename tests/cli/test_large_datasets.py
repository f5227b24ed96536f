# SPDX-License-Identifier: BSD-3-Clause
"""CPU seconds and memory of the dataset command with 1,000 participants and 5,000 runs, which are links to one run."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
from dataset_cases import MASK, N_VOLUMES, SERIES, make_atlases, write_run
from named_cases import describe

N_PARTICIPANTS, N_RUNS = 1000, 5
FIRST = 'sub-0000_task-rest_run-1'

pytestmark = [pytest.mark.endurance, pytest.mark.alone, pytest.mark.timeout(600)]


def measure(script, *arguments):
    """Return the output of a script, its CPU seconds, and its peak memory in MB (without getrusage, see benchmarks)."""
    ending = (
        '\nimport re, sys, time\nfrom pathlib import Path\n'
        'peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]\n'
        'print(time.process_time(), peak, file=sys.stderr)\n'
    )
    done = subprocess.run([sys.executable, '-c', script + ending, *map(str, arguments)], capture_output=True, text=True)
    *said, used = done.stderr.splitlines()
    seconds, peak = used.split()
    return SimpleNamespace(seconds=float(seconds), mb=float(peak) / 1024, printed=done.stdout, said=said)


def call(*arguments, status=0):
    """Measure the command, which must end with an exit status."""
    script = f'import sys\nfrom nipype_labels.cli.main import main\nassert main(sys.argv[1:]) == {status}'
    return measure(script, *arguments)


def ask(folder, *more):
    atlas = f'--atlas=boxes={folder}/atlases/boxes.nii.gz'
    return [
        'derivatives',
        folder / 'fmriprep',
        folder / 'out',
        'participant',
        atlas,
        '--confounds-strategy',
        '6P',
        *more,
    ]


def list_names():
    return [f'sub-{i:04}_task-rest_run-{j}' for i in range(N_PARTICIPANTS) for j in range(1, N_RUNS + 1)]


def rename(text, name):
    """Return a path of the first run as that of another one."""
    return text.replace(FIRST, name).replace(FIRST.split('_')[0], name.split('_')[0])


def link(root, paths):
    """Link the files of the first run to the names of all others."""
    for name in list_names()[1:]:
        for path in paths:
            target = root / rename(path, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(root / path, target)


def complete(out, root):
    """Make the outputs and manifests of all runs from those of the first."""
    (path,) = out.glob('manifests/*.json')
    manifest = json.loads(path.read_text())
    link(out, list(manifest['Outputs']))
    for section, folder in (('Inputs', root), ('Outputs', out)):
        for name, entry in manifest[section].items():
            status = (folder / name).stat()
            entry['Times'] = [status.st_mtime_ns, status.st_ctime_ns]
    text = json.dumps(manifest)
    for name in list_names():
        path.with_name(rename(path.name, name)).write_text(rename(text, name))


@pytest.fixture(scope='module')
def large(tmp_path_factory):
    """A dataset of which all runs are complete."""
    folder = tmp_path_factory.mktemp('large')
    root, out = folder / 'fmriprep', folder / 'out'
    describe(root)
    make_atlases(folder / 'atlases')
    series, mask = nibabel.load(SERIES), nibabel.load(MASK)
    volumes = np.concatenate([series.get_fdata(dtype='float32')] * 2, axis=3)[..., :N_VOLUMES]
    write_run(root, FIRST, volumes, np.asarray(mask.dataobj) > 0, series.affine)
    call(*ask(folder))
    link(root, [path.relative_to(root).as_posix() for path in root.glob('sub-*/func/*')])
    complete(out, root)
    # Pages of all participants, which the calls that completed the runs would have written.
    call(*ask(folder))
    return folder


def test_a_job_for_one_complete_participant_costs_little_more_than_the_import(large):
    importing = measure('import nipype_labels.cli.main, nipype_labels.cli.derivatives')
    used = call(*ask(large, '--participant-label', '0500'))
    assert used.said[-1].startswith('5 of 5 runs are done')
    assert used.seconds < importing.seconds + 0.5
    assert used.seconds < 3
    assert used.mb < 200


def test_a_second_call_decides_in_5_ms_per_run(large):
    importing = measure('import nipype_labels.cli.main, nipype_labels.cli.derivatives')
    used = call(*ask(large))
    assert used.said[-1].startswith('5000 of 5000 runs are done')
    assert (used.seconds - importing.seconds) / 5000 < 0.005


@pytest.mark.parametrize(('out', 'state'), [('out', '5000 complete, 0 missing'), ('new', '0 complete, 5000 missing')])
def test_a_dry_run_of_5000_runs_takes_15_s(out, state, large):
    asked = ask(large, '--dry-run', '--tsv', large / 'plan.tsv')
    asked[2] = large / out
    used = call(*asked)
    assert f'5000 runs of 1000 participants × 1 atlas: {state}\n' in used.printed
    assert (large / 'plan.tsv').read_text().count('\n') == 5001
    assert used.seconds < 15


def test_status_of_5000_runs_takes_seconds(large):
    used = call('status', large / 'fmriprep', large / 'out')
    assert used.said == ['5000 runs: 5000 complete, 0 missing, 0 failed']
    assert len(used.printed.splitlines()) == 5001
    assert used.seconds < 10
    assert used.mb < 200
