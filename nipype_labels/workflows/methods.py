# SPDX-License-Identifier: BSD-3-Clause
"""What a graph does, in the words of a methods section, from the parameters that it was built with.

Citations are keys as Pandoc takes them, those of fMRIPrep's own bibliography where it has the work; ``references.bib``
beside this file holds them all.
"""

import functools
import importlib.metadata
from pathlib import Path

#: BibTeX of every work that may be cited.
REFERENCES = Path(__file__).with_name('references.bib')

_REDUCED = {
    'mean': 'the mean',
    'sum': 'the sum',
    'median': 'the median',
    'minimum': 'the minimum',
    'maximum': 'the maximum',
    'variance': 'the variance',
    'standard_deviation': 'the standard deviation',
}
_MOTION = 'six parameters of head motion'
_EXPANDED = 'their temporal derivatives, and the squares of both'
_CONFOUNDS = {
    '6P': _MOTION,
    '24P': f'{_MOTION}, {_EXPANDED}',
    '36P': (
        f'{_MOTION} and the mean signals of cerebrospinal fluid, white matter and the whole brain, {_EXPANDED} '
        '[@confounds_satterthwaite_2013]'
    ),
    '2Phys': 'the mean signals of cerebrospinal fluid and white matter',
    '8Phys': f'the mean signals of cerebrospinal fluid and white matter, {_EXPANDED}',
    'GSR': 'the global signal',
    'cosines': 'cosine drifts, if the confounds table had any',
    'aCompCor': (
        '{components} of anatomical CompCor from {masks} [@compcor], and cosine drifts, if the confounds table had any'
    ),
    'all': 'all columns of the confounds table',
}
_MASKS = {
    'combined': 'the combined mask of white matter and cerebrospinal fluid',
    'separated': 'each of the masks of white matter and cerebrospinal fluid',
}
_STANDARDIZED = {
    'zscore_sample': 'scaled to unit variance (of the sample)',
    'zscore': 'scaled to unit variance (of the population)',
    'psc': 'expressed in percent of their means',
}


def describe(parameters):
    """Describe a graph.

    Parameters
    ----------
    parameters : dict
        The factory's arguments under the names and as the types that traits take.

    Returns
    -------
    str
        Sentences of one paragraph, for Pandoc.
    """
    sentences = [*_space(parameters), *_reduction(parameters), *_cleaning(parameters)]
    if parameters['project'] != 'none':
        sentences.append('Cleaned signals were projected back to the voxels of their regions.')
    if parameters['connectivity'] != 'none':
        sentences.append(_connectivity(parameters))
    return ' '.join(sentences)


def _space(parameters):
    """How series and labels came onto one grid."""
    if parameters['resampling_target'] == 'data':
        yield 'Label images were resampled to the grid of the BOLD series by nearest-neighbor interpolation.'
    elif parameters['resampling_target'] == 'labels':
        spline = {'cubic': 'cubic spline', 'linear': 'linear', 'nearest': 'nearest-neighbor'}
        yield (
            f'The BOLD series was sampled on the grid of the label images by {spline[parameters["interpolation"]]} '
            'interpolation.'
        )
    if parameters['use_mask']:
        yield 'Labels outside the brain mask were excluded.'


def _reduction(parameters):
    """How the voxels of a region became one value."""
    widths = parameters.get('smoothing_fwhm') or 0
    widths = widths if isinstance(widths, list) else [widths]
    smoothed = ''
    if any(widths):
        size = ' × '.join(f'{width:g}' for width in widths)
        smoothed = f'smoothed by a Gaussian kernel (full width at half maximum {size} mm) '
    yield (
        f'For every region and volume, {_REDUCED[parameters["strategy"]]} of the {smoothed}BOLD signal over its voxels '
        f'was computed with *nipype_labels* {_version()}, a package for *Nipype* [@nipype1; @nipype2].'
    )
    if parameters['min_coverage']:
        percent = f'{100 * parameters["min_coverage"]:g}'
        yield f'Regions of which less than {percent} % had valid voxels were treated as missing.'


