# SPDX-License-Identifier: BSD-3-Clause
"""Sums over regions of volumes sampled by cubic splines, without sampling them voxel by voxel.

Sums of sampled values are linear in the coefficients of the spline, with few weights per region. Clipping is not
linear: voxels of which single precision cannot exclude that their value is out of range are sampled one by one, and
the sums corrected by what clipping takes from them.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import scipy

from ..model import affines
from ..model.space import VolumeGrid
from .splines import Prefilter, basis
from .strategies import RegionIndex

#: Largest number of weights for each voxel of a volume. Beyond it, sampling every voxel is faster.
MOST_PER_VOXEL = 4

#: Largest error of a value in single precision, as part of the largest coefficient: 16 roundings.
MARGIN = 2.0**-20

#: Part of the voxels that may need sampling one by one; beyond it, sampling all is faster.
MOST_CORRECTED = 0.05

#: Largest number of coefficients beyond the range from which voxels are found one by one.
MOST_FOLLOWED = 1024

#: Number of voxels that are sampled one by one at a time, so that their weights stay in the processor's cache.
AT_ONCE = 1024

#: Rows of a matrix of spline weights that are multiplied at a time. Only columns with weights take part.
BAND = 16


class FoldedSampler:
    """Samples volumes on a grid whose axes are parallel to theirs, and sums over regions, in one sparse product.

    Parameters
    ----------
    lines : sequence of 3 _Line
        Positions of the voxels in the box around all regions, along the axes K, J and I of the volumes.
    shape : tuple of 3 ints
        I, J and K.
    regions : array of int, shape of the box
        Number of the region of each voxel; -1 for none, and outside the field of view, where values count as 0.
    boxes : array of int, shape (3, 2, m)
        First position of each region on each line, and the one behind its last.
    """

    def __init__(
        self, lines: Sequence['_Line'], shape: tuple[int, ...], regions: np.ndarray, boxes: np.ndarray
    ) -> None:
        k, j, i = lines
        self._shape, self._lines, self._regions = shape, lines, regions
        self._prefilter = Prefilter(shape, (i.box, j.box, k.box))
        self._weights = _fold(lines, regions, boxes)
        self._used = np.zeros((k.n, j.n, i.n), dtype=bool)
        self._used.reshape(-1)[self._weights.indices] = True
        self._most = int(MOST_CORRECTED * (regions >= 0).sum())

    @classmethod
    def of(cls, source: VolumeGrid, target: VolumeGrid, index: RegionIndex) -> Self | None:
        """Return the sampler of disjoint regions without weights; None for turned grids, or if another is faster."""
        matrix = affines.voxel_map(target.affine, source.affine)
        axes = affines.parallel_axes(matrix, target.shape)
        if axes is None:
            return None
        index_of = np.unravel_index(index.elements, target.shape, order='F')
        # From here on axes are in the order of memory, the last of the source first.
        where = [index_of[axis] for axis in axes[::-1]]
        corner = np.array([along.min() for along in where])
        boxes = np.array(
            [
                (np.minimum.reduceat(along, index.starts), np.maximum.reduceat(along, index.starts) + 1)
                for along in where
            ]
        )
        boxes -= corner[:, None, None]
        middle = [(n - 1) / 2 for n in target.shape]
        lines = []
        for i, axis in enumerate(axes[::-1]):
            at: list[Any] = list(middle)
            at[axis] = np.arange(corner[i], corner[i] + boxes[i, 1].max())
            lines.append(_Line(affines.map_voxels(matrix, at)[2 - i], source.shape[2 - i]))
        if _count(lines, boxes) > MOST_PER_VOXEL * source.size or _is_coarse(lines, source.shape):
            return None
        regions = np.full([len(line.inside) for line in lines], -1, dtype=np.min_scalar_type(-len(index.starts)))
        place = np.ravel_multi_index([a - c for a, c in zip(where, corner, strict=True)], regions.shape)
        regions.reshape(-1)[place] = np.repeat(np.arange(len(index.starts)), index.counts)
        for i, line in enumerate(lines):
            np.moveaxis(regions, i, 0)[~line.inside] = -1
        return cls(lines, source.shape, regions, boxes)

    def __call__(
        self, volume: np.ndarray, clip: tuple[float, float]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return the sums of a flat volume, and the regions and values of single voxels beyond ``clip``.

        None if too many could be beyond it: every voxel must be sampled.
        """
        of_volume = self._prefilter(volume.reshape(self._shape, order='F'))
        voxels = self._find_out_of_range(of_volume, clip)
        if len(voxels) > self._most:
            return None
        coefficients = of_volume.reshape(-1)
        sums = self._weights @ coefficients
        values = self._sample(coefficients, np.unravel_index(voxels, self._regions.shape))
        beyond = (values < clip[0]) | (values > clip[1])
        return sums, self._regions.reshape(-1)[voxels[beyond]], values[beyond]

    def _find_out_of_range(self, exact: np.ndarray, clip: tuple[float, float]) -> np.ndarray:
        """Return the places in ``_regions`` of voxels that could be beyond ``clip``.

        A value lies between the least and the largest of its coefficients, since their weights are positive and sum
        to 1.
        """
        planes, rows, columns = self._lines
        with np.errstate(over='ignore'):
            coefficients = exact.astype(np.float32)
        # Bounds are rounded, too.
        low, high = clip[0] + MARGIN * abs(clip[0]), clip[1] - MARGIN * abs(clip[1])
        beyond = (coefficients < low) | (coefficients > high)
        beyond &= self._used
        found = np.flatnonzero(beyond)
        if not len(found):
            return found
        margin = MARGIN * float(max(coefficients.max(), -coefficients.min()))
        if not np.isfinite(margin):
            return np.arange(self._regions.size)  # more than single precision holds
        low, high = clip[0] + margin, clip[1] - margin
        if len(found) <= MOST_FOLLOWED:
            return self._follow(exact.reshape(-1), np.unravel_index(found, exact.shape), low, high)
        risks: np.ndarray = np.any(beyond, axis=(1, 2))
        slabs = [band for band in planes.bands if risks[band[1]].any()]
        first, last = min(taps.start for _, taps, _ in slabs), max(taps.stop for _, taps, _ in slabs)
        by_column = np.empty((last - first, rows.n, columns.size), dtype=np.float32)
        for some, taps, weights in columns.bands:
            np.matmul(coefficients[first:last, :, taps], weights.T, out=by_column[:, :, some])
        by_row = np.empty((last - first, rows.size, columns.size), dtype=np.float32)
        for some, taps, weights in rows.bands:
            np.matmul(weights, by_column[:, taps], out=by_row[:, some])
        by_row = by_row.reshape(last - first, -1)
        parts = []
        for some, taps, weights in slabs:
            values = weights @ by_row[taps.start - first : taps.stop - first]
            beyond = values < low
            beyond |= values > high
            beyond &= self._regions[some].reshape(len(values), -1) >= 0
            parts.append(np.flatnonzero(beyond) + some.start * by_row.shape[1])
        return np.concatenate(parts)

    def _follow(self, coefficients: np.ndarray, at: tuple[np.ndarray, ...], low: float, high: float) -> np.ndarray:
        """Return the places in ``_regions`` of voxels beyond a range, which depend on the coefficients at ``at``.

        Sampled along one axis after the other, values are means of values along the axis before: they are beyond the
        range only where one of those is. Few are, even where noise takes many coefficients out of range.
        """
        shape = [max(line.n, line.size) for line in self._lines]
        for axis in (2, 1, 0):
            found = np.ravel_multi_index(self._lines[axis].spread(at, axis), shape)
            at = np.unravel_index(np.unique(found), shape)
            values = self._sample(coefficients, at, axis)
            beyond = (values < low) | (values > high)
            at = tuple(along[beyond] for along in at)
        places = np.ravel_multi_index(at, self._regions.shape)
        return places[self._regions.reshape(-1)[places] >= 0]

    def _sample(self, coefficients: np.ndarray, at: tuple[np.ndarray, ...], axis: int = 0) -> np.ndarray:
        """Return values at positions along the axes from ``axis`` on, at coefficients along those before it."""
        values = np.empty(len(at[0]))
        for start in range(0, len(values), AT_ONCE):
            some = [along[start : start + AT_ONCE] for along in at]
            n = len(some[0])
            place, weights = np.zeros((n, 1), dtype=np.intp), np.ones((n, 1))
            for i, (line, along) in enumerate(zip(self._lines, some, strict=True)):
                taps = line.taps[along] if i >= axis else along[:, None]
                place = (place[:, :, None] * line.n + taps[:, None]).reshape(n, -1)
                if i >= axis:
                    weights = (weights[:, :, None] * line.weights[along][:, None]).reshape(n, -1)
            values[start : start + n] = np.einsum('ij,ij->i', weights, np.take(coefficients, place))
        return values


