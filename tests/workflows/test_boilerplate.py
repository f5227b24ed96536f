# SPDX-License-Identifier: BSD-3-Clause
"""The methods boilerplate describes all steps of a graph, and no others."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from nipype_labels.files.tables import write_signals
from nipype_labels.interfaces import CleanSignal
from nipype_labels.model.references import read_references
from nipype_labels.workflows import init_labels_wf

FULL = {
    'use_mask': True,
    'use_confounds': True,
    'use_sample_mask': True,
    'smoothing_fwhm': 6.0,
    'strategy': 'median',
    'min_coverage': 0.5,
    'high_variance_confounds': True,
    'confounds_strategy': ['36P', 'aCompCor', 'ICA-AROMA', 'scrubbing'],
    'confounds_columns': ['rot_x'],
    'n_compcor': 6,
    'fd_threshold': 0.3,
    'min_segment': 4,
    'detrend': True,
    'low_pass': 0.1,
    'high_pass': 0.01,
    'standardize': 'psc',
    'project': 'labels',
    'connectivity': 'partial correlation',
    'fisher_z': True,
}


def test_without_options_there_is_little_to_say():
    text = init_labels_wf().__desc__
    assert 'resampled to the grid of the BOLD series' in text
    assert 'the mean of the BOLD signal' in text
    for word in ('mask', 'Confounds', 'Gaussian', 'filtered', 'detrended', 'scaled', 'mapped', 'removed'):
        assert word not in text
    assert 'Connectivity' not in text


@pytest.mark.parametrize(
    ('left_out', 'words'),
    [
        ('use_mask', ['mask of the brain or cortex']),
        ('smoothing_fwhm', ['Gaussian', '6 mm']),
        ('strategy', ['median']),
        ('min_coverage', ['50 %']),
        ('use_sample_mask', ['sample mask']),
        ('high_variance_confounds', ['largest variance']),
        ('confounds_columns', ['`rot_x`']),
        ('min_segment', ['segments of fewer than']),
        ('detrend', ['detrended linearly']),
        ('standardize', ['percent of their means before denoising']),
        ('project', ['mapped back']),
        ('fisher_z', ["Fisher's z"]),
    ],
)
def test_the_boilerplate_describes_each_step_only_if_it_is_done(left_out, words):
    full = init_labels_wf(**FULL).__desc__
    without = init_labels_wf(**{name: value for name, value in FULL.items() if name != left_out}).__desc__
    for word in words:
        assert word in full
        assert word not in without


@pytest.mark.parametrize(
    ('parameters', 'absent'),
    [
        ({'high_pass': 0.008, 'filter': 'cosine', 'use_sample_mask': True}, 'interpolated'),
        ({'low_pass': 0.1}, 'interpolated'),
        ({'low_pass': 0.1, 'use_confounds': True}, 'in one step'),
        ({'use_confounds': True}, 'then regressed'),
        ({'connectivity': 'correlation'}, 'shrunk'),
    ],
    ids=str,
)
def test_the_boilerplate_describes_no_step_that_was_not_run(parameters, absent):
    assert absent not in init_labels_wf(**parameters).__desc__


def test_the_boilerplate_of_cleaning_describes_no_step_that_was_not_run(tmp_path):
    write_signals(tmp_path / 'raw.tsv', ['A'], np.random.default_rng(0).normal(size=(60, 1)))
    done = CleanSignal(signals_files=str(tmp_path / 'raw.tsv')).run(cwd=str(tmp_path))
    used = json.loads(Path(done.outputs.cleaning_file).read_text())
    assert used['Parameters']['filter'] == 'none'
    assert used['UnavailableRegions'] == []
    assert used['ConfoundsMissing'] is None
    assert not {'CompCorMasks', 'NonSteadyState', 'ConfoundsNotes'} & set(used)


def test_every_citation_is_in_the_bibliography():
    cited = set(re.findall(r'@(\w+)', init_labels_wf(**FULL).__desc__))
    assert cited == set(read_references())
