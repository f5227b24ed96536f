# SPDX-License-Identifier: BSD-3-Clause
"""GIFTI files, read as a stream: the text of an array is decoded piece by piece, and never held whole."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..core.scaling import Decoder
from ..model.errors import ImageError, errors_name
from .element_blocks import arrange_columns, arrange_rows
from .gifti_values import ENCODINGS, GiftiArray, ValueDecoder
from .gzip_streams import DAMAGE, DEFLATE_RATIO, is_gzipped, open_stream
from .xml_streams import make_parser, parse_floats, parse_integer, xml_errors_name

#: Bytes of the file that are parsed at a time.
_CHUNK = 2**18

#: Tag behind which values begin.
_DATA = b'<Data>'

#: Types of values by the name in the file.
_TYPES = {
    'NIFTI_TYPE_UINT8': np.dtype('u1'),
    'NIFTI_TYPE_INT8': np.dtype('i1'),
    'NIFTI_TYPE_UINT16': np.dtype('u2'),
    'NIFTI_TYPE_INT16': np.dtype('i2'),
    'NIFTI_TYPE_UINT32': np.dtype('u4'),
    'NIFTI_TYPE_INT32': np.dtype('i4'),
    'NIFTI_TYPE_FLOAT32': np.dtype('f4'),
    'NIFTI_TYPE_FLOAT64': np.dtype('f8'),
}

#: Orders of bytes by the name in the file.
_ORDERS = {'LittleEndian': '<', 'BigEndian': '>', 'GIFTI_ENDIAN_LITTLE': '<', 'GIFTI_ENDIAN_BIG': '>'}

#: Names of encodings in early files.
_OTHER_NAMES = {
    'GIFTI_ENCODING_ASCII': 'ASCII',
    'GIFTI_ENCODING_B64BIN': 'Base64Binary',
    'GIFTI_ENCODING_B64GZ': 'GZipBase64Binary',
    'GIFTI_ENCODING_EXTBIN': 'ExternalFileBinary',
}

#: Intents of arrays that do not hold a value for each vertex.
_OTHER_INTENTS = ('POINTSET', 'TRIANGLE', 'NODE_INDEX', 'LABEL', 'RGB_VECTOR', 'RGBA_VECTOR', 'VECTOR', 'GENMATRIX')

#: Shorter time steps than these ms are seconds that a program has copied, or unknown.
_LEAST_TIME_STEP = 10

#: Hemispheres of AnatomicalStructurePrimary.
SIDES = {'CortexLeft': 'L', 'CortexRight': 'R'}


class GiftiReader:
    """Reads a GIFTI file forward. What it describes is known as far as the file was read.

    Attributes
    ----------
    n_arrays : int
        Number of arrays that the file claims.
    arrays : list of GiftiArray
    metadata : dict
    labels : dict
        Names by key in the label table.
    """

    def __init__(self, path):
        self.path, self.n_arrays = str(path), 0
        self.arrays, self.metadata, self.labels = [], {}, {}
        self._open, self._text, self._pieces = [], None, []
        self._key, self._name, self._payload, self._n_payloads = None, '', None, 0
        self._described, self._is_in_values = None, False
        # Whether the text that is parsed next begins behind values; and that between the values of the last two arrays.
        self._is_behind_values, self._between = False, None

    def pieces(self):
        """Yield the number of the array and some of its values as bytes, in the order of the file.

        Raises
        ------
        ImageError
            If the file is damaged, refers to another file, or has more or fewer values than it claims.
        """
        if not Path(self.path).is_file():
            raise ImageError(f'no such file: {self.path}')
        parser = make_parser(self.path)
        parser.buffer_size = _CHUNK
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._add_text
        with errors_name(self.path):
            for chunk in self._chunks():
                with xml_errors_name(self.path):
                    self._parse(parser, chunk)
                yield from self._pieces
                self._pieces = []
            if len(self.arrays) != self.n_arrays or not self.arrays:
                raise ImageError(f'it has {len(self.arrays)} arrays, and claims {self.n_arrays}')

    def read_arrays(self):
        """Return the values of every array, a list."""
        values = {}
        for number, piece in self.pieces():
            values.setdefault(number, bytearray()).extend(piece)
        return [
            np.frombuffer(values.get(number, b''), array.stored).reshape(
                array.shape, order='C' if array.is_row_major else 'F'
            )
            for number, array in enumerate(self.arrays)
        ]

    def read_description(self):
        """Read as far as the values of the first array."""
        for _ in self.pieces():
            break
        return self

    @property
    def side(self):
        """Hemisphere in the metadata, empty if it is unknown."""
        named = [array.metadata for array in self.arrays[:1]] + [self.metadata]
        names = [metadata.get('AnatomicalStructurePrimary', '') for metadata in named]
        return next((SIDES[name] for name in names if name in SIDES), '')

    def _chunks(self):
        """Yield the content of the file, and nothing at its end."""
        try:
            with open_stream(self.path) as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
                yield b''
        except DAMAGE as e:
            raise ImageError(f'it is damaged: {e}') from e

    def _parse(self, parser, chunk):
        """Parse a part of the file, an empty one at its end.

        Values from ``<Data>`` to the next tag are decoded at once: expat would take a third of the time for nothing.
        """
        place = 0
        while place < len(chunk):
            if self._is_in_values:
                end = chunk.find(b'<', place)
                self._is_in_values, end = end < 0, len(chunk) if end < 0 else end
                self._is_behind_values = not self._is_in_values
                self._add_values(chunk[place:end])
            else:
                end = chunk.find(_DATA, place) + len(_DATA)
                end = len(chunk) if end < len(_DATA) else end
                self._parse_tags(parser, chunk[place:end])
            place = end
        if not chunk:
            parser.Parse(b'', True)

    def _parse_tags(self, parser, text):
        """Parse text outside of values; expat is not used if it is the same as between the two arrays before."""
        is_behind_values, self._is_behind_values = self._is_behind_values, False
        if is_behind_values and text == self._between:
            self._repeat_array()
            return
        n_arrays = len(self.arrays)
        metadata = dict(self.arrays[-1].metadata) if self.arrays else {}
        parser.Parse(text, False)
        # Not in a comment, and not if expat waits for the rest of a tag.
        self._is_in_values = self._payload is not None and text.endswith(_DATA)
        # Such a text ends an array and describes one. It may not hold values, metadata of the array before, or labels.
        is_between = is_behind_values and self._is_in_values and len(self.arrays) == n_arrays + 1
        is_between = is_between and text.startswith(b'</Data>') and b'<Label' not in text
        self._between = text if is_between and self.arrays[-2].metadata == metadata else None

    def _repeat_array(self):
        """End an array, and begin one with the same description."""
        self._end_values()
        self.arrays.append(replace(self.arrays[-1], metadata=dict(self.arrays[-1].metadata)))
        self._begin_values()
        self._is_in_values = True

    def _begin_values(self):
        self._n_payloads += 1
        self._payload = ValueDecoder(self.arrays[-1], f'array {len(self.arrays)}')

    def _add_values(self, text):
        self._pieces.append((len(self.arrays) - 1, self._payload.decode(text)))

    def _end_values(self):
        self._pieces.append((len(self.arrays) - 1, self._payload.finish()))
        self._payload = None

    def _start(self, tag, attributes):
        if not self._open and tag != 'GIFTI':
            raise ImageError(f'it is not a GIFTI file: its XML begins with {tag[:40]}')
        if self._payload is not None:
            raise ImageError(f'array {len(self.arrays)} is damaged: its values contain the XML element {tag[:40]}')
        parent = self._open[-1] if self._open else ''
        self._open.append(tag)
        self._text = None
        if tag == 'GIFTI':
            self.n_arrays = parse_integer(attributes.get('NumberOfDataArrays'), 'NumberOfDataArrays')
        elif tag == 'DataArray':
            self.arrays.append(self._describe(attributes))
        elif tag == 'Data' and parent == 'DataArray':
            self._begin_values()
        elif tag == 'Label' and parent == 'LabelTable':
            self._key = parse_integer(attributes.get('Key', attributes.get('Index')), 'Key of a label', -(2**31))
            self._text = []
        elif tag in ('Name', 'Value') and parent == 'MD':
            self._text = []

    def _add_text(self, text):
        if self._payload is not None:
            self._add_values(text.encode())
        elif self._text is not None:
            self._text.append(text)

    def _end(self, tag):
        self._open.pop()
        text, self._text = ''.join(self._text or ()).strip(), None
        if tag == 'Data' and self._payload is not None:
            self._end_values()
        elif tag == 'DataArray' and self._n_payloads != len(self.arrays):
            raise ImageError(f'array {len(self.arrays)} must have one Data element')
        elif tag == 'Label' and self._key is not None:
            if self._key in self.labels:
                raise ImageError(f'the label table has key {self._key} twice')
            self.labels[self._key], self._key = text, None
        elif tag == 'Name':
            self._name = text
        elif tag == 'Value':
            of_array = 'DataArray' in self._open and self.arrays
            (self.arrays[-1].metadata if of_array else self.metadata)[self._name] = text

    def _describe(self, attributes):
        """Return the GiftiArray of the attributes of an element."""
        if self.arrays and attributes == self._described:
            return replace(self.arrays[-1], metadata={})
        self._described = attributes
        where = f'array {len(self.arrays) + 1}'
        kind = attributes.get('DataType', '')
        encoding = _OTHER_NAMES.get(attributes.get('Encoding', ''), attributes.get('Encoding', ''))
        if encoding == 'ExternalFileBinary' or attributes.get('ExternalFileName'):
            raise ImageError(
                f'{where} is in another file, {attributes.get("ExternalFileName", "")[:80]!r}, which is not read. '
                'Convert it: wb_command -gifti-convert GZIP_BASE64_BINARY IN OUT'
            )
        if encoding not in ENCODINGS or kind not in _TYPES:
            raise ImageError(f'{where} has an unknown encoding or type: {encoding[:40]!r}, {kind[:40]!r}')
        order = attributes.get('ArrayIndexingOrder', 'RowMajorOrder')
        if order not in ('RowMajorOrder', 'ColumnMajorOrder') or attributes.get('Endian') not in _ORDERS:
            raise ImageError(f'{where} has an unknown ArrayIndexingOrder or Endian')
        n_axes = parse_integer(attributes.get('Dimensionality'), f'Dimensionality of {where}', 1)
        if n_axes > 6:
            raise ImageError(f'{where} has {n_axes} dimensions')
        shape = tuple(parse_integer(attributes.get(f'Dim{i}'), f'Dim{i} of {where}', 1) for i in range(n_axes))
        if encoding == 'ASCII' and order != 'RowMajorOrder' and sum(n > 1 for n in shape) > 1:
            raise ImageError(f'{where} is text in {order}, which programs read differently. Use RowMajorOrder')
        stored = _TYPES[kind].newbyteorder(_ORDERS[attributes['Endian']])
        intent = attributes.get('Intent', '').removeprefix('NIFTI_INTENT_')
        array = GiftiArray(intent, stored, shape, order == 'RowMajorOrder', encoding)
        most = Path(self.path).stat().st_size * DEFLATE_RATIO * (DEFLATE_RATIO if is_gzipped(self.path) else 1)
        if array.n_bytes > most:
            raise ImageError(f'{where} claims {array.n_bytes} bytes of values, too many for the size of the file')
        return array


@dataclass(frozen=True)
class GiftiSeries:
    """A series of the vertices of one hemisphere: one array of V × T values, or T arrays of V values."""

    path: str
    n_elements: int
    n_volumes: int
    t_r: float | None
    stored: np.dtype
    is_row_major: bool

    def decoder(self):
        """Return how stored values become numbers."""
        return Decoder()

    def blocks(self):
        """Yield values of blocks of vertices, shape (b, T)."""
        arrange = arrange_rows if self.is_row_major else arrange_columns
        return arrange(self._pieces(), self.n_elements, self.n_volumes, self.stored, self.decoder())

    def _pieces(self):
        """Yield the values as bytes, and refuse arrays that differ from the first one."""
        reader, checked = GiftiReader(self.path), 0
        for _, piece in reader.pieces():
            for array in reader.arrays[checked:]:
                first = reader.arrays[0]
                if (array.shape, array.stored, array.intent) != (first.shape, first.stored, first.intent):
                    raise ImageError(
                        f'{self.path}: array {checked + 1} differs from the first in shape, type or intent'
                    )
                checked += 1
            yield piece


def open_gifti_series(path, side=''):
    """Return the GiftiSeries in a file; ImageError if it is not a series, or of another hemisphere than ``side``."""
    reader = GiftiReader(path).read_description()
    with errors_name(path):
        first = reader.arrays[0]
        if first.intent in _OTHER_INTENTS:
            raise ImageError(f'it is not a series: its first array has the intent {first.intent}. Use a .func.gii file')
        refuse_other_side(reader, side)
        shape = first.shape if len(first.shape) == 1 or first.shape[1:] != (1,) else first.shape[:1]
        if len(shape) > 2 or (len(shape) == 2 and reader.n_arrays > 1):
            raise ImageError(f'it must be one array of vertices × volumes, or an array for each volume, not {shape}')
        t_r = _read_time_step(first.metadata.get('TimeStep', reader.metadata.get('TimeStep')))
    n_volumes = shape[1] if len(shape) == 2 else reader.n_arrays
    is_row_major = len(shape) == 2 and first.is_row_major
    return GiftiSeries(str(path), shape[0], n_volumes, t_r, first.stored, is_row_major)


def read_hemisphere(path, side):
    """Return the GiftiReader of the file of a hemisphere (``L`` or ``R``), and the values of its arrays, a list.

    ImageError if the file cannot be read, or is of the other hemisphere.
    """
    reader = GiftiReader(path)
    values = reader.read_arrays()
    with errors_name(path):
        refuse_other_side(reader, side)
    return reader, values


def find_numbers(values):
    """Return the number of each vertex, shape (n,), from the values of the arrays of a file; None without these."""
    is_one_each = len(values) == 1 and values[0].size == len(values[0])
    return values[0].ravel() if is_one_each else None


def has_values(path):
    """Return whether the first array of a file has a number for each vertex, and is neither labels nor a mesh."""
    return GiftiReader(path).read_description().arrays[0].intent not in _OTHER_INTENTS


def refuse_other_side(reader, side):
    """Raise ImageError if the metadata of a file name another hemisphere than ``side``, which its name has."""
    if side and reader.side and side != reader.side:
        raise ImageError(f'its name is of hemisphere {side}, and its AnatomicalStructurePrimary of {reader.side}')


def _read_time_step(text):
    """Return a time step in ms as seconds; None if it is unknown."""
    try:
        step = parse_floats(text or '', 'TimeStep')
    except ImageError:
        return None
    return float(step[0]) / 1000 if len(step) == 1 and step[0] >= _LEAST_TIME_STEP else None
