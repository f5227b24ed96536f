# SPDX-License-Identifier: BSD-3-Clause
"""Series read as streams: the numbers of nibabel, in the requested type, in bounded memory."""

import gzip
import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from series_cases import AFFINE, SHAPE, noise, read_all, save, use_blocks_of

from nipype_labels.files.series import open_series

KINDS = {
    'int16': ('bold.nii', dict(data=noise('int16'))),
    'int16-scaled': ('bold.nii', dict(data=noise('int16'), slope=0.0371, inter=812.3)),
    'int16-scaled-no-intercept': ('bold.nii', dict(data=noise('int16'), slope=7.25)),
    'int16-gzipped-scaled': ('bold.nii.gz', dict(data=noise('int16'), slope=0.0371, inter=-4.5)),
    'int16-big-endian': ('bold.nii.gz', dict(data=noise('int16'), order='>')),
    'int16-big-endian-scaled': ('bold.nii', dict(data=noise('int16'), slope=0.5, inter=3, order='>')),
    'float32-big-endian': ('bold.nii', dict(data=noise('float32'), order='>')),
    'int8': ('bold.nii.gz', dict(data=noise('int8'))),
    'uint8': ('bold.nii.gz', dict(data=noise('uint8'))),
    'uint16': ('bold.nii', dict(data=noise('uint16'))),
    'int32': ('bold.nii.gz', dict(data=noise('int32'))),
    'float32': ('bold.nii.gz', dict(data=noise('float32'))),
    'float32-scaled': ('bold.nii', dict(data=noise('float32'), slope=0.1, inter=2)),
    'float64': ('bold.nii.gz', dict(data=noise('float64'))),
    'nifti2': ('bold.nii', dict(data=noise('int16'), kind=nib.Nifti2Image)),
    'nifti2-gzipped-scaled': ('bold.nii.gz', dict(data=noise('int16'), kind=nib.Nifti2Image, slope=0.3, inter=1)),
    'pair': ('bold.img', dict(data=noise('int16'), kind=nib.Nifti1Pair, slope=0.3, inter=1)),
    'pair-by-header': ('bold.hdr', dict(data=noise('float32'), kind=nib.Nifti1Pair)),
    'pair-gzipped': ('bold.img.gz', dict(data=noise('int16'), kind=nib.Nifti1Pair)),
    'analyze': ('bold.img', dict(data=noise('int16'), kind=nib.Spm99AnalyzeImage)),
    'mgh': ('bold.mgh', dict(data=noise('int16'), kind=nib.MGHImage)),
    'mgz': ('bold.mgz', dict(data=noise('float32'), kind=nib.MGHImage)),
}


@pytest.mark.filterwarnings('ignore:unclosed file:ResourceWarning')  # nibabel leaves .mgh open
@pytest.mark.parametrize('per_block', [1, 4, 500])
@pytest.mark.parametrize('kind', KINDS)
def test_blocks_hold_what_nibabel_reads(tmp_path, monkeypatch, kind, per_block):
    name, options = KINDS[kind]
    path = save(tmp_path / name, **options)
    use_blocks_of(monkeypatch, per_block, path)
    image = nib.load(path)
    for num_threads in (1, 2):
        got, lengths = read_all(path, num_threads)
        assert_array_equal(got, image.get_fdata())
        assert sum(lengths) == SHAPE[3]
        assert max(lengths) == min(per_block, SHAPE[3])
        assert len(lengths) == -(-SHAPE[3] // per_block)
    opened = open_series(path)
    assert opened.n_volumes == SHAPE[3]
    assert opened.grid.shape == SHAPE[:3]
    assert opened.grid.path == str(path)
    assert_array_equal(opened.grid.affine, image.affine)


@pytest.mark.parametrize('extension', ['.nii', '.nii.gz'])
@pytest.mark.parametrize('kind', [nib.Nifti1Image, nib.Nifti2Image])
def test_voxels_behind_header_extensions_are_found(tmp_path, extension, kind):
    data = noise('int16')
    image = kind(data, AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b'a comment ' * 50))
    image.to_filename(tmp_path / f'bold{extension}')
    opened = open_series(tmp_path / f'bold{extension}')
    assert opened.offset > (544 if kind is nib.Nifti2Image else 352)
    assert_array_equal(read_all(tmp_path / f'bold{extension}')[0], data)


def test_non_finite_floats_come_through(tmp_path):
    data = noise('float32')
    data[0, 0, 0], data[1, 2, 3, 4], data[2, 2, 2] = np.nan, np.inf, -np.inf
    assert_array_equal(read_all(save(tmp_path / 'bold.nii.gz', data))[0], data)


