# SPDX-License-Identifier: BSD-3-Clause
"""Elements of atlases are taken from each block once, decoded once, and summed with their weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from spaces import make_index

from nipype_labels.core.elements import ElementUnion
from nipype_labels.core.operators import Block, JointOperator, RegionOperator
from nipype_labels.core.scaling import Decoder
from nipype_labels.core.smooth import smooth

SHAPE = (5, 4, 6)


@pytest.fixture(params=[3, 6], ids=['three', 'six'])
def stored(request):
    return np.random.default_rng(61).integers(-900, 900, (request.param, 120)).astype('>i2')


def sum_up(operators, union, stored):
    return JointOperator(operators, union)(Block(stored, Decoder(), union))


@pytest.mark.parametrize('whole', [False, True], ids=['some', 'all-decoded'])
def test_each_atlas_finds_its_elements_among_those_of_all(stored, whole):
    needed = [np.array([7, 3, 119]), np.array([], dtype=int), np.array([3, 50])]
    union = ElementUnion(needed)
    assert union.elements.tolist() == [3, 7, 50, 119]
    block = Block(stored, Decoder(2.0, 1.0), union)
    if whole:
        assert_array_equal(block.decoded, stored * 2.0 + 1.0)
    for elements in needed:
        expected = stored[:, elements] * 2.0 + 1.0
        assert_array_equal(block.values_at(elements, np.arange(len(stored))), expected)
        assert_array_equal(block.values_at(elements, np.array([2, 0])), expected[[2, 0]])
    assert_array_equal(block.take(np.array([3, 50])), stored[:, [3, 50]] * 2.0 + 1.0)


def test_a_block_is_decoded_once(stored):
    calls = []

    def decode(values):
        calls.append(values.shape)
        return values.astype(float)

    block = Block(stored, decode, ElementUnion([np.array([3, 7])]))
    for _ in range(2):
        assert block.decoded.shape == stored.shape
        assert block.values.shape == (len(stored), 2)
    assert calls == [stored.shape]


def test_no_elements_give_no_values(stored):
    union = ElementUnion([np.array([], dtype=int)])
    assert Block(stored, Decoder(), union).values.shape == (len(stored), 0)


@pytest.mark.parametrize('strategy', ['mean', 'sum'])
@pytest.mark.parametrize('sigmas', [(0, 0, 0), (0.8, 1.2, 0.5)], ids=['sharp', 'smoothed'])
def test_sums_are_those_of_each_region_whatever_else_is_summed(stored, sigmas, strategy):
    labels = np.random.default_rng(62).integers(0, 4, SHAPE)
    index = make_index(labels, [3, 9, 1])
    operator = RegionOperator.of(index, SHAPE, sigmas, strategy)
    volumes = [row.astype(float).reshape(SHAPE, order='F') for row in stored]
    volumes = [smooth(volume, sigmas) if any(sigmas) else volume for volume in volumes]
    expected = [[getattr(np, strategy)(volume[labels == i]) for i in (3, 1)] for volume in volumes]
    (alone,) = sum_up([operator], ElementUnion([operator.elements]), stored)
    assert index.columns.tolist() == [0, 2]
    assert_allclose(alone, expected, rtol=1e-12)
    other = RegionOperator.of(make_index(labels[::-1], [2, 3]), SHAPE, (0, 0, 0), 'mean')
    everything = ElementUnion([np.arange(120)])
    first, nothing, last = sum_up([other, None, operator], everything, stored)
    assert_array_equal(last, alone)
    assert_array_equal(first, sum_up([other], everything, stored)[0])
    assert nothing is None


def test_sums_do_not_depend_on_the_parts_they_are_made_in(stored, monkeypatch):
    stored = stored * np.random.default_rng(63).standard_normal(stored.shape)
    index = make_index(np.random.default_rng(1).integers(0, 4, SHAPE), [1, 2, 3])
    operators = [RegionOperator.of(index, SHAPE, sigmas, 'mean') for sigmas in ((0, 0, 0), (0.8, 1.2, 0.5))]
    for some in (operators[:1], operators):
        union = ElementUnion([operator.elements for operator in some])
        whole = sum_up(some, union, stored)
        with monkeypatch.context() as patch:
            patch.setattr('nipype_labels.core.operators.WEIGHTS_AT_ONCE', 7)
            assert_array_equal(sum_up(some, union, stored), whole)


def test_a_sum_is_not_finite_where_a_value_is_not(stored):
    stored = stored.astype('f4')
    labels = np.random.default_rng(62).integers(0, 4, SHAPE)
    at = np.flatnonzero(labels.reshape(-1, order='F') == 2)
    stored[1, at[0]], stored[2, at[:2]] = np.nan, (np.inf, -np.inf)
    operator = RegionOperator.of(make_index(labels, [1, 2, 3]), SHAPE, (0, 0, 0), 'mean')
    finite = np.isfinite(sum_up([operator], ElementUnion([operator.elements]), stored)[0])
    assert finite[:3].tolist() == [[True] * 3, [True, False, True], [True, False, True]]
    assert finite[3:].all()
