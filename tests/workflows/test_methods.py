# SPDX-License-Identifier: BSD-3-Clause
"""The methods text says what the graph does, all of it and nothing else."""

import re

import pytest

from nipype_labels.workflows import init_labels_wf
from nipype_labels.workflows.methods import REFERENCES

FULL = {
    'use_mask': True,
    'use_confounds': True,
    'use_sample_mask': True,
    'smoothing_fwhm': 6.0,
    'strategy': 'median',
    'min_coverage': 0.5,
    'high_variance_confounds': True,
    'confounds_strategy': ['36P', 'aCompCor', 'scrubbing'],
    'confounds_columns': ['rot_x'],
    'n_compcor': 6,
    'fd_threshold': 0.3,
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
    for word in ('mask', 'Confounds', 'Gaussian', 'filtered', 'detrended', 'scaled', 'projected', 'removed'):
        assert word not in text
    assert 'Connectivity' not in text


@pytest.mark.parametrize(
    ('left_out', 'words'),
    [
        ('use_mask', ['brain mask']),
        ('smoothing_fwhm', ['Gaussian', '6 mm']),
        ('strategy', ['median']),
        ('min_coverage', ['50 %']),
        ('use_sample_mask', ['sample mask']),
        ('high_variance_confounds', ['largest variance']),
        ('confounds_columns', ['`rot_x`']),
        ('detrend', ['detrended linearly']),
        ('standardize', ['percent of their means']),
        ('project', ['projected back']),
        ('fisher_z', ["Fisher's z"]),
    ],
)
def test_each_step_is_told_if_it_is_done_and_only_then(left_out, words):
    full = init_labels_wf(**FULL).__desc__
    without = init_labels_wf(**{name: value for name, value in FULL.items() if name != left_out}).__desc__
    for word in words:
        assert word in full
        assert word not in without


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        (
            FULL,
            [
                'above 0.3 mm',
                'first 6 components',
                'mean signals of cerebrospinal fluid',
                'above 0.01 Hz and below 0.1',
            ],
        ),
        ({'resampling_target': 'labels', 'interpolation': 'linear'}, ['by linear interpolation']),
        ({'resampling_target': 'labels'}, ['cubic spline interpolation']),
        ({'high_pass': 0.008, 'filter': 'cosine'}, ['discrete cosines', 'above 0.008 Hz']),
        ({'smoothing_fwhm': [4, 4, 6.5]}, ['4 × 4 × 6.5 mm']),
        ({'use_confounds': True}, ['all columns of the confounds table']),
        ({'connectivity': 'correlation'}, ["by Pearson's correlation", '@ledoit_wolf']),
        ({'connectivity': 'precision', 'covariance_estimator': 'empirical'}, ['the precision of their signals.']),
        ({'standardize': 'zscore_sample'}, ['unit variance (of the sample)']),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else '',
)
def test_values_are_those_of_the_parameters(parameters, words):
    text = init_labels_wf(**parameters).__desc__
    for word in words:
        assert word in text


def test_every_citation_is_in_the_bibliography():
    """And whatever is in there is cited."""
    cited = set(re.findall(r'@(\w+)', init_labels_wf(**FULL).__desc__))
    assert cited == set(re.findall(r'@\w+\{(\w+),', REFERENCES.read_text(encoding='utf-8')))
