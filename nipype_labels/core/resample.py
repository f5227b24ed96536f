# SPDX-License-Identifier: BSD-3-Clause
"""Values of an image on the grid of another.

Label images and masks go by the nearest voxel. A series is sampled by splines as
``scipy.ndimage.affine_transform`` does it (mirrored at the borders, nothing beyond them), either at every
voxel of the target or only at those that matter.
"""

import math

import numpy as np
import scipy

from . import grid

#: Spline order by name.
INTERPOLATIONS = {'cubic': 3, 'linear': 1, 'nearest': 0}

#: Whose grid the work is done on: the labels come to the data, the data to the labels, or both must agree.
RESAMPLING_TARGETS = ('data', 'labels', 'none')

#: More weights than this (12 bytes each), and scattered positions are interpolated without a matrix.
MOST_WEIGHTS = 10_000_000

#: Planes of a sampled volume are computed so many bytes at a time: they stay near the processor, and memory small.
SLAB_BYTES = 4 * 2**20

#: How many times holes are filled from their neighbours before a spline crosses them.
HOLE_FILLING_STEPS = 2


def resample_nearest(volume, affine, target_shape, target_affine, fill=0):
    """Take the nearest voxel's value for each voxel of another grid.

    Parameters
    ----------
    volume : array, shape (I, J, K)
    affine : array, shape (4, 4)
        Of ``volume``.
    target_shape : tuple of 3 ints
    target_affine : array, shape (4, 4)
    fill : scalar
        For voxels outside ``volume``. For labels it must be the background's id.

    Returns
    -------
    array, shape ``target_shape``, dtype of ``volume``
    """
    matrix = grid.voxel_map(target_affine, affine)
    out = np.full(target_shape[:3], fill, dtype=volume.dtype)
    for k in range(target_shape[2]):
        where = grid.map_slab(matrix, target_shape, k)
        on_grid = grid.inside(where, volume.shape)
        out[on_grid, k] = volume[nearest_index(where[:, on_grid], volume.shape)]
    return out


def nearest_index(coordinates, shape):
    """Indices of the voxels nearest to fractional ones; halves go up, borders hold.

    Parameters
    ----------
    coordinates : array, shape (3, n)
    shape : tuple of 3 ints

    Returns
    -------
    tuple of 3 arrays of int, shape (n,)
    """
    pairs = zip(np.floor(coordinates + 0.5).astype(np.intp), shape, strict=False)
    return tuple(np.clip(index, 0, n - 1) for index, n in pairs)


