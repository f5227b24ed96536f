# SPDX-License-Identifier: BSD-3-Clause
"""Files of coverage tables: one row per region, in the order of the columns of the time series."""

from dataclasses import fields

import numpy as np

from ..core.coverage import CoverageTable
from ..model.errors import LabelsError
from .content import read_table_content
from .tables import parse_columns, to_numbers, write_columns

#: Columns that every coverage table has; quality columns follow.
COLUMNS = tuple(each.name for each in fields(CoverageTable) if each.name != 'quality')


def write_coverage(path, table):
    """Write a coverage table."""
    write_columns(path, table.columns)


def read_coverage(path):
    """Return the coverage table in a file."""
    return parse_coverage(read_table_content(path), path)


def parse_coverage(content, path):
    """Return the coverage table in the content (bytes) of a file."""
    cells = parse_columns(content, path)
    missing = [column for column in COLUMNS if column not in cells]
    if missing:
        raise LabelsError(f'{path} is not a coverage table: {", ".join(missing)} missing')
    try:
        columns = {name: _parse(name, column) for name, column in cells.items()}
    except ValueError as e:
        raise LabelsError(f'{path} is not a coverage table: {e}') from e
    own = {name: columns.pop(name) for name in COLUMNS}
    return CoverageTable(**own, quality=columns)


def _parse(name, column):
    """Return the values of a column: text, whole numbers, or numbers."""
    if name in ('name', 'status', 'hemisphere'):
        return column
    numbers = to_numbers(column)
    if not name.startswith(('index', 'n_')):
        return numbers
    if not (np.isfinite(numbers) & (numbers == np.rint(numbers))).all():
        raise ValueError(f'{name} must be whole numbers')
    return numbers.astype(np.int64)
