# SPDX-License-Identifier: BSD-3-Clause
"""CIFTI-2 files: header, elements and maps, without the values.

nibabel's axes of the same files take 25 times as long.
"""

import struct
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import nibabel as nib
import numpy as np

from ..core.scaling import Decoder, floating
from ..model.affines import check_affine
from ..model.errors import GridError, ImageError, errors_name, list_names
from ..model.grayordinates import Grayordinates, Structure
from ..model.space import VolumeGrid
from .content import MOST_OF_TABLES
from .element_blocks import elements_per_block
from .xml_streams import parse_floats, parse_integer, parse_integers, parse_tree

#: Bytes of a NIfTI-2 header, with which the header extensions begin, and code of CIFTI's extension.
_HEADER_BYTES, _FLAG_BYTES, _CIFTI_CODE = 540, 4, 32

#: Words for what the columns or rows of a file are.
_KINDS = {
    'BRAIN_MODELS': 'vertices and voxels',
    'PARCELS': 'parcels',
    'SERIES': 'a series',
    'SCALARS': 'maps',
    'LABELS': 'maps of labels',
}

#: Most voxels of a grid, so that an array of their numbers fits into memory.
_MOST_VOXELS = 2**28

#: Most vertices of a mesh.
_MOST_VERTICES = 2**24

#: Most structures whose elements are remembered next to their text: a series and its parcellations have the same ones,
#: of which HCP's and fMRIPrep's files have 21.
MOST_KNOWN = 32


@dataclass(frozen=True)
class CiftiMap:
    """A map of a CIFTI file: its name, and of labels the names by key."""

    name: str
    labels: dict


@dataclass(frozen=True)
class CiftiFile:
    """A dense CIFTI-2 file, opened but not read: its rows are grayordinates, each with all its values in a sequence.

    Attributes
    ----------
    path : str
    space : Grayordinates
    kind : str
        What the columns are: ``SERIES``, ``SCALARS`` or ``LABELS``.
    n_columns : int
        Values of a grayordinate: volumes or maps.
    maps : tuple of CiftiMap
    t_r : float or None
        Repetition time in s.
    stored : dtype
    offset : int
        Where the values begin, in bytes.
    slope, intercept : float
        Of the stored values.
    """

    path: str
    space: Grayordinates
    kind: str
    n_columns: int
    maps: tuple
    t_r: float | None
    stored: np.dtype
    offset: int
    slope: float
    intercept: float

    def decoder(self):
        """Return how stored values become numbers."""
        return Decoder(self.slope, self.intercept)

    def blocks(self):
        """Read the file forward; yield the values of blocks of grayordinates, shape (b, n_columns).

        They are decoded floating-point numbers. Their memory may be used again: copy what you keep.
        """
        n_rows = elements_per_block(self.space.size, self.n_columns, self.stored)
        buffer = np.empty((n_rows, self.n_columns), self.stored)
        with Path(self.path).open('rb') as file:
            file.seek(self.offset)
            for first in range(0, self.space.size, n_rows):
                block = buffer[: self.space.size - first]
                if file.readinto(memoryview(block).cast('B')) < block.nbytes:
                    raise ImageError(f'{self.path} is truncated: it ends in the values of row {first} or behind it')
                yield floating(self.decoder()(block))

    def read_map(self, number):
        """Return the values of a map, shape (n,)."""
        return np.concatenate([values[:, number] for values in self.blocks()])


