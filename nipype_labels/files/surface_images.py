# SPDX-License-Identifier: BSD-3-Clause
"""Write CIFTI-2 files: dense labels, series and scalars, and series and scalars of parcels.

The XML has what the specification requires, and the same content gives the same bytes.
"""

import colorsys
import math
import struct
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import nibabel as nib
import numpy as np

from ..core.scaling import narrow
from .cifti import MOST_KNOWN
from .xml_streams import NOT_IN_XML

#: Code and name of the intent in the NIfTI header, by the kind of file.
_INTENTS = {
    'dtseries': (3002, 'ConnDenseSeries'),
    'dscalar': (3006, 'ConnDenseScalar'),
    'dlabel': (3007, 'ConnDenseLabel'),
    'ptseries': (3004, 'ConnParcelSries'),
    'pscalar': (3008, 'ConnParcelScalr'),
}

#: Number of values that are written at a time.
_VALUES = 2**20

#: Name of the label of elements that belong to no region, as in Workbench.
NO_REGION = '???'


def write_dense_labels(path, atlas):
    """Write the regions of an Atlas on Grayordinates as ``.dlabel.nii``; colors are made from ids."""
    names = {int(atlas.background): NO_REGION} | dict(zip(map(int, atlas.ids), atlas.names, strict=True))
    known = np.where(np.isin(atlas.labels, atlas.ids), atlas.labels, atlas.background)
    labels = ''.join(_label(key, names[key], key == atlas.background) for key in sorted(names))
    columns = _columns(
        'LABELS', f'<NamedMap><MapName>parcellation</MapName><LabelTable>{labels}</LabelTable></NamedMap>'
    )
    with _write(path, 'dlabel', columns, _brain_models(atlas.space), (1, atlas.space.size), np.int32) as write:
        write(known[:, None])


def write_dense_scalars(path, space, values, name):
    """Write a map of values, shape (n,), on Grayordinates as ``.dscalar.nii``."""
    with _write(path, 'dscalar', _scalars(name), _brain_models(space), (1, space.size), np.float32) as write:
        write(np.asarray(values)[:, None])


def write_dense_series(path, atlas, signals, t_r, dtype=np.float32, is_map=False):
    """Write time series, shape (T, L), at the elements of their regions as ``.dtseries.nii``; others are 0.

    ``t_r`` is the repetition time in s, or None. With ``is_map``, a single volume becomes ``.dscalar.nii``. ImageError
    if the type cannot hold a value.
    """
    size, order = atlas.space.size, np.argsort(atlas.ids)
    ids, by_region = np.asarray(atlas.ids)[order], np.vstack([np.asarray(signals).T[order], np.zeros(len(signals))])
    place = np.minimum(np.searchsorted(ids, atlas.labels), len(ids) - 1)
    place = np.where(ids[place] == atlas.labels, place, len(ids))
    shape = (len(signals), size)
    kind, columns = ('dscalar', _scalars('projected')) if is_map else ('dtseries', _series(len(signals), t_r))
    with _write(path, kind, columns, _brain_models(atlas.space), shape, dtype) as write:
        n_rows = max(1, _VALUES // len(signals))
        for first in range(0, size, n_rows):
            write(by_region[place[first : first + n_rows]])


def write_parcel_series(path, atlas, signals, t_r):
    """Write time series, shape (T, L), of the regions of an Atlas on Grayordinates as ``.ptseries.nii``."""
    shape = (len(signals), len(atlas.ids))
    with _write(path, 'ptseries', _series(len(signals), t_r), _parcels(atlas), shape, np.float32) as write:
        write(np.asarray(signals).T)


def write_parcel_scalars(path, atlas, values, name):
    """Write a value of each region, shape (L,), of an Atlas on Grayordinates as ``.pscalar.nii``."""
    shape = (1, len(atlas.ids))
    with _write(path, 'pscalar', _scalars(name), _parcels(atlas), shape, np.float32) as write:
        write(np.asarray(values)[:, None])


@contextmanager
def _write(path, kind, columns, rows, shape, dtype):
    """Write all before the values; yield the function that appends rows of them, an array (n, number of columns)."""
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<CIFTI Version="2"><Matrix>'
        f'{columns.format(dimension=0)}{rows.format(dimension=1)}</Matrix></CIFTI>'
    ).encode()
    header = nib.Nifti2Header(endianness='<')
    header.set_data_shape((1, 1, 1, 1, *shape))
    header.set_data_dtype(dtype)
    header['intent_code'], header['intent_name'] = _INTENTS[kind]
    # Extensions are multiples of 16 bytes, and the values begin behind them.
    size = 16 * math.ceil((len(xml) + 8) / 16)
    header['vox_offset'] = len(header.binaryblock) + 4 + size
    header['scl_slope'], header['scl_inter'] = 1, 0
    with Path(path).open('wb') as file:
        file.write(header.binaryblock + b'\1\0\0\0' + struct.pack('<ii', size, 32) + xml.ljust(size - 8, b'\0'))

        def append(values):
            file.write(narrow(values, np.dtype(dtype).newbyteorder('<'), 'an element').tobytes())

        yield append


