# SPDX-License-Identifier: BSD-3-Clause
"""Confounds tables of fMRIPrep: examples of nilearn, one with all that censors volumes, and what nilearn takes."""

import importlib.util
import json
import shutil
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

DATA = Path(importlib.util.find_spec('nilearn').origin).parent / 'interfaces' / 'fmriprep' / 'data'
OLD = DATA / 'test_desc-confounds_regressors.tsv'
NEW = DATA / 'test-v21_desc-confounds_timeseries.tsv'
STEADY = DATA / 'no_nonsteady_desc-confounds_regressors.tsv'
N_VOLUMES = 30

#: Names of a run of fMRIPrep.
RUN = 'sub-01_task-rest'
TABLE = f'{RUN}_desc-confounds_timeseries.tsv'

MOTION = [f'{kind}_{axis}' for kind in ('trans', 'rot') for axis in 'xyz']


def copy_table(path, folder):
    """A run's confounds table and its JSON file, as copies of those at a path; the table."""
    for source in (path, path.with_suffix('.json')):
        if source.is_file():
            shutil.copy(source, (folder / TABLE).with_suffix(source.suffix))
    return folder / TABLE


def write_spiky(folder, n_volumes=60):
    """A table with volumes before the steady state, spikes, and components of three masks, and its JSON; the table."""
    rng = np.random.default_rng(3)
    signals = [*MOTION, 'csf', 'white_matter', 'global_signal']
    table = pd.DataFrame(rng.normal(size=(n_volumes, len(signals))), columns=signals)
    for name in signals:
        table[f'{name}_derivative1'] = table[name].diff()
        table[f'{name}_power2'] = table[name] ** 2
        table[f'{name}_derivative1_power2'] = table[f'{name}_derivative1'] ** 2
    moves, changes = np.full(n_volumes, 0.1), np.full(n_volumes, 1.0)
    moves[[4, 9, 10, 30]], changes[[16, 30, 58]] = 0.7, 2.0
    moves[0] = changes[0] = np.nan
    table['framewise_displacement'], table['std_dvars'] = moves, changes
    # Numbers of components do not follow the masks.
    masks = ['WM', 'combined', 'CSF', 'combined', 'WM', 'CSF', 'combined']
    for i in range(len(masks)):
        table[f'a_comp_cor_{i:02d}'] = rng.normal(size=n_volumes)
    table['cosine00'] = np.cos(np.pi * (np.arange(n_volumes) + 0.5) / n_volumes)
    for i in range(2):
        table[f'non_steady_state_outlier{i:02d}'] = (np.arange(n_volumes) == i).astype(float)
    table.to_csv(folder / TABLE, sep='\t', na_rep='n/a', index=False)
    described = {f'a_comp_cor_{i:02d}': {'Mask': mask, 'Method': 'aCompCor'} for i, mask in enumerate(masks)}
    (folder / TABLE).with_suffix('.json').write_text(json.dumps(described))
    return folder / TABLE


def ask_nilearn(table, loader='load_confounds', desc='preproc', **settings):
    """Names of columns and retained volumes that nilearn takes of a table, which has the name of a run."""
    from nilearn.interfaces import fmriprep

    n_volumes = len(pd.read_csv(table, sep='\t'))
    bold = table.parent / f'{RUN}_space-MNI152NLin2009cAsym_desc-{desc}_bold.nii.gz'
    nib.Nifti1Image(np.zeros((2, 2, 2, n_volumes), np.float32), np.eye(4)).to_filename(bold)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        confounds, kept = getattr(fmriprep, loader)(str(bold), **settings)
    return set(confounds), list(range(n_volumes) if kept is None else kept)
