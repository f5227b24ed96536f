# SPDX-License-Identifier: BSD-3-Clause
"""Small label images and series for the masker, made in memory."""

import nibabel
import numpy as np

SHAPE = (5, 4, 3)


def atlas(ids=(1, 2, 3, 4), seed=0, shape=SHAPE):
    """Regions of these ids, and background between them."""
    values = np.random.default_rng(seed).choice([0, *ids], size=shape)
    return nibabel.Nifti1Image(values.astype('int16'), np.eye(4))


def run(seed=0, n_volumes=40, t_r=2.0, shape=SHAPE, without=(), labels=None):
    """A series; regions ``without`` a signal are not finite."""
    values = np.random.default_rng(100 + seed).normal(100 + seed, 5, (*shape, n_volumes))
    values += np.linspace(0, 10 * (seed + 1), n_volumes)
    if without:
        values[np.isin((labels or atlas()).get_fdata(), without)] = np.nan
    image = nibabel.Nifti1Image(values, np.eye(4))
    image.header.set_xyzt_units('mm', 'sec')
    image.header.set_zooms((1, 1, 1, t_r))
    return image


def tables(*lengths):
    """Confounds of runs of these lengths."""
    random = np.random.default_rng(7)
    return [random.normal(size=(length, 2)).cumsum(axis=0) for length in lengths]
