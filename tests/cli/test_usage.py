# SPDX-License-Identifier: BSD-3-Clause
"""Usage of the command: help, errors of usage, and arguments for plugins."""

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]


def test_arguments_for_the_plugin_come_from_a_file(small, command, tmp_path):
    (tmp_path / 'arguments.json').write_text('{"memory_gb": 0.01, "raise_insufficient": true}')
    asked = ('extract', small.bold, '--atlas', small.atlas, '-o', small.out, '--plugin', 'MultiProc')
    done = command(*asked, '--plugin-args-file', tmp_path / 'arguments.json')
    assert done.returncode != 0
    assert 'Insufficient resources' in done.stderr


def test_help_names_options_without_importing_nipype():
    script = (
        'import contextlib, sys\nfrom nipype_labels.cli.main import main\n'
        'with contextlib.suppress(SystemExit): main(["extract", "--help"])\nassert "nipype" not in sys.modules'
    )
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for option in ('--atlas', '--lut', '--mask', '--confounds', '--standardize', '--project', '--nprocs'):
        assert option in done.stdout


def test_usage_without_a_command_is_an_error(command):
    done = command()
    assert done.returncode == 2
    assert 'usage: nipype-labels' in done.stderr


def test_crash_files_of_the_command_are_text(small, process):
    whole = small.bold.read_bytes()
    small.bold.write_bytes(whole[: len(whole) // 2])
    assert process('extract', small.bold, '--atlas', small.atlas, '-o', small.out).returncode == 2
    assert {path.suffix for path in (small.out / 'work' / 'crash').iterdir()} == {'.txt'}
