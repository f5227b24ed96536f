# SPDX-License-Identifier: BSD-3-Clause
"""Projection: each voxel shows the value of its own region."""

import numpy as np
import pytest
from nibabel import Nifti1Image
from nilearn.maskers import NiftiLabelsMasker
from numpy.testing import assert_array_equal

from nipype_labels.core.mask import apply_mask
from nipype_labels.core.project import Projector

SHAPE = (5, 6, 7)


@pytest.fixture
def labels():
    return np.random.default_rng(60).choice([0, 2, 5, 40000], SHAPE).astype(np.int32)


def test_projection_agrees_with_nilearn(labels, quietly):
    signals = np.random.default_rng(61).normal(size=(4, 3))
    masker = NiftiLabelsMasker(Nifti1Image(labels, np.eye(4)), standardize=None, reports=False)
    expected = quietly(quietly(masker.fit).inverse_transform, signals).get_fdata()
    projector = Projector(labels, [2, 5, 40000])
    assert_array_equal(np.stack([projector(row) for row in signals], axis=3), expected)


@pytest.mark.parametrize('ids', [[40000, 2, 5], [5, 40000, 2]])
@pytest.mark.parametrize('background', [0.0, -3.5, np.nan])
def test_values_go_to_their_ids_in_whatever_order(labels, ids, background):
    volume = Projector(labels, ids, background)(np.array([1.5, -2.5, 7.0]))
    expected = {**dict(zip(ids, [1.5, -2.5, 7.0], strict=True)), 0: background}
    for voxel in np.ndindex(SHAPE):
        assert_array_equal(volume[voxel], expected[labels[voxel]])


def test_x4_values_go_to_their_own_regions_under_a_mask(labels):
    """A region lost to the mask shifts nilearn's: the voxels of the second show the value of the first."""
    masked = apply_mask(labels, labels != 2)
    volume = Projector(masked, [2, 5, 40000])(np.array([10.0, 20.0, 30.0]))
    assert_array_equal(volume, np.select([masked == 5, masked == 40000], [20.0, 30.0], 0.0))


def test_ids_without_a_column_stay_background(labels):
    volume = Projector(labels, [5], -1.0)(np.array([9.0]))
    assert_array_equal(volume, np.where(labels == 5, 9.0, -1.0))


def test_a_missing_value_shows_as_one_in_its_region_alone(labels):
    volume = Projector(labels, [2, 5, 40000])(np.array([1.0, np.nan, 3.0]))
    assert_array_equal(np.isnan(volume), labels == 5)


def test_another_background_id_is_no_region(labels):
    moved = np.where(labels == 0, 77, labels)
    assert_array_equal(
        Projector(moved, [2, 5, 40000])(np.array([1.0, 2.0, 3.0])),
        Projector(labels, [2, 5, 40000])(np.array([1.0, 2.0, 3.0])),
    )
