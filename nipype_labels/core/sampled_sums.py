# SPDX-License-Identifier: BSD-3-Clause
"""Sums over regions of sampled volumes, whose values are clipped to the range of the whole series."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Self

import numpy as np

from ..model.space import VolumeGrid
from .folding import FoldedSampler
from .operators import Block
from .point_sampler import PointSampler
from .resample import Sampler
from .strategies import RegionIndex

#: Memory for values that were out of range and may be in range when the series ends; further volumes are read again.
KEPT_BYTES = 16 * 2**20


class PlainSampler:
    """Samples volumes voxel by voxel, and sums over regions.

    Parameters
    ----------
    sampler : Sampler
        At the voxels of the regions.
    index : RegionIndex
        Of disjoint regions.
    """

    def __init__(self, sampler: Sampler, index: RegionIndex) -> None:
        self._sampler, self._index = sampler, index

    @cached_property
    def _regions(self) -> np.ndarray:
        """Number of the region of each voxel in view."""
        n = len(self._index.starts)
        return np.repeat(np.arange(n, dtype=np.min_scalar_type(n)), self._index.counts)[self._sampler.inside]

    def __call__(self, volume: np.ndarray, clip: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the sums of a flat volume, and the regions and values of single voxels beyond ``clip``."""
        values = self._sampler(volume.reshape(self._sampler.shape, order='F'))
        sums = np.bincount(self._regions, values, len(self._index.starts))
        beyond = np.flatnonzero((values < clip[0]) | (values > clip[1]))
        return sums, self._regions[beyond], values[beyond]


class SampledSums:
    """Sums over regions of volumes, kept in a range that widens while a series is read.

    Parameters
    ----------
    sampler : PlainSampler, PointSampler or FoldedSampler
    num_threads : int
        Number of volumes that are sampled at a time.
    """

    def __init__(self, sampler: PlainSampler | PointSampler | FoldedSampler, num_threads: int) -> None:
        self._sampler, self._num_threads = sampler, num_threads
        self._kept: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._space = KEPT_BYTES

    @classmethod
    def of(
        cls,
        source: VolumeGrid,
        target: VolumeGrid,
        index: RegionIndex,
        make_sampler: Callable[[], Sampler],
        num_threads: int,
    ) -> Self | None:
        """Return the sums over the regions of a target; None if they share voxels or have weights, or have no voxels.

        Voxels outside the field of view of the source count as 0.
        """
        if index.weights is not None or len(index.voxels) < len(index.elements) or not len(index.elements):
            return None
        folded = FoldedSampler.of(source, target, index)
        if folded is not None:
            return cls(folded, num_threads)
        sampler = make_sampler()
        return cls(PointSampler.of(source, target, index, sampler) or PlainSampler(sampler, index), num_threads)

    def __call__(
        self, block: Block, rows: np.ndarray, clip: tuple[float, float]
    ) -> Iterator[tuple[np.ndarray | None, tuple[bool, bool]]]:
        """Yield the sums of each volume, and whether they change if the range is wider below and above.

        The sums of a volume are None if values are not finite, or it cannot be sampled in this way.
        """
        with ThreadPoolExecutor(self._num_threads) as pool:
            found = pool.map(lambda row: self._sample(block.volume(row), clip), rows)
            for row, (parts, may_change) in zip(rows, found, strict=True):
                if parts is None:
                    yield None, may_change
                    continue
                if len(parts[2]) and self._keep(block.first + row, parts):
                    may_change = (False, False)
                yield _clip_sums(*parts, clip), may_change

    def clip_to_range(self, clip: tuple[float, float]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the number of each volume whose sums may have changed, and these, for the range of the whole series."""
        for volume, parts in self._kept.items():
            yield volume, _clip_sums(*parts, clip)
        self._kept, self._space = {}, KEPT_BYTES

    def _sample(
        self, volume: np.ndarray, clip: tuple[float, float]
    ) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray] | None, tuple[bool, bool]]:
        if volume.dtype.kind == 'f' and not np.isfinite(volume).all():
            return None, (False, False)
        parts = self._sampler(volume, clip)
        if parts is None:
            return None, (True, True)
        values = parts[2]
        return parts, (bool((values < clip[0]).any()), bool((values > clip[1]).any()))

    def _keep(self, volume: int, parts: tuple[np.ndarray, np.ndarray, np.ndarray]) -> bool:
        """Keep what :meth:`clip_to_range` needs, if there is space; return whether there is."""
        size = sum(part.nbytes for part in parts)
        if size > self._space:
            return False
        self._kept[volume], self._space = parts, self._space - size
        return True


def _clip_sums(sums: np.ndarray, regions: np.ndarray, values: np.ndarray, clip: tuple[float, float]) -> np.ndarray:
    """Return sums after single values were clipped."""
    return sums + np.bincount(regions, np.clip(values, *clip) - values, len(sums))
