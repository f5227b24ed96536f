# SPDX-License-Identifier: BSD-3-Clause
"""The node that cleans signals takes confounds from fMRIPrep's tables and others, with nilearn's numbers."""

import numpy as np
import pandas as pd
import pytest
from clean_node_cases import MOTION, cleaned, report, series
from nilearn import signal
from numpy.testing import assert_allclose
from pairwise import pairwise

from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import CleanSignal, HighVarianceConfounds
from nipype_labels.model.errors import ConfoundsError, SignalError

WITH_DERIVATIVES = [base + end for end in ('', '_derivative1', '_power2', '_derivative1_power2') for base in MOTION]


@pairwise(standardize=['none', 'zscore_sample', 'psc'], detrend=[False, True], strategy=['6P', '24P', 'GSR'])
def test_strategies_clean_as_nilearn_does_with_their_columns(
    strategy, detrend, standardize, fmriprep, signals, run, quietly
):
    columns = {'6P': MOTION, '24P': WITH_DERIVATIVES, 'GSR': ['global_signal']}[strategy]
    table = pd.read_csv(fmriprep, sep='\t')
    node = CleanSignal(
        signals_files=signals(series()),
        confounds_files=fmriprep,
        confounds_strategy=[strategy],
        confounds_na='zero',
        non_steady_state='keep',
        detrend=detrend,
        standardize=standardize,
    )
    outputs = run(node)
    expected = quietly(
        signal.clean,
        series(),
        confounds=table[columns].fillna(0).to_numpy(),
        detrend=detrend,
        standardize=None if standardize == 'none' else standardize,
        standardize_confounds=True,
    )
    assert_allclose(cleaned(outputs), expected, rtol=1e-7, atol=1e-7)
    told = report(outputs)
    assert sorted(told['ConfoundsColumns']) == sorted(columns)
    assert told['NumberOfConfounds'] == len(columns)
    assert told['RankOfConfounds'] == np.linalg.matrix_rank(
        (lambda c: c - c.mean(axis=0))(table[columns].fillna(0).to_numpy())
    )
    assert told['NumberOfVolumes'] == told['NumberOfVolumesRetained'] == 30
    assert told['DegreesOfFreedom'] == 30 - told['RankOfConfounds'] - (2 if detrend else 1)


def test_36_parameters_take_the_tissues_and_all_derivatives(fmriprep, signals, run):
    """And 30 volumes have no degree of freedom left, which nilearn does not mind (X14)."""
    node = CleanSignal(
        signals_files=signals(series()),
        confounds_files=fmriprep,
        confounds_strategy=['36P'],
        confounds_na='zero',
        non_steady_state='keep',
    )
    with pytest.raises(SignalError, match=r'36 confounds of rank .* leave no degree of freedom in the 30 volumes'):
        run(node)


@pytest.mark.parametrize('n_compcor', [2, 5])
def test_acompcor_takes_its_first_components_and_the_drifts(n_compcor, steady, signals, run, quietly):
    """As many as asked for, whatever else the table holds."""
    outputs = run(
        CleanSignal(
            signals_files=signals(series()),
            confounds_files=steady,
            confounds_strategy=['aCompCor'],
            n_compcor=n_compcor,
        )
    )
    table = pd.read_csv(steady, sep='\t')
    chosen = report(outputs)['ConfoundsColumns']
    components = [name for name in chosen if name.startswith('a_comp_cor')]
    assert components == [f'a_comp_cor_{i:02d}' for i in range(n_compcor)]
    assert [name for name in chosen if name not in components] == [name for name in table if name.startswith('cosine')]
    expected = quietly(signal.clean, series(), confounds=table[chosen].to_numpy(), detrend=False, standardize=None)
    assert_allclose(cleaned(outputs), expected, rtol=1e-9)


