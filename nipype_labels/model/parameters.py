# SPDX-License-Identifier: BSD-3-Clause
"""Each parameter, described once: default, choices, range, unit, help, and the condition under which it acts.

Traits of nodes, options of the command, docstrings, validation and documentation tables read this registry. Signatures
repeat the defaults, so that readers see them; a test compares them.
"""

from typing import Any

from .confounds import CONFOUNDS_STRATEGIES, STRATEGY_WORDS
from .description import Condition, Parameter

#: Parameters of spheres; strategies of labels and spheres; strategies that probabilistic maps have too.
SPHERES = ('radius', 'include_nearest')
_OF_LABELS = ('mean', 'sum', 'median', 'minimum', 'maximum', 'variance', 'standard_deviation')
MAP_STRATEGIES = ('weighted_mean', 'least_squares')

#: Largest magnitude of the id of a region: ids are integers of 32 bits.
LARGEST_ID = 2**31 - 1


def _has_cut_off(given: dict[str, Any]) -> bool:
    return given.get('low_pass') is not None or given.get('high_pass') is not None


def _with_strategy(name: str) -> Condition:
    return Condition(f'confounds_strategy {name!r}', lambda given: name in given['confounds_strategy'])


_CONFOUNDS = Condition('use_confounds', lambda given: given['use_confounds'])
_CONNECTIVITY = Condition('connectivity', lambda given: given['connectivity'] != 'none')
_SEEDS = Condition("resampling_target='data'", lambda given: given['resampling_target'] == 'data')
_OFF = {None: 'none', False: 'none'}

