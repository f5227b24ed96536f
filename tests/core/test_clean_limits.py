# SPDX-License-Identifier: BSD-3-Clause
"""Degrees of freedom that cleaning leaves, and what it refuses."""

import numpy as np
import pytest
from cleaning_cases import COLLINEAR, COSINE, FILTERS, KEPT, LOW, N_VOLUMES, SAMPLE_MASKS, T_R, regressors, series
from numpy.testing import assert_allclose

from nipype_labels.core.clean import clean
from nipype_labels.core.errors import LabelsError, SignalError

# Numbers that go with the signals


@pytest.mark.parametrize('detrend', [0, 2])
@pytest.mark.parametrize('sample_mask', SAMPLE_MASKS)
def test_degrees_of_freedom_are_the_volumes_kept_less_trend_and_confounds(detrend, sample_mask):
    n = N_VOLUMES if sample_mask == 'whole' else len(KEPT)
    given = dict(t_r=T_R, detrend=bool(detrend), sample_mask=SAMPLE_MASKS[sample_mask])
    expected = {'none': (0, 0, n - detrend), 'some': (3, 3, n - detrend - 3), 'collinear': (5, 3, n - detrend - 3)}
    for name, confounds in {'none': None, 'some': regressors(), 'collinear': COLLINEAR}.items():
        ours = clean(series(), confounds, **given)
        assert (ours.n_confounds, ours.rank, ours.degrees_of_freedom) == expected[name]
    drifting = clean(series(), regressors(), **given, **COSINE)
    assert (drifting.n_confounds, drifting.rank, drifting.degrees_of_freedom) == (7, 7, n - detrend - 7)


@pytest.mark.parametrize(('filter', 'part'), [('low', 0.4), ('high', 0.96), ('band', 0.36)])
def test_degrees_of_freedom_of_filtered_signals_are_those_of_the_band(filter, part):
    ours = clean(series(), regressors(), t_r=T_R, sample_mask=KEPT, **FILTERS[filter])
    assert_allclose(ours.degrees_of_freedom, part * len(KEPT) - 3, rtol=1e-12)


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
    assert len(clean(series(n_volumes=least), t_r=T_R, **FILTERS[filter]).signals) == least
    censored = clean(series(), t_r=T_R, sample_mask=[5, 6, 9, least + 4], **FILTERS[filter])
    assert len(censored.signals) == 4
    with pytest.raises(SignalError, match=f'it needs {least} or more'):
        clean(series(n_volumes=least - 1), t_r=T_R, **FILTERS[filter])
    with pytest.raises(SignalError, match=f'it needs {least} or more'):
        clean(series(), t_r=T_R, sample_mask=[5, 6, 9, least + 3], **FILTERS[filter])


@pytest.mark.parametrize(
    'given', [dict(filter='butterwort', t_r=T_R, **LOW), dict(filter=False), dict(filter=None)], ids=repr
)
def test_a_filter_that_does_not_exist_is_refused(given):
    with pytest.raises(LabelsError, match='filter'):
        clean(series(), **given)


@pytest.mark.parametrize('standardize', ['z-score', 'zscored', True, False, None])
def test_a_standardisation_that_does_not_exist_is_refused(standardize):
    with pytest.raises(LabelsError, match='standardize'):
        clean(series(), standardize=standardize)


@pytest.mark.parametrize('shape', [(N_VOLUMES - 1, 2), (N_VOLUMES,), (N_VOLUMES, 2, 1)])
def test_confounds_of_another_shape_are_refused(shape):
    with pytest.raises(SignalError, match=f'signals have {N_VOLUMES} volumes'):
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
    with pytest.raises(SignalError, match=f'runs has 3 entries for {N_VOLUMES} volumes'):
        clean(series(), runs=[0, 0, 1])


def test_a_run_without_a_volume_kept_is_refused():
    with pytest.raises(SignalError, match='keeps no volume of run 1'):
        clean(series(), runs=np.repeat([0, 1], 30), sample_mask=range(30))
