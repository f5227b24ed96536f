# SPDX-License-Identifier: BSD-3-Clause
"""High-variance confounds against nilearn's, by the space they span, and in the blocks they are read in."""

import itertools

import nilearn.image
import nilearn.signal
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.highvariance import high_variance_confounds, voxel_power
from nipype_labels.core.scaling import Decoder
from nipype_labels.model.errors import SignalError

N_VOLUMES, N_VOXELS = 40, 600


def blocks_of(series, *starts):
    """A reader of a series, shape (T, voxels), in blocks that begin at 0 and at ``starts``."""
    edges = [0, *starts, len(series)]

    def read_blocks():
        return iter([(a, series[a:b]) for a, b in itertools.pairwise(edges)])

    return read_blocks


def confounds_of(series, *starts, **settings):
    """Confounds from all voxels of a series."""
    return high_variance_confounds(blocks_of(series, *starts), len(series), np.arange(series.shape[1]), **settings)


def projector(columns):
    """Projection onto the space of the columns, which does not depend on their signs."""
    return columns @ columns.T


def courses(mean=100.0, seed=0, n_voxels=N_VOXELS):
    """Noise, trends and a few strong common sources in some voxels only."""
    rng = np.random.default_rng(seed)
    sources = rng.normal(size=(N_VOLUMES, 8)) * [9, 8, 7, 6, 5, 4, 3, 2]
    weights = np.zeros((8, n_voxels))
    weights[:, : n_voxels // 10] = rng.normal(size=(8, n_voxels // 10))
    trend = np.linspace(-1, 1, N_VOLUMES)[:, None] * rng.normal(size=n_voxels)
    return mean + rng.normal(size=(N_VOLUMES, n_voxels)) + sources @ weights + trend


@pytest.mark.parametrize('detrend', [True, False])
@pytest.mark.parametrize(('n_confounds', 'percentile'), [(5, 2.0), (3, 5.0), (1, 2.0), (7, 50.0)])
def test_confounds_span_the_space_of_nilearns(detrend, n_confounds, percentile):
    series = courses(mean=100.0 if detrend else 0.0)
    settings = dict(n_confounds=n_confounds, percentile=percentile, detrend=detrend)
    reference = nilearn.signal.high_variance_confounds(series, **settings)
    ours = confounds_of(series, 7, 20, **settings)
    assert ours.shape == (N_VOLUMES, n_confounds)
    assert_allclose(projector(ours), projector(reference), rtol=0, atol=1e-9)
    # Column by column, too: the strongest first.
    assert_allclose(np.abs(np.sum(ours * reference, axis=0)), 1, rtol=1e-9)


@pytest.mark.parametrize('detrend', [True, False])
def test_confounds_are_orthonormal_and_their_largest_entries_positive(detrend):
    ours = confounds_of(courses(), detrend=detrend)
    assert_allclose(ours.T @ ours, np.eye(5), rtol=0, atol=1e-12)
    assert (ours[np.abs(ours).argmax(axis=0), np.arange(5)] > 0).all()


def test_the_sign_of_confounds_does_not_follow_the_sign_of_the_series():
    series = courses(mean=0.0)
    assert_allclose(confounds_of(-series), confounds_of(series), rtol=0, atol=1e-12)


@settings(max_examples=25)
@given(starts=st.lists(st.integers(1, N_VOLUMES - 1), unique=True, max_size=12), detrend=st.booleans())
def test_blocks_make_no_difference(starts, detrend):
    series = courses()
    split = confounds_of(series, *sorted(starts), detrend=detrend)
    assert_array_equal(split, confounds_of(series, detrend=detrend))


def test_chunks_of_voxels_make_no_difference(monkeypatch):
    series = courses(n_voxels=200)
    whole = confounds_of(series, percentile=50.0)
    monkeypatch.setattr('nipype_labels.core.highvariance.CHUNK', 7)
    assert_allclose(confounds_of(series, percentile=50.0), whole, rtol=0, atol=1e-12)


def test_only_the_given_voxels_count():
    series, voxels = courses(), np.arange(3, N_VOXELS, 2)
    ours = high_variance_confounds(blocks_of(series, 11), N_VOLUMES, voxels)
    assert_allclose(ours, confounds_of(series[:, voxels]), rtol=0, atol=1e-12)
    series[:, np.setdiff1d(np.arange(N_VOXELS), voxels)] = np.nan
    again = high_variance_confounds(blocks_of(series, 11), N_VOLUMES, voxels)
    assert again.tobytes() == ours.tobytes()


@pytest.mark.parametrize('detrend', [True, False])
def test_the_order_of_voxels_makes_no_difference(detrend):
    series = courses()
    shuffled = series[:, np.random.default_rng(3).permutation(N_VOXELS)]
    assert_allclose(confounds_of(shuffled, detrend=detrend), confounds_of(series, detrend=detrend), rtol=0, atol=1e-10)


@pytest.mark.parametrize('n_confounds', [N_VOLUMES, N_VOLUMES + 1, 1000])
def test_confounds_never_outnumber_the_volumes(n_confounds):
    ours = confounds_of(courses(mean=0.0), n_confounds=n_confounds, percentile=90.0, detrend=False)
    assert ours.shape == (N_VOLUMES, N_VOLUMES)
    assert_allclose(projector(ours), np.eye(N_VOLUMES), rtol=0, atol=1e-12)


@pytest.mark.parametrize('detrend', [True, False])
@pytest.mark.parametrize('value', [0, 7, 0.1])
def test_a_constant_image_has_no_confounds(detrend, value):
    with pytest.raises(SignalError, match='no voxel varies more than the others'):
        confounds_of(np.full((20, 100), value), detrend=detrend)


def test_an_image_of_one_course_has_no_confounds():
    with pytest.raises(SignalError, match='no voxel varies more than the others'):
        confounds_of(np.repeat(courses()[:, :1], 100, axis=1))


def test_an_image_without_a_finite_voxel_is_refused():
    series = courses()
    series[3] = np.nan
    with pytest.raises(SignalError, match='no voxel is finite'):
        confounds_of(series)


@pytest.mark.parametrize('volume', [0, 9])
@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('detrend', [True, False])
def test_voxels_that_are_not_finite_are_excluded_without_a_warning(detrend, value, volume):
    series = courses()
    clean = confounds_of(series, 5, detrend=detrend)
    holed = np.column_stack([series, series[:, 1], series[:, N_VOXELS - 1]])
    holed[volume, -2:] = value
    power = voxel_power(blocks_of(holed, 5), N_VOLUMES, np.arange(N_VOXELS + 2), detrend=detrend)
    assert np.isnan(power[-2:]).all()
    assert_allclose(confounds_of(holed, 5, detrend=detrend), clean, rtol=0, atol=1e-12)


def test_power_is_the_mean_square_of_the_detrended_course():
    series = courses()
    times = np.arange(N_VOLUMES)
    slope, mean = np.polyfit(times, series, 1)
    expected = np.mean((series - mean - np.outer(times, slope)) ** 2, axis=0)
    power = voxel_power(blocks_of(series, 1, 17), N_VOLUMES, np.arange(N_VOXELS))
    assert_allclose(power, expected, rtol=1e-10)
    raw = voxel_power(blocks_of(series, 1, 17), N_VOLUMES, np.arange(N_VOXELS), detrend=False)
    assert_allclose(raw, np.mean(series**2, axis=0), rtol=1e-12)


def test_a_mean_a_million_times_the_deviation_costs_no_accuracy():
    small = courses(mean=0.0)
    small = np.round(small / small.std(), 6)
    power = voxel_power(blocks_of(small, 9), N_VOLUMES, np.arange(N_VOXELS))
    lifted = voxel_power(blocks_of(small + 1e6, 9), N_VOLUMES, np.arange(N_VOXELS))
    # Adding 1e6 alone rounds the courses to 1e-10.
    assert_allclose(lifted, power, rtol=1e-8)
    assert_allclose(projector(confounds_of(small + 1e6)), projector(confounds_of(small)), rtol=0, atol=1e-8)


@pytest.mark.parametrize('stored_type', ['<i2', '>i2', 'u1', '>f4'])
def test_scaled_storage_gives_the_confounds_of_the_decoded_values(stored_type):
    stored = np.clip(courses(mean=120.0), 0, 255).astype(stored_type)
    decoder = Decoder(slope=0.25, intercept=-1000.0)
    decoded = stored.astype(np.float64) * 0.25 - 1000.0
    ours = high_variance_confounds(blocks_of(stored, 13), N_VOLUMES, np.arange(N_VOXELS), decoder=decoder)
    assert ours.dtype == np.float64
    assert_allclose(ours, confounds_of(decoded, 13), rtol=0, atol=1e-12)


def test_unscaled_small_integers_do_not_overflow():
    stored = np.clip(courses(mean=20000.0) * 1.2, -32768, 32767).astype(np.int16)
    assert_allclose(confounds_of(stored, 4), confounds_of(stored.astype(np.float64), 4), rtol=0, atol=1e-12)


def test_reading_does_not_write_into_the_blocks():
    series = courses()
    before = series.copy()
    confounds_of(series, 9)
    assert_array_equal(series, before)


@pytest.mark.parametrize('spread', [3, 400, 1200, 30_000])
@pytest.mark.parametrize('voxels', [np.arange(90), np.arange(0, 90, 2)], ids=['run', 'every-other'])
def test_integers_have_the_power_of_the_same_numbers_in_double_precision(spread, voxels):
    stored = np.random.default_rng(12).integers(-spread, spread, (N_VOLUMES, 90), dtype=np.int16)
    expected = voxel_power(blocks_of(stored.astype(np.float64), 15), N_VOLUMES, voxels)
    assert_array_equal(voxel_power(blocks_of(stored, 15), N_VOLUMES, voxels), expected)
