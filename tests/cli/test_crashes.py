# SPDX-License-Identifier: BSD-3-Clause
"""Kills and power losses at random points: files in OUT are whole, and the same command completes them.

A power loss takes all that was not synced, also what the digests of inputs were remembered in.
"""

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from functools import cache

import numpy as np
import pytest
from disk import make_disk
from folders import tree
from named_cases import MNI, PREPROC, make_runs
from program import PROGRAM

#: Points for each command; all are endurance tests, except for one power loss. Kills of derivatives at a point are also
#: in tests/surfaces/test_durability.py.
POWER_POINTS = int(os.environ.get('POWER_POINTS', '10'))
KILL_POINTS = int(os.environ.get('KILL_POINTS', '30'))

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope='module')
def given(tmp_path_factory):
    """Inputs of two runs."""
    folder = tmp_path_factory.mktemp('given')
    return make_runs(folder, ('01', '02'))


@pytest.fixture
def disk(tmp_path):
    disk = make_disk(tmp_path)
    yield disk
    disk.unmount()


def ask(command, given, out):
    """Return the arguments of a command that writes tables, images and sidecars."""
    name, _, plugin = command.partition(' ')
    more = ['--connectivity', 'correlation', '--project', 'labels', '--nprocs', '2']
    more += ['--plugin', plugin] if plugin else []
    if name == 'derivatives':
        return [name, given / 'fmriprep', out, 'participant', f'--atlas=A={given}/atlas.nii.gz', *more]
    bold = given / 'fmriprep' / 'sub-01' / 'func' / f'sub-01_task-rest_{MNI}_{PREPROC}'
    return [name, bold, '--atlas', given / 'atlas.nii.gz', '-o', out, *more]


def start(command, given, place):
    """Start a command in a process group of its own, with all that it writes in a folder."""
    place.mkdir(exist_ok=True)
    with (place / 'stderr').open('wb') as stderr:
        return subprocess.Popen(
            [*PROGRAM, *map(str, ask(command, given, place / 'out'))],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            env=os.environ | {'XDG_CACHE_HOME': str(place / 'cache')},
        )


def read_outputs(out):
    """Return the bytes of each output by path, without manifests, which hold times, and the command in reports."""
    found = tree(out, 'work', 'logs', 'manifests', '.lock', '.pages.lock')
    whole = {name: content for name, content in found.items() if '.partial-' not in name}
    return {name: re.sub(b'<dt>Command</dt>.*', b'', content) for name, content in whole.items()}


@pytest.fixture(scope='module')
def undisturbed(given, tmp_path_factory):
    """Outputs of an undisturbed run of each command, and for how many seconds it writes."""

    @cache
    def measure(command):
        # As deep as the disk, since outputs name the dataset by its relative path.
        place = tmp_path_factory.mktemp('undisturbed') / 'disk'
        process = start(command, given, place)
        wait_for_work(process, place)
        began = time.monotonic()
        assert process.wait(timeout=300) == 0
        return read_outputs(place / 'out'), time.monotonic() - began

    return measure


def wait_for_work(process, place):
    """Wait until a process has begun to write."""
    while process.poll() is None and not (place / 'out' / 'work').exists():
        time.sleep(0.01)


def check_recovery(command, given, place, expected):
    """Assert that files in OUT are whole, and that the same command completes them; return the files found."""
    out = place / 'out'
    found = read_outputs(out) if out.exists() else {}
    assert {name: content for name, content in found.items() if expected.get(name) != content} == {}
    process = start(command, given, place)
    assert process.wait(timeout=300) == 0, (place / 'stderr').read_text()
    assert read_outputs(out) == expected
    assert not [*out.rglob('.partial-*'), *out.glob('.*lock')]
    return found


@pytest.mark.endurance
@pytest.mark.parametrize('command', ['derivatives', 'extract'])
def test_outputs_of_a_successful_command_survive_a_power_loss(command, given, disk, undisturbed):
    expected, _ = undisturbed(command)
    process = start(command, given, disk.folder)
    assert process.wait(timeout=300) == 0
    disk.cut_power()
    disk.mount_again()
    assert check_recovery(command, given, disk.folder, expected) == expected


@pytest.mark.endurance
@pytest.mark.parametrize('point', range(POWER_POINTS))
@pytest.mark.parametrize('command', ['derivatives', 'extract MultiProc'])
def test_a_command_recovers_from_a_power_loss_at_any_point(command, point, given, disk, undisturbed):
    expected, seconds = undisturbed(command)
    process = start(command, given, disk.folder)
    wait_for_work(process, disk.folder)
    time.sleep(np.random.default_rng(point).uniform(0, seconds))
    disk.cut_power()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    disk.mount_again()
    check_recovery(command, given, disk.folder, expected)


@pytest.mark.endurance
@pytest.mark.parametrize('point', range(KILL_POINTS))
@pytest.mark.parametrize('command', ['derivatives', 'derivatives MultiProc', 'extract', 'extract MultiProc'])
def test_a_command_recovers_from_a_signal_at_any_point(command, point, given, tmp_path, undisturbed):
    """The same command follows at once, while worker processes may still end."""
    expected, seconds = undisturbed(command)
    place = tmp_path / 'place'
    process = start(command, given, place)
    wait_for_work(process, place)
    time.sleep(np.random.default_rng(point).uniform(0, seconds))
    process.send_signal(SIGNALS[point % 3])
    process.wait(timeout=60)
    check_recovery(command, given, place, expected)
