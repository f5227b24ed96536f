# SPDX-License-Identifier: BSD-3-Clause
"""Connectivity: the numbers of nilearn and NumPy, and regions without a signal, which keep their rows."""

import numpy as np
import pytest
from nilearn.connectome import ConnectivityMeasure
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.covariance import EmpiricalCovariance, ledoit_wolf_shrinkage

from nipype_labels.core.connectivity import CONNECTIVITIES, CORRELATIONS, choose_estimator, measure_connectivity
from nipype_labels.model.errors import LabelsError, SignalError


def make_signals(n_volumes, n_regions, seed=70):
    """Correlated time series of different variances, with large means."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n_volumes, 3)) @ rng.normal(size=(3, n_regions))
    return (shared + rng.normal(size=(n_volumes, n_regions))) * rng.uniform(1, 50, n_regions) + 1000


def measure(*arguments, **choices):
    """Return only the matrix."""
    return measure_connectivity(*arguments, **choices)[0]


@pytest.mark.parametrize('shape', [(240, 40), (40, 90), (1200, 7), (30, 1)])
@pytest.mark.parametrize('kind', CONNECTIVITIES)
def test_shrunk_connectivity_agrees_with_nilearn(kind, shape):
    signals = make_signals(*shape)
    expected = ConnectivityMeasure(kind=kind, standardize=True).fit_transform([signals])[0]
    assert_allclose(measure(signals, kind, 'ledoit_wolf'), expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize('shape', [(240, 40), (40, 90), (5, 30), (30, 1)])
def test_the_shrinkage_agrees_with_scikit_learn(shape):
    signals = make_signals(*shape)
    shrinkage = measure_connectivity(signals, 'covariance', 'ledoit_wolf')[1]
    assert_allclose(shrinkage, ledoit_wolf_shrinkage(signals), rtol=1e-9)


@pytest.mark.parametrize('kind', CONNECTIVITIES)
def test_empirical_connectivity_agrees_with_nilearn(kind):
    signals = make_signals(240, 40)
    theirs = ConnectivityMeasure(EmpiricalCovariance(store_precision=False), kind=kind, standardize=True)
    expected = theirs.fit_transform([signals])[0]
    found = measure(signals, kind, 'empirical')
    assert_allclose(found, expected, rtol=1e-8, atol=1e-10 * np.abs(expected).max())


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


def test_censored_volumes_do_not_count():
    signals = make_signals(60, 10)
    with_gaps = np.insert(signals, [0, 20, 60], np.nan, axis=0)
    assert_array_equal(measure(with_gaps), measure(signals))


def test_connectivity_without_any_signal_is_nan():
    assert np.isnan(measure(np.ones((9, 3)))).all()


@pytest.mark.parametrize('kind', CORRELATIONS)
def test_fisher_z_is_the_inverse_hyperbolic_tangent(kind):
    signals = make_signals(60, 10)
    r, z = measure(signals, kind), measure(signals, kind, fisher_z=True)
    off = ~np.eye(10, dtype=bool)
    assert_allclose(np.tanh(z[off]), r[off], rtol=1e-12)
    assert np.isnan(np.diagonal(z)).all()


def test_two_equal_time_series_have_correlation_1_and_a_finite_fisher_z():
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


@pytest.mark.parametrize(
    ('choices', 'words'),
    [
        ({'connectivity': 'tangent'}, 'connectivity must be one of correlation, partial correlation'),
        ({'covariance_estimator': 'oas'}, 'covariance_estimator must be one of auto, empirical, ledoit_wolf'),
        ({'connectivity': 'covariance', 'fisher_z': True}, 'not for covariance'),
    ],
)
def test_invalid_choices_are_refused(choices, words):
    with pytest.raises(LabelsError, match=words):
        measure(make_signals(20, 3), **choices)


@pytest.mark.parametrize('kind', ['precision', 'partial correlation'])
def test_covariances_without_an_inverse_are_refused(kind):
    with pytest.raises(SignalError, match='20 regions in 20 volumes has no inverse: use covariance_estimator'):
        measure(make_signals(20, 20), kind, 'empirical')
    signals = make_signals(20, 3)
    signals[:, 2] = signals[:, 0]
    with pytest.raises(SignalError, match='follows from others'):
        measure(signals, kind, 'empirical')


def test_two_volumes_are_too_few():
    with pytest.raises(SignalError, match='3 volumes or more, not 2'):
        measure(make_signals(2, 3))
