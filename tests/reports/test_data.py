# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from nipype_labels.reports.data import find_problems


def test_regions_are_grouped_by_problem(make_row):
    rows = [
        make_row(1, 'A'),
        make_row(2, 'B', 'outside_mask', coverage=0.0),
        make_row(3, 'C', coverage=0.2),
        make_row(4, 'D', 'outside_mask', coverage=0.0),
        make_row(5, 'E'),
        make_row(6, 'F', 'absent_from_atlas', coverage=np.nan),
    ]
    lost = np.array([False, True, False, True, True, True])
    problems = find_problems(rows, lost)
    found = {reason: [region['name'] for region in members] for reason, members in problems.items()}
    assert found == {
        'absent_from_atlas': ['F'],
        'outside_mask': ['B', 'D'],
        'lost_in_denoising': ['E'],
        'little_coverage': ['C'],
    }


def test_no_problem_without_a_lost_region(make_row):
    assert not find_problems([make_row(1, 'A')], np.zeros(1, dtype=bool))


@pytest.mark.parametrize('status', ['constant', 'collinear'])
def test_constant_regions_and_collinear_maps_have_a_time_series(status, make_atlas, make_row):
    """As in coverage tables; columns of other regions may be filled with 0."""
    rows = [make_row(3, 'Front', status), make_row(5, 'Back', 'outside_mask')]
    _, atlas = make_atlas(regions=rows)
    assert atlas.lost.tolist() == [False, True]
    _, without_values = make_atlas(regions=rows, cleaned=np.full((12, 2), np.nan))
    assert without_values.lost.all()
