# SPDX-License-Identifier: BSD-3-Clause
"""Small files under the names of a dataset, each with values of its own."""

import json

import numpy as np
from images import save_image

AFFINE, SHAPE, N_VOLUMES = np.diag([3.0, 3, 3, 1]), (4, 5, 3), 20
MNI = 'space-MNI152NLin2009cAsym_res-2'
PREPROC, BRAIN = 'desc-preproc_bold.nii.gz', 'desc-brain_mask.nii.gz'
TABLE = 'desc-confounds_timeseries.tsv'


def write(path, n_volumes=N_VOLUMES):
    """Write a small file of the kind that its name says, different for each name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(list(path.name.encode()))
    if path.name.endswith('.tsv'):
        rows = rng.normal(size=(n_volumes, 2))
        path.write_text('\n'.join(['trans_x\trot_x', *('\t'.join(map(str, row)) for row in rows)]) + '\n')
    elif 'mask' in path.name:
        save_image(path, (rng.random(SHAPE) < 0.7).astype('uint8'), AFFINE)
    else:
        save_image(path, rng.normal(1000, 20, (*SHAPE, n_volumes)).astype('float32'), AFFINE, 2.0)


def describe(root):
    root.mkdir(exist_ok=True)
    text = json.dumps({'Name': 'x', 'BIDSVersion': '1.4.0', 'GeneratedBy': [{'Name': 'fMRIPrep'}]})
    (root / 'dataset_description.json').write_text(text)


def write_atlas(path):
    labels = np.ones(SHAPE, 'uint8')
    labels[2:] = 2
    save_image(path, labels, AFFINE)
    path.with_name(path.name.replace('.nii.gz', '.tsv')).write_text('index\tname\n1\tOne\n2\tTwo\n')
    return path


def make_runs(folder, participants):
    """Write a dataset that has a run of each participant, and an atlas; return the folder of both."""
    describe(folder / 'fmriprep')
    for participant in participants:
        for name in (PREPROC, BRAIN):
            write(folder / 'fmriprep' / f'sub-{participant}' / 'func' / f'sub-{participant}_task-rest_{MNI}_{name}')
    write_atlas(folder / 'atlas.nii.gz')
    return folder


def ask(folder, *more):
    places = [str(folder / 'fmriprep'), str(folder / 'out')]
    return ['derivatives', *places, 'participant', '--no-reports', *more, f'--atlas=A={folder}/atlas.nii.gz']
