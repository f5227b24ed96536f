# SPDX-License-Identifier: BSD-3-Clause
"""Streams of gzip, by isal where it is installed, else by Python's zlib: the same content, several times slower."""

import zlib
from pathlib import Path

import numpy as np

try:
    from isal.igzip import IGzipFile as GzipFile
    from isal.isal_zlib import ISAL_DEFAULT_COMPRESSION as LEVEL
    from isal.isal_zlib import decompressobj
    from isal.isal_zlib import error as isal_error
except ImportError:  # a machine for which isal has no wheel
    from gzip import GzipFile
    from zlib import decompressobj

    LEVEL, isal_error = 1, zlib.error

#: Enough numbers for NumPy to compare them by vector instructions.
_SOME = np.zeros(64)

#: Deflate can't compress further than this; a header that claims more is wrong.
DEFLATE_RATIO = 1032

#: What a damaged file raises while it is read.
DAMAGE = (EOFError, OSError, zlib.error, isal_error)


def is_gzipped(path):
    """Whether a file is read through gzip, by its name."""
    return Path(path).suffix.lower() in ('.gz', '.mgz')


def open_stream(path):
    """Open a file for reading, through gzip if its name is that of a gzipped file."""
    return GzipFile(path, 'rb') if is_gzipped(path) else Path(path).open('rb')


def make_decompressor():
    """Return an object that decompresses a stream of zlib, as Python's ``zlib.decompressobj()`` does."""
    return decompressobj()


def free_registers():
    """Mark the upper halves of vector registers as unused.

    isal leaves them in use. Until they are free, code for SSE, such as SciPy's sparse products, takes four times as
    long in the same thread. A comparison by NumPy frees them at its end.
    """
    np.not_equal(_SOME, 0)


def compress_into(file):
    """Return a stream that compresses into an open binary file, with neither time nor name in the header.

    The same content gives the same bytes with isal, and others with zlib.
    """
    return GzipFile('', 'wb', LEVEL, file, mtime=0)