def fill_holes(volume, finite):
    """Fill non-finite voxels by the mean of their finite face neighbours, a step at a time; the rest by 0.

    A spline needs a number everywhere; what it then makes of a hole is taken out again by
    :class:`Sampler`, so that only the neighbourhood of a hole sees these values.

    Parameters
    ----------
    volume : array, shape (I, J, K)
    finite : array of bool, shape (I, J, K)

    Returns
    -------
    array, shape (I, J, K)
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
    """Sample volumes of one grid at voxels of another.

    Parameters
    ----------
    shape, affine : tuple of 3 ints, array of shape (4, 4)
        The volumes' grid.
    target_shape, target_affine : tuple of 3 ints, array of shape (4, 4)
        The grid to sample on.
    voxels : array of int, shape (n,), optional
        Flat indices (first axis fastest) of the voxels wanted; all of the target by default.
    interpolation : {'cubic', 'linear', 'nearest'}

    Attributes
    ----------
    inside : array of bool, shape (n,)
        Which of the voxels lie in the volumes' field of view.
    """

    def __init__(self, shape, affine, target_shape, target_affine, voxels=None, interpolation='cubic'):
        self.shape = tuple(shape[:3])
        self.order = INTERPOLATIONS[interpolation]
        voxels = np.arange(np.prod(target_shape[:3])) if voxels is None else voxels
        matrix = grid.voxel_map(target_affine, affine)
        index = np.unravel_index(voxels, target_shape[:3], order='F')
        where = grid.map_voxels(matrix, index)
        self.inside = grid.inside(where, self.shape)
        where = np.clip(where[:, self.inside], 0, np.array(self.shape)[:, None] - 1)
        self.nearest = np.ravel_multi_index(nearest_index(where, self.shape), self.shape, order='F')
        self._read = None
        if self.order and len(self.nearest):
            if grid.is_axis_aligned(matrix):
                self._read = self._separable(where, [along[self.inside] for along in index])
            else:
                self._read = self._pointwise(where)

    def __call__(self, volume):
        """Sample one volume.

        Parameters
        ----------
        volume : array, shape (I, J, K)
            First axis fastest in memory.

        Returns
        -------
        array, shape (number of voxels inside,)
            Floating point; NaN where the nearest voxel is not finite.
        """
        flat = volume.reshape(-1, order='F')
        if self.order == 0 or not len(self.nearest):
            return np.take(flat, self.nearest)
        finite = np.isfinite(flat)
        if finite.all():
            return self._read(volume)
        values = self._read(fill_holes(volume, finite.reshape(self.shape, order='F')))
        values[~finite[self.nearest]] = np.nan
        return values

    def sample(self, volume, clip=None, blank=0.0):
        """Sample one volume at all of the voxels.

        Parameters
        ----------
        volume : array, shape (I, J, K)
        clip : tuple of 2 floats, optional
            Range to keep the values in.
        blank : float
            What voxels outside the field of view get.

        Returns
        -------
        values : array, shape (n,)
        clipped : bool
            Whether values lay beyond ``clip``.
        """
        values, clipped = self(volume), False
        if clip is not None and values.size:
            clipped = bool((values < clip[0]).any() or (values > clip[1]).any())
            values = np.clip(values, *clip)
        out = np.full(len(self.inside), blank, dtype=values.dtype)
        out[self.inside] = values
        return out, clipped

    def _pointwise(self, where):
        """Interpolate at scattered positions, by a matrix unless that would be too large."""
        weights = None
        if len(self.nearest) * (self.order + 1) ** 3 <= MOST_WEIGHTS:
            weights = point_weights(where, self.shape, self.order)

        def read(volume):
            # Axes in the order of memory, last first, so that nothing is copied.
            coefficients = volume.T.astype(np.float64)
            if self.order > 1:
                scipy.ndimage.spline_filter(coefficients, self.order, output=coefficients, mode='mirror')
            if weights is not None:
                return weights @ coefficients.reshape(-1)
            return scipy.ndimage.map_coordinates(
                coefficients, where[::-1], order=self.order, mode='mirror', prefilter=False
            )

        return read

    def _separable(self, where, index):
        """Interpolate one axis after another, each by one matrix that holds spline and prefilter.

        The position along an axis depends on the target's index along that axis alone, and only lines, rows and
        planes that hold voxels wanted are computed.
        """
        weights, places = [], []
        for positions, at, n in zip(where, index, self.shape, strict=True):
            line = np.full(at.max() + 1, np.nan)
            line[at] = positions
            used = np.isfinite(line)
            weights.append(line_weights(line[used], n, self.order))
            places.append((np.cumsum(used) - 1)[at])
        by_i, by_j, by_k = weights
        slabs = _slabs(places, len(by_k), len(by_j), len(by_i))

        def read(volume):
            # Axes are kept in the order of memory, last first, so that no product needs a copy. In single precision
            # the three would lose a digit more than one interpolation does.
            values = volume.reshape(-1, order='F').astype(np.float64).reshape(self.shape[::-1])
            values = (by_j @ (values @ by_i.T)).reshape(len(values), -1)
            out = np.empty(len(self.nearest))
            for planes, among, place in slabs:
                out[among] = np.take(by_k[planes] @ values, place)
            return out

        return read


def _slabs(places, n_planes, n_rows, n_columns):
    """Planes to compute at a time, and for each which of the points lie in them, and where."""
    i, j, k = places
    most = max(1, SLAB_BYTES // (8 * n_rows * n_columns))
    slabs = []
    for first in range(0, n_planes, most):
        among = np.flatnonzero((k >= first) & (k < first + most))
        place = np.ravel_multi_index((k[among] - first, j[among], i[among]), (most, n_rows, n_columns))
        slabs.append((slice(first, first + most), among, place))
    return slabs


def line_weights(positions, n, order):
    """Weights that turn ``n`` samples on a line into the spline's values at ``positions``.

    Parameters
    ----------
    positions : array, shape (m,)
        Fractional indices.
    n : int
    order : int
        Of the spline.

    Returns
    -------
    array, shape (m, n)
    """
    units = np.eye(n)
    return np.stack(
        [scipy.ndimage.map_coordinates(unit, positions[None], order=order, mode='mirror') for unit in units], axis=1
    )


def point_weights(where, shape, order):
    """Weights that turn spline coefficients of a volume into the spline's values at scattered positions.

    Parameters
    ----------
    where : array, shape (3, n)
        Fractional indices.
    shape : tuple of 3 ints
        Of the volume.
    order : int
        Of the spline: odd.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, I·J·K)
        Over voxels whose first axis is fastest.
    """
    n, taps = where.shape[1], order + 1
    data, voxels = np.ones((n, 1)), np.zeros((n, 1), dtype=np.int32)
    for positions, size, stride in zip(where, shape, (1, shape[0], shape[0] * shape[1]), strict=True):
        knots = np.arange(max(size, 2) + 2 * order) - float(order)
        basis = scipy.interpolate.BSpline.design_matrix(positions, knots, order)
        # Basis functions are centred on voxels, of which some lie beyond the border: there the volume is mirrored.
        index, period = np.abs(basis.indices - order // 2), max(2 * size - 2, 1)
        index = np.minimum(index % period, -index % period).astype(np.int32) * np.int32(stride)
        data = (data[:, :, None] * basis.data.reshape(n, 1, taps)).reshape(n, -1)
        voxels = (voxels[:, :, None] + index.reshape(n, 1, taps)).reshape(n, -1)
    pointers = np.arange(n + 1, dtype=np.int32) * taps**3
    return scipy.sparse.csr_array((data.ravel(), voxels.ravel(), pointers), shape=(n, math.prod(shape)))


def clip_range(volumes, low=0.0, high=0.0):
    """Widen the range from ``low`` to ``high`` to the finite values of ``volumes``.

    A cubic spline overshoots at edges. As in nilearn, a sampled series is kept between its least and its
    largest value, and 0.

    Parameters
    ----------
    volumes : array, any shape
    low, high : float
        The range so far.

    Returns
    -------
    tuple of 2 floats

    Examples
    --------
    >>> clip_range(np.array([2.0, np.nan, -1.0]), high=1.5)
    (-1.0, 2.0)
    """
    least, largest = volumes.min(), volumes.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        finite = volumes[np.isfinite(volumes)]
        least, largest = (finite.min(), finite.max()) if finite.size else (low, high)
    return min(low, float(least)), max(high, float(largest))
