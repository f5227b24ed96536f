# SPDX-License-Identifier: BSD-3-Clause
"""The node that cleans signals takes confounds from fMRIPrep's tables and others, with nilearn's numbers."""

import numpy as np
import pandas as pd
import pytest
from clean_node_cases import MOTION, cleaned, report, series
from nilearn import signal
from numpy.testing import assert_allclose

from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import CleanSignal, HighVarianceConfounds
from nipype_labels.model.errors import ConfoundsError


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