def open_cifti(path):
    """Return the CiftiFile of a dense series, of dense scalars or dense labels.

    Raises
    ------
    ImageError
        If the file is compressed, damaged, of CIFTI-1 or of another kind; its XML contradicts its header or itself.
    """
    path = str(path)
    if path.lower().endswith('.gz'):
        raise ImageError(f'{path} is compressed, and CIFTI files are not read in their order: gunzip {Path(path).name}')
    with errors_name(path):
        header, content, n_bytes = _read_header(path)
        dims = [int(n) for n in header['dim']]
        if dims[0] < 6 or any(n != 1 for n in dims[1:5]) or min(dims[5:7]) < 1 or any(n > 1 for n in dims[7:]):
            raise ImageError(f'{path} is not a CIFTI file with two dimensions: the dimensions in its header are {dims}')
        root = parse_tree(content, path)
        columns, rows = _find_maps(root)
        space = _read_space(rows, dims[6], path)
        kind = _kind(columns)
        maps = _read_named_maps(columns, kind, dims[5])
        t_r = _read_series(columns, dims[5]) if kind == 'SERIES' else None
        stored, offset = header.get_data_dtype(), int(header['vox_offset'])
        if stored.kind not in 'iuf' or stored.itemsize > 8:
            raise ImageError(f'{path} holds {stored}, no plain numbers: integers or floats of at most 64 bits')
        end = offset + dims[5] * dims[6] * stored.itemsize
        if end > n_bytes:
            raise ImageError(f'{path} is truncated: its values would end at byte {end}, and it has {n_bytes} bytes')
    try:
        slope, intercept = header.get_slope_inter()
    except nib.spatialimages.HeaderDataError as e:
        raise ImageError(f'{path}: {e}') from e
    return CiftiFile(path, space, kind, dims[5], maps, t_r, stored, offset, slope or 1.0, intercept or 0.0)


def _read_header(path):
    """Return the NIfTI-2 header, the XML (bytes), and the number of bytes of the file."""
    if not Path(path).is_file():
        raise ImageError(f'no such file: {path}')
    with Path(path).open('rb') as file:
        n_bytes = file.seek(0, 2)
        file.seek(0)
        begin = file.read(_HEADER_BYTES)
        order = next((order for order in '<>' if begin[:4] == struct.pack(f'{order}i', _HEADER_BYTES)), None)
        if order is None or len(begin) < _HEADER_BYTES or begin[4:7] not in (b'n+2', b'ni2'):
            raise ImageError(f'{path} is not a CIFTI file: it does not begin with a NIfTI-2 header')
        header = nib.Nifti2Header(begin, order, check=False)
        try:
            header.get_data_dtype()
        except (nib.spatialimages.HeaderDataError, KeyError) as e:
            raise ImageError(f'{path}: its header has an unknown type of values, {int(header["datatype"])}') from e
        offset = int(header['vox_offset'])
        if not _HEADER_BYTES + _FLAG_BYTES <= offset <= n_bytes:
            raise ImageError(f'{path} has {n_bytes} bytes, and its values can not begin at byte {offset} of them')
        if offset > MOST_OF_TABLES:
            raise ImageError(f'{path} has header extensions of more than {MOST_OF_TABLES / 1e6:.0f} MB')
        return header, _find_xml(file.read(offset - _HEADER_BYTES), order, path), n_bytes


def _find_xml(extensions, order, path):
    """Return the content of CIFTI's extension, from all extensions of a header and their flag."""
    place = _FLAG_BYTES
    while place + 8 <= len(extensions):
        size, code = struct.unpack_from(f'{order}ii', extensions, place)
        if size < 8 or place + size > len(extensions):
            raise ImageError(f'{path} is damaged: a header extension has {size} bytes')
        if code == _CIFTI_CODE:
            return extensions[place + 8 : place + size].rstrip(b'\0')
        place += size
    raise ImageError(f'{path} is not a CIFTI file: its header has no CIFTI extension')


def _find_maps(root):
    """Return the maps of the columns and of the rows in CIFTI's XML."""
    version = root.get('Version', '')
    if root.tag != 'CIFTI' or not version.startswith('2'):
        convert = 'wb_command -file-convert -cifti-version-convert IN 2 OUT'
        is_old = root.tag == 'CIFTI' and version.startswith('1')
        hint = f'it is CIFTI-1. Convert it: {convert}' if is_old else f'version {version[:20]!r} is unknown'
        raise ImageError(f'only CIFTI-2 is read, {hint}')
    found = {}
    for indices in root.iterfind('./Matrix/MatrixIndicesMap'):
        for dimension in indices.get('AppliesToMatrixDimension', '').split(','):
            if dimension in found:
                raise ImageError(f'the XML describes dimension {dimension} twice')
            found[dimension] = indices
    if sorted(found) != ['0', '1']:
        raise ImageError(f'the XML must describe dimensions 0 and 1, not {", ".join(sorted(found))[:60] or "none"}')
    columns, rows = found['0'], found['1']
    if _kind(rows) != 'BRAIN_MODELS' or _kind(columns) not in ('SERIES', 'SCALARS', 'LABELS'):
        words = [_KINDS.get(_kind(each), _kind(each)[:40] or 'unknown') for each in (rows, columns)]
        raise ImageError(
            f'its rows are {words[0]} and its columns {words[1]}. Use a dense series (.dtseries.nii), dense labels '
            '(.dlabel.nii) or dense scalars (.dscalar.nii): rows of vertices and voxels'
        )
    return columns, rows


