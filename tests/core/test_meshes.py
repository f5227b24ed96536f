# SPDX-License-Identifier: BSD-3-Clause
"""Visible triangles of a mesh, their order, their light and their regions."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from nipype_labels.core.meshes import find_triangle_regions, view_mesh

#: Left, right, back, front, bottom and top of an octahedron, and its triangles by their signs of x, y and z.
POINTS = 10.0 * np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]])
SIGNS = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
TRIANGLES = np.array([(x, 2 + y, 4 + z) if (x + y + z) % 2 else (2 + y, x, 4 + z) for x, y, z in SIGNS])


@pytest.mark.parametrize('is_inside_out', [False, True])
@pytest.mark.parametrize('side', [-1, 1])
def test_the_triangles_of_one_side_are_visible(side, is_inside_out):
    triangles = TRIANGLES[:, ::-1] if is_inside_out else TRIANGLES
    view = view_mesh(POINTS + np.array([40, 0, 0]), triangles, side)
    assert sorted(view.triangles) == [i for i, (x, _, _) in enumerate(SIGNS) if x == (side > 0)]
    # From the left the front is on the left, from the right on the right; the top is up, where rows begin.
    for corners, number in zip(view.corners, view.triangles, strict=True):
        _, y, z = np.array(SIGNS[number]) * 2 - 1
        assert set(map(tuple, corners)) == {(0, 0), (side * 10 * y, 0), (0, -10 * z)}


@pytest.mark.parametrize('side', [-1, 1])
def test_light_comes_from_above(side):
    view = view_mesh(POINTS, TRIANGLES, side)
    upper = np.array([SIGNS[number][2] for number in view.triangles], dtype=bool)
    assert view.light[upper].min() > view.light[~upper].max()
    assert 0 < view.light.min() < view.light.max() <= 1


@pytest.mark.parametrize('side', [-1, 1])
def test_nearer_triangles_are_later(side):
    """Two octahedra, of which one hides the other."""
    points = np.concatenate([POINTS - np.array([100, 0, 0]), POINTS + np.array([100, 0, 0])])
    view = view_mesh(points, np.concatenate([TRIANGLES, TRIANGLES + 6]), side)
    assert_array_equal(view.triangles >= 8, np.repeat([side < 0, side > 0], 4))


def test_triangles_belong_to_the_region_of_most_corners():
    triangles = np.array([[0, 1, 2], [3, 0, 1], [0, 3, 1], [0, 3, 5]])
    regions, is_border = find_triangle_regions(np.array([2, 2, 2, 7, 7, 9]), triangles)
    assert_array_equal(regions, [2, 2, 2, 2])
    assert_array_equal(is_border, [False, True, True, True])
    regions, _ = find_triangle_regions(np.array([1, 7, 7]), np.array([[0, 1, 2], [1, 0, 2], [1, 2, 0]]))
    assert_array_equal(regions, [7, 7, 7])
