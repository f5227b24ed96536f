# SPDX-License-Identifier: BSD-3-Clause
"""Node that writes the report of a series and its figures."""

from itertools import chain
from pathlib import Path

import numpy as np
from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, isdefined, traits

from ..files.atlases import read_placed
from ..files.coverage import read_coverage
from ..files.elements import read_any_mask, read_space
from ..files.hemispheres import list_pair
from ..files.json_files import read_json
from ..files.lut import read_places
from ..files.meshes import read_meshes
from ..files.sample_mask import read_sample_mask
from ..files.spaces import is_surface
from ..files.tables import read_signals
from ..files.volumes import read_labels, read_mask, read_volume
from ..model.atlas import unused_id
from ..model.columns import TRACES
from ..model.errors import LabelsError, SignalError
from .base import InputFile, LabelsInputSpec, LabelsInterface
from .parameters import trait

#: Output that holds each kind of figure.
FIGURES = {
    'contours': 'contours_files',
    'coverage': 'coverage_svg_files',
    'carpet': 'carpet_files',
    'spectra': 'spectra_files',
    'connectivity': 'connectivity_svg_files',
}


class _LabelsReportInputSpec(LabelsInputSpec):
    # Raised whenever the page or a figure changes.
    numerics = 8
    named_by = ('labels_files',)
    names_only = ('bold_file', 'atlas_files')

    mean_file = InputFile(mandatory=True, desc='mean volume of the series')
    labels_files = InputMultiObject(InputFile(), mandatory=True, desc='label images to draw, on any grid')
    regions_files = InputMultiObject(InputFile(), mandatory=True, desc='their coverage tables, from ReduceLabels')
    signals_files = InputMultiObject(InputFile(), mandatory=True, desc='their time series before denoising')
    cleaned_files = InputMultiObject(InputFile(), mandatory=True, desc='their time series after denoising')
    censoring_file = InputFile(mandatory=True, desc='table of retained volumes, from CleanSignal')
    cleaning_file = InputFile(mandatory=True, desc='JSON metadata of denoising, from CleanSignal')
    mask_file = InputFile(desc='brain mask to outline, on any grid; of surfaces, the mask of the vertices')
    surface_files = InputMultiObject(
        InputFile(), desc='surfaces of one hemisphere or both (.surf.gii), on which series of surfaces are shown'
    )
    confounds_files = InputMultiObject(
        InputFile(),
        desc='confounds, one row per volume; framewise displacement, DVARS and global signal of the first table with '
        'such a column are drawn, and the correlation of the columns that cleaning_file lists',
    )
    bold_file = InputFile(nohash=True, desc='the series; only its name is shown')
    atlas_files = InputMultiObject(
        InputFile(), nohash=True, desc='the atlases as they were given; only names are shown'
    )
    lut_files = InputMultiObject(
        traits.Either(None, InputFile()),
        desc='their look-up tables as they were given; columns of networks and hemispheres order the matrices',
    )
    command = traits.Str(nohash=True, hash_files=False, desc='command line that made the report, to be shown')
    connectivity_files = InputMultiObject(
        InputFile(), desc='their connectivity matrices, square, with a header of region names'
    )
    connectivity_kind = traits.Str(hash_files=False, desc='measure in the matrices, for example: partial correlation')
    methods = traits.Str(hash_files=False, desc='methods boilerplate, for Pandoc')
    atlas_names = trait('atlas_names')
    warnings = traits.List(
        traits.Str(), hash_files=False, desc='warnings to show first, besides those of cleaning_file'
    )
    title = traits.Str('Region time series', usedefault=True, hash_files=False, desc='title of the report')

    def more_to_hash(self):
        """Hash the names of files, which the page shows."""
        shown = (*self.names_only, 'mask_file', 'confounds_files', 'surface_files')
        return [('files', [_name_files(getattr(self, name)) for name in shown])]


