# SPDX-License-Identifier: BSD-3-Clause
"""Parse look-up tables that are text: tables with headings, and lines of a known format."""

import csv
import re
from collections import Counter

from ..model.errors import LookupTableError
from ..model.networks import Place
from .lut_lines import HEX_COLOUR, are_colours, is_id, is_number, no_known_form, parse_lines, to_id, unquoted

#: Headings of columns of ids, in lower case without punctuation; the first one found is used.
INDEX_HEADINGS = (
    *('index', 'id', 'labelid', 'value', 'roiid', 'regionid', 'parcelid', 'labelvalue', 'labelindex', 'roiindex'),
    *('labelnumber', 'roinumber', 'regionnumber', 'parcelnumber', 'roinr', 'number', 'nr', 'no', 'key', 'intensity'),
    *('grayvalue', 'greyvalue', 'component'),
)

#: Headings of columns that have ids in some tables and names in others.
EITHER_HEADINGS = ('label', 'roilabel', 'region', 'roi', 'parcel', 'area')

#: Headings of columns of names; the first one found is used.
NAME_HEADINGS = (
    *('name', 'labelname', 'roiname', 'regionname', 'parcelname', 'structurename', 'areaname', 'fullname', 'longname'),
    *('label', 'structure', 'region', 'roilabel', 'roi', 'parcel', 'area', 'difumonames'),
)

#: Headings of columns of networks and hemispheres, and words of regions without a network.
_NETWORK_HEADINGS = ('network', 'networklabel', 'networkname', 'community', 'yeonetworks7')
_HEMISPHERE_HEADINGS = ('hemisphere', 'hemi', 'hem')
_NO_NETWORK = ('', 'n/a', 'none', 'no network found')

#: Cells of a column of hemispheres that are appended to names of both hemispheres, in lower case.
_HEMISPHERES = ('l', 'r', 'b', 'left', 'right', 'both')

#: Headings of a column of ids for each hemisphere.
_SIDE = re.compile(r'(left|right)(label|labelvalue|labelid|id|index|value|roi|roiid)?')


def parse_text(text, path):
    """Return the pairs (id, name) of a text, or its names if it has one per line; ``path`` is for errors."""
    every = [line for line in text.splitlines() if line.strip()]
    lines = _without_comments(every)
    if not lines:
        return []
    before = every[: every.index(lines[0])][-1:]
    for parse in (_parse_headed, _parse_workbench, _parse_columns, parse_lines):
        rows = parse(lines, path)
        if rows is not None:
            return rows
        if parse is _parse_headed and before:
            # A heading may be a comment. FreeSurfer's heading has no separators and is not needed.
            rows = _parse_headed([before[0].lstrip(' \t#/'), *lines], path, '\t,;', fits=True)
            if rows is not None:
                return rows
    numbered = len(lines) > 1 and all(is_id(line.split()[0]) for line in lines[1:])
    if numbered or any('\t' in line for line in lines) or any(all(s in line for line in lines) for s in ',;'):
        raise LookupTableError(no_known_form(path, lines[0]))
    return [line.strip() for line in lines]


def parse_names(text, path):
    """Return the names of maps in their order, from a table with a heading for names and none for ids; else None.

    LookupTableError if another column may have ids: numbers of all maps in another order.
    """
    lines = _without_comments(text.splitlines())
    for separator in '\t,;':
        heads = (_cells(lines[:1], separator, path) or [[]])[0]
        name = _find_heading(heads, NAME_HEADINGS)
        # "Label name" above lines of an id and a name is two headings.
        if name is None or (len(heads) == 1 and ' ' in heads[0]):
            continue
        if _find_columns(heads, lines, separator, path):
            return None
        rows = _cells(lines[1:], separator, path, len(heads), name == len(heads) - 1)
        wrong = next((row for row in rows if len(row) != len(heads)), None)
        if wrong is not None:
            raise LookupTableError(f'{path}: a row does not fit the headings {", ".join(heads)}: {wrong}')
        for head, *cells in zip(heads, *rows, strict=True):
            numbers = [to_id(cell) for cell in cells if is_id(cell)]
            if numbers != sorted(numbers) and sorted(numbers) in ([*range(len(rows))], [*range(1, len(rows) + 1)]):
                raise LookupTableError(
                    f'{path} has no column of ids, but {head} numbers all rows in another order. If these are the '
                    'numbers of the maps, rename the column to index; otherwise remove it'
                )
        return [row[name] for row in rows]
    return None


