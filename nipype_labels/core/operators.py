# SPDX-License-Identifier: BSD-3-Clause
"""Linear statistics of regions as sparse matrices, and the values of the elements that atlases need."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, cast

import numpy as np
import scipy

from ..model.parameters import MAP_STRATEGIES
from .dense import LEAST_FRACTION, DenseWeights
from .elements import ElementUnion
from .least_squares import fit
from .scaling import Decoder
from .smooth import region_weights
from .strategies import RegionIndex

#: Strategies that are weighted sums, divided or recombined.
LINEAR = ('mean', 'sum', *MAP_STRATEGIES)

#: Rough number of weights that are multiplied at a time, which limits the memory for values.
WEIGHTS_AT_ONCE = 2**18

#: With fewer volumes, NumPy turns the axes of values several times slower than a loop over volumes does.
FEW_VOLUMES = 8


@dataclass(frozen=True, eq=False)
class RegionOperator:
    """Sparse matrix from the elements of a series to linear statistics of regions; smoothing may be a part of it.

    Attributes
    ----------
    weights : scipy.sparse.csr_array, shape (m, number of elements)
        Weight of each element in each of the m regions that have elements.
    divisor : array, shape (m, 1)
        By which the weighted sums are divided.
    fitted : RegionIndex or None
        Maps whose least-squares fit the statistics are; it is solved when it is first needed, while a series is read.
    dense : DenseWeights or None
        The weights again, if most of them are not 0.
    """

    weights: Any
    divisor: np.ndarray
    fitted: RegionIndex | None = None
    dense: DenseWeights | None = None

    @classmethod
    def of(cls, index: RegionIndex, shape: tuple[int, ...], sigmas: tuple[float, ...], strategy: str) -> Self | None:
        """Return the operator of a strategy after smoothing; None if it is not linear or has too many weights.

        ``sigmas`` are the widths of the kernel in voxels of a grid of that ``shape``; all 0 is off.
        """
        if strategy not in LINEAR or not len(index.elements):
            return None
        if any(sigmas):
            weights = region_weights(index.elements, index.starts, shape, sigmas, index.weights)
            if weights is None:
                return None
        else:
            voxels, ends = index.elements.astype(np.int32, copy=False), np.append(index.starts, len(index.elements))
            # Small, if they are all 1: JointOperator has one array of them in float64.
            data = np.ones(len(voxels), dtype=np.int8) if index.weights is None else index.weights
            entries = (data, voxels, ends.astype(np.int32))
            weights = scipy.sparse.csr_array(entries, shape=(len(index.starts), np.prod(shape)))
        fits = strategy == 'least_squares' and index.weights is not None
        divisor = np.ones(len(index.starts)) if fits or strategy == 'sum' else index.total_weights
        union = ElementUnion([weights.indices]) if any(sigmas) else index.union
        dense = None if index.weights is None or union is None else _make_dense(weights, union)
        return cls(weights, divisor[:, None], index if fits else None, dense)

    def finish(self, sums: np.ndarray) -> np.ndarray:
        """Return the statistics, shape (b, m), of weighted sums, shape (m, b)."""
        quotients = (sums / self.divisor).T
        return quotients if self.fitted is None else fit(quotients, self.fitted.gram_inverse)

    @property
    def elements(self) -> np.ndarray:
        """Numbers of the elements that have weights, in any order, possibly repeated."""
        return self.weights.indices


class Block:
    """Some volumes of a series, each decoded once, whatever the number of atlases.

    Parameters
    ----------
    stored : array, shape (b, number of elements)
        As in the file, each volume with its first axis fastest.
    decoder : Decoder
    union : ElementUnion
    first : int
        Number of the first volume in the series.
    """

    def __init__(self, stored: np.ndarray, decoder: Decoder, union: ElementUnion, first: int = 0) -> None:
        self.stored, self.first, self._decoder, self._union = stored, first, decoder, union

    def __len__(self) -> int:
        return len(self.stored)

    @cached_property
    def decoded(self) -> np.ndarray:
        """All values, shape (b, number of elements)."""
        return self._decoder(self.stored)

    def volume(self, row: int) -> np.ndarray:
        """Return the values of a volume, shape (number of elements,)."""
        return self.decoded[row] if 'decoded' in vars(self) else self._decoder(self.stored[row])

    def take(self, elements: np.ndarray) -> np.ndarray:
        """Return the values of some elements in ascending order, shape (b, n)."""
        if 'decoded' in vars(self):
            return np.take(self.decoded, elements, axis=1)
        return self._decoder(np.take(self.stored, elements, axis=1))

    def take_part(self, some: slice) -> np.ndarray:
        """Return the values of a slice of the elements of the union, shape (b, n)."""
        return self.take(self._union.elements[some])

    @cached_property
    def values(self) -> np.ndarray:
        """Values of the elements of the union, shape (b, n)."""
        return self.take_part(slice(None))

    def values_at(self, elements: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the values of some elements of the union in some volumes, shape (number of rows, m)."""
        values = self.values if len(rows) == len(self.values) else self.values[rows]
        return np.take(values, self._union.place[elements], axis=1)


