# SPDX-License-Identifier: BSD-3-Clause
"""Series of volumes, read and written as a stream: forward, in blocks, never whole."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import nibabel as nib
import numpy as np

from ..core.scaling import Decoder, floating, narrow
from ..model.errors import ImageError
from ..model.space import VolumeGrid
from .digests import image_digest
from .formats import describe_format
from .grids import check_size, is_compressed_otherwise, make_grid, open_header
from .gzip_streams import DAMAGE, compress_into, free_registers, is_gzipped, open_stream
from .orientation import set_orientation
from .timing import read_header_time

#: A block holds at least one volume, and as many as fit in this.
BLOCK_BYTES = 12 * 2**20

#: Bytes that are decompressed at a time. They are still in the processor's cache when their checksum is computed.
PIECE_BYTES = 2**18

#: The same while another thread computes: so many that Python seldom changes between threads.
PIECE_BYTES_AHEAD = 2**21


@dataclass(frozen=True)
class Series:
    """A series on disk, opened but not read.

    Attributes
    ----------
    grid : VolumeGrid
    n_volumes : int
        T; 1 for a single volume.
    stored : dtype
        Of the voxels as stored.
    offset : int
        Where they begin, in bytes of the uncompressed file.
    slope, intercept : float
        Of the stored values.
    t_r : float or None
        Repetition time in the header, in s.
    voxel_file : str
        The file that holds the voxels.
    """

    grid: VolumeGrid
    n_volumes: int
    stored: np.dtype
    offset: int
    slope: float
    intercept: float
    t_r: float | None
    voxel_file: str

    @property
    def n_voxels(self):
        """Return the number of voxels of a volume."""
        return self.grid.size

    @property
    def volume_bytes(self):
        """Return the size of a volume as stored."""
        return self.n_voxels * self.stored.itemsize

    @property
    def float_type(self):
        """Return the smaller of float32 and float64 that holds the decoded values."""
        return floating(self.decoder()(np.empty(0, self.stored))).dtype

    @property
    def volumes_per_block(self):
        """Return how many volumes are read at a time."""
        return max(1, min(self.n_volumes, BLOCK_BYTES // self.volume_bytes))

    @property
    def description(self):
        """Return what the voxels mean, in words, except for the place of the grid."""
        return f'{self.grid.shape} {self.n_volumes} {self.stored} {self.slope} {self.intercept}'

    def decoder(self, dtype='none'):
        """Return how stored values become numbers, cast to ``dtype`` (a choice of the parameter)."""
        scaled = (self.slope, self.intercept) != (1.0, 0.0)
        if dtype == 'auto':
            dtype = 'none' if self.stored.kind in 'iu' and not scaled else 'float32'
        return Decoder(self.slope, self.intercept, None if dtype == 'none' else np.dtype(dtype))

    def blocks(self, num_threads=1):
        """Read the series forward; yield the index of each block's first volume, and the block, shape (b, I·J·K).

        A block has stored values, each volume flat with its first axis fastest. Its memory is used again: copy what you
        keep. With two or more threads, the next block is read while the last one is processed. ImageError if the file
        ends early, its checksum is wrong, or it changed while it was read.
        """
        with unchanged(self.voxel_file):
            yield from self._read_blocks(num_threads)

    def _read_blocks(self, num_threads):
        """Yield blocks of a file that does not change."""
        shape = (self.volumes_per_block, self.n_voxels)
        starts = range(0, self.n_volumes, shape[0])
        buffers = [np.empty(shape, self.stored) for _ in range(2 if num_threads > 1 else 1)]
        read = [(first, buffers[i % len(buffers)][: self.n_volumes - first]) for i, first in enumerate(starts)]
        with open_stream(self.voxel_file) as stream, ThreadPoolExecutor(1) as reader:
            with _errors_name_file(self.voxel_file):
                stream.seek(self.offset)
            if num_threads < 2:
                for first, block in read:
                    self._read_block(stream, PIECE_BYTES, first, block)
                    yield first, block
                return
            waiting, read_block = iter(read), partial(self._read_block, stream, PIECE_BYTES_AHEAD)
            ahead = deque(reader.submit(read_block, *each) for each in islice(waiting, len(buffers)))
            try:
                for first, block in read:
                    ahead.popleft().result()
                    yield first, block
                    # The memory of this block is free again.
                    ahead.extend(reader.submit(read_block, *each) for each in islice(waiting, 1))
            finally:
                reader.shutdown(cancel_futures=True)

    def digest(self):
        """Return a digest of every file of the image and of how its voxels are read."""
        return f'{self.description} {self.offset} {image_digest(self.voxel_file)}'

    def _read_block(self, stream, piece, first, block):
        """Read a block in pieces of a size in bytes, and behind the last block all that is left, with the checksum."""
        got = len(_read(stream, memoryview(block).cast('B'), piece, self.voxel_file))
        if got < block.nbytes:
            last = f'one of volumes {first} to {first + len(block) - 1}' if len(block) > 1 else f'volume {first}'
            raise ImageError(f'{self.voxel_file} is truncated: it ends in {last} and should have {self.n_volumes}')
        if first + len(block) == self.n_volumes:
            rest = bytearray(2**20)
            with _errors_name_file(self.voxel_file):
                while is_gzipped(self.voxel_file) and stream.readinto(rest):
                    pass


def open_series(path):
    """Return the Series of a 3D or 4D image stored first axis fastest (NIfTI, Analyze, MGH), plain or gzipped."""
    return make_series(open_header(path), path)


def make_series(image, name):
    """Return the Series of an opened nibabel image, whose voxels are read from its file, not from memory.

    ``name`` is for errors. ImageError if they are not a stream of real numbers, or the file is too small for them.
    """
    path, voxels = name, image.dataobj
    # A subclass would read its own way, as AFNI's does with a scale for each volume.
    readable = type(voxels) is nib.arrayproxy.ArrayProxy and voxels.order == 'F'
    if not readable or (len(image.shape) > 4 and any(n != 1 for n in image.shape[4:])):
        said = f'{path} is not a 3D or 4D series of volumes that can be read forward: its shape is {image.shape}'
        raise ImageError((describe_format(path, image) if not readable else '') or said)
    stored = np.dtype(voxels.dtype)
    if stored.kind not in 'iuf' or stored.itemsize > 8:
        raise ImageError(f'{path} holds {stored}, no plain numbers: they must be integers or floats of at most 64 bits')
    # Not the image's file_map, which names another file after image.to_filename().
    voxel_file = str(voxels.file_like)
    if not Path(voxel_file).is_file():
        raise ImageError(f'{path} is incomplete, the file with its voxels is missing: {voxel_file}')
    if is_compressed_otherwise(voxel_file):
        raise ImageError(f'{path} can not be read as a stream, compress it with gzip')
    check_size(path, image)
    return Series(
        grid=make_grid(path, image),
        n_volumes=image.shape[3] if len(image.shape) > 3 else 1,
        stored=stored,
        offset=int(voxels.offset),
        slope=float(voxels.slope),
        intercept=float(voxels.inter),
        t_r=read_header_time(image),
        voxel_file=voxel_file,
    )


class SeriesWriter:
    """Write a NIfTI series (``.nii.gz``) volume by volume; a 3D image if ``shape`` has three entries.

    ``t_r`` is in s; ``doubt`` says why left and right are unknown. The same volumes give the same bytes: the gzip
    header holds neither time nor name.
    """

    def __init__(self, path, shape, affine, t_r=None, dtype=np.float32, doubt=''):
        header = nib.Nifti1Header() if max(shape) < 2**15 else nib.Nifti2Header()
        header.set_data_shape(shape)
        header.set_data_dtype(dtype)
        set_orientation(header, shape[:3], affine, doubt)
        header.set_xyzt_units('mm', 'sec')
        if len(shape) > 3:
            header.set_zooms((*header.get_zooms()[:3], t_r or 0.0))
        header.set_slope_inter(1, 0)
        header['vox_offset'] = header.single_vox_offset
        self._dtype = np.dtype(dtype)
        self._file = Path(path).open('wb')  # noqa: SIM115 (closed by __exit__)
        self._stream = compress_into(self._file)
        self._stream.write(header.binaryblock)
        self._stream.write(bytes(header.single_vox_offset - len(header.binaryblock)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()
        self._file.close()

    def write(self, volume):
        """Append a volume, shape (I, J, K); ImageError if the type can't hold its values."""
        values = narrow(volume, self._dtype, 'a voxel')
        # The transpose of a volume in Fortran order is in C order, and is not copied.
        self._stream.write(np.ascontiguousarray(values.T).data.cast('B'))


@contextmanager
def unchanged(path):
    """Raise ImageError if a file was written to or replaced while it was read."""
    before = _read_state(path)
    yield
    if _read_state(path) != before:
        raise ImageError(f'{path} changed while it was read. Run again when the file is complete')


def _read_state(path):
    """Return what changes when a file is written to or replaced."""
    with _errors_name_file(path):
        status = Path(path).stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _read(stream, view, piece, path):
    """Read into ``view`` piece by piece as far as the stream goes; return the part that was filled."""
    done = 0
    with _errors_name_file(path), suppress(EOFError):
        while done < len(view) and (n := stream.readinto(view[done : done + piece])):
            done += n
    free_registers()
    return view[:done]


@contextmanager
def _errors_name_file(path):
    """Name the file in errors that a stream raises."""
    try:
        yield
    except DAMAGE as e:
        raise ImageError(f'{path} is damaged: {e}') from e
