# SPDX-License-Identifier: BSD-3-Clause
"""Look-up tables: which region id has which name, in all the forms that users have."""

import csv
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from ..core.errors import GridError, ImageError, LookupTableError
from ..core.regions import LARGEST_ID
from .grids import load
from .names import expand

#: Headings under which tables give ids and names, lower case; the first found counts.
INDEX_HEADINGS = ('index', 'id', 'label_id', 'labelid', 'value', 'roi_id')
NAME_HEADINGS = ('name', 'label', 'region', 'label_name', 'roi_name')

#: What lists of names call what is no region, lower case.
BACKGROUND = 'background'

#: NIfTI's code for a header extension written by AFNI.
AFNI_EXTENSION = 4


def read_lookup_table(path, ids=None):
    """Read a look-up table.

    Parameters
    ----------
    path : path
        BIDS ``dseg.tsv`` or another TSV or CSV with a heading for ids and one for names, a FreeSurfer colour table, an
        FSL atlas XML, an AFNI label table (``.niml.lt``, or the image that has it in its header), a text of lines
        ``id name``, or a text of names alone.
    ids : array of int, shape (L,), optional
        Region ids of the atlas in rising order; needed for names alone, which must be as many.

    Returns
    -------
    DataFrame
        Columns ``index`` (int) and ``name`` (str), in the order of the file.

    Raises
    ------
    LookupTableError
        If it has none of these forms, or gives an id or a name twice.
    """
    path = Path(path)
    if not path.is_file():
        raise LookupTableError(f'no such look-up table: {path}')
    if path.name.endswith(('.nii', '.nii.gz')):
        rows = _afni_header(path)
        if rows is None:
            raise LookupTableError(f'{path} has no AFNI label table in its header')
    else:
        rows = _parse(_decode(path), path, ids)
    return check_lookup_table(rows, path)


def header_lookup_table(path):
    """Look-up table that AFNI left in the header of an image; None if there is none."""
    rows = _afni_header(path)
    return None if rows is None else check_lookup_table(rows, path)


def name_by_order(names, ids, source='labels'):
    """Give names to ids in rising order.

    Parameters
    ----------
    names : sequence of str, length L
        Before them may stand ``'Background'``, as in nilearn's lists; it names no region.
    ids : array of int, shape (L,)
    source : str or path
        Where the names are from, for the error.

    Returns
    -------
    DataFrame

    Raises
    ------
    LookupTableError
        If there are not as many names as ids.
    """
    names = list(names)
    if ids is not None and len(names) == len(ids) + 1 and str(names[0]).strip().lower() == BACKGROUND:
        names = names[1:]
    if ids is None or len(names) != len(ids):
        have = 'an unknown number of' if ids is None else len(ids)
        raise LookupTableError(
            f'{source} gives {len(names)} names without ids for {have} regions: give a table of index and name'
        )
    return check_lookup_table(list(zip(np.sort(ids).tolist(), names, strict=True)), source)


def check_lookup_table(rows, source):
    """Make a table of pairs (id, name), refusing what can't head columns.

    Parameters
    ----------
    rows : sequence of (int, str)
    source : str or path
        For the error.

    Returns
    -------
    DataFrame
        Columns ``index`` and ``name``.

    Raises
    ------
    LookupTableError
        If it is empty, has an id beyond 32 bits, repeats an id or a name, or a name is empty, ``n/a`` or holds control
        characters.
    """
    if not rows:
        raise LookupTableError(f'{source} names no region')
    beyond = [name for i, name in rows if abs(int(i)) > LARGEST_ID]
    if beyond:
        raise LookupTableError(f'{source} has ids beyond 32 bits, for the names {beyond[:5]}')
    table = pd.DataFrame({'index': [int(i) for i, _ in rows], 'name': [str(name).strip() for _, name in rows]})
    for column, other in (('index', 'name'), ('name', 'index')):
        twice = table[table[column].duplicated(keep=False)].groupby(column, sort=False)[other].agg(list)
        if len(twice):
            few = '; '.join(f'{column} {value} for {other} {others}' for value, others in twice.head(5).items())
            raise LookupTableError(
                f'{source} gives {len(twice)} entries of {column} more than once: {few}; make them unique'
            )
    bad = [name for name in table['name'] if name in ('', 'n/a') or not name.isprintable()]
    if bad:
        raise LookupTableError(f'{source} has names that can not head a column: {bad[:5]!r}')
    return table


def choose_lookup_table(ids, atlas, names=None, lut=None):
    """Look-up table of an atlas from whatever there is: a table, names, the atlas's header, or its ids alone.

    Parameters
    ----------
    ids : array of int, shape (L,)
        Region ids in rising order.
    atlas : path or nibabel image
    names : list of str, optional
        In the order of the ids.
    lut : path or DataFrame, optional

    Returns
    -------
    DataFrame
        Columns ``index`` and ``name``.

    Raises
    ------
    LookupTableError
        If what there is can't be read, does not fit, or names none of the ids.
    """
    if isinstance(lut, pd.DataFrame):
        return check_lookup_table(list(zip(lut['index'], lut['name'], strict=True)), 'the look-up table')
    if lut is not None:
        lookup = read_lookup_table(expand(lut), ids)
        if not np.isin(lookup['index'], ids).any():
            named, held = (', '.join(map(str, some[:5])) for some in (lookup['index'].tolist(), ids.tolist()))
            image = atlas if isinstance(atlas, str | Path) else 'the atlas'
            raise LookupTableError(f'{lut} has names for ids {named}, and {image} holds none of them but {held}')
        return lookup
    if names is not None:
        return name_by_order(names, ids)
    in_header = header_lookup_table(atlas) if isinstance(atlas, str | Path) else None
    return name_by_order(map(str, ids), ids) if in_header is None else in_header


