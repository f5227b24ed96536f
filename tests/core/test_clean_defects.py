# SPDX-License-Identifier: BSD-3-Clause
"""Denoising where nilearn is wrong, against computations by hand."""

import numpy as np
import pytest
from cleaning_cases import (
    BAND,
    COSINE,
    FILTERS,
    HIGH,
    KEPT,
    N_VOLUMES,
    SAMPLE_MASKS,
    T_R,
    assert_close,
    by_hand,
    regressors,
    series,
)
from numpy.testing import assert_allclose, assert_array_equal
from pairwise import pairwise

from nipype_labels.core.clean import clean
from nipype_labels.model.errors import SignalError


@pytest.mark.parametrize('filter', FILTERS)
@pytest.mark.parametrize('dtype', [np.int32, np.int64, bool])
def test_x2_nothing_that_the_caller_owns_is_written_to(filter, dtype):
    mask = SAMPLE_MASKS['flags'] if dtype is bool else KEPT.astype(dtype)
    owned = [series(), regressors(), mask, np.arange(N_VOLUMES) // N_VOLUMES]
    before = [array.copy() for array in owned]
    clean(owned[0], owned[1], t_r=T_R, detrend=True, sample_mask=mask, runs=owned[3], **FILTERS[filter])
    for array, copy in zip(owned, before, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize(
    'mask',
    [
        [0, 1, 2, N_VOLUMES],
        [-1, 0, 1],
        [0, 1, 1, 2],
        [0, 2, 1],
        [0.0, 1.0, 2.0],
        [0.5, 1.5],
        [],
        np.array([], dtype=int),
        [True] * (N_VOLUMES - 1),
        [True] * (N_VOLUMES + 1),
        [False] * N_VOLUMES,
        [1] * N_VOLUMES,
        [1, 0] * (N_VOLUMES // 2),
        ['0', '1'],
        [[0, 1, 2]],
        np.ones((N_VOLUMES, 1), dtype=bool),
        3,
        np.array([3, 2, 1], dtype=np.uint8),
    ],
    ids=lambda mask: ' '.join(repr(mask).split())[:30],
)
def test_x3_a_sample_mask_that_does_not_fit_is_refused(mask):
    with pytest.raises(SignalError, match='sample_mask'):
        clean(series(), sample_mask=mask)


@pytest.mark.parametrize('kind', [list, tuple, np.int32, np.int64, np.uint8, np.uint64])
@pytest.mark.parametrize('as_flags', [False, True])
def test_x3_a_sample_mask_may_be_any_row_of_flags_or_indices(kind, as_flags):
    mask = SAMPLE_MASKS['flags'] if as_flags else KEPT
    if isinstance(kind, type) and issubclass(kind, np.integer):
        mask = mask if as_flags else mask.astype(kind)
    else:
        mask = kind(mask.tolist())
    ours = clean(series(), sample_mask=mask)
    assert_array_equal(ours.signals, series()[KEPT])
    assert_array_equal(ours.kept, SAMPLE_MASKS['flags'])


@pytest.mark.parametrize('filter', FILTERS)
def test_a_sample_mask_that_keeps_everything_changes_no_bit(filter):
    given = dict(t_r=T_R, detrend=True, **FILTERS[filter])
    plain = clean(series(), regressors(), **given)
    kept = clean(series(), regressors(), sample_mask=range(N_VOLUMES), **given)
    assert kept.signals.tobytes() == plain.signals.tobytes()


def test_x13_percent_change_of_a_region_does_not_depend_on_its_neighbours():
    """One neighbour keeps its mean, so that nilearn also divides this region by the mean after denoising."""
    confound = np.tile([1.0, 0.0], N_VOLUMES // 2)
    mine = 100 * confound + np.random.default_rng(0).normal(size=N_VOLUMES)
    neighbour = 1e5 * (1 - confound) + np.random.default_rng(1).normal(size=N_VOLUMES)
    given = dict(confounds=confound[:, None], standardize='psc_nilearn', standardize_confounds=False)
    alone = clean(mine[:, None], **given).signals[:, 0]
    left = mine - confound * (confound @ mine) / (confound @ confound)
    assert abs(left.mean()) < 0.1 * mine.mean()
    assert_close(alone, 100 * (left - left.mean()) / (left.mean() + mine.mean()))
    for signals in ([mine, neighbour], [neighbour, mine], [mine, -neighbour, neighbour]):
        together = clean(np.column_stack(signals), **given).signals
        column = next(i for i, signal in enumerate(signals) if signal is mine)
        assert_close(together[:, column], alone, rtol=1e-12)


@pytest.mark.parametrize(('detrend', 'z'), [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize('more', [0, 1, 25])
def test_x14_confounds_that_fit_anything_are_refused(detrend, z, more):
    n_confounds = (18 if detrend else 19 if z else 20) + more
    confounds = np.random.default_rng(1).normal(size=(20, n_confounds))
    given = dict(detrend=detrend, standardize_confounds=z)
    with pytest.raises(SignalError, match='leave no degree of freedom'):
        clean(series(n_volumes=20), confounds, **given)
    assert clean(series(n_volumes=20), confounds[:, : n_confounds - more - 1], **given).degrees_of_freedom >= 1


def test_x14_confounds_that_fit_all_that_a_band_passes_are_refused():
    confounds = np.random.default_rng(1).normal(size=(N_VOLUMES, 30))
    with pytest.raises(SignalError, match='retain more volumes, or choose a wider pass band'):
        clean(series(), confounds, t_r=T_R, **BAND)


@pytest.mark.parametrize('detrend', [False, True])
@pytest.mark.parametrize('sample_mask', ['whole', 'indices'])
def test_drifts_are_added_even_when_a_confound_looks_like_one(detrend, sample_mask):
    """nilearn adds no drifts in this case."""
    times = np.arange(N_VOLUMES) + 0.5
    lookalike = np.cos(np.pi / N_VOLUMES * times) + 0.1 * np.sin(times)
    confounds = np.column_stack([regressors(), lookalike])
    drift = np.cos(3 * np.pi / N_VOLUMES * times)[:, None]
    signals = series() + 50 * drift
    kept = np.arange(N_VOLUMES) if sample_mask == 'whole' else KEPT
    ours = clean(signals, confounds, t_r=T_R, detrend=detrend, sample_mask=kept, **COSINE)
    assert_close(ours.signals, by_hand(signals, confounds, detrend=detrend, kept=kept, **COSINE))
    assert (ours.n_confounds, ours.rank) == (8, 8)
    left = clean(signals, confounds, t_r=T_R, detrend=detrend, sample_mask=kept).signals
    assert np.abs(drift[kept].T @ (left - left.mean(axis=0))).min() > 100


@pairwise(detrend=[False, True], filter=FILTERS, gap=[1e-3, 1e-5])
def test_near_duplicates_among_confounds_are_all_removed(detrend, filter, gap):
    rng = np.random.default_rng(5)
    confounds = rng.normal(size=(N_VOLUMES, 2))
    confounds = np.column_stack([confounds, confounds[:, 0] + gap * rng.normal(size=N_VOLUMES)])
    given = dict(detrend=detrend, **FILTERS[filter])
    ours = clean(series(), confounds, t_r=T_R, sample_mask=KEPT, **given)
    assert_close(ours.signals, by_hand(series(), confounds, **given))
    assert ours.rank == 3 + 4 * (filter == 'cosine')


@pairwise(detrend=[False, True], filter=FILTERS, mean=[0, 100, 1e4])
def test_confounds_that_others_explain_take_no_dimension(detrend, filter, mean):
    """Scaled rounding noise would otherwise be regressed out as a further confound."""
    a, b = np.random.default_rng(5).normal(size=(2, N_VOLUMES, 1)) + mean
    given = dict(detrend=detrend, t_r=T_R, **FILTERS[filter])
    ours = clean(series(), np.hstack([a, b, a + b, 0.1 * a, a / 3 - b / 7]), **given)
    plain = clean(series(), np.hstack([a, b]), **given)
    assert (ours.n_confounds, ours.rank) == (plain.n_confounds + 3, plain.rank)
    assert_allclose(ours.degrees_of_freedom, plain.degrees_of_freedom, rtol=1e-9)
    assert_close(ours.signals, plain.signals)


@pairwise(detrend=[False, True], filter=FILTERS, value=[1, 0.1, 1e6])
def test_a_constant_among_standardised_confounds_takes_nothing(detrend, filter, value):
    given = dict(detrend=detrend, t_r=T_R, **FILTERS[filter])
    constant = np.full((N_VOLUMES, 1), value)
    ours = clean(series(), np.hstack([regressors(), constant]), **given)
    plain = clean(series(), regressors(), **given)
    assert_close(ours.signals, plain.signals, rtol=1e-12)
    assert ours.rank == plain.rank


def test_a_constant_among_unstandardised_confounds_takes_the_mean():
    constant = np.full((N_VOLUMES, 1), 7.0)
    ours = clean(series(), constant, standardize_confounds=False)
    assert_close(ours.signals, series() - series().mean(axis=0), rtol=1e-12)
    assert ours.rank == 1
    for vanishes in (dict(detrend=True), HIGH, BAND):
        given = dict(t_r=T_R, standardize_confounds=False, **vanishes)
        gone = clean(series(), constant, **given)
        assert gone.rank == 0
        assert gone.signals.tobytes() == clean(series(), **given).signals.tobytes()


def test_a_ramp_among_confounds_is_gone_with_the_trend():
    ramp = 1e5 + 3.7 * np.arange(N_VOLUMES)[:, None]
    ours = clean(series(), np.hstack([regressors(), ramp]), detrend=True)
    assert ours.rank == 3
    assert_close(ours.signals, clean(series(), regressors(), detrend=True).signals, rtol=1e-12)
