# SPDX-License-Identifier: BSD-3-Clause
"""Nodes run in folders of their own, on small files and on real ones from installed packages."""

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
from nipype import config

from nipype_labels.files.tables import write_signals
from nipype_labels.interfaces import ApplyMask, ReduceLabels, Resample


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """Change to a folder of the test, which is removed with all its files."""
    (tmp_path / 'cwd').mkdir()
    monkeypatch.chdir(tmp_path / 'cwd')
    config.update_config({'execution': {'crashdump_dir': str(tmp_path), 'crashfile_format': 'txt'}})


@pytest.fixture
def run(tmp_path):
    """Run a node in an empty folder; return its outputs."""
    folders = (tmp_path / f'node-{i}' for i in itertools.count())

    def call(interface):
        folder = next(folders)
        folder.mkdir()
        return interface.run(cwd=str(folder)).outputs

    return call


@pytest.fixture
def signals(tmp_path):
    """Write signals, columns R1, R2, ... unless named, and give their path."""

    def write(values, name='signals.tsv', columns=None):
        values = np.asarray(values, dtype=float)
        path = tmp_path / name
        write_signals(path, columns or [f'R{i + 1}' for i in range(values.shape[1])], values)
        return str(path)

    return write


@pytest.fixture
def text(tmp_path):
    """Write a text; return its path."""

    def write(name, content):
        path = tmp_path / name
        path.write_text(content, encoding='utf-8')
        return str(path)

    return write


@pytest.fixture(scope='session')
def aal_on_series(aal, tmp_path_factory):
    """Labels and coverage table of AAL on the grid of each real series, made once."""
    atlas, lut = aal

    @functools.cache
    def placed(series):
        folder = tmp_path_factory.mktemp('aal')
        on_grid = Resample(in_files=atlas, reference_files=series).run(cwd=str(folder)).outputs.out_files
        outputs = ApplyMask(labels_files=on_grid, atlas_files=atlas, lut_files=lut).run(cwd=str(folder)).outputs
        return outputs.out_files, outputs.regions_files

    return lambda series: dict(zip(('labels_files', 'regions_files'), map(list, placed(series)), strict=True))


@pytest.fixture(scope='session')
def contents():
    """Bytes of all files that outputs name, by trait and place."""

    def read(outputs):
        found = {}
        for name, value in outputs.get().items():
            for i, path in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(path, str):
                    found[name, i] = Path(path).read_bytes()
        return found

    return read


@pytest.fixture
def small(image, run):
    """A node on a small series with labels on its grid; arguments replace these inputs."""

    def make(data=None, labels=None, affine=None, t_r=2.0, apply=None, **settings):
        data = np.random.default_rng(5).normal(100, 10, (4, 4, 4, 6)) if data is None else data
        if labels is None:
            labels = np.zeros((4, 4, 4), dtype='int16')
            labels[0], labels[1], labels[2] = 1, 2, 3
        labels_file = labels if isinstance(labels, str) else image('labels.nii.gz', labels, affine)
        placed = run(ApplyMask(labels_files=labels_file, **(apply or {})))
        return ReduceLabels(
            in_file=image('series.nii.gz', data, t_r=t_r if data.ndim == 4 else None),
            labels_files=placed.out_files,
            regions_files=placed.regions_files,
            **settings,
        )

    return make
