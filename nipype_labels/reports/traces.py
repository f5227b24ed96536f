# SPDX-License-Identifier: BSD-3-Clause
"""Traces above the carpets: head motion, DVARS and global signal of every volume."""

import numpy as np

from ..core.display import average_neighbours, largest_of_neighbours
from ..model.columns import TRACES
from . import svg
from .formatting import format_number, format_signed

#: Columns of a drawing; of more volumes, the largest of neighbours is drawn, or their mean.
COLUMNS = 600

#: A threshold that is so many times the largest value is not drawn: it would leave no height for the bars.
MOST_ABOVE = 4


def draw_traces(series):
    """Return the traces that a series has, from the top to the bottom, and the headings of those that are missing.

    There are none for a single volume.
    """
    drawn, missing = [], []
    for group in TRACES:
        name = next((name for name in group if np.isfinite(series.traces.get(name, np.nan)).any()), None)
        if name is None:
            missing.append(next(iter(group.values())).partition(' (')[0])
        elif len(series.kept) > 1:
            values = series.traces[name]
            line = name == 'global_signal'
            trace = draw_line(values) if line else draw_bars(values, series.kept, series.threshold(name))
            drawn.append({'name': name, 'heading': group[name], **trace})
    return drawn, missing


def draw_bars(values, kept, threshold=None):
    """Return bars, shape (T,), of retained and censored volumes, with their axis and summary; none where NaN.

    Volumes above ``threshold`` were censored.
    """
    known = values[np.isfinite(values)]
    heights = largest_of_neighbours(np.nan_to_num(values, posinf=0, neginf=0), COLUMNS)
    censored = largest_of_neighbours(~kept, COLUMNS)
    largest = float(known.max())
    shown = threshold is not None and threshold <= MOST_ABOVE * largest
    ticks = svg.round_ticks(0, max(largest, threshold if shown else 0) or 1, 2)
    summary = f'mean {format_signed(known.mean())}, largest {format_signed(largest)}'
    if threshold is not None:
        n_above = int((known > threshold).sum())
        summary += f'; {n_above} volume{"" if n_above == 1 else "s"} above {format_number(threshold)}'
    return {
        'columns': len(heights),
        'kept': bar_path(heights, ~censored, ticks[-1]),
        'censored': bar_path(heights, censored, ticks[-1]),
        'line': '',
        'ticks': _place_ticks(ticks),
        'threshold_at': f'{100 * (1 - threshold / ticks[-1]):.2f}' if shown else None,
        'summary': summary,
    }


def draw_line(values):
    """Return values, shape (T,), as a line with its axis and summary; it is interrupted where they are NaN."""
    known = values[np.isfinite(values)]
    heights = average_neighbours(values[None], (1, COLUMNS))[0]
    ticks = svg.round_ticks(float(known.min()), float(known.max()), 2)
    return {
        'columns': len(heights),
        'kept': '',
        'censored': '',
        'line': line_path(heights, ticks[0], ticks[-1]),
        'ticks': _place_ticks(ticks),
        'threshold_at': None,
        'summary': f'mean {format_signed(known.mean(), 4)}, standard deviation {format_signed(known.std())}',
    }


def _place_ticks(ticks):
    """Return the labels of an axis and their places in per cent of its height."""
    low, high = ticks[0], ticks[-1]
    return [{'at': f'{100 * (high - tick) / (high - low):.2f}', 'label': format_number(tick)} for tick in ticks]


def line_path(heights, low, high):
    """Return a line through the middles of columns 1 wide as an SVG path, from ``low`` at 100 to ``high`` at 0.

    >>> line_path(np.array([1.0, 3, np.nan, 2]), 1, 3)
    'M0.5 100L1.5 0M3.5 50'
    """
    places = (100 * (high - heights) / (high - low)).tolist()
    finite = np.isfinite(heights).tolist()
    return ''.join(f'{"L" if i and finite[i - 1] else "M"}{i + 0.5} {y:.4g}' for i, y in enumerate(places) if finite[i])


def bar_path(heights, chosen, top):
    """Return the chosen bars as an SVG path, 1 wide and ``top`` 100 high; neighbours are one shape.

    >>> bar_path(np.array([1.0, 2, 0, 1]), np.array([True, True, True, False]), 4)
    'M0 100V75h1V50h1V100z'
    """
    shapes = []
    drawn = np.r_[False, chosen & (heights > 0), False]
    for begin, end in np.flatnonzero(drawn[1:] != drawn[:-1]).reshape(-1, 2).tolist():
        tops = 100 * (1 - heights[begin:end] / top)
        shapes.append(f'M{begin} 100' + ''.join(f'V{y:.4g}h1' for y in tops.tolist()) + 'V100z')
    return ''.join(shapes)
