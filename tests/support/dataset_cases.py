# SPDX-License-Identifier: BSD-3-Clause
"""A dataset as fMRIPrep writes it, of a real series, its mask and real confounds: three participants, six runs."""

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
from images import save_image
from masker_cases import AAL, MASK, SERIES
from real_files import package_file

SPACE = 'space-MNI152NLin2009cAsym_res-2'
PARTICIPANTS, RUNS = ('01', '02', '03'), ('1', '2')

CONFOUNDS = package_file('nilearn', 'interfaces', 'fmriprep', 'data', 'test_desc-confounds_regressors.tsv')

#: Rows of the confounds.
N_VOLUMES = 30

#: The run that is truncated, and the participant whose brain mask excludes a region of the coarse atlas.
BROKEN, LACKING = 'sub-02_task-rest_run-2', '03'


def make_atlases(folder):
    """AAL with its table, and a coarse atlas of eight boxes with a table; their paths by name."""
    folder.mkdir()
    paths = {'AAL': folder / 'AAL.nii', 'boxes': folder / 'boxes.nii.gz'}
    shutil.copy(AAL, paths['AAL'])
    shutil.copy(Path(AAL).with_suffix('.txt'), folder / 'AAL.txt')
    mask = nibabel.load(MASK)
    halves = [np.arange(n) >= n // 2 for n in mask.shape]
    boxes = 1 + halves[0][:, None, None] + 2 * halves[1][:, None] + 4 * halves[2]
    save_image(paths['boxes'], boxes.astype('uint8'), mask.affine)
    (folder / 'boxes.tsv').write_text('index\tname\n' + ''.join(f'{i}\tBox {i}\n' for i in range(1, 9)))
    return paths


def make_dataset(root):
    """Write the dataset."""
    root.mkdir()
    about = {
        'Name': 'fMRIPrep - fMRI PREProcessing workflow',
        'BIDSVersion': '1.4.0',
        'DatasetType': 'derivative',
        'GeneratedBy': [{'Name': 'fMRIPrep', 'Version': '25.2.7'}],
    }
    (root / 'dataset_description.json').write_text(json.dumps(about))
    series, mask = nibabel.load(SERIES), nibabel.load(MASK)
    real, inside = series.get_fdata(dtype='float32'), np.asarray(mask.dataobj) > 0
    for i, participant in enumerate(PARTICIPANTS):
        for j, run in enumerate(RUNS):
            # The real volumes, each run from another one on.
            data = np.roll(np.concatenate([real, real], axis=3)[..., :N_VOLUMES], 5 * i + 2 * j, axis=3)
            brain = inside.copy()
            if participant == LACKING:
                brain[: inside.shape[0] // 2, : inside.shape[1] // 2, : inside.shape[2] // 2] = False
            write_run(root, f'sub-{participant}_task-rest_run-{run}', data, brain, series.affine)
    broken = root / 'sub-02' / 'func' / f'{BROKEN}_{SPACE}_desc-preproc_bold.nii.gz'
    broken.write_bytes(broken.read_bytes()[:-20000])
    return root


def write_run(root, name, data, brain, affine, space=SPACE):
    """Write the files of fMRIPrep for one run in one space, also those that are not used."""
    folder = root / name.split('_')[0] / 'func'
    folder.mkdir(parents=True, exist_ok=True)
    save_image(folder / f'{name}_{space}_desc-preproc_bold.nii.gz', data, affine, 2.0)
    (folder / f'{name}_{space}_desc-preproc_bold.json').write_text('{"RepetitionTime": 2.0, "TaskName": "rest"}')
    save_image(folder / f'{name}_{space}_desc-brain_mask.nii.gz', brain.astype('uint8'), affine)
    save_image(folder / f'{name}_{space}_boldref.nii.gz', data[..., 0], affine)
    shutil.copy(CONFOUNDS, folder / f'{name}_desc-confounds_timeseries.tsv')
    (folder / f'{name}_desc-confounds_timeseries.json').write_text('{}')
