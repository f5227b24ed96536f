# SPDX-License-Identifier: BSD-3-Clause
"""Censored volumes: those between motion outliers, and those of all reasons together."""

import itertools

import numpy as np

from ..model.errors import SignalError


def short_segments(outliers: np.ndarray, min_segment: int) -> np.ndarray:
    """Find volumes in segments between motion outliers that are too short to retain (Power et al., 2014).

    Parameters
    ----------
    outliers : array of bool, shape (T,)
        Motion outliers. Without any, the series is not divided and nothing is found.
    min_segment : int
        Fewest volumes in a row that are retained; 0 retains all.

    Returns
    -------
    array of bool, shape (T,)

    Examples
    --------
    >>> short_segments(np.array([False, True, False, False, False, True, False]), 3).astype(int).tolist()
    [1, 0, 0, 0, 0, 0, 1]
    """
    found = np.zeros(len(outliers), dtype=bool)
    if not outliers.any():
        return found
    # Ends of segments: an outlier before the first volume and one behind the last.
    bounds = np.concatenate([[-1], np.flatnonzero(outliers), [len(outliers)]])
    for before, after in itertools.pairwise(bounds):
        if after - before - 1 < min_segment:
            found[before + 1 : after] = True
    return found


def require_retained(censored: dict[str, np.ndarray], source: str) -> np.ndarray:
    """Return the volumes that are not censored for any reason, flags of shape (T,); SignalError if none is retained.

    ``censored`` has flags of shape (T,) by reason; ``source``, the name of the confounds, is for the error.
    """
    kept = ~np.any(list(censored.values()), axis=0)
    if not kept.any():
        counts = ', '.join(f'{reason} {flags.sum()}' for reason, flags in censored.items())
        raise SignalError(f'{source}: none of {len(kept)} volumes is retained; censored are: {counts}')
    return kept
