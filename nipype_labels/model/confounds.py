# SPDX-License-Identifier: BSD-3-Clause
"""Strategies that select columns of fMRIPrep's confounds tables, and presets of denoising pipelines."""

import os
import re
from dataclasses import dataclass
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
    '[@confounds_satterthwaite_2013; @ciric_2017]',
    '2Phys': 'the mean signals of cerebrospinal fluid and white matter',
    '8Phys': f'the mean signals of cerebrospinal fluid and white matter, {_EXPANDED}',
    'GSR': 'the global signal',
    'cosines': _IF_ANY,
    'aCompCor': f'{{components}} of anatomical CompCor from {{masks}} [@compcor], and {_IF_ANY}',
    'all': 'all columns of the confounds table',
}


@dataclass(frozen=True)
class Preset:
    """A published denoising pipeline: its parameters, when to use it, and references as (authors and year, DOI)."""

    parameters: dict[str, Any]
    purpose: str
    references: tuple[tuple[str, str], ...]


_POWER = ('Power et al. 2014', '10.1016/j.neuroimage.2013.08.048')
_SATTERTHWAITE = ('Satterthwaite et al. 2013', '10.1016/j.neuroimage.2012.08.052')
_CIRIC = (('Ciric et al. 2017', '10.1016/j.neuroimage.2017.03.020'), ('Ciric et al. 2018', '10.1038/s41596-018-0065-y'))

#: Steps of the benchmark of Ciric et al.: what its authors' software xcpEngine does, except for the order of the filter
#: and quadratic trends. Like the other presets, the first row of derivatives is filled as by nilearn.
_BENCHMARK = {'detrend': True, 'high_pass': 0.01, 'low_pass': 0.08, 'confounds_na': 'backfill'}

#: Motion outliers of fMRIPrep, and the shortest segment of Power et al. (2014).
_SCRUBBING = {'fd_threshold': 0.5, 'dvars_threshold': 1.5, 'min_segment': 5}

#: Presets by name. The first four are those of nilearn's ``load_confounds_strategy``, which also demeans confounds, as
#: ``standardize_confounds`` does.
PRESETS = {
    'simple': Preset(
        {'confounds_strategy': ['24P', '2Phys', 'cosines'], 'confounds_na': 'backfill'},
        'little motion; keeps all volumes and frequencies above the cosine drifts',
        (('Fox et al. 2005', '10.1073/pnas.0504136102'),),
    ),
    'scrubbing': Preset(
        {'confounds_strategy': ['24P', '8Phys', 'cosines', 'scrubbing'], **_SCRUBBING, 'confounds_na': 'backfill'},
        'motion in some volumes of long runs; loses volumes',
        (_POWER,),
    ),
    'compcor': Preset(
        {
            'confounds_strategy': ['24P', 'aCompCor'],
            'n_compcor': 'all',
            'acompcor': 'combined',
            'confounds_na': 'backfill',
        },
        'physiological noise, without the global signal; the number of components, and so the degrees of freedom, '
        'differs between runs',
        (('Behzadi et al. 2007', '10.1016/j.neuroimage.2007.04.042'),),
    ),
    'ica_aroma': Preset(
        {'confounds_strategy': ['2Phys', 'cosines', 'ICA-AROMA'], 'confounds_na': 'backfill'},
        'series that ICA-AROMA has denoised (`--bold-desc smoothAROMAnonaggr`)',
        (('Pruim et al. 2015', '10.1016/j.neuroimage.2015.02.064'),),
    ),
    '24P': Preset(
        {'confounds_strategy': ['24P'], **_BENCHMARK},
        'comparison with studies that regress out motion alone; leaves global artifacts of motion and respiration',
        (('Friston et al. 1996', '10.1002/mrm.1910350312'), _SATTERTHWAITE, *_CIRIC),
    ),
    '36P': Preset(
        {'confounds_strategy': ['36P'], **_BENCHMARK},
        'correlations of resting-state runs between participants who move differently; includes the global signal, '
        'which leaves motion artifacts that depend on distance',
        (_SATTERTHWAITE, *_CIRIC),
    ),
    '36P+scrubbing': Preset(
        {'confounds_strategy': ['36P', 'scrubbing'], **_SCRUBBING, **_BENCHMARK},
        'as 36P, for runs long enough to lose volumes; also reduces artifacts that depend on distance',
        (_SATTERTHWAITE, *_CIRIC, _POWER),
    ),
}

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


def describe_confounds(parameters: dict[str, Any], columns: list[str], notes: list[str]) -> dict[str, Any]:
    """Return how confounds were selected, as metadata of denoising: the ``columns`` selected, and notes for users."""
    strategies = parameters['confounds_strategy']
    thresholds = {
        'framewise_displacement': parameters['fd_threshold'],
        'std_dvars': parameters['dvars_threshold'],
        'min_segment': parameters['min_segment'],
    }
    described = {
        'ConfoundsColumns': columns,
        'ConfoundsStrategy': list(strategies),
        'ConfoundsMissing': parameters['confounds_na'] if columns else None,
        'ScrubbingThresholds': thresholds if 'scrubbing' in strategies else {},
    }
    if 'aCompCor' in strategies:
        described |= {'CompCorComponents': parameters['n_compcor'], 'CompCorMasks': parameters['acompcor']}
    if strategies or parameters['confounds_columns']:
        described['NonSteadyState'] = parameters['non_steady_state']
    return described | ({'ConfoundsNotes': notes} if notes else {})
