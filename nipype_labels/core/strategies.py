# SPDX-License-Identifier: BSD-3-Clause
"""Elements grouped by region, and the summary statistics of regions."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import scipy

from ..model.errors import LabelsError, list_names
from ..model.parameters import MAP_STRATEGIES
from ..model.weighted import AnyAtlas, WeightedAtlas, magnitude
from .elements import ElementUnion
from .least_squares import fit, invert_gram
from .scaling import narrow

#: Number of labels that are grouped at a time.
_LABELS_AT_ONCE = 2**18


@dataclass(frozen=True, eq=False)
class RegionIndex:
    """Elements grouped by region.

    Attributes
    ----------
    elements : array of int, shape (n,)
        Numbers of the elements, sorted by region, then in ascending order. Regions may share elements.
    starts : array of int, shape (m,)
        First position in ``elements`` of each of the m regions that have elements.
    columns : array of int, shape (m,)
        Column of each region that has elements.
    width : int
        Number of columns, L, including those of regions without elements.
    weights : array, shape (n,), or None
        Weight of each element in its region; None for labels and spheres, whose weights are 1.
    union : ElementUnion or None
        Distinct elements; None if no region shares any.
    """

    elements: np.ndarray
    starts: np.ndarray
    columns: np.ndarray
    width: int
    weights: np.ndarray | None = None
    union: ElementUnion | None = None

    @classmethod
    def of(cls, atlas: AnyAtlas) -> Self:
        """Group the voxels of an atlas by its regions, in the order of the look-up table."""
        if isinstance(atlas, WeightedAtlas):
            columns = np.flatnonzero(atlas.counts)
            weights = atlas.weights if atlas.seeds is None else None
            union = ElementUnion([atlas.elements])
            shared = None if weights is None and len(union) == len(atlas.elements) else union
            return cls(atlas.elements, atlas.starts[columns], columns, atlas.width, weights, shared)
        elements, counts = _sort_by_region(np.asarray(atlas.labels).reshape(-1, order='F'), np.asarray(atlas.ids))
        columns = np.flatnonzero(counts)
        return cls(elements, (np.cumsum(counts) - counts)[columns], columns, len(counts))

    @property
    def counts(self) -> np.ndarray:
        """Number of elements of each region that has elements, shape (m,)."""
        return np.diff(self.starts, append=len(self.elements))

    @property
    def total_weights(self) -> np.ndarray:
        """Sum of the weights of each region that has elements, shape (m,)."""
        if self.weights is None:
            return self.counts
        return np.array([weights.sum(dtype=np.float64) for weights in np.split(self.weights, self.starts[1:])])

    def count(self, which: np.ndarray) -> np.ndarray:
        """Return the number of elements of each region, shape (L,), among those where ``which`` is True, shape (n,)."""
        counts = np.zeros(self.width, dtype=np.intp)
        counts[self.columns] = self.counts if which.all() else np.add.reduceat(which, self.starts, dtype=np.intp)
        return counts

    def sum_weights(self, which: np.ndarray) -> np.ndarray:
        """Return the sum of the magnitudes of the weights of each region, shape (L,), where ``which`` is True."""
        if self.weights is None:
            return self.count(which)
        sums = np.zeros(self.width)
        parts = (np.split(entries, self.starts[1:]) for entries in (self.weights, which))
        sums[self.columns] = [magnitude(weights[some]) for weights, some in zip(*parts, strict=True)]
        return sums

    def keep(self, which: np.ndarray) -> Self:
        """Return the index of the elements where ``which`` is True, shape (n,), with the same columns."""
        if which.all():
            return self  # with what was derived from its weights
        counts = np.add.reduceat(which, self.starts, dtype=np.intp)
        left = counts > 0
        starts = (np.cumsum(counts) - counts)[left]
        weights, elements = None if self.weights is None else self.weights[which], self.elements[which]
        union = None if self.union is None else ElementUnion([elements])
        return type(self)(elements, starts, self.columns[left], self.width, weights, union)

    @property
    def voxels(self) -> np.ndarray:
        """Elements, each once, shape (n_distinct,): as they are if no region shares any, else in ascending order."""
        return self.elements if self.union is None else self.union.elements

    def at_entries(self, which: np.ndarray) -> np.ndarray:
        """Return for each of ``elements``, shape (n,), what ``which``, shape (n_distinct,), says of its voxel."""
        if self.union is None or which.all():
            return which if self.union is None else np.broadcast_to(np.True_, len(self.elements))
        everywhere = np.zeros(self.union.elements[-1] + 1, dtype=bool)
        everywhere[self.union.elements] = which
        return everywhere[self.elements]

    @cached_property
    def gram_inverse(self) -> np.ndarray:
        """Matrix, shape (m, m), from weighted sums to the amplitudes of the maps that fit a volume best."""
        return self._inverted_gram[0]

    def find_collinear(self) -> np.ndarray:
        """Return which regions are linear combinations of others, shape (L,); none of those without weights."""
        is_collinear = np.zeros(self.width, dtype=bool)
        if self.weights is not None and len(self.starts):
            is_collinear[self.columns] = self._inverted_gram[1]
        return is_collinear

    @cached_property
    def _inverted_gram(self) -> tuple[np.ndarray, np.ndarray]:
        weights = np.ones(len(self.elements)) if self.weights is None else self.weights
        return invert_gram(self.elements, self.starts, weights, self.union)

    def spread(self, values: np.ndarray, size: int, dtype: Any = np.float64) -> np.ndarray:
        """Return an array with the value of its region at each element, and 0 elsewhere.

        ``values`` has the shape (L,), the result the shape (size,). Where regions share an element, it has the sum of
        their values times their weights: the adjoint of the weighted sum. Without weights it has their mean.
        ImageError if ``dtype`` cannot hold a value.
        """
        if self.weights is not None:
            pointers = np.append(self.starts, len(self.elements)).astype(np.int32)
            maps: Any = scipy.sparse.csc_array((self.weights, self.elements, pointers), shape=(size, len(self.starts)))
            return narrow(maps @ values[self.columns].astype(np.float64), dtype, 'a region')
        if self._sharers is None:
            elements, regions = self._in_order
            out = np.zeros(size, dtype)
            out[elements] = narrow(values[self.columns], dtype, 'a region')[regions]
            return out
        out = np.zeros(size)
        np.add.at(out, self.elements, np.repeat(values[self.columns], self.counts) / self._sharers)
        return narrow(out, dtype, 'a region')

    @cached_property
    def _in_order(self) -> tuple[np.ndarray, np.ndarray]:
        """Elements in ascending order, in which writing is fast, each with the place of its region in ``columns``."""
        order = np.argsort(self.elements, kind='stable')
        return self.elements[order], np.repeat(np.arange(len(self.columns), dtype=np.int32), self.counts)[order]

    @cached_property
    def _sharers(self) -> np.ndarray | None:
        """Number of regions that have each element, shape (n,); None if regions are disjoint."""
        n_regions = np.bincount(self.elements, minlength=1)
        return n_regions[self.elements] if n_regions.max() > 1 else None


def reduce_values(strategy: str, values: np.ndarray, index: RegionIndex) -> np.ndarray:
    """Return a statistic of values at the distinct voxels of regions.

    Parameters
    ----------
    strategy : str
        Key of ``STRATEGIES``.
    values : array, shape (b, n_distinct)
    index : RegionIndex

    Returns
    -------
    array, shape (b, m)
        Of the regions that have elements.
    """
    if index.union is not None and index.weights is None:
        values = np.take(values, index.union.place[index.elements], axis=1)
    return STRATEGIES[strategy](values, index)


def _sort_by_region(labels: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the elements of all regions, sorted by region, then in ascending order, and their number in each, (L,)."""
    order = np.argsort(ids)
    ids = ids[order]
    order = order.astype(np.min_scalar_type(len(ids)))  # two bytes are sorted fastest
    sorted_parts, all_counts = [], []
    # In parts: arrays of the size of a volume take memory, and time, since they do not stay in the processor's cache.
    for first in range(0, labels.size, _LABELS_AT_ONCE):
        some = labels[first : first + _LABELS_AT_ONCE]
        # Most voxels are background, whose label is mostly below all ids.
        elements = np.flatnonzero((some >= ids[0]) & (some <= ids[-1]))
        place = np.searchsorted(ids, some[elements])
        known = ids[place] == some[elements]
        region = order[place[known]]
        sorted_parts.append(
            (elements[known] + first).astype(_index_type(labels.size))[np.argsort(region, kind='stable')]
        )
        all_counts.append(np.bincount(region, minlength=len(ids)))
    counts = np.array(all_counts)
    until = np.cumsum(counts.sum(axis=0)) - counts.sum(axis=0) + np.cumsum(counts, axis=0)
    out = np.empty(counts.sum(), _index_type(labels.size))
    for part, n, stop in zip(sorted_parts, counts, until, strict=True):
        out[np.repeat(stop - np.cumsum(n), n) + np.arange(len(part))] = part
    return out, counts.sum(axis=0)


