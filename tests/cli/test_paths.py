# SPDX-License-Identifier: BSD-3-Clause
"""Paths with characters that a shell, Nipype or its configuration interprets."""

import pytest

from nipype_labels.files.tables import read_signals

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(
    ('name', 'plugin'), [('50% threshold', 'Linear'), ('%(here)s %%', 'MultiProc'), ('100%', 'Linear')]
)
def test_paths_may_contain_percent_signs(name, plugin, small, call, tmp_path, monkeypatch):
    folder = tmp_path / name
    folder.mkdir()
    bold = small.bold.rename(folder / 'bold.nii.gz')
    asked = ('extract', str(bold), '--atlas', str(small.atlas), '-o', str(folder / 'out'), '--plugin', plugin)
    monkeypatch.chdir(folder)
    assert call(*asked)[0] == 0
    assert len(read_signals(folder / 'out' / 'atlas' / 'timeseries.tsv')[1]) == 30
    bold.write_bytes(bold.read_bytes()[:-2000])
    status, _, said = call(*asked)
    assert status == 2
    assert 'bold.nii.gz is' in said.splitlines()[-1]
    assert sorted(path.name for path in folder.iterdir()) == ['bold.nii.gz', 'out']
    assert not list(tmp_path.glob('crash*'))


def test_a_plugin_that_reads_settings_from_files_needs_another_work_folder(small, call, tmp_path):
    """All workers would fail with a traceback of ConfigParser."""
    out = str(tmp_path / '50%')
    status, _, said = call('extract', str(small.bold), '--atlas', str(small.atlas), '-o', out, '--plugin', 'SLURM')
    assert status == 2
    assert 'SLURM needs a --work-dir without %' in said.splitlines()[-1]
