# SPDX-License-Identifier: BSD-3-Clause
"""Power losses at random points: files in OUT are whole, and the same command ends with the bytes of undisturbed runs.

The file system loses all that was not synced, also what the digests of inputs were remembered in.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache

import numpy as np
import pytest
from disk import make_disk
from named_cases import BRAIN, MNI, PREPROC, describe, write, write_atlas

#: Points for each command.
POINTS = int(os.environ.get('POWER_POINTS', '10'))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope='module')
def given(tmp_path_factory):
    """Inputs of two runs."""
    folder = tmp_path_factory.mktemp('given')
    describe(folder / 'fmriprep')
    for participant in ('01', '02'):
        for name in (PREPROC, BRAIN):
            write(folder / 'fmriprep' / f'sub-{participant}' / 'func' / f'sub-{participant}_task-rest_{MNI}_{name}')
    write_atlas(folder / 'atlas.nii.gz')
    return folder


@pytest.fixture
def disk(tmp_path):
    disk = make_disk(tmp_path)
    yield disk
    disk.unmount()


def ask(command, given, out):
    """Return the arguments of a command that writes tables, images and sidecars."""
    more = ['--connectivity', 'correlation', '--project', 'labels', '--nprocs', '2']
    if command == 'derivatives':
        return [command, given / 'fmriprep', out, 'participant', f'--atlas=A={given}/atlas.nii.gz', *more]
    bold = given / 'fmriprep' / 'sub-01' / 'func' / f'sub-01_task-rest_{MNI}_{PREPROC}'
    return [command, bold, '--atlas', given / 'atlas.nii.gz', '-o', out, *more, '--plugin', 'MultiProc']


def start(command, given, place):
    """Start a command in a process group of its own, with all that it writes in a folder."""
    environment = os.environ | {'XDG_CACHE_HOME': str(place / 'cache')}
    return subprocess.Popen(
        [sys.executable, '-m', 'nipype_labels.cli.main', *map(str, ask(command, given, place / 'out'))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=environment,
    )


def read_outputs(out):
    """Return the bytes of each output by path; manifests hold times."""
    paths = [path.relative_to(out) for path in out.rglob('*') if path.is_file()]
    others = ('work', 'logs', 'manifests', '.lock')
    paths = [path for path in paths if path.parts[0] not in others and not path.name.startswith('.partial-')]
    return {str(path): (out / path).read_bytes() for path in paths}


@pytest.fixture(scope='module')
def undisturbed(given, tmp_path_factory):
    """By command: what an undisturbed run writes, and for how many seconds it writes."""

    @cache
    def measure(command):
        # As deep as the disk, since outputs name the dataset by its relative path.
        place = tmp_path_factory.mktemp(command) / 'disk'
        process = start(command, given, place)
        while not (place / 'out' / 'work').exists():
            assert process.poll() is None
            time.sleep(0.01)
        began = time.monotonic()
        assert process.wait(timeout=300) == 0
        return read_outputs(place / 'out'), time.monotonic() - began

    return measure


def lose_power(command, given, disk, seconds):
    """Cut the power a time after the first write; None waits for the end of the command."""
    process = start(command, given, disk.folder)
    try:
        if seconds is None:
            assert process.wait(timeout=300) == 0
        else:
            while process.poll() is None and not (disk.folder / 'out' / 'work').exists():
                time.sleep(0.01)
            time.sleep(seconds)
        disk.cut_power()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    disk.unmount()
    assert disk.mount()


def check_recovery(command, given, disk, expected):
    """Assert that files in OUT are whole, and that the same command completes them."""
    out = disk.folder / 'out'
    found = read_outputs(out) if out.exists() else {}
    assert {name: content for name, content in found.items() if expected.get(name) != content} == {}
    process = start(command, given, disk.folder)
    assert process.wait(timeout=300) == 0
    assert read_outputs(out) == expected
    assert not [*out.rglob('.partial-*'), *out.glob('.lock')]
    return found


@pytest.mark.parametrize('command', ['extract', 'derivatives'])
def test_outputs_of_a_successful_command_survive_a_power_loss(command, given, disk, undisturbed):
    expected, _ = undisturbed(command)
    lose_power(command, given, disk, None)
    assert check_recovery(command, given, disk, expected) == expected


@pytest.mark.parametrize('point', [0, *(pytest.param(i, marks=pytest.mark.endurance) for i in range(1, POINTS))])
@pytest.mark.parametrize('command', ['extract', 'derivatives'])
def test_a_command_recovers_from_a_power_loss_at_any_point(command, point, given, disk, undisturbed):
    expected, seconds = undisturbed(command)
    lose_power(command, given, disk, np.random.default_rng(point).uniform(0, seconds))
    check_recovery(command, given, disk, expected)
