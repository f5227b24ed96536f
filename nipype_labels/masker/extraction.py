# SPDX-License-Identifier: BSD-3-Clause
"""From a run to denoised region time series, by the functions that the nodes call."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..core.clean import clean
from ..core.errors import MissingRegionsError, errors_name
from ..core.grid import voxel_volume
from ..core.highvariance import high_variance_confounds
from ..core.regions import blank_missing, list_missing
from ..files.memory import make_key, recall
from ..files.placing import Placed, bring_mask
from ..files.reducing import reduce_one
from ..files.regions import assign_tsnr, complete_regions
from .settings import READING
from .state import Outcome, merge_regions

#: Raised whenever raw time series can change, so that none of an earlier version is taken from a cache.
NUMERICS = 3


@dataclass(frozen=True)
class _Denoised:
    """Time series of one run and what they came from."""

    placed: Placed
    regions: pd.DataFrame
    kept: np.ndarray
    raw: np.ndarray
    mean: np.ndarray
    cleaned: object
    t_r: float | None


def denoise_runs(runs, fitted, settings, at_hand):
    """Extract and denoise the time series of runs, each separately.

    Parameters
    ----------
    runs : list of PreparedRun
    fitted : Fitted
    settings : dict
        Parameters from :func:`~nipype_labels.masker.settings.check_settings`.
    at_hand : Placed
        The last one, used again if it is on the grid of a run.

    Returns
    -------
    signals : array, shape (retained volumes of all runs, number of columns)
    outcome : Outcome

    Raises
    ------
    LabelsError
        If a run can't be read or denoised, no region has a signal, or runs would have different columns.
    """
    done = []
    for run in runs:
        at_hand = fitted.place(run.series.grid, at_hand)
        done.append(_denoise(run, at_hand, fitted.mask, settings))
    first, *others = done
    for run, each in zip(runs[1:], others, strict=True):
        differing = first.regions['name'][first.kept != each.kept].tolist()
        if differing:
            raise MissingRegionsError(
                f'{runs[0].series.grid.path} and {run.series.grid.path}: runs of one list must have the same columns, '
                f"and only one of the two has a signal in {', '.join(differing[:8])}; use missing_labels='nan'"
            )
    signals = np.concatenate([each.cleaned.signals for each in done])
    shown = _shown(runs, done, settings) if settings['reports'] else None
    regions = merge_regions([each.regions for each in done])
    return signals, Outcome(first.placed, regions, first.kept, first.t_r, shown)


def _denoise(run, placed, mask, settings):
    """Denoise one run."""
    series = run.series
    raw, mean, used, in_view = _extract(series, placed, settings)
    volume = voxel_volume(placed.grid.affine)
    regions = complete_regions(placed.regions, raw, used, in_view, volume, settings['min_coverage'])
    missing = list_missing(regions['name'], regions['status'])
    if missing:
        warnings.warn(f'{series.grid.path}: regions without a signal: {missing}', stacklevel=5)
    status, policy = regions['status'].to_numpy(), settings['missing_labels']
    with errors_name(series.grid.path):
        columns, kept = blank_missing(raw, status, regions['name'], policy)
        confounds = run.confounds
        if settings['high_variance_confounds']:
            confounds = np.column_stack([confounds, _high_variance(series, mask, settings)])
        steps = (
            'detrend',
            'filter',
            'low_pass',
            'high_pass',
            'standardize',
            'standardize_confounds',
            'missing_labels',
            'fill_censored',
        )
        chosen = {name: settings[name] for name in steps}
        cleaned = clean(columns, confounds, t_r=run.t_r, sample_mask=run.kept, **chosen)
    regions = assign_tsnr(regions, regions['name'][kept], columns, cleaned.kept)
    return _Denoised(placed, regions, kept, columns, mean, cleaned, run.t_r)


def _extract(series, placed, settings):
    """Raw time series, the mean volume, and voxels used and in view of each region; kept in a cache if asked for."""

    def reduce():
        if settings['verbose']:
            print(f'reading {series.n_volumes} volumes of {series.grid}')
        choices = {name: settings[name] for name in READING if name != 'dtype'}
        choices |= {name: settings[name] for name in ('smoothing_fwhm', 'unknown_orientation')}
        return reduce_one(series, placed, settings['dtype'], settings['num_threads'], **choices)

    memory = settings['memory']
    if memory is None or settings['memory_level'] == 0:
        return reduce()
    names = (*READING, 'smoothing_fwhm', 'unknown_orientation')
    how = f'{NUMERICS} {[settings[name] for name in names]} {series.grid.doubt!r} {placed.grid.doubt!r}'
    arrays = (placed.masked, placed.grid.affine, placed.regions['index'].to_numpy())
    return recall(memory, make_key(how, arrays, series), reduce)


def _high_variance(series, mask, settings):
    """High-variance confounds of a series, within the mask on its grid."""
    voxels = np.arange(series.n_voxels)
    if mask is not None:
        mask[1].require_orientation(series.grid, settings['unknown_orientation'])
        voxels = np.flatnonzero(bring_mask(*mask, series.grid).reshape(-1, order='F'))
    return high_variance_confounds(
        lambda: series.blocks(settings['num_threads']), series.n_volumes, voxels, decoder=series.decoder()
    )


def _shown(runs, done, settings):
    """What a report shows of the runs, one after another; nothing in it is shared with the caller."""
    lengths = [run.series.n_volumes for run in runs]
    names = ('detrend', 'filter', 'low_pass', 'high_pass', 'standardize')
    return {
        'grid': runs[0].series.grid,
        'warnings': [str(contradiction) for run in runs for contradiction in run.contradictions],
        'mean': np.average([each.mean for each in done], axis=0, weights=lengths) if len(done) > 1 else done[0].mean,
        'raw': np.concatenate([each.raw for each in done]),
        'signals': np.concatenate([each.cleaned.signals for each in done]),
        'kept': np.concatenate([each.cleaned.kept for each in done]),
        'degrees_of_freedom': sum(each.cleaned.degrees_of_freedom for each in done),
        'parameters': {name: settings[name] for name in names} | {'t_r': done[0].t_r},
    }
