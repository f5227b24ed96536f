# SPDX-License-Identifier: BSD-3-Clause
"""The methods text says what the graph does, all of it and nothing else."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from fmriprep_tables import write_spiky

from nipype_labels.files.tables import write_signals
from nipype_labels.interfaces import CleanSignal
from nipype_labels.workflows import init_labels_wf
from nipype_labels.workflows.boilerplate import REFERENCES

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
        ('use_mask', ['brain mask']),
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
                'first components (at most 6) of anatomical CompCor from the combined mask',
                'segments of fewer than 4 volumes',
                'denoised non-aggressively by ICA-AROMA',
                'mean signals of cerebrospinal fluid',
                'above 0.01 Hz and below 0.1',
            ],
        ),
        ({'resampling_target': 'labels', 'interpolation': 'linear'}, ['by linear interpolation']),
        ({'resampling_target': 'labels'}, ['cubic spline interpolation']),
        ({'high_pass': 0.008, 'filter': 'cosine'}, ['discrete cosines', 'above 0.008 Hz']),
        ({'smoothing_fwhm': [4, 4, 6.5]}, ['4 × 4 × 6.5 mm']),
        (
            {'low_pass': 0.1, 'use_confounds': True},
            ['Time series and confounds were filtered by a fifth-order', 'below 0.1 Hz; gain', 'Confounds were then'],
        ),
        ({'low_pass': 0.1, 'use_sample_mask': True}, ['censored volumes were interpolated linearly between']),
        ({'low_pass': 0.1, 'use_sample_mask': True, 'fill_censored': 'cubic'}, ['interpolated by cubic splines']),
        ({'use_confounds': True}, ['all columns of the confounds tables']),
        ({'connectivity': 'correlation'}, ["by Pearson's correlation of their time series."]),
        ({'connectivity': 'partial correlation'}, ['shrunk as proposed by @ledoit_wolf']),
        (
            {'connectivity': 'correlation', 'covariance_estimator': 'ledoit_wolf'},
            ['by the correlation', 'shrunk as proposed by @ledoit_wolf'],
        ),
        ({'connectivity': 'precision', 'covariance_estimator': 'empirical'}, ['the precision of their time series.']),
        ({'standardize': 'zscore_sample'}, ['unit variance (of the sample)']),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else '',
)
def test_values_are_those_of_the_parameters(parameters, words):
    text = init_labels_wf(**parameters).__desc__
    for word in words:
        assert word in text


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
def test_nothing_is_said_that_did_not_happen(parameters, absent):
    assert absent not in init_labels_wf(**parameters).__desc__


#: What the text calls columns, and how these begin or end.
NAMED = {
    'head motion': r'(trans|rot)_.*',
    'mean signals of cerebrospinal fluid': r'csf.*',
    'signals of cerebrospinal fluid(,| and) white matter': r'white_matter.*',
    'the whole brain|global signal': r'global_signal.*',
    'temporal derivatives': r'.*_derivative1',
    'squares of both': r'.*_power2',
    'CompCor': r'[acw]_comp_cor_.*',
    'cosine drifts': r'cosine.*',
}


COMPCOR = [{'acompcor': masks, 'n_compcor': n} for masks in ('combined', 'separated') for n in (1, 2, 'all')]


@pytest.mark.parametrize(
    ('strategy', 'more'),
    [
        *((name, {}) for name in ('6P', '24P', '36P', '2Phys', '8Phys', 'GSR', 'cosines')),
        ('6P', {'non_steady_state': 'keep'}),
        ('scrubbing', {'min_segment': 5}),
        ('scrubbing', {'non_steady_state': 'keep'}),
        *(('aCompCor', more) for more in COMPCOR),
    ],
    ids=str,
)
def test_confounds_and_volumes_are_those_that_were_used(strategy, more, tmp_path):
    chosen = {'confounds_strategy': [strategy], 'confounds_na': 'zero'} | more
    write_signals(tmp_path / 'raw.tsv', ['A'], np.random.default_rng(0).normal(size=(60, 1)))
    node = CleanSignal(signals_files=str(tmp_path / 'raw.tsv'), confounds_files=str(write_spiky(tmp_path)), **chosen)
    used = json.loads(Path(node.run(cwd=str(tmp_path)).outputs.cleaning_file).read_text())
    text = init_labels_wf(use_confounds=True, **chosen).__desc__
    for words, pattern in NAMED.items():
        there = any(re.fullmatch(pattern, name) for name in used['ConfoundsColumns'])
        assert bool(re.search(words, text)) == there, words
    assert ('not in the steady state were censored' in text) == ('non_steady_state' in used['VolumesCensored'])
    assert ('displacement above 0.5 mm' in text) == ('framewise_displacement' in used['VolumesCensored'])
    assert ('fewer than 5 volumes' in text) == ('short_segment' in used['VolumesCensored'])
    components = [name for name in used['ConfoundsColumns'] if 'comp_cor' in name]
    if components:
        n_masks, most, words = {'combined': (1, 3, 'the combined mask'), 'separated': (2, 4, 'each of the masks')}[
            more['acompcor']
        ]
        n = more['n_compcor']
        assert words in text
        assert ('all components' if n == 'all' else f'at most {n})') in text
        assert len(components) == (most if n == 'all' else n * n_masks)


def test_cleaning_says_nothing_that_did_not_happen(tmp_path):
    write_signals(tmp_path / 'raw.tsv', ['A'], np.random.default_rng(0).normal(size=(60, 1)))
    done = CleanSignal(signals_files=str(tmp_path / 'raw.tsv')).run(cwd=str(tmp_path))
    used = json.loads(Path(done.outputs.cleaning_file).read_text())
    assert used['Parameters']['filter'] == 'none'
    assert used['UnavailableRegions'] == []
    assert used['ConfoundsMissing'] is None
    assert not {'CompCorMasks', 'NonSteadyState', 'ConfoundsNotes'} & set(used)


def test_every_citation_is_in_the_bibliography():
    cited = set(re.findall(r'@(\w+)', init_labels_wf(**FULL).__desc__))
    assert cited == set(re.findall(r'@\w+\{(\w+),', REFERENCES.read_text(encoding='utf-8')))
