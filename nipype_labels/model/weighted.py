# SPDX-License-Identifier: BSD-3-Clause
"""Atlases whose regions may overlap and have weights: probabilistic maps and spheres."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import scipy
from numpy.typing import ArrayLike

from . import affines
from .atlas import Atlas, unused_id
from .errors import GridError, LabelsError, list_names
from .space import VolumeGrid

#: Kinds of atlases whose regions may overlap, in messages.
OVERLAPPING = 'probabilistic maps (4D images) and tables of seeds'

#: Number of voxels that maps are interpolated at in one step.
VOXELS_PER_STEP = 2**16

#: Largest number of pairs of regions at voxels that are examined for overlap, which limits time and memory.
MOST_PAIRS = 10**7


@dataclass(frozen=True, eq=False)
class WeightedAtlas:
    """Regions on a voxel grid, each a weight of some voxels.

    Parameters
    ----------
    space : VolumeGrid
    elements : array of int, shape (n,)
        Numbers of the voxels of the first region in ascending order, then those of the second region, and so on.
    weights : array, shape (n,)
        Weight of each of these voxels in its region.
    counts : array of int, shape (L,)
        Number of voxels of each region.
    ids : array of int, shape (L,)
        Region ids in the order of the look-up table.
    names : sequence of str, length L
    seeds : Seeds, optional
        Of spheres, whose weights are 1: they are reduced as labels are, except that they may share voxels.

    Examples
    --------
    >>> grid = VolumeGrid((1, 1, 3), np.eye(4))
    >>> voxels, weights, counts = np.array([0, 1, 1]), np.array([1, 0.5, 0.25]), np.array([2, 1])
    >>> atlas = WeightedAtlas(grid, voxels, weights, counts, [1, 2], ['V1', 'V2'])
    >>> atlas.count_voxels().tolist(), atlas.volumes().tolist()
    ([2, 1], [1.5, 0.25])
    """

    space: VolumeGrid
    elements: np.ndarray
    weights: np.ndarray
    counts: np.ndarray
    ids: np.ndarray
    names: Any
    seeds: Any = None

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """Arrays that say which voxels the regions have, and their weights."""
        return self.elements, self.weights, self.counts

    @property
    def width(self) -> int:
        """Number of regions, L."""
        return len(self.counts)

    @property
    def column(self) -> np.ndarray:
        """Column of the region of each entry of ``elements``, shape (n,)."""
        return np.repeat(np.arange(self.width, dtype=np.int32), self.counts)

    @property
    def starts(self) -> np.ndarray:
        """Position in ``elements`` of the first voxel of each region, shape (L,)."""
        return np.cumsum(self.counts) - self.counts

    def _count(self, which: np.ndarray) -> np.ndarray:
        """Return the number of entries of each region where ``which``, shape (n,), is True, shape (L,)."""
        return np.array([np.count_nonzero(part) for part in np.split(which, self.starts[1:])], dtype=np.intp)

    def count_voxels(self) -> np.ndarray:
        """Return the number of voxels of each region, shape (L,)."""
        return self.counts

    def volumes(self) -> np.ndarray:
        """Return the volume of each region in mm³, the sum of the magnitudes of its weights, shape (L,)."""
        return np.array([magnitude(weights) for _, weights in self._regions()]) * self.space.measure

    def count_near(self, space: VolumeGrid, which: np.ndarray, margin: float) -> np.ndarray:
        """Return the number of voxels of some regions in another grid or its ``margin``; see :class:`Atlas`."""
        counts = np.zeros(self.width, dtype=np.intp)
        for place, (elements, _) in enumerate(self._regions()):
            if which[place]:
                counts[place] = space.contains(self.space, elements, margin).sum()
        return counts

    def _regions(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the voxels of each region and their weights."""
        for start, count in zip(self.starts, self.counts, strict=True):
            yield self.elements[start : start + count], self.weights[start : start + count]

    def select(self, ids: ArrayLike, names: Any) -> Self:
        """Return the regions with some ids, in their order, under other names; regions of unknown ids are empty."""
        if np.array_equal(ids, self.ids):
            return replace(self, names=names)
        places, regions = {int(i): place for place, i in enumerate(self.ids)}, list(self._regions())
        nothing = (self.elements[:0], self.weights[:0])
        chosen = [regions[places[int(i)]] if int(i) in places else nothing for i in np.asarray(ids)]
        elements, weights = (np.concatenate(parts) for parts in zip(*chosen, strict=True))
        counts = np.array([len(voxels) for voxels, _ in chosen])
        return replace(self, elements=elements, weights=weights, counts=counts, ids=np.asarray(ids), names=names)

    @property
    def labels(self) -> np.ndarray:
        """Id of the region with the weight of the largest magnitude at each voxel; an unused id elsewhere."""
        labels = np.full(self.space.size, unused_id(self.ids), dtype=np.int32)
        largest = np.zeros(self.space.size, dtype=self.weights.dtype)
        for number, (elements, weights) in zip(self.ids, self._regions(), strict=True):
            sizes = np.abs(weights)
            wins = sizes >= largest[elements]
            labels[elements[wins]], largest[elements[wins]] = number, sizes[wins]
        return labels.reshape(self.space.shape, order='F')

    def count_shared(self) -> np.ndarray:
        """Return the number of voxels of each region that other regions have too, shape (L,).

        >>> grid = VolumeGrid((1, 1, 3), np.eye(4))
        >>> WeightedAtlas(grid, np.array([0, 1, 1]), np.ones(3), np.array([2, 1]), [1, 2], 'ab').count_shared().tolist()
        [1, 1]
        """
        is_found, is_shared = np.zeros((2, self.space.size), dtype=bool)
        for elements, _ in self._regions():
            is_shared[elements] |= is_found[elements]
            is_found[elements] = True
        return self._count(is_shared[self.elements])

    def refuse_overlap(self) -> None:
        """Raise LabelsError, which names the first pairs of regions, if a voxel belongs to several of them."""
        n_regions = np.bincount(self.elements, minlength=1)
        shared = np.flatnonzero(n_regions > 1)
        shared = shared[np.cumsum(n_regions[shared] ** 2.0) <= max(MOST_PAIRS, self.width**2)]
        if not len(shared):
            return
        which = np.isin(self.elements, shared)
        entries = (np.ones(np.count_nonzero(which)), (self.column[which], self.elements[which]))
        members: Any = scipy.sparse.csr_array(entries, shape=(self.width, self.space.size))
        pairs = zip(*scipy.sparse.triu(members @ members.T, 1).nonzero(), strict=True)
        words = [f'{self.names[one]} and {self.names[other]}' for one, other in sorted(pairs)]
        kind = 'maps' if self.seeds is None else 'spheres'
        raise LabelsError(f'{kind} overlap (allow_overlap=False): {list_names(words, 5)}')

    def keep(self, which: np.ndarray) -> Self:
        """Return the atlas with the entries of ``elements`` where ``which``, shape (n,), is True."""
        if which.all():
            return self
        kept = {'elements': self.elements[which], 'weights': self.weights[which]}
        return replace(self, **kept, counts=self._count(which))

    def within(self, mask: np.ndarray) -> Self:
        """Return the atlas within a mask, an array of bool on its grid; GridError if the shapes differ."""
        if self.space.shape != mask.shape:
            raise GridError(
                f'maps are {self.space.shape} voxels and their mask {mask.shape}: resample the mask to the maps'
            )
        return self.keep(mask.reshape(-1, order='F')[self.elements])

    def on(self, space: VolumeGrid) -> Self:
        """Return the atlas on another grid, by linear interpolation; 0 outside its own grid."""
        if self.space.matches(space):
            return replace(self, space=space)
        shape = (self.space.size, self.width)
        pointers = np.append(0, np.cumsum(self.counts))
        by_voxel: Any = scipy.sparse.csc_array((self.weights, self.elements, pointers), shape=shape).tocsr()
        parts = [taps @ by_voxel for taps in self._interpolate(space)]
        # Each copy of all weights is dropped before the next is made.
        del by_voxel
        rows = scipy.sparse.vstack(parts, format='csr')
        del parts
        rows.eliminate_zeros()
        by_region = rows.tocsc()
        del rows
        by_region.sort_indices()
        counts = np.diff(by_region.indptr)
        return replace(self, space=space, elements=by_region.indices, weights=by_region.data, counts=counts)

    def _interpolate(self, space: VolumeGrid) -> Iterator[Any]:
        """Yield matrices from the voxels of this grid to some voxels of another, whose values they interpolate."""
        matrix = affines.voxel_map(space.affine, self.space.affine)
        shape = self.space.shape
        for start in range(0, space.size, VOXELS_PER_STEP):
            numbers = np.arange(start, min(start + VOXELS_PER_STEP, space.size))
            where = affines.map_voxels(matrix, np.unravel_index(numbers, space.shape, order='F'))
            inside = np.flatnonzero(affines.is_inside(where, shape))
            where = np.clip(where[:, inside], 0, np.array(shape)[:, None] - 1)
            data, voxels = linear_taps(where, shape)
            entries = (data.ravel(), (np.repeat(inside, data.shape[1]), voxels.ravel()))
            yield scipy.sparse.csr_array(entries, shape=(len(numbers), self.space.size))


