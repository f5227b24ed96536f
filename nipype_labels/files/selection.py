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
from .confounds import DISPLACEMENT, join_tables

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
    strategies = parameters['confounds_strategy']
    requested = [*parameters['confounds_columns'], *strategies]
    if requested and not tables:
        raise ConfoundsError(f'no confounds are given, but these are to be selected: {requested}. Pass confounds')
    sources, notes = ', '.join(table.source for table in tables), [note for table in tables for note in table.notes]
    join_tables(tables, n_volumes)
    selected = {name for wanted in parameters['confounds_columns'] for name in _match(wanted, tables, sources)}
    of_fmriprep = [table for table in tables if {*table.frame} >= _FMRIPREP] or tables
    for strategy in strategies:
        found, more = _find_columns(strategy, parameters, of_fmriprep)
        selected.update(found)
        notes += more
    frames, marked, censored = [], [], {}
    for table in tables:
        names = [name for name in table.frame if name in selected]
        is_censored = 'scrubbing' in strategies and table in of_fmriprep and {*_MOTION_MEASURES} & {*table.frame}
        if names or is_censored:
            marked.append(table)
        elif {*table.frame} >= _FMRIPREP or {*table.frame} >= _OLD_FMRIPREP:
            raise ConfoundsError(
                f'{table.source}: no column of this table of fMRIPrep is selected. Select columns by '
                'confounds_strategy (all for every column), confounds_columns or a preset.'
            )
        frames.append(table.numbers(names if names or is_censored else list(table.frame)))
    if 'scrubbing' in strategies:
        censored.update(_find_motion_outliers(of_fmriprep, parameters))
    if parameters['non_steady_state'] == 'censor':
        censored.update(_find_non_steady(marked))
    if 'ICA-AROMA' in strategies:
        notes += check_denoised(series)
    return SelectedConfounds(
        pd.concat([pd.DataFrame(index=range(n_volumes)), *frames], axis=1), censored, [*dict.fromkeys(notes)]
    )


def _match(wanted, tables, sources):
    """Return the column of a name, else the columns that match a regular expression; ConfoundsError without any."""
    available = [name for table in tables for name in table.frame.columns.tolist()]
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
    old = next((table for table in tables if strategy != 'all' and set(table.frame) >= _OLD_FMRIPREP), None)
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
        table = next((table for table in tables if has_components(table.frame)), tables[0])
        masks = read_masks(table.path)
        n_compcor, acompcor = parameters['n_compcor'], parameters['acompcor']
        names, more = find_components(table.frame, masks, n_compcor, acompcor, table.source)
        found, notes = found + names, notes + more
    return found, notes


def _find_motion_outliers(tables, parameters):
    """Return flags (T,) by reason: framewise displacement (mm) or DVARS (standardized) above the threshold.

    If ``min_segment`` is not 0, ``'short_segment'`` flags segments of fewer volumes between motion outliers.
    """
    thresholds = {name: parameters[name] for name in ('fd_threshold', 'dvars_threshold')}
    for name, threshold in thresholds.items():
        if not threshold >= 0:
            raise ConfoundsError(f'{name} must be 0 or more, not {threshold}')
    found = {}
    for name, threshold in zip(_MOTION_MEASURES, thresholds.values(), strict=True):
        table = next((table for table in tables if name in table.frame), None)
        if table is None:
            sources = ', '.join(table.source for table in tables)
            raise ConfoundsError(f'{sources} has no column {name!r}, which scrubbing requires')
        # A comparison with a missing value, as in the first row, is false: that volume is retained.
        found[name] = (table.numbers([name])[name] > threshold).to_numpy()
    if parameters['min_segment']:
        found['short_segment'] = short_segments(np.any(list(found.values()), axis=0), parameters['min_segment'])
    return found


def _find_non_steady(tables):
    """Return flags (T,) of non-steady-state volumes under ``'non_steady_state'``; empty if none is marked."""
    marks = [(table, [name for name in table.frame if re.fullmatch(_NON_STEADY, name)]) for table in tables]
    flags = [(table.numbers(names) > 0).any(axis=1).to_numpy() for table, names in marks if names]
    return {'non_steady_state': np.any(flags, axis=0)} if flags else {}
