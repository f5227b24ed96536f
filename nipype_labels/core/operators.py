# SPDX-License-Identifier: BSD-3-Clause
"""Voxels taken out of blocks of volumes: once, in the order of memory, however many atlases want them."""

import math
from dataclasses import dataclass

import numpy as np
import scipy

from .scaling import Decoder
from .smooth import region_weights


class Gather:
    """Take some voxels out of blocks.

    Parameters
    ----------
    wanted : sequence of arrays of int, shape (m,)
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

    def __call__(self, block):
        """Take them out of a block, shape (b, I·J·K)."""
        return Gathered(self.decoder(np.take(block, self.voxels, axis=1)), self._place)


@dataclass(frozen=True)
class Gathered:
    """Decoded values at the voxels of a :class:`Gather`.

    Attributes
    ----------
    values : array, shape (b, n)
        Volume by volume.
    place : array of int, shape (1 + largest flat index,)
        Where among the n each voxel is that is one of them.
    """

    values: np.ndarray
    place: np.ndarray

    def at(self, voxels, rows):
        """The values of some of the voxels in some of the volumes."""
        values = self.values if len(rows) == len(self.values) else self.values[rows]
        return np.take(values, self.place[voxels], axis=1)

    @property
    def columns(self):
        """The same in float64, voxel by voxel, shape (n, b)."""
        columns = np.empty(self.values.shape[::-1])
        # Of a few volumes NumPy would turn the axes several times slower.
        for column, volume in zip(columns.T, self.values, strict=True):
            column[:] = volume
        return columns


@dataclass(frozen=True)
class RegionWeights:
    """Weights whose products with volumes are sums over regions; smoothing may be a part of them.

    Attributes
    ----------
    weights : scipy.sparse.csr_array, shape (m, I·J·K)
        Of each voxel in each region that has voxels.
    divisor : array, shape (m, 1)
        What turns the sums into sums or means.
    """

    weights: object
    divisor: np.ndarray

    @classmethod
    def of(cls, part, shape, sigmas, mean):
        """Sums, or means, over ``part``'s regions of volumes smoothed by ``sigmas``; None if too many weights."""
        if any(sigmas):
            weights = region_weights(part.voxels, part.starts, shape, sigmas)
            if weights is None:
                return None
        else:
            voxels, ends = part.voxels.astype(np.int32), np.append(part.starts, len(part.voxels)).astype(np.int32)
            # Small until they are multiplied: all of this is memory that was never used before, which takes time.
            entries = (np.ones(len(voxels), dtype=np.int8), voxels, ends)
            weights = scipy.sparse.csr_array(entries, shape=(len(part.starts), math.prod(shape)))
        return cls(weights, (part.counts if mean else np.ones(len(part.starts)))[:, None])

    @property
    def voxels(self):
        """Flat indices of the voxels that have weights, in any order, some perhaps more than once."""
        return self.weights.indices


class Sums:
    """Sums over the regions of several atlases in one product, so that each value comes from memory once.

    Parameters
    ----------
    parts : sequence of RegionWeights or None
        Of each atlas; None for one that is reduced in another way.
    gather : Gather
        Of their voxels; it may take others too.
    """

    def __init__(self, parts, gather):
        self._parts, self._weights = parts, None
        weighted = [part.weights for part in parts if part is not None]
        if weighted:
            # By voxels: a region's are added one after another in the order of memory, whatever else is gathered.
            together = weighted[0] if len(weighted) == 1 else scipy.sparse.vstack(weighted, format='csr')
            weights = together.tocsc()
            pointers = np.append(weights.indptr[gather.voxels], weights.indptr[-1])
            shape = (weights.shape[0], len(gather.voxels))
            data = weights.data.astype(np.float64, copy=False)
            self._weights = scipy.sparse.csc_array((data, weights.indices, pointers), shape=shape)

    def __call__(self, gathered):
        """Sums or means, shape (b, m), of each atlas, or None; not finite where a value is not."""
        sums, start, found = None if self._weights is None else self._weights @ gathered.columns, 0, []
        for part in self._parts:
            stop = start if part is None else start + len(part.divisor)
            found.append(None if part is None else (sums[start:stop] / part.divisor).T)
            start = stop
        return found
