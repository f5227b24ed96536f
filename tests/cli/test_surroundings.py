# SPDX-License-Identifier: BSD-3-Clause
"""The command with invalid settings, little memory or an ASCII terminal: one sentence, no traceback."""

import os
import resource
import subprocess
import sys

import pytest
from program import PROGRAM

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.mark.parametrize('content', [b'junk', b'[logging]\nworkflow_level = LOUD\n', b'\x91\xff\xfe'])
def test_invalid_settings_of_nipype_are_named(content, small, process, tmp_path):
    (tmp_path / 'nipype.cfg').write_bytes(content)
    done = process('extract', small.bold, '--atlas', small.atlas, '-o', small.out)
    assert done.returncode == 2
    assert done.stderr.startswith('nipype-labels: error: nipype.cfg, here or in ~/.nipype, has invalid settings: ')
    assert len(done.stderr.splitlines()) == 1


def test_an_ascii_terminal_shows_check_without_a_traceback(small, process, monkeypatch):
    monkeypatch.setenv('PYTHONIOENCODING', 'ascii')
    done = process('check', small.atlas, small.lut)
    assert done.returncode in (0, 1)
    assert os.linesep in done.stdout
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize('megabytes', [450, 550, 700])
def test_too_little_address_space_is_refused_before_libraries_hang(megabytes, small):
    """OpenBLAS spins, or ends the process by itself, when it is loaded."""
    command = [*PROGRAM, 'extract', str(small.bold), '--atlas', str(small.atlas)]
    done = subprocess.run(
        [*command, '-o', str(small.out)],
        capture_output=True,
        text=True,
        timeout=30,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes * 10**6,) * 2),
    )
    assert done.returncode == 2
    assert done.stderr.startswith('nipype-labels: error: the address space is limited to 0.')
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize('unbuffered', ['', '1'])
@pytest.mark.parametrize('n_lines', [1, 10_000])
def test_a_closed_pipe_ends_the_command_without_a_message(n_lines, unbuffered, monkeypatch):
    """As in ``nipype-labels status … | head``; few lines stay in the buffer until the command ends."""
    monkeypatch.setenv('PYTHONUNBUFFERED', unbuffered)
    script = (
        'import sys\nfrom nipype_labels.cli import main, verify\n'
        f'verify.verify = lambda out: [print("line") for _ in range({n_lines})] and None\n'
        'sys.argv[1:] = ["verify", "out"]\nsys.exit(main.main())\n'
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, '-c', script], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, '')


def test_a_file_name_that_is_not_utf8_causes_no_traceback(small, process):
    bold = os.fsdecode(os.fsencode(small.bold.parent) + b'/b\xffld.nii.gz')
    os.link(small.bold, bold)
    done = process('extract', bold, '--atlas', small.atlas, '-o', small.out)
    assert 'Traceback' not in done.stderr
    assert done.returncode in (0, 2)
