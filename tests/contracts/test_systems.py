# SPDX-License-Identifier: BSD-3-Clause
"""Without POSIX and without isal, as on Windows and on rare processors: equal numbers, or one error."""

import io
import json
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Start of a process without POSIX. Windows opens no folder as a file, and os.kill ends processes.
WITHOUT_POSIX = """
import os, sys
sys.modules.update(dict.fromkeys(('fcntl', 'grp', 'pwd', 'resource', 'termios')))
del os.fork, os.register_at_fork, os.kill
open_file = os.open
def refuse_folders(path, *arguments, **options):
    if os.path.isdir(path):
        raise PermissionError(13, 'Permission denied', str(path))
    return open_file(path, *arguments, **options)
os.open = refuse_folders
"""

#: Start of a process without isal.
WITHOUT_ISAL = "import sys; sys.modules['isal'] = None\n"

#: Run the command with each of several lists of arguments; print the exit status and the errors of each.
COMMANDS = """
import contextlib, io, json
from nipype_labels.cli.main import main
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            status = main(arguments)
        except SystemExit as e:
            status = e.code
    print(json.dumps([status, said.getvalue()]))
"""

#: Commands that need no workflow, and those that run one.
WITHOUT_WORKFLOW = [['--help'], ['extract', '--help'], ['--version'], ['check', 'AAL.nii']]
WITH_WORKFLOW = [
    ['demo', '-o', 'out'],
    ['extract', 'bold.nii', '--atlas', 'a.nii', '-o', 'out'],
    ['derivatives', 'in', 'out', 'participant', '--atlas', 'a'],
]

#: Print digests of the signals and of the uncompressed inverse transform of a masker.
MASKER = """
import gzip, hashlib
from nipype_labels import NiftiLabelsMasker
series, atlas, image = sys.argv[1:]
masker = NiftiLabelsMasker(atlas, detrend=True, standardize='zscore', high_variance_confounds=True, memory=None)
signals = masker.fit_transform(series)
masker.inverse_transform(signals).to_filename(image)
for content in signals.tobytes(), gzip.open(image).read():
    print(hashlib.sha256(content).hexdigest())
"""

#: Print the digest of the voxels of a series, and of its copy by the writer of series.
COPY = """
import hashlib
import numpy as np
from nipype_labels.files.series import SeriesWriter, open_series
def read(path):
    return np.concatenate([block.copy() for _, block in open_series(path).blocks()])
path, copy = sys.argv[1:]
opened = open_series(path)
voxels = read(path)
with SeriesWriter(copy, (*opened.grid.shape, opened.n_volumes), opened.grid.affine, 2.0, voxels.dtype) as writer:
    for volume in voxels:
        writer.write(volume.reshape(opened.grid.shape, order='F'))
assert np.array_equal(read(copy), voxels)
print(hashlib.sha256(voxels.tobytes()).hexdigest())
"""

pytestmark = pytest.mark.slow


def python(code, *arguments):
    """Run code in a process of its own; return the completed process."""
    command = [sys.executable, '-W', 'ignore', '-c', code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def run_here(code, *arguments):
    """Return what code prints in this process."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(action='ignore'), redirect_stdout(printed):
        patch.setattr(sys, 'argv', ['-c', *map(str, arguments)])
        exec(code, {'sys': sys})
    return printed.getvalue()


def print_both(restriction, code, *arguments):
    """Return what code prints in this process, and in a process with a restriction."""
    restricted = python(f'import sys\n{restriction}{code}', *arguments)
    assert restricted.returncode == 0, restricted.stderr
    return run_here(code, *arguments), restricted.stdout


def test_without_posix_the_masker_has_the_same_bytes(installed, aal, tmp_path):
    series = installed('nipype', 'testing/data/ds003_sub-01_mc.nii.gz')
    here, there = print_both(WITHOUT_POSIX + WITHOUT_ISAL, MASKER, series, aal[0], tmp_path / 'image.nii.gz')
    assert len(here.split()) == 2
    assert there == here


def test_without_posix_commands_that_run_no_workflow_work_and_others_are_refused(aal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('AAL.nii').symlink_to(aal[0])
    done = python(WITHOUT_POSIX + COMMANDS, json.dumps(WITHOUT_WORKFLOW + WITH_WORKFLOW))
    assert done.returncode == 0, done.stderr
    ended = [json.loads(line) for line in done.stdout.splitlines()]
    assert [status for status, _ in ended] == [0] * len(WITHOUT_WORKFLOW) + [2] * len(WITH_WORKFLOW)
    for _, said in ended[len(WITHOUT_WORKFLOW) :]:
        assert said.startswith('nipype-labels: error: Nipype runs workflows on Linux and macOS only. ')
        assert len(said.splitlines()) == 1


def test_without_isal_a_series_has_the_same_voxels(installed, tmp_path):
    series = installed('nipype', 'testing/data/ds003_sub-01_mc.nii.gz')
    here, there = print_both(WITHOUT_ISAL, COPY, series, tmp_path / 'copy.nii.gz')
    assert there == here


@pytest.mark.endurance
def test_without_isal_damaged_files_are_refused():
    run = f'import pytest; sys.path.insert(0, {str(ROOT / "tests" / "support")!r}); sys.exit(pytest.main(sys.argv[1:]))'
    names = ('test_series.py', 'test_series_damage.py', 'test_gifti.py')
    tests = [ROOT / 'tests' / 'files' / name for name in names]
    done = python(
        WITHOUT_ISAL + run, '-q', '-m', 'not endurance', '-p', 'no:cacheprovider', '-c', ROOT / 'pyproject.toml', *tests
    )
    assert done.returncode == 0, done.stdout
