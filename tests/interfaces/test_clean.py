# SPDX-License-Identifier: BSD-3-Clause
"""The node that cleans signals: bands, scales, runs and repetition times, and what it reports."""

import json
from pathlib import Path

import numpy as np
import pytest
from clean_node_cases import cleaned, report, series
from nilearn import signal
from nipype.interfaces.base import isdefined
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import CleanSignal
from nipype_labels.model.errors import LabelsError, SignalError


@pytest.mark.parametrize('standardize_confounds', [True, False])
@pytest.mark.parametrize(
    'band',
    [
        {'high_pass': 0.01, 'low_pass': 0.1},
        {'high_pass': 0.02},
        {'low_pass': 0.1},
        {'high_pass': 0.02, 'filter': 'cosine'},
    ],
)
def test_bands_are_kept_as_by_nilearn(band, standardize_confounds, signals, run, quietly):
    values, motion = series(100), np.random.default_rng(12).normal(size=(100, 3))
    outputs = run(
        CleanSignal(
            signals_files=signals(values),
            confounds_files=signals(motion, 'motion.tsv'),
            standardize_confounds=standardize_confounds,
            detrend=True,
            header_t_r=2.0,
            standardize='zscore_sample',
            **band,
        )
    )
    expected = quietly(
        signal.clean,
        values,
        confounds=motion,
        standardize_confounds=standardize_confounds,
        detrend=True,
        t_r=2.0,
        standardize='zscore_sample',
        **band,
    )
    assert_allclose(cleaned(outputs), expected, rtol=1e-6, atol=1e-6)


def test_z_scores_are_of_the_population_unless_of_the_sample(signals, run):
    values = series()
    for name, ddof in (('zscore', 0), ('zscore_sample', 1)):
        ours = cleaned(run(CleanSignal(signals_files=signals(values), standardize=name)))
        assert_allclose(ours, (values - values.mean(axis=0)) / values.std(axis=0, ddof=ddof), rtol=1e-8, atol=1e-10)


def test_without_a_task_signals_stay_as_they_are(signals, run):
    assert_array_equal(cleaned(run(CleanSignal(signals_files=signals(series())))), series())


@pytest.mark.parametrize('standardize', ['zscore', 'psc', 'none'])
def test_regions_without_values_stay_without_and_do_not_touch_others(standardize, signals, run):
    values = series(n_regions=5)
    alone = cleaned(run(CleanSignal(signals_files=signals(values[:, :2]), standardize=standardize, detrend=True)))
    values[:, 2], values[:, 3], values[5, 4] = np.nan, 7, np.nan
    outputs = run(CleanSignal(signals_files=signals(values), standardize=standardize, detrend=True))
    ours = cleaned(outputs)
    assert_allclose(ours[:, :2], alone, rtol=1e-12)
    assert np.isnan(ours[:, [2, 4]]).all()
    assert np.isnan(ours[:, 3]).all() == (standardize != 'none')
    expected = {'not_finite': ['R5']} | ({'constant': ['R4']} if standardize != 'none' else {})
    assert report(outputs)['UnavailableRegions'] == [expected]


def test_several_tables_are_cleaned_each_as_if_alone(signals, text, run):
    paths = [signals(series(n_regions=2), 'one.tsv'), signals(series(n_regions=6), 'two.tsv')]
    settings = {
        'confounds_files': text('confounds.tsv', 'a\n' + '\n'.join(str(i * i % 7) for i in range(30)) + '\n'),
        'sample_mask': [i not in (3, 4) for i in range(30)],
        'standardize': 'zscore',
    }
    both = run(CleanSignal(signals_files=paths, **settings))
    for i, path in enumerate(paths):
        alone = run(CleanSignal(signals_files=path, **settings))
        assert Path(both.out_files[i]).read_bytes() == Path(alone.out_files[0]).read_bytes()


def test_tables_of_several_lengths_are_refused(signals, run):
    paths = [signals(series(30), 'one.tsv'), signals(series(29), 'two.tsv')]
    with pytest.raises(SignalError, match=r'must have as many rows: .*one\.tsv, .*two\.tsv'):
        run(CleanSignal(signals_files=paths))


