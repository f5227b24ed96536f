# SPDX-License-Identifier: BSD-3-Clause
"""Connectivity: all pairs of an atlas's regions as one image."""

import re

import numpy as np

from .carpet import N_COLOURS, average_neighbours
from .formatting import format_signed
from .images import DIVERGING, embed, shade
from .ticks import place_ticks

#: Rows and columns of the largest image; of more regions, neighbours are averaged.
LARGEST = 600

#: So many regions are marked by their names; more, by the indices of a few.
MOST_NAMES = 50

#: Part of the pairs whose values the colours tell apart, where values have no bounds of their own.
TOLD_APART = 0.98

#: Strongest pairs of either sign to name.
N_PAIRS = 5


def draw_matrix(matrix, names, ids, kind=''):
    """Draw a connectivity matrix.

    Parameters
    ----------
    matrix : array, shape (L, L)
        Symmetric; what is not finite is missing.
    names : sequence of str, length L
    ids : array of int, shape (L,)
    kind : str
        What was measured, as in ``'correlation'`` or ``'partial correlation, Fisher z'``.

    Returns
    -------
    dict
        What the templates need.
    """
    matrix = np.where(np.isfinite(matrix), matrix, np.nan)
    limit = colour_limit(matrix, kind)
    smaller = average_neighbours(matrix, (LARGEST, LARGEST))
    pairs = matrix[np.triu_indices(len(matrix), 1)]
    known = pairs[np.isfinite(pairs)]
    return {
        'kind': kind,
        'image': embed(shade(smaller, N_COLOURS, -limit, limit), DIVERGING),
        'limit': limit,
        'averaged': smaller.shape != matrix.shape,
        'names': list(names) if len(names) <= MOST_NAMES else None,
        'ticks': place_ticks(len(names), ids),
        'n_pairs': len(known),
        'n_missing': len(pairs) - len(known),
        'quartiles': [format_signed(q) for q in np.quantile(known, (0.25, 0.5, 0.75))] if known.size else None,
        'strongest': find_strongest(matrix, names),
    }


def colour_limit(matrix, kind):
    """Value at which the colours end.

    Parameters
    ----------
    matrix : array, shape (L, L)
        NaN where a value is missing.
    kind : str

    Returns
    -------
    float
        1 for correlations. Else, of partial correlations too, which are small where regions are many: what no more
        than one pair in fifty exceeds in size.

    Examples
    --------
    >>> colour_limit(np.array([[9.0, -0.2], [-0.2, 9.0]]), 'covariance')
    0.2
    """
    if re.search('correlation', kind, re.IGNORECASE) and not re.search(r'partial|fisher|\bz\b', kind, re.IGNORECASE):
        return 1.0
    sizes = np.abs(matrix[np.triu_indices(len(matrix), 1)])
    sizes = sizes[sizes > 0]
    return float(f'{np.quantile(sizes, TOLD_APART):.2g}') if sizes.size else 1.0


def find_strongest(matrix, names, most=N_PAIRS):
    """Find the pairs with the largest values of either sign.

    Parameters
    ----------
    matrix : array, shape (L, L)
        NaN where a value is missing.
    names : sequence of str, length L
    most : int

    Returns
    -------
    dict of str to list of dict
        ``positive`` and ``negative``, each strongest first: ``value`` and the names ``one`` and ``other``.

    Examples
    --------
    >>> find_strongest(np.array([[1.0, -0.25], [-0.25, 1.0]]), ['A', 'B'])
    {'positive': [], 'negative': [{'value': -0.25, 'one': 'A', 'other': 'B'}]}
    """
    rows, columns = np.triu_indices(len(matrix), 1)
    values = matrix[rows, columns]
    found = {}
    for sign, direction in (('positive', 1), ('negative', -1)):
        there = np.flatnonzero(direction * values > 0)
        order = there[np.argsort(-direction * values[there], kind='stable')[:most]]
        found[sign] = [
            {'value': float(values[i]), 'one': names[rows[i]], 'other': names[columns[i]]} for i in order.tolist()
        ]
    return found
