# SPDX-License-Identifier: BSD-3-Clause
import re

import numpy as np
import pytest

from nipype_labels.core.display import largest_of_neighbours
from nipype_labels.reports.carpet import LARGEST, bar_path, motion_bars


def bars_of(path, n):
    """Heights of the bars of a path in per cent of the drawing, 0 where there is none."""
    heights, x, y = np.zeros(n), 0, 100.0
    for command, *numbers in re.findall(r'([MVh])([\d.]+)(?: ([\d.]+))?', path):
        if command == 'M':
            x, y = int(numbers[0]), float(numbers[1])
        elif command == 'V':
            y = float(numbers[0])
        else:
            heights[x], x = 100 - y, x + 1
    return heights


def test_the_height_of_a_bar_is_the_displacement():
    moved = np.array([np.nan, 0.1, 0.0, 0.7, 0.25, 0.4])
    kept = np.array([True, True, True, False, True, True])
    drawn = motion_bars(moved, kept, 0.5)
    top = float(drawn['ticks'][-1]['label'])
    assert top >= 0.7
    expected = 100 * np.nan_to_num(moved) / top
    np.testing.assert_allclose(bars_of(drawn['kept'], 6), np.where(kept, expected, 0), atol=0.05)
    np.testing.assert_allclose(bars_of(drawn['censored'], 6), np.where(kept, 0, expected), atol=0.05)
    assert float(drawn['threshold_at']) == pytest.approx(100 * (1 - 0.5 / top), abs=0.01)


@pytest.mark.parametrize('largest', [1e-4, 0.044, 0.3, 0.44, 0.96, 1.0, 7.2, 123.0])
def test_the_axis_has_room_for_the_largest_displacement(largest):
    drawn = motion_bars(np.array([0, largest / 2, largest]), np.ones(3, dtype=bool))
    top = float(drawn['ticks'][-1]['label'])
    assert largest <= top <= 2.5 * largest
    assert [tick['at'] for tick in drawn['ticks']][:: len(drawn['ticks']) - 1] == ['100.00', '0.00']


def test_summary_excludes_volumes_without_a_displacement():
    drawn = motion_bars(np.array([np.nan, 0.2, 0.6, 0.1]), np.ones(4, dtype=bool), 0.5)
    assert (drawn['mean'], drawn['largest'], drawn['n_above']) == (pytest.approx(0.3), 0.6, 1)


def test_without_scrubbing_there_is_no_threshold():
    drawn = motion_bars(np.array([0.2, 0.6]), np.ones(2, dtype=bool))
    assert (drawn['threshold'], drawn['threshold_at'], drawn['n_above']) == (None, None, None)


@pytest.mark.parametrize('threshold', [50.0, np.inf])
def test_a_threshold_far_above_the_bars_is_not_drawn(threshold):
    drawn = motion_bars(np.array([0.2, 0.6]), np.ones(2, dtype=bool), threshold)
    assert drawn['threshold_at'] is None
    assert bars_of(drawn['kept'], 2).max() > 50


@pytest.mark.parametrize('moved', [[np.nan, np.nan], [0.3]], ids=['no value', 'one volume'])
def test_no_figure_without_a_displacement(moved):
    assert motion_bars(np.array(moved), np.ones(len(moved), dtype=bool), 0.5) is None


def test_a_head_that_never_moves_has_no_bars():
    drawn = motion_bars(np.zeros(5), np.ones(5, dtype=bool), 0.5)
    assert drawn['kept'] == drawn['censored'] == ''


def test_peaks_of_a_long_series_are_kept():
    moved, kept = np.full(5000, 0.1), np.ones(5000, dtype=bool)
    moved[4321], kept[4321] = 2.0, False
    drawn = motion_bars(moved, kept, 0.5)
    assert drawn['columns'] == LARGEST[1]
    assert np.flatnonzero(bars_of(drawn['censored'], LARGEST[1])).tolist() == [4321 * LARGEST[1] // 5000]
    assert largest_of_neighbours(moved, 600).max() == 2.0
    assert largest_of_neighbours(~kept, 600).sum() == 1


def test_bars_begin_at_the_bottom():
    assert bar_path(np.array([0.0, 2.0]), np.array([True, True]), 4) == 'M1 100V50h1V100z'
