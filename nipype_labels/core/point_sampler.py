# SPDX-License-Identifier: BSD-3-Clause
"""Sums over regions of volumes sampled on a grid that is turned against theirs."""

from typing import Self

import numpy as np
import scipy

from ..model import affines
from ..model.space import VolumeGrid
from .resample import Sampler
from .strategies import RegionIndex

#: Part of the voxels that are sampled apart from the others; beyond it, sampling all is faster.
MOST_APART = 0.2


class PointSampler:
    """Samples volumes and sums over regions in one sparse product; single voxels only where they may be clipped.

    Parameters
    ----------
    sampler : Sampler
        At the voxels of the regions, with its weights.
    starts : array of int, shape (3, n)
        First of the 4 voxels of a volume along each axis on which each voxel in view depends; -1 at a border.
    regions : array of int, shape (n,)
        Number of the region of each voxel in view, ascending.
    n_regions : int
    """

    def __init__(self, sampler: Sampler, starts: np.ndarray, regions: np.ndarray, n_regions: int) -> None:
        self._sampler, self._regions = sampler, regions
        pointers = np.searchsorted(regions, np.arange(n_regions + 1))
        entries = (np.ones(len(regions)), np.arange(len(regions)), pointers)
        self._sums = scipy.sparse.csr_array(entries, shape=(n_regions, len(regions))) @ sampler.weights
        # With a border of 1 voxel before the box and 3 behind it, 4 voxels follow each start.
        self._shape = tuple(along.stop - along.start + 4 for along in sampler.box[::-1])
        at = [start - along.start + 1 for start, along in zip(starts, sampler.box, strict=True)]
        self._starts = np.ravel_multi_index(at[::-1], self._shape)

    @classmethod
    def of(cls, source: VolumeGrid, target: VolumeGrid, index: RegionIndex, sampler: Sampler) -> Self | None:
        """Return the sampler of disjoint regions of a target; None if the one of their voxels has no weights."""
        if sampler.weights is None:
            return None
        matrix, inside = affines.voxel_map(target.affine, source.affine), sampler.inside
        where = affines.map_voxels(matrix, np.unravel_index(index.elements[inside], target.shape, order='F'))
        last = np.array(source.shape)[:, None] - 1
        starts = np.minimum(np.floor(np.clip(where, 0, last)), np.maximum(last - 1, 0)).astype(np.intp) - 1
        n = len(index.starts)
        return cls(sampler, starts, np.repeat(np.arange(n), index.counts)[inside], n)

    def __call__(self, volume: np.ndarray, clip: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the sums of a flat volume, and the regions and values of single voxels beyond ``clip``."""
        regions, weights = self._regions, self._sampler.weights
        coefficients = self._sampler.prefilter(volume.reshape(self._sampler.shape, order='F'))
        voxels = self._find_dependent_on_beyond(coefficients, clip)
        if len(voxels) <= MOST_APART * len(regions):
            regions, weights = regions[voxels], weights[voxels]
        sums, values = self._sums @ coefficients.reshape(-1), weights @ coefficients.reshape(-1)
        beyond = (values < clip[0]) | (values > clip[1])
        return sums, regions[beyond], values[beyond]

    def _find_dependent_on_beyond(self, coefficients: np.ndarray, clip: tuple[float, float]) -> np.ndarray:
        """Return the voxels of which a coefficient is beyond ``clip``. No others are, since weights are a mean."""
        found, other = np.zeros(self._shape, dtype=bool), np.empty(self._shape, dtype=bool)
        found[tuple(slice(1, n + 1) for n in coefficients.shape)] = (coefficients < clip[0]) | (coefficients > clip[1])
        # A start covers its own coefficient and the next 3 along each axis.
        for axis in range(3):
            one, two = np.moveaxis(found, axis, 0), np.moveaxis(other, axis, 0)
            np.logical_or(one[:-1], one[1:], out=two[:-1])
            np.logical_or(two[:-3], two[2:-1], out=one[:-3])
        return np.flatnonzero(np.take(found, self._starts))