def _columns(kind, content, attributes=''):
    """Return the description of one dimension; its number is left to be filled in."""
    content = content.replace('{', '{{').replace('}', '}}')
    return (
        f'<MatrixIndicesMap AppliesToMatrixDimension="{{dimension}}" '
        f'IndicesMapToDataType="CIFTI_INDEX_TYPE_{kind}"{attributes}>{content}</MatrixIndicesMap>'
    )


def _series(n_volumes, t_r):
    step = ' SeriesExponent="0" SeriesStart="0" SeriesUnit="SECOND"'
    return _columns('SERIES', '', f' NumberOfSeriesPoints="{n_volumes}"{step} SeriesStep="{float(t_r or 0)!r}"')


def _scalars(name):
    return _columns('SCALARS', f'<NamedMap><MapName>{_text(name)}</MapName></NamedMap>')


def _label(key, name, is_background):
    """Return a row of a label table, whose color is made from its key."""
    rgb = (0, 0, 0) if is_background else colorsys.hsv_to_rgb(key * 0.618034 % 1, 0.5 + key % 3 / 4, 0.9)
    red, green, blue = (f'{value:.3f}' for value in rgb)
    colors = f'Red="{red}" Green="{green}" Blue="{blue}" Alpha="{0 if is_background else 1}"'
    return f'<Label Key="{key}" {colors}>{_text(name)}</Label>'


def _brain_models(space):
    """Return the description of the elements of Grayordinates."""
    models, start = [], 0
    for structure in space.structures:
        n = len(structure.elements)
        on_mesh = f' SurfaceNumberOfVertices="{structure.n_vertices}"'
        kind, extra = ('SURFACE', on_mesh) if structure.n_vertices else ('VOXELS', '')
        models.append(
            f'<BrainModel IndexOffset="{start}" IndexCount="{n}" ModelType="CIFTI_MODEL_TYPE_{kind}" '
            f'BrainStructure="CIFTI_STRUCTURE_{structure.name}"{extra}>{_indices(space, structure)}</BrainModel>'
        )
        start += n
    return _columns('BRAIN_MODELS', _volume(space) + ''.join(models))


def _parcels(atlas):
    """Return the description of regions as parcels."""
    space = atlas.space
    surfaces = ''.join(
        f'<Surface BrainStructure="CIFTI_STRUCTURE_{each.name}" SurfaceNumberOfVertices="{each.n_vertices}"/>'
        for each in space.structures
        if each.n_vertices
    )
    starts = np.cumsum([0, *(len(each.elements) for each in space.structures)])
    parts = [atlas.labels[slice(*starts[i : i + 2])] for i in range(len(space.structures))]
    parcels = []
    for number, name in zip(atlas.ids, atlas.names, strict=True):
        members = [
            structure._replace(elements=structure.elements[labels == number])
            for structure, labels in zip(space.structures, parts, strict=True)
        ]
        content = ''.join(
            f'<Vertices BrainStructure="CIFTI_STRUCTURE_{each.name}">{_join(each.elements)}</Vertices>'
            for each in members
            if each.n_vertices and len(each.elements)
        )
        voxels = [each for each in members if not each.n_vertices and len(each.elements)]
        if voxels:
            content += f'<VoxelIndicesIJK>{_join(_voxels(space, np.concatenate([each.elements for each in voxels])))}'
            content += '</VoxelIndicesIJK>'
        parcels.append(f'<Parcel Name={quoteattr(NOT_IN_XML.sub("?", str(name)))}>{content}</Parcel>')
    content = ''.join(parcels)
    volume = _volume(space) if '<VoxelIndicesIJK>' in content else ''
    return _columns('PARCELS', volume + surfaces + content)


def _volume(space):
    """Return the description of the voxel grid, empty without one."""
    if space.grid is None:
        return ''
    shape = ','.join(map(str, space.grid.shape))
    matrix = ' '.join(repr(float(value)) for value in np.asarray(space.grid.affine).ravel())
    name = 'TransformationMatrixVoxelIndicesIJKtoXYZ'
    return f'<Volume VolumeDimensions="{shape}"><{name} MeterExponent="-3">{matrix}</{name}></Volume>'


def _indices(space, structure):
    """Return the vertices or voxels of a structure."""
    if structure.n_vertices:
        return f'<VertexIndices>{_join_again(structure.elements.astype(np.int64).tobytes())}</VertexIndices>'
    voxels = _voxels(space, structure.elements).astype(np.int64).tobytes()
    return f'<VoxelIndicesIJK>{_join_again(voxels)}</VoxelIndicesIJK>'


def _voxels(space, elements):
    """Return the indices of voxels, three after another."""
    return np.stack(np.unravel_index(elements, space.grid.shape, order='F'), axis=1).ravel()


def _join(numbers):
    return ' '.join(map(str, numbers.tolist()))


@lru_cache(MOST_KNOWN)
def _join_again(content):
    """Return numbers (bytes of int64) as text, which is remembered: the files of a run have the same elements."""
    return _join(np.frombuffer(content, np.int64))


def _text(name):
    return escape(NOT_IN_XML.sub('?', str(name)))
