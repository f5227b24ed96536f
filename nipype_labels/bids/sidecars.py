# SPDX-License-Identifier: BSD-3-Clause
"""JSON sidecars of the derivatives of a run.

BIDS describes the columns of a table in the same object as other keys. If the name of a column, such as that of a
region, is one of :data:`KEYS`, all columns of that table are described under ``Columns``.
"""

import json
import math
from dataclasses import dataclass, field

from ..core.connectivity import choose_estimator
from ..core.filters import BUTTERWORTH_ORDER
from ..model.outputs import ATLAS_RESOLUTION, DROPPED_NOTE, STANDARDIZED_UNITS
from ..model.parameters import REDUCTION_PARAMETERS
from .dataset import SOURCE_DATASET, make_uri
from .names import parse_name
from .surfaces import name_hemispheres

#: Keys of sidecars in their order; columns of a table follow.
_ORDER = """
    Description Warnings Sources TaskName SpatialReference Resolution Density SkullStripped RepetitionTime
    SamplingFrequency StartTime NumberOfVolumes NumberOfVolumesRetained NumberOfVolumesDropped CensoringTable
    CoverageTable Atlas VertexAreas Measure CovarianceEstimator Shrinkage FisherZ Note SoftwareFilters Confounds
    Censoring MeanFramewiseDisplacement DegreesOfFreedom SignificantDigits Parameters Methods Software
"""
KEYS = tuple(_ORDER.split())

#: Key of the object that describes the columns if the name of a column is a key.
_NESTED = 'Columns'

#: Required keys of ``cleaning.json``.
CLEANING = (
    *('Parameters', 'ConfoundsColumns', 'ConfoundsStrategy', 'ConfoundsMissing', 'ScrubbingThresholds'),
    *('NumberOfConfounds', 'RankOfConfounds', 'NumberOfVolumes', 'NumberOfVolumesRetained', 'VolumesCensored'),
    'DegreesOfFreedom',
)


@dataclass(frozen=True)
class AtlasSource:
    """Label, file name and SHA-256 of an atlas, its region ids by name, and how its matrix was estimated."""

    name: str
    file_name: str
    sha256: str
    indices: dict = field(default_factory=dict)
    connectivity: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Provenance:
    """Facts that the sidecars of one run share.

    Attributes
    ----------
    source : str
        Path of the series within its dataset.
    parameters : dict
        Parameters of the extraction.
    methods : str
        Methods boilerplate.
    cleaning, series : dict
        Content of ``cleaning.json``, and of the sidecar of the series (empty without one).
    versions : dict of str to str
        Versions of software.
    areas : tuple of dict
        File and SHA256 of the areas of vertices of each hemisphere; empty without weights by area.
    more_sources : tuple of str
        Paths of confounds and mask within the dataset of the series.
    warnings : tuple of str
        Contradictions between the names of the input files.
    mean_displacement : float or None
        Mean framewise displacement in mm; None if it is unknown.
    digits : int or None
        Significant digits of numbers in tables; None for all digits.
    """

    source: str
    parameters: dict
    methods: str
    cleaning: dict
    series: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    areas: tuple = ()
    more_sources: tuple = ()
    warnings: tuple = ()
    mean_displacement: float | None = None
    digits: int | None = None

    @property
    def n_dropped(self):
        """Number of volumes of the series without a row in the denoised time series."""
        if self.parameters.get('censored_output', 'drop') == 'nan':
            return 0
        return self.cleaning['NumberOfVolumes'] - self.cleaning['NumberOfVolumesRetained']


