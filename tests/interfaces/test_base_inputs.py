# SPDX-License-Identifier: BSD-3-Clause
"""What every node promises: inputs that are checked, each of them, when the node runs."""

import contextlib
import copy
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nipype.interfaces.base import TraitError, isdefined
from nipype.pipeline import engine as pe
from node_cases import clean_node, digest, runnable

from nipype_labels import interfaces
from nipype_labels.core.errors import LabelsError
from nipype_labels.interfaces import (
    ApplyMask,
    CleanSignal,
    HighVarianceConfounds,
    InverseProject,
    ReduceLabels,
    Resample,
)

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
    """It must never become undefined, for then the node would run without it."""
    path = text('gone.tsv', 'anything')
    node = runnable(interface, image, signals, **{name: path})
    Path(path).unlink()
    with pytest.raises(LabelsError, match=rf'{interface.__name__}\.{name}: no such file: .*gone\.tsv'):
        run(node)


def test_a_file_that_vanished_is_an_error_in_a_graph_too(signals, text, tmp_path):
    """Nipype copies its graph before it runs, and a copy forgets files that are checked when set."""
    path = text('confounds.tsv', 'csf\n1\n2\n0\n5\n')
    wf = pe.Workflow('host', base_dir=str(tmp_path))
    wf.add_nodes([pe.Node(clean_node(signals, confounds_files=path), name='clean')])
    Path(path).unlink()
    with pytest.raises(RuntimeError, match=r'no such file: .*confounds\.tsv'):
        wf.run()


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
    """Errors before the run context leave MultiProc waiting for ever."""
    assert interface()._check_mandatory_inputs() is None
    with pytest.raises(ValueError, match=f'requires a value for input.*{name}'):
        run(interface())


MULTIPROC = """
import sys
from nipype import config
config.update_config({'execution': dict(poll_sleep_duration='0.01', crashdump_dir=sys.argv[1], crashfile_format='txt',
                                        stop_on_first_crash='true', check_version='false')})
from nipype.pipeline import engine as pe
from nipype_labels import interfaces
if __name__ == '__main__':
    for name in interfaces.__all__:
        wf = pe.Workflow(name, base_dir=sys.argv[1])
        wf.add_nodes([pe.Node(getattr(interfaces, name)(), name='node')])
        try:
            wf.run('MultiProc', plugin_args={'n_procs': 2, 'memory_gb': 4})
        except RuntimeError as e:
            with open(sys.argv[1] + '/raised', 'a') as stream:
                print(name, 'requires a value' in str(e), file=stream)
"""


@pytest.mark.timeout(90)
def test_a_missing_mandatory_input_is_an_error_under_multiproc(tmp_path):
    """Every node ends with the error, none hangs."""
    script = tmp_path / 'script.py'
    script.write_text(MULTIPROC)
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert (tmp_path / 'raised').read_text().splitlines() == [f'{name} True' for name in interfaces.__all__]


def test_relative_names_become_absolute_when_set(signals, text, run):
    """A node runs in another folder than the one it was set up in."""
    Path('confounds.tsv').write_text('csf\n1\n2\n0\n5\n')
    Path('mask.txt').write_text('true\ntrue\nfalse\ntrue\n')
    node = clean_node(signals, confounds_files='confounds.tsv', sample_mask='mask.txt')
    here = str(Path.cwd())
    assert node.inputs.confounds_files == [f'{here}/confounds.tsv']
    assert node.inputs.sample_mask == f'{here}/mask.txt'
    assert ApplyMask(lut_files=[None, 'lut.tsv']).inputs.lut_files == [None, f'{here}/lut.tsv']
    assert isdefined(run(node).out_files)


def test_home_is_expanded(monkeypatch):
    """A leading tilde is the user's home."""
    monkeypatch.setenv('HOME', '/home/someone')
    assert ReduceLabels(in_file='~/bold.nii.gz').inputs.in_file == '/home/someone/bold.nii.gz'


def test_links_keep_their_names():
    """Data managers link files of good names to files of bad ones."""
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
    """An input that was lost, or that nobody announced, never changes numbers silently."""
    node = runnable(interface, image, signals, **{switch: True})
    with pytest.raises(LabelsError, match=f'{switch} is True, but {name} is not given'):
        run(node)
    node = runnable(interface, image, signals, **{switch: False, name: text('given.tsv', 'anything')})
    with pytest.raises(LabelsError, match=f'{switch} is False, but {name} is given'):
        run(node)
    assert digest(interface(**{switch: True})) != digest(interface(**{switch: False})) != digest(interface())


def test_a_switch_that_agrees_changes_nothing(signals, text, run, contents):
    """With the input there, True and undefined give the same bytes; without it, False and undefined."""
    table = text('confounds.tsv', 'csf\n1\n2\n0\n5\n')
    with_it = [run(clean_node(signals, confounds_files=table, **s)) for s in ({}, {'use_confounds': True})]
    without = [run(clean_node(signals, **s)) for s in ({}, {'use_confounds': False})]
    assert contents(with_it[0]) == contents(with_it[1])
    assert contents(without[0]) == contents(without[1])
    assert contents(with_it[0])['out_files', 0] != contents(without[0])['out_files', 0]


def test_lists_that_do_not_go_together_are_named(image, run):
    """With their lengths."""
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


@pytest.mark.parametrize(('interface', 'name', 'value'), UNFIT)
def test_a_value_that_does_not_fit_is_refused_at_once(interface, name, value):
    """By an interface as its author has it."""
    with pytest.raises(TraitError, match=name):
        setattr(interface().inputs, name, value)


@pytest.mark.parametrize(('interface', 'name', 'value'), UNFIT)
@pytest.mark.parametrize('sent', [False, True], ids=['copied', 'pickled'])
def test_a_copy_raises_it_when_it_runs(interface, name, value, sent, image, signals, run):
    """Engines set what upstream nodes give in copies, where an exception would leave MultiProc waiting for ever."""
    node = copy.deepcopy(runnable(interface, image, signals))
    fitting = digest(node)
    setattr(node.inputs, name, value)
    node = pickle.loads(pickle.dumps(node)) if sent else node
    assert digest(node) != fitting
    with pytest.raises(LabelsError, match=rf'{interface.__name__}: .*{name}'):
        run(node)


def test_a_value_that_fits_takes_the_place_of_one_that_did_not(image, signals, run):
    node = copy.deepcopy(runnable(ApplyMask, image, signals))
    path = node.inputs.labels_files
    node.inputs.labels_files = [3]
    node.inputs.labels_files = path
    assert digest(node) == digest(runnable(ApplyMask, image, signals))
    assert run(node).out_files
