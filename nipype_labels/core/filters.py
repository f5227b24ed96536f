# SPDX-License-Identifier: BSD-3-Clause
"""Linear trends, slow drifts and frequency bands of time series."""

from typing import Any

import numpy as np
import scipy

from ..model.errors import SignalError
from .choices import check_choice

#: Order of the Butterworth filter; it runs forward and backward, which doubles it.
BUTTERWORTH_ORDER = 5

#: Repetition times that differ by more than this fraction contradict each other.
T_R_TOLERANCE = 0.01


def check_filter(filter: str, low_pass: float | None, high_pass: float | None, t_r: float | None) -> None:
    """Raise LabelsError for cut-offs in Hz that cannot act; ``t_r``, in s, is None if it is unknown."""
    check_choice('filter', filter)
    cutoffs = {'high_pass': high_pass, 'low_pass': low_pass}
    given = {name: value for name, value in cutoffs.items() if value is not None}
    for name, value in given.items():
        if not (np.isfinite(value) and value > 0):
            raise SignalError(f'{name} must be a frequency above 0 Hz, not {value}; omit it to switch it off')
        if t_r and value >= 0.5 / t_r:
            raise SignalError(
                f'{name}={value} Hz is not below the Nyquist frequency, {0.5 / t_r:.6g} Hz for t_r={t_r:.6g} s'
            )
    if filter == 'none' and given:
        raise SignalError(f"{' and '.join(given)} given, but filter='none' would not use them")
    if filter == 'cosine' and (high_pass is None or low_pass is not None):
        raise SignalError("filter='cosine' takes a high_pass cut-off and no low_pass")
    if high_pass is not None and low_pass is not None and high_pass >= low_pass:
        raise SignalError(f'no band is left between high_pass={high_pass} Hz and low_pass={low_pass} Hz')


def check_repetition_time(t_r: float | None, name: str = 't_r') -> float | None:
    """Return a repetition time in s; SignalError, which calls it ``name``, if it is not a time above 0."""
    if t_r is not None and not (np.isfinite(t_r) and t_r > 0):
        raise SignalError(f'{name} must be a time above 0 s, not {t_r}')
    return t_r


def remove_trend(values: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
    """Remove mean and linear slope of each column.

    Parameters
    ----------
    values : array, shape (T, C)
    times : array, shape (T,), optional
        Acquisition times in any unit, rising; evenly spaced by default. Censored volumes leave gaps in them.

    Returns
    -------
    array, shape (T, C)

    Examples
    --------
    >>> np.abs(remove_trend(np.array([[1.0], [3.0], [5.0]]))).max() < 1e-12
    np.True_
    """
    values = values - values.mean(axis=0)
    if len(values) < 2:
        return values
    ramp = np.arange(len(values)) if times is None else np.asarray(times)
    ramp = ramp - ramp.mean()
    ramp /= np.sqrt(ramp @ ramp)
    return values - np.outer(ramp, ramp @ values)


def butterworth(
    values: np.ndarray, t_r: float, low_pass: float | None = None, high_pass: float | None = None
) -> np.ndarray:
    """Band-pass, low-pass or high-pass the columns forward and backward, without shifting them in time.

    Parameters
    ----------
    values : array, shape (T, C)
    t_r : float
        In s.
    low_pass, high_pass : float or None
        In Hz; None leaves that side open.

    Returns
    -------
    array, shape (T, C)

    Raises
    ------
    SignalError
        If there are too few volumes for the filter's padding, or a cut-off is too close to 0.
    """
    band: Any = (high_pass, low_pass)
    kind = 'bandpass'
    if high_pass is None or low_pass is None:
        kind, band = ('lowpass', low_pass) if high_pass is None else ('highpass', high_pass)
    sections = scipy.signal.butter(BUTTERWORTH_ORDER, band, kind, fs=1 / t_r, output='sos')
    zeros = min((sections[:, 2] == 0).sum(), (sections[:, 5] == 0).sum())
    padding = 3 * (2 * len(sections) + 1 - zeros)
    if len(values) <= padding:
        raise SignalError(f'a {kind} filter needs {padding + 1} volumes or more, not {len(values)}')
    try:
        return scipy.signal.sosfiltfilt(sections, values, axis=0, padlen=padding)
    except ValueError:
        # Of a pole at 1, or of a matrix that has no inverse (a ValueError too), as SciPy's version has it.
        name, value = ('low_pass', low_pass) if high_pass is None else ('high_pass', high_pass)
        raise SignalError(f'a {name} of {value:g} Hz is too close to 0: omit it') from None


def cosine_drifts(n_volumes: int, t_r: float, high_pass: float) -> np.ndarray:
    """Slow cosines that span the drifts below a cut-off.

    Parameters
    ----------
    n_volumes : int
    t_r : float
        In s.
    high_pass : float
        In Hz.

    Returns
    -------
    array, shape (n_volumes, C)
        Orthonormal columns, without the constant.

    Raises
    ------
    SignalError
        If the series is too short to hold a drift that slow.
    """
    n_drifts = min(n_volumes - 1, int(np.floor(2 * n_volumes * high_pass * t_r)))
    if n_drifts < 1:
        raise SignalError(
            f'a series of {n_volumes * t_r:.6g} s is too short for drifts below high_pass={high_pass} Hz; '
            f'it takes {0.5 / high_pass:.6g} s'
        )
    phases = np.pi / n_volumes * (np.arange(n_volumes) + 0.5)
    return np.sqrt(2 / n_volumes) * np.cos(np.outer(phases, np.arange(1, n_drifts + 1)))
