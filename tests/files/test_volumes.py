# SPDX-License-Identifier: BSD-3-Clause
"""Volumes: ids are read exactly, and files that are not label images or masks are refused by name."""

import time

import nibabel as nib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from nipype_labels.files.grids import read_grid
from nipype_labels.files.volumes import read_labels, read_mask, write_volume
from nipype_labels.model.errors import LabelsError

AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2.5, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1]])
IDS = (-32768, -129, -128, -1, 0, 1, 126, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**24)


def save(path, data, slope=None):
    """Save as NIfTI in the type of the data, with a scale that is not applied to them."""
    image = nib.Nifti1Image(data, AFFINE, dtype=data.dtype)
    if slope:
        image.header.set_slope_inter(slope, 0)
    image.to_filename(path)
    return path


def along_a_line(values, dtype=np.float64):
    return np.array(values, dtype=dtype).reshape(-1, 1, 1)


@pytest.mark.parametrize('name', ['labels.nii', 'labels.nii.gz'])
@pytest.mark.parametrize('dtype', ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'float32', '>i2'])
def test_ids_come_back_exact_whatever_type_stored_them(tmp_path, dtype, name):
    holds = np.iinfo(dtype) if np.dtype(dtype).kind in 'iu' else np.iinfo(np.int32)
    ids = [i for i in IDS if holds.min <= i <= holds.max]
    labels, where = read_labels(save(tmp_path / name, along_a_line(ids, dtype)))
    assert labels.dtype == np.int32
    assert labels.ravel().tolist() == ids
    assert where.shape == (len(ids), 1, 1)
    assert_array_equal(where.affine, AFFINE)


@pytest.mark.parametrize(
    ('slope', 'ids'),
    [(2.0, [-256, 0, 128, 256, 32768, 65534]), (0.1, [-128, 0, 1, 127, 255, 3276]), (256.0, [0, 256, 512, 65536])],
)
def test_scaled_ids_come_back_exact(tmp_path, slope, ids):
    stored = np.rint(along_a_line(ids) / slope).astype(np.int16)
    path = save(tmp_path / 'labels.nii', stored, slope=slope)
    assert nib.load(path).dataobj.slope == np.float32(slope)
    assert read_labels(path)[0].ravel().tolist() == ids


def test_floats_within_a_thousandth_of_an_id_are_that_id(tmp_path):
    near = along_a_line([0.9995, 2.0005, -3.0005, 254.9995], np.float32)
    assert read_labels(save(tmp_path / 'labels.nii', near))[0].ravel().tolist() == [1, 2, -3, 255]


@pytest.mark.parametrize('dtype', ['int64', 'float64'])
def test_the_outermost_ids_of_32_bits_are_kept(tmp_path, dtype):
    ids = [-(2**31), 2**31 - 1]
    assert read_labels(save(tmp_path / 'labels.nii', along_a_line(ids, dtype)))[0].ravel().tolist() == ids


@pytest.mark.parametrize('background', [0, 7, -1])
def test_non_finite_voxels_are_background(tmp_path, background):
    path = save(tmp_path / 'labels.nii', along_a_line([np.nan, 3, np.inf, -np.inf], np.float32))
    assert read_labels(path, background)[0].ravel().tolist() == [background, 3, background, background]


@pytest.mark.parametrize(('dtype', 'background'), [('uint8', -1), ('int8', 500), ('uint16', -7), ('int16', 65536)])
def test_a_background_that_the_stored_type_can_not_hold_changes_nothing(tmp_path, dtype, background):
    path = save(tmp_path / 'labels.nii', along_a_line([0, 5, 100], dtype))
    assert read_labels(path, background)[0].ravel().tolist() == [0, 5, 100]


@pytest.mark.parametrize(
    ('values', 'dtype'),
    [
        ([0, 1, 1], 'uint8'),
        ([0, 255, 255], 'uint8'),
        ([0, -1, -1], 'int16'),
        ([0, 1000, 1000], 'int32'),
        ([0, 0.5, 0.5], 'float32'),
        ([np.nan, 1, 1], 'float32'),
        ([np.inf, 1, 1], 'float64'),
        ([-0.0, 2, 2], 'float64'),
    ],
)
def test_a_mask_is_inside_where_its_one_value_is(tmp_path, values, dtype):
    mask, where = read_mask(save(tmp_path / 'mask.nii.gz', along_a_line(values, dtype)))
    assert mask.dtype == bool
    assert mask.ravel().tolist() == [False, True, True]
    assert where.shape == mask.shape


