# SPDX-License-Identifier: BSD-3-Clause
"""The node that cleans signals: bands, scales, runs and repetition times, and what it reports."""

from pathlib import Path

import pytest
from clean_node_cases import cleaned, report, series
from numpy.testing import assert_array_equal

from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import CleanSignal
from nipype_labels.model.errors import LabelsError, SignalError


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


def test_names_go_with_their_columns(signals, run):
    names = ['Gyrus frontalis', 'Füße', '前頭葉', '4']
    path = signals(series(), columns=names)
    ours, values = read_signals(run(CleanSignal(signals_files=path)).out_files[0])
    assert ours == names
    assert_array_equal(values, series())


def test_what_is_no_table_is_named(text, run):
    with pytest.raises(LabelsError, match=r'signals\.tsv is not a table of region time series'):
        run(CleanSignal(signals_files=text('signals.tsv', 'A\tB\n1\tx\n')))