@pytest.mark.parametrize('as_file', [True, False])
def test_runs_are_cleaned_each_for_itself(as_file, signals, text, run):
    values = series(40)
    settings = {'detrend': True, 'standardize': 'zscore'}
    runs = [1] * 15 + [2] * 25
    runs = text('runs.txt', '\n'.join(map(str, runs))) if as_file else runs
    together = cleaned(run(CleanSignal(signals_files=signals(values), runs=runs, **settings)))
    parts = [cleaned(run(CleanSignal(signals_files=signals(part), **settings))) for part in (values[:15], values[15:])]
    assert_allclose(together, np.concatenate(parts), rtol=1e-12)


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ({'t_r': 0.8, 'sidecar': 0.801, 'header_t_r': 0.799}, 0.8),
        ({'sidecar': 0.801, 'header_t_r': 0.799}, 0.801),
        ({'header_t_r': 0.799}, 0.799),
        ({'sidecar': None, 'header_t_r': 0.799}, 0.799),
        ({}, None),
    ],
)
def test_the_repetition_time_is_the_parameters_else_the_sidecars_else_the_headers(given, expected, signals, text, run):
    inputs = dict(given)
    if 'sidecar' in inputs:
        value = inputs.pop('sidecar')
        fields = {'TaskName': 'rest'} if value is None else {'RepetitionTime': value}
        inputs['sidecar_file'] = text('bold.json', json.dumps(fields))
    outputs = run(CleanSignal(signals_files=signals(series()), **inputs))
    assert outputs.t_r == expected if expected else not isdefined(outputs.t_r)
    assert report(outputs)['Parameters']['t_r'] == expected


@pytest.mark.parametrize(
    ('timing', 'said'),
    [
        ({'RepetitionTime': 2.0}, 'the sidecar says 2 s, the header says 0.8 s'),
        ({'VolumeTiming': [0, 2, 10]}, r'unevenly spaced \(2 to 8 s'),
    ],
)
def test_times_that_contradict_each_other_stop_a_filter_alone(timing, said, signals, text, run, caplog):
    inputs = {'sidecar_file': text('bold.json', json.dumps(timing)), 'header_t_r': 0.8}
    inputs['signals_files'] = signals(series())
    with pytest.raises(SignalError, match=said):
        run(CleanSignal(high_pass=0.1, **inputs))
    outputs = run(CleanSignal(**inputs))
    assert not isdefined(outputs.t_r)
    assert report(outputs)['Parameters']['t_r'] is None
    caplog.clear()
    filtered = run(CleanSignal(high_pass=0.1, t_r=1.0, **inputs))
    assert filtered.t_r == report(filtered)['Parameters']['t_r'] == 1.0
    assert 't_r is 1 s; t_r is used' in caplog.text or 't_r is 1 s, but the sidecar says 2 s' in caplog.text


def test_a_filter_without_a_repetition_time_is_refused(signals, run):
    with pytest.raises(SignalError, match='set t_r'):
        run(CleanSignal(signals_files=signals(series()), high_pass=0.01))


@pytest.mark.parametrize(
    ('band', 'message'), [({'low_pass': 0.3}, 'Nyquist'), ({'high_pass': 0.2, 'low_pass': 0.1}, 'no band')]
)
def test_bands_that_can_not_be_are_refused(band, message, signals, run):
    """nilearn lowers the one (with a warning) and refuses the other."""
    with pytest.raises(SignalError, match=message):
        run(CleanSignal(signals_files=signals(series(60)), t_r=2.0, **band))


def test_too_few_volumes_for_the_filter_are_refused(signals, run):
    with pytest.raises(SignalError, match='30 volumes are too few for a bandpass filter, it needs 34 or more'):
        run(CleanSignal(signals_files=signals(series()), t_r=2.0, high_pass=0.01, low_pass=0.1))


def test_the_report_holds_every_parameter(signals, run):
    settings = {'detrend': True, 'filter': 'cosine', 'high_pass': 0.02, 'standardize': 'psc', 't_r': 2.0}
    told = report(run(CleanSignal(signals_files=signals(series(60)), **settings)))
    for name, value in {**settings, 'standardize_confounds': True}.items():
        assert told['Parameters'][name] == value
    # Two minutes hold four drifts below 0.02 Hz.
    assert told['RankOfConfounds'] == 4
    assert told['DegreesOfFreedom'] == 60 - 4 - 2


def test_names_go_with_their_columns(signals, run):
    names = ['Gyrus frontalis', 'Füße', '前頭葉', '4']
    path = signals(series(), columns=names)
    ours, values = read_signals(run(CleanSignal(signals_files=path)).out_files[0])
    assert ours == names
    assert_array_equal(values, series())


def test_what_is_no_table_is_named(text, run):
    with pytest.raises(LabelsError, match=r'signals\.tsv is no table of signals'):
        run(CleanSignal(signals_files=text('signals.tsv', 'A\tB\n1\tx\n')))


def test_two_runs_give_the_same_bytes(steady, signals, run, contents):
    inputs = {'signals_files': signals(series()), 'confounds_files': steady, 'confounds_strategy': ['6P', 'aCompCor']}
    assert contents(run(CleanSignal(**inputs))) == contents(run(CleanSignal(**inputs)))
