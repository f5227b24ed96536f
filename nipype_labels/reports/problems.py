# SPDX-License-Identifier: BSD-3-Clause
"""Problems of the regions of an atlas, worst first."""

import numpy as np

from ..core.regions import STATUSES

#: Regions with a signal and a lower coverage are reported.
LITTLE_COVERAGE = 0.5

#: Heading and meaning of each reason.
REASONS = {
    'absent_from_atlas': (
        'Absent from the atlas',
        'The look-up table names them; the atlas image has no voxel of them.',
    ),
    'outside_field_of_view': ('Outside the field of view', 'The series does not reach them.'),
    'lost_in_resampling': ('Lost in resampling', 'They are too small for the grid of the signals.'),
    'outside_mask': ('Outside the mask', 'None of their voxels lies within the mask.'),
    'low_coverage': ('Low coverage', 'Their coverage is below min_coverage.'),
    'not_finite': ('Not finite', 'None of their voxels has finite values.'),
    'constant': ('Constant', 'Their signal never changes; it can be scaled neither to z-scores nor to per cent.'),
    'lost_in_cleaning': ('Not available after denoising', 'They have a signal before denoising and none after it.'),
    'little_coverage': (
        f'Covered by less than {100 * LITTLE_COVERAGE:.0f} %',
        'They have a signal, but most of their volume is not part of it.',
    ),
}


def find_problems(regions, lost):
    """Return the problems as dicts: ``reason``, ``heading``, ``meaning`` and ``regions``, rows of the coverage table.

    ``lost`` is True for each region without a usable signal.
    """
    status = np.array([region['status'] for region in regions])
    covered = np.array([region['coverage'] for region in regions], dtype=np.float64)
    groups = {reason: status == reason for reason in STATUSES if reason != 'ok'}
    groups |= {'lost_in_cleaning': (status == 'ok') & lost, 'little_coverage': ~lost & (covered < LITTLE_COVERAGE)}
    problems = []
    for reason, flags in groups.items():
        heading, meaning = REASONS[reason]
        members = [regions[i] for i in np.flatnonzero(flags)]
        if members:
            problems.append({'reason': reason, 'heading': heading, 'meaning': meaning, 'regions': members})
    return problems
