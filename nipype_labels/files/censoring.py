# SPDX-License-Identifier: BSD-3-Clause
"""Volumes that confounds tables of fMRIPrep say to censor: motion outliers, and those before the steady state."""

import re

import numpy as np

from ..core.censoring import short_segments
from ..core.errors import ConfoundsError

#: Columns of fMRIPrep that show motion outliers.
MOTION_MEASURES = ('framewise_displacement', 'std_dvars')

#: Columns of fMRIPrep that mark one volume each.
_NON_STEADY = r'non_steady_state_outlier\d+'


def find_motion_outliers(tables, fd_threshold, dvars_threshold, min_segment):
    """Return flags of volumes (T,) with motion or change above the thresholds, and of short segments between them.

    Keys are ``'framewise_displacement'`` (threshold in mm), ``'std_dvars'`` (standardised) and, if ``min_segment``
    volumes are demanded between outliers, ``'short_segment'``.
    """
    thresholds = {'fd_threshold': fd_threshold, 'dvars_threshold': dvars_threshold}
    for name, threshold in thresholds.items():
        if not threshold >= 0:
            raise ConfoundsError(f'{name} must be 0 or more, not {threshold}')
    found = {}
    for name, threshold in zip(MOTION_MEASURES, thresholds.values(), strict=True):
        table = next((table for table in tables if name in table.frame), None)
        if table is None:
            sources = ', '.join(table.source for table in tables)
            raise ConfoundsError(f'{sources}: there is no column {name!r}, which scrubbing needs')
        # A comparison with a missing value, as in the first row, is false: that volume is retained.
        found[name] = (table.numbers([name])[name] > threshold).to_numpy()
    if min_segment:
        found['short_segment'] = short_segments(np.any(list(found.values()), axis=0), min_segment)
    return found


def find_non_steady(tables):
    """Return flags (T,) of volumes that tables mark, under ``'non_steady_state'``; empty without marks."""
    marks = [(table, [name for name in table.frame if re.fullmatch(_NON_STEADY, name)]) for table in tables]
    flags = [(table.numbers(names) > 0).any(axis=1).to_numpy() for table, names in marks if names]
    return {'non_steady_state': np.any(flags, axis=0)} if flags else {}
