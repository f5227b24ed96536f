# SPDX-License-Identifier: BSD-3-Clause
"""Extract denoised region time series of runs by the functions that the nodes call, and draw them."""

from dataclasses import dataclass, fields
from itertools import chain

import numpy as np

from .. import reports
from ..core.ahead import begin_reading
from ..core.clean import DENOISING, LOST_REGIONS, clean
from ..core.coverage import COLLINEAR_MAPS, MISSING_REGIONS, CoverageTable
from ..core.highvariance import high_variance_confounds
from ..core.reduce import Reduction, choose_reducer, reduce_series
from ..core.rows import RowReducer, reduce_rows
from ..files.confounds import pick_columns
from ..files.grids import require_orientation
from ..files.memory import load_or_compute, make_key
from ..model.columns import TRACES
from ..model.confounds import describe_confounds
from ..model.errors import MissingRegionsError, errors_name
from ..model.grayordinates import Grayordinates
from .settings import READING
from .state import PlacedAtlas, Result, resample_mask, warn_user

#: Raised whenever raw time series can change, so that none of an earlier version is taken from a cache.
NUMERICS = 5

#: What is kept of a Reduction: arrays that volumes have.
VALUES = tuple(each.name for each in fields(Reduction) if each.name != 'n_zero')

#: Parameters that a report lists.
LISTED = ('detrend', 'filter', 'low_pass', 'high_pass', 'standardize')


@dataclass(frozen=True)
class DenoisedRun:
    """Time series of one run, before (``raw``) and after denoising, and what they came from."""

    placed: PlacedAtlas
    coverage: CoverageTable
    has_column: np.ndarray
    raw: np.ndarray
    mean: np.ndarray
    cleaned: object


def denoise_runs(runs, fitted, settings, placed):
    """Return denoised time series, shape (retained volumes of all runs, columns), and their Result.

    Each run is denoised separately. ``placed`` is used again if it is on the grid of a run.
    """
    denoised = []
    for run in runs:
        placed = fitted.place(run.series.grid, placed)
        denoised.append(_denoise(run, placed, fitted.mask, settings))
    first, *others = denoised
    for run, each in zip(runs[1:], others, strict=True):
        differing = first.coverage.name[first.has_column != each.has_column].tolist()
        if differing:
            raise MissingRegionsError(
                f'{runs[0].series.grid.path} and {run.series.grid.path}: runs of one list must have the same columns, '
                f"and only one of the two has a signal in {', '.join(differing[:8])}; use missing_labels='nan'"
            )
    signals = np.concatenate([each.cleaned.signals for each in denoised])
    data = _collect_report_data(runs, denoised, settings) if settings['reports'] else None
    coverage = first.coverage.merge(*(each.coverage for each in others))
    return signals, Result(first.placed, coverage, first.has_column, runs[0].t_r, data)


def _denoise(run, placed, mask, settings):
    """Denoise one run."""
    series = run.series
    reduction, mean = _extract(series, placed, settings)
    coverage = placed.coverage.with_signals(reduction, placed.grid.measure, settings['min_coverage'])
    missing = coverage.list_missing()
    if missing:
        warn_user(MISSING_REGIONS, series.grid.path, missing)
    collinear = coverage.list_collinear()
    if collinear:
        warn_user(COLLINEAR_MAPS, series.grid.path, collinear)
    with errors_name(series.grid.path):
        raw, has_column = coverage.apply_missing_policy(reduction.signals, settings['missing_labels'])
        confounds = run.confounds.to_numpy()
        if settings['high_variance_confounds']:
            confounds = np.column_stack([confounds, _find_high_variance_confounds(series, mask, settings)])
        steps = {name: settings[name] for name in (*DENOISING, 'missing_labels')}
        cleaned = clean(raw, confounds, t_r=run.t_r, sample_mask=run.retained, **steps)
    names = coverage.name[has_column]
    lost = cleaned.list_lost(names, raw)
    if lost:
        warn_user(LOST_REGIONS, series.grid.path, lost)
    coverage = coverage.with_tsnr(names, raw, cleaned.kept)
    return DenoisedRun(placed, coverage, has_column, raw, mean, cleaned)


def _extract(series, placed, settings):
    """Return the Reduction of a series and its mean volume, shape (I·J·K,); from the cache if there is one."""
    choices = {name: settings[name] for name in (*READING, 'smoothing_fwhm')}
    if settings['resampling_target'] == 'labels':
        require_orientation(series.grid, placed.grid, settings['unknown_orientation'])

    def read():
        if settings['verbose']:
            print(f'reading {series.n_volumes} volumes of {series.grid}')
        if settings['on_surfaces']:
            return _reduce_rows(series, placed.masked, settings)
        decoder, threads = series.decoder(settings['dtype']), settings['num_threads']
        options = {name: value for name, value in choices.items() if name != 'dtype'}
        with begin_reading(lambda: series.blocks(threads), threads) as blocks:
            reducer = choose_reducer(placed.masked, series.grid, num_threads=threads, **options)
            (reduction,), mean = reduce_series(blocks, series.n_volumes, [reducer], decoder, threads)
        return *(getattr(reduction, name) for name in VALUES), mean

    names = (*VALUES, 'n_zero') if settings['on_surfaces'] else VALUES
    memory = settings['memory']
    if memory is None or settings['memory_level'] == 0:
        *reduction, mean = read()
    else:
        # Spheres are not fitted, as maps of the same voxels are.
        how = f'{NUMERICS} {settings["atlas_parameter"]} {choices} {settings["unknown_orientation"]}'
        how += f' {series.grid.doubt!r} {placed.grid.doubt!r} {settings.get("zeros")}'
        where = np.frombuffer(placed.grid.content, np.uint8)
        areas = getattr(placed.grid, 'areas', None)
        weights = () if areas is None else (areas,)
        arrays = (*placed.masked.arrays, where, placed.coverage.index, *weights)
        *reduction, mean = load_or_compute(memory, make_key(how, arrays, series), read)
    return Reduction(**dict(zip(names, reduction, strict=True))), mean


