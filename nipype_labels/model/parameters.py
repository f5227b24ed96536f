# SPDX-License-Identifier: BSD-3-Clause
"""Each parameter, described once: default, choices, range, unit, help, and the condition under which it acts.

Traits of nodes, options of the command, docstrings, validation and documentation tables read this registry. Signatures
repeat the defaults, so that readers see them; a test compares them.
"""

from .denoising_parameters import DENOISING
from .description import Condition, Parameter

#: Parameters of spheres; strategies of labels and spheres; strategies that probabilistic maps have too.
SPHERES = ('radius', 'include_nearest')
_OF_LABELS = ('mean', 'sum', 'median', 'minimum', 'maximum', 'variance', 'standard_deviation')
MAP_STRATEGIES = ('weighted_mean', 'least_squares')

#: Largest magnitude of the id of a region: ids are integers of 32 bits.
LARGEST_ID = 2**31 - 1


_CONNECTIVITY = Condition('connectivity', lambda given: given['connectivity'] != 'none')
_SEEDS = Condition("resampling_target='data'", lambda given: given['resampling_target'] == 'data')

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
        'zeros',
        str,
        None,
        'vertices and voxels of surface and CIFTI series that are 0 in every volume, such as those of the medial wall: '
        'omit and count them, or keep them. Series of volumes keep them',
        choices=('omit', 'keep'),
        unset='omit',
    ),
    Parameter(
        'weight',
        str,
        'count',
        'how vertices of surfaces count in means, sums, medians, variances and coverage: each as one (count), or by '
        'its area (area), which needs a file of areas',
        choices=('count', 'area'),
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
    *DENOISING,
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
        'cifti_outputs',
        bool,
        False,
        'write time series and coverage as CIFTI parcels too (.ptseries.nii, .pscalar.nii); only of CIFTI series',
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
    *('unknown_orientation', 'smoothing_fwhm', 'strategy', 'dtype', 'nan_policy', 'zeros', 'weight'),
    *('missing_labels', 'min_coverage'),
)
