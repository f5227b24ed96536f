# SPDX-License-Identifier: BSD-3-Clause
"""Maps that have most voxels, against NumPy's product and its solver of least squares."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from spaces import make_grid, make_weighted

from nipype_labels.core.dense import ELEMENTS_AT_ONCE, MAPS_AT_ONCE, DenseWeights
from nipype_labels.core.elements import ElementUnion
from nipype_labels.core.least_squares import gram_matrix
from nipype_labels.core.reduce import RegionReducer, reduce_series

#: More maps and voxels than one dense matrix has, and more volumes than one product.
N_MAPS, N_VOXELS, T = MAPS_AT_ONCE + 5, ELEMENTS_AT_ONCE + 1200, 21


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def make_maps(rng, part):
    """Return maps, shape (L, voxels), with some values of 0; every tenth map has all voxels, one has few."""
    maps = rng.standard_normal((N_MAPS, N_VOXELS)) * (rng.uniform(size=(N_MAPS, N_VOXELS)) < part)
    maps[::10] = rng.uniform(1, 2, (len(maps[::10]), N_VOXELS))
    maps[1, :3], maps[1, 40:] = 1, 0
    return maps


def entries_of(maps):
    """Return numbers of voxels, first positions and weights of maps."""
    counts = (maps != 0).sum(axis=1)
    return np.nonzero(maps)[1].astype(np.int32), np.cumsum(counts) - counts, maps[maps != 0]


def reduce(maps, series, block, strategy='least_squares'):
    """Return the time series of maps in a series of shape (T, voxels), which is read in blocks of some volumes."""
    grid = make_grid((N_VOXELS, 1, 1), np.eye(4))
    atlas = make_weighted(maps, grid)
    blocks = [(first, series[first : first + block]) for first in range(0, len(series), block)]
    reducers = [RegionReducer(atlas, grid, strategy=strategy)]
    (reduction,), mean = reduce_series(lambda: iter(blocks), len(series), reducers)
    finite = np.isfinite(series).all(axis=0)
    assert_allclose(mean[finite], series[:, finite].mean(axis=0, dtype=np.float64), rtol=1e-14)
    return reduction.signals


@pytest.mark.parametrize('part', [0.9, 0.02])
def test_products_are_numpys_whatever_the_volumes_at_a_time(rng, part):
    maps = make_maps(rng, part)
    values = rng.standard_normal((T, N_VOXELS))
    elements, starts, weights = entries_of(maps)
    dense = DenseWeights(elements, starts, weights, ElementUnion([elements]))

    def sum_up(volumes):
        return dense.sum(lambda voxels: volumes[:, voxels], len(volumes))

    sums = sum_up(values)
    assert_allclose(sums, maps @ values.T, rtol=0, atol=1e-11)
    for n in (1, 3, 8):
        parts = [sum_up(values[first : first + n]) for first in range(0, T, n)]
        assert_array_equal(np.concatenate(parts, axis=1), sums)


@pytest.mark.parametrize('part', [0.9, 0.02])
def test_inner_products_of_maps_are_numpys(rng, part):
    maps = make_maps(rng, part)
    products = maps @ maps.T
    assert_allclose(gram_matrix(*entries_of(maps)), products, rtol=0, atol=1e-14 * products.max())


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('stored', ['int16', 'float32'])
def test_fits_are_least_squares_and_do_not_depend_on_blocks(rng, dtype, stored):
    maps = make_maps(rng, 0.9).astype(dtype)
    series = rng.normal(1000, 100, (T, N_VOXELS)).astype(stored)
    signals = reduce(maps, series, T)
    fits = np.linalg.lstsq(maps.astype(np.float64).T, series.astype(np.float64).T, rcond=None)[0].T
    assert_allclose(signals, fits, rtol=0, atol=1e-9 * np.abs(fits).max())
    for block in (1, 5, 8):
        assert_array_equal(reduce(maps, series, block), signals)


def test_voxels_that_are_not_finite_are_excluded_from_fits_in_their_volumes(rng):
    maps = make_maps(rng, 0.9)
    series = rng.normal(1000, 100, (T, N_VOXELS))
    series[3, 7], series[4:6, 50:90], series[6, 3] = np.nan, np.inf, -np.inf
    signals = reduce(maps, series, 8)
    for volume, found in zip(series, signals, strict=True):
        finite = np.isfinite(volume)
        fitted = np.linalg.lstsq(maps[:, finite].T, volume[finite], rcond=None)[0]
        assert_allclose(found, fitted, rtol=0, atol=1e-9 * np.abs(fitted).max())


def test_weighted_means_of_dense_maps_are_numpys(rng):
    maps = np.abs(make_maps(rng, 0.9))
    series = rng.normal(1000, 100, (T, N_VOXELS))
    means = series @ maps.T / maps.sum(axis=1)
    assert_allclose(reduce(maps, series, 5, 'weighted_mean'), means, rtol=1e-12)
