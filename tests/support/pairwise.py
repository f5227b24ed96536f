# SPDX-License-Identifier: BSD-3-Clause
"""Cases in which each pair of values of two factors occurs, instead of the full cross."""

import itertools

import pytest


def pairwise(**factors):
    """Parametrise a test with few cases in which each pair of values of two factors occurs at least once.

    Three or more factors; their order and their values decide the cases, so that each run has the same.
    """
    names, values = list(factors), [list(chosen) for chosen in factors.values()]
    rows = _covering_rows([len(chosen) for chosen in values])
    cases = [tuple(chosen[i] for chosen, i in zip(values, row, strict=True)) for row in rows]
    return pytest.mark.parametrize(names, cases)


def _covering_rows(sizes):
    """Return rows of indices that cover each pair, extended greedily from the first uncovered pair."""
    columns = range(len(sizes))
    missing = {
        ((a, i), (b, j)): None
        for a, b in itertools.combinations(columns, 2)
        for i, j in itertools.product(range(sizes[a]), range(sizes[b]))
    }
    rows = []
    while missing:
        row = dict(next(iter(missing)))
        for column in sorted(set(columns) - set(row), key=lambda column: -sizes[column]):
            row[column] = _best_value(column, sizes[column], row, missing, shift=len(rows))
        for pair in itertools.combinations(sorted(row.items()), 2):
            missing.pop(pair, None)
        rows.append([row[column] for column in columns])
    return rows


def _best_value(column, size, row, missing, shift):
    """Return the value of a column that covers most missing pairs; the first one tried differs between rows."""
    candidates = [(i + shift) % size for i in range(size)]
    return max(candidates, key=lambda i: sum(tuple(sorted([(column, i), item])) in missing for item in row.items()))
