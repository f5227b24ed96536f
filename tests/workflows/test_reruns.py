# SPDX-License-Identifier: BSD-3-Clause
"""Each parameter and each input, changed one at a time: the nodes that depend on it run again, and no others."""

import hashlib
import inspect
import shutil
from pathlib import Path

import networkx as nx
import nibabel
import numpy as np
import pytest
from nipype.utils.filemanip import ensure_list
from rerun_cases import N_VOLUMES, SWITCHES, write_inputs

from nipype_labels.files.tables import write_signals
from nipype_labels.interfaces import CleanSignal
from nipype_labels.workflows import init_labels_wf
from nipype_labels.workflows.nodes import INPUTS
from nipype_labels.workflows.resources import Sizes

pytestmark = pytest.mark.slow

BASE = {
    'use_mask': True,
    'use_luts': True,
    'use_confounds': True,
    'use_sample_mask': True,
    'high_variance_confounds': True,
    'confounds_columns': ['csf'],
    'min_coverage': 0.75,
    'detrend': True,
    'project': 'labels',
}
SCRUBBING = {'confounds_strategy': ['6P', 'scrubbing']}
SEEDS = {'radius': 5.0}
GAPS = {'confounds_na': 'zero', 'confounds_columns': ['std_dvars'], 'use_sample_mask': False}

#: For each parameter another value, the nodes whose settings it changes or that it adds, and what it needs to act.
PARAMETERS = {
    'use_mask': (False, 'apply_mask high_variance', {}),
    'use_luts': (False, 'apply_mask', {}),
    'use_confounds': (False, 'clean', {'confounds_columns': []}),
    'use_sample_mask': (False, 'clean', {}),
    'labels': (['A', 'B', 'C', 'D', 'E'], 'apply_mask', {'use_luts': False}),
    'background_label': (1, 'resample_labels apply_mask', {}),
    'resampling_target': ('labels', 'resample_mask_to_series reduce', {}),
    'interpolation': ('linear', 'reduce', {'resampling_target': 'labels'}),
    'smoothing_fwhm': (6.0, 'reduce', {}),
    'strategy': ('median', 'reduce', {}),
    'radius': (7.0, 'resample_labels', SEEDS),
    'allow_overlap': (False, 'apply_mask', SEEDS),
    'include_nearest': (True, 'resample_labels', SEEDS),
    'dtype': ('float32', 'reduce', {}),
    'nan_policy': ('zero', 'reduce', {}),
    'zeros': ('keep', 'reduce', {}),
    'missing_labels': ('drop', 'reduce clean', {}),
    'unknown_orientation': ('accept', 'resample_labels resample_mask reduce clean', {}),
    'min_coverage': (0.0, 'reduce', {}),
    'high_variance_confounds': (False, 'clean', {}),
    'confounds_columns': (['rot_.'], 'clean', {}),
    'confounds_strategy': (['6P'], 'clean', {}),
    'n_compcor': (2, 'clean', {'confounds_strategy': ['aCompCor']}),
    'acompcor': ('separated', 'clean', {'confounds_strategy': ['aCompCor']}),
    'fd_threshold': (0.4, 'clean', SCRUBBING),
    'dvars_threshold': (1.4, 'clean', SCRUBBING),
    'min_segment': (3, 'clean', SCRUBBING),
    'non_steady_state': ('keep', 'clean', {'use_sample_mask': False}),
    'confounds_na': ('mean', 'clean', GAPS),
    'standardize_confounds': (False, 'clean', {'detrend': False}),
    'detrend': (False, 'clean', {}),
    'filter': ('cosine', 'clean', {'high_pass': 0.02}),
    'low_pass': (0.1, 'clean', {}),
    'high_pass': (0.02, 'clean', {}),
    'standardize': ('psc', 'clean', {}),
    'censored_output': ('nan', 'clean', {}),
    'fill_censored': ('cubic', 'clean', {'low_pass': 0.1}),
    'project': ('none', '', {}),
    'fill_value': (0.0, 'project', {}),
    'connectivity': ('covariance', 'connectivity', {}),
    'covariance_estimator': ('ledoit_wolf', 'connectivity', {'connectivity': 'correlation'}),
    'fisher_z': (True, 'connectivity', {'connectivity': 'correlation'}),
    'reports': (True, 'report', {}),
    'atlas_names': (['Mine'], 'report', {'reports': True}),
    'sizes': (Sizes(n_atlases=7), '', {}),
    'num_threads': (2, '', {}),
    'name': ('other_wf', '', {}),
}

#: Parameters that the quick suite changes: some of each node, a switch, and those that rerun nothing.
QUICK = ('use_mask', 'background_label', 'resampling_target', 'strategy', 'confounds_strategy', 'fill_value')
QUICK += ('connectivity', 'reports', 'num_threads', 'name')

#: Parameters that change no number.
INERT = {'allow_overlap', 'zeros', 'sizes', 'num_threads', 'name'}


@pytest.fixture
def inputs(tmp_path):
    """Values of all inputs."""
    return write_inputs(tmp_path / 'inputs', seed=0)