def describe_file(file, planned, run, atlas=None, names=()):
    """Return the sidecar of a file as a dict: keys in the order of :data:`KEYS`, then the columns ``names``."""
    output = file.output
    uris = {other.key: make_uri(other.path) for other in planned if other.atlas in (file.atlas, None)}
    known = {'Description': f'{output.description}.', 'Software': run.versions}
    if run.warnings:
        known['Warnings'] = list(run.warnings)
    known['Sources'] = list(_list_sources(output.derivative.sources, run, uris))
    known |= _describe_space(file, run)
    if atlas is not None:
        known['Atlas'] = {'Name': atlas.name, 'File': atlas.file_name, 'SHA256': atlas.sha256}
        known |= {'VertexAreas': list(run.areas)} if run.areas else {}
    for fact in output.derivative.facts:
        known |= FACTS[fact](run, uris)
    if 'dropped' in output.derivative.facts and run.n_dropped:
        known['Description'] += DROPPED_NOTE.format(run.n_dropped, run.cleaning['NumberOfVolumes'])
    if 'connectivity' in output.derivative.facts and atlas is not None:
        known |= {key: atlas.connectivity[key] for key in ('Shrinkage', 'Note') if key in atlas.connectivity}
    sidecar = {key: known[key] for key in KEYS if key in known}
    return _replace_non_finite(merge_columns(sidecar, _describe_columns(output, names, atlas, run.parameters)))


def merge_columns(sidecar, columns):
    """Return a sidecar with columns next to its keys, or under ``Columns`` if the name of a column is a key.

    >>> merge_columns({'Sources': []}, {'Insula': {}})
    {'Sources': [], 'Insula': {}}
    >>> merge_columns({'Sources': []}, {'Insula': {}, 'Sources': {}})
    {'Sources': [], 'Columns': {'Insula': {}, 'Sources': {}}}
    """
    collides = any(name in KEYS or name == _NESTED for name in columns)
    return {**sidecar, _NESTED: columns} if collides else {**sidecar, **columns}


