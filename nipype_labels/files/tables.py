# SPDX-License-Identifier: BSD-3-Clause
"""Tab-separated tables: a header, ``n/a`` for missing values, numbers with all digits."""

import re
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import orjson

from ..model.errors import LabelsError

#: Text of a missing value.
MISSING = 'n/a'

#: Sizes of numbers other than 0, from and below, that orjson writes without an exponent, as Python does.
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-4, 1e16

#: Characters of rows that orjson reads: numbers, tabs and missing values.
_PLAIN = b'0123456789+-.eE\t' + MISSING.encode()


def write_columns(path, columns):
    """Write columns (dict of sequences of one length) as TSV; None and NaN as ``n/a``."""
    cells = [[_format_cell(value) for value in np.asarray(values).tolist()] for values in columns.values()]
    lines = ['\t'.join(columns), *map('\t'.join, zip(*cells, strict=True)), '']
    Path(path).write_bytes('\n'.join(lines).encode())


def _format_cell(value):
    """Return a value as text: a number with the fewest digits that identify it."""
    return MISSING if value is None or value != value else str(value)


def parse_columns(content, path):
    """Return the columns in the content (bytes) of a TSV: arrays of text by name, NaN where cells are missing."""
    try:
        text = content.decode('utf-8-sig')
    except UnicodeDecodeError as e:
        raise LabelsError(f'{path} cannot be read as a table: it is not UTF-8 text (byte {e.start})') from e
    if '\0' in text:
        raise LabelsError(f'{path} cannot be read as a table: it holds NUL bytes')
    # A row of tabs alone has cells, all empty.
    lines = [line for line in re.split(r'\r\n|\r|\n', text) if line.strip(' ')]
    if not lines:
        raise LabelsError(f'{path} cannot be read as a table: it is empty')
    names, *rows = [line.split('\t') for line in lines]
    refuse_duplicates(names, path)
    longer = next((i for i, row in enumerate(rows) if len(row) > len(names)), None)
    if longer is not None:
        raise LabelsError(
            f'{path} cannot be read as a table: row {longer} (counted from 0) has {len(rows[longer])} cells, the '
            f'heading has {len(names)}'
        )
    rows = [[np.nan if cell == MISSING else cell for cell in row] + [''] * (len(names) - len(row)) for row in rows]
    cells = np.array(rows, dtype=object).reshape(len(rows), len(names))
    return dict(zip(names, cells.T, strict=True))


def to_numbers(cells):
    """Return cells of text (NaN if missing) as exactly the numbers that were written; pandas may round."""
    # An array at once: going through a column of pandas cell by cell is slow.
    cells = np.asarray(cells, dtype=object)
    present = np.array([isinstance(cell, str) for cell in cells], dtype=bool)
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
    with Path(path).open('wb') as stream:
        stream.write('\t'.join(names).encode() + b'\n')
        for row in np.ascontiguousarray(signals, dtype=np.float64):
            stream.write(format_row(row))
            stream.write(b'\n')


def round_table(path, digits):
    """Return the content of a table of numbers with fewer digits, as bytes."""
    names, signals = read_signals(path)
    row_format = '\t'.join([f'%.{digits}g'] * len(names))
    rows = [(row_format % tuple(row)).replace('nan', MISSING) for row in signals.tolist()]
    return '\n'.join(['\t'.join(names), *rows, '']).encode()


def format_row(values):
    r"""Return numbers as a row of a table, each with the fewest digits that identify it.

    >>> format_row(np.array([1.5, np.nan, 1e-05]))
    b'1.5\tn/a\t1e-05'
    """
    sizes = np.abs(values)
    # orjson writes these as Python does; others, which are few, are null until Python writes them.
    same = ((sizes >= SMALLEST_PLAIN) & (sizes < LARGEST_PLAIN)) | (sizes == 0)
    is_same = same.all()
    written = values if is_same else np.where(same, values, np.nan)
    row = orjson.dumps(written, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].replace(b',', b'\t')
    if is_same:
        return row
    others = [repr(value).replace('nan', MISSING).encode() for value in values[~same].tolist()]
    pieces = row.split(b'null')
    return b''.join(each for pair in zip(pieces, [*others, b''], strict=True) for each in pair)


def read_signals(path):
    """Return the names of L regions and their signals, shape (T, L), from a table."""
    try:
        with Path(path).open('rb') as stream:
            names = stream.readline().decode('utf-8-sig').rstrip('\r\n').split('\t')
            rows = [_parse_row(line) for line in stream if line.strip()]
        widths = {len(names), *map(len, rows)}
        if not rows or len(widths) > 1:
            raise ValueError(f'{len(names)} names, {len(rows)} rows of {min(widths)} to {max(widths)} values')
    except (OSError, ValueError) as e:
        raise LabelsError(f'{path} is not a table of region time series: {" ".join(str(e).split())}') from e
    refuse_duplicates(names, path)
    return names, np.array(rows)


def _parse_row(line):
    """Return the numbers in a row of a table; ValueError if a cell is not a number or ``n/a``."""
    line = line.rstrip(b'\r\n')
    if not line.translate(None, _PLAIN):
        with suppress(orjson.JSONDecodeError):  # numbers that JSON does not allow, such as +1
            # One character is found sooner than three.
            cells = line.replace(MISSING.encode(), b'null') if b'n' in line else line
            return np.array(orjson.loads(b'[' + cells.replace(b'\t', b',') + b']'), dtype=np.float64)
    cells = line.decode().replace(MISSING, 'nan').split('\t')
    return np.array([to_number(cell) for cell in cells])


def refuse_duplicates(names, source, error=LabelsError):
    """Raise ``error`` if columns of the table ``source`` have the same name."""
    duplicates = sorted(name for name, n in Counter(names).items() if n > 1)
    if duplicates:
        raise error(f'{source}: columns of the same name: {", ".join(map(repr, duplicates[:5]))}')
