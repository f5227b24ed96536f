# SPDX-License-Identifier: BSD-3-Clause
"""Series of surface data, read as a stream in blocks of vertices and voxels, each with all its volumes."""

import os
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from nibabel import Cifti2Image

from ..core.scaling import Decoder, floating
from ..model.errors import ImageError, LabelsError
from ..model.grayordinates import CIFTI_NAME, Grayordinates, pair_space
from .cifti import open_cifti
from .digests import image_digest
from .element_blocks import arrange_columns
from .gifti import open_gifti_series
from .grids import check_size, open_header
from .gzip_streams import DAMAGE, open_stream
from .hemispheres import GIFTI_ENDS, MGH_ENDS, find_pair, find_side
from .paths import NIFTI_ENDS, expand
from .series import BLOCK_BYTES, unchanged
from .timing import read_header_time


@dataclass(frozen=True)
class SurfaceSeries:
    """A series of surface data on disk, opened but not read.

    Attributes
    ----------
    space : Grayordinates
    n_volumes : int
        T.
    t_r : float or None
        Repetition time in the header, in s.
    files : tuple of str
        One CIFTI file, or the files of the left and the right hemisphere.
    parts : tuple
        The opened files, whose elements are in this order.
    """

    space: Grayordinates
    n_volumes: int
    t_r: float | None
    files: tuple
    parts: tuple

    @property
    def grid(self):
        """Return the space, as series of volumes name it."""
        return self.space

    @property
    def float_type(self):
        """Return the smaller of float32 and float64 that holds the values."""
        empty = [floating(part.decoder()(np.empty(0, part.stored))) for part in self.parts]
        return np.result_type(*empty)

    def decoder(self, dtype='none'):
        """Return how values of blocks are cast to ``dtype`` (a choice of the parameter)."""
        dtype = {'none': None, 'auto': 'float32'}.get(dtype, dtype)
        return Decoder(dtype=dtype and np.dtype(dtype))

    def blocks(self, num_threads=1):
        """Read the series forward; yield the number of the first element of each block, and values, shape (b, T).

        Values are floating-point numbers. Their memory may be used again: copy what you keep. ImageError if a file
        ends early, is damaged, or changed while it was read.
        """
        first = 0
        for path, part in zip(self.files, self.parts, strict=True):
            with unchanged(path):
                for values in part.blocks():
                    yield first, values
                    first += len(values)

    def digest(self):
        """Return a digest of every file and of where the values are."""
        return ' '.join([str(self.n_volumes), str(self.space.size), *map(image_digest, self.files)])


@dataclass(frozen=True)
class _MghSeries:
    """A series of the vertices of one hemisphere in an image of MGH, a voxel for each vertex."""

    path: str
    n_elements: int
    n_volumes: int
    t_r: float | None
    stored: np.dtype
    offset: int

    def decoder(self):
        """Return how stored values become numbers."""
        return Decoder()

    def blocks(self):
        """Yield values of blocks of vertices, shape (b, T)."""
        return arrange_columns(self._pieces(), self.n_elements, self.n_volumes, self.stored, self.decoder())

    def _pieces(self):
        """Yield the values as bytes; the stream is read to its end, so that its checksum is verified."""
        left = self.n_elements * self.n_volumes * self.stored.itemsize
        try:
            with open_stream(self.path) as file:
                file.seek(self.offset)
                while piece := file.read(BLOCK_BYTES):
                    yield piece[:left]
                    left -= min(left, len(piece))
        except DAMAGE as e:
            raise ImageError(f'{self.path} is damaged: {e}') from e
        if left:
            raise ImageError(f'{self.path} is truncated: {left} bytes of its values are missing')


