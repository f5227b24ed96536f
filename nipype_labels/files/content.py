# SPDX-License-Identifier: BSD-3-Clause
"""Content of text files: regular files of limited size, compressed or not."""

import bz2
import codecs
import gzip
import lzma
import stat
import zipfile
import zlib
from pathlib import Path

from ..model.errors import LabelsError

#: Bytes that a table may hold, and bytes that a JSON file or a look-up table may hold.
MOST_OF_TABLES, MOST_OF_TEXTS = 2**26, 2**24

#: What decompression raises for damaged files; RuntimeError for encrypted ones.
_DAMAGES = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError)

_CHUNK = 2**20


def read_text_content(path, error=LabelsError):
    """Return the content of a JSON file or a look-up table; ``error`` if it is not a file, or holds too many bytes."""
    return _read(path, error, MOST_OF_TEXTS, lambda stream: read_up_to(stream, MOST_OF_TEXTS + 1))


def read_table_content(path, error=LabelsError):
    """Return the content of a table without its compression; ``error`` if it is damaged or holds too many bytes."""
    return _read(path, error, MOST_OF_TABLES, lambda stream: _decompress(stream, path, error))


def decode_text(content):
    """Return bytes as text: UTF-16 or UTF-8 with a byte-order mark, else UTF-8; UnicodeDecodeError for others."""
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode('utf-16' if is_utf_16 else 'utf-8-sig')


def read_up_to(stream, most):
    """Return at most this many bytes of a stream; memory is allocated for bytes that exist."""
    chunks, left = [], most
    while left and (chunk := stream.read(min(left, _CHUNK))):
        chunks.append(chunk)
        left -= len(chunk)
    return b''.join(chunks)


def _read(path, error, most, read):
    try:
        # A pipe may never end, nor a device.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise error(f'{path} is not a regular file')
        with Path(path).open('rb') as stream:
            content = read(stream)
    except OSError as e:
        raise error(f'{path} cannot be read: {e.strerror}') from e
    if len(content) > most:
        raise error(f'{path} holds more than {most / 1e6:.0f} MB')
    return content


def _decompress(stream, path, error):
    begin = stream.read(6)
    stream.seek(0)
    unpack = next((unpack for mark, unpack in _FORMATS.items() if begin.startswith(mark)), None)
    if unpack is None:
        return read_up_to(stream, MOST_OF_TABLES + 1)
    try:
        with unpack(stream) as unpacked:
            return read_up_to(unpacked, MOST_OF_TABLES + 1)
    except _DAMAGES as e:
        reason = ' '.join(str(e).split())
        raise error(f'{path} is a damaged compressed file ({reason}). Compress it again.') from e


def _unzip(stream):
    """Open the only file in an archive."""
    archive = zipfile.ZipFile(stream)
    names = archive.namelist()
    if len(names) != 1:
        raise ValueError(f'it holds {len(names)} files, not one')
    return archive.open(names[0])


#: How to open compressed files, by their first bytes.
_FORMATS = {b'\x1f\x8b': gzip.open, b'BZh': bz2.open, b'\xfd7zXZ\x00': lzma.open, b'PK\x03\x04': _unzip}
