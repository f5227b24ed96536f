# SPDX-License-Identifier: BSD-3-Clause
"""A second run executes nothing, and what has changed is executed again."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from graph_cases import FULL, basic, full

pytestmark = pytest.mark.slow

ALL_NODES = ['apply_mask', 'clean', 'high_variance', 'project', 'reduce', 'resample_labels', 'resample_mask']


def test_a_second_run_executes_nothing(small, run):
    first, second = (run(full(small), **FULL) for _ in range(2))
    assert first.executed == first.nodes == ALL_NODES
    assert second.executed == []
    assert second.outputs == first.outputs


def test_touched_rewritten_and_copied_sources_rerun_nothing(small, tmp_path, run):
    run(full(small), **FULL)
    for path in (small.bold_file, *small.atlas_files, *small.atlas_luts, small.bold_mask, small.confounds_file):
        content = Path(path).read_bytes()
        Path(path).unlink()
        Path(path).write_bytes(content)
        os.utime(path, (1, 1))
    assert run(full(small), **FULL).executed == []
    small.confounds_file = shutil.copy(small.confounds_file, tmp_path / 'copied.tsv')
    small.bold_file = shutil.copy(small.bold_file, tmp_path / 'copied.nii.gz')
    assert run(full(small), **FULL).executed == []


def test_a_renamed_atlas_keeps_its_outputs_if_the_old_file_changes(small, image, run, tmp_path):
    labels = np.kron(np.array([1, 2, 4]).reshape(3, 1, 1), np.ones((2, 6, 6))).astype('int16')
    old = image('atlas.nii.gz', labels, small.affine)
    first = run({**basic(small), 'atlas_files': [old]})
    before = Path(first.outputs.timeseries[0]).read_bytes()
    new = shutil.copy(old, tmp_path / 'kept.nii.gz')
    image('atlas.nii.gz', labels[::-1], small.affine)
    second = run({**basic(small), 'atlas_files': [new]})
    assert Path(second.outputs.timeseries[0]).read_bytes() == before


def test_an_atlas_that_was_removed_after_it_was_copied_is_not_missed(small, image, run, tmp_path):
    labels = np.kron(np.array([1, 2, 4]).reshape(3, 1, 1), np.ones((2, 6, 6))).astype('int16')
    old = image('atlas.nii.gz', labels, small.affine)
    first = run({**basic(small), 'atlas_files': [old]})
    before = Path(first.outputs.timeseries[0]).read_bytes()
    new = shutil.move(old, tmp_path / 'moved.nii.gz')
    second = run({**basic(small), 'atlas_files': [new]})
    assert Path(second.outputs.timeseries[0]).read_bytes() == before


def test_deleted_outputs_are_made_again(small, run):
    first = run(full(small), **FULL)
    before = Path(first.outputs.timeseries[0]).read_bytes()
    for path in (*first.outputs.timeseries, *first.outputs.raw_timeseries):
        Path(path).unlink()
    again = run(full(small), **FULL)
    assert Path(again.outputs.timeseries[0]).read_bytes() == before
    assert again.outputs == first.outputs
