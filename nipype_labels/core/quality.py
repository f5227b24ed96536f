# SPDX-License-Identifier: BSD-3-Clause
"""Quality of region time series."""

import numpy as np

#: A time series is constant if it varies by less than this fraction of its largest absolute value.
CONSTANT_TOLERANCE = 1e-12

#: With fewer degrees of freedom, a correlation has no standard error.
LEAST_FREEDOM = 3


def is_constant(signals: np.ndarray) -> np.ndarray:
    """Return whether the finite values of each column are constant except for rounding; False for a single row.

    >>> is_constant(np.array([[1e6, 1.0, 0.0], [1e6 + 1e-8, 1.1, np.nan]])).tolist()
    [True, False, True]
    """
    if len(signals) < 2:
        return np.zeros(signals.shape[1], dtype=bool)
    finite = np.isfinite(signals)
    largest, least = _fill(signals, finite, -np.inf).max(axis=0), _fill(signals, finite, np.inf).min(axis=0)
    some = finite.any(axis=0)
    spread = np.subtract(largest, least, where=some, out=np.full(len(some), np.inf))
    size = np.where(some, np.maximum(np.abs(largest), np.abs(least)), 0)
    return spread <= CONSTANT_TOLERANCE * size


def temporal_snr(signals: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the temporal signal-to-noise ratio of each region's time series before denoising.

    Parameters
    ----------
    signals : array, shape (T, L)
        NaN where a region has no value.
    kept : array of bool, shape (T,)
        Retained volumes; no other volume counts.

    Returns
    -------
    array, shape (L,)
        Mean over standard deviation, after the removal of a linear trend over acquisition time. NaN where fewer than 3
        volumes have a value or nothing varies. It refers to the mean over the region's voxels, whose noise is averaged,
        and is larger than the mean of the voxels' own ratios.

    Examples
    --------
    >>> bright = np.array([[9000.0], [101], [103], [103], [105]])
    >>> temporal_snr(bright, np.array([False, True, True, True, True])).round()
    array([230.])
    """
    times, values = np.flatnonzero(kept).astype(np.float64)[:, None], np.asarray(signals, dtype=np.float64)[kept]
    finite = np.isfinite(values)
    count = np.maximum(finite.sum(axis=0), 1)
    values = _fill(values, finite, 0.0)
    mean = values.sum(axis=0) / count
    ramps = _fill(times - _fill(times, finite, 0.0).sum(axis=0) / count, finite, 0.0)
    deviations = _fill(values - mean, finite, 0.0)
    slope = (ramps * deviations).sum(axis=0) / np.maximum((ramps**2).sum(axis=0), np.finfo(np.float64).tiny)
    spread = np.sqrt(((deviations - slope * ramps) ** 2).sum(axis=0) / count)
    defined = (count > 2) & ~is_constant(_fill(values, finite, np.nan)) & (spread > 0)
    return np.where(defined, mean / np.where(defined, spread, 1.0), np.nan)


def _fill(values: np.ndarray, finite: np.ndarray, other: float) -> np.ndarray:
    """Return values, and another value where they are not finite; without a copy if all are finite."""
    return values if finite.all() else np.where(finite, values, other)
