# SPDX-License-Identifier: BSD-3-Clause
"""Node that shows what became of a series' regions."""

import importlib.metadata
import json
from pathlib import Path

import numpy as np
from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, traits

from .. import __version__
from ..core.errors import LabelsError, SignalError
from ..files.images import read_labels, read_volume
from ..files.regions import read_regions
from ..files.tables import read_signals
from ..files.volumes import read_sample_mask
from .base import COMPUTING_LIBRARIES, InputFile, LabelsInputSpec, LabelsInterface


class _LabelsReportInputSpec(LabelsInputSpec):
    mean_file = InputFile(mandatory=True, desc='mean volume of the series')
    labels_files = InputMultiObject(InputFile(), mandatory=True, desc='label images to draw, on any grid')
    regions_files = InputMultiObject(InputFile(), mandatory=True, desc='their regions tables, from ReduceLabels')
    signals_files = InputMultiObject(InputFile(), mandatory=True, desc='their signals before cleaning')
    cleaned_files = InputMultiObject(InputFile(), mandatory=True, desc='their signals after cleaning')
    kept_volumes_file = InputFile(mandatory=True, desc='which volumes were kept, from CleanSignal')
    cleaning_file = InputFile(mandatory=True, desc='JSON of all that cleaning did, from CleanSignal')
    atlas_names = traits.List(
        traits.Str(), hash_files=False, desc='what to call the atlases; they are numbered by default'
    )
    title = traits.Str('Region signals', usedefault=True, hash_files=False, desc='title of the report')


class _LabelsReportOutputSpec(TraitedSpec):
    out_file = File(exists=True, desc='report as one HTML file that needs nothing else')


class LabelsReport(LabelsInterface):
    """Show one series and its atlases on one page: first what is wrong, then where regions are and what signals do."""

    input_spec = _LabelsReportInputSpec
    output_spec = _LabelsReportOutputSpec

    def _run_interface(self, runtime):
        reports = _import_reports()
        mean, grid = read_volume(self.inputs.mean_file)
        kept = _read_kept(self.inputs.kept_volumes_file)
        series = reports.Series(mean.astype(np.float32), grid.affine, kept, _read_json(self.inputs.cleaning_file))
        rows = self.rows('labels_files', 'regions_files', 'signals_files', 'cleaned_files')
        atlases = [
            reports.Atlas(name, *_read_atlas(kept, *row))
            for name, row in zip(self._names(len(rows)), rows, strict=True)
        ]
        page = reports.render_report(self.inputs.title, series, atlases, _read_versions())
        with self.publish(runtime, 'report.html', 'out_file') as path:
            path.write_text(page, encoding='utf-8', newline='\n')
        return runtime

    def _names(self, n):
        """What to call ``n`` atlases."""
        names = self.given('atlas_names', [f'Atlas {i + 1}' for i in range(n)])
        if len(names) != n:
            raise LabelsError(f'LabelsReport.atlas_names: {len(names)} names for {n} atlases')
        return names


def _import_reports():
    """The room that draws; what it draws with is an extra, and only this node needs it."""
    try:
        from .. import reports
    except ImportError as e:
        raise LabelsError(f'{e}: reports need more packages, pip install "nipype_labels[reports]"') from e
    return reports


def _read_kept(path):
    """A flag for each volume."""
    kept = read_sample_mask(path)
    if kept.dtype.kind != 'b':
        raise SignalError(f'{path} must have a column kept, with a flag for each volume')
    return kept


def _read_json(path):
    """What cleaning did."""
    try:
        cleaning = json.loads(Path(path).read_text(encoding='utf-8'))
    except (OSError, ValueError) as e:
        raise LabelsError(f'{path} is no readable JSON: {e}') from e
    if not isinstance(cleaning, dict):
        raise LabelsError(f'{path} does not tell what cleaning did: it holds no JSON object')
    return cleaning


def _read_versions():
    """Versions of this package and of what it computes with."""
    libraries = ('nipype', *COMPUTING_LIBRARIES)
    return {'nipype_labels': __version__} | {name: importlib.metadata.version(name) for name in libraries}


def _read_atlas(kept, labels_file, regions_file, signals_file, cleaned_file):
    """Labels, affine and regions of an atlas, and its signals: a column per region and a row per volume."""
    labels, grid = read_labels(labels_file)
    regions = read_regions(regions_file)
    raw, cleaned = (_read_columns(path, regions['name'], kept) for path in (signals_file, cleaned_file))
    return labels, grid.affine, regions.to_dict('records'), raw, cleaned


def _read_columns(path, names, kept):
    """Signals of all regions in all volumes: NaN for regions and volumes that the file does not have."""
    columns, values = read_signals(path)
    place = {name: i for i, name in enumerate(names)}
    unknown = [name for name in columns if name not in place]
    if unknown:
        raise SignalError(f'{path} has columns that the regions table does not know: {", ".join(unknown[:5])}')
    if len(values) not in (len(kept), kept.sum()):
        raise SignalError(f'{path} has {len(values)} rows; of {len(kept)} volumes {kept.sum()} were kept')
    signals = np.full((len(kept), len(names)), np.nan)
    rows = np.arange(len(kept)) if len(values) == len(kept) else np.flatnonzero(kept)
    signals[np.ix_(rows, [place[name] for name in columns])] = values
    return signals
