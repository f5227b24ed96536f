# SPDX-License-Identifier: BSD-3-Clause
"""Strategies that select columns of fMRIPrep's confounds tables, and presets of them."""

import os
import re
from pathlib import Path
from typing import Any

from .errors import ConfoundsError

_MOTION = ('trans_x', 'trans_y', 'trans_z', 'rot_x', 'rot_y', 'rot_z')
_PHYSIOLOGY = ('csf', 'white_matter')


def _expand(bases: tuple[str, ...]) -> tuple[str, ...]:
    """Return names with their derivatives, squares, and squares of derivatives."""
    return tuple(base + end for end in ('', '_derivative1', '_power2', '_derivative1_power2') for base in bases)


#: Cosine drifts; the table of a short run has none.
COSINES = r'cosine\d+'

#: Columns that each strategy selects, as names or regular expressions. ``aCompCor`` also selects components, by their
#: masks; it includes cosines, because fMRIPrep removes these drifts before it computes the components. ``ICA-AROMA``
#: requires a series that ICA-AROMA has denoised, and ``scrubbing`` censors volumes: both select no column.
CONFOUNDS_STRATEGIES: dict[str, tuple[str, ...]] = {
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

_OF_MOTION = 'six parameters of head motion'
_EXPANDED = 'their temporal derivatives, and the squares of both'
_IF_ANY = 'cosine drifts, if the confounds table had any'

#: Confounds of each strategy in the words of the methods boilerplate.
STRATEGY_WORDS = {
    '6P': _OF_MOTION,
    '24P': f'{_OF_MOTION}, {_EXPANDED} [@confounds_satterthwaite_2013]',
    '36P': f'{_OF_MOTION} and the mean signals of cerebrospinal fluid, white matter and the whole brain, {_EXPANDED} '
    '[@confounds_satterthwaite_2013]',
    '2Phys': 'the mean signals of cerebrospinal fluid and white matter',
    '8Phys': f'the mean signals of cerebrospinal fluid and white matter, {_EXPANDED}',
    'GSR': 'the global signal',
    'cosines': _IF_ANY,
    'aCompCor': f'{{components}} of anatomical CompCor from {{masks}} [@compcor], and {_IF_ANY}',
    'all': 'all columns of the confounds table',
}

#: Values of parameters for each preset of nilearn's ``load_confounds_strategy``. Its presets also demean
#: confounds, as ``standardize_confounds`` does.
PRESETS: dict[str, dict[str, Any]] = {
    'simple': {'confounds_strategy': ['24P', '2Phys', 'cosines']},
    'scrubbing': {
        'confounds_strategy': ['24P', '8Phys', 'cosines', 'scrubbing'],
        'fd_threshold': 0.5,
        'dvars_threshold': 1.5,
        'min_segment': 5,
    },
    'compcor': {'confounds_strategy': ['24P', 'aCompCor'], 'n_compcor': 'all', 'acompcor': 'combined'},
    'ica_aroma': {'confounds_strategy': ['2Phys', 'cosines', 'ICA-AROMA']},
}

#: Values that every preset sets.
OF_ALL_PRESETS = {'confounds_na': 'backfill'}

#: Labels of ``desc`` of series that ICA-AROMA has denoised: of fMRIPrep, and of fMRIPost-AROMA.
_DENOISED = ('smoothAROMAnonaggr', 'nonaggrDenoised')


def check_denoised(path: str | os.PathLike[str] | None) -> list[str]:
    """Return a note if the name of a series (None if it has no name) does not show that ICA-AROMA has denoised it.

    ConfoundsError if the name shows that ICA-AROMA has not denoised it.
    """
    name = '' if path is None else Path(path).name
    found = re.search(r'_desc-([a-zA-Z0-9+]+)', name)
    if found is None:
        return [
            f'{name or "the series"}: the name does not show whether ICA-AROMA has denoised the series, which the '
            'strategy ICA-AROMA requires.'
        ]
    if found[1] not in _DENOISED:
        raise ConfoundsError(
            f'{path}: the strategy ICA-AROMA requires a series that ICA-AROMA has denoised (desc-{_DENOISED[0]} or '
            f'desc-{_DENOISED[1]}), not desc-{found[1]}. Pass that series, or choose another strategy.'
        )
    return []
