# SPDX-License-Identifier: BSD-3-Clause
"""Select confounds by name and strategy, and the volumes that confounds tables censor."""

import difflib
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..core.censoring import short_segments
from ..model.confounds import CONFOUNDS_STRATEGIES, COSINES, check_denoised
from ..model.errors import ConfoundsError
from .compcor import find_components, has_components, read_masks
from .confounds import DISPLACEMENT
from .tables import refuse_duplicates

#: Columns of fMRIPrep by which volumes are censored.
_MOTION_MEASURES = (DISPLACEMENT, 'std_dvars')

#: Columns of fMRIPrep each of which marks one volume.
_NON_STEADY = r'non_steady_state_outlier\d+'

#: Columns of every table of fMRIPrep, and of releases before 1.2, which strategies do not support.
_FMRIPREP = {*CONFOUNDS_STRATEGIES['6P'], *_MOTION_MEASURES}
_OLD_FMRIPREP = {'FramewiseDisplacement', 'stdDVARS'}


@dataclass
class SelectedConfounds:
    """Selected confounds (``frame``, T rows), flags of ``censored`` volumes by reason, and notes for the user."""

    frame: pd.DataFrame
    censored: dict
    notes: list


def select_confounds(tables, parameters, n_volumes, series=None):
    """Return the SelectedConfounds by the parameters of the workflow factory, columns in the order of the tables.

    A table (ConfoundsTable) without any selected column is used completely; it is an error if it is a table of
    fMRIPrep. ``series`` is the path of the series, if it has one.
    """
    selected, notes = select_columns(tables, parameters, series)
    marked = [table for table, names in zip(tables, selected, strict=True) if names is not None]
    frames = [
        table.numbers(table.names if names is None else names) for table, names in zip(tables, selected, strict=True)
    ]
    censored = {}
    if 'scrubbing' in parameters['confounds_strategy']:
        censored.update(_find_motion_outliers(_prefer_fmriprep(tables), parameters))
    if parameters['non_steady_state'] == 'censor':
        censored.update(_find_non_steady(marked))
    return SelectedConfounds(pd.concat([pd.DataFrame(index=range(n_volumes)), *frames], axis=1), censored, notes)


def select_columns(tables, parameters, series=None):
    """Return the names of the columns that are confounds for each table, None for all of them, and notes for the user.

    ``tables`` are ConfoundsTables or ConfoundsColumns, other arguments as for :func:`select_confounds`.
    """
    strategies = parameters['confounds_strategy']
    requested = [*parameters['confounds_columns'], *strategies]
    if requested and not tables:
        raise ConfoundsError(f'no confounds are given, but these are to be selected: {requested}. Pass confounds')
    sources, notes = ', '.join(table.source for table in tables), [note for table in tables for note in table.notes]
    refuse_duplicates([name for table in tables for name in table.names], sources, ConfoundsError)
    wanted = {name for each in parameters['confounds_columns'] for name in _match(each, tables, sources)}
    of_fmriprep = _prefer_fmriprep(tables)
    for strategy in strategies:
        found, more = _find_columns(strategy, parameters, of_fmriprep)
        wanted.update(found)
        notes += more
    selected = []
    for table in tables:
        names = [name for name in table.names if name in wanted]
        is_censored = 'scrubbing' in strategies and table in of_fmriprep and {*_MOTION_MEASURES} & {*table.names}
        selected.append(names if names or is_censored else None)
        if selected[-1] is None and ({*table.names} >= _FMRIPREP or {*table.names} >= _OLD_FMRIPREP):
            raise ConfoundsError(
                f'{table.source}: no column of this table of fMRIPrep is selected. Select columns by '
                'confounds_strategy (all for every column), confounds_columns or a preset.'
            )
    if 'scrubbing' in strategies:
        _find_measures(of_fmriprep, parameters)
    if 'ICA-AROMA' in strategies:
        notes += check_denoised(series)
    return selected, [*dict.fromkeys(notes)]


def _prefer_fmriprep(tables):
    """Return the tables of fMRIPrep, or all tables if none is."""
    return [table for table in tables if {*table.names} >= _FMRIPREP] or tables


def _match(wanted, tables, sources):
    """Return the column of a name, else the columns that match a regular expression; ConfoundsError without any."""
    available = [name for table in tables for name in table.names]
    if wanted in available:
        return [wanted]
    try:
        found = [name for name in available if re.fullmatch(wanted, name)]
    except re.error as e:
        raise ConfoundsError(f'{wanted!r} is neither a column of {sources} nor a regular expression: {e}') from e
    if not found:
        near = difflib.get_close_matches(wanted, available, n=4, cutoff=0.5)
        raise ConfoundsError(
            f'{sources} has no column {wanted!r}' + (f'; did you mean {", ".join(near)}?' if near else '')
        )
    return found


def _find_columns(strategy, parameters, tables):
    """Return the columns that a strategy selects, and notes for the user."""
    sources, found, notes = ', '.join(table.source for table in tables), [], []
    old = next((table for table in tables if strategy != 'all' and {*table.names} >= _OLD_FMRIPREP), None)
    if old is not None:
        raise ConfoundsError(
            f'{old.source}: strategies do not support tables of fMRIPrep before 1.2. Select by confounds_columns.'
        )
    for wanted in CONFOUNDS_STRATEGIES[strategy]:
        try:
            found += _match(wanted, tables, sources)
        except ConfoundsError:
            if wanted != COSINES:
                raise
            notes.append(f'{sources}: no cosine drifts to regress out')
    if strategy == 'aCompCor':
        table = next((table for table in tables if has_components(table.names)), tables[0])
        masks = read_masks(table.path)
        n_compcor, acompcor = parameters['n_compcor'], parameters['acompcor']
        names, more = find_components(table.names, masks, n_compcor, acompcor, table.source)
        found, notes = found + names, notes + more
    return found, notes


def _find_motion_outliers(tables, parameters):
    """Return flags (T,) by reason: framewise displacement (mm) or DVARS (standardized) above the threshold.

    If ``min_segment`` is not 0, ``'short_segment'`` flags segments of fewer volumes between motion outliers.
    """
    # A comparison with a missing value, as in the first row, is false: that volume is retained.
    found = {
        name: (table.numbers([name])[name] > threshold).to_numpy()
        for name, (table, threshold) in _find_measures(tables, parameters).items()
    }
    if parameters['min_segment']:
        found['short_segment'] = short_segments(np.any(list(found.values()), axis=0), parameters['min_segment'])
    return found


def _find_measures(tables, parameters):
    """Return the first table with each measure of motion, and its threshold, by the name of its column."""
    thresholds = {name: parameters[name] for name in ('fd_threshold', 'dvars_threshold')}
    for name, threshold in thresholds.items():
        if not threshold >= 0:
            raise ConfoundsError(f'{name} must be 0 or more, not {threshold}')
    found = {}
    for name, threshold in zip(_MOTION_MEASURES, thresholds.values(), strict=True):
        table = next((table for table in tables if name in table.names), None)
        if table is None:
            sources = ', '.join(table.source for table in tables)
            raise ConfoundsError(f'{sources} has no column {name!r}, which scrubbing requires')
        found[name] = table, threshold
    return found


def _find_non_steady(tables):
    """Return flags (T,) of non-steady-state volumes under ``'non_steady_state'``; empty if none is marked."""
    marks = [(table, [name for name in table.names if re.fullmatch(_NON_STEADY, name)]) for table in tables]
    flags = [(table.numbers(names) > 0).any(axis=1).to_numpy() for table, names in marks if names]
    return {'non_steady_state': np.any(flags, axis=0)} if flags else {}
