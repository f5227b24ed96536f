# SPDX-License-Identifier: BSD-3-Clause
"""Tab-separated tables as DataFrames. Modules that need no DataFrame do without the time that pandas takes to load."""

import csv
import io
import warnings

import pandas as pd

from ..model.errors import LabelsError
from .content import read_table_content
from .tables import MISSING


def to_frame(table):
    """Return a coverage table as a DataFrame."""
    return pd.DataFrame({name: list(values) for name, values in table.columns.items()})


def write_table(path, table):
    """Write a DataFrame as TSV."""
    table.to_csv(path, sep='\t', na_rep=MISSING, index=False, lineterminator='\n', quoting=csv.QUOTE_NONE)


def read_table(path):
    """Return a table (TSV) as a DataFrame of str, NaN where cells are missing."""
    content = read_table_content(path)
    options = dict(sep='\t', quoting=csv.QUOTE_NONE, index_col=False, dtype=str, encoding='utf-8-sig')
    try:
        with warnings.catch_warnings():
            # pandas only warns if rows have more cells than the heading, and then shifts or drops columns.
            warnings.simplefilter('error', pd.errors.ParserWarning)
            # pandas before 3 silently ends a cell at a NUL byte.
            if b'\0' in content:
                raise ValueError('it holds NUL bytes')
            return pd.read_csv(io.BytesIO(content), na_values=[MISSING], keep_default_na=False, **options)
    except (ValueError, pd.errors.ParserWarning) as e:
        raise LabelsError(f'{path} cannot be read as a table: {" ".join(str(e).split())}') from e
