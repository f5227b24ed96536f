# SPDX-License-Identifier: BSD-3-Clause
"""Stored values of images turned into numbers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.errors import ImageError

#: Function that returns a new iterator over a series: pairs of the first volume, and stored values (b, I·J·K).
ReadBlocks = Callable[[], Iterable[tuple[int, np.ndarray]]]

#: Largest valid value. No measurement is larger than single precision holds, and squares of sums would overflow.
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Decoder:
    """Turns stored values into numbers: ``stored × slope + intercept``, then cast.

    Unscaled integers stay integers unless a cast is requested: they need less memory.

    Attributes
    ----------
    slope, intercept : float
    dtype : dtype, optional
        Type to cast to.
    largest : float
        Values beyond become NaN.
    """

    slope: float = 1.0
    intercept: float = 0.0
    dtype: np.dtype | None = None
    largest: float = LARGEST

    def __call__(self, stored: np.ndarray) -> np.ndarray:
        """Decode an array.

        >>> Decoder(0.5, 1.0)(np.array([2, 4], dtype='>i2')).tolist(), Decoder()(np.array([1.5, 1e300])).tolist()
        ([2.0, 3.0], [1.5, nan])
        """
        values = np.asarray(stored)
        values = values.astype(values.dtype.newbyteorder('='), copy=False)
        if (self.slope, self.intercept) != (1.0, 0.0):
            with np.errstate(over='ignore', invalid='ignore'):
                values = values * np.float64(self.slope) + np.float64(self.intercept)
        if values.dtype == np.float64 and not max(values.max(initial=0), -values.min(initial=0)) <= self.largest:
            values = np.where(np.abs(values) <= self.largest, values, np.nan)
        return values if self.dtype is None else values.astype(self.dtype, copy=False)


def narrow(values: np.ndarray, dtype: Any, what: str) -> np.ndarray:
    """Return values in the type of a file; ImageError if it cannot hold one; ``what`` has it, in the message."""
    try:
        with np.errstate(over='raise'):
            return np.asarray(values, dtype)
    except FloatingPointError as e:
        largest = np.nanmax(np.abs(values))
        raise ImageError(f'{what} has a value that {np.dtype(dtype).name} cannot hold: {largest:g}') from e


def floating(values: np.ndarray) -> np.ndarray:
    """Return values as floating-point numbers that hold them exactly: float32 if possible, otherwise float64.

    >>> floating(np.array([1], dtype=np.int16)).dtype, floating(np.array([1], dtype=np.int32)).dtype
    (dtype('float32'), dtype('float64'))
    """
    return values.astype(np.float32 if np.can_cast(values.dtype, np.float32) else np.float64, copy=False)
