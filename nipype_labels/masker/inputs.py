# SPDX-License-Identifier: BSD-3-Clause
"""Arguments of ``transform``, checked before any series is read: runs, confounds and volumes to retain."""

import os
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..core.censoring import require_retained
from ..core.clean import kept_volumes
from ..core.filters import T_R_TOLERANCE, check_filter
from ..files.confounds import fill_missing, make_tables
from ..files.grids import report_contradiction
from ..files.niimg import open_runs
from ..files.paths import expand
from ..files.sample_mask import read_sample_mask
from ..files.selection import select_confounds
from ..files.series import Series
from ..files.surface_series import SurfaceSeries, open_surface_runs
from ..files.timing import resolve_repetition_time
from ..model.entities import CONTRADICTION, find_contradictions
from ..model.errors import ConfoundsError, SignalError, errors_name
from .state import warn_user


@dataclass(frozen=True)
class PreparedRun:
    """A series with its confounds and retained volumes."""

    series: Series | SurfaceSeries
    confounds: pd.DataFrame  # T rows, C columns
    retained: np.ndarray  # flags, shape (T,)
    t_r: float | None  # repetition time in s
    contradictions: list  # between the names of the files of the run
    files: dict  # paths that a report names, lists by what they are
    tables: list  # confounds tables that were given
    notes: list  # about the selection of confounds


def prepare_runs(imgs, confounds, sample_mask, settings):
    """Open the runs that are to be denoised; return a PreparedRun of each, with its confounds and its sample mask."""
    series = open_surface_runs(imgs) if settings['on_surfaces'] else open_runs(imgs)
    lengths = [one.n_volumes for one in series]
    # A pattern of names may have several runs, too.
    masks = _split_sample_mask(sample_mask, lengths, isinstance(imgs, list | tuple) or len(series) > 1)
    tables = _split_confounds(confounds, lengths)
    runs = [_prepare(*one, settings) for one in zip(series, tables, masks, strict=True)]
    known = [run for run in runs if run.t_r is not None]
    for run in known[1:]:
        if abs(run.t_r - known[0].t_r) > T_R_TOLERANCE * min(run.t_r, known[0].t_r):
            raise SignalError(
                f'runs of one list must have one repetition time: {known[0].series.grid.path} has '
                f'{known[0].t_r:.6g} s, {run.series.grid.path} has {run.t_r:.6g} s; set t_r if a header is wrong'
            )
    return runs


def refuse_confounds(y):
    """Refuse a path, a table, or a list of these as ``y``: the caller may have meant confounds."""
    entries = y if isinstance(y, list | tuple) else ()
    paths = any(isinstance(each, os.PathLike) or (isinstance(each, str) and os.path.isfile(each)) for each in entries)  # noqa: PTH113
    if isinstance(y, str | os.PathLike) or paths or any(np.ndim(each) for each in entries) or np.ndim(y) > 1:
        raise ConfoundsError(
            'the second argument of fit_transform is y, which scikit-learn passes and the masker does not use: '
            'pass confounds by name, fit_transform(imgs, confounds=…)'
        )


def _prepare(series, confounds, sample_mask, settings):
    """Prepare one run."""
    given = confounds if isinstance(confounds, list | tuple) else [confounds]
    mask, atlas = (_find_file_name(settings[name]) for name in ('mask_img', 'atlas'))
    contradictions = find_contradictions(series.grid.path, mask, given, [atlas])
    for contradiction in contradictions:
        warn_user(CONTRADICTION, contradiction)
    with errors_name(series.grid.path):
        censored = {'sample_mask': ~kept_volumes(sample_mask, series.n_volumes)}
        tables = make_tables(confounds, series.n_volumes)
        source = ', '.join(table.source for table in tables)
        chosen = select_confounds(tables, settings, series.n_volumes, series.grid.path)
        retained = require_retained(censored | chosen.censored, source)
        filled = fill_missing(chosen.frame, settings['confounds_na'], source, retained)
        filtered = settings['low_pass'] is not None or settings['high_pass'] is not None
        t_r, warning = resolve_repetition_time(settings['t_r'], None, series.t_r, filtered)
        check_filter(settings['filter'], settings['low_pass'], settings['high_pass'], t_r)
    report_contradiction(series.grid, warn_user)
    for note in chosen.notes + ([f'{series.grid.path}: {warning}'] if warning else []):
        warn_user(note)
    named = {'Series': [series.grid.path], 'Mask': [mask]}
    named |= {'Confounds': [table.path for table in tables], 'Atlas': [atlas]}
    files = {kind: _list_files(paths) for kind, paths in named.items()}
    return PreparedRun(series, filled, retained, t_r, contradictions, files, tables, chosen.notes)


def _list_files(given):
    """Return the paths of files among images, tables and paths, which may be lists: what is in memory has none."""
    flat = [each for entry in given for each in (entry if isinstance(entry, list | tuple) else [entry])]
    paths = [expand(each) for each in flat if isinstance(each, str | os.PathLike)]
    return [str(path) for path in paths if path.is_file()]


def _find_file_name(image):
    """Return the file of an image that is a path or was loaded by nibabel; None if it has none."""
    get_filename = getattr(image, 'get_filename', None)
    return image if get_filename is None else get_filename()


def _split_sample_mask(sample_mask, lengths, listed):
    """Return the sample mask of each run: an array or None."""
    entries = sample_mask if listed and isinstance(sample_mask, list | tuple) else ()
    if any(isinstance(entry, str) or not np.isscalar(entry) for entry in entries):
        _check_count('sample_mask', sample_mask, lengths, SignalError)
        return [_read_mask(mask) for mask in sample_mask]
    if sample_mask is None or len(lengths) == 1:
        return [_read_mask(sample_mask)] * len(lengths)
    retained = kept_volumes(_read_mask(sample_mask), sum(lengths))
    return np.split(retained, np.cumsum(lengths)[:-1])


def _read_mask(sample_mask):
    """Return a sample mask as it is, or read it from its file."""
    return read_sample_mask(sample_mask) if isinstance(sample_mask, str | os.PathLike) else sample_mask


def _split_confounds(confounds, lengths):
    """Return the confounds of each run in any form."""
    if confounds is None or len(lengths) == 1:
        return [confounds] * len(lengths)
    if isinstance(confounds, np.ndarray | pd.DataFrame) and len(confounds) == sum(lengths):
        ends = np.cumsum(lengths)
        return [confounds[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    if not isinstance(confounds, list | tuple):
        raise ConfoundsError(
            f'confounds of {len(lengths)} runs must be a list with an entry per run, '
            f'or a table with {sum(lengths)} rows, one per volume of all runs'
        )
    _check_count('confounds', confounds, lengths, ConfoundsError)
    return confounds


def _check_count(name, entries, lengths, error):
    """Refuse a list whose length is not the number of runs."""
    if len(entries) != len(lengths):
        raise error(f'{name} has {len(entries)} entries for {len(lengths)} runs: pass one per run')
