# SPDX-License-Identifier: BSD-3-Clause
"""Errors of one run that this package does not foresee, lost jobs and killed workers stop no other run."""

import errno
import json
import os
import re
import signal

import pytest
from named_cases import BRAIN, MNI, ask, make_runs
from nipype import config

from nipype_labels.cli import batch, processing
from nipype_labels.cli.run import DEAD_WORKER, LOST_JOB, find_reason
from nipype_labels.cli.sizes import RunSizes
from nipype_labels.cli.workers import run_all

pytestmark = [pytest.mark.timeout(200), pytest.mark.slow]


@pytest.fixture
def folder(tmp_path):
    """A dataset of three runs."""
    return make_runs(tmp_path, ('01', '02', '03'))


def break_run(monkeypatch, error):
    """Let reading the headers of the run of participant 02 fail."""
    measure = RunSizes.measure

    def fail(self, run):
        if run.entities['sub'] == '02':
            raise error
        return measure(self, run)

    monkeypatch.setattr(RunSizes, 'measure', fail)


@pytest.mark.parametrize(
    ('more', 'error', 'reason'),
    [
        ((), KeyError('x'), "KeyError: 'x'"),
        ((), MemoryError(), 'memory ran out. Pass '),
        (('--nprocs', '2'), MemoryError(), 'memory ran out. Pass '),
        (('--plugin', 'Linear'), AssertionError(), 'AssertionError'),
        (('--plugin', 'Linear'), MemoryError(), 'memory ran out. Pass '),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, tuple) else repr(value),
)
def test_an_unexpected_error_stops_no_other_run(more, error, reason, folder, call, monkeypatch):
    break_run(monkeypatch, error)
    status, _, said = call(*ask(folder, *more))
    assert status == 1
    assert re.search(rf'^  sub-02_task-rest_{MNI}: {re.escape(reason)}.* \(log: ', said, re.MULTILINE), said
    assert re.search(rf'^\[\d/3\] sub-02_task-rest_{MNI} failed ', said, re.MULTILINE)
    assert '\n2 of 3 runs are done, in ' in said
    (log,) = folder.glob('out/logs/sub-*.txt')
    assert 'Traceback' in log.read_text()


def test_a_dry_run_lists_an_unexpected_error_as_a_problem(folder, call, monkeypatch):
    break_run(monkeypatch, KeyError('x'))
    status, told, _ = call(*ask(folder, '--dry-run'))
    assert status == 0
    assert "  problem: KeyError: 'x'\n" in told
    assert '0 complete, 3 missing, 1 of these cannot be processed\n' in told


def test_a_log_that_cannot_be_written_stops_no_run(folder, call, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(processing, 'write_log', fail)
    (folder / 'fmriprep' / 'sub-02' / 'func' / f'sub-02_task-rest_{MNI}_{BRAIN}').unlink()
    status, _, said = call(*ask(folder))
    assert status == 1
    assert re.search(rf'^  sub-02_task-rest_{MNI}: .* has no brain mask: [^(]*$', said, re.MULTILINE), said
    assert '\n2 of 3 runs are done, in ' in said


@pytest.fixture
def scheduler(tmp_path, monkeypatch):
    """A SLURM whose jobs end at once without a result."""
    programs = {'sbatch': 'echo Submitted batch job 7', 'squeue': 'exit 0'}
    (tmp_path / 'bin').mkdir()
    for name, command in programs.items():
        (tmp_path / 'bin' / name).write_text(f'#!/bin/sh\n{command}\n')
        (tmp_path / 'bin' / name).chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}/bin:{os.environ["PATH"]}')
    monkeypatch.setenv('LOGNAME', 'x')
    seconds = config.get('execution', 'job_finished_timeout')
    config.set('execution', 'job_finished_timeout', '0.01')
    yield
    config.set('execution', 'job_finished_timeout', seconds)


def test_a_lost_job_stops_no_other_batch(folder, call, scheduler, monkeypatch):
    monkeypatch.setattr(batch, 'SMALLEST_BATCH', 1)
    status, _, said = call(*ask(folder, '--plugin', 'SLURM', '--participant-label', '01', '02'))
    assert status == 1
    assert len(re.findall(rf'^  sub-0[12]_\S+: {re.escape(LOST_JOB)} \(log: ', said, re.MULTILINE)) == 2, said


REFUSED = 'error: the plugin SLURM, or its scheduler, does not accept the arguments of --plugin-args-file ({}: '


def test_a_lost_job_of_extract_is_not_blamed_on_the_arguments_of_the_plugin(small, call, scheduler, tmp_path):
    (tmp_path / 'slurm.json').write_text(json.dumps({'sbatch_args': '--time=1'}))
    asked = ['extract', small.bold, '--atlas', small.atlas, '-o', small.out]
    asked += ['--plugin', 'SLURM', '--plugin-args-file', 'slurm.json']
    status, _, said = call(*map(str, asked))
    assert (status, said.splitlines()[-1]) == (1, f'nipype-labels: failed: {LOST_JOB}')
    (tmp_path / 'slurm.json').write_text(json.dumps({'sbatch_args': 5}))
    status, _, said = call(*map(str, asked))
    assert (status, REFUSED.format('TypeError') in said) == (2, True)
    (tmp_path / 'slurm.json').write_text('{}')
    (tmp_path / 'bin' / 'sbatch').write_text('#!/bin/sh\nexit 1\n')
    status, _, said = call(*map(str, asked))
    assert (status, REFUSED.format('IndexError') in said) == (2, True)


class Killed:
    """Steps of runs whose worker processes are killed."""

    def estimate(self, name):
        return 0

    def configure(self):
        pass

    def run(self, name):
        os.kill(os.getpid(), signal.SIGKILL)

    def fail(self, name, reason):
        return reason


@pytest.mark.parametrize(('stop', 'failed'), [(False, {'a', 'b'}), (True, {'a'})])
def test_no_run_is_restarted_after_one_has_failed_if_runs_are_to_stop(stop, failed):
    reasons = run_all(Killed(), ['a', 'b'], 2, 1, lambda name, reason: None, stop)
    assert set(reasons) <= {'a', 'b'}
    assert (len(reasons), set(reasons.values())) == (len(failed), {DEAD_WORKER})


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('', 'Nipype gave no reason'),
        ('Traceback (most recent call last):\n  x\nAssertionError\n', 'AssertionError'),
        ('OSError: a\n\nDuring handling …:\n\nAssertionError\n', 'AssertionError'),
        ('\tMemoryError\n', 'memory ran out. Pass a smaller --nprocs or provide more memory'),
        (
            'numpy._core._exceptions._ArrayMemoryError: No 9 GB\n',
            'No 9 GB. Pass a smaller --nprocs or provide more memory',
        ),
        ('nipype_labels.model.errors.GridError: b\nRuntimeError: c\n', 'b'),
        ('nipype_labels.cli.RunError: d: e\n', 'd: e'),
    ],
)
def test_the_reason_is_read_from_a_traceback(text, reason):
    assert str(find_reason(text)) == reason
