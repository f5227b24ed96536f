# SPDX-License-Identifier: BSD-3-Clause
"""Properties of denoising for random numbers."""

import numpy as np
import pytest
from cleaning_cases import FILTERS, KEPT, N_REGIONS, N_VOLUMES, SCALED, T_R, assert_close, by_hand, regressors, series
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.clean import clean

bounded = settings(max_examples=30)
seeds = st.integers(0, 2**31)
filters = st.sampled_from(list(FILTERS))


@pytest.mark.slow
@bounded
@given(
    seed=seeds,
    filter=filters,
    detrend=st.booleans(),
    standardize=st.sampled_from(['none', *SCALED]),
    censored=st.sets(st.integers(0, N_VOLUMES - 1), min_size=1, max_size=12),
    value=st.sampled_from([0.0, 1e300, -1e8, np.nan, np.inf]),
)
@example(seed=0, filter='band', detrend=True, standardize='none', censored={0, 20, 39, 40, 59}, value=1e300)
def test_a_censored_volume_has_no_influence_on_any_bit(seed, filter, detrend, standardize, censored, value):
    """X1: nilearn filters values of volumes that mirror each other, as those of the example."""
    mask = np.setdiff1d(np.arange(N_VOLUMES), list(censored))
    given = dict(t_r=T_R, detrend=detrend, standardize=standardize, sample_mask=mask, **FILTERS[filter])
    signals, confounds = series(seed), regressors(seed)
    before = clean(signals, confounds, **given)
    signals[list(censored)] = value
    confounds[list(censored)] = value if np.isfinite(value) else 1e6
    after = clean(signals, confounds, **given)
    assert after.signals.tobytes() == before.signals.tobytes()
    for field in ('kept', 'n_confounds', 'rank', 'degrees_of_freedom', 'not_finite', 'constant'):
        assert_array_equal(getattr(after, field), getattr(before, field))


@bounded
@given(
    seed=seeds,
    filter=filters,
    detrend=st.booleans(),
    z=st.booleans(),
    censored=st.sets(st.integers(0, N_VOLUMES - 1), max_size=10),
    n_confounds=st.integers(1, 6),
)
def test_numbers_are_those_of_each_step_by_hand(seed, filter, detrend, z, censored, n_confounds):
    kept = np.setdiff1d(np.arange(N_VOLUMES), list(censored))
    confounds = regressors(seed, n_confounds=n_confounds)
    given = dict(detrend=detrend, **FILTERS[filter])
    ours = clean(series(seed), confounds, t_r=T_R, sample_mask=kept, standardize_confounds=z, **given)
    assert_close(ours.signals, by_hand(series(seed), confounds, kept=kept, z=z, **given))


@bounded
@given(
    seed=seeds,
    filter=filters,
    detrend=st.booleans(),
    standardize=st.sampled_from(['none', *SCALED]),
    columns=st.lists(st.integers(0, N_REGIONS - 1), min_size=1, max_size=8),
)
def test_each_column_is_denoised_separately(seed, filter, detrend, standardize, columns):
    signals = series(seed)
    signals[:, 0], signals[7, 1] = 3.0, np.nan
    given = dict(t_r=T_R, detrend=detrend, standardize=standardize, sample_mask=KEPT, **FILTERS[filter])
    whole, some = (clean(s, regressors(seed), **given) for s in (signals, signals[:, columns]))
    size = np.nanmax(np.abs(whole.signals), axis=0, initial=0)[columns]
    assert_array_equal(np.isnan(some.signals), np.isnan(whole.signals[:, columns]))
    assert (np.abs(np.nan_to_num(some.signals - whole.signals[:, columns])) <= 1e-12 * size).all()
    assert_array_equal(some.constant, whole.constant[columns])
    assert_array_equal(some.not_finite, whole.not_finite[columns])


@pytest.mark.slow
@bounded
@given(
    seed=seeds,
    filter=filters,
    detrend=st.booleans(),
    standardize=st.sampled_from(['none', *SCALED]),
    cut=st.integers(45, 75),
    names=st.permutations(['a', 'b']),
    interleaved=st.booleans(),
    censored=st.sets(st.integers(0, 119), max_size=8),
)
def test_each_run_is_denoised_separately(seed, filter, detrend, standardize, cut, names, interleaved, censored):
    n = 120
    runs = np.repeat(names, [cut, n - cut])
    if interleaved:
        runs = np.random.default_rng(seed).permutation(runs)
    flags = ~np.isin(np.arange(n), list(censored))
    signals, confounds = series(seed, n), regressors(seed, n)
    given = dict(t_r=T_R, detrend=detrend, standardize=standardize, **FILTERS[filter])
    together = clean(signals, confounds, runs=runs, sample_mask=flags, **given)
    rank, left = 0, 0
    for run in names:
        rows = runs == run
        alone = clean(signals[rows], confounds[rows], sample_mask=flags[rows], **given)
        assert_array_equal(together.signals[rows[flags]], alone.signals)
        rank, left = rank + alone.rank, left + alone.degrees_of_freedom
    assert_array_equal(together.kept, flags)
    assert together.rank == rank
    assert_allclose(together.degrees_of_freedom, left, rtol=1e-12)
