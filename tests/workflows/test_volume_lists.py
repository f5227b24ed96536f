# SPDX-License-Identifier: BSD-3-Clause
"""Sample masks and runs are lists or arrays; wrong ones are refused where they are set."""

import pickle
from copy import deepcopy

import numpy as np
import pytest
from nipype.interfaces import utility as niu
from nipype.interfaces.base import TraitError
from nipype.pipeline import engine as pe

from nipype_labels.files.tables import read_signals, write_signals
from nipype_labels.interfaces import CleanSignal
from nipype_labels.workflows import init_labels_wf

WRONG = [[0.5], [2, 1], [1, 1], [-1, 2], [], [[0, 1]], [[0], [1, 2]], [False, False], ['a', 'b'], 7, np.zeros((2, 2))]


def places():
    """Where a user sets a sample mask."""
    wf = init_labels_wf(use_sample_mask=True)
    node = pe.Node(CleanSignal(), name='clean')
    return [
        CleanSignal().inputs,
        node.inputs,
        node.clone('other').inputs,
        wf.inputs.inputnode,
        wf.clone('other').inputs.inputnode,
        deepcopy(wf).inputs.inputnode,
        pickle.loads(pickle.dumps(wf)).inputs.inputnode,
    ]


@pytest.mark.parametrize('value', WRONG, ids=repr)
def test_a_mask_that_fits_no_series_is_refused_at_assignment(value):
    for inputs in places():
        with pytest.raises(TraitError, match='sample_mask'):
            inputs.sample_mask = value


@pytest.mark.parametrize('value', [np.array([0, 2, 3]), (0, 2, 3), [0, 2, 3], np.array([0, 2, 3], dtype='uint8')])
def test_arrays_become_lists(value):
    """Nipype hashes all values of lists."""
    for inputs in places():
        inputs.sample_mask = inputs.runs = value
        assert inputs.sample_mask == inputs.runs == [0, 2, 3]


def test_arrays_give_what_lists_give_and_rerun_nothing(tmp_path):
    write_signals(tmp_path / 'signals.tsv', ['a'], np.random.default_rng(0).normal(size=(3000, 1)))
    flags = np.ones(3000, dtype=bool)
    flags[1500] = False

    def cleaned(mask, folder):
        clean = pe.Node(CleanSignal(signals_files=[str(tmp_path / 'signals.tsv')]), name='clean')
        source = pe.Node(niu.IdentityInterface(fields=['mask']), name='source')
        source.inputs.mask = mask
        wf = pe.Workflow(name='wf', base_dir=str(tmp_path / folder))
        wf.connect(source, 'mask', clean, 'sample_mask')
        (done,) = [node for node in wf.run().nodes() if node.name == 'clean']
        return len(read_signals(done.result.outputs.out_files[0])[1])

    assert cleaned(flags, 'one') == cleaned(flags.tolist(), 'other') == 2999
    flags[1501] = False
    assert cleaned(flags, 'one') == 2998
