# SPDX-License-Identifier: BSD-3-Clause
"""Sidecars of the files of a run: what is known of a file, as one dictionary whose order never varies."""

import json
import math
from dataclasses import dataclass, field

from .columns import describe_columns, describe_regions, merge_columns
from .dataset import SOURCE_DATASET, make_uri
from .names import parse_name
from .provenance import describe_making, n_dropped

#: What we write into sidecars, in this order; columns of a table follow, under their names (see :mod:`.columns`).
KEYS = (
    'Description',
    'Warnings',
    'Sources',
    'TaskName',
    'SpatialReference',
    'Resolution',
    'SkullStripped',
    'RepetitionTime',
    'SamplingFrequency',
    'StartTime',
    'NumberOfVolumes',
    'NumberOfVolumesKept',
    'NumberOfVolumesDropped',
    'VolumesTable',
    'RegionsTable',
    'Atlas',
    'Measure',
    'CovarianceEstimator',
    'Shrinkage',
    'FisherZ',
    'Note',
    'SoftwareFilters',
    'Confounds',
    'Censoring',
    'DegreesOfFreedom',
    'Parameters',
    'Methods',
    'Software',
)

#: What files are, by role.
_DESCRIPTIONS = {
    'raw_signals': 'Signals of the regions of an atlas before cleaning: a column per region, a row per volume.',
    'clean_signals': 'Clean signals of the regions of an atlas: a column per region, a row per volume.',
    'regions': 'Regions of an atlas: how much of each is left in this series, and why one has no signal.',
    'labels': 'Labels that signals were extracted with, and the names of their regions.',
    'projected': 'Clean signals in space: each voxel has that of its region, 0 outside all regions.',
    'connectivity': 'Connectivity of the regions of an atlas: a row for each column, in the order of the heading.',
    'mean_volume': 'Mean volume of the series.',
    'kept_volumes': 'Volumes of the series: which were kept, and why others were not.',
    'high_variance_confounds': 'Time courses of the voxels that vary most, as confounds; a row per volume.',
}

#: What is said besides of signals of which volumes were dropped.
_DROPPED = (
    ' {} of {} volumes have no row: RepetitionTime, SamplingFrequency and StartTime are those of the series, and '
    'VolumesTable tells which volumes the rows are.'
)

#: Roles of files whose rows or volumes follow each other in time.
_TIMED = ('raw_signals', 'clean_signals', 'projected', 'high_variance_confounds')


@dataclass(frozen=True)
class Atlas:
    """What sidecars tell of an atlas.

    Attributes
    ----------
    name : str
        Its label.
    file_name : str
        Name of its file, without folders.
    sha256 : str
        Digest of that file's content.
    indices : dict of str to int
        Ids of its regions, by their names.
    connectivity : dict
        How its matrix was estimated, as the node ``Connectivity`` writes it; empty without one.
    """

    name: str
    file_name: str
    sha256: str
    indices: dict = field(default_factory=dict)
    connectivity: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Provenance:
    """What the files of one run have in common.

    Attributes
    ----------
    source : str
        Path of the series within its data set.
    parameters : dict
        Of the extraction.
    methods : str
        What was done, in words.
    cleaning : dict
        What ``cleaning.json`` holds.
    series : dict
        What the sidecar of the series holds, empty without one.
    versions : dict of str to str
        Of software.
    more_sources : tuple of str
        Paths, within the data set of the series, of confounds, mask and the like.
    warnings : tuple of str
        Contradictions between the names of the files that a file was made from.
    """

    source: str
    parameters: dict
    methods: str
    cleaning: dict
    series: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    more_sources: tuple = ()
    warnings: tuple = ()


def describe_file(file, planned, run, atlas=None, names=()):
    """Sidecar of a file.

    Parameters
    ----------
    file : PlannedFile
        Not one of what is drawn.
    planned : list of PlannedFile
        All files of the run.
    run : Provenance
    atlas : Atlas, optional
        That of the file, if it has one.
    names : sequence of str
        Columns of the table, if it is one.

    Returns
    -------
    dict
        Keys in the order of :data:`KEYS`, then columns.

    Raises
    ------
    LabelsError
        If the file or the series is not named as BIDS has it.
    """
    role = 'labels' if file.role == 'lookup' else file.role
    known = {'Description': _DESCRIPTIONS[role], 'Software': run.versions}
    if run.warnings:
        known['Warnings'] = list(run.warnings)
    known['Sources'] = [make_uri(run.source, SOURCE_DATASET)]
    known |= _space(file, run)
    if role in _TIMED:
        known |= _timing(run)
    if role in ('clean_signals', 'projected') and n_dropped(run):
        known['Description'] += _DROPPED.format(n_dropped(run), run.cleaning['NumberOfVolumes'])
    if atlas is not None:
        known['Atlas'] = {'Name': atlas.name, 'File': atlas.file_name, 'SHA256': atlas.sha256}
    within = {other.role: make_uri(other.path) for other in planned if other.atlas in (file.atlas, None)}
    known |= describe_making(role, run, within)
    if role == 'connectivity' and atlas is not None:
        known |= {key: atlas.connectivity[key] for key in ('Shrinkage', 'Note') if key in atlas.connectivity}
    sidecar = {key: known[key] for key in KEYS if key in known}
    if role in ('raw_signals', 'clean_signals', 'connectivity'):
        columns = describe_regions(role, names, atlas, run.parameters)
    else:
        columns = describe_columns(role, names)
    return _jsonable(merge_columns(sidecar, columns, KEYS))


def to_json(content):
    """Text of a JSON file; the same for the same content, on every machine.

    Parameters
    ----------
    content : dict

    Returns
    -------
    str
    """
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + '\n'


def _space(file, run):
    """Where the voxels of a file, or of what it was computed from, are."""
    entities, _, _ = parse_name(file.path)
    known = {}
    if 'space' in entities:
        known['SpatialReference'] = run.series.get('SpatialReference', make_uri(run.source, SOURCE_DATASET))
    if 'res' in entities:
        labels = run.parameters.get('resampling_target') == 'labels'
        atlas = file.role in ('labels', 'lookup') and labels
        atlas |= file.role == 'projected' and (labels or run.parameters.get('project') == 'atlas')
        own = run.series.get('Resolution', 'That of the preprocessed series')
        known['Resolution'] = "That of the atlas's own image" if atlas else own
    if file.role in ('mean_volume', 'projected') and isinstance(run.series.get('SkullStripped'), bool):
        known['SkullStripped'] = run.series['SkullStripped']
    return known


def _timing(run):
    """When the rows or volumes of a file were acquired, as far as anything tells."""
    known = {'TaskName': run.series['TaskName']} if isinstance(run.series.get('TaskName'), str) else {}
    known['NumberOfVolumes'] = run.cleaning['NumberOfVolumes']
    t_r = run.cleaning['Parameters'].get('t_r')
    if t_r is not None:
        known |= {'RepetitionTime': t_r, 'SamplingFrequency': 1 / t_r}
    start = run.series.get('StartTime')
    if isinstance(start, int | float) and not isinstance(start, bool):
        known['StartTime'] = start
    return known


def _jsonable(value):
    """A value without what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _jsonable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(entry) for entry in value]
    return 'n/a' if isinstance(value, float) and not math.isfinite(value) else value
