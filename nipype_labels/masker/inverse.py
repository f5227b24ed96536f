# SPDX-License-Identifier: BSD-3-Clause
"""Inverse transform: region values mapped back to an image."""

import weakref
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np

from ..core.strategies import RegionIndex
from ..files.gifti_images import write_pair
from ..files.orientation import set_orientation
from ..files.surface_images import write_dense_series
from ..files.tables import refuse_duplicates
from ..model.errors import SignalError
from ..model.grayordinates import Grayordinates


class ReturnedArrays:
    """The result that each array returned to the caller came from, for as long as the array lives."""

    def __init__(self):
        self._results = {}

    def add(self, signals, result):
        """Remember the result of an array."""
        key = id(signals)
        self._results[key] = weakref.ref(signals, lambda _: self._results.pop(key, None)), result

    def find_result(self, signals):
        """Return the result of an array that was returned, or of a view of one; None of others."""
        while signals is not None:
            array, result = self._results.get(id(signals), (None, None))
            if array is not None and array() is signals:
                return result
            signals = getattr(signals, 'base', None)
        return None


def match_columns(signals, state, returned):
    """Match the columns of signals with regions: return the values, region ids, and the result they came from.

    The result is that of the last call if the signals were not returned by ``transform``.
    """
    names = _column_names(signals)
    try:
        values = np.asarray(signals, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise SignalError(f'signals must be an array of numbers, not {type(signals).__name__}: {e}') from e
    if values.ndim not in (1, 2) or not len(values):
        raise SignalError(f'signals must be one row or a table of rows, not an array of shape {values.shape}')
    if names is not None:
        return values, _ids_of_names(names, state.fitted.lookup), state.result
    n_columns, result = values.shape[-1], returned.find_result(signals)
    if result is not None and len(result.ids) == n_columns:
        return values, result.ids, result
    candidates = [ids for ids in state.columns if len(ids) == n_columns]
    if not candidates:
        expected = len(state.result.ids)
        raise SignalError(f'signals must have {expected} columns, one per region, not {values.shape}')
    if len(candidates) > 1:
        raise SignalError(
            f'series with {n_columns} columns of different regions were transformed, so the regions of these signals '
            'are ambiguous: pass a DataFrame with the names of the regions as columns, as '
            "set_output(transform='pandas') makes them"
        )
    return values, candidates[0], state.result


def fill_regions(values, ids, result):
    """Return an image in which each voxel has the value of its region; 4D for values of shape (T, L).

    Of a pair of hemispheres, it is the image of the left one, then that of the right one.
    """
    placed = result.placed
    chosen = placed.masked.select(list(ids), list(map(str, ids)))
    if isinstance(placed.grid, Grayordinates) and placed.grid.is_pair:
        return _make_pair(chosen, np.atleast_2d(values), result.t_r, values.ndim == 1)
    if isinstance(placed.grid, Grayordinates):
        options = {'dtype': np.float64, 'is_map': values.ndim == 1}
        return make_cifti(write_dense_series, chosen, np.atleast_2d(values), result.t_r, **options)
    index, rows = RegionIndex.of(chosen), np.atleast_2d(values)
    volumes = np.empty((*placed.grid.shape, len(rows)), order='F')
    for i, row in enumerate(rows):
        volumes[..., i] = index.spread(row, placed.grid.size).reshape(placed.grid.shape, order='F')
    return make_image(volumes if values.ndim == 2 else volumes[..., 0], placed.grid, result.t_r)


def make_cifti(write, *values, **options):
    """Return the CIFTI image that a function writes to the path that is its first argument."""
    with TemporaryDirectory() as folder:
        path = Path(folder, 'image.nii')
        write(path, *values, **options)
        return nib.Cifti2Image.from_bytes(path.read_bytes())


def _make_pair(*values):
    """Return the GIFTI images of values at the vertices of both hemispheres."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder, f'{side}.func.gii') for side in 'LR']
        write_pair(paths, *values)
        return tuple(nib.GiftiImage.from_bytes(path.read_bytes()) for path in paths)


def make_image(values, grid, t_r=None):
    """Return a NIfTI image of a copy of an array of 3 or 4 axes, in mm and s; a ``t_r`` of 0 means unknown."""
    make = nib.Nifti1Image if max(values.shape) < 2**15 else nib.Nifti2Image
    image = make(np.array(values), np.array(grid.affine))
    if grid.doubt:
        set_orientation(image.header, values.shape[:3], grid.affine, grid.doubt)
    image.header.set_xyzt_units('mm', 'sec')
    if values.ndim > 3:
        image.header.set_zooms((*image.header.get_zooms()[:3], t_r or 0.0))
    return image


def _column_names(signals):
    """Return the names of the columns of a DataFrame or the rows of a Series; None if they are not text."""
    names = getattr(signals, 'columns', None)
    if names is None and np.ndim(signals) == 1:
        names = getattr(signals, 'index', None)
        names = None if callable(names) else names
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return list(names)


def _ids_of_names(names, lookup):
    """Return the region ids of names."""
    ids = dict(zip(lookup['name'], lookup['index'], strict=True))
    unknown = [name for name in names if name not in ids]
    if unknown:
        raise SignalError(f'signals have columns that are not names of regions: {", ".join(map(repr, unknown[:5]))}')
    refuse_duplicates(names, 'signals', SignalError)
    return [ids[name] for name in names]
