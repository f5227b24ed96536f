# SPDX-License-Identifier: BSD-3-Clause
"""Images that users hold: a name with ``~`` or ``*`` in it, an image in memory, a list of volumes or of runs."""

import glob
import hashlib
import os
from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np

from ..model.affines import check_affine
from ..model.errors import ImageError
from .grids import is_compressed_otherwise, make_grid
from .paths import expand
from .series import Series, make_series, open_series
from .timing import read_header_time

#: What an image in memory is called in errors, unless it knows a file.
UNNAMED = 'an image in memory'

#: The remedy for an image with two contradicting versions of its voxels.
MAKE_ANEW = 'make a new image of the ones you mean: nibabel.Nifti1Image(voxels, image.affine, image.header)'


def open_image(given):
    """Return the Series of one image (path, nibabel image, or list of these), without reading its voxels."""
    series, *others = open_runs(given)
    if others:
        raise ImageError(f'one image is needed, not {1 + len(others)} runs: {series.grid.path}, …')
    return series


def open_runs(given):
    """Return the Series of each run in a path, nibabel image, or list of these, without reading their voxels.

    A path may begin with ``~``, and name several files by ``*``, ``?`` or ``[…]``, which then count as a list of
    them in the order of their names. A list of single volumes is one run. In a list of series, each is a run. Of
    an image in memory, the voxels that it holds count; voxels that were not changed since the image was loaded are
    read from their file. Images of a list must have one grid.
    """
    if isinstance(given, list | tuple):
        return _open_list([series for entry in given for series in open_runs(entry)])
    if isinstance(given, nib.spatialimages.SpatialImage):
        return [_open_in_memory(given)]
    if not isinstance(given, str | os.PathLike):
        raise ImageError(f'a path, an image of nibabel or a list of them is needed, not {type(given).__name__}')
    path = expand(given)
    if not glob.has_magic(str(path)) or path.exists():
        return [open_series(path)]
    found = sorted(glob.glob(str(path)))  # noqa: PTH207 (patterns may be absolute)
    if not found:
        raise ImageError(f'no file is named as {given}')
    return _open_list([open_series(name) for name in found])


def single_image(given):
    """Return one image as the path of its file (str), or as the image in memory."""
    if isinstance(given, list | tuple) and len(given) == 1:
        return single_image(given[0])
    return given if isinstance(given, nib.spatialimages.SpatialImage) else open_image(given).grid.path