def open_surface_series(given):
    """Return the SurfaceSeries of a dense CIFTI series (``.dtseries.nii``), or of a pair of hemispheres.

    Parameters
    ----------
    given : path, or sequence of two paths
        ``.dtseries.nii``; or ``.func.gii`` or ``.mgz`` files of two hemispheres, of which one may be given (see
        :func:`~nipype_labels.files.hemispheres.find_pair`).

    Raises
    ------
    ImageError
        If a file cannot be read or is not a series, a partner is missing, or both have unequal numbers of volumes.
    """
    path = str(given[0] if isinstance(given, list | tuple) and len(given) == 1 else given)
    if CIFTI_NAME.search(path):
        file = open_cifti(path)
        if file.kind != 'SERIES':
            raise ImageError(f'{path} is not a series: its columns are maps. Use a .dtseries.nii file')
        return SurfaceSeries(file.space, file.n_columns, file.t_r, (path,), (file,))
    files = find_pair(given)
    left, right = parts = tuple(_open_hemisphere(path, side) for path, side in zip(files, 'LR', strict=True))
    if left.n_volumes != right.n_volumes:
        raise ImageError(f'{files[0]} has {left.n_volumes} volumes, and {files[1]} has {right.n_volumes}')
    if left.t_r and right.t_r and left.t_r != right.t_r:
        raise ImageError(f'{files[0]} has a repetition time of {left.t_r:g} s, and {files[1]} of {right.t_r:g} s')
    space = pair_space(left.n_elements, right.n_elements, files[0])
    return SurfaceSeries(space, left.n_volumes, left.t_r or right.t_r, files, parts)


def open_surface_runs(given):
    """Return the SurfaceSeries of each run in a path, CIFTI image, or list of these.

    A list of the files of a left and of a right hemisphere is one run; in other lists, each entry is a run.

    Raises
    ------
    ImageError
        If a series cannot be opened.
    GridError
        If runs of a list have other vertices or voxels.
    """
    files = find_surface_files(given)
    runs = [open_surface_series(files)] if isinstance(files, str) or _is_pair(files) else []
    if not runs:
        runs = [run for entry in files for run in open_surface_runs(entry)]
    if not runs:
        raise ImageError('a list of series must not be empty')
    for run in runs[1:]:
        run.space.require(runs[0].space, 'series of one list must have the same vertices and voxels')
    return runs


def find_surface_files(given):
    """Return the path of a file of surfaces, or of the file that a CIFTI image was loaded from; of a list, a list."""
    if isinstance(given, list | tuple):
        return [find_surface_files(each) for each in given]
    if isinstance(given, str | os.PathLike):
        path = str(expand(given))
        if _is_volume(path):
            raise ImageError(f'{path} is a volume, not surface data (CIFTI, GIFTI, .annot): use NiftiLabelsMasker')
        return path
    path = given.get_filename() if isinstance(given, Cifti2Image) else None
    if path is None:
        raise ImageError(f'a path, or a CIFTI image of a file is needed, not {type(given).__name__}')
    if given.in_memory:
        raise ImageError(f'{path} may have been changed in memory since it was loaded: save it, and pass its path')
    return str(path)


def _is_volume(path):
    """Return whether a file is a volume image; CIFTI files with names of volumes are not."""
    if not path.lower().endswith(NIFTI_ENDS) or CIFTI_NAME.search(path):
        return False
    with suppress(LabelsError):
        open_header(path)
        return True
    return False


def _is_pair(files):
    """Return whether two paths are of a left and of a right hemisphere."""
    return len(files) == 2 and sorted(find_side(file) for file in files if isinstance(file, str)) == ['L', 'R']


def _open_hemisphere(path, side):
    """Return the opened series of one hemisphere."""
    if path.lower().endswith(GIFTI_ENDS):
        return open_gifti_series(path, side)
    if not path.lower().endswith(MGH_ENDS):
        raise ImageError(f'{path} is not a series of surfaces: use .dtseries.nii, or .func.gii or .mgz files')
    image = open_header(path)
    if image.shape[1:3] != (1, 1):
        raise ImageError(f'{path} is a volume: series of surfaces have one voxel for each vertex, n × 1 × 1')
    check_size(path, image)
    voxels = image.dataobj
    n_volumes = image.shape[3] if len(image.shape) > 3 else 1
    return _MghSeries(
        path, int(image.shape[0]), int(n_volumes), read_header_time(image), np.dtype(voxels.dtype), int(voxels.offset)
    )
