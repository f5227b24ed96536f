# SPDX-License-Identifier: BSD-3-Clause
"""Smoothing: SciPy's Gaussian on finite values, normalised at missing voxels, and folded into weights."""

import numpy as np
import pytest
from nibabel import Nifti1Image
from nilearn.image import smooth_img
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage
from spaces import make_index

from nipype_labels.core.smooth import kernel_radius, kernel_sigmas, region_weights, smooth
from nipype_labels.model.errors import LabelsError

SHAPE = (9, 10, 8)
AFFINE = np.diag([2.0, -3.0, 3.5, 1.0])
OBLIQUE = np.array([[0.8, -0.6, 0, 1], [0.6, 0.8, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]) @ AFFINE


@pytest.fixture
def volume():
    return np.random.default_rng(5).normal(50, 20, SHAPE)


@pytest.mark.parametrize('affine', [AFFINE, OBLIQUE], ids=['aligned', 'oblique'])
@pytest.mark.parametrize('fwhm', [4.0, 11.5, (3.0, 0.0, 8.0)], ids=str)
@pytest.mark.parametrize(('dtype', 'rtol'), [(np.float64, 1e-10), (np.float32, 1e-5)])
def test_finite_data_are_smoothed_as_nilearn_does(volume, affine, fwhm, dtype, rtol, quietly):
    stored = volume.astype(dtype)
    expected = quietly(smooth_img, Nifti1Image(stored, affine), list(fwhm) if isinstance(fwhm, tuple) else fwhm)
    smoothed = smooth(stored, kernel_sigmas(fwhm, affine))
    assert smoothed.dtype == dtype
    assert_allclose(smoothed, expected.get_fdata(), rtol=rtol)


@pytest.mark.parametrize('sigmas', [(0.6, 1.1, 0.0), (4.0, 7.0, 5.0)], ids=['narrow', 'wider-than-the-grid'])
@pytest.mark.parametrize('hole', [None, np.nan, np.inf, -np.inf], ids=str)
def test_x5_the_kernel_is_normalised_over_finite_voxels(sigmas, hole, smooth_by_loop):
    volume = np.random.default_rng(6).normal(50, 20, (5, 6, 4))
    if hole is not None:
        volume[0, 0, 0] = volume[2:4, 3, 1:3] = volume[4, :, 3] = hole
    smoothed = smooth(volume, sigmas)
    assert_array_equal(np.isnan(smoothed), ~np.isfinite(volume))
    assert_allclose(smoothed, smooth_by_loop(volume, sigmas), rtol=1e-10)


def test_a_volume_without_finite_voxels_is_unchanged_by_smoothing():
    assert np.isnan(smooth(np.full((3, 4, 5), np.nan), (1.0, 1.0, 1.0))).all()


def test_smoothing_does_not_change_its_input(volume):
    volume[1, 2, 3] = np.nan
    before = volume.copy()
    smooth(volume, (1.0, 1.0, 1.0))
    assert_array_equal(volume, before)


@pytest.mark.parametrize('affine', [AFFINE, OBLIQUE], ids=['aligned', 'oblique'])
def test_widths_in_mm_become_deviations_in_voxels(affine):
    per_mm = 1 / (2 * np.sqrt(2 * np.log(2)))
    assert_allclose(kernel_sigmas(6, affine), 6 * per_mm / np.array([2, 3, 3.5]), rtol=1e-12)
    assert_allclose(kernel_sigmas([6, 0, 7], affine), per_mm * np.array([3, 0, 2]), rtol=1e-12, atol=0)


def test_a_width_of_zero_does_not_smooth(volume):
    assert kernel_sigmas(0, AFFINE) == kernel_sigmas((0, 0.0, 0), AFFINE) == (0, 0, 0)
    assert_array_equal(smooth(volume, (0.0, 0.0, 0.0)), volume)


@pytest.mark.parametrize('fwhm', [-1, -1e-9, np.nan, np.inf, (4, -1, 4), (4, 4, np.nan), (4, 4), [], np.ones((3, 3))])
def test_invalid_widths_are_refused(fwhm):
    """nilearn does not smooth for a negative width or NaN, without a message."""
    with pytest.raises(LabelsError, match='smoothing_fwhm'):
        kernel_sigmas(fwhm, AFFINE)


@pytest.mark.parametrize('sigma', [0.0, 0.1, 0.124, 0.126, 0.5, 1.3, 6.0])
def test_the_kernel_has_the_stated_radius(sigma):
    line = np.zeros(81)
    line[40] = 1
    reached = np.nonzero(ndimage.gaussian_filter(line, sigma))[0] - 40 if sigma else np.zeros(1, dtype=int)
    assert kernel_radius((sigma, sigma, sigma)).tolist() == [reached.max()] * 3


CORNERS = np.zeros(SHAPE, dtype=np.int32)
CORNERS[0, 0, 0] = CORNERS[-1, -1, -1] = 3
CORNERS[:, -1, 0] = 1
CORNERS[4, 4, 4] = CORNERS[5, 4:6, 4] = 2
CORNERS[0:2, 8:, 7:] = 9


def test_too_many_weights_of_regions_are_not_computed(monkeypatch):
    part = make_index(CORNERS, [1, 2, 3, 9])
    arguments = part.elements, part.starts, SHAPE, (1.0, 1.0, 1.0)
    n_weights = region_weights(*arguments).nnz
    monkeypatch.setattr('nipype_labels.core.smooth.MOST_WEIGHTS', n_weights)
    assert region_weights(*arguments).nnz == n_weights
    monkeypatch.setattr('nipype_labels.core.smooth.MOST_WEIGHTS', n_weights - 1)
    assert region_weights(*arguments) is None
