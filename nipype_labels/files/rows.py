# SPDX-License-Identifier: BSD-3-Clause
"""Matrices with a row per file in float32 (``.npy``), and the tables of their rows and columns next to them."""

import io
from contextlib import ExitStack

import numpy as np

from ..model.errors import LabelsError
from .atomic import sync_folder, write_atomically
from .frames import read_table, write_table

#: Names of the tables of rows and columns.
ROWS, EDGES = 'rows.tsv', 'edges.tsv'

#: Column of the table of rows with the digest of the file that a row was made from.
DIGEST = 'digest'

_TYPE = np.dtype('<f4')


def update_rows(path, rows, read):
    """Write a matrix whose rows are made from files; those of files that have not changed are copied, not read.

    The table of rows is removed before the matrix changes, and written last. If it exists, both belong together, also
    after a power failure.

    Parameters
    ----------
    path : Path
        Of the matrix; the tables are in its folder.
    rows : DataFrame of str
        A row per file, with the column ``digest``.
    read : callable
        Takes the number of a row; returns a DataFrame of the columns of the matrix, and their values.

    Raises
    ------
    LabelsError
        If a file cannot be read, or its columns differ from those of the others.
    """
    table = path.with_name(ROWS)
    known, edges = _read_known(path, rows.columns)
    places = [known.get(tuple(row)) for row in rows.to_numpy().tolist()]
    if known and places == list(range(len(known))):
        return
    if not any(place is not None for place in places):
        known, edges = {}, None  # every file has changed, so the regions may be others
    with ExitStack() as stack:
        partial = stack.enter_context(write_atomically(path))
        target = stack.enter_context(partial.open('wb'))
        source = stack.enter_context(path.open('rb')) if known else None
        for number, place in enumerate(places):
            if place is None:
                found, values = read(number)
                # Compared once: files with the same columns return the same table.
                if edges is not None and found is not edges and found.to_numpy().tolist() != edges.to_numpy().tolist():
                    raise LabelsError(f'row {number + 1} of {path} has other columns than the rows before it')
                edges = found
                content = np.asarray(values, dtype=_TYPE).tobytes()
            else:
                content = _read_row(source, place, len(edges), len(known))
            if number == 0:
                target.write(_make_header(len(rows), len(edges)))
            target.write(content)
        target.flush()
        table.unlink(missing_ok=True)
        sync_folder(path.parent)
    for name, content in ((EDGES, edges), (ROWS, rows)):
        with write_atomically(path.with_name(name)) as partial:
            write_table(partial, content)


def read_columns(path, rows, columns):
    """Return some rows and columns (a slice) of a matrix; a memory map would keep whole rows in memory."""
    matrix = np.load(path, mmap_mode='r')
    first, n_columns = matrix.offset + columns.start * _TYPE.itemsize, columns.stop - columns.start
    content = np.empty((len(rows), n_columns), dtype=_TYPE)
    with path.open('rb') as stream:
        for target, row in zip(content, rows, strict=True):
            stream.seek(first + row * matrix.shape[1] * _TYPE.itemsize)
            target[:] = np.frombuffer(stream.read(target.nbytes), _TYPE)
    return content


def _read_known(path, columns):
    """Return the place of each row of an earlier matrix by its cells, and the table of its columns; ({}, None) if none.

    Whatever does not fit, such as a matrix of another size, counts as none.
    """
    try:
        rows, edges = read_table(path.with_name(ROWS)), read_table(path.with_name(EDGES))
        size = path.stat().st_size
    except (LabelsError, OSError):
        return {}, None
    header = _make_header(len(rows), len(edges))
    with path.open('rb') as stream:
        fits = stream.read(len(header)) == header and size == len(header) + len(rows) * len(edges) * _TYPE.itemsize
    if not fits or list(rows.columns) != list(columns):
        return {}, None
    cells = rows.astype(object).where(rows.notna(), None).to_numpy().tolist()
    return {tuple(row): place for place, row in enumerate(cells)}, edges


def _read_row(stream, place, n_columns, n_rows):
    """Return the bytes of a row of a matrix."""
    n_bytes = n_columns * _TYPE.itemsize
    stream.seek(len(_make_header(n_rows, n_columns)) + place * n_bytes)
    return stream.read(n_bytes)


def _make_header(*shape):
    """Return the first bytes of a ``.npy`` file."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {'descr': _TYPE.str, 'fortran_order': False, 'shape': shape})
    return stream.getvalue()
