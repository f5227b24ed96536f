# SPDX-License-Identifier: BSD-3-Clause
"""Affines and voxel grids: one rule for equal grids, and positions inside a grid."""

import numpy as np
import pytest
from nibabel.affines import apply_affine
from numpy.testing import assert_allclose, assert_array_equal
from spaces import make_grid

from nipype_labels.model import affines
from nipype_labels.model.errors import GridError

SHAPE = (5, 6, 7)


def rotation(degrees):
    """About the third axis."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


def shifted(*steps):
    out = np.eye(4)
    out[:3, 3] = steps
    return out


@pytest.mark.parametrize(
    'affine',
    [
        pytest.param(np.eye(3), id='three-by-three'),
        pytest.param(np.diag([2.0, 0, 2, 1]), id='flat'),
        pytest.param(np.diag([2.0, np.nan, 2, 1]), id='nan'),
        pytest.param(shifted(np.inf, 0, 0), id='infinite-origin'),
    ],
)
def test_an_affine_that_maps_no_grid_is_refused_by_name(affine):
    with pytest.raises(GridError, match='atlas affine is not valid'):
        affines.check_affine(affine, 'atlas affine')


def test_a_valid_affine_is_returned_as_float64():
    checked = affines.check_affine(np.diag([2, -3, 4, 1]).astype(np.float32))
    assert checked.dtype == np.float64
    assert_array_equal(checked, np.diag([2, -3, 4, 1]))


def test_voxel_sizes_and_volume_hold_under_rotation():
    affine = rotation(33) @ np.diag([-2.0, 3, 4, 1])
    assert_allclose(affines.voxel_sizes(affine), [2, 3, 4], rtol=1e-12)
    assert_allclose(affines.voxel_volume(affine), 24, rtol=1e-12)


def test_voxel_volume_holds_under_shear():
    shear = np.eye(4)
    shear[0, 1] = 0.7
    assert_allclose(affines.voxel_volume(shear @ np.diag([2.0, 3, 4, 1])), 24, rtol=1e-12)


def test_voxel_map_leads_to_the_same_place_in_the_world():
    target = shifted(1, 2, 3) @ rotation(20) @ np.diag([2.0, 3, 4, 1])
    source = shifted(-4, 0, 5) @ rotation(-10) @ np.diag([-1.5, 2, 2, 1])
    voxels = np.random.default_rng(0).uniform(-3, 9, (20, 3))
    there = apply_affine(affines.voxel_map(target, source), voxels)
    assert_allclose(apply_affine(source, there), apply_affine(target, voxels), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(('drift', 'same'), [(0.0, True), (0.009, True), (-0.009, True), (0.011, False)])
@pytest.mark.parametrize('axis', [0, 1, 2])
def test_grids_are_the_same_within_a_hundredth_of_a_voxel(drift, same, axis):
    affine = shifted(-90, -126, -72) @ np.diag([2.0, 3, 4, 1])
    other = affine.copy()
    other[axis, 3] += drift * (2, 3, 4)[axis]
    assert make_grid(SHAPE, affine).matches(make_grid(SHAPE, other)) is same
    assert make_grid(SHAPE, other).matches(make_grid(SHAPE, affine)) is same


def test_a_voxel_size_that_differs_is_measured_at_the_far_corner():
    affine = np.diag([2.0, 2, 2, 1])
    other = np.diag([2.0, 2, 2.0002, 1])
    assert make_grid((50, 50, 50), affine).matches(make_grid((50, 50, 50), other))
    assert not make_grid((50, 50, 150), affine).matches(make_grid((50, 50, 150), other))


def test_a_small_rotation_is_measured_at_the_far_corner():
    assert make_grid((50, 50, 50), np.eye(4)).matches(make_grid((50, 50, 50), rotation(0.01)))
    assert not make_grid((100, 100, 50), np.eye(4)).matches(make_grid((100, 100, 50), rotation(0.01)))


def test_grids_of_another_shape_or_handedness_differ():
    flipped = np.diag([-1.0, 1, 1, 1])
    flipped[0, 3] = SHAPE[0] - 1
    assert not make_grid(SHAPE, np.eye(4)).matches(make_grid((*SHAPE[:2], 8), np.eye(4)))
    assert not make_grid(SHAPE, np.eye(4)).matches(make_grid(SHAPE, flipped))


def test_the_error_of_different_grids_names_both():
    one = make_grid((4, 5, 6), shifted(90, 0, 0), 'one.nii')
    assert one.require(one, 'nothing to do') is None
    smaller = r'grids differ: one\.nii \(4×5×6 .*small\.nii \(4×5×5 .*resample it'
    with pytest.raises(GridError, match=smaller):
        one.require(make_grid((4, 5, 5), shifted(90, 0, 0), 'small.nii'), 'resample it')
    with pytest.raises(GridError, match=r'first at \(90, .*first at \(91, '):
        one.require(make_grid((4, 5, 6), shifted(91, 0, 0), 'other.nii'), 'resample it')


def test_time_is_not_part_of_a_grid():
    assert make_grid((*SHAPE, 20), np.eye(4)).matches(make_grid(SHAPE, np.eye(4)))


@pytest.mark.parametrize('degrees', [0, 15])
def test_map_voxels_maps_every_voxel(degrees):
    matrix = shifted(0.5, -2, 1) @ rotation(degrees) @ np.diag([1.1, 0.9, 1.3, 1])
    expected = apply_affine(matrix, np.moveaxis(np.indices(SHAPE), 0, -1))
    mapped = affines.map_voxels(matrix, tuple(np.indices(SHAPE)))
    assert_allclose(np.moveaxis(mapped, 0, -1), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ('place', 'expected'),
    [(-0.011, False), (-0.009, True), (0.0, True), (4.0, True), (4.009, True), (4.011, False)],
)
@pytest.mark.parametrize('axis', [0, 1, 2])
def test_inside_forgives_a_hundredth_of_a_voxel_on_each_side(place, expected, axis):
    where = np.full((3, 1), 2.0)
    where[axis] = place
    assert affines.is_inside(where, (5, 5, 5)).tolist() == [expected]


def test_inside_takes_another_margin():
    where = np.array([[-0.49, -0.51, 4.49, 4.51], [1.0] * 4, [1.0] * 4])
    assert affines.is_inside(where, (5, 5, 5), margin=0.5).tolist() == [True, False, True, False]


def test_a_grid_is_described_by_shape_sizes_and_origin():
    text = str(make_grid((4, 5, 6, 20), shifted(-90, 1.25, 0) @ rotation(90) @ np.diag([2.0, 3, 2.5, 1])))
    assert text == '4×5×6 voxels of 2×3×2.5 mm, first at (-90, 1.25, 0) mm'


def test_the_size_and_the_measure_of_a_grid_are_voxels_and_mm3():
    grid = make_grid(SHAPE, rotation(20) @ np.diag([2.0, 3, 2.5, 1]))
    assert grid.size == 210
    assert_allclose(grid.measure, 15)


def test_each_voxel_is_located_in_another_grid_or_outside():
    source = make_grid((6, 5, 4), shifted(1.3, -2.2, 0.7) @ rotation(12) @ np.diag([2.1, 1.9, 2.3, 1]))
    target = make_grid((5, 7, 6), shifted(0.4, -3.1, 0.2) @ np.diag([1.7, 1.4, 1.9, 1]))
    expected = []
    for k, j, i in np.ndindex(target.shape[::-1]):
        where = (np.linalg.inv(source.affine) @ target.affine @ [i, j, k, 1])[:3]
        inside = ((where >= -0.01) & (where <= np.array(source.shape) - 0.99)).all()
        a, b, c = np.clip(np.floor(where + 0.5), 0, np.array(source.shape) - 1).astype(int)
        expected.append(a + 6 * (b + 5 * c) if inside else -1)
    assert_array_equal(source.locate(target), expected)
    assert 0 < np.equal(expected, -1).sum() < target.size


@pytest.mark.parametrize('margin', [0.01, 0.5])
def test_voxels_are_contained_up_to_the_margin(margin):
    view, other = make_grid((3, 4, 5), np.eye(4)), make_grid((9, 4, 5), shifted(-1.2, 0, 0) @ np.diag([0.5, 1, 1, 1]))
    voxels = np.random.default_rng(0).permutation(other.size)[:50]
    x = -1.2 + 0.5 * (voxels % 9)
    assert_array_equal(view.contains(other, voxels, margin), (x >= -margin) & (x <= 2 + margin))