def _kind(indices):
    """Return what a map of the XML describes, as ``SERIES``."""
    return indices.get('IndicesMapToDataType', '').removeprefix('CIFTI_INDEX_TYPE_')


def _read_space(rows, n_rows, path):
    """Return the Grayordinates of the rows, whose number is that of the header."""
    grid = _read_volume(rows.find('Volume'), path)
    parts = sorted(
        (parse_integer(model.get('IndexOffset'), 'IndexOffset of a brain model'), number, _read_model(model, grid))
        for number, model in enumerate(rows.iterfind('BrainModel'))
    )
    end = 0
    for start, _, structure in parts:
        if start != end:
            raise ImageError(f'{structure.name} begins at row {start} in the XML, where row {end} is next')
        end += len(structure.elements)
    if end != n_rows:
        raise ImageError(f'the XML describes {end} vertices and voxels, and the header has {n_rows} rows')
    structures = tuple(structure for _, _, structure in parts)
    kinds = [(structure.name, structure.n_vertices > 0) for structure in structures]
    twice = [name for name, _ in dict.fromkeys(kind for kind in kinds if kinds.count(kind) > 1)]
    if twice:
        raise ImageError(f'structures are described twice: {list_names(twice)}')
    voxels = [structure.elements for structure in structures if not structure.n_vertices]
    if voxels and not np.diff(np.sort(np.concatenate(voxels))).all():
        raise ImageError('a voxel belongs to two rows')
    return Grayordinates(structures, grid, path)


def _read_volume(volume, path):
    """Return the VolumeGrid of the voxels, None without a volume."""
    if volume is None:
        return None
    shape = parse_integers(volume.get('VolumeDimensions', '').replace(',', ' '), 'VolumeDimensions').tolist()
    if len(shape) != 3 or min(shape) < 1 or shape[0] * shape[1] * shape[2] > _MOST_VOXELS:
        raise ImageError(f'VolumeDimensions must be three positive numbers, not {shape[:4]}')
    matrix = volume.find('TransformationMatrixVoxelIndicesIJKtoXYZ')
    if matrix is None:
        raise ImageError('the volume has no TransformationMatrixVoxelIndicesIJKtoXYZ')
    what = 'TransformationMatrixVoxelIndicesIJKtoXYZ'
    numbers = parse_floats(matrix.text or '', what)
    exponent = parse_integer(matrix.get('MeterExponent', '-3'), 'MeterExponent', -12)
    if len(numbers) != 16 or exponent > 12:
        raise ImageError(f'{what} must be 16 numbers in a unit of length, not {len(numbers)}')
    affine = numbers.reshape(4, 4)
    affine[:3] *= 10.0 ** (exponent + 3)
    try:
        return VolumeGrid(tuple(shape), check_affine(affine, what), path)
    except GridError as e:
        raise ImageError(str(e)) from e


def _read_model(model, grid):
    """Return the Structure of a brain model."""
    name = model.get('BrainStructure', '').removeprefix('CIFTI_STRUCTURE_')
    kind = model.get('ModelType', '').removeprefix('CIFTI_MODEL_TYPE_')
    count = parse_integer(model.get('IndexCount'), f'IndexCount of {name}')
    if not name.isidentifier() or kind not in ('SURFACE', 'VOXELS'):
        raise ImageError(f'a brain model must be SURFACE or VOXELS of a structure, not {kind[:40]!r} of {name[:40]!r}')
    if kind == 'SURFACE':
        n_vertices = parse_integer(model.get('SurfaceNumberOfVertices'), f'SurfaceNumberOfVertices of {name}', 1)
        if n_vertices > _MOST_VERTICES:
            raise ImageError(f'{name} has a mesh of {n_vertices} vertices, more than {_MOST_VERTICES}')
        elements = _read_vertices(model.findtext('VertexIndices', ''), n_vertices, name)
    else:
        n_vertices, elements = 0, _read_voxels(model.findtext('VoxelIndicesIJK', ''), grid and grid.shape, name)
    if len(elements) != count:
        raise ImageError(f'{name} has an IndexCount of {count}, and {len(elements)} vertices or voxels in the XML')
    return Structure(name, elements, n_vertices)


