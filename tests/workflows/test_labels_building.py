# SPDX-License-Identifier: BSD-3-Clause
"""Building a graph: errors before anything runs, and one graph for equal values in two spellings."""

import numpy as np
import pytest
from graph_cases import FULL, inner_nodes
from traits.api import TraitError

from nipype_labels.model.errors import LabelsError
from nipype_labels.workflows import init_labels_wf


@pytest.mark.parametrize(
    'parameters', [{}, FULL, {'use_mask': True, 'resampling_target': 'labels', 'high_variance_confounds': True}]
)
def test_every_node_is_hashed_by_content_and_says_what_it_needs(parameters):
    for node in inner_nodes(**parameters).values():
        assert node.config['execution']['hash_method'] == 'content'
        assert 0.1 < node.mem_gb < 64
        assert node.run_without_submitting is False
    assert inner_nodes(num_threads=3)['reduce'].n_procs == 3


@pytest.mark.parametrize(
    ('parameters', 'message'),
    [
        ({'high_pass': 0.1, 'low_pass': 0.05}, 'no band is left'),
        ({'high_pass': 0.1, 'low_pass': 0.1}, 'no band is left'),
        ({'high_pass': 0.1, 'filter': None}, "filter='none' would not use them"),
        ({'filter': 'cosine'}, 'takes a high_pass'),
        ({'filter': 'cosine', 'high_pass': 0.01, 'low_pass': 0.1}, 'no low_pass'),
        ({'confounds_columns': ['csf']}, 'confounds_columns given, but it only acts with use_confounds'),
        ({'labels': ['A'], 'use_luts': True}, 'given twice'),
        ({'fill_value': 0.0}, 'fill_value given, but it only acts with project'),
        ({'connectivity': 'covariance', 'fisher_z': True}, 'not for covariance'),
        ({'atlas_names': ['AAL']}, 'atlas_names given, but it only acts with reports'),
        # Parameters that act with others only are tried alone in tests/test_pages.py.
        ({'use_confounds': True, 'fd_threshold': 0.2}, 'fd_threshold given, but it only acts with'),
        ({'use_confounds': True, 'dvars_threshold': 3.0}, 'dvars_threshold given, but it only acts with'),
        ({'use_confounds': True, 'n_compcor': 3}, 'n_compcor given, but it only acts with'),
    ],
)
def test_contradictions_raise_while_the_graph_is_built(parameters, message):
    with pytest.raises(LabelsError, match=message):
        init_labels_wf(**parameters)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('strategy', 'mode'),
        ('resampling_target', 'image'),
        ('interpolation', 'sinc'),
        ('smoothing_fwhm', -1.0),
        ('smoothing_fwhm', float('nan')),
        ('smoothing_fwhm', [6.0, 6.0]),
        ('smoothing_fwhm', 'fast'),
        ('dtype', 'int16'),
        ('dtype', np.int32),
        ('dtype', bool),
        ('nan_policy', 'keep'),
        ('missing_labels', 'keep'),
        ('min_coverage', 1.5),
        ('min_coverage', -0.1),
        ('standardize', 'z'),
        ('filter', 'fft'),
        ('low_pass', 0.0),
        ('high_pass', -0.01),
        ('high_pass', float('nan')),
        ('low_pass', float('inf')),
        ('low_pass', '0.1'),
        ('censored_output', 'zero'),
        ('project', 'space'),
        ('connectivity', 'tangent'),
        ('connectivity', True),
        ('detrend', 'yes'),
        ('background_label', 0.5),
        ('num_threads', 0),
        ('name', 'a.b'),
    ],
)
def test_a_bad_value_raises_while_the_graph_is_built(name, value):
    with pytest.raises((TraitError, ValueError, TypeError)):
        init_labels_wf(**{name: value})


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('confounds_strategy', ['48P']),
        ('n_compcor', 0),
        ('fd_threshold', -1.0),
        ('dvars_threshold', -1.0),
        ('confounds_na', 'drop'),
    ],
)
def test_a_bad_value_for_confounds_raises_while_the_graph_is_built(name, value):
    with pytest.raises((TraitError, ValueError)):
        init_labels_wf(use_confounds=True, **{'confounds_strategy': ['6P', 'aCompCor', 'scrubbing'], name: value})


def test_a_graph_that_is_built_has_not_run(tmp_path):
    init_labels_wf(**FULL)
    assert list((tmp_path / 'cwd').iterdir()) == []


def hashes(**parameters):
    return {
        name: node.interface.inputs.get_hashval(hash_method='content')[1]
        for name, node in inner_nodes(**parameters).items()
    }


@pytest.mark.parametrize(
    ('spelled', 'plain'),
    [
        ({'standardize': True}, {'standardize': 'zscore'}),
        ({'standardize': None}, {'standardize': False}),
        ({'standardize': 'none'}, {'standardize': False}),
        ({'standardize': np.True_}, {'standardize': True}),
        ({'detrend': np.True_}, {'detrend': True}),
        ({'use_mask': np.bool_(False)}, {'use_mask': False}),
        ({'dtype': np.float32}, {'dtype': 'float32'}),
        ({'dtype': np.dtype('f8')}, {'dtype': 'float64'}),
        ({'dtype': float}, {'dtype': 'float64'}),
        ({'dtype': None}, {'dtype': 'none'}),
        ({'resampling_target': None}, {'resampling_target': 'none'}),
        ({'filter': False}, {'filter': 'none'}),
        ({'filter': None}, {'filter': 'none'}),
        ({'high_pass': np.float64(0.01)}, {'high_pass': 0.01}),
        ({'high_pass': np.float32(0.25)}, {'high_pass': 0.25}),
        ({'min_coverage': np.float64(0.5)}, {'min_coverage': 0.5}),
        ({'min_coverage': 1}, {'min_coverage': 1.0}),
        ({'smoothing_fwhm': 6}, {'smoothing_fwhm': 6.0}),
        ({'smoothing_fwhm': np.float64(6)}, {'smoothing_fwhm': 6.0}),
        ({'smoothing_fwhm': (6, 6, 4)}, {'smoothing_fwhm': [6.0, 6.0, 4.0]}),
        ({'smoothing_fwhm': np.array([6.0, 6.0, 4.0])}, {'smoothing_fwhm': [6.0, 6.0, 4.0]}),
        ({'smoothing_fwhm': 0}, {'smoothing_fwhm': None}),
        ({'background_label': np.int64(-1)}, {'background_label': -1}),
        ({'labels': ('A', 'B')}, {'labels': ['A', 'B']}),
        ({'labels': np.array(['A', 'B'])}, {'labels': ['A', 'B']}),
        ({'low_pass': 1, 'high_pass': np.float64(0.5)}, {'low_pass': 1.0, 'high_pass': 0.5}),
    ],
)
def test_one_value_in_two_spellings_is_one_graph(spelled, plain):
    """Nipype hashes the spelling, and would run twice."""
    assert hashes(**spelled) == hashes(**plain)
