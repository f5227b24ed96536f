# SPDX-License-Identifier: BSD-3-Clause
"""Masks: labels where they count, which regions there are, and how many voxels are in view."""

import pickle

import numpy as np
import pytest
from nibabel import Nifti1Image
from nilearn.regions import img_to_signals_labels
from numpy.testing import assert_array_equal

from nipype_labels.core.mask import apply_mask, count_in_view, region_ids
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
    with pytest.raises(GridError, match=r'\(5, 6, 7\).*\(5, 6, 6\).*resample') as caught:
        apply_mask(labels, mask[..., :-1])
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_region_ids_rise_and_leave_the_background_out(labels):
    assert region_ids(labels).tolist() == [2, 5, 40000]


def test_x6_a_background_other_than_zero_makes_zero_a_region(labels):
    assert region_ids(labels - 2, background_label=3).tolist() == [-2, 0, 39998]


@pytest.mark.parametrize('background', [0, 9])
def test_nothing_but_background_is_an_error_that_names_it(background):
    with pytest.raises(MissingRegionsError, match=f'background, {background}'):
        region_ids(np.full(SHAPE, background), background)


def test_a_single_region_without_background_is_one():
    """nilearn takes a single value for no label at all."""
    assert region_ids(np.full(SHAPE, 4)).tolist() == [4]


@pytest.mark.parametrize('ids', [[2, 5, 40000], [40000, 7, 2]])
@pytest.mark.parametrize('shift', [0.0, 1.49, 1.51, -1.49, -1.51, 40.0])
@pytest.mark.parametrize('axis', [0, 1, 2])
def test_voxels_in_view_have_their_centres_within_its_outer_voxels(labels, ids, shift, axis):
    view = np.eye(4)
    view[axis, 3] = shift
    counts = count_in_view(labels, np.eye(4), ids, SHAPE, view)
    expected = np.zeros(len(ids), dtype=int)
    for voxel in np.ndindex(SHAPE):
        there = voxel[axis] - shift
        if -0.5 <= there <= SHAPE[axis] - 0.5:
            expected += np.equal(ids, labels[voxel])
    assert_array_equal(counts, expected)


def test_voxels_in_view_of_a_turned_grid(labels):
    turn = np.array([[0.8, -0.6, 0, 1.3], [0.6, 0.8, 0, -2.1], [0, 0, 1, 0.2], [0, 0, 0, 1]])
    labels_affine = np.diag([2.0, -1.5, 1.0, 1.0])
    expected = 0
    for voxel in np.argwhere(labels == 5):
        there = np.linalg.inv(turn) @ labels_affine @ [*voxel, 1]
        expected += all(-0.5 <= x <= n - 0.5 for x, n in zip(there, (9, 9, 4), strict=False))
    counts = count_in_view(labels, labels_affine, [5], (9, 9, 4), turn)
    assert counts.tolist() == [expected]
    assert 0 < expected < (labels == 5).sum()
