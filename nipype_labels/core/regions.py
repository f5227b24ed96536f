# SPDX-License-Identifier: BSD-3-Clause
"""The ledger of regions: how much of each is left, step by step, and why one has no signal."""

import numpy as np

from ..model.errors import MissingRegionsError

#: What a region can be, in the order in which a signal is lost.
STATUSES = (
    'ok',
    'absent_from_atlas',
    'outside_field_of_view',
    'lost_in_resampling',
    'outside_mask',
    'low_coverage',
    'not_finite',
    'constant',
)

#: Ids are kept in 32 bits.
LARGEST_ID = 2**31 - 1

#: Columns of regions without a signal.
MISSING_LABELS = ('nan', 'zero', 'drop', 'raise')

#: Decimals of a coverage; more would be rounding noise of the affines.
COVERAGE_DECIMALS = 9

#: A signal that varies by less than this part of its size does not vary.
CONSTANT_TOLERANCE = 1e-12


def count_voxels(labels, ids):
    """Count the voxels of each region.

    Parameters
    ----------
    labels : array of int, any shape
    ids : array of int, shape (L,)
        In any order.

    Returns
    -------
    array of int, shape (L,)

    Examples
    --------
    >>> count_voxels(np.array([0, 7, 7, 2]), [7, 3, 2]).tolist()
    [2, 0, 1]
    """
    found, counts = np.unique(labels, return_counts=True)
    ids = np.asarray(ids)
    place = np.minimum(np.searchsorted(found, ids), max(len(found) - 1, 0))
    return np.where(found[place] == ids, counts[place], 0) if len(found) else np.zeros(len(ids), dtype=int)


def unused_id(ids):
    """Return an id that no region has, for voxels that belong to no region.

    >>> unused_id([0, 1, 3])
    2
    """
    taken = set(np.asarray(ids).tolist())
    return next(i for i in range(len(taken) + 1) if i not in taken)


def coverage(n_used, n_atlas, voxel_volume, atlas_voxel_volume):
    """Part of a region's volume in the atlas that its signal comes from.

    Parameters
    ----------
    n_used, n_atlas : array of int, shape (L,)
        Voxels used, on the grid of the signals, and voxels in the atlas, on its own.
    voxel_volume, atlas_voxel_volume : float
        In mm³.

    Returns
    -------
    array, shape (L,)
        From 0 to 1 (a coarser grid can make a region larger; it then counts as 1); NaN for a region that the atlas
        does not have.
    """
    whole = np.asarray(n_atlas) * atlas_voxel_volume
    used = np.asarray(n_used) * voxel_volume
    return np.where(whole > 0, np.minimum(np.round(used / np.where(whole > 0, whole, 1), COVERAGE_DECIMALS), 1), np.nan)


def placement_status(n_atlas, n_grid, n_mask, n_in_view):
    """Status of regions before any signal is read.

    Parameters
    ----------
    n_atlas, n_grid, n_mask : array of int, shape (L,)
        Voxels in the atlas, on the grid of the signals, and there in the mask.
    n_in_view : array of int, shape (L,)
        Voxels of the atlas whose centres lie within the grid of the signals.

    Returns
    -------
    array of str, shape (L,)
    """
    return np.select(
        [np.equal(n_atlas, 0), np.greater(n_mask, 0), np.greater(n_grid, 0), np.equal(n_in_view, 0)],
        ['absent_from_atlas', 'ok', 'outside_mask', 'outside_field_of_view'],
        'lost_in_resampling',
    )


def signal_status(status, signals, n_used, n_in_view, covered, min_coverage):
    """Complete the status of regions from their signals.

    Parameters
    ----------
    status : array of str, shape (L,)
        From :func:`placement_status`.
    signals : array, shape (T, L)
    n_used, n_in_view : array of int, shape (L,)
        Voxels that gave a finite value at least once, and voxels within the series' field of view.
    covered : array, shape (L,)
        From :func:`coverage`.
    min_coverage : float
        Regions covered less are ``'low_coverage'``.

    Returns
    -------
    array of str, shape (L,)
    """
    return np.where(
        status != 'ok',
        status,
        np.select(
            [
                np.equal(n_in_view, 0),
                np.equal(n_used, 0) | ~np.isfinite(signals).any(axis=0),
                np.less(covered, np.round(min_coverage, COVERAGE_DECIMALS)),
                is_constant(signals),
            ],
            ['outside_field_of_view', 'not_finite', 'low_coverage', 'constant'],
            'ok',
        ),
    )


def is_constant(signals):
    """Whether each column's finite values are constant except for rounding; never for a single row.

    >>> is_constant(np.array([[1e6, 1.0, 0.0], [1e6 + 1e-8, 1.1, np.nan]])).tolist()
    [True, False, True]
    """
    if len(signals) < 2:
        return np.zeros(signals.shape[1], dtype=bool)
    finite = np.isfinite(signals)
    largest = np.where(finite, signals, -np.inf).max(axis=0)
    least = np.where(finite, signals, np.inf).min(axis=0)
    some = finite.any(axis=0)
    spread = np.subtract(largest, least, where=some, out=np.full(len(some), np.inf))
    size = np.where(finite, np.abs(signals), 0).max(axis=0)
    return spread <= CONSTANT_TOLERANCE * size


def has_signal(status):
    """Whether regions of these statuses have a column of their own values.

    >>> has_signal(np.array(['ok', 'constant', 'outside_mask'])).tolist()
    [True, True, False]
    """
    return np.isin(status, ['ok', 'constant'])


def blank_missing(signals, status, names, missing_labels='nan'):
    """Apply the policy for regions without a signal.

    Parameters
    ----------
    signals : array, shape (T, L)
    status : array of str, shape (L,)
    names : sequence of str, length L
    missing_labels : {'nan', 'zero', 'drop', 'raise'}
        Keep their columns as NaN or 0, drop the columns, or refuse.

    Returns
    -------
    signals : array, shape (T, number of columns kept)
    kept : array of bool, shape (L,)
        Which regions have a column.

    Raises
    ------
    MissingRegionsError
        If no region at all has a signal, or one has none and the policy is ``'raise'``.
    """
    there = has_signal(status)
    reasons = list_missing(names, status)
    if not there.any():
        raise MissingRegionsError(f'no region has a signal: {reasons}')
    if missing_labels == 'raise' and not there.all():
        raise MissingRegionsError(f"regions without a signal (missing_labels='raise'): {reasons}")
    if missing_labels == 'drop':
        return signals[:, there], there
    return np.where(there, signals, 0.0 if missing_labels == 'zero' else np.nan), np.ones_like(there)


def list_missing(names, status, most=8):
    """Name the regions without a signal, by reason.

    Parameters
    ----------
    names : sequence of str, length L
    status : array of str, shape (L,)
    most : int
        How many are named for each reason; the others are counted.

    Returns
    -------
    str
        Empty if no region is missing.

    Examples
    --------
    >>> list_missing(['A', 'B', 'C'], np.array(['ok', 'outside_mask', 'outside_mask']))
    'outside_mask: B, C'
    """
    groups = []
    for reason in STATUSES:
        members = [str(name) for name, s in zip(names, status, strict=True) if s == reason]
        if members and not has_signal(np.array([reason]))[0]:
            rest = f' and {len(members) - most} more' if len(members) > most else ''
            groups.append(f'{reason}: {", ".join(members[:most])}{rest}')
    return '; '.join(groups)
