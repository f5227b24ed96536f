# SPDX-License-Identifier: BSD-3-Clause
"""A dataset of 34 runs over time: when runs are reported, how long it is estimated to take, and what a kill leaves."""

import os
import re
import signal
import subprocess
import time

import nibabel
import numpy as np
import pytest
from dataset_cases import MASK, N_VOLUMES, SERIES, make_atlases, write_run
from named_cases import describe
from program import PROGRAM

N_RUNS, FIRST = 34, 'sub-00_task-rest'

OPTIONS = ('--confounds-strategy', '6P', '--project', 'labels', '--high-variance-confounds', '--smoothing-fwhm', '6')

pytestmark = [pytest.mark.endurance, pytest.mark.alone, pytest.mark.timeout(600)]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A dataset of real volumes, magnified so that a run takes some seconds, and atlases; all runs are the same."""
    folder = tmp_path_factory.mktemp('duration')
    describe(folder / 'fmriprep')
    make_atlases(folder / 'atlases')
    series, mask = nibabel.load(SERIES), nibabel.load(MASK)
    volumes = np.concatenate([series.get_fdata(dtype='float32')] * 2, axis=3)[..., :N_VOLUMES]
    larger, affine = np.ones((9, 9, 9), dtype='float32'), series.affine @ np.diag([1 / 9, 1 / 9, 1 / 9, 1])
    brain = np.kron(np.asarray(mask.dataobj) > 0, larger) > 0
    write_run(folder / 'fmriprep', FIRST, np.kron(volumes, larger[..., None]), brain, affine)
    for path in list((folder / 'fmriprep' / 'sub-00' / 'func').iterdir()):
        for i in range(1, N_RUNS):
            name = f'sub-{i:02}'
            (folder / 'fmriprep' / name / 'func').mkdir(parents=True, exist_ok=True)
            os.link(path, folder / 'fmriprep' / name / 'func' / path.name.replace('sub-00', name))
    return folder


def start(folder, out):
    """Process the dataset with two processes, in a process group of its own."""
    atlases = [f'--atlas=AAL={folder}/atlases/AAL.nii', f'--atlas=boxes={folder}/atlases/boxes.nii.gz']
    arguments = ['derivatives', folder / 'fmriprep', out, 'participant', *atlases, *OPTIONS]
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments), '--nprocs', '2'],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def read_seconds(text):
    """Return a time such as "1 min 5 s" in s."""
    units = {'h': 3600, 'min': 60, 's': 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r'(\d+) (h|min|s)\b', text))


@pytest.fixture(scope='module')
def undisturbed(folder):
    """Lines that a whole execution prints, with the time of each in s, and the time of the last one."""
    began = time.monotonic()
    with start(folder, folder / 'undisturbed') as process:
        lines = [(time.monotonic() - began, line) for line in process.stderr]
    assert process.returncode == 0, lines
    return lines, lines[-1][0]


def test_the_first_run_is_reported_within_a_tenth_of_the_time(undisturbed):
    lines, whole = undisturbed
    first = next(seconds for seconds, line in lines if line.startswith(f'[1/{N_RUNS}]'))
    assert first <= 0.1 * whole


def test_the_estimate_after_three_runs_is_within_a_factor_of_two(undisturbed):
    lines, whole = undisturbed
    seconds, line = next(pair for pair in lines if pair[1].startswith(f'[3/{N_RUNS}]'))
    assert 1 / 2 < read_seconds(line.rpartition('about ')[2]) / (whole - seconds) < 2


def test_half_of_the_runs_are_reported_at_half_time(undisturbed):
    lines, whole = undisturbed
    times = [seconds for seconds, line in lines if re.match(rf'\[\d+/{N_RUNS}\]', line)]
    assert sum(seconds < whole / 2 for seconds in times) >= 0.4 * N_RUNS


def test_a_kill_leaves_every_reported_run_complete(folder):
    """The moment of the kill is that of a report, so that the speed of the machine does not matter."""
    out, n_reported = folder / 'killed', N_RUNS // 2
    with start(folder, out) as process:
        for line in process.stderr:
            if line.startswith(f'[{n_reported}/'):
                break
        os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    n_complete = len(list(out.glob('manifests/[!.]*.json')))
    assert n_reported <= n_complete < N_RUNS
    asked = ['status', folder / 'fmriprep', out]
    said = subprocess.run([*PROGRAM, *map(str, asked)], capture_output=True, text=True).stderr
    assert f'{N_RUNS} runs: {n_complete} complete, {N_RUNS - n_complete} missing, 0 failed' in said
