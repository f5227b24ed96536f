# SPDX-License-Identifier: BSD-3-Clause
"""Series of surface data, read as a stream in blocks of vertices and voxels, each with all its volumes."""

from dataclasses import dataclass

import numpy as np

from ..core.scaling import floating
from ..model.errors import ImageError
from ..model.grayordinates import Grayordinates
from .cifti import open_cifti
from .digests import image_digest
from .series import unchanged


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
    def float_type(self):
        """Return the smaller of float32 and float64 that holds the values."""
        empty = [floating(part.decoder()(np.empty(0, part.stored))) for part in self.parts]
        return np.result_type(*empty)

    def blocks(self):
        """Read the series forward; yield the number of the first element of each block, and values, shape (b, T).

        Values are floating-point numbers. Their memory may be used again: copy what you keep. ImageError if a file
        ends early, is damaged, or changed while it was read.
        """
        first = 0
        for path, part in zip(self.files, self.parts, strict=True):
            with unchanged(path):
                for _, values in part.blocks():
                    yield first, values
                    first += len(values)

    def digest(self):
        """Return a digest of every file and of where the values are."""
        return ' '.join([str(self.n_volumes), str(self.space.size), *map(image_digest, self.files)])


def open_surface_series(given):
    """Return the SurfaceSeries of a dense CIFTI series (``.dtseries.nii``), or of a pair of hemispheres."""
    path = str(given[0] if isinstance(given, list | tuple) and len(given) == 1 else given)
    file = open_cifti(path)
    if file.kind != 'SERIES':
        raise ImageError(f'{path} is not a series: its columns are maps. Use a .dtseries.nii file')
    return SurfaceSeries(file.space, file.n_columns, file.t_r, (path,), (file,))
