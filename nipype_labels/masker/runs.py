# SPDX-License-Identifier: BSD-3-Clause
"""What a call of ``transform`` is given, checked before any series is read: runs, confounds and volumes to retain."""

import os
import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from ..core.clean import kept_volumes
from ..core.errors import ConfoundsError, SignalError, errors_name
from ..core.filters import T_R_TOLERANCE, check_filter
from ..files.confound_strategies import check_denoised
from ..files.confounds import fill_missing
from ..files.entities import find_contradictions
from ..files.given import take_tables
from ..files.grids import report_contradiction
from ..files.niimg import open_runs
from ..files.sample_mask import read_sample_mask
from ..files.selection import Choice, choose_confounds
from ..files.series import Series
from ..files.timing import resolve_repetition_time


@dataclass(frozen=True)
class PreparedRun:
    """A series and what belongs to it.

    Attributes
    ----------
    series : Series
    confounds : array, shape (T, C)
    kept : array of bool, shape (T,)
        Volumes to retain.
    t_r : float or None
        Repetition time in s.
    contradictions : list of str
        Of the names of the files of the run.
    """

    series: Series
    confounds: np.ndarray
    kept: np.ndarray
    t_r: float | None
    contradictions: list


def prepare_runs(imgs, confounds, sample_mask, settings):
    """Open the runs that are to be denoised, each with its confounds and its sample mask.

    Parameters
    ----------
    imgs : path, nibabel image or list of these
        See :func:`~nipype_labels.files.niimg.open_runs`.
    confounds, sample_mask : object
        Of one run as they are; of several, a list with an entry per run, or one table or mask for all volumes.
    settings : dict
        Parameters from :func:`~nipype_labels.masker.settings.check_settings`.

    Returns
    -------
    list of PreparedRun

    Raises
    ------
    LabelsError
        If something can't be read, has another number of volumes than its run, or repetition times differ.
    """
    series = open_runs(imgs)
    lengths = [one.n_volumes for one in series]
    listed = isinstance(imgs, list | tuple)
    sources = imgs if listed and len(imgs) == len(series) else [None if listed else imgs] * len(series)
    masks = _masks_of_runs(sample_mask, lengths, listed)
    tables = _confounds_of_runs(confounds, lengths)
    runs = [_prepare(*given, settings) for given in zip(series, sources, tables, masks, strict=True)]
    known = [run for run in runs if run.t_r is not None]
    for run in known[1:]:
        if abs(run.t_r - known[0].t_r) > T_R_TOLERANCE * min(run.t_r, known[0].t_r):
            raise SignalError(
                f'runs of one list must have one repetition time: {known[0].series.grid.path} has '
                f'{known[0].t_r:.6g} s, {run.series.grid.path} has {run.t_r:.6g} s; set t_r if a header is wrong'
            )
    return runs


def refuse_confounds(y):
    """Refuse what a caller of ``fit_transform`` may have meant as confounds, where scikit-learn passes ``y``.

    Parameters
    ----------
    y : object
        One value per image or volume, or None.

    Raises
    ------
    ConfoundsError
        If it is a path, a table, or a list of these.
    """
    entries = y if isinstance(y, list | tuple) else ()
    paths = any(isinstance(each, os.PathLike) or (isinstance(each, str) and os.path.isfile(each)) for each in entries)  # noqa: PTH113
    if isinstance(y, str | os.PathLike) or paths or any(np.ndim(each) for each in entries) or np.ndim(y) > 1:
        raise ConfoundsError(
            'the second argument of fit_transform is y, which scikit-learn passes and the masker does not use: '
            'pass confounds by name, fit_transform(imgs, confounds=…)'
        )


def _prepare(series, source, confounds, sample_mask, settings):
    """One run."""
    tables = confounds if isinstance(confounds, list | tuple) else [confounds]
    images = [_file_of(image) for image in (source, settings['mask_img'], settings['labels_img'])]
    contradictions = find_contradictions(*images[:2], tables, images[2:])
    for contradiction in contradictions:
        warnings.warn(f'files that may not belong together: {contradiction}', stacklevel=5)
    with errors_name(series.grid.path):
        kept = kept_volumes(sample_mask, series.n_volumes)
        values, kept, notes = _take_confounds(confounds, series, kept, settings)
        filtered = settings['low_pass'] is not None or settings['high_pass'] is not None
        t_r, warning = resolve_repetition_time(settings['t_r'], None, series.t_r, filtered)
        check_filter(settings['filter'], settings['low_pass'], settings['high_pass'], t_r)
    report_contradiction(series.grid, partial(warnings.warn, stacklevel=6))
    for note in [*notes, *([f'{series.grid.path}: {warning}'] if warning else [])]:
        warnings.warn(note, stacklevel=5)
    return PreparedRun(series, values, kept, t_r, contradictions)


def _take_confounds(given, series, kept, settings):
    """Confounds of a run without missing values, its retained volumes, and notes."""
    strategies, n_volumes = settings['confounds_strategy'], series.n_volumes
    tables = take_tables(given, n_volumes)
    choice = Choice.of(settings)
    if not tables and (choice.columns or strategies):
        raise ConfoundsError(f'{[*choice.columns, *strategies]} asked for, but there are no confounds')
    chosen = choose_confounds(tables, choice, n_volumes)
    notes = chosen.notes + (check_denoised(series.grid.path) if 'ICA-AROMA' in strategies else [])
    source = ', '.join(table.source for table in tables)
    kept = ~np.any([~kept, *chosen.censored.values()], axis=0)
    if not kept.any():
        counts = ', '.join(f'{reason} {flags.sum()}' for reason, flags in chosen.censored.items())
        raise SignalError(f'{source}: no volume of {n_volumes} is retained; censored are: {counts}')
    return fill_missing(chosen.frame, settings['confounds_na'], source, kept).to_numpy(), kept, notes


def _file_of(image):
    """File of an image that is given as a path or as nibabel has loaded it; None if there is none."""
    get_filename = getattr(image, 'get_filename', None)
    return image if get_filename is None else get_filename()


def _masks_of_runs(given, lengths, listed):
    """Sample mask of each run: an array or None."""
    nested = listed and isinstance(given, list | tuple) and any(not np.isscalar(mask) for mask in given)
    if nested:
        _check_count('sample_mask', given, lengths, SignalError)
        return [_read_mask(mask) for mask in given]
    if given is None or len(lengths) == 1:
        return [_read_mask(given)] * len(lengths)
    kept = kept_volumes(_read_mask(given), sum(lengths))
    return np.split(kept, np.cumsum(lengths)[:-1])


def _read_mask(given):
    """A sample mask as it is, or from the file that it is in."""
    return read_sample_mask(given) if isinstance(given, str | os.PathLike) else given


def _confounds_of_runs(given, lengths):
    """Confounds of each run in any form."""
    if given is None or len(lengths) == 1:
        return [given] * len(lengths)
    if isinstance(given, np.ndarray | pd.DataFrame) and len(given) == sum(lengths):
        ends = np.cumsum(lengths)
        return [given[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    if not isinstance(given, list | tuple):
        raise ConfoundsError(
            f'confounds of {len(lengths)} runs must be a list with an entry per run, '
            f'or a table with {sum(lengths)} rows, one per volume of all runs'
        )
    _check_count('confounds', given, lengths, ConfoundsError)
    return given


def _check_count(name, given, lengths, error):
    """Refuse a list that has not an entry per run."""
    if len(given) != len(lengths):
        raise error(f'{name} has {len(given)} entries for {len(lengths)} runs: give one per run')
