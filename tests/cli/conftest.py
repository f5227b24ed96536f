# SPDX-License-Identifier: BSD-3-Clause
"""Run the command in this process or in a process of its own, each in a folder of its own."""

import os
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from dataset_cases import make_atlases, make_dataset
from images import save_image
from program import PROGRAM

from nipype_labels.files.tables import write_signals


@pytest.fixture
def process(tmp_path):
    """Run the command in a process of its own, as a user does."""

    def run(*arguments, seconds=60, path=None):
        return subprocess.run(
            [*PROGRAM, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=seconds,
            cwd=tmp_path,
            env=os.environ | ({'PYTHONPATH': str(path)} if path else {}),
        )

    return run


@pytest.fixture
def call(tmp_path, monkeypatch, in_process):
    """Run the command in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return in_process


@pytest.fixture
def command(call):
    """Run the command in this process; the same result as from a process of its own."""

    def run(*arguments):
        arguments = list(map(str, arguments))
        return subprocess.CompletedProcess(arguments, *call(*arguments))

    return run


@pytest.fixture
def small(tmp_path):
    """A series, an atlas with a table, a mask and confounds, each on a grid of its own."""
    rng = np.random.default_rng(40)

    def save(name, data, size, t_r=None):
        return save_image(tmp_path / name, data, np.diag([size, size, size, 1.0]), t_r)

    atlas = np.zeros((16, 12, 12), dtype='int16')
    atlas[:4], atlas[4:8], atlas[8:12], atlas[14:] = 1, 2, 4, 9
    other = np.zeros((12, 12, 12), dtype='int16')
    other[:6], other[6:] = 1, 2
    (tmp_path / 'lut.tsv').write_text('index\tname\n4\tFour\n1\tOne\n2\tTwo\n9\tNine\n')
    (tmp_path / 'short.txt').write_text('One\nTwo\n')
    write_signals(tmp_path / 'confounds.tsv', ['csf', 'rot_x'], rng.normal(size=(30, 2)))
    mask = np.ones((3, 3, 3), dtype='uint8')
    return SimpleNamespace(
        bold=save('bold.nii.gz', rng.normal(1000, 20, (6, 6, 6, 30)), 4, 2.0),
        atlas=save('atlas.nii.gz', atlas, 2),
        other=save('other/atlas.nii.gz', other, 2),
        mask=save('mask.nii.gz', mask, 8),
        lut=tmp_path / 'lut.tsv',
        short=tmp_path / 'short.txt',
        confounds=tmp_path / 'confounds.tsv',
        out=tmp_path / 'out',
    )


@pytest.fixture(scope='session')
def made(tmp_path_factory):
    """A dataset and atlases, to copy."""
    folder = tmp_path_factory.mktemp('made')
    make_dataset(folder / 'fmriprep')
    make_atlases(folder / 'atlases')
    return folder


@pytest.fixture
def data(made, tmp_path):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path
