# SPDX-License-Identifier: BSD-3-Clause
"""A dataset as fMRIPrep writes it: real volumes and layouts of confounds, several spaces, echoes, and surfaces."""

import json
import shutil

import nibabel
import numpy as np
import pandas as pd
from atlas_cases import make_home, name_schaefer
from dataset_cases import MASK, SERIES
from fmriprep_tables import NEW, OLD
from images import save_image
from named_cases import describe

#: As many volumes as the 36 confounds and the filter of a preset require.
N_VOLUMES, T_R = 240, 2.0

#: Spaces of each session: the template has a resolution in one of them, and the space of the anatomical image never.
SPACES = {'1': ('space-MNI152NLin2009cAsym_res-2', 'space-T1w'), '2': ('space-MNI152NLin2009cAsym', 'space-T1w')}

#: Confounds table of each session, as fMRIPrep 1.4 and 21 wrote them.
TABLES = {'1': (OLD, 'desc-confounds_regressors'), '2': (NEW, 'desc-confounds_timeseries')}

#: The run whose series is truncated, and the one that has several echoes.
BROKEN, ECHOES = 'sub-02_ses-1_task-rest', 'sub-03_ses-2_task-nback'

RUNS = [
    f'sub-{participant}_ses-{session}_task-{task}'
    for participant in ('01', '02', '03')
    for session in SPACES
    for task in ('nback', 'rest')
]


def folder_of(root, run):
    return root / run.split('_')[0] / run.split('_')[1] / 'func'


def make_fmriprep(root):
    """Write the dataset."""
    describe(root)
    for i, run in enumerate(RUNS):
        make_run(root, run, seed=i)
    for echo in '123':
        _write_series(folder_of(root, ECHOES), f'{ECHOES}_echo-{echo}', seed=0)
    broken = folder_of(root, BROKEN) / f'{BROKEN}_{SPACES["1"][0]}_desc-preproc_bold.nii.gz'
    broken.write_bytes(broken.read_bytes()[:-20000])


def make_run(root, run, seed=0):
    """Write the files of a run."""
    folder, session = folder_of(root, run), run.split('_')[1][-1]
    folder.mkdir(parents=True, exist_ok=True)
    _write_confounds(folder, run, *TABLES[session], seed=seed)
    for space in SPACES[session]:
        _write_space(folder, f'{run}_{space}', seed=seed)
    _write_others(folder, run)


def _write_series(folder, name, seed):
    """Write the real volumes in random order with noise, and their sidecar."""
    rng, real = np.random.default_rng(seed), nibabel.load(SERIES)
    volumes = real.get_fdata(dtype='float32')[..., rng.integers(0, real.shape[3], N_VOLUMES)]
    volumes += rng.normal(0, 0.02 * volumes.std(), volumes.shape).astype('float32')
    save_image(folder / f'{name}_desc-preproc_bold.nii.gz', volumes, real.affine, T_R)
    sidecar = {'RepetitionTime': T_R, 'TaskName': name.split('task-')[1].split('_')[0], 'SkullStripped': False}
    (folder / f'{name}_desc-preproc_bold.json').write_text(json.dumps(sidecar))


def _write_space(folder, name, seed):
    """Write the files of fMRIPrep for a run in a space."""
    _write_series(folder, name, seed)
    shutil.copy(MASK, folder / f'{name}_desc-brain_mask.nii.gz')
    first = nibabel.load(SERIES).slicer[..., 0]
    for end in ('boldref', 'sbref'):
        first.to_filename(folder / f'{name}_{end}.nii.gz')
    nibabel.Nifti1Image(np.ones(first.shape, 'int16'), first.affine).to_filename(
        folder / f'{name}_desc-aseg_dseg.nii.gz'
    )


def _write_confounds(folder, run, source, end, seed):
    """Write a table with the columns and missing values of a real one, and its JSON file."""
    rng, real = np.random.default_rng(seed), pd.read_csv(source, sep='\t', na_values='n/a')
    table = real.loc[np.arange(N_VOLUMES) % len(real)].reset_index(drop=True)
    table.loc[len(real) :] = table.loc[len(real) :].fillna(0)
    changing = [name for name in table if 'outlier' not in name]
    table[changing] += rng.normal(size=(N_VOLUMES, len(changing))) * table[changing].std().to_numpy()
    flags = [name for name in table if 'outlier' in name]
    table.loc[len(real) :, flags] = 0
    table.to_csv(folder / f'{run}_{end}.tsv', sep='\t', na_rep='n/a', index=False)
    described = source.with_suffix('.json')
    text = described.read_text() if described.is_file() else '{}'
    (folder / f'{run}_{end}.json').write_text(text)


def _write_others(folder, run):
    """Write files of surfaces and transforms, which are of other formats."""
    (folder / f'{run}_space-fsLR_den-91k_bold.dtseries.nii').write_bytes(b'CIFTI')
    (folder / f'{run}_space-fsLR_den-91k_bold.json').write_text(json.dumps({'RepetitionTime': T_R}))
    for hemisphere in 'LR':
        (folder / f'{run}_hemi-{hemisphere}_space-fsaverage5_bold.func.gii').write_bytes(b'GIFTI')
    (folder / f'{run}_from-boldref_to-T1w_mode-image_desc-coreg_xfm.txt').write_text('#Insight Transform File V1.0\n')


def make_templateflow(home):
    """Write TemplateFlow's folder with an atlas of 100 regions under its real name; the real look-up table is in it."""
    make_home(home)
    mask = nibabel.load(MASK)
    inside = np.argwhere(np.asarray(mask.dataobj) > 0)
    centres = inside[np.random.default_rng(0).choice(len(inside), 100, replace=False)]
    labels = np.zeros(mask.shape, 'int16')
    labels[tuple(inside.T)] = 1 + np.argmin(((inside[:, None] - centres) ** 2).sum(axis=2), axis=1)
    nibabel.Nifti1Image(labels, mask.affine).to_filename(home / name_schaefer())
    return home