@pytest.mark.parametrize(
    ('values', 'stored'),
    [
        ([0, 255], 'uint8'),
        ([0, 256], 'int16'),
        ([-1, 1], 'int16'),
        ([-32768, 32767], 'int16'),
        ([0, 65536], 'int32'),
        ([-32769, 0], 'int32'),
        ([-(2**31), 2**31 - 1], 'int32'),
    ],
)
def test_integers_are_written_in_a_small_type_unscaled(tmp_path, values, stored):
    path = tmp_path / 'labels.nii.gz'
    write_volume(path, along_a_line(values, np.int64), AFFINE)
    image = nib.load(path)
    assert image.get_data_dtype() == np.dtype(stored)
    assert (image.dataobj.slope, image.dataobj.inter) == (1, 0)
    assert np.asanyarray(image.dataobj).ravel().tolist() == values


def test_a_mask_survives_writing_and_reading(tmp_path):
    mask = np.random.default_rng(1).uniform(size=(5, 6, 7)) < 0.5
    write_volume(tmp_path / 'mask.nii.gz', mask, AFFINE)
    assert nib.load(tmp_path / 'mask.nii.gz').get_data_dtype() == np.uint8
    assert_array_equal(read_mask(tmp_path / 'mask.nii.gz')[0], mask)


@pytest.mark.parametrize('dtype', ['float32', 'float64'])
def test_floats_are_written_as_they_are(tmp_path, dtype):
    values = along_a_line([np.nan, -0.1, 1e30, 1e-30, np.pi], dtype)
    write_volume(tmp_path / 'mean.nii.gz', values, AFFINE)
    image = nib.load(tmp_path / 'mean.nii.gz')
    assert image.get_data_dtype() == np.dtype(dtype)
    assert np.asanyarray(image.dataobj).tobytes() == values.tobytes()


def test_volumes_are_written_with_affine_and_units(tmp_path):
    turn = np.array([[0.8, -0.6, 0, 1], [0.6, 0.8, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]])
    oblique = turn @ np.diag([-2.0, 2, 3, 1])
    write_volume(tmp_path / 'labels.nii.gz', np.ones((2, 3, 4), np.int32), oblique)
    header = nib.load(tmp_path / 'labels.nii.gz').header
    np.testing.assert_allclose(header.get_best_affine(), oblique, atol=1e-6)
    assert header.get_xyzt_units()[0] == 'mm'


def test_the_same_volume_gives_the_same_bytes(tmp_path, monkeypatch):
    volume = np.random.default_rng(2).integers(0, 400, (5, 6, 7)).astype(np.int32)
    write_volume(tmp_path / 'one.nii.gz', volume, AFFINE)
    now = time.time()
    monkeypatch.setattr(time, 'time', lambda: now + 12345)
    write_volume(tmp_path / 'another.nii.gz', volume.astype(np.int64), AFFINE)
    assert (tmp_path / 'one.nii.gz').read_bytes() == (tmp_path / 'another.nii.gz').read_bytes()


def test_damaged_gzip_never_gives_labels(tmp_path):
    labels = np.random.default_rng(4).integers(0, 9, (16, 16, 16)).astype(np.int16)
    good = save(tmp_path / 'good.nii.gz', labels).read_bytes()
    wrong = []
    for place in range(20, len(good) - 8, 41):
        bad = bytearray(good)
        bad[place] ^= 16
        (tmp_path / 'bad.nii.gz').write_bytes(bad)
        try:
            got, _ = read_labels(tmp_path / 'bad.nii.gz')
        except LabelsError as error:
            assert 'bad.nii.gz' in str(error)  # noqa: PT017 (a harmless bit raises nothing)
        except Exception as error:
            wrong.append(f'byte {place} raised {type(error).__name__}')
        else:
            wrong += [f'byte {place} changed labels'] * (not np.array_equal(got, labels))
    assert wrong == []


def test_the_grid_comes_from_the_header_alone(tmp_path):
    path = save(tmp_path / 'bold.nii', np.zeros((4, 5, 6, 7), np.int16))
    path.write_bytes(path.read_bytes()[:352])
    grid = read_grid(path)
    assert (grid.path, grid.shape) == (str(path), (4, 5, 6))
    assert_array_equal(grid.affine, AFFINE)
