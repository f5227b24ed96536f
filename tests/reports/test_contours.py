# SPDX-License-Identifier: BSD-3-Clause
import re

import numpy as np
import pytest

from nipype_labels.core.slices import PLANES, view_grid
from nipype_labels.reports.contours import index_regions, outline, outline_slices


def edges_of(path):
    """Unit edges of a path, as (x, y, direction)."""
    edges = set()
    for x, y, way, length in re.findall(r'M(\d+) (\d+)([hv])(\d+)', path):
        for step in range(int(length)):
            edges.add((int(x) + step * (way == 'h'), int(y) + step * (way == 'v'), way))
    return edges


def test_outlines_are_the_edges_between_different_pixels():
    regions = np.random.default_rng(1).integers(0, 4, (7, 9))
    chosen = np.array([False, True, True, True])
    expected = set()
    padded = np.pad(regions, 1)
    for y in range(8):
        for x in range(10):
            here, above, before = padded[y + 1, x + 1], padded[y, x + 1], padded[y + 1, x]
            if x < 9 and here != above:
                expected.add((x, y, 'h'))
            if y < 7 and here != before:
                expected.add((x, y, 'v'))
    assert edges_of(outline(regions, chosen)) == expected


def test_outlines_are_of_the_chosen_regions_only():
    regions = np.array([[1, 2, 0]])
    assert edges_of(outline(regions, np.array([False, False, True]))) == edges_of('M1 0h1M1 1h1M1 0v1M2 0v1')
    assert outline(regions, np.zeros(3, dtype=bool)) == ''


def test_regions_are_found_by_id_in_any_order():
    labels = np.array([[0, 900, -4, 12, 13]])
    assert index_regions(labels, np.array([12, -4, 900])).tolist() == [[0, 3, 2, 1, 0]]


def test_a_region_may_have_the_id_0(plain_grid):
    shape, affine = plain_grid
    labels = np.full((4, 4, 4), -1, dtype=np.int32)
    labels[1:3, 1:3, 1:3] = 0
    planes = outline_slices(np.ones(shape), affine, labels, np.diag([6.0, 6, 6, 1]), np.array([0]), np.array([False]))
    drawn = edges_of(planes[0][0]['sound'])
    assert drawn
    assert max(x for x, _, _ in drawn) < shape[0]


def test_regions_without_a_signal_have_their_own_outline(plain_grid, ball):
    shape, affine = plain_grid
    labels = np.where(ball(shape, affine), 3, 0)
    for lost in (False, True):
        planes = outline_slices(np.ones(shape), affine, labels, affine, np.array([3]), np.array([lost]))
        slices = [drawn for plane in planes for drawn in plane]
        assert all(bool(drawn['unsound']) == lost and bool(drawn['sound']) != lost for drawn in slices)


def test_slices_have_sides_and_coordinates(grid, ball):
    planes = outline_slices(
        np.ones(grid[0]), grid[1], ball(*grid).astype(int), grid[1], np.array([1]), np.array([False])
    )
    letters = {
        plane.name: {(s['left'], s['right']) for s in drawn} for plane, drawn in zip(PLANES, planes, strict=True)
    }
    assert letters == {'axial': {('L', 'R')}, 'coronal': {('L', 'R')}, 'sagittal': {('P', 'A')}}
    places = [float(s['coordinate'].split('= ')[1].split()[0].replace('−', '-')) for s in planes[2]]
    assert all(-30 < place < -10 for place in places)


@pytest.mark.parametrize('mean', [0.0, np.nan, 5.0])
def test_an_empty_or_even_mean_volume_is_drawn(plain_grid, ball, mean):
    shape, affine = plain_grid
    labels = ball(shape, affine).astype(int)
    planes = outline_slices(np.full(shape, mean), affine, labels, affine, np.array([1]), np.array([False]))
    assert all(s['image'].startswith('data:image/png;base64,') for plane in planes for s in plane)


def test_the_mask_is_outlined_where_it_ends_whatever_its_grid(grid, plain_grid, ball):
    shape, affine = grid
    labels, radius = ball(shape, affine).astype(int), 40.0
    drawings = []
    for mask_grid in (grid, plain_grid):
        mask = ball(*mask_grid, np.zeros(3), radius)
        placed = (np.ones(shape), affine, labels, affine, np.array([1]), np.array([False]))
        drawings.append(outline_slices(*placed, mask, mask_grid[1]))
    view = view_grid(shape, affine)
    # Half a voxel's diagonal on either grid, and places are written in whole mm.
    tolerance = sum(np.linalg.norm(view_grid(*g).steps) / 2 for g in (grid, plain_grid)) + 0.5
    for planes in drawings:
        for plane, drawn in zip(PLANES, planes, strict=True):
            for each in drawn:
                corners = edges_of(each['mask'])
                x, y = (np.array([corner[i] for corner in corners], dtype=float) for i in (0, 1))
                # Corners of pixels, half a voxel before their middles; rows go down.
                across = view.first[plane.across] + view.steps[plane.across] * (x - 0.5)
                up = view.first[plane.up] + view.steps[plane.up] * (view.shape[plane.up] - 0.5 - y)
                depth = float(each['coordinate'].split('= ')[1].split()[0].replace('−', '-'))
                distance = np.sqrt(across**2 + up**2 + depth**2)
                assert np.abs(distance - radius).max() < tolerance


def test_no_outline_without_a_mask(plain_grid, ball):
    shape, affine = plain_grid
    labels = ball(shape, affine).astype(int)
    planes = outline_slices(np.ones(shape), affine, labels, affine, np.array([1]), np.array([False]))
    assert {each['mask'] for plane in planes for each in plane} == {''}
