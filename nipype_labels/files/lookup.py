# SPDX-License-Identifier: BSD-3-Clause
"""Look-up tables: which region id has which name, in all the forms that users have."""

import codecs
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from ..core.errors import LookupTableError
from ..core.regions import LARGEST_ID
from .lookup_places import find_lookup_table, read_header
from .lookup_text import parse_text
from .lookup_xml import parse_xml
from .paths import expand

#: What lists of names call what is no region, lower case.
BACKGROUND = 'background'

#: What completes names that are given more than once.
_HINTS = {'index': '', 'name': ', or add a column "hemi" of L and R, which completes them'}

#: Ids that a message lists before it counts the rest.
MOST = 8

#: Messages about regions that have no name, for %-formatting with the file and with it and the ids.
NO_TABLE = '%s: no look-up table in its header or next to it, so regions are named by their ids'
NO_NAMES = '%s: no name for the region ids %s of the image: they get no column'


def read_lookup_table(path, ids=None):
    """Read a look-up table.

    Parameters
    ----------
    path : path
        BIDS ``dseg.tsv`` or another TSV or CSV with a heading for ids and one for names; lines of an id, a name and
        perhaps a colour, of FreeSurfer, FSLeyes, ITK-SNAP, MRtrix, AAL or wb_command; an XML of FSL, SPM, BrainSuite
        or Julich-Brain; an AFNI label table (``.niml.lt``, or the image that has it in its header); names alone.
        Names that both hemispheres have are completed by the column ``hemi``, and those that remain twice in a BIDS
        ``_dseg.tsv`` by the id.
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
    if path.name.lower().endswith(('.nii', '.nii.gz', '.hdr', '.img', '.img.gz')):
        rows = read_header(path)
        if rows is None:
            raise LookupTableError(f'{path} has no AFNI label table in its header')
    else:
        rows = _parse(_decode(path), path, ids)
    if path.name.endswith('_dseg.tsv'):
        # Users do not edit the tables of a template; ids distinguish what has one name there.
        n_of = Counter(name for _, name in rows)
        rows = [(i, f'{name} ({i})' if n_of[name] > 1 else name) for i, name in rows]
    return check_lookup_table(rows, path)


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
            told = f'{source} gives {len(twice)} entries of {column} more than once: {few}'
            raise LookupTableError(f'{told}; make them unique{_HINTS[column]}')
    bad = [name for name in table['name'] if name in ('', 'n/a') or not name.isprintable()]
    if bad:
        raise LookupTableError(f'{source} has names that can not head a column: {bad[:5]!r}')
    return table


def choose_lookup_table(ids, atlas, names=None, lut=None, warn=lambda message, *values: None):
    """Return the look-up table of an atlas: the one given, else names, else in the header, else next to the image.

    Parameters
    ----------
    ids : array of int, shape (L,)
        Region ids in rising order.
    atlas : path or nibabel image
        A table is looked for next to the file that its voxels are in; voxels in memory have none.
    names : list of str, optional
        In the order of the ids.
    lut : path or DataFrame, optional
    warn : function
        Takes a message and values for it (``%``): called if no table of a file is found, and if ids have no row.

    Returns
    -------
    DataFrame
        Columns ``index`` and ``name``.

    Raises
    ------
    LookupTableError
        If the table can't be read, does not fit, or names none of the ids.
    """
    file = atlas if isinstance(atlas, str | os.PathLike) else _file_of(atlas)
    if isinstance(lut, pd.DataFrame):
        lookup = check_lookup_table(list(zip(lut['index'], lut['name'], strict=True)), 'the look-up table')
        source = 'the look-up table'
    elif names is not None and lut is None:
        return name_by_order(names, ids)
    else:
        in_memory = None if lut is not None or file is atlas else read_header(atlas)
        source = lut or (find_lookup_table(expand(file), file is atlas) if file and in_memory is None else None)
        if source is None and in_memory is None:
            if file is atlas:
                warn(NO_TABLE, file)
            return name_by_order(map(str, ids), ids)
        lookup = read_lookup_table(expand(source), ids) if source else check_lookup_table(in_memory, 'the header')
    _check_named(lookup, ids, source or 'the header', file or 'the atlas', warn)
    return lookup


def _file_of(image):
    """File that the voxels of an image are in, None if they are in memory."""
    file = getattr(getattr(image, 'dataobj', None), 'file_like', None)
    return file if isinstance(file, str | os.PathLike) else None


def _check_named(lookup, ids, source, atlas, warn):
    """Refuse a table that names none of the ids; warn about ids that it does not name."""
    unnamed = ids[~np.isin(ids, lookup['index'])]
    if len(ids) and len(unnamed) == len(ids):
        named, held = (', '.join(map(str, some[:5])) for some in (lookup['index'].tolist(), ids.tolist()))
        raise LookupTableError(f'{source} has names for the ids {named}, but the ids of {atlas} are {held}')
    if len(unnamed):
        rest = f' and {len(unnamed) - MOST} more' if len(unnamed) > MOST else ''
        warn(NO_NAMES, source, ', '.join(map(str, unnamed[:MOST].tolist())) + rest)


def _decode(path):
    """Text of a file: UTF-16 or UTF-8 with a byte-order mark, else UTF-8, else Latin-1."""
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise LookupTableError(f'{path} can not be read: {e.strerror}') from e
    try:
        text = raw.decode('utf-16' if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else 'utf-8-sig')
    except UnicodeDecodeError:
        text = raw.decode('latin-1')
    if '\0' in text:
        raise LookupTableError(f'{path} is not a text, but binary: give a look-up table of ids and names')
    return text


def _parse(text, path, ids):
    """Rows of whatever form the text has."""
    rows = parse_xml(text, path) if text.lstrip().startswith('<') else parse_text(text, path)
    if rows and isinstance(rows[0], str):
        return list(name_by_order(rows, ids, path).itertuples(index=False))
    return rows
