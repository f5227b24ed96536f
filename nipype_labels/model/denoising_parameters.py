# SPDX-License-Identifier: BSD-3-Clause
"""Parameters of confounds and denoising: see :mod:`nipype_labels.model.parameters`."""

from typing import Any

from .confounds import CONFOUNDS_STRATEGIES, STRATEGY_WORDS
from .description import Condition, Parameter


def _has_cut_off(given: dict[str, Any]) -> bool:
    return given.get('low_pass') is not None or given.get('high_pass') is not None


def _with_strategy(name: str) -> Condition:
    return Condition(f'confounds_strategy {name!r}', lambda given: name in given['confounds_strategy'])


_CONFOUNDS = Condition('use_confounds', lambda given: given['use_confounds'])
_OFF = {None: 'none', False: 'none'}

#: In the order of signatures, options and tables.
DENOISING = (
    Parameter(
        'confounds_columns',
        'names',
        (),
        'columns of the confounds table to select, by name or regular expression',
        'A table without any selected column is used completely; in a table of fMRIPrep, columns must be selected.',
        metavar='NAME',
        when=_CONFOUNDS,
    ),
    Parameter(
        'confounds_strategy',
        'names',
        (),
        "named sets of fMRIPrep's confounds to select: motion parameters (6P, 24P, 36P with the next ones), mean "
        'signals of white matter and CSF (2Phys, 8Phys) or of the brain (GSR), cosine drifts (cosines), components of '
        'aCompCor with cosine drifts (aCompCor), every column (all); ICA-AROMA requires a series that ICA-AROMA has '
        'denoised, scrubbing censors volumes',
        'Upper and lower case are equal.',
        words={name: STRATEGY_WORDS.get(name, '') for name in CONFOUNDS_STRATEGIES},
        metavar='NAME',
        when=_CONFOUNDS,
    ),
    Parameter(
        'n_compcor',
        'count',
        5,
        'components of each mask that the strategy aCompCor selects, or all',
        low=1,
        metavar='N',
        when=_with_strategy('aCompCor'),
    ),
    Parameter(
        'acompcor',
        str,
        'combined',
        'masks whose components the strategy aCompCor selects: white matter and CSF combined, or separated',
        'The JSON file next to the table names the mask of each component.',
        words={
            'combined': 'the combined mask of white matter and cerebrospinal fluid',
            'separated': 'each of the masks of white matter and cerebrospinal fluid',
        },
        when=_with_strategy('aCompCor'),
    ),
    Parameter(
        'fd_threshold',
        float,
        0.5,
        'framewise displacement in mm above which the strategy scrubbing censors a volume',
        low=0.0,
        metavar='MM',
        when=_with_strategy('scrubbing'),
    ),
    Parameter(
        'dvars_threshold',
        float,
        1.5,
        'standardised DVARS above which the strategy scrubbing censors a volume',
        low=0.0,
        metavar='X',
        when=_with_strategy('scrubbing'),
    ),
    Parameter(
        'min_segment',
        int,
        0,
        'fewest volumes in a row between motion outliers that the strategy scrubbing retains',
        low=0,
        metavar='N',
        when=_with_strategy('scrubbing'),
    ),
    Parameter(
        'non_steady_state',
        str,
        'censor',
        "volumes that fMRIPrep's table marks as not in the steady state, if columns of the table are selected: censor "
        'or keep them',
        choices=('censor', 'keep'),
        when=Condition(
            'confounds_strategy or confounds_columns',
            lambda given: bool(given['confounds_strategy'] or given['confounds_columns']),
        ),
    ),
    Parameter(
        'confounds_na',
        str,
        'raise',
        'missing values in the first rows of confounds: raise an error, or fill in 0 (zero), the mean, or the first '
        'value of the column (backfill)',
        choices=('raise', 'zero', 'mean', 'backfill'),
        when=_CONFOUNDS,
    ),
    Parameter(
        'standardize_confounds',
        bool,
        True,
        'scale confounds to z-scores',
        when=Condition(
            'confounds',
            lambda given: given['use_confounds'] or given['high_variance_confounds'] or given['filter'] == 'cosine',
        ),
    ),
    Parameter('detrend', bool, False, 'remove linear trends'),
    Parameter(
        'filter',
        str,
        'butterworth',
        'temporal filter that keeps a frequency band, if a cut-off is given',
        choices=('butterworth', 'cosine', 'none'),
        aliases=_OFF,
    ),
    Parameter(
        'low_pass',
        float,
        None,
        'cut-off frequency in Hz; higher frequencies are removed',
        low=0.0,
        open_low=True,
        metavar='HZ',
    ),
    Parameter(
        'high_pass',
        float,
        None,
        'cut-off frequency in Hz; lower frequencies are removed',
        low=0.0,
        open_low=True,
        metavar='HZ',
    ),
    Parameter(
        't_r',
        float,
        None,
        'repetition time in s',
        metavar='S',
        unset='that of the JSON sidecar, or of the header of the series',
    ),
    Parameter(
        'standardize',
        str,
        False,
        'scale of the denoised time series: z-scores by the standard deviation of the population (zscore) or of the '
        'sample (zscore_sample), percent signal change from the mean before denoising (psc), or as nilearn computes '
        'it (psc_nilearn)',
        "True is the same as ``'zscore'``.",
        words={
            'none': '',
            'zscore': 'scaled to zero mean and unit variance (of the population)',
            'zscore_sample': 'scaled to zero mean and unit variance (of the sample)',
            'psc': 'expressed as change from their means, in percent of their means before denoising',
            'psc_nilearn': 'expressed as change from their means, in percent of their means after denoising (where '
            'less than a tenth of the mean was left: of the sum of the means before and after denoising)',
        },
        aliases=_OFF | {True: 'zscore'},
    ),
    Parameter(
        'fill_censored',
        str,
        'linear',
        'interpolation of censored volumes before a Butterworth filter, removed afterwards; cubic is that of nilearn',
        words={
            'linear': 'linearly',
            'cubic': 'by cubic splines',
            'pchip': 'by piecewise cubic Hermite polynomials',
            'spectral': 'by least-squares fits of sinusoids [@power_fd_dvars]',
        },
        when=Condition('a Butterworth filter', lambda given: given['filter'] == 'butterworth' and _has_cut_off(given)),
    ),
    Parameter(
        'censored_output',
        str,
        'drop',
        'drop censored volumes from the denoised time series, or keep them as rows of n/a (nan)',
        choices=('drop', 'nan'),
    ),
)