@pytest.mark.parametrize('name', ['one.nii', 'one.nii.gz'])
@pytest.mark.parametrize('shape', [(5, 6, 7), (5, 6, 7, 1), (1, 1, 1, 3)])
def test_a_single_volume_or_voxel_is_a_series(tmp_path, name, shape):
    data = noise('int16', shape)
    assert_array_equal(read_all(save(tmp_path / name, data), 2)[0], data.reshape(*shape[:3], -1))


def test_a_suffix_in_capitals_reads_as_in_small_letters(tmp_path):
    save(tmp_path / 'bold.nii.gz', noise('int16')).rename(tmp_path / 'BOLD.NII.GZ')
    assert_array_equal(nib.load(tmp_path / 'BOLD.NII.GZ').get_fdata(), noise('int16'))
    assert_array_equal(read_all(tmp_path / 'BOLD.NII.GZ')[0], noise('int16'))


@pytest.mark.parametrize('num_threads', [1, 2])
@pytest.mark.parametrize('name', ['bold.nii', 'bold.nii.gz'])
def test_reading_may_stop_early_and_start_again(tmp_path, monkeypatch, name, num_threads):
    path = save(tmp_path / name, noise('int16'))
    use_blocks_of(monkeypatch, 2, path)
    opened = open_series(path)
    for _ in range(3):
        blocks = opened.blocks(num_threads)
        assert_array_equal(next(blocks)[1][0].reshape(SHAPE[:3], order='F'), noise('int16')[..., 0])
        blocks.close()
    assert_array_equal(read_all(path, num_threads)[0], noise('int16'))


@pytest.mark.parametrize(
    ('stored', 'slope', 'dtype', 'decoded'),
    [
        ('int16', None, 'none', 'int16'),
        ('int16', None, 'auto', 'int16'),
        ('int16', None, 'float32', 'float32'),
        ('int16', None, 'float64', 'float64'),
        ('int16', 0.5, 'none', 'float64'),
        ('int16', 0.5, 'auto', 'float32'),
        ('int16', 0.5, 'float32', 'float32'),
        ('uint8', None, 'auto', 'uint8'),
        ('float32', None, 'none', 'float32'),
        ('float32', None, 'auto', 'float32'),
        ('float64', None, 'none', 'float64'),
        ('float64', None, 'auto', 'float32'),
        ('float64', None, 'float64', 'float64'),
    ],
)
@pytest.mark.parametrize('order', ['<', '>'])
def test_values_are_cast_as_asked_after_scaling(tmp_path, stored, slope, dtype, decoded, order):
    path = save(tmp_path / 'bold.nii', noise(stored), slope, order=order)
    got = open_series(path).decoder(dtype)(next(open_series(path).blocks())[1])
    assert got.dtype == np.dtype(decoded)
    assert got.dtype.isnative
    exact = nib.load(path).get_fdata().reshape(-1, SHAPE[3], order='F').T
    assert_array_equal(got, exact.astype(decoded))


@pytest.mark.parametrize(
    ('stored', 'slope', 'expected'),
    [('int16', None, 'float32'), ('int32', None, 'float64'), ('int16', 0.1, 'float64'), ('float32', None, 'float32')],
)
def test_the_float_type_holds_the_decoded_values(tmp_path, stored, slope, expected):
    assert open_series(save(tmp_path / 'bold.nii', noise(stored), slope)).float_type == np.dtype(expected)


PEAK = """
import resource, sys
from nipype_labels.files.series import open_series
opened = open_series(sys.argv[1])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
n = sum(len(block) for _, block in opened.blocks(int(sys.argv[2])))
print(n, (peak() - before) / 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'num_threads'), [('big.nii', 1), ('big.nii.gz', 2)])
def test_reading_holds_blocks_and_no_more(tmp_path, name, num_threads):
    path = save(tmp_path / 'big.nii', np.zeros((64, 64, 40, 1), np.int16))
    volume, n_volumes = 64 * 64 * 40 * 2, 640
    with path.open('r+b') as stream:
        stream.seek(48)
        stream.write(np.int16(n_volumes).tobytes())
        stream.truncate(352 + volume * n_volumes)
    if name.endswith('gz'):
        with path.open('rb') as plain, gzip.open(tmp_path / name, 'wb', 1) as packed:
            shutil.copyfileobj(plain, packed, 2**20)
    run = subprocess.run(
        [sys.executable, '-c', PEAK, str(tmp_path / name), str(num_threads)], capture_output=True, text=True, check=True
    )
    n, megabytes = run.stdout.split()
    assert int(n) == n_volumes
    assert float(megabytes) < 16 * num_threads + 8
