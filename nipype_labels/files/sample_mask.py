# SPDX-License-Identifier: BSD-3-Clause
"""Lists of volumes: which are kept, and which run each belongs to."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from ..model.errors import SignalError
from .tables import read_table, to_numbers, write_table

#: How flags are written in text.
FLAGS = {'true': True, 'false': False}

#: Whole numbers from here on are none in double precision, and count neither volumes nor runs.
MOST = 2**53

#: How other programs write them in a column that says by its name that it holds flags.
FLAG_NUMBERS = {'1': 'true', '0': 'false'}


def read_sample_mask(path):
    """Return a sample mask: flags (bool) or indices (int), shape (n,).

    Forms: a TSV with a column ``retained`` of true and false (as :func:`write_censoring` writes) or a column ``volume``
    of indices; a text of true and false or of indices, one a line; or a NumPy file of flags or indices.
    """
    cells = _read_column(path, ('retained', 'volume'))
    if cells.dtype.kind in 'bi':
        return cells
    lowered = [str(cell).strip().lower() for cell in cells]
    if set(lowered) <= set(FLAGS):
        return np.array([FLAGS[cell] for cell in lowered], dtype=bool)
    return _to_whole_numbers(cells, path)


def read_runs(path):
    """Return the run of each volume: a TSV with a column ``run``, a text of numbers, one a line, or a NumPy file."""
    return _to_whole_numbers(_read_column(path, ('run',)), path)


def write_censoring(path, kept, reasons):
    """Write which volumes (T,) are retained, and the reasons (dict of flags) why others are censored."""
    why = [[name for name, flags in reasons.items() if flags[volume]] for volume in range(len(kept))]
    write_table(
        path,
        pd.DataFrame(
            {
                'volume': np.arange(len(kept)),
                'retained': np.where(kept, 'true', 'false'),
                'reason': [','.join(names) or None for names in why],
            }
        ),
    )


def _read_column(path, names):
    """Return the first column with one of ``names``, or the only one of a file without a heading."""
    if not Path(path).is_file():
        raise SignalError(f'no such file of volumes: {path}')
    try:
        if Path(path).suffix == '.npy':
            # Mapped, an array can't be larger than its file, whatever its header promises.
            cells = np.array(np.lib.format.open_memmap(path, mode='r'))
            heading = []
        else:
            cells = Path(path).read_text(encoding='utf-8-sig')
            heading = [head.strip() for head in cells.split('\n', 1)[0].split('\t')]
            cells = np.array(cells.split(), dtype=object)
    except Exception as e:  # damaged headers make NumPy raise all kinds
        raise SignalError(f'{path} is no list of volumes: {" ".join(str(e).split())}') from e
    found = [name for name in names if name in heading]
    if not found:
        return _require_row(cells, path)
    twice = sorted({name for name in heading if heading.count(name) > 1})
    if twice:
        raise SignalError(f'{path} has columns of the same name: {", ".join(twice)}')
    table = read_table(path).rename(columns=str.strip)
    if found[0] not in table:
        raise SignalError(f'{path} is no list of volumes: its first line is no heading of a table')
    cells = table[found[0]].to_numpy(dtype=object)
    if found[0] == 'retained':
        cells = np.array([FLAG_NUMBERS.get(str(cell).strip(), cell) for cell in cells], dtype=object)
    if found[0] != 'volume' and 'volume' in table:
        _check_order(_to_whole_numbers(table['volume'].to_numpy(dtype=object), path), path)
    return _require_row(cells, path)


def _check_order(volumes, path):
    """Refuse rows that are not those of volumes in turn."""
    wrong = np.flatnonzero(np.diff(volumes) != 1)
    if len(wrong):
        one, other = volumes[wrong[0]], volumes[wrong[0] + 1]
        raise SignalError(f'{path}: volume {other} follows volume {one}; there must be a row for each volume in turn')


def _require_row(cells, path):
    """Return cells if they are one row of some."""
    if cells.ndim == 2 and 1 in cells.shape:
        cells = cells.reshape(-1)
    if cells.ndim != 1 or not cells.size:
        raise SignalError(f'{path} must hold one row of volumes, its shape is {cells.shape}')
    return cells


def _to_whole_numbers(cells, path):
    """Return cells as whole numbers, small enough to count volumes."""
    numbers = cells if cells.dtype.kind in 'biuf' else np.array([np.nan])
    if cells.dtype.kind == 'O':
        with suppress(ValueError):
            numbers = to_numbers(cells)
    if not (np.abs(numbers) < MOST).all() or (numbers != np.rint(numbers)).any():
        raise SignalError(f'{path} must hold whole numbers, one a line, or flags (true, false) for volumes')
    return numbers.astype(np.int64)
