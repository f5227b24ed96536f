# SPDX-License-Identifier: BSD-3-Clause
"""Head motion over time: a bar per volume, as wide as a column of a carpet."""

import numpy as np

from .carpet import LARGEST
from .formatting import format_number
from .ticks import round_ticks

#: Height of the drawing; bars are in parts of it.
HEIGHT = 100

#: A threshold that is so many times the largest displacement is not drawn: it would leave no height for the bars.
MOST_ABOVE = 4


def draw_motion(displacement, kept, threshold=None):
    """Draw framewise displacement.

    Parameters
    ----------
    displacement : array, shape (T,)
        In mm; NaN where there is none, as in the first volume.
    kept : array of bool, shape (T,)
    threshold : float, optional
        Above which volumes were left out.

    Returns
    -------
    dict
        What the templates need; ``None`` if no volume has a value, or for a single volume.
    """
    finite = np.isfinite(displacement)
    if len(kept) < 2 or not finite.any():
        return None
    known = displacement[finite]
    heights, left_out = merge_volumes(np.where(finite, displacement, 0.0), ~kept, LARGEST[1])
    largest = float(known.max())
    drawn = threshold is not None and threshold <= MOST_ABOVE * largest
    ticks = round_ticks(0, max(largest, threshold if drawn else 0) or 1, 4)
    return {
        'columns': len(heights),
        'kept': draw_bars(heights, ~left_out, ticks[-1]),
        'left_out': draw_bars(heights, left_out, ticks[-1]),
        'ticks': [{'at': f'{100 * (1 - tick / ticks[-1]):.2f}', 'label': format_number(tick)} for tick in ticks],
        'threshold': threshold,
        'threshold_at': f'{HEIGHT * (1 - threshold / ticks[-1]):.2f}' if drawn else None,
        'n_above': None if threshold is None else int((known > threshold).sum()),
        'mean': float(known.mean()),
        'largest': largest,
    }


def merge_volumes(heights, flags, most):
    """Put neighbours together where there are more volumes than columns; no peak and no flag gets lost.

    Parameters
    ----------
    heights : array, shape (T,)
    flags : array of bool, shape (T,)
    most : int
        Columns allowed.

    Returns
    -------
    heights : array, shape (at most ``most``,)
        The largest of the neighbours'.
    flags : array of bool, shape (at most ``most``,)
        Whether any of the neighbours is flagged.

    Examples
    --------
    >>> heights, flags = merge_volumes(np.array([1.0, 4, 2, 3]), np.array([True, False, False, False]), 2)
    >>> heights.tolist(), flags.tolist()
    ([4.0, 3.0], [True, False])
    """
    begins = np.arange(min(most, len(heights))) * len(heights) // min(most, len(heights))
    return np.maximum.reduceat(heights, begins), np.logical_or.reduceat(flags, begins)


def draw_bars(heights, chosen, top):
    """Draw bars from the bottom, those of neighbours as one shape.

    Parameters
    ----------
    heights : array, shape (n,)
    chosen : array of bool, shape (n,)
        Which bars to draw.
    top : float
        What is as high as the drawing.

    Returns
    -------
    str
        An SVG path; a bar is 1 wide, and the drawing 100 high.

    Examples
    --------
    >>> draw_bars(np.array([1.0, 2, 0, 1]), np.array([True, True, True, False]), 4)
    'M0 100V75h1V50h1V100z'
    """
    shapes = []
    drawn = np.r_[False, chosen & (heights > 0), False]
    for begin, end in np.flatnonzero(drawn[1:] != drawn[:-1]).reshape(-1, 2).tolist():
        tops = HEIGHT * (1 - heights[begin:end] / top)
        shapes.append(f'M{begin} {HEIGHT}' + ''.join(f'V{y:.4g}h1' for y in tops.tolist()) + f'V{HEIGHT}z')
    return ''.join(shapes)
