# SPDX-License-Identifier: BSD-3-Clause
"""Read confounds from files (TSV, CSV, text of numbers), arrays and DataFrames."""

import os
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ..core.scaling import LARGEST
from ..model.errors import ConfoundsError, LabelsError
from .delimited import DECIMAL_COMMA, MISSING_CELLS, POINTS, is_value, parse_table, read_text
from .paths import expand
from .tables import refuse_duplicates, to_numbers

#: Column of fMRIPrep's tables: movement of the head since the last volume, in mm.
DISPLACEMENT = 'framewise_displacement'


@dataclass(eq=False)
class ConfoundsTable:
    """A confounds table (T rows) with its name in errors, its file, and notes for the user.

    Columns are float64, NaN if a value is missing, or text if a cell is not a number.
    """

    source: str
    frame: pd.DataFrame
    path: Path | None = None
    notes: list = field(default_factory=list)

    @cached_property
    def names(self):
        """The names of the columns."""
        return self.frame.columns.tolist()

    def numbers(self, names):
        """Return columns as numbers; ConfoundsError if a column has text."""
        return _refuse_text(self.frame[list(names)], self.source)


@dataclass(eq=False)
class ConfoundsColumns:
    """The names of the columns of a confounds table, whose rows are not read; other attributes as ConfoundsTable."""

    source: str
    names: list
    path: Path | None = None
    notes: list = field(default_factory=list)


def _read_table(path, n_volumes, stem='confounds_0'):
    """Return the ConfoundsTable of a file, perhaps compressed: TSV, CSV or text of numbers (``.1D``, ``.par``).

    Columns without names are called ``stem`` and their number.
    """
    if not Path(path).is_file():
        raise ConfoundsError(f'no such confounds file: {path}')
    try:
        frame, notes = _parse(read_text(path), n_volumes, path, stem)
    except LabelsError as e:
        raise ConfoundsError(str(e)) from e
    return ConfoundsTable(str(path), frame.copy(), Path(path), list(notes))


# Several steps of a run read the same table, and parsing takes longer than denoising. A changed text is parsed again.
@lru_cache(maxsize=2)
def _parse(text, n_volumes, path, stem):
    """Return the columns in the text of a table as a DataFrame, and notes for the user."""
    heading, rows, notes = parse_table(text, n_volumes, path)
    if len(rows) != n_volumes:
        raise ConfoundsError(f'{path} has {len(rows)} rows, the signals have {n_volumes} volumes')
    names, columns = _name_columns(heading, rows, len(notes), stem), zip(*rows, strict=True)
    return pd.DataFrame({name: _numbers(cells) for name, cells in zip(names, columns, strict=True)}), notes


def _name_columns(heading, rows, first, stem):
    """Return the names of columns; without a heading, they are numbered from ``first``, 1 after row numbers."""
    return heading or [f'{stem}_{i + first}' for i in range(len(rows[0]))]


def make_tables(confounds, n_volumes):
    """Return ConfoundsTables from an array (T, C), DataFrame, path, a list of these, or None."""
    if confounds is None:
        return []
    if isinstance(confounds, list | tuple) and any(
        isinstance(c, str | os.PathLike) or np.ndim(c) == 2 for c in confounds
    ):
        return [_make_table(each, n_volumes, f'confounds_{i}') for i, each in enumerate(confounds)]
    return [_make_table(confounds, n_volumes, 'confounds_0')]


def _make_table(confounds, n_volumes, stem):
    """Return the ConfoundsTable of a path, DataFrame or array; unnamed columns are called by ``stem``."""
    if isinstance(confounds, str | os.PathLike):
        return _read_table(expand(confounds), n_volumes, stem)
    frame = confounds if isinstance(confounds, pd.DataFrame) else _as_frame(confounds)
    if len(frame) != n_volumes:
        raise ConfoundsError(f'confounds have {len(frame)} rows, the series has {n_volumes} volumes')
    names = [name if isinstance(name, str) else f'{stem}_{name}' for name in frame.columns]
    refuse_duplicates(names, 'confounds', ConfoundsError)
    columns = {name: _column_numbers(frame.iloc[:, i]) for i, name in enumerate(names)}
    return ConfoundsTable('confounds', pd.DataFrame(columns, index=range(n_volumes)))


def _as_frame(confounds):
    """Return an array as a DataFrame of numbers."""
    table = np.asarray(confounds)
    if table.ndim == 1 and table.dtype.kind != 'f':
        raise ConfoundsError(
            'confounds must have a row per volume and a column per confound. Pass an array of numbers, not of labels'
        )
    if table.ndim not in (1, 2):
        raise ConfoundsError(f'confounds must have one row per volume and one column each, not the shape {table.shape}')
    try:
        return pd.DataFrame(table.astype(np.float64))
    except (TypeError, ValueError) as e:
        raise ConfoundsError(f'confounds have a value that is not a number: {e}') from e


def _column_numbers(cells):
    """Return a column as numbers, or unchanged if a cell is not a number."""
    try:
        return cells.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        return cells.to_numpy(dtype=object)


