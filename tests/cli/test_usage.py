# SPDX-License-Identifier: BSD-3-Clause
"""Usage of the command: help, errors of usage, and arguments for plugins."""

import pytest

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]


def test_arguments_for_the_plugin_come_from_a_file(small, command, tmp_path):
    (tmp_path / 'arguments.json').write_text('{"memory_gb": 0.01, "raise_insufficient": true}')
    asked = ('extract', small.bold, '--atlas', small.atlas, '-o', small.out, '--plugin', 'MultiProc')
    done = command(*asked, '--plugin-args-file', tmp_path / 'arguments.json')
    assert done.returncode != 0
    assert 'Insufficient resources' in done.stderr


def test_help_names_every_option_and_needs_no_nipype(process):
    done = process('extract', '--help')
    assert done.returncode == 0
    for option in ('--atlas', '--lut', '--mask', '--confounds', '--standardize', '--project', '--nprocs'):
        assert option in done.stdout
    assert process('--version').stdout.startswith('nipype-labels ')


def test_usage_without_a_command_is_an_error(command):
    done = command()
    assert done.returncode == 2
    assert 'usage: nipype-labels' in done.stderr


def test_the_graph_has_the_settings_of_the_command(small, process):
    whole = small.bold.read_bytes()
    small.bold.write_bytes(whole[: len(whole) // 2])
    assert process('extract', small.bold, '--atlas', small.atlas, '-o', small.out).returncode == 2
    assert {path.suffix for path in (small.out / 'work' / 'crash').iterdir()} == {'.txt'}