def test_strategies_and_columns_add_up(steady, signals, run):
    node = CleanSignal(
        signals_files=signals(series()),
        confounds_files=steady,
        confounds_strategy=['6P', 'GSR'],
        confounds_columns=['csf', 'rot_.', 'global_signal'],
    )
    chosen = report(run(node))['ConfoundsColumns']
    table = pd.read_csv(steady, sep='\t')
    wanted = {*MOTION, 'global_signal', 'csf'}
    assert chosen == [name for name in table if name in wanted]


def test_a_missing_value_is_refused_by_column_and_row(steady, signals, run):
    node = CleanSignal(signals_files=signals(series()), confounds_files=steady, confounds_columns=['rot_x_derivative1'])
    with pytest.raises(ConfoundsError, match=r"regressors\.tsv: column 'rot_x_derivative1' is n/a in row 0"):
        run(node)


@pytest.mark.parametrize(('policy', 'first'), [('zero', 0.0), ('mean', None)])
def test_missing_first_values_become_what_is_asked(policy, first, steady, signals, text, run):
    column = pd.read_csv(steady, sep='\t')['rot_x_derivative1'].to_numpy(copy=True)
    column[0] = column[1:].mean() if first is None else first
    filled = text('filled.tsv', 'rot_x_derivative1\n' + '\n'.join(map(repr, column.tolist())) + '\n')
    inputs = {'signals_files': signals(series()), 'confounds_columns': ['rot_x_derivative1']}
    ours = cleaned(run(CleanSignal(confounds_files=steady, confounds_na=policy, **inputs)))
    assert_allclose(ours, cleaned(run(CleanSignal(confounds_files=filled, **inputs))), rtol=1e-12)


@pytest.mark.parametrize('policy', ['raise', 'zero', 'mean'])
def test_a_missing_value_amid_others_is_always_refused(policy, signals, text, run):
    rows = ['csf', *map(str, range(30))]
    rows[11] = 'n/a'
    node = CleanSignal(
        signals_files=signals(series()),
        confounds_files=text('confounds.tsv', '\n'.join(rows) + '\n'),
        confounds_na=policy,
    )
    with pytest.raises(ConfoundsError, match="column 'csf' has no finite value in row 10"):
        run(node)


def test_a_column_that_is_not_there_is_refused(steady, signals, run):
    node = CleanSignal(signals_files=signals(series()), confounds_files=steady, confounds_columns=['rotx'])
    with pytest.raises(ConfoundsError, match=r"regressors\.tsv has no column 'rotx'; did you mean .*rot_x"):
        run(node)


def test_a_table_of_another_length_is_refused(steady, signals, run):
    node = CleanSignal(signals_files=signals(series(29)), confounds_files=steady, confounds_strategy=['6P'])
    with pytest.raises(ConfoundsError, match='has 30 rows, the signals have 29 volumes'):
        run(node)


def test_columns_without_a_table_are_refused(signals, run):
    """They would do nothing."""
    for asked in ({'confounds_columns': ['csf']}, {'confounds_strategy': ['6P']}):
        with pytest.raises(ConfoundsError, match='there is no confounds file'):
            run(CleanSignal(signals_files=signals(series()), **asked))


def test_high_variance_confounds_join_the_others(steady, installed, signals, run, quietly):
    real = installed('nipype', 'testing/data/ds003_sub-01_mc.nii.gz')
    found = run(HighVarianceConfounds(in_file=real)).out_file
    table = pd.read_csv(steady, sep='\t').iloc[:20]
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


def test_tables_stand_side_by_side(signals, run, quietly):
    motion = np.random.default_rng(12).normal(size=(30, 4))
    files = [signals(motion[:, :2], 'one.tsv', ['a', 'b']), signals(motion[:, 2:], 'two.tsv', ['c', 'd'])]
    ours = cleaned(run(CleanSignal(signals_files=signals(series()), confounds_files=files)))
    expected = quietly(signal.clean, series(), confounds=motion, detrend=False, standardize=None)
    assert_allclose(ours, expected, rtol=1e-10)
