# SPDX-License-Identifier: BSD-3-Clause
"""Without POSIX and without isal, as on Windows and on rare processors: the same numbers, or one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Start of a process without what Windows does not have. Windows opens no folder as a file, and os.kill ends processes.
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

COMMAND = 'from nipype_labels.cli.main import main; sys.exit(main(sys.argv[1:]))'

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
    """Run code in a process of its own; return what it did."""
    command = [sys.executable, '-W', 'ignore', '-c', code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def both(restriction, code, *arguments):
    """Output of code with and without a restriction, both without an error."""
    done = [python(start + code, *arguments) for start in ('import sys\n', restriction)]
    assert [each.stderr for each in done if each.returncode] == []
    return [each.stdout.split() for each in done]


def test_without_posix_the_masker_has_the_same_bytes(installed, aal, tmp_path):
    series = installed('nipype', 'testing/data/ds003_sub-01_mc.nii.gz')
    here, there = both(WITHOUT_POSIX + WITHOUT_ISAL, MASKER, series, aal[0], tmp_path / 'image.nii.gz')
    assert len(here) == 2
    assert there == here


@pytest.mark.parametrize('arguments', [['--help'], ['extract', '--help'], ['--version'], ['check', 'AAL.nii']])
def test_without_posix_these_commands_work(arguments, aal):
    arguments = [aal[0] if argument == 'AAL.nii' else argument for argument in arguments]
    assert python(WITHOUT_POSIX + COMMAND, *arguments).returncode == 0


@pytest.mark.parametrize(
    'arguments',
    [
        ['demo'],
        ['extract', 'bold.nii', '--atlas', 'a.nii'],
        ['derivatives', 'in', 'out', 'participant', '--atlas', 'a'],
    ],
)
def test_without_posix_workflows_are_refused(arguments, tmp_path):
    out = [] if arguments[0] == 'derivatives' else ['-o', tmp_path]
    done = python(WITHOUT_POSIX + COMMAND, *arguments, *out)
    assert done.returncode == 2
    assert done.stderr.startswith('nipype-labels: error: Nipype runs workflows on Linux and macOS only. ')
    assert len(done.stderr.splitlines()) == 1


def test_without_isal_a_series_has_the_same_voxels(installed, tmp_path):
    series = installed('nipype', 'testing/data/ds003_sub-01_mc.nii.gz')
    here, there = both(WITHOUT_ISAL, COPY, series, tmp_path / 'copy.nii.gz')
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