class JointOperator:
    """The operators of several atlases in one product, so that each value comes from memory once.

    The product goes through the elements in parts. Each part continues the sums of the parts before it, so that the
    additions, and their rounding, do not depend on the parts.

    Parameters
    ----------
    operators : sequence of RegionOperator or None
        Of each atlas; None for an atlas that is reduced in another way.
    union : ElementUnion
        Of at least their elements.
    """

    def __init__(self, operators: Sequence[RegionOperator | None], union: ElementUnion) -> None:
        self._operators = operators
        weights = [operator.weights for operator in operators if operator is not None and operator.dense is None]
        self._parts: list[tuple[slice, Any]] = []
        if weights and len(union.elements):
            n_parts = -(-sum(each.nnz for each in weights) // WEIGHTS_AT_ONCE)
            some = np.array_split(union.elements, min(n_parts, len(union.elements)))
            matrices = [_continue_sums(weights, elements) for elements in some]
            are_ones = all(each.dtype == np.int8 for each in weights)
            # In memory once.
            ones = np.ones(max(matrix.nnz for matrix in matrices) if are_ones else 0)
            for matrix in matrices:
                matrix.data = ones[: matrix.nnz] if are_ones else matrix.data
            stops = np.cumsum([len(elements) for elements in some]).tolist()
            slices = [slice(stop - len(elements), stop) for stop, elements in zip(stops, some, strict=True)]
            self._parts = list(zip(slices, matrices, strict=True))

    def __call__(self, block: Block) -> list[np.ndarray | None]:
        """Return the statistics, shape (b, m), of each atlas, or None; not finite where a value is not."""
        sums: Any = 0
        for some, part in self._parts:
            values = np.empty((part.shape[1], len(block)))
            values[: part.shape[0]] = sums
            _turn(block.take_part(some), values[part.shape[0] :])
            sums = part @ values
        start, found = 0, cast(list[np.ndarray | None], [])
        for operator in self._operators:
            if operator is None:
                found.append(None)
            elif operator.dense is not None:
                found.append(operator.finish(operator.dense.sum(block.take, len(block))))
            else:
                stop = start + len(operator.divisor)
                found.append(operator.finish(sums[start:stop]))
                start = stop
        return found


def _turn(values: np.ndarray, out: np.ndarray) -> None:
    """Copy values, shape (b, n), to ``out``, shape (n, b)."""
    if len(values) < FEW_VOLUMES:
        for column, volume in zip(out.T, values, strict=True):
            column[:] = volume
    else:
        out[:] = values.T


def _make_dense(weights: Any, union: ElementUnion) -> DenseWeights | None:
    """Return the weights of a sparse matrix for dense products; None if too few of them are not 0."""
    if weights.nnz < LEAST_FRACTION * len(union) * weights.shape[0]:
        return None
    weights.sort_indices()
    return DenseWeights(weights.indices, weights.indptr[:-1], weights.data, union)


def _continue_sums(weights: Sequence[Any], elements: np.ndarray) -> Any:
    """Return the matrix [identity, weights of some elements], whose product adds to sums of earlier elements."""
    first, last = elements[0], elements[-1] + 1
    columns: Any = scipy.sparse.vstack([each[:, first:last] for each in weights], format='csr').tocsc()
    m = columns.shape[0]
    # By elements: those of a region are added in the order of memory, whatever other atlases need.
    rows = np.concatenate([np.arange(m, dtype=np.int32), columns.indices])
    starts = np.concatenate([np.arange(m), columns.indptr[elements - first] + m, [columns.nnz + m]])
    data = np.concatenate([np.ones(m, columns.dtype), columns.data])
    return scipy.sparse.csc_array((data, rows, starts.astype(np.int32)), shape=(m, m + len(elements)))
