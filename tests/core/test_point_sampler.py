# SPDX-License-Identifier: BSD-3-Clause
"""Sums over regions on turned grids, compared with sampling every voxel."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from spaces import make_atlas, make_grid

from nipype_labels.core.point_sampler import PointSampler
from nipype_labels.core.resample import Sampler
from nipype_labels.core.strategies import RegionIndex

SHAPES = [(12, 11, 13), (9, 1, 8), (2, 7, 9), (8, 9, 2)]
TURN = np.array([[0.9, 0.1, -0.05, 0.2], [-0.1, 0.8, 0.08, 0.3], [0.05, 0.1, 0.7, -1], [0, 0, 0, 1]])


def make_samplers(shape, affine=TURN):
    labels = np.random.default_rng(70).integers(0, 5, (14, 12, 15))
    atlas = make_atlas(labels, affine, [1, 2, 3, 4])
    index, source = RegionIndex.of(atlas), make_grid(shape, np.eye(4))
    sampler = Sampler(source, atlas.space, index.elements)
    return PointSampler.of(source, atlas.space, index, sampler), sampler, index


@pytest.mark.parametrize('shape', SHAPES, ids=str)
@pytest.mark.parametrize('n_bright', [0, 1, 3, 10_000])
def test_sums_and_single_values_are_those_of_every_voxel(shape, n_bright):
    points, sampler, index = make_samplers(shape)
    rng = np.random.default_rng(71)
    volume = np.full(np.prod(shape), 50.0)
    bright = rng.permutation(volume.size)[:n_bright]
    volume[bright] += rng.normal(0, 100, len(bright))
    values = sampler(volume.reshape(shape, order='F'))
    assert 0 < len(values) < len(sampler.inside)
    regions = np.repeat(np.arange(4), index.counts)[sampler.inside]
    for clip in ((-10.0, 90.0), (0.0, 1e3), (-1e3, 80.0), (-np.inf, np.inf)):
        sums, at, beyond = points(volume, clip)
        expected = np.flatnonzero((values < clip[0]) | (values > clip[1]))
        assert_allclose(sums, np.bincount(regions, values, 4), rtol=1e-10, atol=1e-9)
        assert_array_equal(at, regions[expected])
        assert_allclose(beyond, values[expected], rtol=1e-12)


def test_grids_on_lines_have_no_points():
    assert make_samplers((12, 11, 13), np.diag([0.9, 0.8, 0.7, 1]))[0] is None
