# SPDX-License-Identifier: BSD-3-Clause
"""Methods boilerplate of a workflow, from its parameters.

Citations are keys for Pandoc: those of fMRIPrep's bibliography where it has the work. All references are in
:mod:`nipype_labels.model.references`.
"""

from .. import __version__
from ..core.connectivity import choose_estimator
from ..core.highvariance import N_CONFOUNDS, PERCENTILE
from ..model.parameters import MAP_STRATEGIES, PARAMETERS


def describe(parameters):
    """Return a paragraph for Pandoc that describes a workflow with these parameters, in canonical form."""
    sentences = [*_space(parameters), *_reduction(parameters), *_cleaning(parameters)]
    if parameters['project'] != 'none':
        sentences.append('Denoised time series were mapped back to the voxels of their regions.')
    if parameters['connectivity'] != 'none':
        sentences.append(_connectivity(parameters))
    return ' '.join(sentences)


def _space(parameters):
    """Yield sentences about how series and labels came onto one grid."""
    if parameters['resampling_target'] == 'data':
        maps = ', probabilistic maps by linear interpolation' if parameters['strategy'] in MAP_STRATEGIES else ''
        yield f'Label images were resampled to the grid of the BOLD series by nearest-neighbor interpolation{maps}.'
    elif parameters['resampling_target'] == 'labels':
        spline = _word(parameters, 'interpolation')
        yield f'The BOLD series was sampled on the grid of the label images by {spline} interpolation.'
    if parameters['use_mask']:
        yield 'Labels outside the mask of the brain or cortex were excluded.'


def _reduction(parameters):
    """Yield sentences about how the voxels of a region became one value."""
    widths = parameters.get('smoothing_fwhm') or 0
    widths = widths if isinstance(widths, list) else [widths]
    smoothed = ''
    if any(widths):
        size = ' × '.join(f'{width:g}' for width in widths)
        smoothed = f', smoothed by a Gaussian kernel (full width at half maximum {size} mm),'
    yield from _spheres(parameters)
    yield (
        f'For every region and volume, {_statistic(parameters["strategy"], smoothed)} '
        f'was computed with *nipype_labels* {__version__}, a package for *Nipype* [@nipype1; @nipype2] that uses '
        '*NumPy* [@numpy], *SciPy* [@scipy] and *NiBabel* [@nibabel].'
    )
    if parameters['weight'] == 'area':
        yield 'Vertices were weighted by their areas.'
    if parameters['min_coverage']:
        percent = f'{100 * parameters["min_coverage"]:g}'
        yield f'Regions with less than {percent} % of their volume covered by valid voxels were treated as missing.'


def _spheres(parameters):
    """Yield a sentence about which voxels spheres contain."""
    if parameters.get('radius') is not None:
        nearest = ', or the nearest voxel if there were none' if parameters['include_nearest'] else ''
        yield (
            f'Spheres around seeds contained the voxels whose centers were within {parameters["radius"]:g} mm (seeds '
            f'with a radius of their own: within this radius){nearest}.'
        )


def _statistic(strategy, smoothed):
    """Return what one value of a region is, in words."""
    if strategy == 'least_squares':
        return (
            f'the amplitude of its map in the least-squares fit of the BOLD signal{smoothed} by all probabilistic maps '
            '(for labels and spheres, the mean over voxels)'
        )
    return f'the {strategy.replace("_", " ")} of the BOLD signal{smoothed} over its voxels'


def _word(parameters, name):
    """Return the value of a parameter in words."""
    return PARAMETERS[name].words[parameters[name]]


def _cleaning(parameters):
    """Yield sentences about denoising, in the order of its steps."""
    if parameters['use_sample_mask']:
        yield 'Volumes that a sample mask excluded were censored.'
    yield from _censoring(parameters)
    yield from _steps(parameters, list(_confounds(parameters)))
    if parameters['standardize'] != 'none':
        yield f'Time series were then {_word(parameters, "standardize")}.'


