# SPDX-License-Identifier: BSD-3-Clause
"""Values for censored volumes, so that a Butterworth filter can run across the gaps."""

import numpy as np
import scipy

from ..model.parameters import PARAMETERS

#: How gaps are filled. Simulations in the documentation show the effect of each method on the retained volumes.
FILLS = PARAMETERS['fill_censored'].choices

#: Frequencies per cycle of the whole series in the spectral method, as in Power et al. (2014).
OVERSAMPLING = 8

#: Frequencies handled at a time, which bounds memory.
CHUNK = 256


def fill_censored(values: np.ndarray, kept: np.ndarray, method: str = 'linear') -> tuple[np.ndarray, np.ndarray]:
    """Replace censored volumes by values interpolated between retained volumes.

    The filled values only carry a filter across the gaps: they are discarded after filtering. Volumes before the first
    and after the last retained volume are cut, so that nothing is extrapolated, and no censored value is read.

    Parameters
    ----------
    values : array, shape (T, C)
    kept : array of bool, shape (T,)
        Retained volumes.
    method : {'linear', 'cubic', 'pchip', 'spectral'}
        Straight lines; a cubic spline (as in nilearn), which overshoots in long gaps; a piecewise cubic curve without
        overshoot (Fritsch and Butland, 1984); or sinusoids fitted by least squares, one frequency at a time (Power
        et al., 2014, NeuroImage 84:320-341), around the linear trend of the retained volumes.

    Returns
    -------
    values : array, shape (T', C)
        From the first retained volume to the last.
    kept : array of bool, shape (T',)

    Examples
    --------
    >>> values, kept = fill_censored(np.array([[9.0], [1], [7], [3], [9]]), np.array([False, True, False, True, False]))
    >>> values.ravel().tolist(), kept.tolist()
    ([1.0, 2.0, 3.0], [True, False, True])
    """
    where = np.flatnonzero(kept)
    span = slice(where[0], where[-1] + 1)
    values, inside = values[span].copy(), kept[span]
    if not inside.all() and values.shape[1]:
        times = np.arange(len(values), dtype=np.float64)
        values[~inside] = _FITS[method](times[inside], values[inside], times[~inside])
    return values, inside


def longest_gap(kept: np.ndarray) -> int:
    """Return the number of censored volumes in the longest gap between retained volumes.

    >>> longest_gap(np.array([False, True, False, False, True, True]))
    2
    """
    return int(np.diff(np.flatnonzero(kept)).max(initial=1)) - 1


def _fit_lines(times: np.ndarray, values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Straight lines between neighbours."""
    after = np.searchsorted(times, missing)
    before = after - 1
    weights = ((missing - times[before]) / (times[after] - times[before]))[:, None]
    return (1 - weights) * values[before] + weights * values[after]


def _fit_spline(times: np.ndarray, values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Cubic spline, not-a-knot."""
    return scipy.interpolate.CubicSpline(times, values)(missing)


def _fit_pchip(times: np.ndarray, values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Piecewise cubic Hermite polynomials, monotone between neighbours."""
    return scipy.interpolate.PchipInterpolator(times, values)(missing)


def _fit_sinusoids(times: np.ndarray, values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Sum of sinusoids, each fitted separately, around the linear trend.

    The sum is scaled so that white noise keeps its variance, which makes the method linear in ``values``.
    """
    design = np.vander(times - times.mean(), 2)
    trend = np.linalg.lstsq(design, values, rcond=None)[0]
    everywhere = np.concatenate([times, missing])
    step = 1 / (OVERSAMPLING * (times[-1] - times[0]))
    frequencies = np.arange(step, 0.5 + step / 2, step)
    weights = np.zeros((len(everywhere), len(times)))
    for begin in range(0, len(frequencies), CHUNK):
        turns = 2 * np.pi * frequencies[begin : begin + CHUNK, None]
        # A shift in time for each frequency makes sine and cosine orthogonal over the retained volumes.
        doubled = 2 * turns * times
        shift = np.arctan2(np.sin(doubled).sum(axis=1), np.cos(doubled).sum(axis=1))[:, None] / (2 * turns)
        for wave in (np.cos, np.sin):
            fitted = wave(turns * (times - shift))
            size = (fitted**2).sum(axis=1, keepdims=True)
            fitted /= np.where(size > 1e-9 * len(times), size, np.inf)
            weights += wave(turns * (everywhere - shift)).T @ fitted
    weights /= np.sqrt((weights**2).sum() / len(everywhere))
    residuals = values - design @ trend
    return weights[len(times) :] @ residuals + np.vander(missing - times.mean(), 2) @ trend


_FITS = {'linear': _fit_lines, 'cubic': _fit_spline, 'pchip': _fit_pchip, 'spectral': _fit_sinusoids}
