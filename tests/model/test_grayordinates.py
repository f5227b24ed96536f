# SPDX-License-Identifier: BSD-3-Clause
"""Spaces of surface data: elements are matched by structure and vertex, or by mm."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from spaces import make_grid

from nipype_labels.model.atlas import Atlas
from nipype_labels.model.errors import GridError
from nipype_labels.model.grayordinates import Grayordinates, Structure, pair_space

AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
SHAPE = (5, 6, 7)


def number(voxels, shape=SHAPE):
    return np.ravel_multi_index(tuple(np.array(voxels).T), shape, order='F')


def make_space(left=(0, 2, 3), right=(1, 2), voxels=((0, 0, 0), (4, 5, 6)), n=4, affine=AFFINE, path='x'):
    structures = [Structure('CORTEX_LEFT', np.array(left), n), Structure('CORTEX_RIGHT', np.array(right), n)]
    structures.append(Structure('BRAIN_STEM', number(voxels)))
    return Grayordinates(tuple(structures), make_grid(SHAPE, affine), path)


def flip(voxels):
    """Equal positions on a grid whose first axis is flipped, and its affine."""
    affine = AFFINE @ np.array([[-1.0, 0, 0, SHAPE[0] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    return [(SHAPE[0] - 1 - i, j, k) for i, j, k in voxels], affine


def test_elements_are_matched_by_structure_and_vertex_not_by_position():
    space, other = make_space(), make_space(left=(1, 2), right=(0, 1, 2, 3), voxels=((4, 5, 6), (1, 1, 1)))
    assert space.locate(other).tolist() == [-1, 1, -1, 3, 4, -1, 6, -1]
    assert other.locate(space).tolist() == [-1, 1, -1, 3, 4, -1, 6]


def test_location_agrees_with_a_search_through_keys():
    rng = np.random.default_rng(3)
    n = 200
    spaces = [
        make_space(*(np.flatnonzero(rng.uniform(size=n) < p) for p in shares), n=n)
        for shares in ((0.7, 0.4), (0.5, 0.9))
    ]
    keys = [
        [(structure.name, int(element)) for structure in space.structures for element in structure.elements]
        for space in spaces
    ]
    places = {key: place for place, key in enumerate(keys[0])}
    assert spaces[0].locate(spaces[1]).tolist() == [places.get(key, -1) for key in keys[1]]


def test_voxels_are_matched_by_mm():
    voxels = [(0, 0, 0), (4, 5, 6), (1, 2, 3)]
    flipped, affine = flip(voxels)
    space, mirrored = make_space(voxels=voxels), make_space(voxels=flipped[::-1], affine=affine)
    assert space.locate(mirrored).tolist() == [0, 1, 2, 3, 4, 7, 6, 5]
    assert space.matches(make_space(voxels=flipped, affine=affine))
    assert not space.matches(mirrored)
    shifted = AFFINE.copy()
    shifted[0, 3] += 2 * 2
    assert space.locate(make_space(voxels=[(2, 0, 0), (0, 0, 0)], affine=shifted)).tolist() == [0, 1, 2, 3, 4, 5, -1]


@pytest.mark.parametrize('change', ['half a voxel', 'size'])
def test_voxels_on_another_grid_are_refused(change):
    affine = AFFINE.copy()
    affine[0, 3] += 1 if change == 'half a voxel' else 0
    affine[:3, :3] *= 1 if change == 'half a voxel' else 2
    other = make_space(affine=affine, path='y')
    with pytest.raises(GridError, match=r'voxels of x .* and y .* are not on one grid.*cifti-resample'):
        make_space().locate(other)
    assert not make_space().matches(other)


def test_another_mesh_is_refused_with_both_densities():
    with pytest.raises(GridError, match=r'fsaverage5 \(10,242 vertices\).*fsLR 32k \(32,492 vertices\).*-metric-resam'):
        pair_space(10242, 10242).locate(pair_space(32492, 32492))
    assert not pair_space(10242, 10242).matches(pair_space(32492, 32492))


def test_a_volume_and_surfaces_are_refused_in_both_directions():
    surfaces, volume = pair_space(4, 4, 'lh.bold.mgz'), make_grid((8, 1, 1), np.eye(4), 'atlas.nii')
    for one, other in ((surfaces, volume), (volume, surfaces)):
        assert not one.matches(other)
        with pytest.raises(GridError, match=r'lh\.bold\.mgz .* is data of surfaces, atlas\.nii .* is a volume'):
            one.resample_nearest(np.zeros(one.shape), other)
        with pytest.raises(GridError, match=r'lh\.bold\.mgz .* is data of surfaces, atlas\.nii .* is a volume'):
            one.require(other, 'nothing helps')


def test_spaces_match_themselves_and_their_equals():
    assert make_space().matches(make_space())
    assert not make_space().matches(make_space(left=(0, 1, 3)))
    assert not make_space().matches(pair_space(4, 4))
    shuffled = Grayordinates(make_space().structures[::-1], make_space().grid)
    assert not make_space().matches(shuffled)
    assert sorted(make_space().locate(shuffled)) == list(range(7))


def test_an_atlas_on_other_elements_keeps_its_regions_by_vertex():
    space = make_space()
    atlas = Atlas(space, np.array([5, 5, 6, 6, 5, 7, 7]), np.array([5, 6, 7, 8]), list('abcd'))
    other = make_space(left=(0, 1, 3), right=(2,), voxels=((4, 5, 6), (1, 1, 1)))
    moved = atlas.on(other)
    assert moved.labels.tolist() == [5, 0, 6, 5, 7, 0]
    assert moved.count_voxels().tolist() == [2, 1, 1, 0]
    assert atlas.on(make_space()).labels is atlas.labels
    near = atlas.count_near(other, np.array([True, False, True, True]), 0.5)
    assert near.tolist() == [2, 0, 1, 0]


def test_a_space_has_hemispheres_and_a_description():
    space = make_space()
    assert_array_equal(space.hemispheres, ['L', 'L', 'L', 'R', 'R', '', ''])
    assert str(space) == 'x (5 of 8 vertices, 2 voxels of 2×2×2 mm)'
    assert str(pair_space(10242, 10242)) == 'fsaverage5 (10,242 vertices)'
    assert (space.size, space.shape, space.measure) == (7, (7,), 1.0)