class _LabelsReportOutputSpec(TraitedSpec):
    out_file = File(exists=True, desc='report as one self-contained HTML file')
    contours_files = traits.List(
        File(exists=True), desc='figures of the contours, SVG; undefined for series of surfaces'
    )
    coverage_svg_files = traits.List(
        File(exists=True), desc='figures of the coverage on surfaces, SVG; undefined for series of volumes'
    )
    carpet_files = traits.List(File(exists=True), desc='figures of displacement and time series, SVG')
    spectra_files = traits.List(File(exists=True), desc='figures of the spectra, SVG')
    connectivity_svg_files = traits.List(
        File(exists=True), desc='figures of the connectivity matrices, SVG; undefined without matrices'
    )
    confounds_svg_file = File(
        exists=True, desc='figure of the correlation of confounds; undefined without confounds_files'
    )


class LabelsReport(LabelsInterface):
    """Show one series and its atlases on one page: problems first, then regions, time series and connectivity.

    The figures of the page are written as SVG files too, for reports of other workflows.

    Raises
    ------
    LabelsError
        If files cannot be read or do not match, or the packages that reports need are not installed.
    """

    input_spec = _LabelsReportInputSpec
    output_spec = _LabelsReportOutputSpec

    def _run_interface(self, runtime):
        from .. import reports  # its packages, which only this node needs, are loaded when they are used

        series = self._series(reports)
        lists = ('labels_files', 'regions_files', 'signals_files', 'cleaned_files', 'connectivity_files', 'lut_files')
        rows = self.zip_inputs(*lists)
        names = self._names(len(rows))
        atlases = [
            reports.AtlasData(name, *_read_atlas(series.kept, *row)) for name, row in zip(names, rows, strict=True)
        ]
        title, methods = self.inputs.title, self.get_input('methods', '')
        figures = [reports.draw_figures(title, series, atlas) for atlas in atlases]
        confounds = None if series.confounds is None else reports.draw_confounds(title, series)
        origin = reports.Origin.now(self._files(names), self.get_input('command', ''))
        page = reports.render_report(title, series, atlases, figures, origin, methods, confounds)
        for kind, output in FIGURES.items():
            if all(drawn[kind] is not None for drawn in figures):
                self._write_figures(runtime, kind, output, figures)
        if confounds is not None:
            with self.write_output(runtime, 'confounds.svg', 'confounds_svg_file') as path:
                path.write_text(confounds, encoding='utf-8', newline='\n')
        with self.write_output(runtime, 'report.html', 'out_file') as path:
            path.write_text(page, encoding='utf-8', newline='\n')
        return runtime

    def _files(self, names):
        """Return the files that are given, by what they are."""
        files = {
            'Series': self._list_files('bold_file'),
            'Mask': self._list_files('mask_file'),
            'Surfaces': self.get_input('surface_files', []),
            'Confounds': self.get_input('confounds_files', []),
        }
        for name, path in zip(names, self.get_input('atlas_files', []), strict=False):
            files[f'Atlas {name}'] = [path]
        return {kind: paths for kind, paths in files.items() if any(paths)}

    def _list_files(self, name):
        """Return the path of an input, or both of a pair of hemispheres."""
        path = self.get_input(name)
        return list_pair(path) if path and is_surface(path) else [path]

    def _read_confounds(self, n_volumes, columns):
        """Return what is shown of confounds, of which ``columns`` were regressed out, by the names in SeriesData."""
        if not self.get_input('confounds_files'):
            return {}
        from ..files.confounds import pick_columns, read_tables  # takes pandas, which takes time to import

        tables = read_tables(self.inputs.confounds_files, n_volumes)
        return {'traces': pick_columns(tables, chain(*TRACES)), 'confounds': pick_columns(tables, columns)}

    def _series(self, reports):
        """Return the data that all atlases share."""
        of_surfaces = is_surface(self.inputs.labels_files[0])
        if not of_surfaces and self.get_input('surface_files'):
            raise LabelsError('surface_files given, but it only acts with series of surfaces')
        kept = _read_kept(self.inputs.censoring_file)
        cleaning = read_json(self.inputs.cleaning_file)
        found = list(dict.fromkeys([*cleaning.get('Warnings', []), *self.get_input('warnings', [])]))
        return reports.SeriesData(
            *((None, None) if of_surfaces else _read_mean(self.inputs.mean_file)),
            kept,
            cleaning | ({'Warnings': found} if found else {}),
            **(self._surfaces() if of_surfaces else _read_mask(self.get_input('mask_file'))),
            **self._read_confounds(len(kept), cleaning.get('ConfoundsColumns', [])),
            connectivity_kind=self.get_input('connectivity_kind', ''),
        )

    def _surfaces(self):
        """Return the meshes of the hemispheres, if surfaces are given, and the mask, if one is given."""
        given, mask_file = self.get_input('surface_files'), self.get_input('mask_file')
        meshes = read_meshes(given, read_space(self.inputs.labels_files[0])) if given else {}
        mask, space = read_any_mask(mask_file) if mask_file else (None, None)
        return {'meshes': meshes, 'mask': mask, 'mask_space': space}

    def _write_figures(self, runtime, kind, output, figures):
        """Write one kind of figure, a file for each atlas."""
        names, paths = self.output_paths(runtime, f'{kind}.svg', len(figures))
        for name, drawn in zip(names, figures, strict=True):
            with self.write_output(runtime, name) as path:
                path.write_text(drawn[kind], encoding='utf-8', newline='\n')
        self._results[output] = paths

    def _names(self, n):
        """Return the names of ``n`` atlases."""
        names = self.get_input('atlas_names', self.output_labels(n))
        if len(names) != n:
            raise LabelsError(f'LabelsReport.atlas_names: {len(names)} names for {n} atlases')
        return names


