# SPDX-License-Identifier: BSD-3-Clause
"""The job array of the documentation on a real SLURM: a job is cancelled, and status says what to submit again."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fmriprep_tables import write_spiky
from named_cases import BRAIN, MNI, PREPROC, TABLE, describe, write, write_atlas

PARTICIPANTS, RUNS = [f'sub-{i:02}' for i in range(1, 21)], ('1', '2')
CANCELLED, N_VOLUMES = 7, 240
PAGE = (Path(__file__).parents[2] / 'docs' / 'clusters.md').read_text(encoding='utf-8')

pytestmark = [pytest.mark.endurance, pytest.mark.alone, pytest.mark.timeout(900)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A dataset of 40 runs with confounds, and the script in the documentation."""
    describe(tmp_path / 'fmriprep')
    table = write_spiky(tmp_path, N_VOLUMES)
    for participant in PARTICIPANTS:
        for run in RUNS:
            stem = tmp_path / 'fmriprep' / participant / 'func' / f'{participant}_task-rest_run-{run}'
            for name in (PREPROC, BRAIN):
                write(stem.with_name(f'{stem.name}_{MNI}_{name}'), N_VOLUMES)
            shutil.copy(table, stem.with_name(f'{stem.name}_{TABLE}'))
    write_atlas(tmp_path / 'Schaefer400.nii.gz')
    (script,) = re.findall(r'```sh\n(#!/bin/bash\n.*?)```', PAGE, re.DOTALL)
    (tmp_path / 'signals.sh').write_text(script)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('PATH', f'{Path(sys.executable).parent}:{os.environ["PATH"]}')
    return tmp_path


def submit(array):
    """Submit the script; return the number of the array."""
    command = ['sbatch', '--parsable', f'--array={array}', 'signals.sh']
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def list_tasks(*states):
    """Numbers of the tasks in a state."""
    command = ['squeue', '--noheader', '--array', f'--states={",".join(states)}', '--format=%K']
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def wait_until(condition, seconds=600):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def read_status():
    """Run the command in the documentation; return its exit status, participants by state, and last line."""
    (command,) = re.findall(r'\$ (nipype-labels status .*) > status.tsv', PAGE)
    done = subprocess.run(command.split(), capture_output=True, text=True)
    rows = [line.split('\t') for line in done.stdout.splitlines()[1:]]
    states = {state: {row[0] for row in rows if row[2] == state} for state in ('complete', 'missing', 'failed')}
    assert len(rows) == len(PARTICIPANTS) * len(RUNS), done.stderr
    return done.returncode, states, done.stderr.splitlines()[-1]


def test_status_names_the_one_job_that_was_cancelled(slurm, folder):
    slurm()
    array = submit(f'0-{len(PARTICIPANTS) - 1}')
    wait_until(lambda: str(CANCELLED) in list_tasks('RUNNING'))
    while_running = read_status()
    subprocess.run(['scancel', f'{array}_{CANCELLED}'], check=True)
    wait_until(lambda: not list_tasks('PENDING', 'RUNNING', 'COMPLETING'))
    assert while_running[0] == 1
    assert while_running[1]['missing'] >= set(PARTICIPANTS[CANCELLED + 1 :])
    status, states, said = read_status()
    logs = {path.name: path.read_text() for path in folder.glob('slurm-*.out')}
    assert (status, states['missing'], states['failed']) == (1, {PARTICIPANTS[CANCELLED]}, set()), logs
    assert said == f'1 participant to submit again: sbatch --array={CANCELLED} SCRIPT'

    written = {path: path.stat().st_mtime_ns for path in (folder / 'signals').rglob('manifests/*.json')}
    submit(CANCELLED)
    wait_until(lambda: not list_tasks('PENDING', 'RUNNING', 'COMPLETING'))
    assert read_status()[::2] == (0, '40 runs: 40 complete, 0 missing, 0 failed')
    assert {path: path.stat().st_mtime_ns for path in written} == written

    sidecars = [json.loads(path.read_text()) for path in (folder / 'signals').rglob('*_stat-mean_timeseries.json')]
    assert [each['Parameters']['confounds_strategy'] for each in sidecars] == [['36P']] * 40
    assert len(list((folder / 'signals').rglob('*_stat-correlation_relmat.tsv'))) == 40