@pytest.fixture
def rerun(run):
    """Run a graph, assert that the nodes whose inputs changed are executed and no others, and return the outputs."""
    known = {}

    def call(inputs, parameters):
        given = {name: value for name, value in inputs.items() if parameters.get(SWITCHES.get(name), True)}
        outcome = run(given, **parameters)
        taken = {node.fullname: taken_in(node) for node in outcome.graph.nodes() if node.name != 'sink'}
        news = {name.rsplit('.', 1)[1] for name, what in taken.items() if known.get(name) != what}
        known.update(taken)
        assert set(outcome.executed) == news
        return news, {name: contents(value) for name, value in vars(outcome.outputs).items()}

    return call


def taken_in(node):
    """Inputs that affect a node: contents of files, of some files only the grid; without the number of threads."""
    values = {name: getattr(node.inputs, name) for name in node.inputs.copyable_trait_names()}
    values.pop('num_threads', None)
    for name in getattr(node.inputs, 'names_only', ()):
        values.pop(name, None)
    references = map(nibabel.load, values.pop('reference_files', []))
    grids = [(image.shape[:3], image.affine.tolist()) for image in references]
    return {name: contents(value) for name, value in values.items()}, grids


def contents(value):
    """A value in which names of files are replaced by their contents."""
    if isinstance(value, list):
        return [contents(entry) for entry in value]
    isfile = isinstance(value, str) and Path(value).is_absolute()
    return hashlib.sha256(Path(value).read_bytes()).hexdigest() if isfile else value


def wiring(parameters):
    """Settings of each node, its connected inputs, and the graph of connections."""
    graph = init_labels_wf(**parameters)._graph
    settings = {node.name: node.inputs.get() | {'num_threads': None} for node in graph}
    fed = {node.name: set() for node in graph}
    for source, target, edge in graph.edges(data=True):
        fed[target.name] |= {(source.name, *fields) for fields in edge['connect']}
    return settings, fed, nx.relabel_nodes(graph, {node: node.name for node in graph})


def inner(names):
    """Names of nodes without input and output nodes."""
    return {name for name in names if name not in ('inputnode', 'outputnode')}


def reach(graph, names):
    """Names of these nodes and of all nodes downstream."""
    return inner(names).union(*(inner(nx.descendants(graph, name)) for name in names))


def test_every_parameter_has_a_case():
    # Weights by area and CIFTI files are refused for volumes: tests/surfaces.
    assert {*PARAMETERS, 'weight', 'cifti_outputs'} == set(inspect.signature(init_labels_wf).parameters)


@pytest.mark.parametrize(
    'name', [pytest.param(name, marks=[] if name in QUICK else pytest.mark.endurance) for name in PARAMETERS]
)
def test_a_changed_parameter_reruns_its_nodes_and_those_whose_inputs_change(name, inputs, rerun):
    value, nodes, needs = PARAMETERS[name]
    base = BASE | needs
    if name == 'use_confounds':
        # A table that is used whole, which one of fMRIPrep is not.
        write_signals(inputs['confounds_file'], ['heart'], np.random.default_rng(0).normal(size=(N_VOLUMES, 1)))
    if needs is SEEDS:
        seeds = Path(inputs['bold_file']).with_name('seeds.tsv')
        seeds.write_text('x\ty\tz\tradius\tname\n6\t6\t6\t\tV1\n13\t13\t13\t0.5\tM1\n', encoding='utf-8')
        inputs['atlas_files'].append(str(seeds))
        inputs['atlas_luts'].append(None)
    _, first = rerun(inputs, base)
    executed, second = rerun(inputs, base | {name: value})
    back, third = rerun(inputs, base)
    assert first == third
    assert (first == second) == (name in INERT)
    (settings, fed, _), (new_settings, new_fed, graph) = wiring(base), wiring(base | {name: value})
    own = inner(node for node in graph if new_settings[node] != settings.get(node))
    moved = inner(node for node in graph if new_fed[node] != fed.get(node))
    assert own == set(nodes.split())
    if name == 'name':
        # In another folder nothing is known, and in the first one all still is.
        assert (executed, back) == (inner(graph), set())
    else:
        assert own <= executed <= reach(graph, own | moved)
        assert back == executed & set(fed)


def test_a_changed_input_reruns_its_readers_and_those_whose_inputs_change(inputs, rerun, tmp_path):
    """All inputs are changed, one after the other, and back."""
    _, fed, graph = wiring(BASE)
    unread = {'reference_files', *CleanSignal.input_spec.names_only}
    _, first = rerun(inputs, BASE)
    for seed in (1, 0):
        others = write_inputs(tmp_path / f'inputs-{seed}', seed)
        for name in (name for name in INPUTS if name not in ('areas_file', 'surface_files')):
            if name == 't_r':
                inputs['t_r'] = others['t_r']
            else:
                for path, other in zip(ensure_list(inputs[name]), ensure_list(others[name]), strict=True):
                    shutil.copy(other, path)
            readers = {node for node in graph for _, field, into in fed[node] if field == name and into not in unread}
            executed, outputs = rerun(inputs, BASE)
            assert readers <= executed <= reach(graph, readers), name
    assert outputs == first
