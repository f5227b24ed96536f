# SPDX-License-Identifier: BSD-3-Clause
"""Connectivity: nilearn's and NumPy's numbers, and regions without a signal that stay where they are."""

import itertools

import numpy as np
import pytest
from nilearn.connectome import ConnectivityMeasure
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.covariance import EmpiricalCovariance

from nipype_labels.core.connectivity import CONNECTIVITIES, CORRELATIONS, choose_estimator, measure_connectivity
from nipype_labels.model.errors import LabelsError, SignalError


def make_signals(n_volumes, n_regions, seed=70):
    """Signals that go together more or less, of sizes that differ and far from zero."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n_volumes, 3)) @ rng.normal(size=(3, n_regions))
    return (shared + rng.normal(size=(n_volumes, n_regions))) * rng.uniform(1, 50, n_regions) + 1000


def measure(*arguments, **choices):
    """The matrix alone."""
    return measure_connectivity(*arguments, **choices)[0]


@pytest.mark.parametrize('shape', [(240, 40), (40, 90), (1200, 7), (30, 1)])
@pytest.mark.parametrize('kind', CONNECTIVITIES)
def test_shrunk_connectivity_agrees_with_nilearn(kind, shape):
    signals = make_signals(*shape)
    expected = ConnectivityMeasure(kind=kind, standardize=True).fit_transform([signals])[0]
    assert_allclose(measure(signals, kind, 'ledoit_wolf'), expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize('kind', CONNECTIVITIES)
def test_empirical_connectivity_agrees_with_nilearn(kind):
    signals = make_signals(240, 40)
    theirs = ConnectivityMeasure(EmpiricalCovariance(store_precision=False), kind=kind, standardize=True)
    expected = theirs.fit_transform([signals])[0]
    found = measure(signals, kind, 'empirical')
    assert_allclose(found, expected, rtol=1e-8, atol=1e-10 * np.abs(expected).max())


def test_empirical_correlation_is_pearsons():
    signals = make_signals(50, 80)
    assert_allclose(measure(signals, 'correlation', 'empirical'), np.corrcoef(signals.T), atol=1e-12)
    assert_array_equal(measure(signals), measure(signals, 'correlation', 'empirical'))


def test_empirical_covariance_is_that_of_the_sample_over_its_size():
    signals = make_signals(50, 8)
    assert_allclose(measure(signals, 'covariance', 'empirical'), np.cov(signals.T, ddof=0), rtol=1e-10)


def test_partial_correlation_is_that_of_what_other_regions_leave():
    signals = make_signals(100, 6)
    found = measure(signals, 'partial correlation', 'empirical')
    for i, j in itertools.combinations(range(6), 2):
        others = np.column_stack([np.ones(100), np.delete(signals, [i, j], axis=1)])
        left = signals[:, [i, j]] - others @ np.linalg.lstsq(others, signals[:, [i, j]], rcond=None)[0]
        assert_allclose(found[i, j], np.corrcoef(left.T)[0, 1], rtol=1e-8)
        assert found[i, j] == found[j, i]


def test_shrinkage_is_that_of_ledoit_and_wolf():
    signals = make_signals(25, 9)
    centred = signals - signals.mean(axis=0)
    sample = centred.T @ centred / 25
    mean = np.trace(sample) / 9
    d2 = ((sample - mean * np.eye(9)) ** 2).sum() / 9
    b2 = min(sum(((np.outer(row, row) - sample) ** 2).sum() / 9 for row in centred) / 25**2, d2)
    expected = b2 / d2 * mean * np.eye(9) + (d2 - b2) / d2 * sample
    found, shrinkage = measure_connectivity(signals, 'covariance', 'ledoit_wolf')
    assert_allclose(found, expected, rtol=1e-10)
    assert_allclose(shrinkage, b2 / d2, rtol=1e-10)
    assert measure_connectivity(signals, 'covariance')[1] == 0


@pytest.mark.parametrize('estimator', ['ledoit_wolf', 'empirical'])
@pytest.mark.parametrize('kind', CONNECTIVITIES)
def test_regions_without_a_signal_stay_and_change_nothing(kind, estimator):
    signals = make_signals(60, 10)
    with_holes = np.insert(signals, [2, 5, 10], np.nan, axis=1)
    with_holes[:, 6] = 7.0
    with_holes[3:, 12] = 1.0
    there = np.setdiff1d(np.arange(13), [2, 6, 12])
    found = measure(with_holes, kind, estimator)
    assert_array_equal(found[np.ix_(there, there)], measure(signals, kind, estimator))
    assert np.isnan(np.delete(found.ravel(), np.ravel_multi_index(np.ix_(there, there), (13, 13)).ravel())).all()


def test_volumes_that_were_left_out_do_not_count():
    signals = make_signals(60, 10)
    with_gaps = np.insert(signals, [0, 20, 60], np.nan, axis=0)
    assert_array_equal(measure(with_gaps), measure(signals))


def test_nothing_is_left_of_a_series_without_any_signal():
    assert np.isnan(measure(np.ones((9, 3)))).all()


@pytest.mark.parametrize('kind', CORRELATIONS)
def test_fisher_z_is_the_inverse_hyperbolic_tangent(kind):
    signals = make_signals(60, 10)
    r, z = measure(signals, kind), measure(signals, kind, fisher_z=True)
    off = ~np.eye(10, dtype=bool)
    assert_allclose(np.tanh(z[off]), r[off], rtol=1e-12)
    assert np.isnan(np.diagonal(z)).all()


def test_one_signal_twice_is_correlated_by_one_and_has_a_finite_fisher_z():
    signals = np.repeat(make_signals(60, 1), 2, axis=1)
    assert measure(signals)[0, 1] == 1.0
    z = measure(signals, fisher_z=True)
    assert 18 < z[0, 1] == z[1, 0] < 19
    assert np.isnan(np.diagonal(z)).all()


@pytest.mark.parametrize('kind', CONNECTIVITIES)
def test_only_measures_that_need_an_inverse_are_shrunk_by_default(kind):
    expected = 'ledoit_wolf' if kind in ('precision', 'partial correlation') else 'empirical'
    assert choose_estimator(kind) == expected
    signals = make_signals(60, 10)
    assert_array_equal(measure(signals, kind), measure(signals, kind, expected))


def test_correlations_do_not_fall_with_the_number_of_regions_or_volumes():
    rng = np.random.default_rng(0)
    network = np.repeat(np.arange(20), 20)
    within = (network[:, None] == network) & ~np.eye(400, dtype=bool)
    signals = np.sqrt(0.45) * rng.normal(size=(100, 20))[:, network] + np.sqrt(0.55) * rng.normal(size=(100, 400))
    for n_volumes in (100, 60):
        assert measure(signals[:n_volumes])[within].mean() == pytest.approx(0.45, abs=0.03)
    assert measure(signals, 'correlation', 'ledoit_wolf')[within].mean() < 0.40


@pytest.mark.parametrize(
    ('choices', 'words'),
    [
        ({'connectivity': 'tangent'}, 'connectivity must be one of correlation, partial correlation'),
        ({'covariance_estimator': 'oas'}, 'covariance_estimator must be one of auto, empirical, ledoit_wolf'),
        ({'connectivity': 'covariance', 'fisher_z': True}, 'not for covariance'),
    ],
)
def test_choices_that_make_no_sense_are_refused(choices, words):
    with pytest.raises(LabelsError, match=words):
        measure(make_signals(20, 3), **choices)


@pytest.mark.parametrize('kind', ['precision', 'partial correlation'])
def test_what_has_no_inverse_is_refused(kind):
    with pytest.raises(SignalError, match='20 regions in 20 volumes has no inverse: use covariance_estimator'):
        measure(make_signals(20, 20), kind, 'empirical')
    signals = make_signals(20, 3)
    signals[:, 2] = signals[:, 0]
    with pytest.raises(SignalError, match='follows from others'):
        measure(signals, kind, 'empirical')


def test_two_volumes_are_too_few():
    with pytest.raises(SignalError, match='3 volumes or more, and there are 2'):
        measure(make_signals(2, 3))
