# SPDX-License-Identifier: BSD-3-Clause
"""Components of regions, on blocks whose distances are known."""

import numpy as np
import pytest
from spaces import make_atlas

from nipype_labels.core.components import Components, find_at_border, find_components

#: Voxels of 2 × 3 × 4 mm; the plane x = 0 is at the first axis's index 5.
AFFINE = np.diag([2.0, 3, 4, 1])
AFFINE[0, 3] = -10


def split(*slabs):
    """Components of region 7, which fills slabs of an image of 12 × 10 × 10 voxels."""
    labels = np.zeros((12, 10, 10), int)
    for slab in slabs:
        labels[slab] = 7
    return find_components(make_atlas(labels, AFFINE, [7]))[0]


CUBE = np.s_[0:3, 0:3, 0:3]


@pytest.mark.parametrize(
    ('other', 'expected'),
    [
        (np.s_[3:5, 3:5, 3:5], Components(1)),  # they share a corner
        (np.s_[4:6, 0:3, 0:3], Components(2, 4.0)),
        (np.s_[0:3, 4:9, 0:3], Components(2, 6.0)),
        (np.s_[4:7, 4:9, 4:9], Components(2, np.sqrt(4.0**2 + 6**2 + 8**2))),
        (np.s_[7:10, 0:3, 0:3], Components(2, 10.0, both_sides=True)),
        (np.s_[6:11, 0, 4], Components(2, np.sqrt(8.0**2 + 8**2), both_sides=True)),
        (np.s_[6:10, 0, 4], Components(1)),  # fewer than five voxels
    ],
)
def test_components_are_counted_and_their_gap_is_in_mm(other, expected):
    found = split(CUBE, other)
    assert (found.n, found.both_sides) == (expected.n, expected.both_sides)
    assert found.gap == pytest.approx(expected.gap)


def test_components_of_less_than_a_twentieth_of_the_region_are_ignored():
    large = np.s_[0:5, 0:4, 0:6]
    assert split(large, np.s_[7:9, 0:3, 0]).n == 1  # 6 of 126 voxels
    assert split(large, np.s_[7:8, 0:7, 0]).n == 2  # 7 of 127


def test_the_two_largest_of_several_components_count():
    found = split(CUBE, np.s_[4, 0:3, 0:3], np.s_[9:12, 0:3, 0:3])
    assert (found.n, found.gap, found.both_sides) == (3, pytest.approx(14.0), True)


def test_components_are_those_of_the_regions_in_their_order():
    labels = np.zeros((9, 4, 4), int)
    labels[0:2], labels[3], labels[5:7] = 9, 2, 9
    assert [each.n for each in find_components(make_atlas(labels, np.eye(4), [9, 2]))] == [2, 1]


def test_regions_at_the_border_touch_the_outer_voxels_of_an_axis():
    labels = np.zeros((5, 5, 5), int)
    labels[1:4, 1:4, 1:4], labels[1:4, 1:4, 4] = 3, 4
    assert find_at_border(make_atlas(labels, np.eye(4), [4, 3, 5])).tolist() == [True, False, False]
    # An axis of one voxel has no border.
    assert find_at_border(make_atlas(labels[1:2], np.eye(4), [4, 3])).tolist() == [True, False]
