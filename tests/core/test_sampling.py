# SPDX-License-Identifier: BSD-3-Clause
"""Values at the voxels of an atlas, sampled and smoothed volume by volume."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from spaces import make_grid

from nipype_labels.core.elements import ElementUnion
from nipype_labels.core.operators import Block
from nipype_labels.core.resample import Sampler
from nipype_labels.core.sampling import SampledVoxels
from nipype_labels.core.scaling import Decoder

SHAPE = (4, 5, 3)
GRID = make_grid(SHAPE, np.eye(4))
VOXELS = np.array([7, 0, 59, 23])


@pytest.fixture
def stored():
    return np.random.default_rng(40).integers(-300, 300, (3, 60)).astype(np.int16)


def read(voxels, stored, **given):
    """Return the values of all volumes, and whether each had values below and above the range."""
    block = Block(stored, Decoder(), ElementUnion([np.array([], dtype=int)]))
    counts, values, clipped = zip(*voxels(block, np.arange(len(stored)), **given), strict=True)
    assert set(counts) == {1}
    return np.concatenate(values), list(clipped)


def test_sampled_values_are_kept_in_the_range_and_their_volumes_named(stored):
    stored[0], stored[1] = 5, -5
    stored[2] = 0
    voxels = SampledVoxels(VOXELS, SHAPE, lambda: Sampler(GRID, GRID, VOXELS))
    values, clipped = read(voxels, stored, clip=(-2.0, 6.0))
    assert_allclose(values, [[5] * 4, [-2] * 4, [0] * 4], atol=1e-5)
    assert clipped == [(False, False), (True, False), (False, False)]


@pytest.mark.parametrize('blank', [0.0, np.nan])
def test_voxels_out_of_view_are_blank(stored, blank):
    moved = np.eye(4)
    moved[2, 3] = 2
    voxels = np.arange(60)
    sampler = Sampler(GRID, make_grid(SHAPE, moved), voxels)
    values, _ = read(SampledVoxels(voxels, SHAPE, lambda: sampler, blank=blank), stored)
    assert_allclose(values[:, :20], stored[:, 40:], rtol=1e-4, atol=1e-3)
    assert_array_equal(values[:, 20:], np.full((3, 40), blank))


def test_the_whole_volume_is_smoothed(stored):
    stored[:] = 0
    stored[:, 22] = 1000
    values, _ = read(SampledVoxels(VOXELS, SHAPE, sigmas=(1.0, 1.0, 1.0)), stored)
    assert (values[:, 3] > 10).all()
