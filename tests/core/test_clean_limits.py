# SPDX-License-Identifier: BSD-3-Clause
"""Degrees of freedom after denoising, and inputs that are refused."""

import numpy as np
import pytest
from cleaning_cases import (
    BAND,
    COLLINEAR,
    COSINE,
    FILTERS,
    HIGH,
    KEPT,
    LOW,
    N_VOLUMES,
    SAMPLE_MASKS,
    T_R,
    regressors,
    series,
)
from numpy.testing import assert_allclose

from nipype_labels.core.clean import clean
from nipype_labels.core.regression import effective_number
from nipype_labels.model.errors import LabelsError, SignalError

# Numbers that go with the signals


@pytest.mark.parametrize('detrend', [False, True])
@pytest.mark.parametrize('sample_mask', SAMPLE_MASKS)
def test_degrees_of_freedom_are_the_retained_volumes_less_mean_trend_and_confounds(detrend, sample_mask):
    n = (N_VOLUMES if sample_mask == 'whole' else len(KEPT)) - 1 - detrend
    given = dict(t_r=T_R, detrend=detrend, sample_mask=SAMPLE_MASKS[sample_mask])
    expected = {'none': (0, 0, n), 'some': (3, 3, n - 3), 'collinear': (5, 3, n - 3)}
    for name, confounds in {'none': None, 'some': regressors(), 'collinear': COLLINEAR}.items():
        ours = clean(series(), confounds, **given)
        assert (ours.n_confounds, ours.rank) == expected[name][:2]
        assert_allclose(ours.degrees_of_freedom, expected[name][2], rtol=1e-12)
    drifting = clean(series(), regressors(), **given, **COSINE)
    assert (drifting.n_confounds, drifting.rank) == (7, 7)
    assert_allclose(drifting.degrees_of_freedom, n - 7, rtol=1e-12)


FREEDOM = {
    'raw': dict(confounds=False),
    'unscaled confounds': dict(standardize_confounds=False),
    'trend': dict(detrend=True),
    'band': dict(**BAND),
    'band and trend, retained volumes': dict(detrend=True, sample_mask=KEPT, **BAND),
    'high': dict(**HIGH),
    'low, cubic': dict(sample_mask=KEPT, fill_censored='cubic', **LOW),
    'gap': dict(gap=20, **BAND),
    'gap, cubic': dict(gap=20, fill_censored='cubic', **BAND),
    'gap, pchip': dict(gap=20, fill_censored='pchip', **BAND),
    'gap, spectral': dict(gap=20, fill_censored='spectral', **BAND),
    'cosines, half of the volumes': dict(every=2, detrend=True, **COSINE),
}


@pytest.mark.parametrize('steps', FREEDOM)
def test_the_variance_of_correlations_of_white_noise_is_one_over_the_degrees_of_freedom(steps):
    given, n = dict(FREEDOM[steps]), 150
    kept = np.ones(n, dtype=bool)
    if gap := given.pop('gap', 0):
        kept[60 : 60 + gap] = False
    if every := given.pop('every', 0):
        kept[::every] = False
    given.setdefault('sample_mask', kept)
    confounds = regressors(n_volumes=n) if given.pop('confounds', True) else None
    noise = np.random.default_rng(3).normal(size=(n, 6000))
    ours = clean(noise, confounds, t_r=T_R, **given)
    signals = ours.signals - ours.signals.mean(axis=0)
    one, other = signals[:, :3000], signals[:, 3000:]
    products = (one * other).sum(axis=0)
    assert_allclose((signals**2).sum(axis=0).mean() ** 2 / np.mean(products**2), ours.degrees_of_freedom, rtol=0.1)
    # Each correlation is divided by its own deviations, which matters where few degrees of freedom are left.
    correlations = products / np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    assert_allclose(1 / np.var(correlations), ours.degrees_of_freedom, rtol=0.2)


def test_a_gap_filled_by_a_cubic_spline_leaves_few_degrees_of_freedom():
    kept = np.r_[np.ones(120, bool), np.zeros(60, bool), np.ones(120, bool)]
    given = dict(t_r=T_R, low_pass=0.1, high_pass=0.01, sample_mask=kept)
    noise = np.random.default_rng(0).normal(size=(300, 3))
    cubic, lines = (clean(noise, fill_censored=fill, **given) for fill in ('cubic', 'linear'))
    assert cubic.degrees_of_freedom < 20 < 60 < lines.degrees_of_freedom
    assert cubic.longest_gap == lines.longest_gap == 60


