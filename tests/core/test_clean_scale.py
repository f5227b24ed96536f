# SPDX-License-Identifier: BSD-3-Clause
"""The scale of denoised time series and confounds, and regions without a scale."""

import numpy as np
import pytest
from cleaning_cases import (
    BAND,
    CENSORED,
    COSINE,
    FILTERS,
    KEPT,
    N_REGIONS,
    N_VOLUMES,
    SCALED,
    T_R,
    assert_close,
    regressors,
    series,
)
from numpy.testing import assert_allclose, assert_array_equal
from pairwise import pairwise

from nipype_labels.core.clean import clean
from nipype_labels.model.errors import SignalError


@pytest.mark.parametrize(('standardize', 'ddof'), [('zscore', 0), ('zscore_sample', 1)])
@pytest.mark.parametrize('filter', FILTERS)
def test_z_scores_have_mean_0_and_deviation_1(standardize, ddof, filter):
    given = dict(t_r=T_R, detrend=True, sample_mask=KEPT, **FILTERS[filter])
    ours = clean(series(), regressors(), standardize=standardize, **given).signals
    assert_allclose(ours.mean(axis=0), 0, atol=1e-12)
    assert_allclose(ours.std(axis=0, ddof=ddof), 1, rtol=1e-12)


@pytest.mark.parametrize('sign', [1, -1])
@pytest.mark.parametrize('given', [{}, dict(detrend=True), dict(t_r=T_R, **COSINE)], ids=repr)
def test_percent_change_is_of_the_size_of_the_mean_before_cleaning(given, sign):
    signals = sign * series()
    plain = clean(signals, regressors(), sample_mask=KEPT, **given).signals
    expected = 100 * (plain - plain.mean(axis=0)) / np.abs(signals[KEPT].mean(axis=0))
    assert_close(clean(signals, regressors(), sample_mask=KEPT, standardize='psc', **given).signals, expected)


@pairwise(
    standardize=SCALED,
    given=[{}, dict(detrend=True), dict(t_r=T_R, **BAND), dict(t_r=T_R, **COSINE)],
    value=[0.0, 1e-3, 0.1, 1e6],
)
def test_a_constant_region_has_no_z_score_or_percent_change(standardize, given, value):
    signals = series()
    signals[:, 2] = value
    ours = clean(signals, regressors(), standardize=standardize, **given)
    assert_array_equal(ours.constant, np.arange(N_REGIONS) == 2)
    assert_array_equal(np.isnan(ours.signals), np.broadcast_to(ours.constant, ours.signals.shape))
    assert not ours.not_finite.any()


@pytest.mark.parametrize('value', [0.0, 0.1, 1e6])
def test_a_constant_region_stays_as_it_is_if_nothing_is_scaled(value):
    signals = series()
    signals[:, 2] = value
    ours = clean(signals, regressors())
    assert_allclose(ours.signals[:, 2], value, rtol=1e-12)
    assert not ours.constant.any()
    detrended = clean(signals, regressors(), detrend=True)
    assert_allclose(detrended.signals[:, 2], 0, atol=1e-12 * value)


@pairwise(
    standardize=['zscore', 'zscore_sample'],
    given=[{}, dict(t_r=T_R, **BAND), dict(t_r=T_R, **COSINE)],
    slope=[0, 1e-3, 3.0, 1e4],
)
def test_rounding_noise_is_not_scaled_to_a_signal(standardize, given, slope):
    times = np.arange(N_VOLUMES)
    signals = np.column_stack([1e6 + slope * times, 0.1 - slope * times, series()[:, 0]])
    ours = clean(signals, regressors(), detrend=True, standardize=standardize, **given)
    assert_array_equal(ours.constant, [True, True, False])
    assert np.isnan(ours.signals[:, :2]).all()


@pytest.mark.parametrize('standardize', ['zscore', 'zscore_sample'])
@pytest.mark.parametrize('given', [{}, dict(detrend=True), dict(t_r=T_R, **BAND)], ids=repr)
def test_a_region_that_the_confounds_explain_has_no_score(standardize, given):
    signals, confounds = series(), regressors()
    signals[:, 1] = 500 + confounds @ [3.0, -2.0, 0.5]
    ours = clean(signals, confounds, standardize=standardize, **given)
    assert_array_equal(ours.constant, np.arange(N_REGIONS) == 1)


def test_a_small_signal_on_a_large_mean_is_a_signal():
    wave = np.sin(np.arange(N_VOLUMES))[:, None]
    ours = clean(1e6 + 1e-3 * wave, standardize='zscore')
    assert not ours.constant.any()
    assert_allclose(ours.signals, (wave - wave.mean()) / wave.std(), rtol=0, atol=1e-5)


@pytest.mark.parametrize('given', [{}, dict(detrend=True), dict(t_r=T_R, **BAND)], ids=repr)
def test_percent_change_of_a_mean_of_zero_is_nan(given):
    signals = series()
    signals[:, 3] = np.tile([1.0, -1.0, -2.0, 2.0], N_VOLUMES // 4)
    ours = clean(signals, standardize='psc', **given)
    assert_array_equal(ours.constant, np.arange(N_REGIONS) == 3)
    assert np.isnan(ours.signals[:, 3]).all()
    assert not clean(signals, standardize='zscore', **given).constant.any()


def test_a_region_constant_except_in_a_censored_volume_is_constant():
    signals = series()
    signals[:, 2], signals[CENSORED, 2] = 5.0, 99.0
    ours = clean(signals, t_r=T_R, standardize='zscore', sample_mask=KEPT, **BAND)
    assert_array_equal(ours.constant, np.arange(N_REGIONS) == 2)


@pairwise(value=[np.nan, np.inf, -np.inf], standardize=['none', *SCALED], filter=FILTERS)
def test_a_retained_volume_without_a_value_blanks_only_its_column(value, standardize, filter):
    given = dict(t_r=T_R, detrend=True, standardize=standardize, sample_mask=KEPT, **FILTERS[filter])
    signals = series()
    signals[25, 1] = value
    ours = clean(signals, regressors(), **given)
    assert_array_equal(ours.not_finite, np.arange(N_REGIONS) == 1)
    assert not ours.constant.any()
    assert np.isnan(ours.signals[:, 1]).all()
    others = [0, 2, 3, 4]
    assert_close(ours.signals[:, others], clean(signals[:, others], regressors(), **given).signals, rtol=1e-12)


@pytest.mark.parametrize('standardize', SCALED)
def test_a_single_volume_has_no_z_score(standardize):
    for one in (dict(signals=series()[:1]), dict(signals=series(), sample_mask=[4])):
        with pytest.raises(SignalError, match=f"standardize='{standardize}' needs two volumes or more"):
            clean(standardize=standardize, **one)
        assert clean(**one).signals.shape == (1, N_REGIONS)


@pytest.mark.parametrize('standardize_confounds', [True, False])
def test_units_of_confounds_do_not_matter(standardize_confounds):
    given = dict(standardize_confounds=standardize_confounds)
    ours = clean(series(), regressors() * [1e-12, 1e3, 1e12], **given)
    plain = clean(series(), regressors(), **given)
    assert_close(ours.signals, plain.signals)
    assert ours.rank == plain.rank == 3
