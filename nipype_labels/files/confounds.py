# SPDX-License-Identifier: BSD-3-Clause
"""Confounds tables: reading them, choosing columns, and finding volumes to scrub."""

import difflib
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from ..core.errors import ConfoundsError, LabelsError
from ..core.view import LARGEST
from .names import expand
from .tables import read_table, to_number, to_numbers

#: How confounds tables write missing values.
MISSING_CELLS = ('n/a', 'N/A', 'NA', '', 'null', 'None')

#: Volumes that move by more (mm) or change by more (standardised DVARS) are scrubbed.
FD_THRESHOLD = 0.5
DVARS_THRESHOLD = 1.5

#: How many components of aCompCor are taken.
N_COMPCOR = 5

_MOTION = ('trans_x', 'trans_y', 'trans_z', 'rot_x', 'rot_y', 'rot_z')
_TISSUE = ('csf', 'white_matter', 'global_signal')


def _expand(bases):
    """Names with their derivatives, squares, and squares of derivatives."""
    return tuple(base + end for end in ('', '_derivative1', '_power2', '_derivative1_power2') for base in bases)


#: Columns of fMRIPrep's confounds that each named strategy takes, as names or regular expressions.
#: ``aCompCor`` brings the cosines with it, since its components were computed without the drifts they span;
#: ``scrubbing`` takes no column but removes volumes (:func:`volumes_to_scrub`).
CONFOUNDS_STRATEGIES = {
    '6P': _MOTION,
    '24P': _expand(_MOTION),
    '36P': _expand(_MOTION) + _expand(_TISSUE),
    'GSR': ('global_signal',),
    'aCompCor': (r'a_comp_cor_\d+', r'cosine\d+'),
    'scrubbing': (),
}


def read_confounds(paths, n_volumes):
    """Read confounds tables side by side.

    Parameters
    ----------
    paths : sequence of path
        TSV or CSV, with a heading or of numbers alone.
    n_volumes : int
        T.

    Returns
    -------
    DataFrame, T rows
        Missing values are NaN.

    Raises
    ------
    ConfoundsError
        If a table can't be parsed, holds text, has another number of rows, or two have a column of one name.
    """
    tables = [pd.DataFrame(index=range(n_volumes))]
    for i, path in enumerate(paths):
        table = _read_one(Path(path), f'confounds_{i}')
        if len(table) != n_volumes:
            raise ConfoundsError(f'{path} has {len(table)} rows, the signals have {n_volumes} volumes')
        tables.append(table)
    joined = pd.concat(tables, axis=1)
    twice = joined.columns[joined.columns.duplicated()].unique()
    if len(twice):
        raise ConfoundsError(f'{", ".join(map(str, paths))}: columns given more than once: {", ".join(twice[:5])}')
    return joined


def choose_columns(available, columns=(), strategies=(), n_compcor=N_COMPCOR, source='confounds'):
    """Names of the columns that are asked for, in the order of the table.

    Parameters
    ----------
    available : sequence of str
        Names of all columns.
    columns : sequence of str
        Names, or regular expressions that match whole names.
    strategies : sequence of str
        Keys of ``CONFOUNDS_STRATEGIES``. Without columns and strategies all columns are taken.
    n_compcor : int
        Components that ``'aCompCor'`` takes.
    source : str
        What to call the table in errors.

    Returns
    -------
    list of str

    Raises
    ------
    ConfoundsError
        If something asked for matches no column.

    Examples
    --------
    >>> choose_columns(['csf', 'rot_x', 'rot_y'], columns=['rot_.'])
    ['rot_x', 'rot_y']
    """
    if not columns and not strategies:
        return list(available)
    chosen = set()
    for wanted in [*columns, *(pattern for name in strategies for pattern in CONFOUNDS_STRATEGIES[name])]:
        try:
            found = [wanted] if wanted in available else [name for name in available if re.fullmatch(wanted, name)]
        except re.error as e:
            raise ConfoundsError(f'{wanted!r} is neither a column of {source} nor a regular expression: {e}') from e
        if wanted.startswith('a_comp_cor') and wanted not in columns:
            found = sorted(found, key=_component)[:n_compcor]
        if not found and (wanted in columns or not wanted.startswith('cosine')):
            near = difflib.get_close_matches(wanted, available, n=4, cutoff=0.5)
            raise ConfoundsError(
                f'{source} has no column {wanted!r}' + (f'; did you mean {", ".join(near)}?' if near else '')
            )
        chosen.update(found)
    return [name for name in available if name in chosen]


