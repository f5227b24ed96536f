# SPDX-License-Identifier: BSD-3-Clause
"""Images that users hold: a name with ``~`` or ``*`` in it, an image in memory, or a list of volumes."""

import glob
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np

from ..core import grid
from ..core.errors import ImageError
from .grids import Grid
from .names import expand
from .series import Series, find_repetition_time, open_series

#: What an image in memory is called in errors, unless it knows a file.
UNNAMED = 'an image in memory'


def open_image(given):
    """Open whatever stands for an image, without reading its voxels.

    Parameters
    ----------
    given : path, nibabel image, or list of these
        A path may begin with ``~``, and name several volumes by ``*``, ``?`` or ``[…]``. A list is one series, of all
        its volumes in turn. An image that was loaded from a file and not touched is read from there.

    Returns
    -------
    Series

    Raises
    ------
    ImageError
        If it is nothing of this kind, or can't be read.
    GridError
        If an affine maps no grid, or images of a list differ in theirs.
    """
    if isinstance(given, list | tuple):
        return _join([open_image(entry) for entry in given])
    if isinstance(given, str | os.PathLike):
        path = expand(given)
        if glob.has_magic(str(path)) and not path.exists():
            found = sorted(glob.glob(str(path)))  # noqa: PTH207 (patterns may be absolute)
            if not found:
                raise ImageError(f'no file is named as {given}')
            return _join([open_series(name) for name in found])
        return open_series(path)
    if not isinstance(given, nib.spatialimages.SpatialImage):
        raise ImageError(f'a path, an image of nibabel or a list of them is needed, not {type(given).__name__}')
    return _open_held(given)


def expand_user(given):
    """A path as text, its ``~`` expanded; an image as it is."""
    return str(expand(given)) if isinstance(given, str | os.PathLike) else given


class _Unfiled(Series):
    """A series that is not one file."""

    def digest(self):
        """Digest of the voxels and of what they mean."""
        digest = hashlib.sha256(self.meaning.encode())
        for _, block in self.blocks():
            digest.update(block.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class _HeldSeries(_Unfiled):
    """A series whose voxels are in memory.

    Attributes
    ----------
    data : array, shape (I, J, K, T)
    """

    data: np.ndarray = None

    def blocks(self, num_threads=1):
        """Go through the series forward; see :meth:`Series.blocks`."""
        for first in range(0, self.n_volumes, self.volumes_per_block):
            block = self.data[..., first : first + self.volumes_per_block]
            yield first, np.ascontiguousarray(block.reshape((self.n_voxels, -1), order='F').T)


@dataclass(frozen=True)
class _JoinedSeries(_Unfiled):
    """Series, or single volumes, one after another.

    Attributes
    ----------
    parts : tuple of Series
    """

    parts: tuple = ()

    def blocks(self, num_threads=1):
        """Go through all volumes forward, decoded; see :meth:`Series.blocks`."""
        before = 0
        for part in self.parts:
            for first, block in part.blocks(num_threads):
                yield before + first, np.asarray(part.decoder()(block), dtype=self.stored)
            before += part.n_volumes


def _open_held(image):
    """An image in memory."""
    name = str(image.get_filename() or UNNAMED)
    shape = image.shape
    if len(shape) < 3 or min(shape) < 1 or any(n != 1 for n in shape[4:]):
        raise ImageError(f'{name} is no 3D or 4D series of volumes: shape {shape}')
    grid.check_affine(image.affine, f'the affine of {name}')
    where = Grid(name, tuple(shape[:3]), image.affine)
    if nib.is_proxy(image.dataobj) and Path(name).is_file():
        series = open_series(name)
        if (*series.grid.shape, series.n_volumes) == (*shape[:3], *shape[3:4], 1)[:4]:
            return replace(series, grid=where, t_r=find_repetition_time(image))
    data = np.asanyarray(image.dataobj).reshape((*shape[:3], -1))
    data = data.astype(np.uint8) if data.dtype.kind == 'b' else data
    if data.dtype.kind not in 'iuf' or data.dtype.itemsize > 8:
        raise ImageError(f'{name} holds {data.dtype}, no plain numbers: integers or floats of at most 64 bits')
    return _HeldSeries(where, data.shape[3], data.dtype, 0, 1.0, 0.0, find_repetition_time(image), name, data)


def _join(parts):
    """One series of several."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        raise ImageError('a list of images must not be empty')
    for part in parts[1:]:
        part.grid.require(parts[0].grid, 'images of one series must have one grid')
    stored = np.result_type(*(part.decoder()(np.empty(0, part.stored)) for part in parts))
    known = {part.t_r for part in parts if part.n_volumes > 1}
    return _JoinedSeries(
        grid=parts[0].grid,
        n_volumes=sum(part.n_volumes for part in parts),
        stored=stored,
        offset=0,
        slope=1.0,
        intercept=0.0,
        t_r=known.pop() if len(known) == 1 else None,
        voxel_file=parts[0].voxel_file,
        parts=tuple(parts),
    )