class _UnfiledSeries(Series):
    """A series that is not one file."""

    def digest(self):
        """Return a digest of the voxels and of what they mean."""
        digest = hashlib.sha256(self.description.encode())
        for _, block in self.blocks():
            digest.update(block.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class _MemorySeries(_UnfiledSeries):
    """A series whose voxels are in memory: ``data``, shape (I, J, K, T)."""

    data: np.ndarray = None

    def blocks(self, num_threads=1):
        """Go through the series forward; see :meth:`Series.blocks`."""
        for first in range(0, self.n_volumes, self.volumes_per_block):
            block = self.data[..., first : first + self.volumes_per_block]
            yield first, np.ascontiguousarray(block.reshape((self.n_voxels, -1), order='F').T)


@dataclass(frozen=True)
class _JoinedSeries(_UnfiledSeries):
    """Single volumes (``parts``, a tuple of Series), one after another."""

    parts: tuple = ()

    def blocks(self, num_threads=1):
        """Go through all volumes forward, decoded; see :meth:`Series.blocks`."""
        for volume, part in enumerate(self.parts):
            for _, block in part.blocks(num_threads):
                yield volume, np.asarray(part.decoder()(block), dtype=self.stored)


def _open_in_memory(image):
    """Return the Series of an image in memory, read from the file of its voxels if they were not changed."""
    name = str(image.get_filename() or UNNAMED)
    shape = image.shape
    if len(shape) < 3 or min(shape) < 1 or any(n != 1 for n in shape[4:]):
        raise ImageError(f'{name} is not a 3D or 4D series of volumes: its shape is {shape}')
    check_affine(image.affine, f'the affine of {name}')
    where = make_grid(name, image)
    arrays = _cached_arrays(image)
    if _is_streamed(image.dataobj):
        arrays = [data for data in arrays if not _equals_file(data, image)]
        if not arrays:
            return replace(make_series(image, name), grid=where)
    elif not arrays or not nib.is_proxy(image.dataobj):
        # Voxels that were given as an array; what get_fdata() returned may have been changed apart from them.
        arrays = [np.asanyarray(image.dataobj), *arrays]
    if not all(_equal(arrays[0], data) for data in arrays[1:]):
        raise ImageError(f'{name}: dataobj and what get_fdata() returned were changed apart; {MAKE_ANEW}')
    return _wrap_array(arrays[0], where, read_header_time(image))


def _wrap_array(data, where, t_r):
    """Return the Series of an array, shape (I, J, K) or (I, J, K, T, …)."""
    name = where.path
    if isinstance(data, np.ma.MaskedArray):
        raise ImageError(f'{name} is a masked array: fill the voxels that are masked, for example with NaN')
    data = np.asarray(data).reshape((*where.shape, -1))
    data = data.astype(np.uint8) if data.dtype.kind == 'b' else data
    if data.dtype.kind not in 'iuf' or data.dtype.itemsize > 8:
        raise ImageError(f'{name} holds {data.dtype}, no plain numbers: integers or floats of at most 64 bits')
    return _MemorySeries(where, data.shape[3], data.dtype, 0, 1.0, 0.0, t_r, name, data)


def _cached_arrays(image):
    """Return arrays that were read from an image before, which the user may have changed since."""
    kept = (getattr(image, name, None) for name in ('_fdata_cache', '_data_cache'))
    return [data for data in kept if data is not None]


def _is_streamed(voxels):
    """Whether voxels are in a file that is read as a stream; other proxies are read by nibabel."""
    if type(voxels) is not nib.arrayproxy.ArrayProxy or voxels.order != 'F':
        return False
    return isinstance(voxels.file_like, str | os.PathLike) and not is_compressed_otherwise(voxels.file_like)


def _equals_file(data, image):
    """Whether an array that was read from an image still has the values of its file, as nibabel scales them."""
    if data.shape != image.shape:
        return False
    try:
        series = make_series(image, image.get_filename() or UNNAMED)
        volumes = data.reshape((series.n_voxels, -1), order='F')
        return all(
            _equal(volumes[:, first : first + len(block)].T, _scaled(block, image.dataobj, data.dtype))
            for first, block in series.blocks()
        )
    except ImageError:
        # The file is gone or another one by now.
        return False


def _scaled(block, proxy, dtype):
    """Return stored values as ``get_fdata(dtype=…)`` scales them."""
    slope, inter = (np.asanyarray(factor) for factor in (proxy.slope, proxy.inter))
    slope, inter = (f.astype(dtype) if np.can_cast(f.dtype, dtype) else f for f in (slope, inter))
    return nib.volumeutils.apply_read_scaling(block, slope, inter).astype(dtype, copy=False)


def _equal(one, other):
    """Whether two arrays hold the same numbers; NaN equals NaN."""
    return one is other or np.array_equal(one, other, equal_nan=one.dtype.kind == other.dtype.kind == 'f')


def _open_list(images):
    """Return the runs of a list of images."""
    if not images:
        raise ImageError('a list of images must not be empty')
    for image in images[1:]:
        image.grid.require(images[0].grid, 'images of one list must have one grid')
    runs = [image for image in images if image.n_volumes > 1]
    if not runs:
        return [_join(images)]
    if len(runs) < len(images):
        single = next(image for image in images if image.n_volumes == 1)
        raise ImageError(
            'a list must hold series, each of which is a run, or the single volumes of one run, not both: '
            f'{single.grid.path} has 1 volume, {runs[0].grid.path} has {runs[0].n_volumes}'
        )
    return runs


def _join(volumes):
    """Return one series of single volumes."""
    if len(volumes) == 1:
        return volumes[0]
    stored = np.result_type(*(volume.decoder()(np.empty(0, volume.stored)) for volume in volumes))
    return _JoinedSeries(
        grid=volumes[0].grid,
        n_volumes=len(volumes),
        stored=stored,
        offset=0,
        slope=1.0,
        intercept=0.0,
        t_r=None,
        voxel_file=volumes[0].voxel_file,
        parts=tuple(volumes),
    )
