# SPDX-License-Identifier: BSD-3-Clause
"""A real SLURM: a second call completes the run of a job that was cancelled, and jobs limit the memory of runs."""

import shutil
import subprocess
import sys
import time

import pytest
from matrix_cases import PLUGINS, Host

from nipype_labels.cli.memory import USED

N_RUNS = 3

pytestmark = [pytest.mark.endurance, pytest.mark.alone, pytest.mark.timeout(600)]


def jobs(*columns, states='RUNNING'):
    """Jobs that SLURM knows."""
    listed = subprocess.run(
        ['squeue', '--noheader', f'--states={states}', '--format=' + ' '.join(columns)], capture_output=True, text=True
    )
    return [line.split() for line in listed.stdout.splitlines()]


def cancel(job, host):
    """Cancel a job; return whether it ended without a result (a job cancelled at its very end may have written one)."""
    before = set(host.results())
    subprocess.run(['scancel', job], check=True)
    while job in [running for (running,) in jobs('%i', states='RUNNING,COMPLETING')]:
        time.sleep(0.05)
    return not any(path.name == 'result_reduce.pklz' for path in set(host.results()) - before)


def test_a_second_call_finishes_only_the_cancelled_job(slurm, tmp_path):
    slurm()
    host = Host(tmp_path, shape=(30, 30, 30, 60))
    for i in range(N_RUNS):
        shutil.copy(tmp_path / 'bold.nii.gz', tmp_path / f'bold-{i}.nii.gz')
    expected = host.run(n_runs=N_RUNS, work='sequence', seconds=100)
    host.plugin = PLUGINS['SLURM']
    with host.started(n_runs=N_RUNS, work=str(tmp_path / 'work')) as process:
        end, cancelled = time.monotonic() + 300, False
        while not cancelled and process.poll() is None and time.monotonic() < end:
            reducing = [job for job, name in jobs('%i', '%j') if 'reduce' in name.split('.')]
            cancelled = bool(reducing) and cancel(reducing[0], host)
            time.sleep(0.05)
        process.wait(timeout=200)
    first = host.outcome()
    assert first.error, 'no job could be cancelled before it had its result'
    before = host.results()
    assert before
    second = host.run(n_runs=N_RUNS, seconds=300)
    assert second.error is None
    assert second.digests == expected.digests
    assert before.items() <= host.results().items()


@pytest.mark.parametrize('memory', ['--mem=1024', '--mem-per-cpu=1024'])
def test_runs_may_use_the_memory_of_their_job(memory, slurm, tmp_path):
    slurm()
    ask = f'{sys.executable} -c "from nipype_labels.cli.memory import find_memory_limit; print(find_memory_limit())"'
    command = ['sbatch', '--wait', memory, f'--output={tmp_path}/limit.txt', f'--wrap={ask}']
    subprocess.run(command, check=True, capture_output=True)
    assert float((tmp_path / 'limit.txt').read_text()) == pytest.approx(USED)
