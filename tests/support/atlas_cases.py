# SPDX-License-Identifier: BSD-3-Clause
"""Datasets of small atlases under real names: BIDS, XCP-D's AtlasPack, and a folder of TemplateFlow."""

import zipfile

import nibabel
import numpy as np
from real_files import package_file

TEMPLATE = 'MNI152NLin2009cAsym'


def write_image(path, value=1):
    """Write an image of two regions; ``value`` distinguishes images."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.full((4, 4, 4), value, 'int16')
    labels[2:] += 1
    nibabel.Nifti1Image(labels, np.diag([3.0, 3, 3, 1])).to_filename(path)
    return path


def write_table(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('index\tname\n1\tOne\n2\tTwo\n')
    return path


def make_atlases(root):
    """BIDS: folders by template, one table for all resolutions of a scale, and one for all templates."""
    for space in (TEMPLATE, 'MNI152NLin6Asym'):
        for scale in ('1', '2'):
            for res in ('01', '02'):
                entities = f'tpl-{space}_atlas-Lausanne_scale-{scale}_res-{res}'
                write_image(root / f'tpl-{space}' / f'{entities}_dseg.nii.gz')
    write_table(root / f'tpl-{TEMPLATE}' / f'tpl-{TEMPLATE}_atlas-Lausanne_scale-2_dseg.tsv')
    write_table(root / 'atlas-Lausanne_dseg.tsv')
    write_image(root / 'tpl-MNIInfant' / 'cohort-2' / 'tpl-MNIInfant_cohort-2_atlas-Lausanne_dseg.nii.gz')
    write_image(root / f'tpl-{TEMPLATE}' / f'tpl-{TEMPLATE}_atlas-Maps_probseg.nii.gz')
    # Our derivatives and others are not atlases.
    write_image(root / 'sub-01' / 'func' / f'sub-01_space-{TEMPLATE}_atlas-Lausanne_scale-1_dseg.nii.gz')
    write_image(root / 'not a name_atlas-Lausanne_dseg.nii.gz')
    return root


def make_atlaspack(root):
    """Write XCP-D's AtlasPack: a folder per atlas, a table for all spaces, surfaces next to volumes."""
    folder = root / 'atlas-4S156Parcels'
    write_image(folder / f'atlas-4S156Parcels_space-{TEMPLATE}_res-01_dseg.nii.gz')
    write_image(folder / 'atlas-4S156Parcels_space-MNI152NLin6Asym_res-01_dseg.nii.gz')
    (folder / 'atlas-4S156Parcels_space-fsLR_den-91k_dseg.dlabel.nii').write_bytes(b'surface')
    write_table(folder / 'atlas-4S156Parcels_dseg.tsv')
    return root


def make_home(root):
    """Write TemplateFlow's folder as the client does, without content of images."""
    with zipfile.ZipFile(package_file('templateflow', 'conf', 'templateflow-skel.zip')) as skeleton:
        skeleton.extractall(root, [name for name in skeleton.namelist() if 'tpl-MNI152NLin' in name])
    return root


def name_schaefer():
    """Return where TemplateFlow has an atlas."""
    return f'tpl-{TEMPLATE}/tpl-{TEMPLATE}_res-02_atlas-Schaefer2018_desc-100Parcels7Networks_dseg.nii.gz'
