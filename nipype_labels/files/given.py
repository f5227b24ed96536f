# SPDX-License-Identifier: BSD-3-Clause
"""Confounds in any form that a caller in Python holds them in: arrays, DataFrames, files, and lists of these."""

import os

import numpy as np
import pandas as pd

from ..core.errors import ConfoundsError
from .confounds import ConfoundsTable, read_table_of_confounds
from .paths import expand


def take_tables(confounds, n_volumes):
    """Return ConfoundsTables from an array (T, C), DataFrame, path, a list of these, or None."""
    if confounds is None:
        return []
    if isinstance(confounds, list | tuple) and any(
        isinstance(c, str | os.PathLike) or np.ndim(c) == 2 for c in confounds
    ):
        return [_take_one(each, n_volumes, f'confounds_{i}') for i, each in enumerate(confounds)]
    return [_take_one(confounds, n_volumes, 'confounds_0')]


def _take_one(confounds, n_volumes, stem):
    """Return one table; columns without a name are called by the stem and their number."""
    if isinstance(confounds, str | os.PathLike):
        return read_table_of_confounds(expand(confounds), n_volumes, stem)
    frame = confounds if isinstance(confounds, pd.DataFrame) else _as_frame(confounds)
    if len(frame) != n_volumes:
        raise ConfoundsError(f'confounds have {len(frame)} rows, the series has {n_volumes} volumes')
    names = [name if isinstance(name, str) else f'{stem}_{name}' for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfoundsError(f'confounds have columns of the same name: {", ".join(map(repr, twice[:5]))}')
    columns = {name: _as_numbers(frame.iloc[:, i]) for i, name in enumerate(names)}
    return ConfoundsTable('confounds', pd.DataFrame(columns, index=range(n_volumes)))


def _as_frame(confounds):
    """Return an array as a DataFrame of numbers."""
    table = np.asarray(confounds)
    if table.ndim == 1 and table.dtype.kind != 'f':
        raise ConfoundsError(
            'confounds must have a row per volume and a column per confound; a row of labels is not an array of them'
        )
    if table.ndim not in (1, 2):
        raise ConfoundsError(f'confounds must have one row per volume and one column each, not the shape {table.shape}')
    try:
        return pd.DataFrame(table.astype(np.float64))
    except (TypeError, ValueError) as e:
        raise ConfoundsError(f'confounds hold a value that is not a number: {e}') from e


def _as_numbers(cells):
    """Return a column as numbers, or unchanged if a cell is not a number."""
    try:
        return cells.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        return cells.to_numpy(dtype=object)
