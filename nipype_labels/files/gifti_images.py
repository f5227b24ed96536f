# SPDX-License-Identifier: BSD-3-Clause
"""Write GIFTI series of both hemispheres, volume by volume. The same content gives the same bytes."""

import base64
import zlib
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ..core.strategies import RegionIndex
from ..model.errors import GridError
from ..model.grayordinates import CORTEX
from .gifti import SIDES

#: Level of compression, at which values of regions compress well and fast.
_LEVEL = 1


def write_pair(paths, atlas, signals, t_r, is_map=False):
    """Write time series, shape (T, L), at the vertices of their regions as ``.func.gii``; other vertices are 0.

    ``paths`` are those of the left and the right hemisphere. Values are float32, which GIFTI programs read. ``t_r`` is
    the repetition time in s, or None. With ``is_map``, a single volume is not a time series.

    Raises
    ------
    GridError
        If the space of the atlas has other structures than both hemispheres of the cortex.
    ImageError
        If float32 cannot hold a value.
    """
    structures = _list_hemispheres(atlas.space)
    index, size = RegionIndex.of(atlas), atlas.space.size
    with ExitStack() as stack:
        files = [stack.enter_context(Path(path).open('wb')) for path in paths]
        for file, side in zip(files, CORTEX, strict=True):
            file.write(_head(len(signals), side))
        for row in signals:
            values = index.spread(row, size, np.float32)
            for file, (structure, place) in zip(files, structures, strict=True):
                of_mesh = np.zeros(structure.n_vertices, '<f4')
                of_mesh[structure.elements] = values[place]
                file.write(_array(of_mesh, is_map, t_r))
        for file in files:
            file.write(b'</GIFTI>\n')


def _list_hemispheres(space):
    """Return the Structure of the left and of the right hemisphere, each with the slice of its elements."""
    found, start = {}, 0
    for structure in space.structures:
        found[structure.name] = structure, slice(start, start + len(structure.elements))
        start += len(structure.elements)
    if found.keys() != set(CORTEX.values()) or not all(structure.n_vertices for structure, _ in found.values()):
        raise GridError(
            f'{space} has {", ".join(found)}, and .func.gii files have the vertices of both hemispheres of the cortex '
            "alone. Set project='labels' to map values to the vertices of the series"
        )
    return [found[name] for name in CORTEX.values()]


def _head(n_arrays, side):
    """Return all before the arrays."""
    structure = next(name for name, of_side in SIDES.items() if of_side == side)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<GIFTI Version="1.0" NumberOfDataArrays="{n_arrays}">'
        f'{_metadata("AnatomicalStructurePrimary", structure)}<LabelTable/>\n'
    ).encode()


def _array(values, is_map, t_r):
    """Return the array of a volume; the time step is in ms."""
    intent = 'NONE' if is_map else 'TIME_SERIES'
    step = _metadata('TimeStep', repr(float(np.round(1000 * t_r, 9)))) if t_r and not is_map else '<MetaData/>'
    return (
        f'<DataArray Intent="NIFTI_INTENT_{intent}" DataType="NIFTI_TYPE_FLOAT32" '
        f'ArrayIndexingOrder="RowMajorOrder" Dimensionality="1" Dim0="{len(values)}" Encoding="GZipBase64Binary" '
        f'Endian="LittleEndian" ExternalFileName="" ExternalFileOffset="0">{step}<Data>'
    ).encode() + b'%b</Data></DataArray>\n' % base64.b64encode(zlib.compress(values.tobytes(), _LEVEL))


def _metadata(name, value):
    return f'<MetaData><MD><Name>{name}</Name><Value>{value}</Value></MD></MetaData>'
