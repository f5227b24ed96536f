# SPDX-License-Identifier: BSD-3-Clause
"""Sum of the volumes of a series, and sums over regions, by the fastest way for the type of its values."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from .cells import SLAB, CellSums, has_small_integers
from .elements import ElementUnion
from .operators import JointOperator, RegionOperator
from .scaling import Decoder


class SeriesSums:
    """Sum of all volumes, and sums over the regions of atlases.

    Parameters
    ----------
    operators : sequence of RegionOperator or None
        Of each atlas.
    decoder : Decoder
    union : ElementUnion
        Of at least their elements.
    n_volumes : int
        T.

    Attributes
    ----------
    total : array, shape (I·J·K,)
        Sum of the stored values of the volumes so far.
    sum_up : callable
        Returns statistics of a Block for the atlases of which ``add`` returns None.
    """

    def __init__(
        self, operators: Sequence[RegionOperator | None], decoder: Decoder, union: ElementUnion, n_volumes: int
    ) -> None:
        self._operators = list(operators)
        self._decoder, self._union, self._n_volumes = decoder, union, n_volumes
        self.total: Any = None
        self.sum_up: Any = None
        self._add_up: Any = None

    def open(self, stored: np.ndarray) -> None:
        """Prepare for blocks like this one, unless it is done: not earlier, as the next block is being read."""
        if self.total is not None:
            return
        self.total = _make_total(stored, self._n_volumes)
        others, self._add_up = self._operators, partial(_accumulate, self._operators)
        if has_small_integers(stored.dtype, self._decoder):
            cells = CellSums(self._operators, self._union.elements, stored.shape[1], stored.dtype)
            others, self._add_up = cells.others, cells
        self.sum_up = JointOperator(others, self._union)

    def add(self, stored: np.ndarray) -> list[np.ndarray | None]:
        """Add the volumes of a block to their total; return the sums that this finds, or None, for each atlas."""
        self.open(stored)
        return self._add_up(stored, self.total)


def divide(total: np.ndarray, n_volumes: int) -> np.ndarray:
    """Return the mean volume, in the memory of the sum of all volumes that SeriesSums made."""
    mean: Any = total if total.base is None else total.base
    for first in range(0, len(total), SLAB):
        # Integers that are not divided yet are behind this part of the mean.
        mean[first : first + SLAB] = total[first : first + SLAB] / n_volumes
    return mean


def _make_total(stored: np.ndarray, n_volumes: int) -> np.ndarray:
    """Return zeros for the sum of all volumes: float64, or int32 if it holds all sums exactly, which is faster.

    The latter are the second half of an array of float64, so that they become the mean without memory for both.
    """
    total = np.zeros(stored.shape[1])
    small = stored.dtype.kind in 'iu' and stored.dtype.itemsize <= 2 and n_volumes < 2**15
    return total.view(np.int32)[len(total) :] if small else total


def _accumulate(operators: Sequence[Any], stored: np.ndarray, total: np.ndarray) -> list[None]:
    """Add the volumes of a block to ``total``; a value that is not finite, or too large, makes the sum not finite."""
    with np.errstate(over='ignore', invalid='ignore'):
        for volume in stored:
            np.add(total, volume, out=total)
    return [None] * len(operators)
