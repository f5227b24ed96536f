# SPDX-License-Identifier: BSD-3-Clause
"""Headers of series: repetition times in seconds, and headers of written series."""

import os
import time

import nibabel as nib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from series_cases import AFFINE, SHAPE, noise, read_all, save

from nipype_labels.files import digests, grids
from nipype_labels.files.series import SeriesWriter, open_series

TURN = np.array([[0.8, -0.6, 0, 5], [0.6, 0.8, 0, -7], [0, 0, 1, 9], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ('stored', 'unit', 'seconds'),
    [
        (0.72, 'sec', 0.72),
        (2.0, 'sec', 2.0),
        (0.8, 'sec', 0.8),
        (720, 'msec', 0.72),
        (2500, 'msec', 2.5),
        (800_000, 'usec', 0.8),
        (720_000, 'usec', 0.72),
        (1.35, 'unknown', 1.35),
        (1.0, 'unknown', None),
        (0.0, 'sec', None),
        (2.0, 'hz', None),
    ],
)
@pytest.mark.parametrize('kind', [nib.Nifti1Image, nib.Nifti2Image])
def test_the_repetition_time_of_a_header_is_in_seconds(tmp_path, kind, stored, unit, seconds):
    path = save(tmp_path / 'bold.nii', noise('int16'), kind=kind, t_r=stored, unit=unit)
    assert open_series(path).t_r == seconds


@pytest.mark.parametrize('stored', [np.nan, np.inf, -2.0])
def test_an_invalid_repetition_time_counts_as_missing(tmp_path, stored):
    path = save(tmp_path / 'bold.nii', noise('int16'), t_r=1.0)
    raw = bytearray(path.read_bytes())
    raw[92:96] = np.float32(stored).tobytes()
    path.write_bytes(raw)
    assert open_series(path).t_r in (None, abs(stored))


def test_a_volume_has_no_repetition_time(tmp_path):
    assert open_series(save(tmp_path / 'one.nii', noise('int16', SHAPE[:3]))).t_r is None


@pytest.mark.parametrize(('stored', 'seconds'), [(720, 0.72), (2500, 2.5), (10, 0.01), (2.5, None), (0, None)])
def test_mgh_counts_repetition_time_in_milliseconds(tmp_path, stored, seconds):
    image = nib.MGHImage(noise('int16'), AFFINE)
    image.header.set_zooms((3, 3, 4, stored))
    image.to_filename(tmp_path / 'bold.mgz')
    assert open_series(tmp_path / 'bold.mgz').t_r == seconds


@pytest.mark.parametrize('kind', [nib.AnalyzeImage, nib.Spm99AnalyzeImage, nib.Spm2AnalyzeImage])
@pytest.mark.parametrize('stored', [0.0, 1.0, 2.0])
def test_analyze_has_no_field_for_the_repetition_time(tmp_path, kind, stored):
    image = kind(noise('int16'), np.diag([-3.0, 3, 4, 1]))
    image.header.set_zooms((3, 3, 4, stored))
    image.to_filename(tmp_path / 'bold.img')
    assert open_series(tmp_path / 'bold.img').t_r is None


@pytest.mark.parametrize(
    'affine',
    [AFFINE, np.diag([2.0, 2, 2, 1]), TURN @ AFFINE, TURN @ np.diag([2.0, 3, 4, 1])],
    ids=['las', 'ras', 'oblique-las', 'oblique'],
)
@pytest.mark.parametrize('dtype', ['float32', 'float64'])
def test_a_written_series_is_what_nibabel_reads(tmp_path, affine, dtype):
    data = noise(dtype)
    with SeriesWriter(tmp_path / 'out.nii.gz', SHAPE, affine, 0.72, np.dtype(dtype)) as writer:
        for volume in np.moveaxis(data, 3, 0):
            writer.write(volume)
    image = nib.load(tmp_path / 'out.nii.gz')
    assert image.shape == SHAPE
    assert image.get_data_dtype() == np.dtype(dtype)
    assert_array_equal(image.get_fdata(), data)
    assert_allclose(image.affine, affine, rtol=1e-6, atol=1e-5)
    for given, code in (image.get_sform(coded=True), image.get_qform(coded=True)):
        assert code == 1
        assert_allclose(given, affine, rtol=1e-5, atol=1e-4)
    assert image.header.get_xyzt_units() == ('mm', 'sec')
    assert image.header.get_zooms()[3] == np.float32(0.72)
    opened = open_series(tmp_path / 'out.nii.gz')
    assert opened.t_r == 0.72
    assert (opened.slope, opened.intercept) == (1, 0)
    assert_array_equal(read_all(tmp_path / 'out.nii.gz')[0], data)


def test_a_series_without_a_repetition_time_is_written_without_one(tmp_path):
    with SeriesWriter(tmp_path / 'out.nii.gz', (2, 3, 4, 1), AFFINE) as writer:
        writer.write(np.ones((2, 3, 4)))
    assert open_series(tmp_path / 'out.nii.gz').t_r is None
    assert nib.load(tmp_path / 'out.nii.gz').header.get_zooms()[3] == 0


def test_a_three_dimensional_shape_gives_a_volume(tmp_path):
    with SeriesWriter(tmp_path / 'out.nii.gz', (5, 6, 7), AFFINE) as writer:
        writer.write(noise('float32')[..., 0])
    image = nib.load(tmp_path / 'out.nii.gz')
    assert image.shape == (5, 6, 7)
    assert_array_equal(image.get_fdata(), noise('float32')[..., 0])


@pytest.mark.parametrize(('length', 'header'), [(32767, nib.Nifti1Header), (32768, nib.Nifti2Header)])
def test_an_axis_beyond_32767_makes_it_nifti_2(tmp_path, length, header):
    values = np.arange(length, dtype=np.float32)
    with SeriesWriter(tmp_path / 'out.nii.gz', (1, 1, 1, length), AFFINE, 0.5) as writer:
        for value in values:
            writer.write(value.reshape(1, 1, 1))
    image = nib.load(tmp_path / 'out.nii.gz')
    assert type(image.header) is header
    assert_array_equal(image.get_fdata().ravel(), values)
    assert open_series(tmp_path / 'out.nii.gz').t_r == 0.5


def test_the_same_volumes_give_the_same_bytes(tmp_path, monkeypatch):
    contents = []
    for name, order in (('one.nii.gz', 'C'), ('another.nii.gz', 'F')):
        with SeriesWriter(tmp_path / name, SHAPE, AFFINE, 2.0) as writer:
            for volume in np.moveaxis(noise('float32'), 3, 0):
                writer.write(np.array(volume, order=order))
        contents.append((tmp_path / name).read_bytes())
        now = time.time()
        monkeypatch.setattr(time, 'time', lambda now=now: now + 98765)
    assert contents[0] == contents[1]


@pytest.mark.parametrize(('name', 'kind'), [('bold.nii', nib.Nifti1Image), ('bold.img', nib.Nifti1Pair)])
def test_a_header_is_read_again_only_if_a_file_was_touched(tmp_path, monkeypatch, name, kind):
    opened, read = [], grids.open_image_file
    monkeypatch.setattr(grids, 'open_image_file', lambda path: (opened.append(path), read(path))[1])
    monkeypatch.setattr(digests, 'SETTLED_SECONDS', -1)
    path = save(tmp_path / name, noise('int16'), kind=kind, t_r=2.0)
    assert open_series(path).t_r == open_series(str(path)).t_r == 2
    assert len(opened) == 1
    header = path if kind is nib.Nifti1Image else path.with_suffix('.hdr')
    content = bytearray(header.read_bytes())
    content[92:96] = np.float32(3).tobytes()
    header.write_bytes(content)
    os.utime(header, ns=(0, 0))
    assert open_series(path).t_r == 3
    # A file that may change again without a new time is not remembered.
    monkeypatch.setattr(digests, 'SETTLED_SECONDS', np.inf)
    assert open_series(path).t_r == open_series(path).t_r == 3
    assert len(opened) == 4


@pytest.mark.parametrize(('at', 'value'), [(112, np.float32(2)), (108, np.float32(16)), (70, np.int16(512))])
def test_the_digest_of_a_pair_counts_what_its_header_says(tmp_path, at, value):
    path = save(tmp_path / 'bold.img', noise('int16'), kind=nib.Nifti1Pair)
    path.write_bytes(path.read_bytes() + bytes(16))
    header = path.with_suffix('.hdr')
    content, before = bytearray(header.read_bytes()), open_series(path).digest()
    content[at : at + value.nbytes] = value.tobytes()
    header.write_bytes(content)
    assert open_series(path).digest() != before
