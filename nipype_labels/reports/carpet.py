# SPDX-License-Identifier: BSD-3-Clause
"""Figure of all time series of an atlas as images (carpets), below head motion, DVARS and global signal."""

import numpy as np

from ..core.display import average_neighbours, standardize_rows
from . import svg
from .formatting import format_number
from .traces import COLUMNS, draw_traces

#: Standard deviations at which the colours end.
RANGE = 3.0

#: Rows and columns of the largest image; of more regions or volumes, neighbours are averaged.
LARGEST = (800, COLUMNS)

#: Heights of each trace and each carpet, and of the heading above each.
TRACE, CARPET, HEADING = 60, 300, 40


def draw_carpets(title, series, atlas):
    """Return an SVG with the traces of the series, and the carpets before and after denoising."""
    traces, missing = draw_traces(series)
    top = svg.TOP + 8
    for trace in traces:
        trace['top'] = top
        top += TRACE + HEADING
    second = top + CARPET + HEADING
    carpets = carpet_images(atlas.raw, atlas.cleaned, series.kept, atlas.ids)
    averaged = '; neighbours averaged' if carpets and carpets['averaged'] else ''
    subject = f'{atlas.name}: {series.kept.sum()} of {len(series.kept)} volumes retained{averaged}'
    height = second + CARPET + (104 if missing else 78) if carpets else svg.TOP + 40
    drawn = {'carpets': carpets, 'traces': traces, 'missing': missing, 'tops': (top, second), 'carpet_height': CARPET}
    drawn |= {'trace_height': TRACE, 't_r': series.t_r, 'scale': svg.embed_scale(), 'range': format_number(RANGE)}
    heading = 'Region time series before and after denoising'
    return svg.fill_figure('carpet', heading, subject, title, height, **drawn)


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
