# SPDX-License-Identifier: BSD-3-Clause
"""Figures of symmetric matrices: connectivity of all pairs of regions of an atlas, and correlation of confounds."""

import re
from itertools import pairwise

import numpy as np

from ..core.display import average_neighbours, colour_limit, correlate_columns
from ..model.networks import find_blocks, order_by_network
from . import svg
from .formatting import format_signed

#: Width of the figure; the matrix is a square, and the page shows it next to a list.
WIDTH = 720

#: Rows and columns of the largest image; of more regions, neighbours are averaged.
LARGEST = 600

#: Up to so many regions are marked by their names, which need so much space; more, by the indices of a few.
MOST_NAMES, NAMES_AXIS = 50, 206

#: Space for the names of networks, and the height of such a name.
NETWORKS_AXIS, LINE = 116, 13


def draw_matrix(title, series, atlas):
    """Return an SVG with the connectivity of an atlas, in the order of networks and hemispheres if names have them."""
    order = order_by_network(atlas.places)
    places = [atlas.places[i] for i in order]
    kind = series.connectivity_kind
    matrix = matrix_image(
        atlas.connectivity[np.ix_(order, order)], [atlas.names[i] for i in order], atlas.ids[order], kind
    )
    matrix |= outline_blocks(places)
    heading = f'Connectivity{kind and f": {kind}"}'
    subject = f'{atlas.name}{_describe_order(places)}'
    return _draw(matrix, heading, subject, title, 'region, by index', kind or 'value')


def draw_confounds(title, series):
    """Return an SVG with the correlations of the confounds that were regressed out, over the retained volumes."""
    heading, names = 'Correlation of confounds', list(series.confounds)
    if not names:
        return svg.fill_figure('matrix', heading, 'no column was regressed out', title, svg.TOP, WIDTH, matrix=None)
    values = np.column_stack(list(series.confounds.values()))[series.kept]
    matrix = matrix_image(correlate_columns(values), names, range(1, len(names) + 1), 'correlation')
    subject = f'{len(names)} column{"" if len(names) == 1 else "s"} of the confounds tables, over the retained volumes'
    return _draw(matrix | outline_blocks([]), heading, subject, title, 'confound, by number', 'correlation')


def _draw(matrix, heading, subject, title, axis, unit):
    """Return the SVG of a matrix."""
    left = svg.MARGIN + (NAMES_AXIS if matrix['names'] else NETWORKS_AXIS if matrix['networks'] else svg.AXIS)
    side = WIDTH - svg.MARGIN - left
    below = NETWORKS_AXIS if matrix['networks'] else 24
    subject += '; neighbours averaged' if matrix['averaged'] else ''
    for block in matrix['networks']:
        block['y'] = block['middle'] * side
    # Names of small networks would overlap.
    for one, other in pairwise(matrix['networks']):
        other['y'] = max(other['y'], one['y'] + LINE)
    drawn = {'matrix': matrix, 'scale': svg.embed_scale(), 'left': left, 'side': side, 'below': below, 'axis': axis}
    return svg.fill_figure('matrix', heading, subject, title, svg.TOP + side + below + 58, WIDTH, unit=unit, **drawn)


def matrix_image(matrix, names, ids, kind=''):
    """Return the image of a symmetric matrix, shape (L, L), with its axes and a summary of its pairs."""
    matrix = np.where(np.isfinite(matrix), matrix, np.nan)
    limit = colour_limit(matrix, is_bounded(kind))
    smaller = average_neighbours(matrix, (LARGEST, LARGEST))
    pairs = matrix[np.triu_indices(len(matrix), 1)]
    known = pairs[np.isfinite(pairs)]
    return {
        'image': svg.embed(svg.shade(smaller, svg.N_COLOURS, -limit, limit), svg.DIVERGING),
        'limit': limit,
        'averaged': smaller.shape != matrix.shape,
        'names': list(names) if len(names) <= MOST_NAMES else None,
        'ticks': svg.place_ticks(len(names), ids),
        'n_pairs': len(known),
        'n_missing': len(pairs) - len(known),
        'quartiles': [format_signed(q) for q in np.quantile(known, (0.25, 0.5, 0.75))] if known.size else None,
    }


def outline_blocks(places):
    """Return the networks (none if no region has one) and the outlines of networks and hemispheres, in an order.

    Outlines are SVG paths of squares on the diagonal of a drawing that is as wide as the matrix has rows.
    """
    networks = find_blocks([place.network for place in places])
    if all(not block.name for block in networks):
        networks = []
    halves = find_blocks(list(places))
    return {
        'n_rows': len(places),
        'networks': [
            {'name': block.name or 'no network', 'middle': (block.begin + block.end) / 2 / len(places)}
            for block in networks
        ],
        'outlines': ''.join(map(_square, networks)),
        'halves': ''.join(map(_square, halves)) if len(halves) > 1 else '',
    }


def _square(block):
    """Return the outline of a block on the diagonal as an SVG path."""
    size = block.end - block.begin
    return f'M{block.begin} {block.begin}h{size}v{size}h-{size}z'


def _describe_order(places):
    """Return by what regions are ordered, for the subtitle; empty for the order of the atlas."""
    words = [word for word in ('network', 'hemisphere') if len({getattr(place, word) for place in places}) > 1]
    return f', by {" and ".join(words)}' if words else ''


def is_bounded(kind):
    """Return whether colours of a kind of connectivity, as in ``'partial correlation, Fisher z'``, go from -1 to 1."""
    return bool(re.search('correlation', kind, re.IGNORECASE)) and not re.search(
        r'partial|fisher|\bz\b', kind, re.IGNORECASE
    )
