# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from head_cases import GRIDS, SPOT, ball

from nipype_labels.core.slices import PLANES, choose_slices, cut_plane, view_grid


@pytest.fixture(params=GRIDS)
def grid(request):
    """Shape and affine of a grid."""
    return GRIDS[request.param]


def slice_through(view, axis, place):
    return round((place - view.first[axis]) / view.steps[axis])


@pytest.mark.parametrize('plane', PLANES, ids=lambda plane: plane.name)
def test_a_spot_is_where_the_letters_say(plane, grid):
    shape, affine = grid
    view = view_grid(shape, affine)
    picture = cut_plane(ball(*grid), affine, view, plane, slice_through(view, plane.normal, SPOT[plane.normal]))
    rows, columns = np.nonzero(picture)
    assert picture.shape == (view.shape[plane.up], view.shape[plane.across])
    across = view.first[plane.across] + view.steps[plane.across] * columns.mean()
    up = view.first[plane.up] + view.steps[plane.up] * (picture.shape[0] - 1 - rows.mean())
    np.testing.assert_allclose([across, up], SPOT[[plane.across, plane.up]], atol=1.5)
    # Left, anterior and superior: by the letters of the plane, and above the middle.
    assert (columns.mean() < picture.shape[1] / 2) == ({'L': True, 'P': False}[plane.left])
    assert rows.mean() < picture.shape[0] / 2


def test_an_upright_grid_is_cut_into_its_own_voxels():
    shape, affine = GRIDS['RAS']
    volume = np.random.default_rng(0).normal(size=shape)
    axial = next(plane for plane in PLANES if plane.name == 'axial')
    picture = cut_plane(volume, affine, view_grid(shape, affine), axial, 7)
    np.testing.assert_array_equal(picture, volume[:, ::-1, 7].T)


def test_a_label_is_cut_at_the_same_place_whatever_its_grid(grid):
    fine = (96, 96, 96), np.array([[-1.0, 0, 0, 48.2], [0, 1, 0, -47.7], [0, 0, 1, -47.1], [0, 0, 0, 1]])
    view = view_grid(*grid)
    for plane in PLANES:
        index = slice_through(view, plane.normal, SPOT[plane.normal])
        coarse, other = (cut_plane(ball(*g, radius=14), g[1], view, plane, index) for g in (grid, fine))
        assert (coarse & other).sum() > 0.8 * (coarse | other).sum()


def test_slices_go_through_the_labelled_voxels(grid):
    view = view_grid(*grid)
    chosen = choose_slices(ball(*grid), grid[1], view, 4)
    for axis, slices in enumerate(chosen):
        places = [view.position(axis, index) for index in slices]
        assert 1 <= len(slices) <= 4
        assert np.abs(np.array(places) - SPOT[axis]).max() < 9


def test_slices_without_labels_are_spread_over_the_field_of_view(grid):
    view = view_grid(*grid)
    chosen = choose_slices(np.zeros(grid[0], dtype=bool), grid[1], view, 4)
    assert [len(slices) for slices in chosen] == [4, 4, 4]


def test_labels_beyond_the_view_choose_no_slices():
    shape, affine = GRIDS['RAS']
    far = np.eye(4)
    far[:3, 3] = 500
    chosen = choose_slices(np.ones((3, 3, 3), dtype=bool), far, view_grid(shape, affine), 2)
    assert all(0 <= index < n for slices, n in zip(chosen, shape, strict=True) for index in slices)
