# SPDX-License-Identifier: BSD-3-Clause
"""Values as figures show them: standardised, averaged where there are more than pixels, the strongest first."""

import numpy as np

from .quality import is_constant

#: Fraction of the pairs whose values the colours distinguish, where values have no bounds of their own.
DISTINGUISHED = 0.98


def standardize_rows(signals: np.ndarray) -> np.ndarray:
    """Return z-scores of each region, shape (L, T); NaN where a value is missing, and for constant regions."""
    finite = np.isfinite(signals) & ~is_constant(signals)
    count = np.maximum(finite.sum(axis=0), 1)
    values = np.where(finite, signals, 0.0)
    # Scaled first: squares of the largest numbers would overflow.
    values = values / np.maximum(np.abs(values).max(axis=0, initial=0), np.finfo(np.float64).tiny)
    centred = np.where(finite, values - values.sum(axis=0) / count, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    return np.where(finite & (spread > 0), centred / np.where(spread > 0, spread, 1), np.nan).T


def average_neighbours(values: np.ndarray, largest: tuple[int, int]) -> np.ndarray:
    """Reduce a matrix to at most ``largest`` (rows, columns) by means of the finite values of neighbours.

    >>> average_neighbours(np.array([[1.0, 3.0, np.nan, 5.0]]), (9, 2)).tolist()
    [[2.0, 5.0]]
    """
    finite = np.isfinite(values)
    totals = [np.where(finite, values, 0.0), finite.astype(float)]
    for axis, most in enumerate(largest):
        n = values.shape[axis]
        if n > most:
            totals = [np.add.reduceat(total, _first_of_groups(n, most), axis=axis) for total in totals]
    total, count = totals
    return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)


def largest_of_neighbours(values: np.ndarray, most: int) -> np.ndarray:
    """Reduce an array, shape (n,), to at most ``most`` values: the largest, or True, of neighbours.

    >>> largest_of_neighbours(np.array([1.0, 4, 2, 3]), 2).tolist()
    [4.0, 3.0]
    """
    return np.maximum.reduceat(values, _first_of_groups(len(values), most))


def grey_window(volume: np.ndarray) -> tuple[float, float]:
    """Return the values of black and white; the brightest voxels and the empty background do not count.

    >>> grey_window(np.array([0.0, np.nan, 10.0, 20.0]))
    (0.0, 20.0)
    """
    values = volume[np.isfinite(volume) & (volume != 0)]
    if not values.size:
        return 0.0, 1.0
    low, high = min(0.0, float(values.min())), float(np.quantile(values, 0.995, method='higher'))
    return low, high if high > low else low + 1.0


def colour_limit(matrix: np.ndarray, bounded: bool) -> float:
    """Return the value at which colours of a matrix, shape (L, L), end: 1 if values are bounded by -1 and 1.

    Else, and for partial correlations, which are small where regions are many: what one pair in fifty exceeds.

    >>> colour_limit(np.array([[9.0, -0.2], [-0.2, 9.0]]), bounded=False)
    0.2
    """
    if bounded:
        return 1.0
    sizes = np.abs(matrix[np.triu_indices(len(matrix), 1)])
    sizes = sizes[sizes > 0]
    return float(f'{np.quantile(sizes, DISTINGUISHED):.2g}') if sizes.size else 1.0


def strongest_pairs(matrix: np.ndarray, most: int) -> dict[str, list[tuple]]:
    """Return ``(value, row, column)`` of the largest positive and negative finite values above the diagonal.

    >>> strongest_pairs(np.array([[1.0, -0.25], [-0.25, 1.0]]), 5)
    {'positive': [], 'negative': [(-0.25, 0, 1)]}
    """
    rows, columns = np.triu_indices(len(matrix), 1)
    values = matrix[rows, columns]
    found = {}
    for sign, direction in (('positive', 1), ('negative', -1)):
        candidates = np.flatnonzero(np.isfinite(values) & (direction * values > 0))
        order = candidates[np.argsort(-direction * values[candidates], kind='stable')[:most]]
        found[sign] = list(zip(*(each[order].tolist() for each in (values, rows, columns)), strict=True))
    return found


def correlate_columns(values: np.ndarray) -> np.ndarray:
    """Return the correlations of columns, shape (C, C), of values of shape (T, C); NaN for constant columns.

    Volumes with a missing value are excluded.

    >>> correlate_columns(np.array([[1.0, 2, 7], [2, 1, 7], [np.nan, 0, 7], [3, 0, 7]]))[0].round(6).tolist()
    [1.0, -1.0, nan]
    """
    known = values[np.isfinite(values).all(axis=1)]
    constant = is_constant(known) if len(known) > 1 else np.ones(values.shape[1], dtype=bool)
    matrix = np.full((values.shape[1],) * 2, np.nan)
    varying = np.flatnonzero(~constant)
    if varying.size:
        matrix[np.ix_(varying, varying)] = np.corrcoef(known[:, varying], rowvar=False).reshape((varying.size,) * 2)
    return matrix


def _first_of_groups(n: int, most: int) -> np.ndarray:
    """Return where each of at most ``most`` groups of ``n`` neighbours begins."""
    groups = min(most, n)
    return np.arange(groups) * n // groups
