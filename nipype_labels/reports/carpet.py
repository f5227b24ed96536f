# SPDX-License-Identifier: BSD-3-Clause
"""Carpets: all signals of an atlas over time as one image."""

import numpy as np

from ..core.regions import is_constant
from .images import DIVERGING, MARKS, embed, shade
from .ticks import place_ticks

#: Standard deviations at which the colours end.
RANGE = 3.0

#: Colours of signals in the palette; then come those of what is missing and left out.
N_COLOURS = len(DIVERGING) - 2

#: Height in pixels that few regions are stretched to.
LEAST_HEIGHT = 240

#: Rows and columns of the largest image. Neither screens nor files have room for more: neighbours are then averaged.
LARGEST = (800, 600)


def standardize_rows(signals):
    """Standardise each region for display.

    Parameters
    ----------
    signals : array, shape (T, L)

    Returns
    -------
    array, shape (L, T)
        NaN where there is no value, and for regions whose values stay the same.
    """
    finite = np.isfinite(signals) & ~is_constant(signals)
    count = np.maximum(finite.sum(axis=0), 1)
    values = np.where(finite, signals, 0.0)
    # Scaled first: squares of the largest numbers would overflow.
    values = values / np.maximum(np.abs(values).max(axis=0, initial=0), np.finfo(np.float64).tiny)
    centred = np.where(finite, values - values.sum(axis=0) / count, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    return np.where(finite & (spread > 0), centred / np.where(spread > 0, spread, 1), np.nan).T


def draw_carpets(raw, cleaned, kept, ids):
    """Draw the carpets before and after cleaning.

    Parameters
    ----------
    raw, cleaned : array, shape (T, L)
        Rows of ``cleaned`` that were left out are NaN.
    kept : array of bool, shape (T,)
    ids : array of int, shape (L,)

    Returns
    -------
    dict
        What the template needs; ``None`` for fewer than two volumes, which have no course.
    """
    n_volumes, n_regions = raw.shape
    if n_volumes < 2:
        return None
    before, after = (_shade_carpet(signals) for signals in (raw, cleaned))
    kept = average_neighbours(kept[None].astype(float), LARGEST)[0] == 1
    after[:, ~kept] = N_COLOURS + 1
    rows, columns = before.shape
    return {
        'before': embed(before, DIVERGING),
        'after': embed(after, DIVERGING),
        'left_out': None if kept.all() else embed((~kept)[None].astype(np.uint8), MARKS),
        'height': rows * max(1, LEAST_HEIGHT // rows),
        'averaged': (rows, columns) != (n_regions, n_volumes),
        'volumes': place_ticks(n_volumes, range(n_volumes)),
        'regions': place_ticks(n_regions, ids),
    }


def average_neighbours(values, largest):
    """Make a matrix small enough by averaging neighbours.

    Parameters
    ----------
    values : array, shape (rows, columns)
    largest : tuple of 2 ints
        Rows and columns allowed.

    Returns
    -------
    array, shape (at most largest[0], at most largest[1])
        Means of the finite values; NaN where there is none.

    Examples
    --------
    >>> average_neighbours(np.array([[1.0, 3.0, np.nan, 5.0]]), (9, 2)).tolist()
    [[2.0, 5.0]]
    """
    finite = np.isfinite(values)
    totals = [np.where(finite, values, 0.0), finite.astype(float)]
    for axis, most in enumerate(largest):
        n = values.shape[axis]
        if n > most:
            begins = np.arange(most) * n // most
            totals = [np.add.reduceat(total, begins, axis=axis) for total in totals]
    total, count = totals
    return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)


def draw_scale():
    """Colours from the lowest to the highest value."""
    return embed(np.arange(N_COLOURS, dtype=np.uint8)[None], DIVERGING)


def _shade_carpet(signals):
    """Places in the palette, a row per region."""
    return shade(average_neighbours(standardize_rows(signals), LARGEST), N_COLOURS, -RANGE, RANGE)
