# SPDX-License-Identifier: BSD-3-Clause
"""Headers of images: what a file is, and where its voxels are."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from ..core import grid
from ..core.errors import GridError, ImageError


@dataclass(frozen=True)
class Grid:
    """Where the voxels of a file are.

    Attributes
    ----------
    path : str
    shape : tuple of 3 ints
    affine : array, shape (4, 4)
        Voxel indices to RAS+ mm.
    """

    path: str
    shape: tuple
    affine: np.ndarray

    def __str__(self):
        return f'{self.path} ({grid.describe(self.shape, self.affine)})'

    def matches(self, other):
        """Whether both files have their voxels in the same places."""
        return grid.same_grid(self.shape, self.affine, other.shape, other.affine)

    def require(self, other, remedy):
        """Raise GridError, with both grids and a ``remedy``, unless they match."""
        if not self.matches(other):
            raise GridError(f'grids differ: {self} and {other}; {remedy}')


def load(path):
    """Open an image without reading its voxels.

    Parameters
    ----------
    path : path

    Returns
    -------
    nibabel image

    Raises
    ------
    ImageError
        If there is no such file, or nibabel can't open it as a volume image with at least three axes and an affine.
    """
    if not Path(path).is_file():
        raise ImageError(f'no such image file: {path}')
    try:
        image = nib.load(path)
    except Exception as e:  # damaged headers make nibabel raise all kinds
        raise ImageError(f'{path} is not an image that nibabel can open: {" ".join(str(e).split())}') from e
    shape = getattr(image, 'shape', ())
    if not isinstance(image, nib.spatialimages.SpatialImage) or len(shape) < 3 or min(shape) < 1:
        raise ImageError(f'{path} is no volume image, its shape is {shape}')
    grid.check_affine(image.affine, f'the affine of {path}')
    return image


def read_grid(path):
    """Grid of an image of three or more dimensions, from its header alone."""
    image = load(path)
    return Grid(str(path), tuple(image.shape[:3]), image.affine)
