# SPDX-License-Identifier: BSD-3-Clause
"""Figure of the connectivity of all pairs of regions of an atlas."""

import re

import numpy as np

from ..core.display import average_neighbours, colour_limit
from . import svg
from .formatting import format_signed

#: Width of the figure; the matrix is a square, and the page shows it next to a list.
WIDTH = 720

#: Rows and columns of the largest image; of more regions, neighbours are averaged.
LARGEST = 600

#: Up to so many regions are marked by their names, which need so much space; more, by the indices of a few.
MOST_NAMES, NAMES_AXIS = 50, 206


def draw_matrix(title, series, atlas):
    """Return an SVG with the connectivity matrix of an atlas."""
    matrix = matrix_image(atlas.connectivity, atlas.names, atlas.ids, series.connectivity_kind)
    left = svg.MARGIN + (svg.AXIS if matrix['names'] is None else NAMES_AXIS)
    side = WIDTH - svg.MARGIN - left
    heading = f'Connectivity{series.connectivity_kind and f": {series.connectivity_kind}"}'
    subject = f'{atlas.name}{"; neighbours averaged" if matrix["averaged"] else ""}'
    drawn = {'matrix': matrix, 'scale': svg.embed_scale(), 'left': left, 'side': side}
    return svg.fill_figure('matrix', heading, subject, title, svg.TOP + side + 84, WIDTH, **drawn)


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


def is_bounded(kind):
    """Return whether colours of a kind of connectivity, as in ``'partial correlation, Fisher z'``, go from -1 to 1."""
    return bool(re.search('correlation', kind, re.IGNORECASE)) and not re.search(
        r'partial|fisher|\bz\b', kind, re.IGNORECASE
    )
