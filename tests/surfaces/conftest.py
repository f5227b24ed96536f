# SPDX-License-Identifier: BSD-3-Clause
"""A dataset with a pair of series, and the command ``derivatives`` in the folder of a test."""

import numpy as np
import pytest
from named_cases import describe
from surface_cases import noise, save_func_gii, save_label_gii


@pytest.fixture
def dataset(tmp_path):
    """A participant with a pair of series on a mesh of 12 vertices, called fsaverage5, and a pair of labels outside."""
    func = tmp_path / 'fmriprep' / 'sub-01' / 'func'
    func.mkdir(parents=True)
    describe(tmp_path / 'fmriprep')
    for side in 'LR':
        values = noise(20, 12, seed=ord(side))
        save_func_gii(func / f'sub-01_task-rest_hemi-{side}_space-fsaverage5_bold.func.gii', values, side=side)
        save_label_gii(tmp_path / f'b.{side}.label.gii', np.arange(12) % 3, {0: '???', 1: 'a', 2: 'b'}, side=side)
    return tmp_path / 'fmriprep'


@pytest.fixture
def derivatives(in_process, tmp_path, monkeypatch):
    """Run ``derivatives`` on the folder fmriprep in this process; return status and messages."""
    monkeypatch.chdir(tmp_path)

    def run(*options):
        status, said, told = in_process('derivatives', 'fmriprep', 'out', 'participant', *map(str, options))
        return status, said + told

    return run
