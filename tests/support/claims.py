# SPDX-License-Identifier: BSD-3-Clause
"""Claims of the methods boilerplate: a registry of checks, and what several of them use."""

import nibabel as nib
import numpy as np
import scipy

from nipype_labels import NiftiLabelsMasker

T_R, N_VOLUMES, SEED = 2.0, 120, 13
RNG = np.random.default_rng(SEED)
CONFOUNDS = RNG.normal([0, 5, -2], 1, (N_VOLUMES, 3))
DRIFTS = np.linspace(-30, 40, N_VOLUMES)[:, None] * [1.0, -0.5, 0.2, 2.0]
COURSES = 500 + RNG.normal(0, 9, (N_VOLUMES, 4)) + DRIFTS + CONFOUNDS @ RNG.normal(0, 5, (3, 4))
#: Volumes at both ends, single volumes and a gap are censored.
RETAINED = np.setdiff1d(np.arange(N_VOLUMES), [0, 1, 17, *range(40, 52), 90, 119])
FILTERED = {'low_pass': 0.1, 'high_pass': 0.02}

CLAIMS = []


def claim(words, *cases):
    """Register a check of the claim in ``words``; it gets their match and the parameters of each case."""

    def register(check):
        CLAIMS.extend((words, check, case) for case in cases)
        return check

    return register


def extract(bold, labels, confounds=None, sample_mask=None, **parameters):
    """Time series of the masker with parameters of the factory."""
    of_graph = ('use_', 'connectivity', 'covariance_estimator', 'fisher_z', 'project')
    own = {key: value for key, value in parameters.items() if not key.startswith(of_graph)}
    masker = NiftiLabelsMasker(labels, reports=False, t_r=T_R, **own)
    masker.fit_transform(bold, confounds=confounds, sample_mask=sample_mask)
    return masker.transform(bold, confounds=confounds, sample_mask=sample_mask)


def denoise(courses=COURSES, *more, **parameters):
    """Time series of regions that are one voxel each."""
    n = courses.shape[1]
    labels = np.arange(1, n + 1, dtype='int16').reshape(n, 1, 1)
    return extract(image(courses.T.reshape(n, 1, 1, -1).copy()), image(labels), *more, **parameters)


def image(data, size=3.0, origin=(0, 0, 0)):
    affine = np.diag([size, size, size, 1.0])
    affine[:3, 3] = origin
    return nib.Nifti1Image(data, affine)


def blocks(shape, size):
    """Labels of cubes that fill a grid."""
    where = np.indices(shape) // size
    return (1 + np.ravel_multi_index(where, tuple(-(-n // size) for n in shape))).astype('int16')


def means(values, labels):
    """Mean over the voxels of each region, a row per volume."""
    return np.stack([values[labels == i].mean(axis=0) for i in np.unique(labels[labels > 0])], axis=1)


def regress(courses, confounds):
    """Residuals of a regression with an intercept, whose share stays."""
    confounds = confounds - confounds.mean(axis=0)
    return courses - confounds @ np.linalg.lstsq(confounds, courses - courses.mean(axis=0), rcond=None)[0]


def band_pass(values, low=0.1, high=0.02):
    """Run SciPy's filter of order five, written as one rational function, forward and backward."""
    return scipy.signal.filtfilt(*scipy.signal.butter(5, [high, low], 'bandpass', fs=1 / T_R), values, axis=0)