def parse_places(text):
    r"""Return the network and hemisphere of regions by id, from columns with such headings; no region without them.

    >>> parse_places('index,name,network_label,hemi\n3,V1,Vis,left\n4,Vermis,n/a,n/a')
    {3: Place(network='Vis', hemisphere='L'), 4: Place(network='', hemisphere='')}
    """
    lines = [line for line in text.splitlines() if line.strip()]
    separator = '\t' if '\t' in lines[0] else ','
    heads = lines[0].split(separator)
    index, network, hemisphere = (
        _find_heading(heads, headings) for headings in (INDEX_HEADINGS, _NETWORK_HEADINGS, _HEMISPHERE_HEADINGS)
    )
    if index is None or (network is None and hemisphere is None):
        return {}
    places = {}
    for line in lines[1:]:
        # One cell more reads as empty, for a column that is missing.
        row = [unquoted(cell.strip()) for cell in line.split(separator)] + ['']
        if len(row) == len(heads) + 1 and is_id(row[index]):
            name, side = row[-1 if network is None else network], row[-1 if hemisphere is None else hemisphere]
            side = side[:1].upper() if side[:1].upper() in ('L', 'R') else ''
            places[to_id(row[index])] = Place('' if name.lower() in _NO_NETWORK else name, side)
    return places


def simplify_heading(heading):
    """Return a heading in lower case without punctuation.

    >>> simplify_heading('Region_ID')
    'regionid'
    """
    return re.sub(r'[\W_]', '', heading).lower()


def add_hemispheres(names, heads, rows):
    """Return the names of rows; the cell of the column of hemispheres is appended to names of both hemispheres.

    >>> add_hemispheres(['V1', 'V1', 'Vermis'], ['name', 'Hemi'], [['V1', 'L'], ['V1', 'R'], ['Vermis', 'B']])
    ['V1 L', 'V1 R', 'Vermis']
    """
    column = _find_heading(heads, _HEMISPHERE_HEADINGS)
    if column is None:
        return names
    counts, sides = Counter(names), [str(row[column]).strip() for row in rows]
    return [
        f'{name} {side}' if counts[name] > 1 and side.lower() in _HEMISPHERES else name
        for name, side in zip(names, sides, strict=True)
    ]


def _without_comments(lines):
    """Return the lines that are neither blank nor comments."""
    return [line for line in lines if line.strip() and not line.lstrip().startswith(('#', '//'))]


def _parse_headed(lines, path, separators=('\t', ',', ';', None), fits=False):
    """Return the pairs of a table with headings, else None; if rows must fit (``fits``) and do not, also None."""
    for separator in separators:
        heads = _cells(lines[:1], separator, path)
        columns = heads and _find_columns(heads[0], lines, separator, path)
        if not columns:
            continue
        indices, name = columns
        n = len(heads[0])
        rows = _cells(lines[1:], separator, path, n, name == n - 1)
        wrong = next((row for row in rows if len(row) != n or not _has_ids(row, indices)), None)
        if wrong is None:
            return _pair_names(heads[0], rows, indices, name)
        if not fits:
            raise LookupTableError(f'{path}: a row does not fit the headings {", ".join(heads[0])}: {wrong}')
    return None


def _find_columns(heads, lines, separator, path):
    """Return the columns of ids, each with the suffix of its names, and the column of names; None without headings."""
    keys = [simplify_heading(head) for head in heads]
    sides = [(i, f' {side[1]}') for i, key in enumerate(keys) if (side := _SIDE.fullmatch(key))]
    either = [i for heading in EITHER_HEADINGS for i, key in enumerate(keys) if key == heading]
    ids = [i for heading in INDEX_HEADINGS for i, key in enumerate(keys) if key == heading]
    if ids:
        indices = [(ids[0], '')]
    elif len(sides) == 2 and sides[0][1] != sides[1][1]:
        indices = sides
    else:
        rows = _cells(lines[1:], separator, path, len(heads)) if either else []
        indices = [(i, '') for i in either if rows and all(len(row) > i and is_id(row[i]) for row in rows)][:1]
    names = [i for heading in NAME_HEADINGS for i, key in enumerate(keys) if key == heading]
    taken = [i for i, _ in indices]
    names = [i for i in names if i not in taken]
    if not indices or not names:
        return None
    if any(keys.count(keys[i]) > 1 for i in (*taken, names[0])):
        raise LookupTableError(f'{path} has columns of the same name: {", ".join(heads)}')
    return indices, names[0]


