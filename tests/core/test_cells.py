# SPDX-License-Identifier: BSD-3-Clause
"""Sums of small integers over the regions of several atlases are exact, whatever atlases are summed together."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from spaces import make_index

from nipype_labels.core.cells import CellSums, has_small_integers
from nipype_labels.core.elements import ElementUnion
from nipype_labels.core.operators import RegionOperator
from nipype_labels.core.scaling import Decoder
from nipype_labels.core.strategies import RegionIndex

SHAPE = (6, 7, 8)
N = 336


def make_operator(labels, strategy='mean'):
    return RegionOperator.of(make_index(labels, np.unique(labels[labels > 0])), labels.shape, (0, 0, 0), strategy)


def sum_up(operators, stored):
    union = ElementUnion([operator.elements for operator in operators])
    sums = CellSums(operators, union.elements, stored.shape[1], stored.dtype)
    total = np.zeros(stored.shape[1], np.int32)
    found = sums(stored, total)
    assert_array_equal(total, stored.sum(axis=0, dtype=np.int64))
    return found, sums.others


def blocky_labels(n_atlases, rng):
    """Labels of small boxes, which other atlases divide at other planes; half of the volume is background."""
    place = np.indices(SHAPE)
    for _ in range(n_atlases):
        i, j, k = (place + rng.integers(0, 4, (3, 1, 1, 1))) // rng.integers(2, 5, (3, 1, 1, 1))
        yield np.where(place[2] < 4, 0, 1 + i + 4 * j + 16 * k)


@pytest.mark.parametrize('dtype', ['i1', 'u1', '<i2', '>i2', 'u2'])
@pytest.mark.parametrize('slab', [7, 100, 10**6])
@pytest.mark.parametrize('n_atlases', [1, 7])
def test_sums_and_means_of_regions_are_those_of_each_atlas(n_atlases, slab, dtype, monkeypatch):
    monkeypatch.setattr('nipype_labels.core.cells.SLAB', slab)
    rng = np.random.default_rng(n_atlases)
    bounds = np.iinfo(dtype)
    stored = rng.integers(bounds.min, bounds.max, (3, N), endpoint=True).astype(dtype)
    volumes = [row.astype(float).reshape(SHAPE, order='F') for row in stored]
    atlases = list(blocky_labels(n_atlases, rng))
    for strategy in ('mean', 'sum'):
        found, others = sum_up([make_operator(labels, strategy) for labels in atlases], stored)
        assert others == [None] * n_atlases
        for labels, of_atlas in zip(atlases, found, strict=True):
            ids = np.unique(labels[labels > 0])
            assert_array_equal(of_atlas, [[getattr(np, strategy)(v[labels == i]) for i in ids] for v in volumes])


@pytest.mark.parametrize('value', [-(2**15), 2**15 - 1])
def test_sums_of_large_regions_do_not_overflow(value):
    stored = np.full((2, 70_000), value, np.int16)
    (found,), _ = sum_up([make_operator(np.ones((70, 10, 100), int), 'sum')], stored)
    assert found.tolist() == [[70_000.0 * value]] * 2


def test_overlapping_regions_are_summed_and_weighted_operators_are_not_accepted():
    labels = np.random.default_rng(5).integers(0, 4, SHAPE)
    plain, smooth = make_operator(labels), RegionOperator.of(make_index(labels, [1, 2]), SHAPE, (0.9, 1, 1), 'mean')
    spheres = RegionIndex(np.array([3, 4, 5, 4, 9]), np.array([0, 3]), np.array([0, 1]), 2)
    overlapping = RegionOperator.of(spheres, SHAPE, (0, 0, 0), 'mean')
    stored = np.random.default_rng(6).integers(-900, 900, (2, N)).astype('i2')
    union = ElementUnion([operator.elements for operator in (plain, smooth, overlapping)])
    sums = CellSums([smooth, None, plain, overlapping], union.elements, N, stored.dtype)
    assert sums.others == [smooth, None, None, None]
    found = sums(stored, np.zeros(N))
    assert [each is None for each in found] == [True, True, False, False]
    assert_array_equal(found[3], [[row[3:6].mean(), row[[4, 9]].mean()] for row in stored])
    assert_array_equal(found[2], sum_up([plain], stored)[0][0])


def test_without_operators_only_the_total_grows():
    stored, total = np.arange(24, dtype=np.uint8).reshape(2, 12), np.ones(12)
    assert CellSums([None], np.empty(0, np.int8), 12, stored.dtype)(stored, total) == [None]
    assert_array_equal(total, 1 + stored.sum(axis=0))


def test_small_integers_are_unscaled():
    assert has_small_integers(np.dtype('>u2'), Decoder())
    assert not has_small_integers(np.dtype('i4'), Decoder())
    assert not has_small_integers(np.dtype('f4'), Decoder())
    assert not has_small_integers(np.dtype('i2'), Decoder(slope=2.0))
    assert not has_small_integers(np.dtype('i2'), Decoder(dtype=np.dtype('f4')))
