# SPDX-License-Identifier: BSD-3-Clause
"""Atlases: labels within a mask, ids and voxels of regions."""

import numpy as np
import pytest
from nibabel import Nifti1Image
from nilearn.regions import img_to_signals_labels
from numpy.testing import assert_array_equal
from spaces import apply_mask, make_atlas, make_grid

from nipype_labels.model.atlas import region_ids
from nipype_labels.model.errors import GridError, MissingRegionsError

SHAPE = (5, 6, 7)


@pytest.fixture
def labels():
    return np.random.default_rng(50).choice([0, 2, 5, 40000], SHAPE).astype(np.int32)


@pytest.fixture
def mask():
    return np.random.default_rng(51).uniform(size=SHAPE) < 0.6


@pytest.mark.parametrize('background', [0, 5, -1])
def test_labels_outside_the_mask_become_background(labels, mask, background):
    masked = apply_mask(labels, mask, background)
    assert masked.dtype == labels.dtype
    assert_array_equal(masked[mask], labels[mask])
    assert (masked[~mask] == background).all()


def test_masking_agrees_with_nilearn(labels, mask, quietly):
    _, ids, masked_img = quietly(
        img_to_signals_labels,
        Nifti1Image(np.ones((*SHAPE, 1)), np.eye(4)),
        Nifti1Image(labels, np.eye(4)),
        Nifti1Image(mask.astype(np.uint8), np.eye(4)),
        return_masked_atlas=True,
    )
    masked = apply_mask(labels, mask)
    assert_array_equal(masked, masked_img.get_fdata())
    assert region_ids(masked).tolist() == ids


def test_masking_leaves_the_labels_as_they_were(labels, mask):
    before = labels.copy()
    apply_mask(labels, mask)
    assert_array_equal(labels, before)


def test_a_mask_on_another_grid_is_refused(labels, mask):
    with pytest.raises(GridError, match=r'\(5, 6, 7\).*\(5, 6, 6\).*resample'):
        apply_mask(labels, mask[..., :-1])


def test_region_ids_rise_without_the_background(labels):
    assert region_ids(labels).tolist() == [2, 5, 40000]


def test_x6_a_background_other_than_zero_makes_zero_a_region(labels):
    assert region_ids(labels - 2, background=3).tolist() == [-2, 0, 39998]


@pytest.mark.parametrize('background', [0, 9])
def test_nothing_but_background_is_an_error_that_names_it(background):
    with pytest.raises(MissingRegionsError, match=f'background, {background}'):
        region_ids(np.full(SHAPE, background), background)


def test_a_single_region_without_background_is_one():
    """nilearn treats a single value as no label."""
    assert region_ids(np.full(SHAPE, 4)).tolist() == [4]


@pytest.mark.parametrize('ids', [[9, 1, 500, 3], [3], [500], [-4, 9], []])
def test_voxels_are_counted_per_id_in_the_order_of_the_table(ids):
    labels = np.random.default_rng(70).choice([0, 1, 3, 9, -4], (4, 5, 6))
    assert make_atlas(labels, ids=ids).count_voxels().tolist() == [int((labels == region).sum()) for region in ids]
    where = labels > 0
    expected = [int((labels[where] == region).sum()) for region in ids]
    assert make_atlas(labels, ids=ids).within(where).count_voxels().tolist() == expected


def test_x6_an_atlas_on_another_grid_has_the_background_outside_its_own():
    labels = np.arange(1, 9).reshape(2, 2, 2)
    moved = make_atlas(labels, ids=range(1, 9), background=-1).on(make_grid((3, 2, 2), np.eye(4)))
    assert moved.space.shape == (3, 2, 2)
    assert_array_equal(moved.labels[:2], labels)
    assert (moved.labels[2] == -1).all()
