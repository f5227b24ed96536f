# SPDX-License-Identifier: BSD-3-Clause
"""How files of a run were made, as their sidecars tell it: sources, parameters, filters, confounds and volumes."""

from ..core.connectivity import choose_estimator
from ..core.filters import BUTTERWORTH_ORDER
from .dataset import SOURCE_DATASET, make_uri

#: Parameters that signals depend on before they are cleaned.
REDUCTION = (
    'use_mask',
    'use_luts',
    'labels',
    'background_label',
    'resampling_target',
    'interpolation',
    'unknown_orientation',
    'smoothing_fwhm',
    'strategy',
    'dtype',
    'nan_policy',
    'missing_labels',
    'min_coverage',
)

#: What ``cleaning.json`` must tell.
CLEANING = (
    'Parameters',
    'ConfoundsColumns',
    'ConfoundsStrategy',
    'ConfoundsMissing',
    'ScrubbingThresholds',
    'NumberOfConfounds',
    'RankOfConfounds',
    'NumberOfVolumes',
    'NumberOfVolumesKept',
    'VolumesLeftOut',
    'DegreesOfFreedom',
)


def describe_making(role, run, within):
    """What a sidecar tells of how its file was made.

    Parameters
    ----------
    role : str
    run : Provenance
    within : dict of str to str
        Addresses of the run's files, by role.

    Returns
    -------
    dict
        Empty for what is made of the series alone.
    """
    roles = {
        'raw_signals': _raw,
        'clean_signals': _clean,
        'projected': _projected,
        'connectivity': _connectivity,
        'regions': _regions,
        'kept_volumes': _volumes,
    }
    return roles[role](run, within) if role in roles else {}


def n_dropped(run):
    """How many volumes of the series have no row among the clean signals."""
    cleaning, as_rows = run.cleaning, run.parameters.get('censored_output', 'drop') == 'nan'
    return 0 if as_rows else cleaning['NumberOfVolumes'] - cleaning['NumberOfVolumesKept']


def _raw(run, within):
    """Signals before cleaning.

    Each key of the sidecar of clean signals is here too: readers of BIDS let that one apply, since its name has no
    entity that this one lacks.
    """
    n_volumes = run.cleaning['NumberOfVolumes']
    return {
        'Sources': [make_uri(run.source, SOURCE_DATASET), within['labels']],
        'NumberOfVolumesKept': n_volumes,
        'NumberOfVolumesDropped': 0,
        'VolumesTable': within['kept_volumes'],
        'RegionsTable': within['regions'],
        'SoftwareFilters': {},
        'Confounds': {},
        'Censoring': {},
        'DegreesOfFreedom': n_volumes,
        'Parameters': {key: run.parameters[key] for key in run.parameters if key in REDUCTION},
        'Methods': run.methods,
    }


def _clean(run, within):
    """Signals after cleaning."""
    cleaning, dropped = run.cleaning, n_dropped(run)
    high_variance = [within[role] for role in ('high_variance_confounds',) if role in within]
    return {
        'Sources': [
            within['raw_signals'],
            *(make_uri(path, SOURCE_DATASET) for path in run.more_sources),
            *high_variance,
        ],
        'NumberOfVolumesKept': cleaning['NumberOfVolumesKept'],
        'NumberOfVolumesDropped': dropped,
        'VolumesTable': within['kept_volumes'],
        'RegionsTable': within['regions'],
        'SoftwareFilters': _filters(cleaning['Parameters']),
        'Confounds': {
            'Strategy': cleaning['ConfoundsStrategy'],
            'Columns': cleaning['ConfoundsColumns'],
            'Missing': cleaning['ConfoundsMissing'],
            **({'Notes': cleaning['ConfoundsNotes']} if 'ConfoundsNotes' in cleaning else {}),
            'Number': cleaning['NumberOfConfounds'],
            'Rank': cleaning['RankOfConfounds'],
        },
        'Censoring': _censoring(run),
        'DegreesOfFreedom': cleaning['DegreesOfFreedom'],
        'Parameters': run.parameters,
        'Methods': run.methods,
    }


def _projected(run, within):
    """Clean signals in space."""
    return {
        'Sources': [within['clean_signals'], within['labels']],
        'NumberOfVolumesKept': run.cleaning['NumberOfVolumesKept'],
        'NumberOfVolumesDropped': n_dropped(run),
        'VolumesTable': within['kept_volumes'],
        'Parameters': run.parameters,
        'Methods': run.methods,
    }


def _connectivity(run, within):
    """Matrix of connectivity."""
    return {
        'Sources': [within['clean_signals']],
        'NumberOfVolumes': run.cleaning['NumberOfVolumesKept'],
        'Measure': run.parameters['connectivity'],
        'CovarianceEstimator': choose_estimator(
            run.parameters['connectivity'], run.parameters.get('covariance_estimator', 'auto')
        ),
        'FisherZ': bool(run.parameters.get('fisher_z')),
        'DegreesOfFreedom': run.cleaning['DegreesOfFreedom'],
        'Parameters': run.parameters,
        'Methods': run.methods,
    }


def _regions(run, within):
    """Table of regions."""
    return {'Sources': [make_uri(run.source, SOURCE_DATASET), within['labels']]}


def _volumes(run, within):
    """Table of volumes."""
    return {
        'Sources': [make_uri(path, SOURCE_DATASET) for path in (run.source, *run.more_sources)],
        'NumberOfVolumes': run.cleaning['NumberOfVolumes'],
        'NumberOfVolumesKept': run.cleaning['NumberOfVolumesKept'],
        'Censoring': _censoring(run),
    }


def _censoring(run):
    """By what volumes were left out, and how many."""
    return {
        'Output': run.parameters.get('censored_output', 'drop'),
        'Thresholds': run.cleaning['ScrubbingThresholds'],
        'VolumesLeftOut': run.cleaning['VolumesLeftOut'],
    }


def _filters(parameters):
    """Filters in time, under the key of BIDS; cut-offs in Hz."""
    low, high = parameters.get('low_pass'), parameters.get('high_pass')
    cut_offs = {'HighPassCutoff': high, 'LowPassCutoff': low}
    given = {name: value for name, value in cut_offs.items() if value is not None}
    filters = {'LinearTrend': {}} if parameters.get('detrend') else {}
    if given and parameters['filter'] == 'butterworth':
        filters['Butterworth'] = {
            'Order': BUTTERWORTH_ORDER,
            'Passes': 2,
            'GainAtCutoff': '-6 dB',
            **given,
            'Units': 'Hz',
            'CensoredVolumesFilled': parameters.get('fill_censored', 'linear'),
        }
    elif given and parameters['filter'] == 'cosine':
        filters['DiscreteCosine'] = {**given, 'Units': 'Hz'}
    return filters
