# SPDX-License-Identifier: BSD-3-Clause
"""Sums over regions of sampled volumes, compared with sampling every voxel."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from spaces import make_grid, make_reducer, read_signals

from nipype_labels.core.elements import ElementUnion
from nipype_labels.core.folding import FoldedSampler
from nipype_labels.core.resample import Sampler
from nipype_labels.core.sampled_sums import SampledSums
from nipype_labels.core.strategies import RegionIndex
from nipype_labels.model.atlas import Atlas

SHAPE, FINE = (18, 16, 17), (43, 44, 39)
AFFINE = np.array([[3, 0, 0, -25.3137], [0, 3, 0, -24.1291], [0, 0, 3.5, -28.2173], [0, 0, 0, 1.0]])
FINE_AFFINE = np.array([[1.2, 0, 0, -25.8311], [0, 1.1, 0, -22.0719], [0, 0, 1.6, -29.1937], [0, 0, 0, 1.0]])
TARGETS = {
    'scaled': FINE_AFFINE,
    'flipped': FINE_AFFINE @ np.array([[-1, 0, 0, 42], [0, 1, 0, 0], [0, 0, -1, 38], [0, 0, 0, 1]]),
    'permuted': FINE_AFFINE[:, [1, 2, 0, 3]],
}
EACH_TARGET = pytest.mark.parametrize('affine', TARGETS.values(), ids=TARGETS)


@pytest.fixture
def labels():
    """Octants, a voxel, and background."""
    i, j, k = np.indices(FINE)
    labels = (1 + i // 22 + 2 * (j // 22) + 4 * (k // 20)) * (j < 40)
    labels[20, 19, 18] = 9
    return labels.astype(np.int32)


def fold(labels, affine, source=AFFINE):
    """Return the folded sampler, the direct one, and the index of its voxels."""
    ids = np.setdiff1d(labels, 0)
    grid = make_grid(labels.shape, affine)
    index = RegionIndex.of(Atlas(grid, labels, ids, ids.astype(str)))
    return (
        FoldedSampler.of(make_grid(SHAPE, source), grid, index),
        Sampler(make_grid(SHAPE, source), grid, index.elements),
        index,
    )


def sum_sampled(sampler, index, volume, clip):
    values, clipped = sampler.sample(volume.reshape(SHAPE, order='F'), clip)
    return np.add.reduceat(values.astype(np.float64), index.starts), clipped


def clip_sums(sums, regions, values, clip):
    return sums + np.bincount(regions, np.clip(values, *clip) - values, len(sums))


@EACH_TARGET
@pytest.mark.parametrize('dtype', ['i2', 'f4', 'f8'])
@pytest.mark.parametrize('clip', [(-np.inf, np.inf), (-330.0, 300.0), (-300.0, 1e9), (-1e9, 300.0), (-230.0, 340.0)])
def test_sums_and_what_was_clipped_are_those_of_every_voxel(labels, affine, clip, dtype, monkeypatch):
    folded, sampler, index = fold(labels, affine)
    volume = np.random.default_rng(60).normal(0, 100, np.prod(SHAPE)).astype(dtype)
    expected, clipped = sum_sampled(sampler, index, volume, clip)
    for most in (0, 10**6):  # coefficients from which voxels are found one by one
        monkeypatch.setattr('nipype_labels.core.folding.MOST_FOLLOWED', most)
        found = folded(volume, clip)
        assert_allclose(clip_sums(*found, clip), expected, rtol=0, atol=1e-10 * np.abs(expected).max())
        assert ((found[2] < clip[0]).any(), (found[2] > clip[1]).any()) == clipped
        assert_array_equal(found[2], found[2][(found[2] < clip[0]) | (found[2] > clip[1])])


def test_a_constant_volume_sums_to_its_voxels_in_view(labels):
    folded, sampler, index = fold(labels, FINE_AFFINE)
    sums, _, values = folded(np.full(np.prod(SHAPE), 7.0), (0.0, 8.0))
    assert len(values) == 0
    inside = np.add.reduceat(sampler.inside.astype(int), index.starts)
    assert inside.min() > 0
    assert_allclose(sums, 7.0 * inside, rtol=1e-12)


def test_values_beyond_single_precision_are_left_to_sampling(labels):
    folded, _, _ = fold(labels, FINE_AFFINE)
    volume = np.zeros(np.prod(SHAPE))
    volume[2000:2003] = 3e38, -3e38, 3e38
    assert folded(volume, (-1.0, 1.0)) is None


def test_a_volume_of_which_much_is_clipped_is_left_to_sampling(labels):
    folded, _, _ = fold(labels, FINE_AFFINE)
    volume = np.random.default_rng(61).normal(0, 100, np.prod(SHAPE))
    assert folded(volume, (-10.0, 10.0)) is None


@pytest.mark.parametrize('affine', [AFFINE, FINE_AFFINE + 0.1 * np.eye(4, k=1)])
def test_coarse_and_turned_grids_are_left_to_sampling(labels, affine):
    assert fold(labels[: SHAPE[0], : SHAPE[1], : SHAPE[2]], affine)[0] is None


def test_overlapping_and_weighted_regions_are_left_to_sampling():
    grids = make_grid(SHAPE, AFFINE), make_grid(FINE, FINE_AFFINE)

    def sums_of(elements, **weights):
        starts, union = np.array([0, 40000]), ElementUnion([elements])
        index = RegionIndex(elements, starts, np.array([0, 1]), 2, union=union, **weights)
        return SampledSums.of(*grids, index, lambda: Sampler(*grids, index.voxels), 1)

    assert sums_of(np.array([*range(40000), *range(30000, 60000)])) is None
    assert sums_of(np.arange(60000), weights=np.ones(60000)) is None
    assert sums_of(np.arange(60000)) is not None


@pytest.mark.parametrize('policy', ['omit', 'zero', 'raise'])
@pytest.mark.parametrize('strategy', ['mean', 'sum'])
def test_a_series_is_reduced_as_by_nilearn(labels, strategy, policy, nilearn_signals, blocks_of):
    data = np.random.default_rng(62).normal(100, 20, (*SHAPE, 4))
    data[5:9, 6:9, 4:12] = 0
    data[..., 2] *= 1.5
    ids = np.setdiff1d(labels, 0)
    reducer = make_reducer(
        labels,
        FINE_AFFINE,
        ids,
        shape=SHAPE,
        affine=AFFINE,
        strategy=strategy,
        nan_policy=policy,
        interpolation='cubic',
    )
    (signals,), _ = read_signals(blocks_of(data, 2), 4, [reducer])
    theirs = nilearn_signals(data, AFFINE, labels, FINE_AFFINE, strategy=strategy, resampling_target='labels')
    expected = np.stack([theirs[region] for region in ids], axis=1)
    whole = reducer.n_in_view == np.bincount(labels.ravel())[ids]
    assert 0 < whole.sum() < len(ids)
    assert_allclose(signals[:, whole], expected[:, whole], rtol=1e-5, atol=1e-9)
    if policy == 'zero':
        assert_allclose(signals, expected, rtol=1e-5, atol=1e-9)


def test_blocks_and_threads_change_no_bit(labels, blocks_of):
    data = np.random.default_rng(63).normal(0, 30, (*SHAPE, 5))
    data[3, 3, 3, 3] = np.nan
    ids = np.setdiff1d(labels, 0)
    found = []
    for per_block, threads in ((1, 1), (2, 3), (None, 2)):
        reducer = make_reducer(
            labels, FINE_AFFINE, ids, shape=SHAPE, affine=AFFINE, interpolation='cubic', num_threads=threads
        )
        found.append(read_signals(blocks_of(data, per_block), 5, [reducer])[0][0])
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])