#: An atlas of any kind.
AnyAtlas = Atlas | WeightedAtlas


def magnitude(weights: np.ndarray) -> float:
    """Return the sum of the magnitudes of weights."""
    return float(np.abs(weights).sum(dtype=np.float64))


def linear_taps(where: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and numbers, each of shape (n, 8), of the voxels between which positions are interpolated.

    ``where`` has the shape (3, n), in fractional voxel indices within the grid of that ``shape``.

    >>> weights, voxels = linear_taps(np.array([[0.25], [0.0], [0.0]]), (2, 1, 1))
    >>> {int(voxel): float(weight) for voxel, weight in zip(voxels[0], weights[0]) if weight}
    {0: 0.75, 1: 0.25}
    """
    last = np.array(shape)[:, None] - 1
    lower = np.floor(where).astype(np.intp)
    along = np.stack([1 - (where - lower), where - lower])  # 2 × 3 × n
    corners = np.stack([lower, np.minimum(lower + 1, last)])
    weights, voxels = [], []
    for corner in itertools.product((0, 1), repeat=3):
        weights.append(np.prod([along[side, axis] for axis, side in enumerate(corner)], axis=0))
        index = tuple(corners[side, axis] for axis, side in enumerate(corner))
        voxels.append(np.ravel_multi_index(index, shape, order='F'))
    return np.stack(weights, axis=1), np.stack(voxels, axis=1)
