# SPDX-License-Identifier: BSD-3-Clause
"""The node that denoises: several tables, confounds, censored volumes, and what it reports."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fmriprep_tables import MOTION, STEADY
from nilearn import signal
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import CleanSignal, HighVarianceConfounds
from nipype_labels.model.errors import ConfoundsError, LabelsError, SignalError


def series(n_volumes=30, n_regions=4):
    """Time series with drift and mean."""
    rng = np.random.default_rng(10)
    time = np.arange(n_volumes)[:, None]
    level, slope = 500 + 40 * rng.normal(size=n_regions), rng.normal(size=n_regions)
    return level + time * slope + rng.normal(size=(n_volumes, n_regions))


def cleaned(outputs):
    return read_signals(outputs.out_files[0])[1]


def report(outputs):
    return json.loads(Path(outputs.cleaning_file).read_text(encoding='utf-8'))


def volumes(outputs):
    return pd.read_csv(outputs.censoring_file, sep='\t', na_values=['n/a'], keep_default_na=False)


def test_without_a_task_signals_stay_as_they_are(signals, run):
    assert_array_equal(cleaned(run(CleanSignal(signals_files=signals(series())))), series())


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


def test_the_report_holds_every_parameter(signals, run):
    settings = {'detrend': True, 'filter': 'cosine', 'high_pass': 0.02, 'standardize': 'psc', 't_r': 2.0}
    told = report(run(CleanSignal(signals_files=signals(series(60)), **settings)))
    for name, value in {**settings, 'standardize_confounds': True}.items():
        assert told['Parameters'][name] == value
    # Two minutes hold four drifts below 0.02 Hz.
    assert told['RankOfConfounds'] == 4
    assert told['DegreesOfFreedom'] == 60 - 4 - 2


def test_columns_keep_their_names(signals, run):
    names = ['Gyrus frontalis', 'Füße', '前頭葉', '4']
    path = signals(series(), columns=names)
    ours, values = read_signals(run(CleanSignal(signals_files=path)).out_files[0])
    assert ours == names
    assert_array_equal(values, series())


@pytest.mark.parametrize(
    ('value', 'settings', 'reason'),
    [
        (5.0, {'standardize': 'zscore'}, 'constant, so without z-scores or percent signal change: A, C'),
        (5.0, {'standardize': 'zscore', 'missing_labels': 'zero'}, None),
        (5.0, {}, None),
        ([np.nan, *range(29)], {}, 'not finite in a retained volume: A, C'),
        ([np.nan, *range(29)], {'sample_mask': range(1, 30)}, None),
    ],
)
def test_regions_that_denoising_loses_are_warned_of_by_name(value, settings, reason, signals, run, caplog, monkeypatch):
    values = series(n_regions=5)
    values[:, [0, 2]], values[:, 4] = np.reshape(value, (-1, 1)), np.nan
    settings = {name: list(each) if isinstance(each, range) else each for name, each in settings.items()}
    monkeypatch.setattr(logging.getLogger('nipype'), 'propagate', True)
    run(CleanSignal(signals_files=signals(values, columns=list('ABCDE')), **settings))
    expected = f'signals.tsv: regions whose denoised time series are n/a, although they have a signal: {reason}'
    told = [record.getMessage() for record in caplog.records]
    assert [message[-len(expected) :] for message in told] == ([expected] if reason else [])


def test_a_file_that_is_not_a_table_is_named(text, run):
    with pytest.raises(LabelsError, match=r'signals\.tsv is not a table of region time series'):
        run(CleanSignal(signals_files=text('signals.tsv', 'A\tB\n1\tx\n')))


def test_strategies_and_columns_add_up(signals, run):
    node = CleanSignal(
        signals_files=signals(series()),
        confounds_files=str(STEADY),
        confounds_strategy=['6P', 'GSR'],
        confounds_columns=['csf', 'rot_.', 'global_signal'],
    )
    chosen = report(run(node))['ConfoundsColumns']
    table = pd.read_csv(STEADY, sep='\t')
    wanted = {*MOTION, 'global_signal', 'csf'}
    assert chosen == [name for name in table if name in wanted]


def test_columns_without_a_table_are_refused(signals, run):
    """The columns would have no effect."""
    for asked in ({'confounds_columns': ['csf']}, {'confounds_strategy': ['6P']}):
        with pytest.raises(ConfoundsError, match='no confounds are given'):
            run(CleanSignal(signals_files=signals(series()), **asked))


def test_high_variance_confounds_join_the_others(installed, signals, run, quietly):
    real = installed('nipype', 'testing/data/ds003_sub-01_mc.nii.gz')
    found = run(HighVarianceConfounds(in_file=real)).out_file
    table = pd.read_csv(STEADY, sep='\t').iloc[:20]
    short = signals(table[MOTION].to_numpy(), 'motion.tsv', MOTION)
    outputs = run(
        CleanSignal(
            signals_files=signals(series(20)),
            confounds_files=short,
            confounds_columns=['trans_.'],
            high_variance_file=found,
            detrend=True,
        )
    )
    both = np.column_stack([table[MOTION[:3]].to_numpy(), read_signals(found)[1]])
    expected = quietly(signal.clean, series(20), confounds=both, detrend=True, standardize=None)
    assert_allclose(cleaned(outputs), expected, rtol=1e-8, atol=1e-8)
    assert report(outputs)['ConfoundsColumns'] == [*MOTION[:3], *(f'high_variance_{i:02d}' for i in range(5))]


def test_scrubbing_censors_volumes_with_too_much_motion(signals, run):
    table = pd.read_csv(STEADY, sep='\t')
    fd, dvars = 0.15, 1.1
    outputs = run(
        CleanSignal(
            signals_files=signals(series()),
            confounds_files=str(STEADY),
            confounds_strategy=['6P', 'scrubbing'],
            fd_threshold=fd,
            dvars_threshold=dvars,
        )
    )
    moves, changes = table['framewise_displacement'] > fd, table['std_dvars'] > dvars
    kept = ~(moves | changes)
    assert moves.any()
    assert changes.any()
    assert 5 < kept.sum() < 30
    told = volumes(outputs)
    assert told['volume'].tolist() == list(range(30))
    assert told['retained'].tolist() == kept.tolist()
    reasons = [
        ','.join(n for n, f in (('framewise_displacement', m), ('std_dvars', c)) if f) or None
        for m, c in zip(moves, changes, strict=True)
    ]
    assert [None if pd.isna(r) else r for r in told['reason']] == reasons
    assert len(cleaned(outputs)) == kept.sum() == report(outputs)['NumberOfVolumesRetained']
    left_out = report(outputs)['VolumesCensored']
    assert left_out == {
        'sample_mask': 0,
        'framewise_displacement': moves.sum(),
        'std_dvars': changes.sum(),
    }


KEPT = [0, 1, 3, 4, 5, 6, 9, 11]


FLAGS = [volume in KEPT for volume in range(12)]


def test_the_censoring_table_of_a_sample_mask_retains_the_same_volumes(signals, text, run):
    path = signals(series(12))
    outputs = run(CleanSignal(signals_files=path, sample_mask=FLAGS, detrend=True))
    assert np.flatnonzero(volumes(outputs)['retained']).tolist() == KEPT
    assert volumes(outputs)['reason'].dropna().unique().tolist() == ['sample_mask']
    for mask in (KEPT, text('mask.txt', '\n'.join(map(str, KEPT))), outputs.censoring_file):
        again = run(CleanSignal(signals_files=path, sample_mask=mask, detrend=True))
        assert Path(outputs.out_files[0]).read_bytes() == Path(again.out_files[0]).read_bytes()


def test_censored_volumes_may_remain_as_rows_without_values(signals, run):
    inputs = {'signals_files': signals(series(12)), 'sample_mask': FLAGS, 'standardize': 'zscore'}
    short, full = (run(CleanSignal(censored_output=form, **inputs)) for form in ('drop', 'nan'))
    rows = cleaned(full)
    assert rows.shape == (12, 4)
    assert_array_equal(rows[KEPT], cleaned(short))
    assert np.isnan(np.delete(rows, KEPT, axis=0)).all()
    lines = Path(full.out_files[0]).read_text().splitlines()
    assert lines[3] == '\t'.join(['n/a'] * 4)


def test_repetition_times_that_contradict_are_listed_with_the_result(signals, text, run):
    given = dict(signals_files=signals(series()), sidecar_file=text('bold.json', '{"RepetitionTime": 1400}'))
    outputs = run(CleanSignal(**given, header_t_r=1.4))
    (warning,) = report(outputs)['Warnings']
    assert 'repetition times contradict: the sidecar says 1400 s, the header says 1.4 s' in warning
    assert 'Warnings' not in report(run(CleanSignal(**given, header_t_r=1.4, t_r=1.4)))
