# SPDX-License-Identifier: BSD-3-Clause
"""Voxels that atlases want of a block are taken out once, and summed with their weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.operators import Gather, RegionWeights, Sums
from nipype_labels.core.scaling import Decoder
from nipype_labels.core.smooth import smooth
from nipype_labels.core.strategies import Partition

SHAPE = (5, 4, 6)


@pytest.fixture(params=[3, 6], ids=['three', 'six'])
def block(request):
    return np.random.default_rng(61).integers(-900, 900, (request.param, 120)).astype('>i2')


def test_each_atlas_finds_its_voxels_among_those_of_all(block):
    wanted = [np.array([7, 3, 119]), np.array([], dtype=int), np.array([3, 50])]
    gather = Gather(wanted, Decoder(2.0, 1.0))
    assert gather.voxels.tolist() == [3, 7, 50, 119]
    gathered = gather(block)
    for voxels in wanted:
        expected = block[:, voxels] * 2.0 + 1.0
        assert_array_equal(gathered.at(voxels, np.arange(len(block))), expected)
        assert_array_equal(gathered.at(voxels, np.array([2, 0])), expected[[2, 0]])
    assert_array_equal(gathered.columns, gathered.values.T)
    assert gathered.columns.dtype == np.float64


def test_nothing_wanted_gathers_nothing(block):
    gathered = Gather([np.array([], dtype=int)])(block)
    assert gathered.values.shape == (len(block), 0)


@pytest.mark.parametrize('mean', [True, False], ids=['mean', 'sum'])
@pytest.mark.parametrize('sigmas', [(0, 0, 0), (0.8, 1.2, 0.5)], ids=['sharp', 'smoothed'])
def test_sums_are_those_of_each_region_whatever_else_is_summed(block, sigmas, mean):
    labels = np.random.default_rng(62).integers(0, 4, SHAPE)
    part = Partition.of(labels, [3, 9, 1])
    weights = RegionWeights.of(part, SHAPE, sigmas, mean)
    volumes = [row.astype(float).reshape(SHAPE, order='F') for row in block]
    volumes = [smooth(volume, sigmas) if any(sigmas) else volume for volume in volumes]
    expected = [[(np.mean if mean else np.sum)(volume[labels == i]) for i in (3, 1)] for volume in volumes]
    gather = Gather([weights.voxels])
    (alone,) = Sums([weights], gather)(gather(block))
    assert part.columns.tolist() == [0, 2]
    assert_allclose(alone, expected, rtol=1e-12)
    other = RegionWeights.of(Partition.of(labels[::-1], [2, 3]), SHAPE, (0, 0, 0), mean=True)
    everything = Gather([np.arange(120)])
    first, nothing, last = Sums([other, None, weights], everything)(everything(block))
    assert_array_equal(last, alone)
    assert_array_equal(first, Sums([other], everything)(everything(block))[0])
    assert nothing is None


def test_a_sum_is_not_finite_where_a_value_is_not(block):
    block = block.astype('f4')
    labels = np.random.default_rng(62).integers(0, 4, SHAPE)
    at = np.flatnonzero(labels.reshape(-1, order='F') == 2)
    block[1, at[0]], block[2, at[:2]] = np.nan, (np.inf, -np.inf)
    weights = RegionWeights.of(Partition.of(labels, [1, 2, 3]), SHAPE, (0, 0, 0), mean=True)
    gather = Gather([weights.voxels])
    finite = np.isfinite(Sums([weights], gather)(gather(block))[0])
    assert finite[:3].tolist() == [[True] * 3, [True, False, True], [True, False, True]]
    assert finite[3:].all()