def _index_type(size: int) -> type:
    """Return the type that SciPy's sparse matrices have for indices."""
    return np.int32 if size < 2**31 else np.int64


def _sum(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    return np.add.reduceat(values, index.starts, axis=1, dtype=np.float64)


def _mean(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    return _sum(values, index) / index.counts


def _median(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    out = np.empty((len(values), len(index.starts)))
    for column, (start, n) in enumerate(zip(index.starts, index.counts, strict=True)):
        out[:, column] = find_medians(values[:, start : start + n])
    return out


def find_medians(values: np.ndarray) -> np.ndarray:
    """Return the median of each row of ``values``, shape (b, n), none of them NaN.

    >>> find_medians(np.array([[3, 1, 2, 9]])).tolist()
    [2.5]
    """
    middle = values.shape[1] // 2
    # For two places at a time, NumPy is several times slower.
    ranked = np.partition(values, middle, axis=1)
    upper = ranked[:, middle].astype(np.float64)
    return upper if values.shape[1] % 2 else (ranked[:, :middle].max(axis=1) + upper) / 2


def _minimum(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    return np.minimum.reduceat(values, index.starts, axis=1)


def _maximum(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    return np.maximum.reduceat(values, index.starts, axis=1)


def _variance(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    deviation = values - np.repeat(_mean(values, index), index.counts, axis=1)
    return _mean(np.square(deviation, out=deviation), index)


def _standard_deviation(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    return np.sqrt(_variance(values, index))


def _weighted_sum(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    if index.weights is None:
        return _sum(values, index)
    assert index.union is not None  # as of every atlas of maps
    sums = np.empty((len(values), len(index.starts)))
    for column, (start, n) in enumerate(zip(index.starts, index.counts, strict=True)):
        places, weights = index.union.place[index.elements[start : start + n]], index.weights[start : start + n]
        sums[:, column] = (np.take(values, places, axis=1) * weights.astype(np.float64)).sum(axis=1)
    return sums


def _weighted_mean(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    return _weighted_sum(values, index) / index.total_weights


def _least_squares(values: np.ndarray, index: RegionIndex) -> np.ndarray:
    # Least squares on the indicators of disjoint regions are their means.
    return _mean(values, index) if index.weights is None else fit(_weighted_sum(values, index), index.gram_inverse)


def check_map_strategy(strategy: str, path: str) -> None:
    """Raise LabelsError, with the ``path`` of probabilistic maps, unless a strategy is defined for maps."""
    if strategy not in MAP_STRATEGIES:
        raise LabelsError(
            f'{path} is an atlas of probabilistic maps (a 4D image): strategy={strategy!r} is for labels and spheres. '
            f'Choose {" or ".join(MAP_STRATEGIES)}, or check whether atlas and series are swapped'
        )


def check_strategy(strategy: str, atlas: AnyAtlas) -> None:
    """Raise LabelsError unless a strategy is defined for the regions of an atlas."""
    if not isinstance(atlas, WeightedAtlas) or atlas.seeds is not None:
        return
    check_map_strategy(strategy, atlas.space.path)
    if strategy == 'weighted_mean' and (atlas.weights < 0).any():
        names = [atlas.names[i] for i in np.unique(atlas.column[atlas.weights < 0])]
        raise LabelsError(
            f"{atlas.space.path}: strategy='weighted_mean' needs maps without negative values. Choose least_squares, "
            f'or threshold the maps {list_names(names)}'
        )


#: Summary statistic across the voxels of a region by name; variance is that of the population (ddof 0).
STRATEGIES = {
    'mean': _mean,
    'sum': _sum,
    'median': _median,
    'minimum': _minimum,
    'maximum': _maximum,
    'variance': _variance,
    'standard_deviation': _standard_deviation,
    'weighted_mean': _weighted_mean,
    'least_squares': _least_squares,
}
