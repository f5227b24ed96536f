# SPDX-License-Identifier: BSD-3-Clause
"""A command ended by a signal: its exit status, its worker processes, its pipe, and the next call."""

import json
import os
import signal
import subprocess
import time
from itertools import product

import numpy as np
import psutil
import pytest
from program import PROGRAM

METHODS = ('fork', 'forkserver', 'spawn')
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

#: Combinations of a start method and a signal.
PAIRS = list(product(METHODS, SIGNALS))
MOMENTS = int(os.environ.get('KILL_POINTS', '30'))

#: Seconds within which all processes must end after the signal.
SECONDS = 5

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def points():
    """Three moments or more, of which each signal and each method are part; all but the first are endurance tests."""
    for point in range(max(3, MOMENTS)):
        method, number = PAIRS[point * 4 % len(PAIRS)]
        marks = [pytest.mark.endurance] if point else []
        yield pytest.param(point, method, number, marks=marks, id=f'{point}-{method}-{number.name}')


@pytest.fixture
def arguments(small, tmp_path):
    def build(method):
        (tmp_path / 'plugin.json').write_text(json.dumps({'mp_context': method}))
        files = [small.bold, '--atlas', small.atlas, '--lut', small.lut, '--mask', small.mask]
        running = ['--plugin', 'MultiProc', '--nprocs', '3', '--plugin-args-file', tmp_path / 'plugin.json']
        command = [*PROGRAM, 'extract', *files, '-o', small.out, *running]
        return list(map(str, [*command, '--high-variance-confounds', '--project', 'labels']))

    return build


def start(command, folder):
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder, start_new_session=True
    )


def in_session(pid):
    """Ids of the processes of a session that still run; workers do not leave that of their command."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (OSError, psutil.NoSuchProcess):
            continue
    return found


def end_session(pid):
    for process in in_session(pid):
        process.kill()


@pytest.mark.parametrize(('point', 'method', 'number'), list(points()))
def test_signal_ends_the_command_and_its_workers(point, method, number, arguments, small, tmp_path):
    rng = np.random.default_rng(point)
    started = start(arguments(method), tmp_path)
    try:
        # While the command starts, or after some of its lines: a node computes, or workers wait for the next.
        for _ in range(rng.integers(0, 10)):
            started.stdout.readline()
        time.sleep(rng.uniform(0, 0.5))
        finished = started.poll() is not None
        started.send_signal(number)
        began = time.monotonic()
        # The pipe ends with the last process that holds it, as in "command 2>&1 | tee log".
        said = started.communicate(timeout=SECONDS)[0].decode()
        while in_session(started.pid):
            assert time.monotonic() - began < SECONDS, in_session(started.pid)
            time.sleep(0.05)
    finally:
        end_session(started.pid)
    assert finished or started.returncode in (-number, 128 + number, 0)
    assert 'Traceback' not in said or started.returncode == -number
    assert subprocess.run(arguments('fork'), cwd=tmp_path, capture_output=True, timeout=200).returncode == 0
    assert (small.out / 'atlas' / 'timeseries.tsv').is_file()


@pytest.mark.parametrize(
    ('plugin', 'number', 'status'),
    [
        ('Linear', signal.SIGINT, 130),
        ('MultiProc', signal.SIGTERM, 143),
        pytest.param('Linear', signal.SIGTERM, 143, marks=pytest.mark.endurance),
        pytest.param('MultiProc', signal.SIGINT, 130, marks=pytest.mark.endurance),
    ],
)
def test_exit_status_names_the_signal_and_the_message_the_remedy(plugin, number, status, arguments, tmp_path):
    command = arguments('fork')
    command[command.index('MultiProc')] = plugin
    (tmp_path / 'plugin.json').write_text('{}')
    started = start(command, tmp_path)
    try:
        assert b'running' in started.stdout.readline()
        started.send_signal(number)
        said = started.communicate(timeout=SECONDS)[0].decode()
    finally:
        end_session(started.pid)
    assert started.returncode == status, said
    assert 'Traceback' not in said
    assert said.splitlines()[-1] == f'nipype-labels: ended by {number.name}. The same command resumes.'