def _find_heading(heads, headings):
    """Return the position of the first of ``headings`` that a table has, None without any."""
    keys = [simplify_heading(head) for head in heads]
    return next((keys.index(heading) for heading in headings if heading in keys), None)


def _pair_names(heads, rows, indices, name):
    """Return the pairs (id, name) of rows; the hemisphere is appended to the names of both hemispheres."""
    names = add_hemispheres([row[name] for row in rows], heads, rows)
    pairs = []
    for row, text in zip(rows, names, strict=True):
        given = {to_id(row[i]): side for i, side in indices if row[i]}
        pairs += [(number, text + side if len(given) > 1 else text) for number, side in given.items()]
    return pairs


def _has_ids(row, indices):
    """Whether a row has ids in the columns of ids; the cell of one hemisphere may be empty."""
    given = [row[i] for i, _ in indices]
    filled = [cell for cell in given if cell]
    return bool(filled) and all(map(is_id, filled))


def _cells(lines, separator, path, n=None, open_end=False):
    """Return the cells of lines, None for invalid quotation; with ``open_end``, the last of ``n`` may have blanks."""
    if separator is None:
        return [line.split(maxsplit=n - 1 if open_end else -1) for line in lines]
    # In tables with tabs, quotation marks may be part of a name, except around a whole cell.
    quoting = csv.QUOTE_NONE if separator == '\t' else csv.QUOTE_MINIMAL
    options = dict(delimiter=separator, quoting=quoting, skipinitialspace=True, strict=True)
    try:
        rows = [[unquoted(cell) for cell in row] for row in csv.reader([f'{line}\n' for line in lines], **options)]
    except csv.Error as e:
        if n is None:
            return None
        raise LookupTableError(f'{path} is not a table: {e}. Is a quotation mark left open?') from e
    for row in rows if n else ():
        while len(row) > n and not row[-1]:  # separators at the end of a line
            row.pop()
    return rows


def _parse_workbench(lines, path):
    """Return the pairs of wb_command, a name before each line ``key red green blue alpha``, else None."""
    key = re.compile(r'\s*-?\d+(\s+[\d.]+){4}\s*')
    names, keys = lines[::2], lines[1::2]
    if len(names) != len(keys) or not all(map(key.fullmatch, keys)) or all(map(key.fullmatch, names)):
        return None
    return [(int(line.split()[0]), name.strip()) for name, line in zip(names, keys, strict=True)]


def _parse_columns(lines, path):
    """Return the pairs of columns without headings, separated by tabs, commas or semicolons, else None."""
    for separator in '\t,;':
        try:
            rows = _cells(lines, separator, path, len(lines[0].split(separator)))
        except LookupTableError:
            continue
        n = len(rows[0])
        if n < 2 or any(len(row) != n for row in rows):
            continue
        columns = list(zip(*rows, strict=True))
        ids = next((i for i in (0, n - 1) if all(map(is_id, columns[i]))), None)
        if ids is None:
            continue
        name = _find_name(columns, ids)
        if name is None:
            raise LookupTableError(no_known_form(path, lines[0]))
        return [(to_id(row[ids]), row[name]) for row in rows]
    return None


def _find_name(columns, ids):
    """Return the position of the column of names; None if it is missing or ambiguous."""
    others = [i for i in range(len(columns)) if i != ids]
    if len(others) == 1:
        return others[0]
    texts = [i for i in others if not all(map(_is_not_name, columns[i]))]
    if len(columns) == 3 and ids == 2 and len(texts) == 2:
        return 1  # AAL: abbreviation, name, id
    if len(texts) != 1:
        return None
    before = columns[1 : texts[0]] if ids == 0 else columns[: texts[0]]
    # A number before the name may be the id, for example after row numbers that pandas has written.
    numbers = [column for column in before if all(map(is_number, column))]
    return texts[0] if not numbers or are_colours(numbers) else None


def _is_not_name(cell):
    """Whether a cell is empty, numbers or a colour."""
    return not cell or bool(HEX_COLOUR.fullmatch(cell)) or all(map(is_number, re.split(r'[\s,]+', cell)))
