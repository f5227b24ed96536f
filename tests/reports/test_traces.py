# SPDX-License-Identifier: BSD-3-Clause
import re

import numpy as np
import pytest

from nipype_labels.core.display import largest_of_neighbours
from nipype_labels.reports.traces import COLUMNS, bar_path, draw_bars, draw_line, draw_traces


def bars_of(path, n):
    """Heights of the bars of a path in per cent of the drawing, 0 without a bar."""
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
    drawn = draw_bars(moved, kept, 0.5)
    top = float(drawn['ticks'][-1]['label'])
    assert top >= 0.7
    expected = 100 * np.nan_to_num(moved) / top
    np.testing.assert_allclose(bars_of(drawn['kept'], 6), np.where(kept, expected, 0), atol=0.05)
    np.testing.assert_allclose(bars_of(drawn['censored'], 6), np.where(kept, 0, expected), atol=0.05)
    assert float(drawn['threshold_at']) == pytest.approx(100 * (1 - 0.5 / top), abs=0.01)


@pytest.mark.parametrize('largest', [1e-4, 0.044, 0.3, 0.44, 0.96, 1.0, 7.2, 123.0])
def test_the_axis_has_room_for_the_largest_displacement(largest):
    drawn = draw_bars(np.array([0, largest / 2, largest]), np.ones(3, dtype=bool))
    top = float(drawn['ticks'][-1]['label'])
    assert largest <= top <= 2.5 * largest
    assert [tick['at'] for tick in drawn['ticks']][:: len(drawn['ticks']) - 1] == ['100.00', '0.00']


def test_summary_excludes_volumes_without_a_displacement():
    drawn = draw_bars(np.array([np.nan, 0.2, 0.6, 0.1]), np.ones(4, dtype=bool), 0.5)
    assert drawn['summary'] == 'mean 0.30, largest 0.60; 1 volume above 0.5'


def test_without_scrubbing_there_is_no_threshold():
    drawn = draw_bars(np.array([0.2, 0.6]), np.ones(2, dtype=bool))
    assert (drawn['threshold_at'], drawn['summary']) == (None, 'mean 0.40, largest 0.60')


@pytest.mark.parametrize('threshold', [50.0, np.inf])
def test_a_threshold_far_above_the_bars_is_not_drawn(threshold):
    drawn = draw_bars(np.array([0.2, 0.6]), np.ones(2, dtype=bool), threshold)
    assert drawn['threshold_at'] is None
    assert bars_of(drawn['kept'], 2).max() > 50


@pytest.mark.parametrize('moved', [[np.nan, np.nan], [0.3]], ids=['no value', 'one volume'])
def test_no_figure_without_a_displacement(moved, make_atlas):
    series, _ = make_atlas(len(moved), of_series={'traces': {'framewise_displacement': np.array(moved)}})
    assert draw_traces(series)[0] == []


def test_standardized_dvars_are_preferred_and_missing_columns_are_named(make_atlas):
    values = np.arange(12.0)
    traces = {'dvars': values, 'std_dvars': values / 10, 'global_signal': 500 + values}
    cleaning = {'ScrubbingThresholds': {'framewise_displacement': 0.5, 'std_dvars': 1.0}}
    drawn, missing = draw_traces(make_atlas(cleaning=cleaning, of_series={'traces': traces})[0])
    assert [trace['name'] for trace in drawn] == ['std_dvars', 'global_signal']
    assert drawn[0]['summary'].endswith('1 volume above 1')
    assert missing == ['Framewise displacement']
    drawn, _ = draw_traces(make_atlas(of_series={'traces': {'dvars': values}})[0])
    assert drawn[0]['heading'] == 'DVARS (unit of the series)'


def test_a_line_is_where_its_values_are():
    values = np.array([510.0, 500, np.nan, 505, 507])
    drawn = draw_line(values)
    low, high = (float(drawn['ticks'][i]['label']) for i in (0, -1))
    assert (low <= 500, high >= 510) == (True, True)
    points = re.findall(r'[ML]([\d.]+) ([\d.]+)', drawn['line'])
    assert [float(x) for x, _ in points] == [0.5, 1.5, 3.5, 4.5]
    assert [high - float(y) / 100 * (high - low) for _, y in points] == pytest.approx([510, 500, 505, 507], abs=0.01)
    # The line is interrupted at the missing value.
    assert re.findall('[ML]', drawn['line']) == ['M', 'L', 'M', 'L']


def test_a_head_that_never_moves_has_no_bars():
    drawn = draw_bars(np.zeros(5), np.ones(5, dtype=bool), 0.5)
    assert drawn['kept'] == drawn['censored'] == ''


def test_peaks_of_a_long_series_are_kept():
    moved, kept = np.full(5000, 0.1), np.ones(5000, dtype=bool)
    moved[4321], kept[4321] = 2.0, False
    drawn = draw_bars(moved, kept, 0.5)
    assert drawn['columns'] == COLUMNS
    assert np.flatnonzero(bars_of(drawn['censored'], COLUMNS)).tolist() == [4321 * COLUMNS // 5000]
    assert largest_of_neighbours(moved, 600).max() == 2.0
    assert largest_of_neighbours(~kept, 600).sum() == 1


def test_bars_begin_at_the_bottom():
    assert bar_path(np.array([0.0, 2.0]), np.array([True, True]), 4) == 'M1 100V50h1V100z'