_ALL = (
    Parameter(
        'use_mask',
        bool,
        False,
        'whether a brain mask is given',
        'A mask that is announced and missing, or given and not announced, is an error.',
    ),
    Parameter('use_luts', bool, False, 'whether look-up tables are given', 'As for ``use_mask``.'),
    Parameter('use_confounds', bool, False, 'whether confounds are given', 'As for ``use_mask``.'),
    Parameter('use_sample_mask', bool, False, 'whether a sample mask is given', 'As for ``use_mask``.'),
    Parameter(
        'labels',
        'names',
        None,
        'names of the regions of the only atlas, in the order of their ids; instead of a look-up table',
        metavar='NAME',
    ),
    Parameter(
        'background_label',
        int,
        0,
        'id of voxels that belong to no region',
        low=-LARGEST_ID,
        high=LARGEST_ID,
        metavar='ID',
    ),
    Parameter(
        'resampling_target',
        str,
        'data',
        'voxel grid to work on: data resamples the labels (and the mask) to the series, labels samples the series on '
        'the grid of the labels, none requires that all grids agree',
        "``None`` is the same as ``'none'``.",
        choices=('data', 'labels', 'none'),
        aliases={None: 'none'},
    ),
    Parameter(
        'interpolation',
        str,
        'cubic',
        'interpolation of the series on the grid of the labels',
        words={'cubic': 'cubic spline', 'linear': 'linear', 'nearest': 'nearest-neighbor'},
        when=Condition("resampling_target='labels'", lambda given: given['resampling_target'] == 'labels'),
    ),
    Parameter(
        'unknown_orientation',
        str,
        'raise',
        'images on different voxel grids if a header does not distinguish left from right: raise an error, or accept '
        'the axes that nibabel assumes, which is then recorded',
        choices=('raise', 'accept'),
        when=Condition('resampling_target other than None', lambda given: given['resampling_target'] != 'none'),
    ),
    Parameter(
        'smoothing_fwhm',
        'widths',
        None,
        'full width at half maximum in mm of a Gaussian smoothing kernel, one for all axes or one per axis',
        low=0.0,
        metavar='MM',
    ),
    Parameter(
        'strategy',
        str,
        'mean',
        'summary statistic across the voxels of a region; probabilistic maps need weighted_mean, or least_squares: the '
        'amplitudes of all maps that fit a volume best (as in nilearn). For labels and spheres both are the mean',
        choices=(*_OF_LABELS, *MAP_STRATEGIES),
    ),
    Parameter('radius', float, None, 'radius in mm of seeds without their own', low=0.0, metavar='MM', when=_SEEDS),
    Parameter('allow_overlap', bool, True, 'accept probabilistic maps or spheres that share voxels'),
    Parameter('include_nearest', bool, False, 'give an empty sphere the voxel nearest to its seed', when=_SEEDS),
    Parameter(
        'dtype',
        str,
        None,
        'type that voxels are cast to as they are read; auto is float32, except for integers',
        choices=('none', 'auto', 'float32', 'float64'),
        aliases={None: 'none'},
    ),
    Parameter(
        'nan_policy',
        str,
        'omit',
        'voxels that are not finite: omit them, count them as zero (as nilearn does), or raise an error',
        choices=('omit', 'zero', 'raise'),
    ),
    Parameter(
        'missing_labels',
        str,
        'nan',
        'column of a region without a time series: n/a (nan), 0 even if standardized (zero), no column (drop), or an '
        'error (raise)',
        choices=('nan', 'zero', 'drop', 'raise'),
    ),
    Parameter(
        'min_coverage',
        float,
        0.0,
        'smallest fraction (0 to 1) of its volume that a region needs to have a time series',
        low=0.0,
        high=1.0,
        metavar='FRACTION',
    ),
    Parameter(
        'high_variance_confounds',
        bool,
        False,
        'regress out five time courses of the 2 % of voxels with the largest variance, within the mask if there is one',
    ),
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
    Parameter(
        'project',
        str,
        'none',
        'map the denoised time series back to voxels, on the grid of the labels or on that of the atlas',
        choices=('none', 'labels', 'atlas'),
        aliases={None: 'none'},
    ),
    Parameter(
        'fill_value',
        float,
        None,
        'value in place of n/a in the voxels of the projection',
        metavar='X',
        unset='NaN',
        when=Condition('project', lambda given: given['project'] != 'none'),
    ),
    Parameter(
        'connectivity',
        str,
        'none',
        'functional connectivity of the denoised time series',
        choices=('none', 'correlation', 'partial correlation', 'covariance', 'precision'),
        aliases={None: 'none'},
    ),
    Parameter(
        'covariance_estimator',
        str,
        'auto',
        "covariance estimator: empirical (Pearson's correlation) or ledoit_wolf (shrunk); auto is ledoit_wolf for "
        'partial correlation and precision, otherwise empirical',
        choices=('auto', 'empirical', 'ledoit_wolf'),
        when=_CONNECTIVITY,
    ),
    Parameter('fisher_z', bool, False, "apply Fisher's z transform to correlations", when=_CONNECTIVITY),
    Parameter(
        'reports',
        bool,
        False,
        'write an HTML report for visual inspection',
        'Needs the extra ``nipype_labels[reports]``.',
        defaults={'masker': True, 'derivatives': True},
    ),
    Parameter(
        'atlas_names',
        'names',
        None,
        'names of the atlases in the report',
        unset='labels made from the names of their files',
        when=Condition('reports', lambda given: given['reports']),
    ),
    Parameter(
        'digits',
        int,
        None,
        'significant digits of numbers in the tables of derivatives',
        'Nodes compute with all digits.',
        low=4,
        high=15,
        metavar='N',
        unset='all digits',
    ),
    Parameter('memory_level', int, 1, 'level of caching; 0 switches the cache off', low=0),
    Parameter('verbose', int, 0, 'verbosity; above 0, the series that are read are printed', low=0),
    Parameter('num_threads', int, 1, 'threads that read the series', low=1, metavar='N'),
)

#: Every parameter by its name.
PARAMETERS = {parameter.name: parameter for parameter in _ALL}

#: Parameters that select confounds, and volumes by their tables.
CONFOUNDS_PARAMETERS = (
    *('confounds_columns', 'confounds_strategy', 'n_compcor', 'acompcor', 'fd_threshold', 'dvars_threshold'),
    *('min_segment', 'non_steady_state', 'confounds_na'),
)

#: Parameters of the steps before denoising, on which raw time series depend.
REDUCTION_PARAMETERS = (
    *('use_mask', 'use_luts', 'labels', 'background_label', 'resampling_target', 'interpolation', *SPHERES),
    *('unknown_orientation', 'smoothing_fwhm', 'strategy', 'dtype', 'nan_policy', 'missing_labels', 'min_coverage'),
)