def _reduce_rows(series, atlas, settings):
    """Return the values of the Reduction of a series of surfaces, and its mean, shape (n,)."""
    options = {name: settings[name] for name in ('strategy', 'nan_policy')}
    reducer = RowReducer(atlas, **options, zeros=settings['zeros'] or 'omit', areas=atlas.space.areas)
    (reduction,), mean = reduce_rows(series.blocks, series.n_volumes, [reducer], series.decoder(settings['dtype']))
    return *(getattr(reduction, name) for name in (*VALUES, 'n_zero')), mean


def _find_high_variance_confounds(series, mask, settings):
    """Return the high-variance confounds of a series, within the mask on its grid."""
    voxels = np.arange(series.n_voxels)
    if mask is not None:
        require_orientation(mask[1], series.grid, settings['unknown_orientation'])
        voxels = np.flatnonzero(resample_mask(mask, series.grid).reshape(-1, order='F'))
    return high_variance_confounds(
        lambda: series.blocks(settings['num_threads']), series.n_volumes, voxels, decoder=series.decoder()
    )


def _collect_report_data(runs, denoised, settings):
    """Collect what a report draws of runs, one after another; nothing in it is shared with the caller."""
    lengths, means = [run.series.n_volumes for run in runs], [each.mean for each in denoised]
    columns = list(dict.fromkeys(name for run in runs for name in run.confounds))
    notes = list(dict.fromkeys(note for run in runs for note in run.notes))
    return {
        'grid': runs[0].series.grid,
        'warnings': [str(contradiction) for run in runs for contradiction in run.contradictions],
        'mean': np.average(means, axis=0, weights=lengths) if len(means) > 1 else means[0],
        'raw': np.concatenate([each.raw for each in denoised]),
        'signals': np.concatenate([each.cleaned.signals for each in denoised]),
        'retained': np.concatenate([each.cleaned.kept for each in denoised]),
        'files': _merge(run.files for run in runs),
        'tables': [(run.series.n_volumes, run.tables) for run in runs],
        'denoising': {
            **describe_confounds(settings, columns, notes),
            'NumberOfConfounds': sum(each.cleaned.n_confounds for each in denoised),
            'DegreesOfFreedom': sum(each.cleaned.degrees_of_freedom for each in denoised),
        },
        'parameters': {name: settings[name] for name in LISTED} | {'t_r': runs[0].t_r, 'n_runs': len(runs)},
    }


def _merge(files):
    """Return the files of runs, lists by what they are, each file once."""
    merged = {}
    for run in files:
        for kind, paths in run.items():
            merged[kind] = list(dict.fromkeys([*merged.get(kind, []), *paths]))
    return {kind: paths for kind, paths in merged.items() if paths}


def make_report(title, result):
    """Draw the report of a result that has data for it."""
    data, placed = result.report_data, result.placed
    retained, raw, grid = data['retained'], data['raw'], data['grid']
    denoised = np.full(raw.shape, np.nan)
    denoised[retained] = data['signals']
    about = {'Warnings': data['warnings'], 'Parameters': data['parameters'], **data['denoising']}
    traces = _join_traces(data['tables'])
    regions = [row for row, has_column in zip(result.coverage.rows(), result.has_column, strict=True) if has_column]
    if isinstance(grid, Grayordinates):
        series = reports.SeriesData(None, None, retained, about, traces=traces)
        atlas = reports.AtlasData('Atlas', placed.masked.labels, None, regions, raw, denoised, space=placed.grid)
    else:
        mean = data['mean'].reshape(grid.shape, order='F').astype(np.float32)
        mask = {'mask': placed.mask, 'mask_affine': placed.grid.affine}
        series = reports.SeriesData(mean, grid.affine, retained, about, **mask, traces=traces)
        atlas = reports.AtlasData('Atlas', placed.masked.labels, placed.grid.affine, regions, raw, denoised)
    figures = reports.draw_figures(title, series, atlas)
    origin = reports.Origin.now(data['files'])
    return reports.Report(reports.render_report(title, series, [atlas], [figures], origin))


def _join_traces(runs):
    """Return columns that show the quality of each volume, by name, NaN in runs without them.

    ``runs`` are pairs of a number of volumes and confounds tables.
    """
    found = [(n_volumes, pick_columns(tables, chain(*TRACES))) for n_volumes, tables in runs]
    names = dict.fromkeys(name for _, columns in found for name in columns)
    return {name: np.concatenate([columns.get(name, np.full(n, np.nan)) for n, columns in found]) for name in names}
