# SPDX-License-Identifier: BSD-3-Clause
"""Tab-separated tables: a header, ``n/a`` for what is missing, numbers that come back as they went."""

import csv
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from ..core.errors import LabelsError

#: How a missing value is written.
MISSING = 'n/a'

#: Endings of tables that pandas unpacks.
PACKED = ('.gz', '.bz2', '.xz', '.zip', '.zst', '.tar')


def write_table(path, table):
    """Write a DataFrame as TSV."""
    table.to_csv(path, sep='\t', na_rep=MISSING, index=False, lineterminator='\n', quoting=csv.QUOTE_NONE)


def read_table(path, sep='\t', na_values=(MISSING,), **options):
    """Read a table as text; missing cells are NaN.

    Parameters
    ----------
    path : path
    sep : str
    na_values : sequence of str
        What counts as missing.
    **options
        Of ``pandas.read_csv``.

    Returns
    -------
    DataFrame
        Of str.

    Raises
    ------
    LabelsError
        If it can't be parsed.
    """
    if sep == '\t':
        options.setdefault('quoting', csv.QUOTE_NONE)
    options.update(na_values=list(na_values), keep_default_na=False, dtype=str, encoding='utf-8-sig')
    try:
        with warnings.catch_warnings():
            # Cells beyond the heading would shift all columns, or be lost with no more than this warning.
            warnings.simplefilter('error', pd.errors.ParserWarning)
            # pandas before 3 ends a cell there, without a word.
            if Path(path).suffix not in PACKED and b'\0' in Path(path).read_bytes():
                raise ValueError('it holds NUL bytes')
            return pd.read_csv(path, sep=sep, index_col=False, **options)
    except (OSError, ValueError, pd.errors.ParserWarning) as e:
        raise LabelsError(f'{path} is no readable table: {" ".join(str(e).split())}') from e


def to_numbers(cells):
    """Cells of text as the numbers that were written, to the last bit; pandas's own parser may round.

    Parameters
    ----------
    cells : sequence of str or NaN

    Returns
    -------
    array, shape (n,)
        NaN where a cell is missing.

    Raises
    ------
    ValueError
        If a cell is no number.
    """
    return np.array([to_number(cell) if isinstance(cell, str) else np.nan for cell in cells])


def to_number(text):
    """The number that a text is; Python alone would take the underscore in 1_0 for nothing.

    Parameters
    ----------
    text : str

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is none.
    """
    if '_' in text:
        raise ValueError(f'no number: {text!r}')
    return float(text)


def write_signals(path, names, signals):
    """Write signals, a column per region under its name.

    Parameters
    ----------
    path : path
    names : sequence of str, length L
    signals : array, shape (T, L)
        NaN is written as ``n/a``, all else with the digits that read back the same.
    """
    with Path(path).open('w', encoding='utf-8', newline='\n') as stream:
        stream.write('\t'.join(names) + '\n')
        for row in np.asarray(signals, dtype=np.float64):
            stream.write(format_row(row) + '\n')


def format_row(values):
    r"""Numbers as a row of a table.

    >>> format_row(np.array([1.5, np.nan]))
    '1.5\tn/a'
    """
    text = '\t'.join(map(repr, values.tolist()))
    return text.replace('nan', MISSING) if np.isnan(values).any() else text


def read_signals(path):
    """Read signals.

    Parameters
    ----------
    path : path

    Returns
    -------
    names : list of str, length L
    signals : array, shape (T, L)

    Raises
    ------
    LabelsError
        If it is no table of numbers, or two columns have one name.
    """
    try:
        with Path(path).open(encoding='utf-8-sig') as stream:
            names = stream.readline().rstrip('\n').split('\t')
            rows = [line.replace(MISSING, 'nan') for line in stream if line.strip()]
        signals = np.loadtxt(rows, delimiter='\t', comments=None, ndmin=2) if rows else np.empty((0, len(names)))
    except (OSError, ValueError) as e:
        raise LabelsError(f'{path} is no table of signals: {" ".join(str(e).split())}') from e
    if not rows or signals.shape[1] != len(names):
        raise LabelsError(f'{path} is no table of signals: {len(names)} names head {signals.shape} numbers')
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise LabelsError(f'{path} has columns of the same name: {", ".join(twice[:5])}')
    return names, signals
