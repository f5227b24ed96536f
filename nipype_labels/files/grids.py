# SPDX-License-Identifier: BSD-3-Clause
"""Headers of images: what a file is, and where its voxels are."""

import math
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from ..core import grid
from ..core.choices import check_choice
from ..model.errors import GridError, ImageError
from .formats import describe_format, refuse_surface
from .headers import check_header, open_image_file
from .orientation import compare_sform_qform, explain_unknown_orientation

#: Contradictions that were reported, by path and text.
_reported = set()

#: Deflate can't compress further than this; a header that promises more lies.
DEFLATE_RATIO = 1032


@dataclass(frozen=True)
class Grid:
    """Where the voxels of a file are.

    Attributes
    ----------
    path : str
    shape : tuple of 3 ints
    affine : array, shape (4, 4)
        Voxel indices to RAS+ mm.
    doubt : str
        Why left and right are unknown; empty if the header says them.
    contradiction : str
        What sform and qform say differently; empty if they agree.
    """

    path: str
    shape: tuple
    affine: np.ndarray
    doubt: str = ''
    contradiction: str = ''

    def __str__(self):
        return f'{self.path} ({grid.describe(self.shape, self.affine)})'

    def matches(self, other):
        """Whether both files have their voxels in the same places."""
        return grid.same_grid(self.shape, self.affine, other.shape, other.affine)

    def is_identical(self, other):
        """Whether both grids have the same shape, the same affine to the last bit, and the same doubt about it."""
        same = (self.shape, self.doubt) == (other.shape, other.doubt)
        return same and np.array_equal(self.affine, other.affine)

    def require(self, other, remedy):
        """Raise GridError, with both grids and a ``remedy``, unless they match."""
        if not self.matches(other):
            raise GridError(f'grids differ: {self} and {other}; {remedy}')

    def require_orientation(self, other, unknown_orientation='raise', accept="unknown_orientation='accept'"):
        """Raise GridError if left and right of one of two different grids are unknown, unless that is accepted.

        ``unknown_orientation`` is ``'raise'`` or ``'accept'``; ``accept`` is what the user writes to accept it.
        """
        check_choice('unknown_orientation', unknown_orientation, grid.UNKNOWN_ORIENTATION)
        if unknown_orientation == 'accept' or self.matches(other):
            return
        for one, another in ((self, other), (other, self)):
            if one.doubt:
                axes = ''.join(nib.aff2axcodes(one.affine))
                raise GridError(
                    f'{one.path}: left and right are unknown ({one.doubt}), and {another.path} is on another voxel '
                    f'grid. Correct the header, for example by copying that of the original image (fslcpgeom), or pass '
                    f'{accept} to take its axes as {axes}, as nibabel does'
                )


def open_header(path):
    """Open a volume image without reading its voxels; ImageError if nibabel can not, GridError for its affine."""
    if not os.path.isfile(path):  # noqa: PTH113 (false, too, for names that no file can have)
        raise ImageError(f'no such image file: {path}')
    try:
        with _quiet():
            image = open_image_file(path)
    except Exception as e:  # damaged headers make nibabel raise all kinds
        said = f'{path} is not an image that nibabel can open: {" ".join(str(e).split())}'
        raise ImageError(describe_format(path) or said) from e
    shape = getattr(image, 'shape', ())
    if not isinstance(image, nib.spatialimages.SpatialImage) or len(shape) < 3 or min(shape) < 1:
        raise ImageError(describe_format(path, image) or f'{path} is not a volume image: its shape is {shape}')
    grid.check_affine(image.affine, f'the affine of {path}')
    check_header(path, image)
    return image


def check_size(path, image):
    """Raise ImageError if the header promises more voxels than the file can hold, before memory is allocated."""
    voxels = image.dataobj
    if not isinstance(voxels, nib.arrayproxy.ArrayProxy):
        return
    file = Path(str(voxels.file_like))
    if not file.is_file() or is_compressed_otherwise(file):
        return
    promised, size = math.prod(image.shape) * voxels.dtype.itemsize, file.stat().st_size
    most = size * (DEFLATE_RATIO if is_gzipped(file) else 1)
    if promised > most:
        raise ImageError(f'{path} has {size} bytes, too few for the {promised} bytes of voxels its header promises')
    # An image that was given the voxels of another file says nothing about the header of that file.
    own = isinstance(image, nib.Nifti1Image) and image.get_filename() == str(file)
    least = image.header.sizeof_hdr if own else 0
    if not least <= voxels.offset <= most:
        raise ImageError(f'{path} has {size} bytes, and its voxels can not begin at byte {voxels.offset:.6g} of them')


def is_gzipped(path):
    """Whether a file is read through gzip, by its name."""
    return Path(path).suffix.lower() in ('.gz', '.mgz')


def is_compressed_otherwise(path):
    """Whether a file is compressed in a way that is not read as a stream, by its name."""
    return Path(path).suffix.lower() in ('.bz2', '.zst')


@contextmanager
def _quiet():
    """Drop what nibabel logs about a header: the log does not name the file, and errors are raised anyway."""
    logger, own = nib.imageglobals.logger, threading.get_ident()

    def is_of_others(record):
        return record.thread != own

    logger.addFilter(is_of_others)
    try:
        yield
    finally:
        logger.removeFilter(is_of_others)


def make_grid(path, image):
    """Return the Grid of an opened image, called ``path``; ImageError if it is surface data."""
    refuse_surface(path, image)
    shape = tuple(int(n) for n in image.shape[:3])
    return Grid(str(path), shape, image.affine, explain_unknown_orientation(image), compare_sform_qform(image))


def report_contradiction(where, report):
    """Pass to ``report`` that sform and qform contradict each other, once for each file and process."""
    if where.contradiction and (where.path, where.contradiction) not in _reported:
        _reported.add((where.path, where.contradiction))
        report(f'{where.path}: {where.contradiction}')


def read_grid(path, whole=False):
    """Return the Grid of an image from its header; with ``whole``, refuse a file too small for this grid."""
    image = open_header(path)
    if whole:
        check_size(path, image)
    return make_grid(path, image)
