# SPDX-License-Identifier: BSD-3-Clause
"""Streams of values arranged in blocks of elements, each with all its volumes."""

import tempfile

import numpy as np

from ..core.scaling import floating

#: Bytes of stored values that are read at a time: as many in single precision as are reduced at a time.
BLOCK_BYTES = 4 * 2**20

#: Series that are stored volume by volume are held in memory up to this size, else in a temporary file.
_MOST_IN_MEMORY = 64 * 2**20


def elements_per_block(n_elements, n_volumes, stored):
    """Return how many elements are read at a time."""
    return max(1, min(n_elements, BLOCK_BYTES // (n_volumes * stored.itemsize)))


def arrange_rows(pieces, n_elements, n_volumes, stored, decode):
    """Yield values, shape (b, T), of a stream of bytes in which all volumes of an element are together.

    Parameters
    ----------
    pieces : iterable of bytes
        Together the values of all elements.
    n_elements, n_volumes : int
    stored : dtype
    decode : function
        From stored values to numbers.
    """
    n_bytes = elements_per_block(n_elements, n_volumes, stored) * n_volumes * stored.itemsize
    for block in _regroup(pieces, n_bytes):
        yield floating(decode(np.frombuffer(block, stored).reshape(-1, n_volumes)))


def arrange_columns(pieces, n_elements, n_volumes, stored, decode):
    """Yield values, shape (b, T), of a stream of bytes in which all elements of a volume are together.

    The stream is held in memory if it is small, else in a temporary file. See :func:`arrange_rows`.
    """
    n_rows = elements_per_block(n_elements, n_volumes, stored)
    if n_volumes * n_elements * stored.itemsize <= _MOST_IN_MEMORY:
        values = np.empty((n_volumes, n_elements), stored)
        _fill(memoryview(values).cast('B'), pieces)
        for first in range(0, n_elements, n_rows):
            yield floating(decode(values[:, first : first + n_rows].T))
        return
    block = np.empty((n_volumes, n_rows), stored)
    with tempfile.TemporaryFile() as file:
        file.writelines(pieces)
        for first in range(0, n_elements, n_rows):
            n = min(n_rows, n_elements - first)
            for volume in range(n_volumes):
                file.seek((volume * n_elements + first) * stored.itemsize)
                file.readinto(memoryview(block[volume, :n]).cast('B'))
            yield floating(decode(block[:, :n].T))


def _fill(buffer, pieces):
    """Copy the bytes of a stream, which is read to its end, to memory; what does not fit is left to its reader."""
    place = 0
    for piece in pieces:
        n = min(len(piece), len(buffer) - place)
        buffer[place : place + n] = piece[:n]
        place += n


def _regroup(pieces, size):
    """Yield the bytes of a stream in groups of one size, in memory that is used again; the last one may be smaller."""
    buffer, filled = memoryview(bytearray(size)), 0
    for piece in pieces:
        rest = memoryview(piece)
        while len(rest):
            n = min(size - filled, len(rest))
            buffer[filled : filled + n] = rest[:n]
            filled, rest = filled + n, rest[n:]
            if filled == size:
                yield buffer
                filled = 0
    if filled:
        yield buffer[:filled]