def fill_missing(confounds, confounds_na='raise', source='confounds', kept=True):
    """Settle missing values.

    Parameters
    ----------
    confounds : DataFrame, T rows
    confounds_na : {'raise', 'zero', 'mean'}
        What becomes of missing values in the rows before a column's first value: refuse, 0, or the column's mean.
    source : str
        What to call the table in errors.
    kept : array of bool, shape (T,)
        Volumes that count; what is missing in others stays so.

    Returns
    -------
    DataFrame
        Without missing values in the volumes that count.

    Raises
    ------
    ConfoundsError
        If a value is missing elsewhere, or anywhere at all under ``'raise'``, or none that can be measured; it names
        column and row.
    """
    values = confounds.to_numpy(dtype=np.float64, copy=True)
    for column, name in enumerate(confounds.columns):
        finite = np.isfinite(values[:, column])
        huge = np.flatnonzero(finite & kept & (np.abs(values[:, column]) > LARGEST))
        if len(huge):
            value = values[huge[0], column]
            raise ConfoundsError(f'{source}: column {name!r} holds {value:g} in row {huge[0]} (counted from 0)')
        missing = ~finite & kept
        if not missing.any():
            continue
        row = int(np.flatnonzero(missing)[0])
        leading = np.cumsum(finite) == 0
        if not finite.any() or (missing & ~leading).any():
            row = row if not finite.any() else int(np.flatnonzero(missing & ~leading)[0])
            raise ConfoundsError(f'{source}: column {name!r} has no finite value in row {row} (counted from 0)')
        if confounds_na == 'raise':
            raise ConfoundsError(
                f"{source}: column {name!r} is n/a in row {row} (counted from 0); set confounds_na to 'zero' or 'mean'"
            )
        values[leading, column] = 0.0 if confounds_na == 'zero' else values[finite & kept, column].mean()
    return pd.DataFrame(values, columns=confounds.columns)


def volumes_to_scrub(confounds, fd_threshold=FD_THRESHOLD, dvars_threshold=DVARS_THRESHOLD, source='confounds'):
    """Find volumes with too much motion or change, and those before the steady state.

    Parameters
    ----------
    confounds : DataFrame, T rows
        With fMRIPrep's columns ``framewise_displacement`` and ``std_dvars``.
    fd_threshold : float
        In mm.
    dvars_threshold : float
        In standardised DVARS.
    source : str
        What to call the table in errors.

    Returns
    -------
    dict of str to array of bool, shape (T,)
        Volumes to scrub for each reason: ``'framewise_displacement'``, ``'std_dvars'``, ``'non_steady_state'``.

    Raises
    ------
    ConfoundsError
        If a column lacks, or a threshold is none.
    """
    for name, threshold in {'fd_threshold': fd_threshold, 'dvars_threshold': dvars_threshold}.items():
        if not threshold >= 0:
            raise ConfoundsError(f'{name} must be 0 or more, not {threshold}')
    needed = {'framewise_displacement': fd_threshold, 'std_dvars': dvars_threshold}
    lacking = [name for name in needed if name not in confounds]
    if lacking:
        raise ConfoundsError(f'scrubbing needs {" and ".join(lacking)}, which {source} does not have')
    unsteady = [name for name in confounds if re.fullmatch(r'non_steady_state_outlier\d+', name)]
    # A comparison with a missing value, as in the first row, is false: that volume stays.
    reasons = {name: (confounds[name] > threshold).to_numpy() for name, threshold in needed.items()}
    return {**reasons, 'non_steady_state': (confounds[unsteady] > 0).any(axis=1).to_numpy()}