@lru_cache(MOST_KNOWN)
def _read_vertices(text, n_vertices, name):
    """Return the vertices of a structure, which must be unique, in ascending order, and on the mesh."""
    vertices = parse_integers(text, f'vertices of {name}')
    if len(vertices) and not 0 <= vertices.min() <= vertices.max() < n_vertices:
        beyond = vertices[(vertices < 0) | (vertices >= n_vertices)][0]
        raise ImageError(f'{name} has vertex {beyond}, beyond its mesh of {n_vertices} vertices')
    steps = np.diff(vertices)
    if (steps <= 0).any():
        place = int(np.argmax(steps <= 0))
        problem = 'repeated' if (steps == 0).any() else 'not in ascending order'
        raise ImageError(f'the vertices of {name} are {problem}: {vertices[place]} before {vertices[place + 1]}')
    return _freeze(vertices)


@lru_cache(MOST_KNOWN)
def _read_voxels(text, shape, name):
    """Return the numbers of voxels in a grid of this shape (None without a grid) from their indices."""
    index = parse_integers(text, f'voxels of {name}')
    if shape is None:
        raise ImageError(f'{name} has voxels, and the XML has no Volume')
    if len(index) % 3:
        raise ImageError(f'voxels of {name} must have three indices each, not {len(index)} together')
    index = index.reshape(-1, 3)
    is_outside = ((index < 0) | (index >= shape)).any(axis=1)
    if is_outside.any():
        raise ImageError(f'{name} has voxel {index[is_outside][0].tolist()}, outside the volume of {list(shape)}')
    return _freeze(np.ravel_multi_index(tuple(index.T), shape, order='F'))


def _freeze(array):
    """Return an array that several spaces share, and that none can change."""
    array.flags.writeable = False
    return array


def _read_named_maps(columns, kind, n_columns):
    """Return the maps of scalars and labels; a series has none."""
    if kind == 'SERIES':
        return ()
    maps = tuple(
        CiftiMap((each.findtext('MapName') or '').strip(), _read_labels(each) if kind == 'LABELS' else {})
        for each in columns.iterfind('NamedMap')
    )
    if len(maps) != n_columns:
        raise ImageError(f'the XML describes {len(maps)} maps, and the header has {n_columns} columns')
    return maps


def _read_labels(named_map):
    """Return the names of the labels of a map by key."""
    labels = {}
    for label in named_map.iterfind('LabelTable/Label'):
        key = parse_integer(label.get('Key'), 'Key of a label', -(2**31))
        if key in labels:
            raise ImageError(f'the label table has key {key} twice')
        labels[key] = (label.text or '').strip()
    return labels


def _read_series(columns, n_columns):
    """Return the repetition time in s of a series, None if its unit is not time or it is 0."""
    n_points = parse_integer(columns.get('NumberOfSeriesPoints'), 'NumberOfSeriesPoints')
    if n_points != n_columns:
        raise ImageError(f'the XML describes {n_points} volumes, and the header has {n_columns} columns')
    step = parse_floats(columns.get('SeriesStep', ''), 'SeriesStep')
    exponent = parse_integer(columns.get('SeriesExponent', '0'), 'SeriesExponent', -30)
    if len(step) != 1 or exponent > 30 or columns.get('SeriesUnit', 'SECOND') != 'SECOND':
        return None
    # In decimals, so that 720 with the exponent -3 is 0.72 to the last bit.
    t_r = float(Decimal(repr(float(step[0]))).scaleb(exponent))
    return t_r if np.isfinite(t_r) and t_r > 0 else None
