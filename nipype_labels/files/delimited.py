# SPDX-License-Identifier: BSD-3-Clause
"""Tables of numbers as text: their separator, heading, comments, index and decimal commas."""

import csv
import re

from ..model.errors import LabelsError
from .content import decode_text, read_table_content
from .lut_lines import unquoted
from .tables import refuse_duplicates, to_number

#: How programs write missing values: BIDS, R, Python, SAS and Stata, SPSS.
MISSING_CELLS = ('', 'n/a', 'N/A', 'NA', 'nan', 'NaN', 'null', 'None', '.', '#NULL!')

#: A number with a decimal comma, and what an error says about it.
DECIMAL_COMMA = re.compile(r'[+-]?\d*,\d+(?:[eE][+-]?\d+)?')
POINTS = 'Write decimal points in place of decimal commas.'

#: Names of a column that pandas gives to an index without a name.
_UNNAMED = ('', 'Unnamed: 0')

#: Limits to tables.
MOST_ROWS, MOST_COLUMNS = 200_000, 10_000

#: Fewest rows and columns from which their numbers are recognised.
_FEWEST = 3


def read_text(path):
    """Return the text of a file, compressed or not, in UTF-8 or (by its first bytes) UTF-16."""
    content = read_table_content(path)
    try:
        text = decode_text(content)
    except UnicodeDecodeError as e:
        raise LabelsError(f'{path} is not UTF-8 text (byte {e.start}). Save it as UTF-8.') from e
    if '\0' in text:
        raise LabelsError(f'{path} is not text: it holds NUL bytes')
    return text


def parse_table(text, n_rows, path):
    """Split the text of a table into the names of its columns (None without a heading), rows of cells, and notes.

    ``n_rows``, the expected number of rows, decides whether a first line of column numbers is a heading. A first column
    of row numbers or row names is dropped, which a note says. LabelsError if rows differ in their number of cells, a
    column has no name, or numbers have decimal commas.
    """
    # Comments, as AFNI, Octave and NumPy write them, are skipped. A row of tabs alone has cells, all missing.
    lines = [line for line in re.split(r'\r\n|\r|\n', text) if line.strip() or '\t' in line]
    lines = [line for line in lines if not line.lstrip().startswith('#') or line.lstrip().startswith('#NULL!')]
    if not any(line.strip() for line in lines):
        raise LabelsError(f'{path} is empty: it holds no table')
    n_columns = max(len(line.replace(',', ' ').replace(';', ' ').split()) for line in (lines[0], max(lines, key=len)))
    for n, most, what in ((len(lines), MOST_ROWS, 'rows'), (n_columns, MOST_COLUMNS, 'columns')):
        if n > most:
            raise LabelsError(f'{path} has {n} {what}, more than {most}')
    heading, rows = _separate(path, lines, n_rows)
    return _drop_index(path, heading, rows)


def _separate(path, lines, n_rows):
    """Return the heading (None without one) and rows of cells, as many in each."""
    rows, separator = [line.split() for line in lines], None
    if not _are_numbers(rows, lines):
        _refuse_decimal_commas(path, lines)
        separator = next((s for s in '\t;,' if any(s in line.strip() for line in lines[:2])), None)
        rows = _trim([_split(line, separator) for line in lines])
    heading = None
    if not all(is_value(cell) for cell in rows[0]) or (len(rows) == n_rows + 1 and _counts_columns(rows[0])):
        heading, *rows = rows
        refuse_duplicates(filter(None, heading), path)
        heading, rows = _align(path, heading, rows, separator)
    width = len(heading or rows[0])
    for number, row in enumerate(rows):
        if len(row) != width:
            raise LabelsError(f'{path}: row {number} (counted from 0) has {len(row)} cells, not {width}')
    if heading is None and separator == ',' and width == 2 and _is_split_number(rows):
        raise LabelsError(f'{path} holds decimal commas, or two columns of whole numbers. {POINTS}')
    return heading, rows


def _are_numbers(rows, lines):
    """Whether lines are numbers between blanks and tabs, as many in each, and no cell between two tabs is empty."""
    if len({len(row) for row in rows}) > 1 or not all(is_value(cell) for row in rows for cell in row):
        return False
    if not any('\t' in line for line in lines):
        return True
    return all(cell for row in _trim([_split(line, '\t') for line in lines]) for cell in row)


