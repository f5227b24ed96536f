# SPDX-License-Identifier: BSD-3-Clause
"""Tab-separated tables: a header, ``n/a`` for missing values, numbers with all digits."""

import csv
import io
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from ..model.errors import LabelsError
from .content import read_table_content

#: Text of a missing value.
MISSING = 'n/a'


def write_table(path, table):
    """Write a DataFrame as TSV."""
    table.to_csv(path, sep='\t', na_rep=MISSING, index=False, lineterminator='\n', quoting=csv.QUOTE_NONE)


def read_table(path, sep='\t', na_values=(MISSING,), **options):
    """Return a table (TSV, or another ``sep``) as a DataFrame of str, NaN where cells are missing."""
    if sep == '\t':
        options.setdefault('quoting', csv.QUOTE_NONE)
    options.update(na_values=list(na_values), keep_default_na=False, dtype=str, encoding='utf-8-sig')
    content = read_table_content(path)
    try:
        with warnings.catch_warnings():
            # pandas only warns if rows have more cells than the heading, and then shifts or drops columns.
            warnings.simplefilter('error', pd.errors.ParserWarning)
            # pandas before 3 silently ends a cell at a NUL byte.
            if b'\0' in content:
                raise ValueError('it holds NUL bytes')
            return pd.read_csv(io.BytesIO(content), sep=sep, index_col=False, **options)
    except (OSError, ValueError, pd.errors.ParserWarning) as e:
        raise LabelsError(f'{path} cannot be read as a table: {" ".join(str(e).split())}') from e


def to_numbers(cells):
    """Return cells of text (NaN if missing) as exactly the numbers that were written; pandas's parser may round."""
    # An array at once: going through a column of pandas cell by cell is slow.
    cells = np.asarray(cells, dtype=object)
    present = pd.notna(cells)
    texts = cells[present].tolist()
    numbers = np.full(len(cells), np.nan)
    # Python would read 1_0 as 10; to_number names the cell.
    numbers[present] = [to_number(text) for text in texts] if '_' in ''.join(texts) else np.array(texts, dtype=float)
    return numbers


def to_number(text):
    """Return a text as float; ValueError also for 1_0, which Python would read as 10."""
    if '_' in text:
        raise ValueError(f'not a number: {text!r}')
    return float(text)


def write_signals(path, names, signals):
    """Write signals (T, L) with the names of L regions; NaN as ``n/a``, other values with all digits."""
    with Path(path).open('w', encoding='utf-8', newline='\n') as stream:
        stream.write('\t'.join(names) + '\n')
        for row in np.asarray(signals, dtype=np.float64):
            stream.write(format_row(row) + '\n')


def format_row(values):
    r"""Return numbers as a row of a table.

    >>> format_row(np.array([1.5, np.nan]))
    '1.5\tn/a'
    """
    text = '\t'.join(map(repr, values.tolist()))
    return text.replace('nan', MISSING) if np.isnan(values).any() else text


def read_signals(path):
    """Return the names of L regions and their signals, shape (T, L), from a table."""
    try:
        with Path(path).open(encoding='utf-8-sig') as stream:
            names = stream.readline().rstrip('\n').split('\t')
            rows = [line.replace(MISSING, 'nan') for line in stream if line.strip()]
        signals = np.loadtxt(rows, delimiter='\t', comments=None, ndmin=2) if rows else np.empty((0, len(names)))
    except (OSError, ValueError) as e:
        raise LabelsError(f'{path} is not a table of region time series: {" ".join(str(e).split())}') from e
    if not rows or signals.shape[1] != len(names):
        raise LabelsError(f'{path} is not a table of region time series: {len(names)} names, values {signals.shape}')
    refuse_duplicates(names, path)
    return names, signals


def refuse_duplicates(names, source, error=LabelsError):
    """Raise ``error`` if columns of the table ``source`` have the same name."""
    duplicates = sorted(name for name, n in Counter(names).items() if n > 1)
    if duplicates:
        raise error(f'{source}: columns of the same name: {", ".join(map(repr, duplicates[:5]))}')
