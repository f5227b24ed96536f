# SPDX-License-Identifier: BSD-3-Clause
"""Reductions of several blocks together, against products of NumPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from spaces import make_atlas, make_grid, make_weighted

from nipype_labels.core.elements import ElementUnion
from nipype_labels.core.joining import MOST_VOLUMES, count_joined
from nipype_labels.core.reduce import RegionReducer, reduce_series
from nipype_labels.core.scaling import Decoder

SHAPE, T, DECODERS = (10, 9, 8), 2 * MOST_VOLUMES + 5, {'>i2': Decoder(), 'float32': Decoder(0.5, 3.0)}
SPACE = make_grid(SHAPE, np.eye(4))


@pytest.fixture
def maps():
    """Maps of which some have most elements and some few; the first voxels belong to no map."""
    rng = np.random.default_rng(4)
    maps = rng.uniform(0.1, 1, (30, np.prod(SHAPE))) * (rng.uniform(size=(30, np.prod(SHAPE))) < 0.3)
    maps[:, :40] = 0
    return maps


@pytest.mark.parametrize('n_threads', [1, 2])
@pytest.mark.parametrize('stored', ['>i2', 'float32'])
def test_several_atlases_give_the_same_bytes_for_any_blocks(maps, stored, n_threads):
    series = np.random.default_rng(5).integers(-900, 900, (T, maps.shape[1])).astype(stored)
    labels = np.arange(maps.shape[1]) % 6
    weights = [maps, maps[:4], np.where(maps > 0.8, maps, 0)]
    atlases = [make_weighted(each, SPACE) for each in weights]
    atlases.append(make_atlas(labels.reshape(SHAPE, order='F'), ids=range(1, 6)))
    weights.append(np.arange(1, 6)[:, None] == labels)

    def reduce(block):
        reducers = [RegionReducer(atlas, SPACE, strategy='weighted_mean') for atlas in atlases]
        operators = [reducer.operator for reducer in reducers]
        assert count_joined(operators, ElementUnion([each.elements for each in operators])) == MOST_VOLUMES
        blocks = [(first, series[first : first + block]) for first in range(0, T, block)]
        return reduce_series(lambda: iter(blocks), T, reducers, DECODERS[stored], n_threads)

    reductions, mean = reduce(4)
    values = DECODERS[stored](series.astype(np.float64))
    assert_allclose(mean, values.mean(axis=0), rtol=1e-12)
    for reduction, of_atlas in zip(reductions, weights, strict=True):
        assert_allclose(reduction.signals, values @ of_atlas.T / of_atlas.sum(axis=1), rtol=1e-12)
    for block in (1, 7, MOST_VOLUMES, T):
        others, other_mean = reduce(block)
        assert_array_equal(other_mean, mean)
        for one, other in zip(reductions, others, strict=True):
            assert_array_equal(other.signals, one.signals)
    alone = RegionReducer(atlases[1], SPACE, strategy='weighted_mean')
    (other,), _ = reduce_series(lambda: iter([(0, series)]), T, [alone], DECODERS[stored])
    assert_array_equal(other.signals, reductions[1].signals)


def test_volumes_with_values_that_are_not_finite_are_reduced_separately(maps):
    series = np.random.default_rng(6).normal(900, 30, (T, maps.shape[1]))
    series[:, 100] = np.nan
    series[MOST_VOLUMES + 1, 300:350] = np.inf
    blocks = [(first, series[first : first + 3]) for first in range(0, T, 3)]
    reducer = RegionReducer(make_weighted(maps, SPACE), SPACE, strategy='weighted_mean')
    (reduction,), _ = reduce_series(lambda: iter(blocks), T, [reducer])
    for volume, found in zip(series, reduction.signals, strict=True):
        finite = np.isfinite(volume)
        assert_allclose(found, maps[:, finite] @ volume[finite] / maps[:, finite].sum(axis=1), rtol=1e-12)
    n_used = np.delete(maps != 0, 100, axis=1).sum(axis=1)
    assert reduction.n_used.tolist() == n_used.tolist()
