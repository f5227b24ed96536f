# SPDX-License-Identifier: BSD-3-Clause
"""Series sampled on another voxel grid by splines, as ``scipy.ndimage.affine_transform`` does it.

Borders are mirrored, and nothing is extrapolated. Volumes are sampled at every voxel of the target, or only at some.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy

from ..model import affines
from ..model.space import VolumeGrid
from .splines import Box, Prefilter, point_weights

#: Spline order by name.
INTERPOLATIONS = {'cubic': 3, 'linear': 1, 'nearest': 0}

#: Largest number of weights (12 bytes each) of a matrix for scattered positions.
MOST_WEIGHTS = 10_000_000

#: Size of the planes of a sampled volume that are computed at a time, so that they stay in the processor's cache.
SLAB_BYTES = 4 * 2**20

#: Number of steps in which values that are not finite are replaced by the mean of their neighbours.
HOLE_FILLING_STEPS = 2


def fill_holes(volume: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """Replace values that are not finite by the mean of their finite face neighbours, step by step; the rest by 0.

    A spline needs a number everywhere. :class:`Sampler` removes what it makes of these values, so that only voxels next
    to them depend on them.
    """
    volume, known = np.where(finite, volume, 0.0), finite
    faces = scipy.ndimage.generate_binary_structure(3, 1)
    for _ in range(HOLE_FILLING_STEPS):
        count = scipy.ndimage.correlate(known.astype(np.float64), faces, mode='constant')
        total = scipy.ndimage.correlate(volume, faces, mode='constant', output=np.float64)
        shell = ~known & (count > 0.5)
        volume[shell] = total[shell] / count[shell]
        known = known | shell
    return volume


class Sampler:
    """Samples volumes of one grid at voxels of another.

    Parameters
    ----------
    source, target : VolumeGrid
        Of the volumes, and the one to sample on.
    voxels : array of int, shape (n,), optional
        Numbers of the voxels of the target; all by default.
    interpolation : {'cubic', 'linear', 'nearest'}

    Attributes
    ----------
    inside : array of bool, shape (n,)
        Which of the voxels are in the field of view of the volumes.
    weights : scipy.sparse.csr_array or None
        Of spline coefficients in the values of these voxels, unless they are on lines along the axes of the volumes, or
        too many.
    box : tuple of 3 slices
        Part of the volumes whose coefficients have weights.
    prefilter : Prefilter or None
        Of these coefficients, if they are not the values of the volumes.
    """

    def __init__(
        self, source: VolumeGrid, target: VolumeGrid, voxels: np.ndarray | None = None, interpolation: str = 'cubic'
    ) -> None:
        self.shape = source.shape
        self.order = INTERPOLATIONS[interpolation]
        voxels = np.arange(target.size) if voxels is None else voxels
        matrix = affines.voxel_map(target.affine, source.affine)
        index = np.unravel_index(voxels, target.shape, order='F')
        where = affines.map_voxels(matrix, index)
        self.inside = affines.is_inside(where, self.shape)
        self._all_inside = bool(self.inside.all())
        where = np.clip(where[:, self.inside], 0, np.array(self.shape)[:, None] - 1)
        self.nearest = np.ravel_multi_index(affines.nearest_voxels(where, self.shape), self.shape, order='F')
        self._read: Any = None
        self.weights: Any = None
        self.prefilter: Any = None
        self.box: Box = tuple(slice(0, n) for n in self.shape)
        if self.order and len(self.nearest):
            axes = affines.parallel_axes(matrix, target.shape)
            if axes is None:
                self._read = self._pointwise(where)
            else:
                self._read = self._separable(where, [index[axis][self.inside] for axis in axes])

    def __call__(self, volume: np.ndarray) -> np.ndarray:
        """Return a volume, shape (I, J, K), at the voxels in its field of view; NaN where the nearest is not finite."""
        flat = volume.reshape(-1, order='F')
        if self.order == 0 or not len(self.nearest):
            return np.take(flat, self.nearest)
        if flat.dtype.kind != 'f' or (finite := np.isfinite(flat)).all():
            return self._read(volume)
        values = self._read(fill_holes(volume, finite.reshape(self.shape, order='F')))
        values[~finite[self.nearest]] = np.nan
        return values

    def sample(
        self, volume: np.ndarray, clip: tuple[float, float] | None = None, blank: float = 0.0
    ) -> tuple[np.ndarray, tuple[bool, bool]]:
        """Return a volume, shape (I, J, K), at all voxels, and whether values were below and above ``clip``.

        ``clip`` is the valid range, ``blank`` the value of voxels outside the field of view.
        """
        values, clipped = self(volume), (False, False)
        if clip is not None and values.size:
            clipped = bool(np.fmin.reduce(values) < clip[0]), bool(np.fmax.reduce(values) > clip[1])
            if any(clipped):
                values = np.clip(values, *clip, out=values)
        if self._all_inside:
            return values, clipped
        out = np.full(len(self.inside), blank, dtype=values.dtype)
        out[self.inside] = values
        return out, clipped

    def _pointwise(self, where: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Interpolate at scattered positions, by a matrix unless that would be too large."""
        if len(self.nearest) * (self.order + 1) ** 3 <= MOST_WEIGHTS:
            self.weights, self.box = point_weights(where, self.shape, self.order)
        self.prefilter = prefilter = Prefilter(self.shape, self.box) if self.order > 1 else None

        def read(volume: np.ndarray) -> np.ndarray:
            # Axes in the order of memory, last first, so that nothing is copied.
            coefficients = prefilter(volume) if prefilter else volume[self.box].T.astype(np.float64)
            if self.weights is not None:
                return self.weights @ coefficients.reshape(-1)
            return scipy.ndimage.map_coordinates(
                coefficients, where[::-1], order=self.order, mode='mirror', prefilter=False
            )

        return read

    def _separable(self, where: np.ndarray, index: Sequence[np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
        """Interpolate one axis after another, each by one matrix that holds spline and prefilter.

        ``index`` has the index of each voxel of the target on which its position along each axis depends. Only lines,
        rows and planes with requested voxels are computed.
        """
        weights, places = [], []
        for positions, at, n in zip(where, index, self.shape, strict=True):
            # The mean of the first and the last voxel, should rounding have turned the line.
            line, of_last = np.full((2, at.max() + 1), np.nan)
            line[at[::-1]], of_last[at] = positions[::-1], positions
            line = (line + of_last) / 2
            used = np.isfinite(line)
            weights.append(line_weights(line[used], n, self.order))
            places.append((np.cumsum(used) - 1)[at])
        by_i, by_j, by_k = weights
        slabs = _slabs(places, len(by_k), len(by_j), len(by_i))

        def read(volume: np.ndarray) -> np.ndarray:
            # Axes are kept in the order of memory, last first, so that no product needs a copy. In single precision
            # the three would lose a digit more than one interpolation does.
            stored = volume.reshape(-1, order='F').astype(np.float64).reshape(self.shape[2], -1)
            out = np.empty(len(self.nearest))
            for planes, among, place in slabs:
                values = (by_k[planes] @ stored).reshape(-1, self.shape[1], self.shape[0])
                out[among] = np.take(by_j @ (values @ by_i.T), place)
            return out

        return read


def _slabs(
    places: Sequence[np.ndarray], n_planes: int, n_rows: int, n_columns: int
) -> list[tuple[slice, np.ndarray, np.ndarray]]:
    """Return the planes to compute at a time, the points that lie in them, and their positions."""
    i, j, k = places
    most = max(1, SLAB_BYTES // (8 * n_rows * n_columns))
    slabs = []
    for first in range(0, n_planes, most):
        among = np.flatnonzero((k >= first) & (k < first + most))
        place = np.ravel_multi_index((k[among] - first, j[among], i[among]), (most, n_rows, n_columns))
        slabs.append((slice(first, first + most), among, place))
    return slabs


def line_weights(positions: np.ndarray, n: int, order: int) -> np.ndarray:
    """Return the matrix, shape (m, n), from ``n`` samples on a line to the values of a spline at m positions."""
    units = np.eye(n)
    return np.stack(
        [scipy.ndimage.map_coordinates(unit, positions[None], order=order, mode='mirror') for unit in units], axis=1
    )


def clip_range(volumes: np.ndarray, low: float = 0.0, high: float = 0.0) -> tuple[float, float]:
    """Widen the range from ``low`` to ``high`` to the finite values of ``volumes``.

    A cubic spline overshoots at edges. As in nilearn, a sampled series is kept between its least and its largest value,
    and 0.

    >>> clip_range(np.array([2.0, np.nan, -1.0]), high=1.5)
    (-1.0, 2.0)
    """
    least, largest = volumes.min(), volumes.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        finite = volumes[np.isfinite(volumes)]
        least, largest = (finite.min(), finite.max()) if finite.size else (low, high)
    return min(low, float(least)), max(high, float(largest))
