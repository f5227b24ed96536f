# SPDX-License-Identifier: BSD-3-Clause
"""NIfTI headers that nibabel refuses or silently changes: read as NIfTI defines them, or refused."""

import re
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.imageclasses import all_image_classes
from nibabel.openers import ImageOpener

from ..model.errors import ImageError
from .content import MOST_OF_TABLES, read_up_to
from .gzip_streams import is_gzipped

#: Place and type of vox_offset, by the size of the header: NIfTI-1 and NIfTI-2.
VOX_OFFSETS = {348: (108, 'f'), 540: (168, 'q')}

#: Number of bytes that nibabel recognizes formats by.
N_SNIFFED = 1024

#: The argument of zlib for a stream with the header of gzip.
GZIP = 31

#: How far the sum of squares of a quaternion may exceed 1 by rounding.
QUATERNION_TOLERANCE = 0.01


class _Header1(nib.Nifti1Header):
    quaternion_threshold = QUATERNION_TOLERANCE


class _PairHeader1(nib.nifti1.Nifti1PairHeader):
    quaternion_threshold = QUATERNION_TOLERANCE


class _Header2(nib.Nifti2Header):
    quaternion_threshold = QUATERNION_TOLERANCE


class _Image1(nib.Nifti1Image):
    header_class = _Header1


class _Pair1(nib.Nifti1Pair):
    header_class = _PairHeader1


class _Image2(nib.Nifti2Image):
    header_class = _Header2


def open_image_file(path):
    """Open an image by nibabel; quaternions that rounding made too long are scaled to length 1, as NIfTI defines."""
    header_file, begin = _check_extensions(path)
    try:
        return _load(path, header_file, begin)
    except ValueError as e:
        kinds = [kind for kind in (_Image1, _Pair1, _Image2) if kind.path_maybe_image(path)[0]]
        if not kinds or 'w2 should be positive' not in str(e):
            raise
    try:
        return kinds[0].from_filename(path)
    except ValueError as e:
        raise ValueError(
            'quatern_b, quatern_c and quatern_d are not a rotation, the sum of their squares exceeds 1. Correct the '
            'header, for example with fslorient -setqform or by copying that of the original image'
        ) from e


def read_plain_header(path):
    """Return the header of a NIfTI-1 image without extensions as bytes; None for all other files."""
    size = min(VOX_OFFSETS)
    end, (place, kind) = size + 4, VOX_OFFSETS[size]
    if not Path(path).is_file():  # a pipe may never end
        return None
    try:
        with Path(path).open('rb') as stream:
            begin = stream.read(N_SNIFFED)
        header = zlib.decompressobj(GZIP).decompress(begin, end) if is_gzipped(path) else begin[:end]
    except (OSError, zlib.error):
        return None
    if len(header) < end or header[size - 4 : size] != b'n+1\0':
        return None
    # A header of either byte order, behind which the voxels begin.
    plain = [(struct.pack(f'{order}i', size), struct.pack(order + kind, end)) for order in '<>']
    return header if (header[:4], header[place : place + 4]) in plain else None


def _load(path, header_file, begin):
    """Return what ``nibabel.load`` returns, which would read the first bytes of the header file once more."""
    sniff = (begin, header_file)
    for kind in all_image_classes if begin else ():
        is_kind, sniff = kind.path_maybe_image(path, sniff)
        if is_kind:
            return kind.from_filename(path)
    return nib.load(path)  # its error says why not


def _check_extensions(path):
    """Raise ValueError for NIfTI header extensions that are too large to be read into memory.

    Return the name of the header file, and its first bytes.
    """
    n_bytes, begin = 0, b''
    # What cannot be read is reported by nibabel.
    header_file = re.sub(r'\.img(\.gz)?$', r'.hdr\1', str(path))
    with suppress(OSError, EOFError, zlib.error, struct.error), ImageOpener(header_file) as stream:
        begin = stream.read(N_SNIFFED)
        n_bytes = _measure_extensions(begin, stream)
    if n_bytes > MOST_OF_TABLES:
        raise ValueError(f'it has header extensions of {n_bytes / 1e6:.0f} MB, more than {MOST_OF_TABLES / 1e6:.0f} MB')
    return header_file, begin


def _measure_extensions(begin, stream):
    """Return how many bytes the header extensions of a NIfTI file claim, 0 for other files.

    ``begin`` are its first bytes, and ``stream`` goes on behind them.
    """
    for order in '<>':
        (size,) = struct.unpack_from(f'{order}i', begin)
        if size in VOX_OFFSETS and any(begin[size : size + 1]):
            if b'ni' in (begin[4:6], begin[344:346]):  # all that is behind the header of a pair
                return len(begin[max(VOX_OFFSETS) + 4 :]) + len(read_up_to(stream, MOST_OF_TABLES + 1))
            place, kind = VOX_OFFSETS[size]
            (offset,) = struct.unpack_from(order + kind, begin, place)
            return offset if np.isfinite(offset) else 0
    return 0


def check_header(path, image):
    """Raise ImageError for a NIfTI header from which nibabel invents voxel positions, or swaps left and right."""
    header = image.header
    if not isinstance(header, nib.Nifti1Header) or header['sform_code']:
        return
    files = image.file_map
    with files.get('header', files['image']).get_prepare_fileobj('rb') as stream:
        stored = type(header).from_fileobj(stream, check=False)
    codes = [f'{name} {stored[name]}' for name in ('sform_code', 'qform_code') if stored[name] != header[name]]
    if codes:
        raise ImageError(
            f'{path} does not say where its voxels are: its {" and ".join(codes)} is not a code of NIfTI (0 to 5)'
        )
    qfac, sizes = float(stored['pixdim'][0]), stored['pixdim'][1:4]
    if not sizes.all():
        zooms = '×'.join(f'{zoom:g}' for zoom in sizes)
        raise ImageError(f'{path} does not say where its voxels are: they are {zooms} mm large')
    if header['qform_code'] and qfac < 0 and qfac != -1:
        raise ImageError(
            f'{path} has a pixdim[0] (qfac) of {qfac:g}; it must be 1 or -1. Correct the header, for example by '
            'writing a sform (fslorient -setsform)'
        )