def _decode(path):
    """Text of a file: UTF-8 with or without a byte-order mark, else Latin-1."""
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise LookupTableError(f'{path} can not be read: {e.strerror}') from e
    try:
        return raw.decode('utf-8-sig')
    except UnicodeDecodeError:
        return raw.decode('latin-1')


def _parse(text, path, ids):
    """Rows of whatever form the text has."""
    if text.lstrip().startswith('<'):
        return _xml(text, path)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(('#', '//'))]
    if not lines:
        return []
    for form in (_headed, _id_name):
        rows = form(lines, path)
        if rows is not None:
            return rows
    if any('\t' in line for line in lines) or all(',' in line for line in lines):
        raise LookupTableError(f'{path} is a table without headings for ids and names, as index and name: {lines[0]!r}')
    table = name_by_order([line.strip() for line in lines], ids, path)
    return list(table.itertuples(index=False))


def _headed(lines, path):
    """Rows of a table with headings for ids and names, else None."""
    for separator in ('\t', ',', ';'):
        # In tabbed tables a quotation mark may be part of a name; one around the whole cell never is.
        quoting = csv.QUOTE_NONE if separator == '\t' else csv.QUOTE_MINIMAL
        options = dict(delimiter=separator, quoting=quoting, skipinitialspace=True, strict=True)
        try:
            heads = [_unquoted(cell) for cell in next(csv.reader(lines[:1], **options))]
        except csv.Error:
            continue
        headings = [head.lower() for head in heads]
        index = next((headings.index(h) for h in INDEX_HEADINGS if h in headings), None)
        name = next((headings.index(h) for h in NAME_HEADINGS if h in headings), None)
        if index is None or name is None:
            continue
        if headings.count(headings[index]) > 1 or headings.count(headings[name]) > 1:
            raise LookupTableError(f'{path} has columns of the same name: {", ".join(heads)}')
        try:
            rows = [
                [_unquoted(cell) for cell in row] for row in csv.reader([f'{line}\n' for line in lines[1:]], **options)
            ]
        except csv.Error as e:
            raise LookupTableError(f'{path} is no table, {e}: is a quotation mark left open?') from e
        wrong = [row for row in rows if len(row) != len(heads) or not _is_id(row[index])]
        if wrong:
            raise LookupTableError(f'{path}: a row does not fit the headings {", ".join(heads)}: {wrong[0]}')
        return [(_to_id(row[index]), row[name]) for row in rows]
    return None


def _unquoted(cell):
    """A cell without space, and without quotation marks around it."""
    cell = cell.strip()
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _id_name(lines, path):
    """Rows of lines ``id name``, else None.

    Behind may stand FreeSurfer's four numbers of a colour, or the id once more; between, ITK-SNAP's six numbers.
    """
    rows = [re.split(r'[\s,]+', line.strip(), maxsplit=1) for line in lines]
    if not all(len(row) == 2 and _is_id(row[0]) for row in rows):
        return None
    ids = [_to_id(i) for i, _ in rows]
    names = [re.sub(r'^(?:[\d.]+\s+){6}(?=")|(?:\s+\d+){4}$', '', rest.strip()) for _, rest in rows]
    shorter = [re.sub(rf'\s+{i}$', '', name) for i, name in zip(ids, names, strict=True)]
    names = shorter if len(set(shorter)) == len(set(names)) else names
    return [(i, _unquoted(name)) for i, name in zip(ids, names, strict=True)]


def _is_id(text):
    """Whether a text is a whole number of not too many digits, be it written as a float."""
    return re.fullmatch(r'\s*-?[0-9]{1,99}(\.0*)?\s*', text) is not None


def _to_id(text):
    """The whole number that a text is."""
    return int(text.split('.')[0])


def _xml(text, path):
    """Rows of an FSL atlas or an AFNI label table."""
    if 'VALUE_LABEL_DTABLE' in text:
        return _afni_pairs(text)
    if '<!ENTITY' in text:
        raise LookupTableError(f'{path} defines entities of its own, which no look-up table needs')
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as e:
        raise LookupTableError(f'{path} is no valid XML: {e}') from e
    rows = [(label.get('index', ''), ''.join(label.itertext()).strip()) for label in root.iter('label')]
    if not rows or not all(_is_id(index) for index, _ in rows):
        raise LookupTableError(f'{path} is no FSL atlas: it has no elements <label index="…">')
    # A probabilistic atlas counts its maps from 0, its summary image of the likeliest region from 1.
    first = 1 if (root.findtext('.//type') or '').strip().lower().startswith('prob') else 0
    return [(_to_id(index) + first, name) for index, name in rows]


def _afni_header(path):
    """Pairs of the AFNI extension in the header of an image, None if there is none."""
    try:
        extensions = getattr(load(path).header, 'extensions', ())
    except (GridError, ImageError) as e:
        raise LookupTableError(str(e)) from e
    texts = [bytes(e.get_content()).decode('utf-8', 'replace') for e in extensions if e.get_code() == AFNI_EXTENSION]
    return next((_afni_pairs(text) for text in texts if 'VALUE_LABEL_DTABLE' in text), None)


def _afni_pairs(text):
    """Pairs ``"id" "name"`` of an AFNI label table, wherever it stands."""
    text = text.replace('&quot;', '"')
    body = re.search(r'<VALUE_LABEL_DTABLE.*?>(.*?)</VALUE_LABEL_DTABLE>', text, re.DOTALL)
    pairs = re.findall(r'"(-?[0-9]{1,99})"\s+"([^"]*)"', body[1]) if body else []
    return [(int(index), name) for index, name in pairs]
