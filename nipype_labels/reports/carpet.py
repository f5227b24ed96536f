# SPDX-License-Identifier: BSD-3-Clause
"""Figure of all time series of an atlas as images (carpets), below the head motion."""

import numpy as np

from ..core.display import average_neighbours, largest_of_neighbours, standardize_rows
from . import svg
from .formatting import format_number

#: Standard deviations at which the colours end.
RANGE = 3.0

#: Rows and columns of the largest image; of more regions or volumes, neighbours are averaged.
LARGEST = (800, 600)

#: Heights of the bars of displacement and of each carpet, and of the heading above each.
MOTION, CARPET, HEADING = 90, 300, 40

#: A threshold that is so many times the largest displacement is not drawn: it would leave no height for the bars.
MOST_ABOVE = 4


def draw_carpets(title, series, atlas):
    """Return an SVG with framewise displacement and the carpets before and after denoising."""
    motion = motion_bars(series.displacement, series.kept, series.fd_threshold)
    first = svg.TOP + 8 + (MOTION + HEADING if motion else 0)
    second = first + CARPET + HEADING
    carpets = carpet_images(atlas.raw, atlas.cleaned, series.kept, atlas.ids)
    averaged = '; neighbours averaged' if carpets and carpets['averaged'] else ''
    subject = f'{atlas.name}: {series.kept.sum()} of {len(series.kept)} volumes retained{averaged}'
    places = {'motion_top': svg.TOP + 8, 'motion_height': MOTION, 'tops': (first, second), 'carpet_height': CARPET}
    height = second + CARPET + 64 if carpets else svg.TOP + 40
    drawn = {'carpets': carpets, 'motion': motion, 'scale': svg.embed_scale(), 'range': format_number(RANGE)}
    heading = 'Region time series before and after denoising'
    return svg.fill_figure('carpet', heading, subject, title, height, **places, **drawn)


def carpet_images(raw, cleaned, kept, ids):
    """Return images of the signals, both of shape (T, L), with their axes; None for fewer than two volumes."""
    n_volumes, n_regions = raw.shape
    if n_volumes < 2:
        return None
    before, after = (
        svg.shade(average_neighbours(standardize_rows(signals), LARGEST), svg.N_COLOURS, -RANGE, RANGE)
        for signals in (raw, cleaned)
    )
    censored = average_neighbours(kept[None].astype(float), LARGEST)[0] < 1
    after[:, censored] = svg.N_COLOURS + 1
    return {
        'before': svg.embed(before, svg.DIVERGING),
        'after': svg.embed(after, svg.DIVERGING),
        'censored': svg.embed(censored[None].astype(np.uint8), svg.MARKS) if censored.any() else None,
        'averaged': before.shape != (n_regions, n_volumes),
        'volumes': svg.place_ticks(n_volumes, range(n_volumes)),
        'regions': svg.place_ticks(n_regions, ids),
    }


def motion_bars(displacement, kept, threshold=None):
    """Return bars of framewise displacement in mm, shape (T,), retained and censored, with their axis and summary.

    None without a value, and for a single volume. Volumes above ``threshold`` were censored.
    """
    if displacement is None or len(kept) < 2 or not np.isfinite(displacement).any():
        return None
    known = displacement[np.isfinite(displacement)]
    heights = largest_of_neighbours(np.nan_to_num(displacement, posinf=0, neginf=0), LARGEST[1])
    censored = largest_of_neighbours(~kept, LARGEST[1])
    largest = float(known.max())
    drawn = threshold is not None and threshold <= MOST_ABOVE * largest
    ticks = svg.round_ticks(0, max(largest, threshold if drawn else 0) or 1, 4)
    return {
        'columns': len(heights),
        'kept': bar_path(heights, ~censored, ticks[-1]),
        'censored': bar_path(heights, censored, ticks[-1]),
        'ticks': [{'at': f'{100 * (1 - tick / ticks[-1]):.2f}', 'label': format_number(tick)} for tick in ticks],
        'threshold': threshold,
        'threshold_at': f'{100 * (1 - threshold / ticks[-1]):.2f}' if drawn else None,
        'n_above': None if threshold is None else int((known > threshold).sum()),
        'mean': float(known.mean()),
        'largest': largest,
    }


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
