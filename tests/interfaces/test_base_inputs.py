# SPDX-License-Identifier: BSD-3-Clause
"""Every node checks all its inputs when it runs."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from nipype.interfaces import utility as niu
from nipype.interfaces.base import TraitError, isdefined
from nipype.pipeline import engine as pe
from node_cases import clean_node, digest, runnable

from nipype_labels.interfaces import (
    ApplyMask,
    CleanSignal,
    HighVarianceConfounds,
    InverseProject,
    ReduceLabels,
    Resample,
)
from nipype_labels.model.errors import LabelsError

OPTIONAL_FILES = [
    (ApplyMask, 'atlas_files'),
    (ApplyMask, 'mask_files'),
    (ApplyMask, 'lut_files'),
    (CleanSignal, 'confounds_files'),
    (CleanSignal, 'high_variance_file'),
    (CleanSignal, 'sidecar_file'),
    (CleanSignal, 'sample_mask'),
    (CleanSignal, 'runs'),
    (HighVarianceConfounds, 'mask_file'),
]


@pytest.mark.parametrize(('interface', 'name'), OPTIONAL_FILES)
def test_an_optional_file_that_vanished_is_an_error(interface, name, image, signals, text, run):
    """If it became undefined, the node would run without it."""
    path = text('gone.tsv', 'anything')
    node = runnable(interface, image, signals, **{name: path})
    Path(path).unlink()
    with pytest.raises(LabelsError, match=rf'{interface.__name__}\.{name}: no such file: .*gone\.tsv'):
        run(node)


@pytest.mark.parametrize(
    ('interface', 'name'),
    [
        (ApplyMask, 'labels_files'),
        (CleanSignal, 'signals_files'),
        (HighVarianceConfounds, 'in_file'),
        (InverseProject, 'signals_files'),
        (ReduceLabels, 'in_file'),
        (Resample, 'in_files'),
    ],
)
def test_a_missing_mandatory_input_is_an_error_of_the_run_not_of_what_comes_before(interface, name, run):
    assert interface()._check_mandatory_inputs() is None
    with pytest.raises(ValueError, match=f'requires a value for input.*{name}'):
        run(interface())


def test_relative_names_become_absolute_when_set(signals, text, run):
    Path('confounds.tsv').write_text('csf\n1\n2\n0\n5\n')
    Path('mask.txt').write_text('true\ntrue\nfalse\ntrue\n')
    node = clean_node(signals, confounds_files='confounds.tsv', sample_mask='mask.txt')
    here = str(Path.cwd())
    assert node.inputs.confounds_files == [f'{here}/confounds.tsv']
    assert node.inputs.sample_mask == f'{here}/mask.txt'
    assert ApplyMask(lut_files=[None, 'lut.tsv']).inputs.lut_files == [None, f'{here}/lut.tsv']
    assert isdefined(run(node).out_files)


def test_home_is_expanded(monkeypatch):
    monkeypatch.setenv('HOME', '/home/someone')
    assert ReduceLabels(in_file='~/bold.nii.gz').inputs.in_file == '/home/someone/bold.nii.gz'


def test_links_keep_their_names():
    Path('MD5E-s1--abc').write_text('x')
    Path('sub-01_bold.nii.gz').symlink_to('MD5E-s1--abc')
    assert ReduceLabels(in_file='sub-01_bold.nii.gz').inputs.in_file == str(Path.cwd() / 'sub-01_bold.nii.gz')


SWITCHES = [
    (ApplyMask, 'use_mask', 'mask_files'),
    (ApplyMask, 'use_luts', 'lut_files'),
    (CleanSignal, 'use_confounds', 'confounds_files'),
    (CleanSignal, 'use_high_variance', 'high_variance_file'),
    (CleanSignal, 'use_sample_mask', 'sample_mask'),
    (HighVarianceConfounds, 'use_mask', 'mask_file'),
]


@pytest.mark.parametrize(('interface', 'switch', 'name'), SWITCHES)
def test_a_switch_demands_or_forbids_its_input(interface, switch, name, image, signals, text, run):
    node = runnable(interface, image, signals, **{switch: True})
    with pytest.raises(LabelsError, match=f'{switch} is True, but {name} is not given'):
        run(node)
    node = runnable(interface, image, signals, **{switch: False, name: text('given.tsv', 'anything')})
    with pytest.raises(LabelsError, match=f'{switch} is False, but {name} is given'):
        run(node)
    assert digest(interface(**{switch: True})) != digest(interface(**{switch: False})) != digest(interface())


def test_a_switch_that_agrees_changes_nothing(signals, text, run, contents):
    table = text('confounds.tsv', 'csf\n1\n2\n0\n5\n')
    with_it = [run(clean_node(signals, confounds_files=table, **s)) for s in ({}, {'use_confounds': True})]
    without = [run(clean_node(signals, **s)) for s in ({}, {'use_confounds': False})]
    assert contents(with_it[0]) == contents(with_it[1])
    assert contents(without[0]) == contents(without[1])
    assert contents(with_it[0])['out_files', 0] != contents(without[0])['out_files', 0]


def test_lists_of_different_lengths_are_named(image, run):
    labels = [image(f'{i}.nii', np.ones((2, 2, 2), dtype='int16')) for i in range(3)]
    with pytest.raises(LabelsError, match='in_files 3, reference_files 2'):
        run(Resample(in_files=labels, reference_files=labels[:2]))


UNFIT = [
    (ReduceLabels, 'in_file', 3),
    (ReduceLabels, 'labels_files', [{'a': 1}]),
    (ReduceLabels, 'strategy', 'average'),
    (CleanSignal, 't_r', 'fast'),
    (CleanSignal, 'confounds_files', [4.5]),
    (ApplyMask, 'mask_files', 7),
    (InverseProject, 't_r', []),
    (HighVarianceConfounds, 'in_file', ['a', 'b']),
    (Resample, 'in_files', [[1]]),
]


#: Ways to get a node.
OBTAINED = {
    'made': lambda node: node,
    'cloned': lambda node: node.clone('other'),
    'copied': copy.deepcopy,
    'unpickled': lambda node: pickle.loads(pickle.dumps(node)),
    'of a cloned graph': lambda node: _graph_of(node).clone('other').get_node(node.name),
}


def _graph_of(node):
    wf = pe.Workflow('one')
    wf.add_nodes([node])
    return wf


@pytest.mark.parametrize(('interface', 'name', 'value'), UNFIT)
@pytest.mark.parametrize('obtained', OBTAINED)
def test_a_value_that_does_not_fit_is_refused_at_once(obtained, interface, name, value):
    node = OBTAINED[obtained](pe.Node(interface(), name='node'))
    before = digest(node.interface)
    with pytest.raises(TraitError, match=name):
        setattr(node.inputs, name, value)
    assert digest(node.interface) == before


def hand_on(value):
    """Return the value of an upstream node."""
    return value


def upstream_of(node, name, value, folder):
    """A graph in which a node of the host is connected to an input."""
    wf = pe.Workflow('host', base_dir=str(folder))
    source = pe.Node(niu.Function(input_names=['value'], output_names=['value'], function=hand_on), name='source')
    source.inputs.value = value
    wf.connect(source, 'value', node, name)
    return wf


@pytest.mark.parametrize(('interface', 'name', 'value'), [*UNFIT, (ApplyMask, 'labels', ['a'])])
def test_a_value_from_upstream_is_an_error_of_the_run(interface, name, value, image, signals, tmp_path):
    given = {'lut_files': ['lut.tsv']} if name == 'labels' else {}
    node = pe.Node(runnable(interface, image, signals, **given), name='node').clone('other')
    with pytest.raises(RuntimeError, match=rf'LabelsError: {interface.__name__}: .*{name}'):
        upstream_of(node, name, value, tmp_path / 'work').run()


def test_a_choice_that_resembles_another_is_suggested():
    with pytest.raises(TraitError, match=r"'medain' .*; did you mean 'median'"):
        ReduceLabels(strategy='medain')
    with pytest.raises(TraitError, match="; did you mean 'scrubbing'"):
        CleanSignal(confounds_strategy=['6P', 'Scrubing'])
    with pytest.raises(TraitError, match="; did you mean 'min_coverage'"):
        ReduceLabels(minimum_coverage=0.5)


@pytest.mark.parametrize('name', ['in_file', 'labels_files'])
def test_a_list_of_one_file_is_that_file(name):
    given = getattr(ReduceLabels(**{name: ['one.nii.gz']}).inputs, name)
    assert given == (f'{Path.cwd()}/one.nii.gz' if name == 'in_file' else [f'{Path.cwd()}/one.nii.gz'])


def test_a_list_of_several_series_names_what_takes_them():
    """Nipype has two ways to run a node for each."""
    with pytest.raises(TraitError, match=r"takes one file, and 2 are given: .* MapNode .*\['in_file'\] .*iterables"):
        ReduceLabels(in_file=['one.nii.gz', 'two.nii.gz'])


@pytest.mark.parametrize('value', ['x' * 300, '/nowhere/' + 'é' * 200], ids=['characters', 'bytes'])
def test_a_name_that_is_too_long_is_an_error_of_the_run(value, image, signals, tmp_path):
    node = pe.Node(runnable(ReduceLabels, image, signals), name='node')
    with pytest.raises(RuntimeError, match=r'LabelsError: ReduceLabels\.in_file: no such file'):
        upstream_of(node, 'in_file', value, tmp_path / 'work').run()


def test_names_that_are_not_utf8_are_hashed():
    digests = {digest(ReduceLabels(in_file=name)) for name in ('odd-\udcff.nii', 'odd-\udcfe.nii', 'odd-.nii')}
    assert len(digests) == 3