class _Line:
    """Weights of coefficients along an axis for positions on it."""

    def __init__(self, positions: np.ndarray, n: int) -> None:
        self.inside = affines.is_inside(positions[None], [n])
        self.weights, self.taps = basis(np.clip(positions, 0, n - 1), n)
        self.box = slice(int(self.taps.min()), int(self.taps.max()) + 1)
        self.taps, self.n = self.taps - self.box.start, self.box.stop - self.box.start
        self.dense = np.zeros((len(positions), self.n))
        np.add.at(self.dense, (np.arange(len(positions))[:, None], self.taps), self.weights)
        self.first, self.last = self.taps.min(axis=1), self.taps.max(axis=1) + 1
        # Positions that depend on each coefficient.
        self._start = (self.dense != 0).argmax(axis=0)
        self._stop = len(positions) - (self.dense[::-1] != 0).argmax(axis=0)
        self.bands = []
        for start in range(0, len(positions), BAND):
            some = slice(start, min(start + BAND, len(positions)))
            taps = self.reach(some)
            self.bands.append((some, taps, self.dense[some, taps].astype(np.float32)))

    @property
    def size(self) -> int:
        """Number of positions."""
        return len(self.inside)

    def reach(self, some: slice) -> slice:
        """Return which coefficients have weights for some positions."""
        return slice(int(self.first[some].min()), int(self.last[some].max()))

    def spread(self, at: tuple[np.ndarray, ...], axis: int) -> tuple[np.ndarray, ...]:
        """Return points, of which ``at`` has a coefficient along an axis, with the positions that depend on it."""
        first = self._start[at[axis]]
        n = self._stop[at[axis]] - first
        spread = [np.repeat(along, n) for along in at]
        spread[axis] = np.arange(n.sum()) + np.repeat(first - np.cumsum(n) + n, n)
        return tuple(spread)


