# SPDX-License-Identifier: BSD-3-Clause
"""Elements of more volumes than are read at a time, for products with many weights per element."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from .elements import ElementUnion
from .operators import Block, RegionOperator
from .scaling import Decoder

#: Least number of weights per element for which joining blocks is worth the copy of their values.
LEAST_WEIGHTS = 4

#: Largest number of volumes to join, and largest size of their values in float64.
MOST_VOLUMES, MOST_BYTES = 16, 32 * 2**20


class JoinedBlock(Block):
    """A block whose ``stored``, shape (b, n), has the elements of the union alone."""

    def take(self, elements: np.ndarray) -> np.ndarray:
        """Return the values of some elements of the union, shape (b, n)."""
        return self._decoder(np.take(self.stored, self._union.place[elements], axis=1))

    def take_part(self, some: slice) -> np.ndarray:
        """Return the values of a slice of the elements of the union, shape (b, n)."""
        return self._decoder(self.stored[:, some])


def count_joined(operators: Iterable[RegionOperator | None], union: ElementUnion) -> int:
    """Return how many volumes to reduce at a time; 0 if blocks are best reduced as they are read."""
    known = list(operators)
    weights = [operator.weights for operator in known if operator is not None]
    # Weights that are all 1 are summed in other ways.
    n_weights = sum(each.nnz for each in weights if each.dtype.kind == 'f')
    if len(weights) < len(known) or n_weights < LEAST_WEIGHTS * len(union):
        return 0
    return max(1, min(MOST_VOLUMES, MOST_BYTES // (8 * max(1, len(union)))))


def join_blocks(
    blocks: Iterable[tuple[int, np.ndarray]],
    union: ElementUnion,
    decoder: Decoder,
    n_joined: int,
    add: Callable[[np.ndarray], list[np.ndarray | None]],
) -> Iterator[tuple[JoinedBlock, list[np.ndarray | None]]]:
    """Yield blocks of ``n_joined`` volumes, the last one smaller, and the sums of their volumes.

    The memory of a block is used again for the next but one. ``blocks`` are pairs of the first volume and stored
    values, shape (b, number of elements). ``add`` returns sums of each, shape (b, m), or None, for some atlases.
    """
    joined, other, first, elements = np.empty(0), np.empty(0), 0, union.elements.astype(np.intp)
    sums: list[list[np.ndarray | None]] = []
    for _, stored in blocks:
        if not joined.size:
            joined, other = np.empty((2, n_joined, len(union)), stored.dtype)
        found = add(stored)
        for row, volume in enumerate(stored):
            np.take(volume, elements, out=joined[len(sums)], mode='clip')
            sums.append([None if each is None else each[row] for each in found])
            if len(sums) == n_joined:
                yield JoinedBlock(joined, decoder, union, first), _stack(sums)
                joined, other, first, sums = other, joined, first + n_joined, []
    if sums:
        yield JoinedBlock(joined[: len(sums)], decoder, union, first), _stack(sums)


def _stack(sums: list[list[np.ndarray | None]]) -> list[np.ndarray | None]:
    """Return the sums of some volumes, each a list of those of each atlas, for each atlas."""
    return [None if each[0] is None else np.stack(each) for each in zip(*sums, strict=True)]
