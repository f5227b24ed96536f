# SPDX-License-Identifier: BSD-3-Clause
"""The command in surroundings that are damaged or poor: one sentence, no traceback."""

import os

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.mark.parametrize('content', [b'junk', b'[logging]\nworkflow_level = LOUD\n', b'\x91\xff\xfe'])
def test_invalid_settings_of_nipype_are_named(content, small, process, tmp_path):
    (tmp_path / 'nipype.cfg').write_bytes(content)
    done = process('extract', small.bold, '--atlas', small.atlas, '-o', small.out)
    assert done.returncode == 2
    assert done.stderr.startswith('nipype-labels: error: nipype.cfg, here or in ~/.nipype, has invalid settings: ')
    assert len(done.stderr.splitlines()) == 1


def test_a_terminal_of_ascii_shows_what_it_can(small, process, monkeypatch):
    monkeypatch.setenv('PYTHONIOENCODING', 'ascii')
    done = process('check', small.atlas, small.lut)
    assert done.returncode in (0, 1)
    assert os.linesep in done.stdout
    assert 'Traceback' not in done.stderr
