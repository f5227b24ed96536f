# SPDX-License-Identifier: BSD-3-Clause
"""Distinct elements of regions, in ascending order."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np


class ElementUnion:
    """All elements that some atlases need, so that each is taken out of a block once.

    Parameters
    ----------
    needed : sequence of arrays of int, shape (m,)
        Numbers of the elements that each atlas needs, in any order.

    Attributes
    ----------
    elements : array of int, shape (n,)
        Elements that any of them needs, in ascending order.
    """

    def __init__(self, needed: Sequence[np.ndarray]) -> None:
        among = np.zeros(max((elements.max() + 1 for elements in needed if len(elements)), default=0), dtype=bool)
        for elements in needed:
            among[elements] = True
        self.elements = np.flatnonzero(among).astype(np.min_scalar_type(-among.size))

    def __len__(self) -> int:
        return len(self.elements)

    @cached_property
    def place(self) -> np.ndarray:
        """Position of each needed element in ``elements``, by its number; of others any number."""
        place = np.zeros(self.elements[-1] + 1 if len(self.elements) else 0, dtype=np.int32)
        place[self.elements] = np.arange(len(self.elements), dtype=np.int32)
        return place