@pytest.mark.parametrize(('low_pass', 'least', 'most'), [(0.053, 0, 0), (0.0575, 1, 3)])
def test_a_band_must_be_wider_than_the_steps_between_frequencies(low_pass, least, most):
    # 120 volumes of 2 s have steps of 1/240 Hz: 0.72 of a step, and 1.8.
    noise = np.random.default_rng(0).normal(size=(120, 3))
    cleaned = clean(noise, t_r=2.0, high_pass=0.05, low_pass=low_pass)
    assert least <= cleaned.degrees_of_freedom <= most


def test_drifts_that_a_high_pass_filter_removes_take_no_degree_of_freedom():
    n = 300
    drifts = np.cos(np.pi / n * np.outer(np.arange(n) + 0.5, range(1, 5)))
    given = dict(t_r=T_R, high_pass=0.02)
    ours, plain = (clean(series(n_volumes=n), confounds, **given) for confounds in (drifts, None))
    assert (ours.n_confounds, ours.rank) == (4, 0)
    assert ours.degrees_of_freedom >= plain.degrees_of_freedom


def test_a_cleaned_signal_has_the_rank_it_is_said_to_have_lost():
    signals = np.random.default_rng(0).normal(size=(N_VOLUMES, 200))
    ours = clean(signals, COLLINEAR, t_r=T_R, detrend=True, **COSINE)
    assert np.linalg.matrix_rank(ours.signals) == ours.degrees_of_freedom == N_VOLUMES - 2 - 3 - 4


# What is refused


@pytest.mark.parametrize('filter', ['low', 'high', 'band', 'cosine'])
def test_a_filter_needs_the_repetition_time(filter):
    with pytest.raises(SignalError, match='t_r'):
        clean(series(), **FILTERS[filter])


@pytest.mark.parametrize(('filter', 'least'), [('low', 19), ('high', 19), ('band', 34)])
def test_a_filter_needs_its_least_number_of_volumes_between_the_first_and_last_kept(filter, least):
    message = f'a {filter}pass filter needs {least} volumes or more, not {least - 1}'
    assert len(clean(series(n_volumes=least), t_r=T_R, **FILTERS[filter]).signals) == least
    censored = clean(series(), t_r=T_R, sample_mask=[5, 6, 9, least + 4], **FILTERS[filter])
    assert len(censored.signals) == 4
    with pytest.raises(SignalError, match=message):
        clean(series(n_volumes=least - 1), t_r=T_R, **FILTERS[filter])
    with pytest.raises(SignalError, match=message):
        clean(series(), t_r=T_R, sample_mask=[5, 6, 9, least + 3], **FILTERS[filter])


@pytest.mark.parametrize('standardize', ['z-score', 'zscored', True, False, None])
def test_a_standardisation_that_does_not_exist_is_refused(standardize):
    with pytest.raises(LabelsError, match='standardize'):
        clean(series(), standardize=standardize)


@pytest.mark.parametrize('shape', [(N_VOLUMES - 1, 2), (N_VOLUMES,), (N_VOLUMES, 2, 1)])
def test_confounds_of_another_shape_are_refused(shape):
    with pytest.raises(SignalError, match=rf'confounds must have the shape \({N_VOLUMES}, C\)'):
        clean(series(), np.ones(shape))


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_a_confound_without_a_value_is_refused_by_its_place(value):
    confounds = regressors()
    confounds[4, 2] = value
    with pytest.raises(SignalError, match=f'{value} in column 2, row 4'):
        clean(series(), confounds)


def test_no_confounds_at_all_are_no_confounds():
    ours = clean(series(), np.empty((N_VOLUMES, 0)), detrend=True)
    assert ours.signals.tobytes() == clean(series(), detrend=True).signals.tobytes()
    assert ours.rank == 0


def test_runs_that_do_not_fit_are_refused():
    with pytest.raises(SignalError, match=f'runs must have {N_VOLUMES} entries, one per volume, not 3'):
        clean(series(), runs=[0, 0, 1])


def test_a_run_without_a_volume_kept_is_refused():
    with pytest.raises(SignalError, match='keeps no volume of run 1'):
        clean(series(), runs=np.repeat([0, 1], 30), sample_mask=range(30))


def test_the_effective_number_is_that_of_the_covariance_around_the_mean_over_time():
    passed = np.random.default_rng(0).normal(size=(6, 6))
    centring = np.eye(6) - 1 / 6
    covariance = centring @ passed @ passed.T @ centring
    expected = np.trace(covariance) ** 2 / np.trace(covariance @ covariance)
    assert_allclose(effective_number(passed), expected, rtol=1e-12)
