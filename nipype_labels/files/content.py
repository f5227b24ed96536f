# SPDX-License-Identifier: BSD-3-Clause
"""Content of text files: regular files of limited size, compressed or not."""

import bz2
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


def read_content(path, most=MOST_OF_TABLES, error=LabelsError):
    """Return the content of a file, without its compression; ``error`` if it is not a file, or holds more bytes."""
    try:
        # A pipe may never end, nor a device.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise error(f'{path} is not a regular file')
        with Path(path).open('rb') as stream:
            begin = stream.read(6)
            stream.seek(0)
            content = _decompress(stream, begin, most, path, error)
    except OSError as e:
        raise error(f'{path} cannot be read: {e.strerror}') from e
    if len(content) > most:
        raise error(f'{path} holds more than {most / 1e6:.0f} MB')
    return content


def _decompress(stream, begin, most, path, error):
    """Return up to ``most`` + 1 bytes of a file, whose compression its first bytes name."""
    for mark, unpack in _FORMATS.items():
        if begin.startswith(mark):
            try:
                with unpack(stream) as unpacked:
                    return unpacked.read(most + 1)
            except _DAMAGES as e:
                reason = ' '.join(str(e).split())
                raise error(f'{path} is a damaged compressed file ({reason}). Compress it again.') from e
    return stream.read(most + 1)


def _unzip(stream):
    """Open the only file in an archive."""
    archive = zipfile.ZipFile(stream)
    names = archive.namelist()
    if len(names) != 1:
        raise ValueError(f'it holds {len(names)} files, not one')
    return archive.open(names[0])


#: How to open compressed files, by their first bytes.
_FORMATS = {b'\x1f\x8b': gzip.open, b'BZh': bz2.open, b'\xfd7zXZ\x00': lzma.open, b'PK\x03\x04': _unzip}