def read_confounds(paths, n_volumes):
    """Return the joined confounds of files: a DataFrame of T rows, NaN if a value is missing."""
    return join_tables(read_tables(paths, n_volumes), n_volumes)


def read_tables(paths, n_volumes):
    """Return the ConfoundsTable of each file."""
    return [_read_table(path, n_volumes, f'confounds_{i}') for i, path in enumerate(paths)]


def read_mean_displacement(path, n_volumes):
    """Return the mean framewise displacement of all volumes in mm; None if a table has no value of it."""
    (table,) = read_tables([path], n_volumes)
    if DISPLACEMENT not in table.frame:
        return None
    values = table.numbers([DISPLACEMENT])[DISPLACEMENT]
    if np.isinf(values).any():
        raise ConfoundsError(f'{path}: column {DISPLACEMENT!r} is infinite')
    # The first volume has none.
    return float(values.mean()) if values.notna().any() else None


def pick_columns(tables, names):
    """Return columns by name, shape (T,) each, from the first table that has them; other names are skipped."""
    found = {name: table for table in reversed(tables) for name in table.frame}
    return {name: found[name].numbers([name])[name].to_numpy() for name in names if name in found}


def read_columns(path, n_volumes):
    """Return the ConfoundsColumns of a file; ConfoundsError unless the table has a row per volume.

    A table that seems to have more or fewer is parsed, and returned as ConfoundsTable.
    """
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    if len(lines) != n_volumes + 1:
        return read_tables([path], n_volumes)[0]
    beginning = [line for line in lines if not line.lstrip().startswith('#')][:2]
    heading, rows, notes = parse_table('\n'.join(beginning), 1, path)
    return ConfoundsColumns(str(path), _name_columns(heading, rows, len(notes), 'confounds_0'), Path(path), notes)


def join_tables(tables, n_volumes):
    """Return the columns of all tables, T rows; ConfoundsError for columns of the same name."""
    joined = pd.concat([pd.DataFrame(index=range(n_volumes)), *(table.frame for table in tables)], axis=1)
    refuse_duplicates(joined.columns, ', '.join(table.source for table in tables), ConfoundsError)
    return joined


def fill_missing(confounds, confounds_na='raise', source='confounds', kept=True):
    """Return confounds without missing values in retained volumes, flagged by ``kept`` (T,); see ``confounds_na``.

    Missing values before the first value of a column are replaced by 0, the mean of the column, or its first value
    (``'backfill'``); elsewhere they are an error. Censored volumes are not used.
    """
    values = _refuse_text(confounds, source).to_numpy(dtype=np.float64, copy=True)
    kept = np.broadcast_to(kept, len(values))
    for column, name in enumerate(confounds.columns):
        _fill_column(values[:, column], kept, confounds_na, f'{source}: column {name!r}')
    return pd.DataFrame(values, columns=confounds.columns)


def _fill_column(values, kept, confounds_na, column):
    """Replace the leading missing values of a column in place, or raise ConfoundsError."""
    missing, finite = np.isnan(values), np.isfinite(values)
    wrong = kept & ~missing & ~(np.abs(values) <= LARGEST)
    if wrong.any():
        row = np.flatnonzero(wrong)[0]
        raise ConfoundsError(f'{column} is {values[row]:g} in row {row} (counted from 0)')
    leading = np.cumsum(finite) == 0
    inside = kept & missing & ~(leading & (finite & kept).any())
    if inside.any():
        raise ConfoundsError(f'{column} has no finite value in row {np.flatnonzero(inside)[0]} (counted from 0)')
    leading &= missing
    if not (leading & kept).any():
        return
    if confounds_na == 'raise':
        row = np.flatnonzero(leading & kept)[0]
        raise ConfoundsError(
            f"{column} is n/a in row {row} (counted from 0). Set confounds_na to 'zero', 'mean' or 'backfill'"
        )
    known = values[finite & kept]
    values[leading] = {'zero': 0.0, 'mean': known.mean(), 'backfill': known[0]}[confounds_na]


def _numbers(cells):
    """Return cells of text as numbers, or unchanged if a cell is not a number."""
    try:
        return to_numbers([np.nan if cell in MISSING_CELLS else cell for cell in cells])
    except ValueError:
        return np.array(cells, dtype=object)


def _refuse_text(frame, source):
    """Return a table of numbers; ConfoundsError with the first cell that is not a number."""
    for name in frame.columns[[dtype.kind not in 'fiub' for dtype in frame.dtypes]]:
        cells = [cell if isinstance(cell, str) else '' if pd.isna(cell) else repr(cell) for cell in frame[name]]
        row = next(row for row, cell in enumerate(cells) if not is_value(cell))
        commas = f' {POINTS}' if DECIMAL_COMMA.fullmatch(cells[row]) else ''
        raise ConfoundsError(
            f'{source}: column {name!r} is not a number in row {row}: {cells[row]!r} (row 0 is the first).{commas}'
        )
    return frame
