# SPDX-License-Identifier: BSD-3-Clause
"""Three-dimensional images: grids, labels and masks."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from ..core import grid
from ..core.errors import GridError, ImageError

#: How far from a whole number a stored label may lie; float images of labels hold 0.99999 for 1.
LABEL_TOLERANCE = 1e-3


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
    except (OSError, ValueError, EOFError, nib.filebasedimages.ImageFileError, nib.spatialimages.HeaderDataError) as e:
        raise ImageError(f'{path} is not an image that nibabel can open: {_one_line(e)}') from e
    if not isinstance(image, nib.spatialimages.SpatialImage) or len(image.shape) < 3 or 0 in image.shape:
        raise ImageError(f'{path} is no volume image, its shape is {getattr(image, "shape", None)}')
    grid.check_affine(image.affine, f'the affine of {path}')
    return image


def read_grid(path):
    """Grid of an image of three or more dimensions, from its header alone."""
    image = load(path)
    return Grid(str(path), tuple(image.shape[:3]), image.affine)


def read_labels(path, background_label=0):
    """Read a label image.

    Parameters
    ----------
    path : path
        3D, or 4D with one volume; integers, or floats within 0.001 of integers.
    background_label : int
        What non-finite voxels become.

    Returns
    -------
    labels : array of int32, shape (I, J, K)
    grid : Grid

    Raises
    ------
    ImageError
        If voxels are no whole numbers of 32 bits.
    """
    values, where = read_volume(path)
    values = np.where(np.isfinite(values), values, background_label)
    labels = np.rint(values)
    wrong = np.abs(values - labels) > LABEL_TOLERANCE
    if wrong.any():
        few = ', '.join(f'{value:.6g}' for value in np.unique(values[wrong])[:5])
        raise ImageError(f'{path} holds values that are no region ids: {few}; it may have been interpolated')
    bounds, least, largest = np.iinfo(np.int32), float(labels.min()), float(labels.max())
    if least < bounds.min or largest > bounds.max:
        raise ImageError(f'{path} holds ids beyond 32 bits: {least:.0f} to {largest:.0f}')
    return labels.astype(np.int32), where


def read_mask(path):
    """Read a mask.

    Parameters
    ----------
    path : path
        3D, or 4D with one volume; 0 is outside, one other value inside.

    Returns
    -------
    mask : array of bool, shape (I, J, K)
    grid : Grid

    Raises
    ------
    ImageError
        If it is empty or holds more than one value beside 0.
    """
    values, where = read_volume(path)
    values = np.where(np.isfinite(values), values, 0)
    inside = np.unique(values[values != 0])
    if not len(inside):
        raise ImageError(f'{path} is an empty mask: every voxel is 0')
    if len(inside) > 1:
        few = ', '.join(f'{value:.6g}' for value in inside[:5])
        raise ImageError(f'{path} is no mask: it holds {len(inside)} values beside 0 ({few}, …); threshold it first')
    return values != 0, where


def write_volume(path, volume, affine):
    """Write a 3D image as NIfTI; integers in the smallest type that holds them, unscaled.

    Parameters
    ----------
    path : path
    volume : array, shape (I, J, K)
    affine : array, shape (4, 4)
    """
    volume = np.asarray(volume)
    if volume.dtype.kind == 'b':
        volume = volume.astype(np.uint8)
    elif volume.dtype.kind in 'iu':
        least, largest = int(volume.min(initial=0)), int(volume.max(initial=0))
        kinds = (np.uint8, np.int16, np.int32)
        volume = volume.astype(next(k for k in kinds if np.iinfo(k).min <= least and largest <= np.iinfo(k).max))
    image = nib.Nifti1Image(volume, affine)
    image.header.set_xyzt_units('mm', 'sec')
    nib.save(image, path)


def read_volume(path):
    """Read all voxels of a 3D image.

    Parameters
    ----------
    path : path
        3D, or 4D with one volume; plain numbers.

    Returns
    -------
    volume : array, shape (I, J, K)
    grid : Grid

    Raises
    ------
    ImageError
        If it holds more than one volume, no plain numbers, or can't be read.
    """
    image = load(path)
    if len(image.shape) > 3 and any(n != 1 for n in image.shape[3:]):
        raise ImageError(f'{path} must hold one volume, its shape is {image.shape}')
    if image.get_data_dtype().kind not in 'iufb':
        raise ImageError(f'{path} holds {image.get_data_dtype()}, no plain numbers')
    try:
        values = np.asanyarray(image.dataobj)
    except (OSError, EOFError, ValueError) as e:
        raise ImageError(f'{path} is damaged: {_one_line(e)}') from e
    shape = tuple(image.shape[:3])
    return values.reshape(shape), Grid(str(path), shape, image.affine)


def _one_line(error):
    return ' '.join(str(error).split())
