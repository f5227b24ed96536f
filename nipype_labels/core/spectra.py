# SPDX-License-Identifier: BSD-3-Clause
"""Spectra of region time series, whichever volumes are censored."""

import numpy as np

from .display import average_neighbours
from .quality import is_constant

#: Regions whose spectra are computed at a time: little memory, and few calls.
CHUNK = 128

#: Of regions: the edges of the band, and the line within.
QUARTILES = (0.25, 0.5, 0.75)


def spectrum(signals: np.ndarray, kept: np.ndarray, t_r: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the power of time series at each frequency, relative to white noise of the same variance.

    The power is the fraction of the variance that a sinusoid explains by least squares, over the fraction that it is
    expected to explain of white noise. Between the first and the last retained volume this is the periodogram if no
    volume is censored, and that of Lomb and Scargle (1982, The Astrophysical Journal 263:835-853) otherwise. White
    noise has an expected power of 1 at every frequency, whatever the unit and however many volumes are censored.

    Returns the F frequencies in Hz, between 0 and half of the sampling rate, and the power, shape (F, L); NaN for
    regions that are constant or have no value in a retained volume. ``signals`` have the shape (T, L), ``kept`` (T,).
    """
    first, last = np.flatnonzero(kept)[[0, -1]]
    used, signals = kept[first : last + 1], signals[first : last + 1]
    n, n_used = len(used), int(used.sum())
    known = np.isfinite(signals[used]).all(axis=0) & ~is_constant(signals[used])
    values = np.where(used[:, None] & known, signals, 0.0)
    values = values / np.maximum(np.abs(values).max(axis=0, initial=0), np.finfo(np.float64).tiny)
    values = np.where(used[:, None], values - values.sum(axis=0) / n_used, 0.0)
    order = np.arange(1, (n + 1) // 2)
    # On a regular grid, sums of cosines and sines over the retained volumes are Fourier transforms of the flags. A
    # shift in phase makes both orthogonal over these volumes, so that their explained variances add up.
    sums = np.fft.rfft(values, axis=0)[order]
    doubled = np.fft.fft(used.astype(float))[2 * order % n]
    shifted = sums * np.exp(0.5j * -np.angle(doubled))[:, None]
    cosines, sines = (n_used + np.abs(doubled)) / 2, (n_used - np.abs(doubled)) / 2
    possible = sines > 1e-9 * n_used
    explained = shifted.real**2 / cosines[:, None]
    explained += np.where(possible[:, None], shifted.imag**2 / np.where(possible, sines, 1)[:, None], 0.0)
    total = (values**2).sum(axis=0)
    # Around the mean, a sinusoid of both phases takes 2 of the n_used - 1 dimensions of white noise.
    expected = (1 + possible) / (n_used - 1)
    return order / (n * t_r), np.where(known, explained / np.where(total > 0, total, 1) / expected[:, None], np.nan)


def spectrum_quartiles(
    signals: np.ndarray, kept: np.ndarray, t_r: float, most: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return at most ``most`` frequencies in Hz, quartiles of spectra over regions, and the number of regions.

    Neighbouring frequencies are averaged. The quartiles, shape (3, F), are 0 if no region has a spectrum.
    """
    parts = []
    for begin in range(0, signals.shape[1], CHUNK):
        frequencies, power = spectrum(signals[:, begin : begin + CHUNK], kept, t_r)
        parts.append(average_neighbours(power.T, (CHUNK, most)))
    powers = np.concatenate(parts)
    powers = powers[np.isfinite(powers).all(axis=1)]
    frequencies = average_neighbours(frequencies[None], (1, most))[0]
    if not len(powers):
        return frequencies, np.zeros((len(QUARTILES), len(frequencies))), 0
    return frequencies, np.quantile(powers, QUARTILES, axis=0), len(powers)
