# SPDX-License-Identifier: BSD-3-Clause
"""Carpets: all signals of an atlas over time as one image."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..core.regions import is_constant
from .images import DIVERGING, colour, embed, paint

#: Standard deviations at which the colours end.
RANGE = 3.0

#: Height in pixels that few rows are stretched to, and that many are squeezed into.
HEIGHTS = (240, 800)


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
    least, most = HEIGHTS
    before, after = (colour(standardize_rows(s), DIVERGING, -RANGE, RANGE) for s in (raw, cleaned))
    clear = np.zeros((1, n_volumes, 4), dtype=np.uint8)
    return {
        'before': embed(before),
        'after': embed(paint(after, ~kept)),
        'left_out': None if kept.all() else embed(paint(clear, ~kept)),
        'n_left_out': int((~kept).sum()),
        'height': min(most, n_regions * max(1, least // n_regions)),
        'crisp': n_volumes <= most and n_regions <= most,
        'volumes': _ticks(n_volumes, range(n_volumes)),
        'regions': _ticks(n_regions, ids),
    }


def draw_scale():
    """Colours from the lowest to the highest value."""
    return embed(colour(np.linspace(-RANGE, RANGE, DIVERGING.N)[None], DIVERGING, -RANGE, RANGE))


def _ticks(n, labels):
    """A few round places on an axis: how far along (in per cent) and what to write there."""
    places = [int(place) for place in MaxNLocator(5, integer=True).tick_values(0, n - 1) if 0 <= place < n]
    return [{'at': f'{100 * (place + 0.5) / n:.2f}', 'label': str(labels[place])} for place in places]
