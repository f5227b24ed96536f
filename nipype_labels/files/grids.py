# SPDX-License-Identifier: BSD-3-Clause
"""Headers of images: what a file is, and where its voxels are."""

import math
import os
import threading
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import nibabel as nib

from ..core.choices import check_choice
from ..model.affines import check_affine
from ..model.errors import GridError, ImageError
from ..model.space import VolumeGrid
from .digests import image_files, read_state
from .formats import describe_format, refuse_surface
from .gzip_streams import DEFLATE_RATIO, is_gzipped
from .headers import check_header, open_image_file
from .orientation import compare_sform_qform, explain_unknown_orientation

#: Contradictions that were reported, by path and text.
_reported = set()


def require_orientation(one, other, unknown_orientation='raise', accept="unknown_orientation='accept'"):
    """Raise GridError if left and right of one of two different grids are unknown, unless that is accepted.

    ``unknown_orientation`` is ``'raise'`` or ``'accept'``; ``accept`` is what the user writes to accept it.
    """
    check_choice('unknown_orientation', unknown_orientation)
    if unknown_orientation == 'accept' or one.matches(other):
        return
    for unknown, another in ((one, other), (other, one)):
        if unknown.doubt:
            axes = ''.join(nib.aff2axcodes(unknown.affine))
            raise GridError(
                f'{unknown.path}: left and right are unknown ({unknown.doubt}), and {another.path} is on another voxel '
                f'grid. Correct the header, for example by copying that of the original image (fslcpgeom), or pass '
                f'{accept} to take its axes as {axes}, as nibabel does'
            )


def open_header(path):
    """Open a volume image without reading its voxels; ImageError if nibabel can not, GridError for its affine.

    The image is kept as long as its files are untouched: a run asks for each header many times.
    """
    if not os.path.isfile(path):  # noqa: PTH113 (false, too, for names that no file can have)
        raise ImageError(f'no such image file: {path}')
    states, settled = zip(*map(read_state, image_files(path)), strict=True)
    return _open_again(str(path), states) if all(settled) else _open(path)


@lru_cache(maxsize=64)
def _open_again(path, states):
    """Return the image that files have in these states."""
    return _open(path)


def _open(path):
    """Open and check an image."""
    try:
        with _quiet():
            image = open_image_file(path)
    except Exception as e:  # damaged headers make nibabel raise all kinds
        said = f'{path} is not an image that nibabel can open: {" ".join(str(e).split())}'
        raise ImageError(describe_format(path) or said) from e
    shape = getattr(image, 'shape', ())
    if not isinstance(image, nib.spatialimages.SpatialImage) or len(shape) < 3 or min(shape) < 1:
        raise ImageError(describe_format(path, image) or f'{path} is not a volume image: its shape is {shape}')
    check_affine(image.affine, f'the affine of {path}')
    check_header(path, image)
    return image


def check_size(path, image):
    """Raise ImageError if the header claims more voxels than the file can hold, before memory is allocated."""
    voxels = image.dataobj
    if not isinstance(voxels, nib.arrayproxy.ArrayProxy):
        return
    file = Path(str(voxels.file_like))
    if not file.is_file() or is_compressed_otherwise(file):
        return
    claimed, size = math.prod(image.shape) * voxels.dtype.itemsize, file.stat().st_size
    most = size * (DEFLATE_RATIO if is_gzipped(file) else 1)
    if claimed > most:
        raise ImageError(f'{path} has {size} bytes, too few for the {claimed} bytes of voxels that its header claims')
    # An image that was given the voxels of another file says nothing about the header of that file.
    own = isinstance(image, nib.Nifti1Image) and image.get_filename() == str(file)
    least = image.header.sizeof_hdr if own else 0
    if not least <= voxels.offset <= most:
        raise ImageError(f'{path} has {size} bytes, and its voxels can not begin at byte {voxels.offset:.6g} of them')


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
    """Return the VolumeGrid of an opened image, called ``path``; ImageError if it is surface data."""
    refuse_surface(path, image)
    shape = tuple(int(n) for n in image.shape[:3])
    doubt, contradiction = explain_unknown_orientation(image), compare_sform_qform(image)
    return VolumeGrid(shape, image.affine, str(path), doubt, contradiction)


def report_contradiction(where, report):
    """Pass to ``report`` that sform and qform contradict each other, once for each file and process."""
    if where.contradiction and (where.path, where.contradiction) not in _reported:
        _reported.add((where.path, where.contradiction))
        report(f'{where.path}: {where.contradiction}')


def read_grid(path, whole=False):
    """Return the VolumeGrid of an image from its header; with ``whole``, refuse a file too small for this grid."""
    image = open_header(path)
    if whole:
        check_size(path, image)
    return make_grid(path, image)
