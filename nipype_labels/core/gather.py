# SPDX-License-Identifier: BSD-3-Clause
"""Voxels taken out of blocks of volumes: once, in the order of memory, however many atlases want them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from .smooth import region_weights
from .view import Decoder

#: So many volumes are multiplied by weights at once; fewer are done sooner one by one.
LEAST_TOGETHER = 4


class Gather:
    """Take some voxels out of blocks.

    Parameters
    ----------
    wanted : sequence of arrays of int
        Flat indices (first axis fastest) that each atlas wants, in any order.
    decoder : Decoder, optional
        How stored values become numbers.

    Attributes
    ----------
    voxels : array of int, shape (n,)
        What any of them wants, sorted.
    """

    def __init__(self, wanted, decoder=Decoder()):
        self.decoder = decoder
        among = np.zeros(max((voxels.max() + 1 for voxels in wanted if len(voxels)), default=0), dtype=bool)
        for voxels in wanted:
            among[voxels] = True
        self.voxels, self._place = np.flatnonzero(among), np.cumsum(among, dtype=np.int32) - 1

    def places(self, voxels):
        """Where among :attr:`voxels` some of them are, as int32."""
        return self._place[voxels]

    def __call__(self, block):
        """Take them out of a block, shape (b, I·J·K)."""
        return Gathered(self.decoder(np.take(block, self.voxels, axis=1)))


@dataclass(frozen=True)
class Gathered:
    """Decoded values at the voxels of a :class:`Gather`.

    Attributes
    ----------
    values : array, shape (b, n)
        Volume by volume.
    """

    values: np.ndarray

    @cached_property
    def columns(self):
        """The same in float64, as matrices to be multiplied by weights, shape (n, some of the b) each."""
        if len(self.values) < LEAST_TOGETHER:
            return [volume.astype(np.float64)[:, None] for volume in self.values]
        return [np.ascontiguousarray(self.values.T, dtype=np.float64)]


@dataclass(frozen=True)
class WeightedSums:
    """Sums or means over regions as products with weights, of which smoothing may be a part.

    Attributes
    ----------
    voxels : array of int, shape (n,)
        Flat indices of the voxels that are weighted, sorted.
    weights : scipy.sparse.csr_array, shape (m, n)
        Of each voxel in each region that has voxels.
    divisor : array, shape (m,)
    """

    voxels: np.ndarray
    weights: object
    divisor: np.ndarray

    @classmethod
    def of(cls, part, shape, sigmas, mean):
        """Sums, or means, over ``part``'s regions of volumes smoothed by ``sigmas``; None if too many weights."""
        data, indices, pointers = np.ones(len(part.voxels)), part.voxels, np.append(part.starts, len(part.voxels))
        if any(sigmas):
            smoothed = region_weights(part.voxels, part.starts, shape, sigmas)
            if smoothed is None:
                return None
            data, indices, pointers = smoothed.data, smoothed.indices, smoothed.indptr
        gather = Gather([indices])
        weights = scipy.sparse.csr_array(
            (data, gather.places(indices), pointers), shape=(len(part.starts), len(gather.voxels))
        )
        return cls(gather.voxels, weights, part.counts if mean else np.ones(len(part.starts)))

    def within(self, gather):
        """The same over all voxels that a :class:`Gather` takes out, which others may want too."""
        if len(gather.voxels) == len(self.voxels):
            return self
        parts = (self.weights.data, gather.places(self.voxels)[self.weights.indices], self.weights.indptr)
        weights = scipy.sparse.csr_array(parts, shape=(self.weights.shape[0], len(gather.voxels)))
        return WeightedSums(gather.voxels, weights, self.divisor)

    def __call__(self, gathered):
        """Sum values to shape (b, m); not finite where a value is not.

        A region's voxels are added one after another in the order of memory, whatever else is gathered with them.
        """
        return np.concatenate([self.weights @ columns for columns in gathered.columns], axis=1).T / self.divisor
