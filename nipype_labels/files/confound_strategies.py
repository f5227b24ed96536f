# SPDX-License-Identifier: BSD-3-Clause
"""Names of confounds: strategies, which stand for columns of fMRIPrep's tables, and presets of parameters."""

import re
from pathlib import Path

from ..core.choices import find_choice
from ..core.errors import ConfoundsError, LabelsError

#: Volumes that move by more (mm) or change by more (standardised DVARS) are motion outliers.
FD_THRESHOLD = 0.5
DVARS_THRESHOLD = 1.5

#: How many components of aCompCor are taken, if there are so many.
N_COMPCOR = 5

#: Fewest volumes in a row between motion outliers that are retained; 0 retains all.
MIN_SEGMENT = 0

#: Masks whose components aCompCor takes: the one of white matter and CSF, or each of both.
ACOMPCOR = ('combined', 'separated')

#: What happens to volumes that fMRIPrep marks as not in the steady state.
NON_STEADY_STATE = ('censor', 'keep')

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

#: What presets of nilearn's ``load_confounds_strategy`` mean here. They also demean confounds, which
#: ``standardize_confounds`` does.
PRESETS = {
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

#: Parameters that are None for "as the preset says", and their values without a preset.
OPEN = {'n_compcor': N_COMPCOR, 'min_segment': MIN_SEGMENT, 'confounds_na': 'raise'}

#: Parameters that choose confounds, and volumes by their tables.
CHOOSING = (
    'preset',
    'confounds_columns',
    'confounds_strategy',
    'n_compcor',
    'acompcor',
    'fd_threshold',
    'dvars_threshold',
    'min_segment',
    'non_steady_state',
    'confounds_na',
)

#: Labels of ``desc-`` that name a series that ICA-AROMA has denoised: fMRIPrep's, and fMRIPost-AROMA's.
_DENOISED = ('smoothAROMAnonaggr', 'nonaggrDenoised')


def name_strategies(names):
    """Return strategies by their names, whatever the case of their letters.

    >>> name_strategies(['24p', 'acompcor'])
    ['24P', 'aCompCor']
    """
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise LabelsError(f"confounds_strategy must be a list of names, such as ['24P', 'GSR'], not {names!r}")
    return [find_choice('confounds_strategy', name, CONFOUNDS_STRATEGIES) for name in names]


def expand_preset(parameters):
    """Return parameters (without those that are None) with the values of their ``preset`` in its place.

    Each parameter that a preset may set gets a value; explicit ones win, except ``confounds_strategy``: LabelsError if
    it is combined with a preset.
    """
    parameters = dict(parameters)
    preset, strategies = parameters.pop('preset', None), parameters.get('confounds_strategy')
    if strategies is not None:
        parameters['confounds_strategy'] = name_strategies(strategies)
    if preset is None:
        return OPEN | parameters
    preset = find_choice('preset', preset, PRESETS)
    meant = PRESETS[preset] | {'confounds_na': 'backfill'}
    if strategies:
        raise LabelsError(
            f'preset {preset!r} stands for confounds_strategy {meant["confounds_strategy"]}: give either of them. '
            'confounds_columns adds columns to a preset.'
        )
    return OPEN | meant | {name: value for name, value in parameters.items() if name != 'confounds_strategy'}


def list_conditions(parameters):
    """List the parameters that act only with others: name, default, whether it acts, and with what."""
    scrubs, compcor = (name in parameters['confounds_strategy'] for name in ('scrubbing', 'aCompCor'))
    selects = bool(parameters['confounds_strategy'] or parameters['confounds_columns'])
    return (
        ('non_steady_state', NON_STEADY_STATE[0], selects, 'confounds_strategy or confounds_columns'),
        ('n_compcor', OPEN['n_compcor'], compcor, "confounds_strategy 'aCompCor'"),
        ('acompcor', ACOMPCOR[0], compcor, "confounds_strategy 'aCompCor'"),
        ('fd_threshold', FD_THRESHOLD, scrubs, "confounds_strategy 'scrubbing'"),
        ('dvars_threshold', DVARS_THRESHOLD, scrubs, "confounds_strategy 'scrubbing'"),
        ('min_segment', OPEN['min_segment'], scrubs, "confounds_strategy 'scrubbing'"),
    )


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