def to_json(content):
    """Return the text of a JSON file; equal for equal content on every machine."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + '\n'


def _list_sources(sources, run, uris):
    """Yield the URIs of the files that a file was computed from."""
    for source in sources:
        if source == 'bold':
            yield from (make_uri(path, SOURCE_DATASET) for path in name_hemispheres(run.source))
        elif source == 'inputs':
            yield from (make_uri(path, SOURCE_DATASET) for path in run.more_sources)
        elif source in uris:
            yield uris[source]


def _describe_space(file, run):
    """Describe the space and resolution of a file."""
    entities, _, _ = parse_name(file.path)
    known = {}
    if 'space' in entities:
        known['SpatialReference'] = run.series.get('SpatialReference', make_uri(run.source, SOURCE_DATASET))
    if 'den' in entities:
        known['Density'] = run.series.get('Density', f'den-{entities["den"]}, that of the preprocessed series')
    if 'res' in entities:
        own = run.series.get('Resolution', 'That of the preprocessed series')
        known['Resolution'] = ATLAS_RESOLUTION if file.output.derivative.is_on_atlas_grid(run.parameters) else own
    return known


def _describe_skull(run, uris):
    """Return whether the series was skull-stripped, if its sidecar has it."""
    known = run.series.get('SkullStripped')
    return {'SkullStripped': known} if isinstance(known, bool) else {}


def _describe_timing(run, uris):
    """Describe the acquisition times of the volumes, in s, as far as they are known."""
    known = {'TaskName': run.series['TaskName']} if isinstance(run.series.get('TaskName'), str) else {}
    known['NumberOfVolumes'] = run.cleaning['NumberOfVolumes']
    t_r = run.cleaning['Parameters'].get('t_r')
    if t_r is not None:
        known |= {'RepetitionTime': t_r, 'SamplingFrequency': 1 / t_r}
    start = run.series.get('StartTime')
    if isinstance(start, int | float) and not isinstance(start, bool):
        known['StartTime'] = start
    return known


def _count_volumes(run, uris):
    """Return the numbers of all and of retained volumes."""
    return {key: run.cleaning[key] for key in ('NumberOfVolumes', 'NumberOfVolumesRetained')}


def _describe_reduction(run, uris):
    """Describe time series before denoising.

    By the inheritance principle of BIDS, the sidecar of denoised time series applies here too, because its name has no
    further entity. Each of its keys is therefore overridden.
    """
    n_volumes = run.cleaning['NumberOfVolumes']
    return {
        'NumberOfVolumesRetained': n_volumes,
        'NumberOfVolumesDropped': 0,
        'SoftwareFilters': {},
        'Confounds': {},
        'Censoring': {},
        'DegreesOfFreedom': n_volumes,
        'Parameters': {key: run.parameters[key] for key in run.parameters if key in REDUCTION_PARAMETERS},
    }


def _describe_denoising(run, uris):
    """Describe filters, confounds and censoring."""
    cleaning = run.cleaning
    return {
        'SoftwareFilters': _describe_filters(cleaning['Parameters']),
        'Confounds': {
            'Strategy': cleaning['ConfoundsStrategy'],
            'Columns': cleaning['ConfoundsColumns'],
            'Missing': cleaning['ConfoundsMissing'],
            **({'Notes': cleaning['ConfoundsNotes']} if 'ConfoundsNotes' in cleaning else {}),
            'Number': cleaning['NumberOfConfounds'],
            'Rank': cleaning['RankOfConfounds'],
        },
        'DegreesOfFreedom': cleaning['DegreesOfFreedom'],
        **_describe_censoring(run, uris),
    }


def _describe_censoring(run, uris):
    """Describe thresholds and number of censored volumes by reason."""
    return {
        'Censoring': {
            'Output': run.parameters.get('censored_output', 'drop'),
            'Thresholds': run.cleaning['ScrubbingThresholds'],
            'VolumesCensored': run.cleaning['VolumesCensored'],
        }
    }


def _describe_motion(run, uris):
    """Return the mean framewise displacement in mm, also of runs that were denoised without confounds."""
    return {} if run.mean_displacement is None else {'MeanFramewiseDisplacement': run.mean_displacement}


def _describe_digits(run, uris):
    """Return the number of significant digits, if a table does not have all digits."""
    return {} if run.digits is None else {'SignificantDigits': run.digits}


def _describe_connectivity(run, uris):
    """Describe a connectivity matrix."""
    kind = run.parameters['connectivity']
    return {
        'NumberOfVolumes': run.cleaning['NumberOfVolumesRetained'],
        'Measure': kind,
        'CovarianceEstimator': choose_estimator(kind, run.parameters.get('covariance_estimator', 'auto')),
        'FisherZ': bool(run.parameters.get('fisher_z')),
        'DegreesOfFreedom': run.cleaning['DegreesOfFreedom'],
    }


#: Groups of keys, by the names in the registry of outputs; ``uris`` are those of the other outputs.
FACTS = {
    'skull': _describe_skull,
    'timing': _describe_timing,
    'retained': _count_volumes,
    'dropped': lambda run, uris: {'NumberOfVolumesDropped': run.n_dropped},
    'volumes_table': lambda run, uris: {'CensoringTable': uris['censoring']},
    'tables': lambda run, uris: {'CensoringTable': uris['censoring'], 'CoverageTable': uris['regions']},
    'reduction': _describe_reduction,
    'denoising': _describe_denoising,
    'censoring': _describe_censoring,
    'motion': _describe_motion,
    'connectivity': _describe_connectivity,
    'digits': _describe_digits,
    'parameters': lambda run, uris: {'Parameters': run.parameters},
    'methods': lambda run, uris: {'Methods': run.methods},
}


def _describe_filters(parameters):
    """Return the temporal filters for ``SoftwareFilters``; cut-off frequencies in Hz."""
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


def _describe_columns(output, names, atlas, parameters):
    """Return the description of each column of a table by name."""
    derivative = output.derivative
    if derivative.columns:
        known = derivative.columns
        return {name: known[name] for name in names or known if name in known}
    if not derivative.each_column:
        return {}
    units = derivative.units
    if units == 'standardize':
        units = STANDARDIZED_UNITS[parameters.get('standardize', 'none')]
    columns = {}
    for number, name in enumerate(names, 1):
        region = {} if atlas is None else {'Index': atlas.indices[name]}
        text = derivative.each_column.format(number=number, index=region.get('Index'), atlas=atlas and atlas.name)
        columns[name] = {'Description': text, **region, **({'Units': units} if units else {})}
    return columns


def _replace_non_finite(value):
    """Return a value with ``n/a`` for infinite and missing numbers, which JSON cannot represent."""
    if isinstance(value, dict):
        return {key: _replace_non_finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_non_finite(entry) for entry in value]
    return 'n/a' if isinstance(value, float) and not math.isfinite(value) else value
