# SPDX-License-Identifier: BSD-3-Clause
"""Sources of equal content are the same sources, whatever their names and times."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from graph_cases import FULL, basic, full

pytestmark = pytest.mark.slow

ALL_NODES = ['apply_mask', 'clean', 'high_variance', 'project', 'reduce', 'resample_labels', 'resample_mask']


def test_touched_rewritten_and_copied_sources_rerun_nothing(small, tmp_path, run):
    first = run(full(small), **FULL)
    assert first.executed == first.nodes == ALL_NODES
    for path in (small.bold_file, *small.atlas_files, *small.atlas_luts, small.bold_mask, small.confounds_file):
        content = Path(path).read_bytes()
        Path(path).unlink()
        Path(path).write_bytes(content)
        os.utime(path, (1, 1))
    second = run(full(small), **FULL)
    assert (second.executed, second.outputs) == ([], first.outputs)
    small.confounds_file = shutil.copy(small.confounds_file, tmp_path / 'copied.tsv')
    small.bold_file = shutil.copy(small.bold_file, tmp_path / 'copied.nii.gz')
    assert run(full(small), **FULL).executed == []


@pytest.mark.parametrize('gone', [False, True])
def test_a_copy_of_an_atlas_gives_the_same_bytes_if_the_first_file_changes_or_is_removed(
    gone, small, image, run, tmp_path
):
    labels = np.kron(np.array([1, 2, 4]).reshape(3, 1, 1), np.ones((2, 6, 6))).astype('int16')
    old = image('atlas.nii.gz', labels, small.affine)
    first = run({**basic(small), 'atlas_files': [old]})
    before = Path(first.outputs.timeseries[0]).read_bytes()
    new = shutil.copy(old, tmp_path / 'copied.nii.gz')
    if gone:
        Path(old).unlink()
    else:
        image('atlas.nii.gz', labels[::-1], small.affine)
    second = run({**basic(small), 'atlas_files': [new]})
    assert Path(second.outputs.timeseries[0]).read_bytes() == before