def _steps(parameters, confounds):
    """Yield sentences about trend, filter and regression, in their order."""
    band, drifts = _band(parameters), parameters['filter'] == 'cosine'
    filters = bool(band) and not drifts
    if filters and _may_censor(parameters):
        yield (
            f'For filtering, values of censored volumes were interpolated {_word(parameters, "fill_censored")} '
            'between retained volumes; the interpolated values were removed afterwards.'
        )
    steps = ['detrended linearly'] if parameters['detrend'] else []
    steps += [
        f'filtered by a fifth-order Butterworth filter, run forward and backward (passing frequencies {band}; gain at '
        'each cut-off -6 dB)'
    ] * filters
    if steps:
        yield f'Time series{" and confounds" if confounds else ""} were {", then ".join(steps)}.'
    if drifts:
        confounds.append(f'discrete cosines, which model drifts (passing frequencies {band})')
    if confounds:
        then = 'then ' * bool(steps)
        cited = ' [@lindquist_2019]' * filters
        yield f'Confounds were {then}regressed out by least squares{cited}: {"; ".join(confounds)}.'


def _may_censor(parameters):
    """Whether volumes can be censored: by a sample mask, by scrubbing, or as not in the steady state."""
    selected = parameters['confounds_strategy'] or parameters['confounds_columns']
    unsteady = bool(selected) and parameters['non_steady_state'] == 'censor'
    return parameters['use_sample_mask'] or 'scrubbing' in parameters['confounds_strategy'] or unsteady


def _censoring(parameters):
    """Yield sentences about the volumes that confounds tables censored."""
    strategies = parameters['confounds_strategy']
    if 'ICA-AROMA' in strategies:
        yield 'The BOLD series had been denoised non-aggressively by ICA-AROMA [@aroma].'
    if (strategies or parameters['confounds_columns']) and parameters['non_steady_state'] == 'censor':
        yield 'Any volumes that *fMRIPrep* had marked as not in the steady state were censored.'
    if 'scrubbing' in strategies:
        least = parameters['min_segment']
        segments = (
            f', and segments of fewer than {least} volumes between these volumes or at the ends of the series,'
            if least
            else ''
        )
        yield (
            f'Volumes with a framewise displacement above {parameters["fd_threshold"]:g} mm or standardized DVARS '
            f'above {parameters["dvars_threshold"]:g} [@power_fd_dvars; @nichols_dvars; @afyouni_dvars]'
            f'{segments} were censored.'
        )


def _connectivity(parameters):
    """Return a sentence about how connectivity was measured."""
    estimator = choose_estimator(parameters['connectivity'], parameters['covariance_estimator'])
    pearson = (parameters['connectivity'], estimator) == ('correlation', 'empirical')
    kind = "Pearson's correlation" if pearson else f'the {parameters["connectivity"]}'
    measured = f'Functional connectivity of regions was measured by {kind} of their time series'
    if estimator == 'ledoit_wolf':
        measured += ', of covariances shrunk as proposed by @ledoit_wolf'
    return measured + (", as Fisher's z." if parameters['fisher_z'] else '.')


def _band(parameters):
    """Return the frequencies that pass, in words; empty without a filter."""
    sides = (('above', parameters.get('high_pass')), ('below', parameters.get('low_pass')))
    return ' and '.join(f'{side} {cut_off:g} Hz' for side, cut_off in sides if cut_off is not None)


def _confounds(parameters):
    """Yield groups of confounds, in words."""
    n_components = parameters['n_compcor']
    components = 'all components' if n_components == 'all' else f'the first components (at most {n_components})'
    for strategy in parameters['confounds_strategy']:
        words = PARAMETERS['confounds_strategy'].words[strategy]
        if words:
            yield words.format(components=components, masks=_word(parameters, 'acompcor'))
    if parameters['confounds_columns']:
        yield 'the columns ' + ', '.join(f'`{column}`' for column in parameters['confounds_columns'])
    if parameters['use_confounds'] and not (parameters['confounds_strategy'] or parameters['confounds_columns']):
        yield 'all columns of the confounds tables'
    elif parameters['use_confounds']:
        yield 'all columns of any further confounds tables'
    if parameters['high_variance_confounds']:
        within = ' in the brain mask' if parameters['use_mask'] else ''
        yield (
            f'the first {N_CONFOUNDS} principal components of the {PERCENTILE:g} % of voxels{within} with the largest '
            'variance around their linear trends, computed from all volumes (high-variance confounds, similar to '
            'tCompCor [@compcor])'
        )
