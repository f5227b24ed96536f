# SPDX-License-Identifier: BSD-3-Clause
"""From a run to denoised region time series, by the functions that the nodes call."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..core.clean import clean
from ..core.grid import voxel_volume
from ..core.highvariance import high_variance_confounds
from ..core.regions import blank_missing, has_signal, list_missing
from ..files.memory import load_or_compute, make_key
from ..files.placing import Placed, bring_mask
from ..files.reducing import reduce_one
from ..files.regions import assign_tsnr, complete_regions
from ..model.errors import MissingRegionsError, errors_name
from .report import collect_report_data
from .settings import READING
from .state import Result, warn_user

#: Raised whenever raw time series can change, so that none of an earlier version is taken from a cache.
NUMERICS = 3

#: Parameters of denoising.
DENOISING = (
    'detrend',
    'filter',
    'low_pass',
    'high_pass',
    'standardize',
    'standardize_confounds',
    'missing_labels',
    'fill_censored',
)


@dataclass(frozen=True)
class DenoisedRun:
    """Time series of one run, before (``raw``) and after denoising, and what they came from."""

    placed: Placed
    regions: pd.DataFrame
    has_column: np.ndarray
    raw: np.ndarray
    mean: np.ndarray
    cleaned: object


def denoise_runs(runs, fitted, settings, placed):
    """Extract and denoise the time series of runs, each separately.

    Parameters
    ----------
    runs : list of PreparedRun
    fitted : FittedAtlas
    settings : dict
        Checked parameters.
    placed : Placed
        Of the last call, used again if it is on the grid of a run.

    Returns
    -------
    signals : array, shape (retained volumes of all runs, number of columns)
    result : Result
    """
    denoised = []
    for run in runs:
        placed = fitted.place(run.series.grid, placed)
        denoised.append(_denoise(run, placed, fitted.mask, settings))
    first, *others = denoised
    for run, each in zip(runs[1:], others, strict=True):
        differing = first.regions['name'][first.has_column != each.has_column].tolist()
        if differing:
            raise MissingRegionsError(
                f'{runs[0].series.grid.path} and {run.series.grid.path}: runs of one list must have the same columns, '
                f"and only one of the two has a signal in {', '.join(differing[:8])}; use missing_labels='nan'"
            )
    signals = np.concatenate([each.cleaned.signals for each in denoised])
    data = collect_report_data(runs, denoised, settings) if settings['reports'] else None
    regions = merge_regions([each.regions for each in denoised])
    return signals, Result(first.placed, regions, first.has_column, runs[0].t_r, data)


def _denoise(run, placed, mask, settings):
    """Denoise one run."""
    series = run.series
    raw, mean, used, in_view = _extract(series, placed, settings)
    volume = voxel_volume(placed.grid.affine)
    regions = complete_regions(placed.regions, raw, used, in_view, volume, settings['min_coverage'])
    missing = list_missing(regions['name'], regions['status'])
    if missing:
        warn_user(f'{series.grid.path}: regions without a signal: {missing}')
    status, policy = regions['status'].to_numpy(), settings['missing_labels']
    with errors_name(series.grid.path):
        raw, has_column = blank_missing(raw, status, regions['name'], policy)
        confounds = run.confounds
        if settings['high_variance_confounds']:
            confounds = np.column_stack([confounds, _find_high_variance_confounds(series, mask, settings)])
        steps = {name: settings[name] for name in DENOISING}
        cleaned = clean(raw, confounds, t_r=run.t_r, sample_mask=run.retained, **steps)
    regions = assign_tsnr(regions, regions['name'][has_column], raw, cleaned.kept)
    return DenoisedRun(placed, regions, has_column, raw, mean, cleaned)


def _extract(series, placed, settings):
    """Return raw time series, the mean volume, and voxels used and in view of each region; from the cache if set."""

    def read():
        if settings['verbose']:
            print(f'reading {series.n_volumes} volumes of {series.grid}')
        choices = {name: settings[name] for name in (*READING, 'smoothing_fwhm', 'unknown_orientation')}
        return reduce_one(series, placed, choices.pop('dtype'), settings['num_threads'], **choices)

    memory = settings['memory']
    if memory is None or settings['memory_level'] == 0:
        return read()
    names = (*READING, 'smoothing_fwhm', 'unknown_orientation')
    how = f'{NUMERICS} {[settings[name] for name in names]} {series.grid.doubt!r} {placed.grid.doubt!r}'
    arrays = (placed.masked, placed.grid.affine, placed.regions['index'].to_numpy())
    return load_or_compute(memory, make_key(how, arrays, series), read)


def _find_high_variance_confounds(series, mask, settings):
    """Return the high-variance confounds of a series, within the mask on its grid."""
    voxels = np.arange(series.n_voxels)
    if mask is not None:
        mask[1].require_orientation(series.grid, settings['unknown_orientation'])
        voxels = np.flatnonzero(bring_mask(*mask, series.grid).reshape(-1, order='F'))
    return high_variance_confounds(
        lambda: series.blocks(settings['num_threads']), series.n_volumes, voxels, decoder=series.decoder()
    )


def merge_regions(tables):
    """Merge the coverage tables of runs: fewest voxels, lowest coverage and tSNR, first status that is not ``'ok'``."""
    merged = tables[0].copy()
    for table in tables[1:]:
        for column in ('n_voxels_grid', 'n_voxels_mask', 'n_voxels_used', 'coverage', 'tsnr'):
            merged[column] = np.fmin(merged[column], table[column])
        merged['n_volumes'] += table['n_volumes']
        # A constant region still has a signal: a run in which it has none matters more.
        worse = (merged['status'] == 'ok') | (has_signal(merged['status']) & ~has_signal(table['status']))
        merged['status'] = merged['status'].where(~worse, table['status'])
    return merged
