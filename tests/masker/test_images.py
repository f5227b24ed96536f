# SPDX-License-Identifier: BSD-3-Clause
"""The masker reads the image that it is given: its own file, scale and offset, or the voxels that it holds."""

import os

import nibabel
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels import NiftiLabelsMasker
from nipype_labels.model.errors import LabelsError

pytestmark = pytest.mark.filterwarnings('ignore:.*no look-up table in its header:UserWarning')

SHAPE = (4, 4, 3)


def labels():
    return nibabel.Nifti1Image((np.arange(48).reshape(SHAPE) % 4).astype('int16'), np.eye(4))


def extract(image, **parameters):
    return NiftiLabelsMasker(labels(), **parameters).fit_transform(image)


def means(values):
    ids = labels().get_fdata()
    return np.stack([values[ids == i].mean(axis=0) for i in (1, 2, 3)], axis=1)


def volumes(seed, n=6):
    return np.random.default_rng(seed).normal(100, 5, (*SHAPE, n))


def saved(path, values, dtype='float32', kind=nibabel.Nifti1Image, slope=None, inter=None, t_r=2.0):
    """An image that was loaded from a file; scaled integers if asked for."""
    image = kind(values.astype(dtype), np.eye(4))
    if slope is not None:
        image = kind(np.rint((values - inter) / slope).astype('int16'), np.eye(4))
        image.header.set_slope_inter(slope, inter)
    if hasattr(image.header, 'set_xyzt_units'):
        image.header.set_xyzt_units('mm', 'sec')
        image.header.set_zooms((1, 1, 1, t_r))
    nibabel.save(image, path)
    return nibabel.load(path)


@pytest.mark.parametrize('name', ['a.nii', 'a.nii.gz', 'a.img', 'a.mgz'])
@pytest.mark.parametrize('slope', [None, 0.25])
def test_voxels_are_those_of_the_file_that_was_loaded(name, slope, tmp_path):
    """After to_filename() the image refers to a file of another scale, type and content."""
    if name.endswith('.mgz') and slope:
        pytest.skip('MGH files have no scale')
    kind = {'a.img': nibabel.Nifti1Pair, 'a.mgz': nibabel.MGHImage}.get(name, nibabel.Nifti1Image)
    image = saved(tmp_path / name, volumes(0), kind=kind, slope=slope, inter=3.0 if slope else None)
    expected = extract(tmp_path / name)
    assert np.abs(expected - means(volumes(0))).max() < (1 if slope else 1e-3)
    image.to_filename(tmp_path / f'b-{name}')
    saved(tmp_path / f'b-{name}', volumes(1), kind=kind)
    assert_array_equal(extract(image), expected)
    (tmp_path / f'b-{name}').unlink()
    assert_array_equal(extract(image), expected)


def test_an_image_with_the_voxels_of_another_is_read_from_their_file(tmp_path):
    image = saved(tmp_path / 'a.nii.gz', volumes(0, 30), slope=0.5, inter=100.0)
    other = nibabel.Nifti1Image(image.dataobj, image.affine)
    other.header.set_xyzt_units('mm', 'sec')
    other.header.set_zooms((1, 1, 1, 1.0))
    for each, t_r in ((image, 2.0), (other, 1.0)):
        masker = NiftiLabelsMasker(labels(), low_pass=0.1)
        signals = masker.fit_transform(each)
        assert_array_equal(signals, extract(tmp_path / 'a.nii.gz', low_pass=0.1, t_r=t_r) if t_r == 2 else signals)
        assert masker.inverse_transform(signals).header.get_zooms()[3] == t_r


@pytest.mark.parametrize('dtype', [np.float64, np.float32])
@pytest.mark.parametrize('stored', [{'dtype': 'int16'}, {'slope': 0.3, 'inter': 7.0}, {'dtype': 'float32'}])
def test_voxels_that_were_read_before_count_if_they_were_changed(stored, dtype, tmp_path):
    """Otherwise the voxels of the file are used: those that get_fdata() caches are rounded or of another type."""
    image = saved(tmp_path / 'a.nii.gz', volumes(0), **stored)
    expected = extract(tmp_path / 'a.nii.gz', smoothing_fwhm=2.0)
    values = image.get_fdata(dtype=dtype)
    assert_array_equal(extract(image, smoothing_fwhm=2.0), expected)
    values[..., 2] += 50
    assert_allclose(extract(image), means(values.astype('float64')), rtol=1e-12)
    image.uncache()
    assert_array_equal(extract(image, smoothing_fwhm=2.0), expected)


def test_voxels_that_were_read_count_when_the_file_is_gone_or_another(tmp_path):
    image = saved(tmp_path / 'a.nii.gz', volumes(0), dtype='float64')
    expected = extract(image)
    image.get_fdata()
    saved(tmp_path / 'a.nii.gz', volumes(1), dtype='float64')
    assert_array_equal(extract(image), expected)
    (tmp_path / 'a.nii.gz').unlink()
    assert_array_equal(extract(image), expected)
    image.uncache()
    with pytest.raises(LabelsError, match=r'a\.nii\.gz'):
        extract(image)


def test_voxels_in_memory_are_read_as_they_are():
    """Arrays that are changed in place, memory-mapped or big-endian are not copied."""
    values = volumes(0)
    image = nibabel.Nifti1Image(values, np.eye(4))
    image.get_fdata()[0] = 7
    assert_allclose(extract(image), means(values), rtol=1e-12)
    assert (values[0] == 7).all()
    single = values.astype('>f4')
    assert_allclose(extract(nibabel.Nifti1Image(single, np.eye(4))), means(single.astype('float64')), rtol=1e-12)


def test_two_versions_of_the_voxels_in_one_image_are_refused():
    image = nibabel.Nifti1Image(volumes(0).astype('int16'), np.eye(4))
    image.get_fdata()
    expected = extract(image)
    image.get_fdata()[0] = 7
    with pytest.raises(LabelsError, match=r'changed apart; make a new image'):
        extract(image)
    image.uncache()
    assert_array_equal(extract(image), expected)
    masked = nibabel.Nifti1Image(np.ma.masked_greater(volumes(0), 100), np.eye(4))
    with pytest.raises(LabelsError, match='masked array'):
        extract(masked)


@pytest.mark.parametrize('parameter', ['labels_img', 'mask_img'])
def test_labels_and_masks_in_memory_count_too(parameter, tmp_path):
    values = {'labels_img': labels().get_fdata(), 'mask_img': np.ones(SHAPE)}[parameter].astype('int16')
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / 'a.nii')
    image = nibabel.load(tmp_path / 'a.nii')
    series = nibabel.Nifti1Image(volumes(0), np.eye(4))
    parameters = {'labels_img': labels()} | {parameter: image}
    before = NiftiLabelsMasker(**parameters).fit_transform(series)
    image.get_fdata()[:2] = 0
    masker = NiftiLabelsMasker(**parameters)
    after = masker.fit_transform(series)
    image.get_fdata()[:] = 0
    assert_array_equal(masker.transform(series), after)
    assert not np.allclose(before, after)


def test_a_file_cut_off_after_it_was_loaded_is_an_error(tmp_path):
    image = saved(tmp_path / 'a.nii', volumes(0))
    os.truncate(tmp_path / 'a.nii', 1000)
    with pytest.raises(LabelsError, match=r'a\.nii'):
        extract(image)
