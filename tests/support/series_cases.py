# SPDX-License-Identifier: BSD-3-Clause
"""Series of noise, saved in any format, and read in blocks."""

import nibabel as nib
import numpy as np

from nipype_labels.files import series
from nipype_labels.files.series import open_series

SHAPE = (5, 6, 7, 11)
AFFINE = np.array([[-3.0, 0, 0, 90], [0, 3, 0, -126], [0, 0, 4, -72], [0, 0, 0, 1]])


def noise(dtype, shape=SHAPE, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == 'f':
        return rng.normal(1000, 50, shape).astype(dtype)
    bounds = np.iinfo(dtype)
    return rng.integers(max(bounds.min, -30000), min(bounds.max, 30000), shape).astype(dtype)


def save(path, data, slope=None, inter=0, kind=nib.Nifti1Image, t_r=None, unit='sec', order='<'):
    """Save in the type of the data, with a scale that is not applied to them."""
    data = np.asarray(data)
    image = kind(data, AFFINE, header=None if order == '<' else kind.header_class(endianness=order))
    image.set_data_dtype(data.dtype.newbyteorder('='))
    if slope:
        image.header.set_slope_inter(slope, inter)
    if t_r is not None:
        image.header.set_zooms((*image.header.get_zooms()[:3], t_r))
        image.header.set_xyzt_units('mm', unit)
    image.to_filename(path)
    return path


def read_all(path, num_threads=1):
    """All volumes of a file, decoded, and how many each block held."""
    opened = open_series(path)
    decode = opened.decoder()
    volumes, lengths, expected = [], [], 0
    for first, block in opened.blocks(num_threads):
        assert first == expected
        assert block.dtype == opened.stored
        volumes += [decode(volume).reshape(opened.grid.shape, order='F') for volume in block.copy()]
        lengths.append(len(block))
        expected += len(block)
    return np.stack(volumes, axis=-1), lengths


def use_blocks_of(monkeypatch, volumes, path):
    """Let a block hold so many volumes of a file."""
    monkeypatch.setattr(series, 'BLOCK_BYTES', volumes * open_series(path).volume_bytes)