def take_confounds(confounds, n_volumes, confounds_na, kept=True):
    """Confounds in any form that users hold them in.

    Parameters
    ----------
    confounds : array, shape (T, C), DataFrame, path, list of these, or None
    n_volumes : int
        T.
    confounds_na : {'raise', 'zero', 'mean'}
    kept : array of bool, shape (T,)
        Volumes that count; values missing in others stay missing.

    Returns
    -------
    array, shape (T, C)

    Raises
    ------
    ConfoundsError
        If they are nothing of this kind, or of another length.
    """
    if confounds is None:
        return np.empty((n_volumes, 0))
    if isinstance(confounds, list | tuple) and any(
        isinstance(c, str | os.PathLike) or np.ndim(c) == 2 for c in confounds
    ):
        return np.column_stack([take_confounds(c, n_volumes, confounds_na, kept) for c in confounds])
    if isinstance(confounds, str | os.PathLike):
        path = expand(confounds)
        return fill_missing(read_confounds([path], n_volumes), confounds_na, str(path), kept).to_numpy()
    table = confounds if isinstance(confounds, pd.DataFrame) else np.asarray(confounds)
    if np.ndim(table) == 1 and np.asarray(table).dtype.kind != 'f':
        raise ConfoundsError(
            'confounds must have a row per volume and a column per confound; a row of labels is not an array of them'
        )
    if np.ndim(table) not in (1, 2):
        raise ConfoundsError(f'confounds must have a row per volume and a column each, not the shape {np.shape(table)}')
    try:
        frame = pd.DataFrame(np.asarray(table, dtype=np.float64))
    except (TypeError, ValueError) as e:
        raise ConfoundsError(f'confounds hold what is no number: {e}') from e
    if len(frame) != n_volumes:
        raise ConfoundsError(f'confounds have {len(frame)} rows, the series has {n_volumes} volumes')
    frame.columns = list(table.columns) if isinstance(table, pd.DataFrame) else [f'confound_{i}' for i in frame]
    return fill_missing(frame, confounds_na, kept=kept).to_numpy()


def _read_one(path, stem):
    """A table of numbers; columns without a heading are called ``stem`` and their number."""
    if not path.is_file():
        raise ConfoundsError(f'no such confounds file: {path}')
    try:
        first = path.read_text(encoding='utf-8-sig', errors='replace').split('\n', 1)[0]
    except OSError as e:
        raise ConfoundsError(f'{path} can not be read: {e.strerror}') from e
    sep = next((s for s in ('\t', ',', ';') if s in first), r'\s+')
    heads = [head.strip() for head in re.split(sep, first.strip())]
    heading = not all(_is_number(cell) for cell in heads)
    twice = sorted(head for head, n in Counter(heads).items() if n > 1) if heading else ()
    if twice:
        raise ConfoundsError(f'{path} has columns of the same name: {", ".join(map(repr, twice[:5]))}')
    try:
        table = read_table(path, sep, MISSING_CELLS, header=0 if heading else None, skipinitialspace=True)
    except LabelsError as e:
        raise ConfoundsError(str(e)) from e
    columns = {str(name).strip() if heading else f'{stem}_{name}': table[name] for name in table}
    return pd.DataFrame({name: _column(path, name, cells) for name, cells in columns.items()})


def _column(path, name, cells):
    """Numbers of a column, or an error that names the cell which is none."""
    try:
        return to_numbers(cells)
    except ValueError:
        row = next(i for i, cell in enumerate(cells) if isinstance(cell, str) and not _is_number(cell))
        raise ConfoundsError(f'{path}: column {name!r} holds no number in row {row}: {cells.iloc[row]!r}') from None


def _component(name):
    """What sorts components by their number, which may have more digits than Python takes for one."""
    number = name.rsplit('_', 1)[1].lstrip('0')
    return len(number), number


def _is_number(cell):
    try:
        to_number(cell)
    except ValueError:
        return False
    return True
