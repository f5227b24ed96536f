# SPDX-License-Identifier: BSD-3-Clause
"""Inverse transform: each voxel has the value of its own region."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from spaces import apply_mask, spread

SHAPE = (5, 6, 7)


@pytest.fixture
def labels():
    return np.random.default_rng(60).choice([0, 2, 5, 40000], SHAPE).astype(np.int32)


@pytest.mark.parametrize('ids', [[40000, 2, 5], [5, 40000, 2]])
def test_values_are_written_to_their_ids_in_any_order(labels, ids):
    volume = spread(labels, ids, [1.5, -2.5, 7.0])
    expected = {**dict(zip(ids, [1.5, -2.5, 7.0], strict=True)), 0: 0}
    for voxel in np.ndindex(SHAPE):
        assert_array_equal(volume[voxel], expected[labels[voxel]])


def test_x4_values_go_to_their_own_regions_under_a_mask(labels):
    """In nilearn a region outside the mask shifts all values: voxels of the second region have that of the first."""
    masked = apply_mask(labels, labels != 2)
    volume = spread(masked, [2, 5, 40000], np.array([10.0, 20.0, 30.0]))
    assert_array_equal(volume, np.select([masked == 5, masked == 40000], [20.0, 30.0], 0.0))


def test_ids_without_a_column_stay_background(labels):
    assert_array_equal(spread(labels, [5], [9.0]), np.where(labels == 5, 9.0, 0.0))


def test_spreading_is_the_adjoint_of_the_sum(labels):
    rng, ids = np.random.default_rng(62), [5, 40000, 2]
    volume, values = rng.normal(size=SHAPE), rng.normal(size=3)
    sums = np.array([volume[labels == i].sum() for i in ids])
    assert_allclose((spread(labels, ids, values) * volume).sum(), values @ sums, rtol=1e-12)


def test_another_background_id_is_not_a_region(labels):
    moved = np.where(labels == 0, 77, labels)
    assert_array_equal(
        spread(moved, [2, 5, 40000], np.array([1.0, 2.0, 3.0])),
        spread(labels, [2, 5, 40000], np.array([1.0, 2.0, 3.0])),
    )
