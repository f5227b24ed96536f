# SPDX-License-Identifier: BSD-3-Clause
"""Random parameter sets of the masker, and nilearn's numbers for each. Run it for any number of sets.

``python tests/support/nilearn_sets.py 685`` prints each set in which the two disagree.
"""

import sys
import warnings
from typing import NamedTuple

import nibabel as nib
import numpy as np
from nilearn.maskers import NiftiLabelsMasker as Reference

from nipype_labels import NiftiLabelsMasker

N_VOLUMES, T_R, SHAPE = 60, 2.0, (9, 10, 8)

#: Censored volumes of which no two mirror each other, nor do those of a long gap: nilearn interpolates these rightly.
CENSORED = {'none': [], 'scattered': [0, 1, 17, 30], 'gap': list(range(31, 39))}

#: Parameters of ours that restore nilearn's numbers, whatever the set.
RESTORED = {'nan_policy': 'zero', 'missing_labels': 'drop', 'reports': False}


class Case(NamedTuple):
    """A set of parameters, the censored volumes, and whether there are confounds."""

    parameters: dict
    censored: str
    with_confounds: bool

    @property
    def fills(self):
        """Whether gaps are filled, if there are any."""
        given = self.parameters
        return given['filter'] == 'butterworth' and bool(given['low_pass'] or given['high_pass'])

    @property
    def differs(self):
        """The documented difference that these parameters meet; empty if there is none."""
        given = self.parameters
        if self.censored != 'none' and given['detrend'] and not self.fills:
            return 'trend after censoring'
        if given['high_variance_confounds'] and given['mask_img'] is not None:
            return 'high-variance confounds within the mask'
        return ''


def draw(rng):
    """Draw a case; contradictory parameters are never drawn."""
    filters = [
        ('butterworth', None, None),
        ('butterworth', 0.1, None),
        ('butterworth', None, 0.01),
        ('butterworth', 0.1, 0.01),
        ('cosine', None, 0.02),
        (False, None, None),
    ]
    filter, low_pass, high_pass = filters[rng.integers(len(filters))]
    strategies = ['mean', 'sum', 'median', 'minimum', 'maximum', 'variance', 'standard_deviation']
    with_confounds = bool(rng.integers(2))
    parameters = {
        'strategy': strategies[rng.integers(len(strategies))],
        'mask_img': [None, mask()][rng.integers(2)],
        'smoothing_fwhm': [None, 6.0][rng.integers(2)],
        'standardize': [None, 'zscore_sample', 'psc'][rng.integers(3)],
        'detrend': bool(rng.integers(2)),
        'filter': filter,
        'low_pass': low_pass,
        'high_pass': high_pass,
        'standardize_confounds': bool(rng.integers(4)) or not with_confounds,
        'high_variance_confounds': bool(rng.integers(4) == 0),
        'resampling_target': ['data', 'labels'][rng.integers(2)],
    }
    return Case(parameters, list(CENSORED)[rng.integers(len(CENSORED))], with_confounds)


def mask():
    """A mask on the grid of the series."""
    inside = np.zeros(SHAPE, dtype='uint8')
    inside[1:, 1:-1] = 1
    return nib.Nifti1Image(inside, affine())


def affine(size=3.0, origin=(-13.0, -14.0, -11.0)):
    matrix = np.diag([size, size, size, 1])
    matrix[:3, 3] = origin
    return matrix


def atlas():
    """Seven regions on a finer grid, within the series."""
    labels = np.zeros((12, 13, 10), dtype='int16')
    for i, block in enumerate(np.ndindex(2, 2, 2), start=1):
        x, y, z = (6 * block[0], 6 * block[1], 5 * block[2])
        labels[x : x + 5, y : y + 6, z : z + 5] = 3 * i if i < 8 else 0
    return nib.Nifti1Image(labels, affine(2.0, (-12.4, -13.1, -10.2)))


def series(seed=0):
    """A series in double precision with means and drifts of its own in each voxel."""
    rng = np.random.default_rng(seed)
    level = 800 + 200 * rng.random(SHAPE)[..., None]
    drift = rng.normal(size=(*SHAPE, 1)) * np.linspace(-20, 20, N_VOLUMES)
    image = nib.Nifti1Image(level + drift + 10 * rng.normal(size=(*SHAPE, N_VOLUMES)), affine())
    image.header.set_xyzt_units('mm', 'sec')
    image.header.set_zooms((3, 3, 3, T_R))
    return image


def confounds():
    return np.random.default_rng(1).normal(size=(N_VOLUMES, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, 1.0]


def compare(case, images=None):
    """Return the largest difference over the largest value, with the parameters that restore nilearn's numbers."""
    labels, data = images or (atlas(), series())
    retained = np.setdiff1d(np.arange(N_VOLUMES), CENSORED[case.censored])
    given = {
        'confounds': confounds() if case.with_confounds else None,
        'sample_mask': retained if case.censored != 'none' else None,
    }
    ours = dict(case.parameters, t_r=T_R, **RESTORED) | ({'fill_censored': 'cubic'} if case.fills else {})
    if ours['standardize'] == 'psc':
        ours['standardize'] = 'psc_nilearn'
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        found = NiftiLabelsMasker(labels, **ours).fit_transform(data, **given)
        theirs = dict(case.parameters, t_r=T_R)
        filter_args = {'clean_args': {'filter': theirs.pop('filter')}}
        expected = Reference(labels, **theirs, **filter_args).fit_transform(data, **given)
    return np.abs(found - expected).max() / np.abs(expected).max()


def disagreements(n_sets, seed=0, tolerance=1e-8):
    """Cases among random ones in which the numbers differ, with the difference."""
    rng, images, found = np.random.default_rng(seed), (atlas(), series()), []
    for _ in range(n_sets):
        case = draw(rng)
        difference = compare(case, images)
        if not difference < tolerance:
            found.append((case, difference))
    return found


if __name__ == '__main__':
    for case, difference in disagreements(int(sys.argv[1]) if sys.argv[1:] else 100):
        print(f'{difference:.2g} {case.differs or "NOT DOCUMENTED"}: {case.censored} {case.parameters}')
