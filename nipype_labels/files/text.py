# SPDX-License-Identifier: BSD-3-Clause
"""Text of a file: compressed or not, UTF-8 or UTF-16."""

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path

from ..core.errors import LabelsError

#: Encodings that a file names by its first bytes; any other file is UTF-8.
MARKS = {
    codecs.BOM_UTF8: 'utf-8-sig',
    codecs.BOM_UTF16_LE: 'utf-16',
    codecs.BOM_UTF16_BE: 'utf-16',
}


def read_text(path):
    """Return the text of a file, compressed or not, in UTF-8 or (by its first bytes) UTF-16."""
    try:
        content = Path(path).read_bytes()
    except OSError as e:
        raise LabelsError(f'{path} cannot be read: {e.strerror}') from e
    try:
        content = _decompress(content)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as e:
        raise LabelsError(
            f'{path} is a damaged compressed file ({" ".join(str(e).split())}). Compress it again.'
        ) from e
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), 'utf-8')
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as e:
        raise LabelsError(f'{path} is not UTF-8 text (byte {e.start}). Save it as UTF-8.') from e
    if '\0' in text:
        raise LabelsError(f'{path} is not text: it holds NUL bytes')
    return text


def _decompress(content):
    """Return content without its compression, which its first bytes name."""
    if content.startswith(b'\x1f\x8b'):
        return gzip.decompress(content)
    if content.startswith(b'BZh'):
        return bz2.decompress(content)
    if content.startswith(b'\xfd7zXZ\x00'):
        return lzma.decompress(content)
    if content.startswith(b'PK\x03\x04'):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if len(names) != 1:
                raise ValueError(f'it holds {len(names)} files, not one')
            return archive.read(names[0])
    return content
