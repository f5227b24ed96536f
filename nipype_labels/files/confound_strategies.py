# SPDX-License-Identifier: BSD-3-Clause
"""Columns of fMRIPrep's confounds tables that each strategy selects."""

import re
from pathlib import Path

from ..model.errors import ConfoundsError

_MOTION = ('trans_x', 'trans_y', 'trans_z', 'rot_x', 'rot_y', 'rot_z')
_PHYSIOLOGY = ('csf', 'white_matter')


def _expand(bases):
    """Return names with their derivatives, squares, and squares of derivatives."""
    return tuple(base + end for end in ('', '_derivative1', '_power2', '_derivative1_power2') for base in bases)


#: Cosine drifts: a short run has none.
COSINES = r'cosine\d+'

#: Columns of fMRIPrep's confounds that each named strategy takes, as names or regular expressions. Components of
#: ``aCompCor`` depend on their masks; its cosines belong to it, since fMRIPrep removes these drifts from the series
#: before it computes the components. ``ICA-AROMA`` and ``scrubbing`` take no column: the first demands a series that
#: ICA-AROMA has denoised, the second censors volumes.
CONFOUNDS_STRATEGIES = {
    '6P': _MOTION,
    '24P': _expand(_MOTION),
    '36P': _expand(_MOTION) + _expand((*_PHYSIOLOGY, 'global_signal')),
    '2Phys': _PHYSIOLOGY,
    '8Phys': _expand(_PHYSIOLOGY),
    'GSR': ('global_signal',),
    'cosines': (COSINES,),
    'aCompCor': (COSINES,),
    'ICA-AROMA': (),
    'scrubbing': (),
    'all': (r'(?s:.*)',),
}

#: Labels of ``desc-`` that name a series that ICA-AROMA has denoised: fMRIPrep's, and fMRIPost-AROMA's.
_DENOISED = ('smoothAROMAnonaggr', 'nonaggrDenoised')


def check_denoised(path):
    """Refuse a series (a path, or None without a name) whose name says that ICA-AROMA has not denoised it.

    Return a note for the user, in a list, if the name does not say it.
    """
    name = '' if path is None else Path(path).name
    found = re.search(r'_desc-([a-zA-Z0-9+]+)', name)
    if found is None:
        return [
            f'{name or "the series"}: the name does not say whether ICA-AROMA has denoised the series, as the strategy '
            'ICA-AROMA assumes.'
        ]
    if found[1] not in _DENOISED:
        raise ConfoundsError(
            f'{path}: the strategy ICA-AROMA takes a series that ICA-AROMA has denoised (desc-{_DENOISED[0]} or '
            f'desc-{_DENOISED[1]}), not desc-{found[1]}. Give that series, or choose another strategy.'
        )
    return []
