# SPDX-License-Identifier: BSD-3-Clause
"""Time series of probabilistic maps and spheres, against loops over voxels and volumes in double precision."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pairwise import pairwise
from scipy.ndimage import gaussian_filter, map_coordinates
from spaces import make_grid, make_weighted

from nipype_labels.core.coverage import CoverageTable
from nipype_labels.core.reduce import choose_reducer, reduce_series
from nipype_labels.core.scaling import Decoder
from nipype_labels.core.strategies import STRATEGIES, RegionIndex
from nipype_labels.model.errors import LabelsError
from nipype_labels.model.parameters import MAP_STRATEGIES
from nipype_labels.model.seeds import Seeds

SHAPE, T = (7, 6, 5), 9
AFFINE = np.array([[3.0, 0, 0, -9], [0, 3, 0, -8], [0, 0, 3.5, -7], [0, 0, 0, 1]])

#: Another grid, turned against the first, with larger voxels and partly beyond it.
OTHER = np.array([[4.0, 0.4, 0, -12], [-0.4, 4, 0.2, -8], [0, 0.1, 4, -7], [0, 0, 0, 1]])


def weighted(maps, affine=AFFINE):
    """Return the WeightedAtlas of maps, shape (I, J, K, L)."""
    return make_weighted(maps.reshape(-1, maps.shape[-1], order='F').T, make_grid(maps.shape, affine))


def make_maps(overlap, rng, shape=SHAPE):
    """Return 5 maps: disjoint, overlapping, overlapping with negative values, or one the sum of two others."""
    maps = rng.uniform(0.2, 2, (*shape, 5)) * (rng.uniform(size=(*shape, 5)) < 0.4)
    if overlap == 'none':
        maps *= np.arange(5) == rng.integers(0, 5, shape)[..., None]
    elif overlap == 'signed':
        maps *= rng.choice([-1, 1], maps.shape)
    elif overlap == 'collinear':
        maps[..., 3] = maps[..., 0] + 2 * maps[..., 1]
    return maps


def reduce(atlas, series, affine=AFFINE, block=4, **options):
    """Return the Reduction of a series, shape (I, J, K, T)."""
    stored = series.reshape(-1, series.shape[-1], order='F').T
    options = {'strategy': 'least_squares', 'resampling_target': 'none', 'interpolation': 'cubic'} | options
    reducer = choose_reducer(atlas, make_grid(series.shape, affine), **options)
    blocks = [(first, stored[first : first + block]) for first in range(0, len(stored), block)]
    (reduction,), _ = reduce_series(lambda: iter(blocks), len(stored), [reducer], Decoder())
    return reduction


def expect(maps, series, strategy):
    """Return the values of a strategy, volume by volume, from finite voxels only."""
    maps, signals = maps.reshape(-1, maps.shape[-1]), []
    for volume in series.reshape(-1, series.shape[-1]).T.astype(float):
        finite = np.isfinite(volume)
        weights, values = maps[finite], volume[finite]
        if strategy == 'least_squares':
            signals.append(np.linalg.lstsq(weights, values, rcond=1e-10)[0])
        else:
            signals.append([column @ values / column.sum() for column in weights.T])
    return np.array(signals)


@pairwise(
    strategy=['least_squares', 'weighted_mean'],
    overlap=['none', 'some', 'signed', 'collinear'],
    masked=[False, True],
    missing=['none', 'always', 'sometimes'],
    other_grid=[False, True],
    dtype=['int16', 'float32', 'float64'],
)
def test_values_are_those_of_loops_over_volumes(strategy, overlap, masked, missing, other_grid, dtype):
    if strategy == 'weighted_mean' and overlap == 'signed':
        overlap = 'some'
    rng = np.random.default_rng(7)
    maps = make_maps(overlap, rng)
    series = rng.normal(1000, 100, (*SHAPE, T)).astype(dtype)
    if missing != 'none' and dtype != 'int16':
        series[2:4, 3, 2, :] = np.nan
        series[4, 4, 4, 0 if missing == 'always' else 5] = np.inf
    atlas, on_grid = weighted(maps), maps
    if other_grid:
        # The maps on the grid of the series, by SciPy; 0 beyond a margin that rounding errors of affines may need.
        shape = (6, 5, 4)
        atlas = weighted(maps := make_maps(overlap, rng, shape), OTHER).on(make_grid(SHAPE, AFFINE))
        where = np.linalg.inv(OTHER) @ AFFINE @ np.stack([*map(np.ravel, np.indices(SHAPE)), np.ones(np.prod(SHAPE))])
        on_grid = [map_coordinates(maps[..., i], where[:3], order=1, mode='nearest') for i in range(5)]
        outside = (where[:3] < -0.01).any(axis=0) | (where[:3] > np.array([shape]).T - 0.99).any(axis=0)
        on_grid = np.where(outside, 0, on_grid).T.reshape(*SHAPE, 5)
    if masked:
        mask = rng.uniform(size=SHAPE) < 0.8
        atlas, on_grid = atlas.within(mask), on_grid * mask[..., None]
    reduction = reduce(atlas, series, strategy=strategy)
    assert_allclose(reduction.signals, expect(on_grid, series, strategy), rtol=1e-9, atol=1e-9)
    used = np.abs(on_grid) * np.isfinite(series).any(axis=-1)[..., None]
    assert_allclose(reduction.weight_used, used.sum(axis=(0, 1, 2)), rtol=1e-12)
    expected = [0, 1, 3] if (strategy, overlap) == ('least_squares', 'collinear') else []
    assert np.flatnonzero(reduction.is_collinear).tolist() == expected


def test_disjoint_maps_of_one_value_are_means_divided_by_it():
    rng = np.random.default_rng(8)
    labels, series = rng.integers(0, 4, SHAPE), rng.normal(size=(*SHAPE, T))
    maps = (labels[..., None] == np.arange(1, 4)) * np.array([1.0, 3, 1])
    means = np.array([series[labels == i].mean(axis=0) for i in (1, 2, 3)]).T
    assert_allclose(reduce(weighted(maps), series).signals, means / [1, 3, 1], rtol=1e-12)
    assert_allclose(reduce(weighted(maps), series, strategy='weighted_mean').signals, means, rtol=1e-12)


def test_the_same_map_twice_has_half_the_amplitude_each():
    rng = np.random.default_rng(9)
    maps, series = make_maps('some', rng), rng.normal(size=(*SHAPE, T))
    twice = reduce(weighted(maps[..., [0, 1, 2, 0]]), series)
    once = reduce(weighted(maps[..., :3]), series)
    assert_allclose(twice.signals, once.signals[:, [0, 1, 2, 0]] * [0.5, 1, 1, 0.5], rtol=1e-9)
    assert twice.is_collinear.tolist() == [True, False, False, True]
    regions = CoverageTable.of(weighted(maps[..., [0, 1, 2, 0]])).with_signals(twice, 31.5)
    assert regions.status.tolist() == ['collinear', 'ok', 'ok', 'collinear']
    assert regions.list_collinear() == 'M1, M4'


def test_zeros_for_values_that_are_not_finite_are_those_of_nilearn():
    rng = np.random.default_rng(10)
    maps, series = make_maps('some', rng), rng.normal(size=(*SHAPE, T))
    series[3, 3, 3] = np.nan
    found = reduce(weighted(maps), series, nan_policy='zero').signals
    assert_allclose(found, expect(maps, np.nan_to_num(series), 'least_squares'), rtol=1e-9)


@pytest.mark.parametrize('strategy', ['least_squares', 'weighted_mean'])
def test_smoothing_precedes_the_fit(strategy):
    rng = np.random.default_rng(11)
    maps, series = make_maps('some', rng), rng.normal(size=(*SHAPE, T))
    whole = reduce(weighted(maps), series, strategy=strategy, smoothing_fwhm=6.0).signals
    series_with_nan = series.copy()
    series_with_nan[0, 0, 0, 3] = np.nan
    # Volumes with values that are not finite are smoothed before they are reduced; others by smoothed weights.
    by_volume = reduce(weighted(maps), series_with_nan, strategy=strategy, smoothing_fwhm=6.0).signals
    sigmas = 6.0 / np.sqrt(8 * np.log(2)) / np.array([3, 3, 3.5])
    smoothed = np.stack([gaussian_filter(series[..., t], sigmas, mode='reflect') for t in range(T)], axis=-1)
    expected = expect(maps, smoothed, strategy)
    assert_allclose(whole, expected, rtol=1e-9, atol=1e-12)
    assert_allclose(np.delete(by_volume, 3, axis=0), np.delete(expected, 3, axis=0), rtol=1e-9, atol=1e-12)


def test_a_series_is_sampled_on_the_grid_of_the_maps():
    rng = np.random.default_rng(12)
    maps, series = make_maps('some', rng, (3, 3, 3)), rng.normal(size=(*SHAPE, T))
    inner = AFFINE @ np.array([[1, 0, 0, 1.5], [0, 1, 0, 1.25], [0, 0, 1, 0.5], [0, 0, 0, 1]])
    found = reduce(weighted(maps, inner), series, resampling_target='labels', interpolation='linear').signals
    where = np.indices((3, 3, 3)) + np.array([1.5, 1.25, 0.5])[:, None, None, None]
    sampled = np.stack([map_coordinates(series[..., t], where, order=1) for t in range(T)], axis=-1)
    assert_allclose(found, expect(maps, sampled, 'least_squares'), rtol=1e-9)


@pytest.mark.parametrize('block', [1, 3, T])
def test_results_do_not_depend_on_the_size_of_blocks(block):
    rng = np.random.default_rng(13)
    maps, series = make_maps('some', rng), rng.normal(size=(*SHAPE, T)).astype('float32')
    assert_array_equal(reduce(weighted(maps), series, block=block).signals, reduce(weighted(maps), series).signals)


def test_maps_need_a_strategy_for_maps():
    rng = np.random.default_rng(14)
    series = rng.normal(size=(*SHAPE, T))
    for strategy in set(STRATEGIES) - set(MAP_STRATEGIES):
        with pytest.raises(LabelsError, match=f"strategy='{strategy}' is for labels .*weighted_mean or least_squares"):
            reduce(weighted(make_maps('some', rng)), series, strategy=strategy)
    with pytest.raises(LabelsError, match=r'without negative values.*M1'):
        reduce(weighted(make_maps('signed', rng)), series, strategy='weighted_mean')


@pytest.mark.parametrize(('radius', 'affine'), [(5.0, AFFINE), (4.0, OTHER), (7.5, AFFINE), (0.5, OTHER)])
def test_spheres_are_the_voxels_within_the_radius(radius, affine):
    rng = np.random.default_rng(15)
    series, centres = rng.integers(0, 200, (*SHAPE, T)).astype('int16'), rng.uniform(-8, 10, (12, 3))
    spheres = Seeds(centres, np.full(12, radius), np.arange(12), [f'S{i}' for i in range(12)]).on(
        make_grid(SHAPE, affine)
    )
    found = reduce(spheres, series, affine, strategy='mean').signals
    members = [
        [v for v in np.ndindex(SHAPE) if np.linalg.norm((affine @ (*v, 1))[:3] - centre) <= radius]
        for centre in centres
    ]
    expected = [np.mean([series[v] for v in voxels], axis=0) if voxels else np.full(T, np.nan) for voxels in members]
    assert_allclose(found, np.transpose(expected), rtol=1e-13)
    shared = [sum(any(v in other for other in members if other is not own) for v in own) for own in members]
    assert spheres.count_shared().tolist() == shared


def test_a_voxel_on_the_surface_belongs_to_the_sphere():
    """Centers 3 mm away in single precision, as headers have them."""
    affine = AFFINE.astype('float32') + np.float32(1e-6)
    spheres = Seeds(np.array([affine[:3, 3]]), np.array([3.0]), [1], ['S']).on(make_grid(SHAPE, affine))
    assert spheres.counts.tolist() == [3]


def test_an_empty_sphere_has_a_status_or_the_nearest_voxel():
    grid = make_grid(SHAPE, AFFINE)
    between = (AFFINE @ [1.5, 1.5, 1.5, 1])[:3]
    centres = np.array([between, AFFINE[:3, 3], [500.0, 0, 0]])
    seeds = Seeds(centres, np.ones(3), [1, 2, 3], ['between', 'on a voxel', 'far'])
    regions = CoverageTable.of_placed(seeds.on_endless(grid), seeds.on(grid), seeds.on(grid))
    assert regions.status.tolist() == ['lost_in_resampling', 'ok', 'outside_field_of_view']
    assert regions.coverage.tolist() == [0, 1, 0]
    assert Seeds(centres, np.ones(3), [1, 2, 3], 'abc', True).on(grid).counts.tolist() == [1, 1, 0]


def test_a_sphere_at_the_border_is_covered_in_part():
    grid = make_grid(SHAPE, AFFINE)
    seeds = Seeds(AFFINE[None, :3, 3], np.array([3.0]), [1], ['corner'])
    regions = CoverageTable.of_placed(seeds.on_endless(grid), seeds.on(grid), seeds.on(grid))
    # Of the center and its 4 neighbors within 3 mm, two are beyond the grid.
    assert (regions.n_voxels_atlas.tolist(), regions.n_voxels_grid.tolist()) == ([5], [3])
    assert_allclose(regions.coverage, [0.6])


def test_overlapping_spheres_can_be_refused():
    centres = np.array([[0.0, 0, 0], [3, 0, 0], [0, 7, 0]])
    spheres = Seeds(centres, np.full(3, 3.5), [1, 2, 3], 'abc').on(make_grid(SHAPE, AFFINE))
    with pytest.raises(LabelsError, match=r'a and b$'):
        spheres.refuse_overlap()
    Seeds(centres[[0, 2]], np.full(2, 3.5), [1, 2], 'ab').on(make_grid(SHAPE, AFFINE)).refuse_overlap()


@pytest.mark.parametrize('overlap', ['none', 'some'])
def test_overlapping_maps_can_be_refused(overlap):
    maps = make_maps(overlap, np.random.default_rng(19))
    pairs = [
        f'M{one + 1} and M{other + 1}'
        for one, other in itertools.combinations(range(5), 2)
        if (maps[..., one] * maps[..., other]).any()
    ]
    if overlap == 'none':
        assert not pairs
        weighted(maps).refuse_overlap()
        return
    with pytest.raises(LabelsError, match=rf'maps overlap \(allow_overlap=False\): {", ".join(pairs[:5])} and 5 more'):
        weighted(maps).refuse_overlap()


def test_overlap_of_many_dense_maps_is_found_in_little_time():
    """Each of 100 million pairs of regions and voxels would be a product of two matrices."""
    maps = np.ones((20, 20, 25, 100))
    with pytest.raises(LabelsError, match='M1 and M2, M1 and M3'):
        weighted(maps).refuse_overlap()


def test_values_map_back_by_the_weights_and_as_means_of_spheres():
    rng = np.random.default_rng(16)
    maps, row = make_maps('some', rng), rng.normal(size=5)
    image = RegionIndex.of(weighted(maps)).spread(row, int(np.prod(SHAPE)))
    assert_allclose(image.reshape(SHAPE, order='F'), maps @ row, rtol=1e-12, atol=1e-12)
    centres = np.array([[0.0, 0, 0], [3, 0, 0]])
    spheres = Seeds(centres, np.full(2, 4.0), [1, 2], 'ab').on(make_grid(SHAPE, AFFINE))
    image = RegionIndex.of(spheres).spread(np.array([1.0, 2.0]), int(np.prod(SHAPE)))
    one, other = (set(spheres.elements[spheres.column == i].tolist()) for i in (0, 1))
    assert one & other
    expected = [(i in one) + 2 * (i in other) for i in range(image.size)]
    expected = [value / 2 if value == 3 else value for value in expected]
    assert image.tolist() == expected


def test_an_unknown_voxel_pattern_in_every_volume_is_fitted_by_the_rest():
    """Voxels that are not finite change from volume to volume, so that each volume has a fit of its own."""
    rng = np.random.default_rng(17)
    maps, series = make_maps('some', rng), rng.normal(size=(*SHAPE, T))
    series[rng.uniform(size=series.shape) < 0.1] = np.nan
    for strategy in ('least_squares', 'weighted_mean'):
        found = reduce(weighted(maps), series, strategy=strategy).signals
        assert_allclose(found, expect(maps, series, strategy), rtol=1e-9)


def test_every_combination_of_empty_maps_keeps_its_columns():
    maps, series = make_maps('some', np.random.default_rng(18)), np.ones((*SHAPE, 2))
    for empty in itertools.combinations(range(5), 2):
        some = maps.copy()
        some[..., empty] = 0
        found = reduce(weighted(some), series, strategy='weighted_mean').signals
        assert np.isnan(found).all(axis=0).tolist() == [i in empty for i in range(5)]


@pytest.mark.parametrize('strategy', ['least_squares', 'weighted_mean'])
def test_maps_without_finite_values_have_no_signal(strategy):
    atlas = weighted(make_maps('some', np.random.default_rng(0)))
    reduction = reduce(atlas, np.full((*SHAPE, T), np.nan), strategy=strategy)
    assert np.isnan(reduction.signals).all()
    assert not reduction.n_used.any()
    assert not reduction.weight_used.any()
    assert not reduction.is_collinear.any()
