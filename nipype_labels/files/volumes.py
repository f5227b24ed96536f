# SPDX-License-Identifier: BSD-3-Clause
"""Read and write 3D images: labels, masks and single volumes."""

from dataclasses import replace

import nibabel as nib
import numpy as np

from ..model.errors import ImageError
from ..model.parameters import LARGEST_ID
from .niimg import open_image
from .orientation import set_orientation

#: Largest distance of a stored label from an integer; float images of labels have 0.99999 for 1.
_LABEL_TOLERANCE = 1e-3


def read_labels(path, background_label=0):
    """Return the labels, int32 of shape (I, J, K), and the grid of a 3D image (or 4D with one volume).

    Voxels are integers, or floats within 0.001 of integers; non-finite ones become ``background_label``.
    """
    if abs(background_label) > LARGEST_ID:
        raise ImageError(f'background_label={background_label} is not a valid id: ids have 32 bits')
    values, where = read_volume(path)
    return to_labels(values, where.path, background_label), where


def to_labels(values, path, background_label=0):
    """Return values as labels, int32; ImageError with the name of the file if they are not labels.

    They are integers, or floats within 0.001 of integers; non-finite ones become ``background_label``.
    """
    if values.dtype.kind == 'f':
        values = _round_labels(np.where(np.isfinite(values), values, background_label), path)
    bounds, least, largest = np.iinfo(np.int32), values.min(), values.max()
    if least < bounds.min or largest > bounds.max:
        raise ImageError(f'{path} holds ids beyond 32 bits: {float(least):.10g} to {float(largest):.10g}')
    return values.astype(np.int32, copy=False)


def _round_labels(values, path):
    """Return values rounded to integers; ImageError if one is not close to an integer."""
    labels = np.rint(values)
    wrong = np.abs(values - labels) > _LABEL_TOLERANCE
    if wrong.any():
        few = ', '.join(f'{value:.6g}' for value in np.unique(values[wrong])[:5])
        raise ImageError(f'{path} holds values that are not region ids: {few}; it may have been interpolated')
    return labels


def read_mask(path):
    """Return the mask, bool of shape (I, J, K), and the grid of an image of 0 and one other value."""
    values, where = read_volume(path)
    values = np.where(np.isfinite(values), values, 0)
    inside = np.unique(values[values != 0])
    if not len(inside):
        raise ImageError(f'{where.path} is an empty mask: every voxel is 0')
    if len(inside) > 1:
        few = ', '.join(f'{value:.6g}' for value in inside[:5])
        raise ImageError(
            f'{where.path} is not a mask: it holds {len(inside)} values other than 0 ({few}, …); threshold it first'
        )
    return values != 0, where


def write_volume(path, volume, affine, doubt=''):
    """Write a 3D image as NIfTI, integers in the smallest sufficient type; ``doubt`` explains unknown axes."""
    volume = np.asarray(volume)
    if volume.dtype.kind == 'b':
        volume = volume.astype(np.uint8)
    elif volume.dtype.kind in 'iu':
        least, largest = int(volume.min(initial=0)), int(volume.max(initial=0))
        kinds = (np.uint8, np.int16, np.uint16, np.int32)
        volume = volume.astype(next(k for k in kinds if np.iinfo(k).min <= least and largest <= np.iinfo(k).max))
    image = nib.Nifti1Image(volume, affine)
    image.header.set_xyzt_units('mm', 'sec')
    if doubt:
        set_orientation(image.header, volume.shape, affine, doubt)
    nib.save(image, path)


def read_volume(path):
    """Return the voxels, shape (I, J, K), and the grid of an image of one volume."""
    series = open_image(path)
    if series.n_volumes != 1:
        shape = (*series.grid.shape, series.n_volumes)
        raise ImageError(f'{series.grid.path} must hold one volume, its shape is {shape}')
    # The stream is read to its end, so that the checksum of a compressed file is verified.
    ((_, block),) = series.blocks()
    # A value that is too large for a measurement may be a label that is too large: it must not become background.
    decoder = replace(series.decoder(), largest=np.inf)
    return decoder(block[0]).reshape(series.grid.shape, order='F'), series.grid
