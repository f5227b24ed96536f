# SPDX-License-Identifier: BSD-3-Clause
"""Tab-separated tables: a header, ``n/a`` for what is missing, numbers that come back as they went."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from ..core.errors import LabelsError

#: How a missing value is written.
MISSING = 'n/a'


def write_table(path, table):
    """Write a DataFrame as TSV."""
    table.to_csv(path, sep='\t', na_rep=MISSING, index=False, lineterminator='\n', quoting=csv.QUOTE_NONE)


def read_table(path, **dtypes):
    """Read a TSV as DataFrame; only ``n/a`` counts as missing.

    Parameters
    ----------
    path : path
    **dtypes
        Types of columns.

    Raises
    ------
    LabelsError
        If it can't be parsed.
    """
    try:
        return pd.read_csv(
            path,
            sep='\t',
            na_values=[MISSING],
            keep_default_na=False,
            dtype=dtypes or None,
            quoting=csv.QUOTE_NONE,
            float_precision='round_trip',
            encoding='utf-8',
        )
    except (OSError, ValueError, UnicodeDecodeError) as e:
        raise LabelsError(f'{path} is no readable table: {" ".join(str(e).split())}') from e


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
            text = '\t'.join(map(repr, row.tolist()))
            stream.write((text.replace('nan', MISSING) if np.isnan(row).any() else text) + '\n')


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
        with Path(path).open(encoding='utf-8') as stream:
            names = stream.readline().rstrip('\n').split('\t')
        signals = pd.read_csv(
            path,
            sep='\t',
            skiprows=1,
            header=None,
            names=range(len(names)),
            na_values=[MISSING],
            keep_default_na=False,
            dtype=np.float64,
            float_precision='round_trip',
            skip_blank_lines=False,
        ).to_numpy()
    except (OSError, ValueError, UnicodeDecodeError) as e:
        raise LabelsError(f'{path} is no table of signals: {" ".join(str(e).split())}') from e
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise LabelsError(f'{path} has columns of the same name: {", ".join(twice[:5])}')
    return names, signals