def _is_coarse(lines: Sequence[_Line], shape: tuple[int, ...]) -> bool:
    """Return whether sampling on lines, rows and planes takes fewer multiplications than computing coefficients."""
    k, j, i = (line.size for line in lines)
    n_i, n_j, n_k = shape
    sampling = n_k * n_j * n_i * i + n_k * i * n_j * j + i * j * n_k * k
    return sampling < n_k * n_j * n_i * (n_i + 200)


def _count(lines: Sequence[_Line], boxes: np.ndarray) -> float:
    """Return the number of weights, if boxes of regions were full."""
    total = np.ones(boxes.shape[2])
    for line, (first, last) in zip(lines, boxes, strict=True):
        total *= np.abs(line.first[last - 1] - line.first[first]) + 4
    return float(total.sum())


def _fold(lines: Sequence[_Line], regions: np.ndarray, boxes: np.ndarray) -> scipy.sparse.csr_array:
    """Return the matrix, shape (m, K·J·I), from the coefficients of a volume to the sums over the m regions."""
    k, j, i = lines
    data, places = [], []
    for region, (first, last) in enumerate(boxes.transpose(2, 1, 0)):
        some = [slice(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
        taps = [line.reach(along) for line, along in zip(lines, some, strict=True)]
        by_k, by_j, by_i = (line.dense[a, b] for line, a, b in zip(lines, some, taps, strict=True))
        box = by_j.T @ ((regions[tuple(some)] == region).astype(np.float64) @ by_i)
        box = (by_k.T @ box.reshape(len(box), -1)).reshape(by_k.shape[1], *box.shape[1:])
        inside = np.nonzero(box)
        data.append(box[inside])
        at = tuple(along + tap.start for along, tap in zip(inside, taps, strict=True))
        places.append(np.ravel_multi_index(at, (k.n, j.n, i.n)).astype(np.int32))
    pointers = np.concatenate([[0], np.cumsum([len(each) for each in data])]).astype(np.int32)
    shape = (len(data), k.n * j.n * i.n)
    return scipy.sparse.csr_array((np.concatenate(data), np.concatenate(places), pointers), shape=shape)
