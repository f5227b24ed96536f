# SPDX-License-Identifier: BSD-3-Clause
"""Read and write lists of volumes: sample masks, runs, and tables of censored volumes."""

from contextlib import suppress
from pathlib import Path

import numpy as np

from ..model.errors import SignalError
from .content import read_table_content
from .tables import parse_columns, refuse_duplicates, to_numbers, write_columns

#: Flags by their text.
FLAGS = {'true': True, 'false': False}

#: Integers from here on are not exact in double precision.
_INTEGER_LIMIT = 2**53

#: Numbers that other programs write for flags in the column ``retained``.
_FLAG_NUMBERS = {'1': 'true', '0': 'false'}


def read_sample_mask(path):
    """Return a sample mask: flags (bool) or indices (int), shape (n,).

    The file is a TSV with the column ``retained`` (true, false) or ``volume`` (indices), a text of flags or indices,
    one per line, or a NumPy file.
    """
    cells = _read_column(path, ('retained', 'volume'))
    if cells.dtype.kind in 'bi':
        return cells
    lowered = [str(cell).strip().lower() for cell in cells]
    if set(lowered) <= set(FLAGS):
        return np.array([FLAGS[cell] for cell in lowered], dtype=bool)
    return _to_whole_numbers(cells, path)


def read_runs(path):
    """Return the run of each volume (T,) from a TSV with the column ``run``, a text of integers, or a NumPy file."""
    return _to_whole_numbers(_read_column(path, ('run',)), path)


def write_censoring(path, kept, reasons):
    """Write flags of retained volumes (T,), and the reasons (dict of flags) why the other volumes are censored."""
    why = [[name for name, flags in reasons.items() if flags[volume]] for volume in range(len(kept))]
    columns = {
        'volume': np.arange(len(kept)),
        'retained': np.where(kept, 'true', 'false'),
        'reason': [','.join(names) or None for names in why],
    }
    write_columns(path, columns)


def _read_column(path, names):
    """Return the first column with one of the names, or the only column of a file without a heading."""
    if not Path(path).is_file():
        raise SignalError(f'no such file of volumes: {path}')
    try:
        if Path(path).suffix == '.npy':
            # A memory map cannot be larger than the file, even if the header is damaged.
            cells = np.array(np.lib.format.open_memmap(path, mode='r'))
            heading = []
        else:
            content = read_table_content(path)
            text = content.decode('utf-8-sig')
            heading = [head.strip() for head in text.split('\n', 1)[0].split('\t')]
            cells = np.array(text.split(), dtype=object)
            n_lines = sum(1 for line in text.splitlines() if line.strip())
    except Exception as e:  # NumPy raises many kinds of errors for damaged headers
        raise SignalError(f'{path} is not a list of volumes: {" ".join(str(e).split())}') from e
    found = [name for name in names if name in heading]
    if not found:
        if heading and 1 < n_lines < len(cells):
            raise SignalError(f'{path} has several cells in a line, and no column named {" or ".join(names)}')
        return _require_row(cells, path)
    refuse_duplicates(heading, path, SignalError)
    table = {name.strip(): cells for name, cells in parse_columns(content, path).items()}
    if found[0] not in table:
        raise SignalError(f'{path} is not a list of volumes: its first line is not the heading of a table')
    cells = table[found[0]]
    if found[0] == 'retained':
        cells = np.array([_FLAG_NUMBERS.get(str(cell).strip(), cell) for cell in cells], dtype=object)
    if found[0] != 'volume' and 'volume' in table:
        _check_order(_to_whole_numbers(table['volume'], path), path)
    return _require_row(cells, path)


def _check_order(volumes, path):
    """Raise SignalError unless volumes are consecutive."""
    wrong = np.flatnonzero(np.diff(volumes) != 1)
    if len(wrong):
        one, other = volumes[wrong[0]], volumes[wrong[0] + 1]
        raise SignalError(f'{path}: volume {other} follows volume {one}. Write one row per volume, in order')


def _require_row(cells, path):
    """Return cells as a vector; SignalError unless they are one row or column."""
    if cells.ndim == 2 and 1 in cells.shape:
        cells = cells.reshape(-1)
    if cells.ndim != 1 or not cells.size:
        raise SignalError(f'{path} must have one row of volumes, its shape is {cells.shape}')
    return cells


def _to_whole_numbers(cells, path):
    """Return cells as int64; SignalError unless they are integers below 2**53."""
    numbers = cells if cells.dtype.kind in 'biuf' else np.array([np.nan])
    if cells.dtype.kind == 'O':
        with suppress(ValueError):
            numbers = to_numbers(cells)
    if not (np.abs(numbers) < _INTEGER_LIMIT).all() or (numbers != np.rint(numbers)).any():
        raise SignalError(f'{path} must contain integers, one per line, or flags (true, false) of volumes')
    return numbers.astype(np.int64)