def _split(line, separator):
    """Return the cells of a line, without blanks and quotation marks around them."""
    quoted = separator != '\t' and line.count('"') and line.count('"') % 2 == 0
    if quoted:
        line = line.strip() if separator is None else line
        cells = next(csv.reader([re.sub(r'[ \t]+', ' ', line)], delimiter=separator or ' ', skipinitialspace=True))
    else:
        cells = line.split(separator)
    return [unquoted(cell) if '"' in line else cell.strip() for cell in cells]


def _trim(rows):
    """Remove a first or last cell that is empty in all rows: a separator at an end of each line."""
    while min(map(len, rows)) > 1 and not any(row[-1] for row in rows):
        rows = [row[:-1] for row in rows]
    while min(map(len, rows)) > 1 and not any(row[0] for row in rows):
        rows = [row[1:] for row in rows]
    return rows


def _align(path, heading, rows, separator):
    """Give heading and rows one width: a column of row names needs no name, cells at the end may be missing."""
    widest = max(map(len, rows), default=0)
    if widest == len(heading) + 1 and not any(row[-1] for row in rows if len(row) == widest):
        rows = [row[: len(heading)] for row in rows]
    elif rows and {len(row) for row in rows} == {len(heading) + 1} and _is_index([row[0] for row in rows]):
        # R: the heading has no cell above the names of rows.
        heading = ['', *heading]
    elif widest > len(heading):
        number = next(i for i, row in enumerate(rows) if len(row) > len(heading))
        hint = f' {POINTS}' if separator == ',' and DECIMAL_COMMA.search(','.join(rows[number])) else ''
        cells = f'{len(rows[number])} cells, the heading has {len(heading)}'
        raise LabelsError(f'{path}: row {number} (counted from 0) has {cells}.{hint}')
    if separator is not None:
        heading, *rows = _trim([heading, *(row + [''] * (len(heading) - len(row)) for row in rows)])
    return heading, rows


def _drop_index(path, heading, rows):
    """Remove a first column of row numbers or row names, and return a note about it."""
    unnamed = [i for i, name in enumerate(heading or ()) if not name and i]
    if unnamed:
        raise LabelsError(f'{path}: column {unnamed[0]} (counted from 0) has no name. Name or remove it.')
    cells = [row[0] for row in rows]
    if heading is None:
        if len(rows) < _FEWEST or not _is_count(cells):
            return heading, rows, []
    elif heading[0] not in _UNNAMED:
        return heading, rows, []
    elif not _is_index(cells):
        raise LabelsError(f'{path}: the first column has no name, and is not an index. Name or remove it.')
    if len(rows[0] if rows else heading) < 2:
        raise LabelsError(f'{path} holds row numbers alone, no confounds')
    note = f'{path}: the first column is an index without a name. It is not used as a confound.'
    return heading and heading[1:], [row[1:] for row in rows], [note]


def _is_index(cells):
    """Whether a column without a name is an index: row numbers, or text alone."""
    return _is_count(cells) or not any(is_value(cell) for cell in cells)


def _is_count(cells):
    """Whether cells count the rows, from 0 or 1."""
    return any(cells == [str(i) for i in range(first, len(cells) + first)] for first in (0, 1))


def _counts_columns(cells):
    """Whether cells are the numbers that pandas gives to columns without names; two of them may be values."""
    named = cells[1:] if not cells[0] else cells
    return (not cells[0] or len(named) >= _FEWEST) and named == [str(i) for i in range(len(named))]


def _refuse_decimal_commas(path, lines):
    """Refuse numbers with decimal commas in a table without a heading."""
    cells = lines[0].replace(';', ' ').split()
    several = len(cells) > 1 or ';' in lines[0]
    if several and all(is_value(c) or DECIMAL_COMMA.fullmatch(c) for c in cells):
        found = next((cell for cell in cells if not is_value(cell)), None)
        if found:
            raise LabelsError(f'{path}: {found!r} has a decimal comma. {POINTS}')


def _is_split_number(rows):
    """Whether cells on both sides of a comma are rather one number each: 1,05 or -0,3 or 12,50."""
    left, right = zip(*rows, strict=True)
    if not all(re.fullmatch(r'[+-]?\d+', a) and re.fullmatch(r'\d+', b) for a, b in rows):
        return False
    zeros = any(len(b) > 1 and b[0] == '0' for b in right) or any(re.fullmatch(r'-0+', a) for a in left)
    return zeros or {len(b) for b in right} in ({2}, {3}, {4}, {5}, {6})


def is_value(cell):
    """Whether a cell is a number or missing.

    >>> is_value('1e-3'), is_value('n/a'), is_value('0,5')
    (True, True, False)
    """
    if cell in MISSING_CELLS:
        return True
    try:
        to_number(cell)
    except ValueError:
        return False
    return True