def _read_mean(path):
    """Return the mean volume and its affine."""
    mean, grid = read_volume(path)
    return mean.astype(np.float32), grid.affine


def _read_mask(path):
    """Return a mask and its affine by the names in SeriesData; nothing without a mask."""
    if not path:
        return {}
    mask, grid = read_mask(path)
    return {'mask': mask, 'mask_affine': grid.affine}


def _read_kept(path):
    """Return whether each volume is retained."""
    kept = read_sample_mask(path)
    if kept.dtype.kind != 'b':
        raise SignalError(f'{path} must have a column retained, with a flag for each volume')
    return kept


def _name_files(value):
    """Return the names of a file or files without their folders, in a list."""
    paths = value if isinstance(value, list) else [value]
    return [Path(path).name for path in paths if isdefined(path) and path]


def _read_atlas(kept, labels_file, regions_file, signals_file, cleaned_file, connectivity_file, lut_file):
    """Return the values of AtlasData after the name of an atlas, in their order."""
    regions = read_coverage(regions_file)
    raw, cleaned = (_read_columns(path, regions.name, kept) for path in (signals_file, cleaned_file))
    connectivity = _read_matrix(connectivity_file, regions.name) if connectivity_file else None
    places = read_places(lut_file, regions.index) if lut_file else {}
    if is_surface(labels_file):
        atlas = read_placed(labels_file, regions.index, regions.name)
        return atlas.labels, None, regions.rows(), raw, cleaned, connectivity, places, atlas.space
    labels, grid = read_labels(labels_file, unused_id(regions.index))
    return labels, grid.affine, regions.rows(), raw, cleaned, connectivity, places


def _read_columns(path, names, kept):
    """Return time series, shape (T, L), NaN for regions and volumes that are missing in the file."""
    columns, values = read_signals(path)
    places = _find_regions(path, columns, names)
    if len(values) not in (len(kept), kept.sum()):
        raise SignalError(f'{path} has {len(values)} rows; {kept.sum()} of {len(kept)} volumes were retained')
    signals = np.full((len(kept), len(names)), np.nan)
    rows = np.arange(len(kept)) if len(values) == len(kept) else np.flatnonzero(kept)
    signals[np.ix_(rows, places)] = values
    return signals


def _read_matrix(path, names):
    """Return a matrix, shape (L, L), NaN for regions that are missing in the file."""
    columns, values = read_signals(path)
    if len(values) != len(columns):
        raise SignalError(f'{path} is not a square matrix: {len(values)} rows under {len(columns)} names')
    places = _find_regions(path, columns, names)
    matrix = np.full((len(names), len(names)), np.nan)
    matrix[np.ix_(places, places)] = values
    return matrix


def _find_regions(path, columns, names):
    """Return the row of each column's region in the coverage table."""
    place = {name: i for i, name in enumerate(names)}
    unknown = [name for name in columns if name not in place]
    if unknown:
        raise SignalError(f'{path} has columns that are missing in the coverage table: {", ".join(unknown[:5])}')
    return [place[name] for name in columns]
