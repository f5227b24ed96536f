# SPDX-License-Identifier: BSD-3-Clause
"""Missing voxels and voxels outside the field of view in a reduction, under each policy."""

import numpy as np
import pytest
from nibabel import Nifti1Image
from nilearn.image import resample_img
from numpy.testing import assert_allclose, assert_array_equal
from pairwise import pairwise
from spaces import make_reducer

from nipype_labels.core.smooth import kernel_sigmas
from nipype_labels.core.strategies import STRATEGIES
from nipype_labels.model.errors import ImageError
from nipype_labels.model.parameters import PARAMETERS

SHAPE, LABELS_SHAPE, N_VOLUMES = (7, 8, 6), (8, 7, 9), 5
AFFINE = np.array([[3, 0, 0, -9.3137], [0, 3, 0, -11.1291], [0, 0, 3.5, -8.2173], [0, 0, 0, 1]])
LABELS_AFFINE = np.array([[2.7, 0, 0, -11.0311], [0, 3.1, 0, -12.0719], [0, 0, 2.9, -10.1937], [0, 0, 0, 1]])
IDS = [8, 1, 5, 4]
EACH_STRATEGY = pytest.mark.parametrize('strategy', STRATEGIES)


@pytest.fixture
def labels():
    """Labels in which region 8 is a small block."""
    labels = np.random.default_rng(20).choice([0, 1, 4, 5], SHAPE)
    labels[2:4, 2:4, 2:4] = 8
    return labels


@pytest.fixture
def data(labels):
    """NaN and infinite values that change over time, others in all volumes, and region 8 missing in two volumes."""
    rng = np.random.default_rng(21)
    data = rng.normal(100, 20, (*SHAPE, N_VOLUMES))
    data[rng.uniform(size=data.shape) < 0.1] = np.nan
    data[rng.uniform(size=data.shape) < 0.02] = np.inf
    data[rng.uniform(size=data.shape) < 0.02] = -np.inf
    data[5, :, :3] = np.nan
    data[..., 3] = np.where(np.isfinite(data[..., 3]), data[..., 3], 50)
    data[2:4, 2:4, 2:4, 1:3] = np.nan
    return data


def on_same_grid(labels, **settings):
    return make_reducer(labels, AFFINE, IDS, shape=SHAPE, affine=AFFINE, **settings)


@EACH_STRATEGY
@pytest.mark.parametrize('dtype', ['f8', 'f4', '>f8'])
def test_x5_missing_values_are_excluded_from_every_value(data, labels, strategy, dtype, signals_of, reduce_by_loop):
    stored = data.astype(dtype)
    signals = signals_of(stored, on_same_grid(labels, strategy=strategy))
    assert_allclose(signals, reduce_by_loop(stored, labels, IDS, strategy), rtol=1e-9)


@EACH_STRATEGY
def test_a_region_without_finite_voxels_is_nan_and_has_no_used_voxels(data, labels, strategy, signals_of):
    data[labels == 5] = np.nan
    reducer = on_same_grid(labels, strategy=strategy)
    signals = signals_of(data, reducer)
    assert np.isnan(signals[:, 2]).all()
    assert reducer.n_used[2] == 0
    assert reducer.n_in_view[2] == (labels == 5).sum()
    assert np.isfinite(signals[:, [1, 3]]).all()


@pytest.mark.parametrize('per_block', [1, 2, None])
def test_used_voxels_are_those_finite_at_least_once(data, labels, per_block, signals_of):
    data[..., 3] = data[..., 0]
    reducer = on_same_grid(labels)
    assert reducer.n_used.tolist() == [0] * 4
    signals_of(data, reducer, per_block=per_block)
    once = np.isfinite(data).any(axis=3)
    expected = [(once & (labels == region)).sum() for region in IDS]
    assert reducer.n_used.tolist() == expected
    assert sum(expected) < (labels > 0).sum()
    assert reducer.n_in_view.tolist() == [(labels == region).sum() for region in IDS]


def test_integers_use_every_voxel(labels, signals_of):
    reducer = on_same_grid(labels)
    signals_of(np.ones((*SHAPE, 2), dtype=np.int16), reducer)
    assert reducer.n_used.tolist() == [(labels == region).sum() for region in IDS]


@EACH_STRATEGY
def test_missing_voxels_count_as_zero_on_request(data, labels, strategy, signals_of, reduce_by_loop):
    signals = signals_of(data, on_same_grid(labels, strategy=strategy, nan_policy='zero'))
    filled = np.where(np.isfinite(data), data, 0)
    assert_allclose(signals, reduce_by_loop(filled, labels, IDS, strategy), rtol=1e-9)


@pytest.mark.parametrize('hole', [np.nan, np.inf, -np.inf])
def test_raise_refuses_one_missing_voxel_in_a_region(labels, hole, signals_of):
    data = np.ones((*SHAPE, 3))
    data[2, 2, 2, 1] = hole
    with pytest.raises(ImageError, match=r"not finite in 1 of \d+ labelled voxels \(nan_policy='raise'\)"):
        signals_of(data, on_same_grid(labels, nan_policy='raise'))


def test_raise_accepts_missing_voxels_between_regions(data, labels, signals_of, reduce_by_loop):
    clean = np.where(np.isfinite(data), data, 1)
    holed = np.where(labels[..., None] > 0, clean, np.nan)
    signals = signals_of(holed, on_same_grid(labels, nan_policy='raise'))
    assert_allclose(signals, reduce_by_loop(clean, labels, IDS), rtol=1e-9)


