# SPDX-License-Identifier: BSD-3-Clause
"""Trends, bands and drifts against closed forms and SciPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import fft, signal

from nipype_labels.core.filters import (
    butterworth,
    check_filter,
    check_repetition_time,
    cosine_drifts,
    remove_trend,
)
from nipype_labels.model.errors import LabelsError, SignalError

T_R = 2.0
BANDS = {
    'lowpass': dict(low_pass=0.1),
    'highpass': dict(high_pass=0.01),
    'bandpass': dict(low_pass=0.1, high_pass=0.01),
}


def noise(n_volumes, n_columns=4, seed=0):
    """Noise with a slope and a mean."""
    values = np.random.default_rng(seed).normal(size=(n_volumes, n_columns))
    return values + 100 + np.linspace(-3, 5, n_volumes)[:, None] * np.arange(n_columns)


def largest(values):
    return np.abs(values).max()


# Trend


@pytest.mark.parametrize('n_volumes', [3, 4, 19, 60])
def test_remove_trend_leaves_the_residual_of_a_least_squares_line(n_volumes):
    values, times = noise(n_volumes), np.linspace(-1, 1, n_volumes)
    slope, mean = np.polyfit(times, values, 1)
    assert_allclose(remove_trend(values), values - mean - np.outer(times, slope), rtol=0, atol=1e-11)


@pytest.mark.parametrize('offset', [0.0, 1e6])
def test_remove_trend_of_a_line_leaves_rounding_noise_only(offset):
    line = offset + 3.0 * np.arange(50)[:, None]
    assert_allclose(remove_trend(line), 0, atol=1e-12 * largest(line))


def test_remove_trend_of_one_or_two_volumes_leaves_nothing():
    assert_allclose(remove_trend(np.array([[5.0, 7.0]])), 0, atol=0)
    assert_allclose(remove_trend(np.array([[5.0, 7.0], [1.0, 8.0]])), 0, atol=1e-14)


def test_remove_trend_does_not_write_into_its_input():
    values = noise(20)
    before = values.copy()
    remove_trend(values)
    assert_array_equal(values, before)


# Butterworth


@pytest.mark.parametrize('kind', BANDS)
@pytest.mark.parametrize('t_r', [0.72, 2.0, 2])
def test_butterworth_is_scipys_filter_of_order_5_forward_and_backward(kind, t_r):
    cutoffs = BANDS[kind]
    band = [cutoffs[name] for name in ('high_pass', 'low_pass') if name in cutoffs]
    sections = signal.butter(5, band if len(band) == 2 else band[0], kind, fs=1 / t_r, output='sos')
    values = noise(90)
    expected = signal.sosfiltfilt(sections, values, axis=0)
    assert_allclose(butterworth(values, t_r, **cutoffs), expected, rtol=0, atol=1e-12 * largest(expected))


# Cosines


@pytest.mark.parametrize(('n_volumes', 't_r', 'high_pass'), [(60, 2.0, 0.02), (150, 0.72, 0.01), (20, 2.0, 0.0125)])
def test_cosine_drifts_are_the_orthonormal_cosines_below_the_cut_off(n_volumes, t_r, high_pass):
    drifts = cosine_drifts(n_volumes, t_r, high_pass)
    count = int(2 * n_volumes * high_pass * t_r)
    assert_allclose(drifts, fft.idct(np.eye(n_volumes), axis=0, norm='ortho')[:, 1 : count + 1], rtol=0, atol=1e-13)


def test_cosine_drifts_never_outnumber_the_dimensions_besides_the_constant():
    drifts = cosine_drifts(10, 2.0, 0.2499999)
    assert cosine_drifts(10, 2.0, 5.0).shape == drifts.shape == (10, 9)


def test_cosine_drifts_refuse_a_series_too_short_to_hold_one():
    assert cosine_drifts(25, 2.0, 0.01).shape == (25, 1)
    with pytest.raises(SignalError, match=r'a series of 48 s is too short .*0\.01 Hz; it takes 50 s'):
        cosine_drifts(24, 2.0, 0.01)


# Parameters


@pytest.mark.parametrize('name', ['low_pass', 'high_pass'])
@pytest.mark.parametrize('value', [0, 0.0, -0.1, np.nan, np.inf, -np.inf])
def test_an_invalid_cut_off_frequency_is_refused(name, value):
    cutoffs = {'low_pass': None, 'high_pass': None, name: value}
    with pytest.raises(SignalError, match=f'{name} must be a frequency above 0 Hz'):
        check_filter('butterworth', **cutoffs, t_r=T_R)


@pytest.mark.parametrize('name', ['low_pass', 'high_pass'])
@pytest.mark.parametrize('value', [0.25, 0.3])
def test_a_cut_off_at_or_above_nyquist_is_refused(name, value):
    cutoffs = {'low_pass': None, 'high_pass': None, name: value}
    with pytest.raises(SignalError, match=rf'{name}={value} Hz is not below the Nyquist frequency, 0\.25 Hz'):
        check_filter('butterworth', **cutoffs, t_r=T_R)
    check_filter('butterworth', **cutoffs, t_r=None)


@pytest.mark.parametrize(('low_pass', 'high_pass'), [(0.01, 0.1), (0.05, 0.05)])
def test_cut_offs_with_no_band_between_them_are_refused(low_pass, high_pass):
    with pytest.raises(SignalError, match='no band is left'):
        check_filter('butterworth', low_pass, high_pass, T_R)


@pytest.mark.parametrize(('low_pass', 'high_pass'), [(0.1, None), (None, 0.01), (0.1, 0.01)])
def test_a_cut_off_that_no_filter_would_use_is_refused(low_pass, high_pass):
    with pytest.raises(SignalError, match="filter='none' would not use them"):
        check_filter('none', low_pass, high_pass, T_R)


@pytest.mark.parametrize(('low_pass', 'high_pass'), [(None, None), (0.1, None), (0.1, 0.01)])
def test_the_cosine_filter_takes_a_high_pass_cut_off_only(low_pass, high_pass):
    with pytest.raises(SignalError, match="filter='cosine' takes a high_pass cut-off and no low_pass"):
        check_filter('cosine', low_pass, high_pass, T_R)


@pytest.mark.parametrize('name', ['butterwort', 'Butterworth', '', None, False])
def test_a_filter_that_does_not_exist_is_refused(name):
    """With an unknown filter, cut-offs would have no effect."""
    with pytest.raises(LabelsError, match='filter'):
        check_filter(name, 0.1, None, T_R)


@pytest.mark.parametrize(
    ('filter', 'low_pass', 'high_pass'),
    [
        ('butterworth', None, None),
        ('butterworth', 0.1, None),
        ('butterworth', None, 0.01),
        ('butterworth', 0.2499, 0.01),
        ('cosine', None, 0.01),
        ('none', None, None),
    ],
)
def test_valid_cut_offs_are_accepted(filter, low_pass, high_pass):
    assert check_filter(filter, low_pass, high_pass, T_R) is None


@pytest.mark.parametrize('low_pass', [None, 0.1])
def test_a_cut_off_next_to_nothing_is_refused_where_the_filter_has_no_numbers(low_pass):
    values = np.random.default_rng(9).normal(size=(200, 2)).cumsum(axis=0)
    left = [butterworth(values, T_R, low_pass, high_pass) for high_pass in (1e-8, 1e-9)]
    assert_allclose(*left, atol=1e-2)
    with pytest.raises(SignalError, match='a high_pass of 1e-11 Hz is too close to 0'):
        butterworth(values, T_R, low_pass, 1e-11)


@pytest.mark.parametrize('t_r', [0, 0.0, -2.0, np.nan, np.inf])
def test_x11_an_invalid_repetition_time_is_refused(t_r):
    with pytest.raises(SignalError, match='t_r must be a time above 0 s'):
        check_repetition_time(t_r)


@pytest.mark.parametrize('t_r', [None, 2, 0.72, np.float32(0.8)])
def test_a_valid_repetition_time_is_returned_unchanged(t_r):
    assert check_repetition_time(t_r) is t_r
