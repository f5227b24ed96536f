# SPDX-License-Identifier: BSD-3-Clause
"""Arrays of GIFTI files: their description, and their text decoded piece by piece."""

import binascii
import math
from dataclasses import dataclass, field

import numpy as np

from ..model.errors import ImageError
from .gzip_streams import DAMAGE, make_decompressor

#: Characters between numbers, and within Base64.
_BLANKS = (b'\n', b' ', b'\r', b'\t')

#: Most characters of a number.
_LONGEST_NUMBER = 400


@dataclass
class GiftiArray:
    """Description of an array: its intent (as ``LABEL``), type and shape, how its text is encoded, and metadata."""

    intent: str
    stored: np.dtype
    shape: tuple
    is_row_major: bool
    encoding: str
    metadata: dict = field(default_factory=dict)

    @property
    def n_bytes(self):
        """Return the size of the values."""
        return self.stored.itemsize * math.prod(self.shape)


class ValueDecoder:
    """Decodes the text of an array piece by piece; ImageError if it is not what the array claims."""

    def __init__(self, array, where):
        self._array, self._where, self._left = array, where, array.n_bytes
        self._rest, self._is_padded = b'', False
        self._unpack = make_decompressor() if array.encoding == 'GZipBase64Binary' else None

    def decode(self, text):
        """Return the bytes of some text."""
        return self._count(ENCODINGS[self._array.encoding](self, text))

    def finish(self):
        """Return the last bytes."""
        rest = self.decode(b' ') if self._array.encoding == 'ASCII' else b''
        if self._rest.strip():
            raise ImageError(f'{self._where} is damaged: its Base64 ends early')
        if self._left or (self._unpack is not None and not self._unpack.eof):
            n_bytes = self._array.n_bytes
            raise ImageError(f'{self._where} is damaged: it has {n_bytes - self._left} of {n_bytes} bytes of values')
        return rest

    def _count(self, values):
        self._left -= len(values)
        if self._left < 0:
            raise ImageError(f'{self._where} is damaged: it has more than {self._array.n_bytes} bytes of values')
        return values

    def _parse(self, text):
        """Return the bytes of numbers as text, of which the last may go on in the next piece."""
        text = self._rest + text
        end = max(text.rfind(blank) for blank in _BLANKS) + 1
        numbers, self._rest = text[:end].split(), text[end:]
        try:
            if len(self._rest) > _LONGEST_NUMBER:
                raise ValueError('it is too long')
            return np.array(numbers, dtype=self._array.stored).tobytes()
        except (ValueError, OverflowError) as e:
            raise ImageError(f'{self._where} has text that is not a number of its type ({str(e)[:80]})') from e

    def _from_base64(self, text):
        """Return the bytes of Base64, of which the last character may be in the next piece."""
        if any(blank in text for blank in _BLANKS):
            text = b''.join(text.split())
        text = self._rest + text if self._rest else text
        end = len(text) // 4 * 4
        self._rest, text = text[end:], text[:end]
        try:
            if self._is_padded and text:
                raise ValueError('it goes on behind its end')
            self._is_padded = text.endswith(b'=')
            return binascii.a2b_base64(text, strict_mode=True) if text else b''
        except ValueError as e:
            raise ImageError(f'{self._where} is damaged: its Base64 is not valid ({e})') from e

    def _decompress(self, text):
        packed = self._from_base64(text)
        try:
            values = self._unpack.decompress(packed, self._left + 1)
        except DAMAGE as e:
            raise ImageError(f'{self._where} is damaged: its values cannot be decompressed ({e})') from e
        if self._unpack.unused_data:
            raise ImageError(f'{self._where} is damaged: its values go on behind their end')
        return values


#: Encodings of arrays, and how their text becomes bytes.
ENCODINGS = {
    'ASCII': ValueDecoder._parse,
    'Base64Binary': ValueDecoder._from_base64,
    'GZipBase64Binary': ValueDecoder._decompress,
}