@EACH_STRATEGY
def test_smoothing_excludes_missing_voxels_without_lowering_their_neighbours(
    data, labels, strategy, signals_of, reduce_by_loop, smooth_by_loop
):
    signals = signals_of(data, on_same_grid(labels, strategy=strategy, smoothing_fwhm=5))
    sigmas = kernel_sigmas(5, AFFINE)
    smoothed = np.stack([smooth_by_loop(volume, sigmas) for volume in np.moveaxis(data, 3, 0)], axis=3)
    assert_allclose(signals, reduce_by_loop(smoothed, labels, IDS, strategy), rtol=1e-5)


@pytest.fixture
def fine_labels():
    """Labels on a grid that the series covers partly; region 8 is outside the field of view."""
    labels = np.random.default_rng(22).choice([0, 1, 4, 5], LABELS_SHAPE)
    labels[0] = 8
    return labels


def sampled(data, quietly):
    """The series on the grid of the labels by nilearn, NaN outside the field of view; and voxels inside it."""
    index = np.stack([*np.indices(LABELS_SHAPE).reshape(3, -1), np.ones(np.prod(LABELS_SHAPE))])
    where = (np.linalg.inv(AFFINE) @ LABELS_AFFINE @ index)[:3]
    in_view = ((where >= 0) & (where <= np.array(SHAPE)[:, None] - 1)).all(axis=0).reshape(LABELS_SHAPE)
    data = np.where(np.isinf(data), np.nan, data)
    out = quietly(resample_img, Nifti1Image(data, AFFINE), LABELS_AFFINE, LABELS_SHAPE).get_fdata()
    return np.where(in_view[..., None], out, np.nan), in_view


def on_own_grid(labels, **settings):
    return make_reducer(labels, LABELS_AFFINE, IDS, shape=SHAPE, affine=AFFINE, interpolation='cubic', **settings)


@pairwise(strategy=STRATEGIES, fwhm=[0, 5], holes=[False, True])
def test_sampled_regions_exclude_voxels_outside_the_field_of_view(
    data, fine_labels, strategy, fwhm, holes, signals_of, reduce_by_loop, smooth_by_loop, quietly
):
    if not holes:
        data = np.where(np.isfinite(data), data, 90)
    reducer = on_own_grid(fine_labels, strategy=strategy, smoothing_fwhm=fwhm)
    signals = signals_of(data, reducer)
    expected, in_view = sampled(data, quietly)
    if fwhm:
        sigmas = kernel_sigmas(fwhm, LABELS_AFFINE)
        expected = np.stack([smooth_by_loop(volume, sigmas) for volume in np.moveaxis(expected, 3, 0)], axis=3)
    assert_allclose(signals, reduce_by_loop(expected, fine_labels, IDS, strategy), rtol=1e-5)
    assert np.isnan(signals[:, 0]).all()
    seen = np.isfinite(expected).any(axis=3)
    assert reducer.n_in_view.tolist() == [(in_view & (fine_labels == region)).sum() for region in IDS]
    assert reducer.n_used.tolist() == [(seen & (fine_labels == region)).sum() for region in IDS]


@pytest.mark.parametrize('policy', PARAMETERS['nan_policy'].choices)
@pytest.mark.parametrize('fwhm', [0, 5], ids=['as-sampled', 'smoothed'])
def test_voxels_in_the_field_of_view_are_counted_equally_under_every_policy(
    data, fine_labels, policy, fwhm, signals_of, quietly
):
    whole = np.where(np.isfinite(data), data, 90)
    reducer = on_own_grid(fine_labels, nan_policy=policy, smoothing_fwhm=fwhm)
    signals_of(whole, reducer)
    _, in_view = sampled(whole, quietly)
    expected = [(in_view & (fine_labels == region)).sum() for region in IDS]
    assert reducer.n_in_view.tolist() == reducer.n_used.tolist() == expected
    assert expected[0] == 0


@pytest.mark.parametrize('fwhm', [0, 5], ids=['as-sampled', 'smoothed'])
def test_raise_ignores_voxels_outside_the_field_of_view(data, fine_labels, fwhm, signals_of):
    whole = np.where(np.isfinite(data), data, 90)
    refusing = signals_of(whole, on_own_grid(fine_labels, nan_policy='raise', smoothing_fwhm=fwhm))
    omitting = signals_of(whole, on_own_grid(fine_labels, nan_policy='omit', smoothing_fwhm=fwhm))
    assert_array_equal(refusing, omitting)


@pytest.mark.parametrize('fwhm', [0, 5], ids=['as-sampled', 'smoothed'])
def test_raise_refuses_a_missing_voxel_that_is_sampled(data, fine_labels, fwhm, signals_of):
    with pytest.raises(ImageError, match='not finite'):
        signals_of(data, on_own_grid(fine_labels, nan_policy='raise', smoothing_fwhm=fwhm))


@EACH_STRATEGY
@pytest.mark.parametrize('turned', [False, True], ids=['separable', 'pointwise'])
def test_an_atlas_outside_the_field_of_view_returns_columns_of_nan(data, fine_labels, strategy, turned, signals_of):
    far = LABELS_AFFINE.copy()
    far[:3, 3] += 500
    far[0, 1] = 0.1 * turned
    reducer = make_reducer(fine_labels, far, IDS, shape=SHAPE, affine=AFFINE, interpolation='cubic', strategy=strategy)
    assert np.isnan(signals_of(data, reducer)).all()
    assert reducer.n_in_view.tolist() == reducer.n_used.tolist() == [0] * 4
