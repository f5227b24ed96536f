# SPDX-License-Identifier: BSD-3-Clause
"""What is wrong with the regions of an atlas, worst first."""

import numpy as np

from ..core.regions import STATUSES

#: Regions with a signal that are covered less are pointed out.
LITTLE_COVERAGE = 0.5

#: What each reason means, in a heading and a sentence.
REASONS = {
    'absent_from_atlas': ('Absent from the atlas', 'The look-up table names them; the atlas image has no such voxel.'),
    'outside_field_of_view': ('Outside the field of view', 'The series does not reach them.'),
    'lost_in_resampling': ('Lost in resampling', 'They are too small for the grid of the signals.'),
    'outside_mask': ('Outside the mask', 'None of their voxels lies within the mask.'),
    'low_coverage': ('Low coverage', 'Less of their volume is left than min_coverage asks for.'),
    'not_finite': ('Not finite', 'None of their voxels has finite values.'),
    'constant': ('Constant', 'Their signal never changes; it can be scaled neither to z-scores nor to per cent.'),
    'lost_in_cleaning': ('Not available after cleaning', 'They have a signal before cleaning and none after it.'),
    'little_coverage': (
        f'Covered by less than {100 * LITTLE_COVERAGE:.0f} %',
        'They have a signal, but most of their volume is not in it.',
    ),
}


def find_problems(regions, cleaned):
    """Group regions by what is wrong with them.

    Parameters
    ----------
    regions : sequence of L dicts
        Rows of the regions table.
    cleaned : array, shape (T, L)

    Returns
    -------
    problems : list of dict
        ``reason``, ``heading``, ``meaning``, ``lost`` (whether there is no usable signal) and ``regions``.
    lost : array of bool, shape (L,)
        Which regions have no usable signal.
    """
    status = np.array([region['status'] for region in regions])
    covered = np.array([region['coverage'] for region in regions], dtype=np.float64)
    gone = (status == 'ok') & ~np.isfinite(cleaned).any(axis=0)
    lost = (status != 'ok') | gone
    groups = {reason: status == reason for reason in STATUSES if reason != 'ok'}
    groups |= {'lost_in_cleaning': gone, 'little_coverage': ~lost & (covered < LITTLE_COVERAGE)}
    problems = []
    for reason, flags in groups.items():
        heading, meaning = REASONS[reason]
        members = [regions[i] for i in np.flatnonzero(flags)]
        if members:
            found = {'reason': reason, 'heading': heading, 'meaning': meaning, 'regions': members}
            problems.append({**found, 'lost': reason != 'little_coverage'})
    return problems, lost