@functools.cache
def _version():
    return importlib.metadata.version('nipype_labels')


def _cleaning(parameters):
    """What was done to the signals, in this order."""
    if parameters['use_sample_mask']:
        yield 'Volumes that a sample mask excluded were censored: they had no influence on what follows.'
    yield from _censoring(parameters)
    steps = ['detrended linearly'] if parameters['detrend'] else []
    steps += [_filter(parameters)] if _filter(parameters) else []
    confounds = list(_confounds(parameters))
    if steps:
        also = ', as were confounds' if confounds else ''
        yield f'Signals were {" and ".join(steps)}{also}.'
    if confounds:
        yield f'Confounds were regressed out by least squares, in one step [@lindquist_2019]: {"; ".join(confounds)}.'
    if parameters['standardize'] != 'none':
        yield f'Signals were then {_STANDARDIZED[parameters["standardize"]]}.'


def _censoring(parameters):
    """Which volumes of the confounds table were censored."""
    strategies = parameters['confounds_strategy']
    if 'ICA-AROMA' in strategies:
        yield 'The BOLD series had been denoised non-aggressively by ICA-AROMA [@aroma].'
    if (strategies or parameters['confounds_columns']) and parameters['non_steady_state'] == 'censor':
        yield 'Any volumes that *fMRIPrep* had marked as not in the steady state were censored.'
    if 'scrubbing' in strategies:
        segments = f', and segments of fewer than {parameters["min_segment"]} volumes between these volumes,'
        yield (
            f'Volumes with a framewise displacement above {parameters["fd_threshold"]:g} mm or standardized DVARS '
            f'above {parameters["dvars_threshold"]:g} [@power_fd_dvars]{segments if parameters["min_segment"] else ""} '
            'were censored.'
        )


def _connectivity(parameters):
    """How the connectivity of regions was measured."""
    kinds = {'correlation': "Pearson's correlation"}
    kind = kinds.get(parameters['connectivity'], f'the {parameters["connectivity"]}')
    measured = f'Connectivity of regions was measured by {kind} of their signals'
    if parameters['covariance_estimator'] == 'ledoit_wolf':
        measured += ', of covariances shrunk as proposed by @ledoit_wolf'
    return measured + (", as Fisher's z." if parameters['fisher_z'] else '.')


def _filter(parameters):
    """The filter, in words; empty without one."""
    low, high = parameters.get('low_pass'), parameters.get('high_pass')
    if low is None and high is None:
        return ''
    sides = (('above', high), ('below', low))
    between = ' and '.join(f'{side} {cut_off:g} Hz' for side, cut_off in sides if cut_off is not None)
    kind = {'butterworth': 'a fifth-order Butterworth filter run in both directions', 'cosine': 'discrete cosines'}
    return f'filtered by {kind[parameters["filter"]]} (kept: {between})'


def _confounds(parameters):
    """Groups of confounds, in words."""
    n_components = parameters['n_compcor']
    components = 'all components' if n_components == 'all' else f'the first components (at most {n_components})'
    for strategy in parameters['confounds_strategy']:
        if strategy in _CONFOUNDS:
            yield _CONFOUNDS[strategy].format(components=components, masks=_MASKS[parameters['acompcor']])
    if parameters['confounds_columns']:
        yield 'the columns ' + ', '.join(f'`{column}`' for column in parameters['confounds_columns'])
    if parameters['use_confounds'] and not (parameters['confounds_strategy'] or parameters['confounds_columns']):
        yield 'all columns of the confounds tables'
    elif parameters['use_confounds']:
        yield 'all columns of any further confounds tables'
    if parameters['high_variance_confounds']:
        yield 'up to five time courses that explain most of the two percent of voxels with the largest variance'
