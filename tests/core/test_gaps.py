# SPDX-License-Identifier: BSD-3-Clause
"""Gaps of censored volumes: what is filled in, and what it does to the retained volumes."""

from itertools import cycle

import numpy as np
import pytest
from cleaning_cases import FILLS_BY_HAND, T_R
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import lfilter

from nipype_labels.core.clean import clean
from nipype_labels.core.gaps import FILLS, fill_censored, longest_gap

N = 60


def noise(n=N, seed=0, n_columns=4):
    return np.random.default_rng(seed).normal(size=(n, n_columns)) + np.array([5.0, 0, -3, 1e3])


@pytest.mark.parametrize('censored', [[7], [5, 6, 7], [0, 1, 12, 59], [10, 20, 39, 49], list(range(1, 60, 2))])
@pytest.mark.parametrize('method', FILLS)
def test_gaps_are_filled_as_by_hand_and_the_ends_are_cut(method, censored):
    values, kept = noise(), np.ones(N, dtype=bool)
    kept[censored] = False
    where = np.flatnonzero(kept)
    filled, inside = fill_censored(values, kept, method)
    times = np.arange(where[0], where[-1] + 1)
    assert_array_equal(inside, kept[times])
    assert_array_equal(filled[inside], values[kept])
    missing = times[~inside]
    for column, expected in zip(filled.T, values[kept].T, strict=True):
        by_hand = FILLS_BY_HAND[method](where - where[0], expected, missing - where[0])
        assert_allclose(column[~inside], by_hand, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize('method', FILLS)
def test_no_censored_value_is_read_even_through_mirrored_edges(method):
    values, kept = noise(), np.ones(N, dtype=bool)
    kept[[0, 20, 39, 59]] = False
    filled, _ = fill_censored(values, kept, method)
    for outlier in (1e4, np.nan, np.inf):
        values[~kept] = outlier
        again, _ = fill_censored(values, kept, method)
        assert again.tobytes() == filled.tobytes()


@pytest.mark.parametrize('method', FILLS)
def test_a_linear_trend_continues_across_a_gap(method):
    trend, kept = np.linspace(0, 400, 200)[:, None] * [1.0, -0.5], np.ones(200, dtype=bool)
    kept[60:130] = False
    assert_allclose(fill_censored(trend, kept, method)[0], trend, atol=1e-9)


@pytest.mark.parametrize('kept', [[4], [4, 6], [4, 6, 9]])
@pytest.mark.parametrize('method', FILLS)
def test_few_retained_volumes_are_enough(method, kept):
    values, flags = noise(12), np.zeros(12, dtype=bool)
    flags[kept] = True
    filled, inside = fill_censored(values, flags, method)
    assert filled.shape == (kept[-1] - kept[0] + 1, 4)
    assert_array_equal(filled[inside], values[kept])
    assert np.isfinite(filled).all()


def test_nothing_censored_changes_nothing_and_the_input_is_never_written():
    values, kept = noise(20), np.ones(20, dtype=bool)
    before = values.copy()
    assert_array_equal(fill_censored(values, kept)[0], values)
    kept[[3, 9]] = False
    fill_censored(values, kept)
    assert_array_equal(values, before)


@pytest.mark.parametrize(('kept', 'longest'), [([1, 1, 1], 0), ([0, 1, 0, 0, 1, 0, 0, 0], 2), ([0, 1, 0], 0)])
def test_gaps_at_the_ends_are_not_filled(kept, longest):
    assert longest_gap(np.array(kept, dtype=bool)) == longest


# What filling does to functional connectivity: independent autoregressive time series, of which none correlate.


def spread_of_correlations(kept, seed, drift=0, **given):
    """Standard deviation of the correlation of 1,500 pairs of independent AR(1) time series after a band-pass."""
    rng = np.random.default_rng(seed)
    signals = lfilter([1], [1, -0.5], rng.normal(size=(len(kept) + 100, 3000)), axis=0)[100:]
    signals += drift * rng.normal(size=3000) * np.linspace(-1, 1, len(kept))[:, None] ** 2
    band = dict(t_r=T_R, low_pass=0.1, high_pass=0.01)
    scored = clean(signals, sample_mask=kept, standardize='zscore', **band, **given).signals
    return np.std((scored[:, :1500] * scored[:, 1500:]).mean(axis=0))


def with_gap(length, n=300):
    kept = np.ones(n, dtype=bool)
    kept[140 : 140 + length] = False
    return kept


def at_random(fraction, n=300):
    kept = np.ones(n, dtype=bool)
    kept[np.random.default_rng(5).choice(n, int(n * fraction), replace=False)] = False
    return kept


PATTERNS = {
    **{f'gap of {n}': with_gap(n) for n in (1, 5, 20, 30)},
    **{f'{fraction:.0%} at random': at_random(fraction) for fraction in (0.05, 0.2, 0.5)},
}


@pytest.mark.slow
@pytest.mark.parametrize(('pattern', 'drift'), list(zip(PATTERNS, cycle([8, 0]))))
def test_gaps_filled_by_default_widen_correlations_by_less_than_a_twentieth(pattern, drift):
    kept = PATTERNS[pattern]
    whole = spread_of_correlations(np.ones(kept.sum(), dtype=bool), seed=1, drift=drift)
    assert spread_of_correlations(kept, seed=2, drift=drift) < 1.05 * whole


# Trends


@pytest.mark.parametrize('given', [{}, dict(t_r=T_R, low_pass=0.1), dict(t_r=T_R, filter='cosine', high_pass=0.01)])
def test_a_trend_across_a_gap_is_removed_whole(given):
    trend, kept = np.linspace(0, 400, 200)[:, None], np.ones(200, dtype=bool)
    kept[60:130] = False
    ours = clean(trend, detrend=True, sample_mask=kept, **given).signals
    assert_allclose(ours, 0, atol=1e-9)
