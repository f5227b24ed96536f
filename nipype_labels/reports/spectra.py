# SPDX-License-Identifier: BSD-3-Clause
"""Spectra of region time series, before and after denoising."""

import numpy as np

from ..core.regions import is_constant
from .carpet import average_neighbours
from .formatting import format_number
from .ticks import round_ticks

#: With fewer volumes kept there is no spectrum worth a look.
LEAST_VOLUMES = 8

#: Points of a curve; of more frequencies, neighbours are averaged.
MOST_POINTS = 240

#: Regions whose spectra are computed at a time: little memory, and few calls.
CHUNK = 128

#: Powers of ten that the axis shows below the largest power. Filters leave next to nothing of what they stop.
DECADES = 4

#: Size of the drawing.
WIDTH, HEIGHT = 1000, 300

#: Of regions: the lower and upper edge of the band, and the line within.
QUARTILES = (0.25, 0.5, 0.75)


def spectrum(signals, kept, t_r):
    """Power of a time series at each frequency, relative to white noise of the same variance.

    The power is the fraction of the variance that a sinusoid explains by least squares, over the fraction that it is
    expected to explain of white noise. Between the first and the last retained volume this is the periodogram if no
    volume is censored, and that of Lomb and Scargle (1982, The Astrophysical Journal 263:835-853) otherwise. White
    noise has an expected power of 1 at every frequency, whatever the unit and however many volumes are censored.

    Parameters
    ----------
    signals : array, shape (T, L)
        Values of volumes that were left out don't matter.
    kept : array of bool, shape (T,)
    t_r : float
        Repetition time in s.

    Returns
    -------
    frequencies : array, shape (F,)
        In Hz, between 0 and half of the sampling rate; at both ends a sinusoid has no phase.
    power : array, shape (F, L)
        NaN for regions that are constant or lack a value in a volume that was kept.
    """
    first, last = np.flatnonzero(kept)[[0, -1]]
    used, signals = kept[first : last + 1], signals[first : last + 1]
    n, n_used = len(used), int(used.sum())
    there = np.isfinite(signals[used]).all(axis=0) & ~is_constant(signals[used])
    values = np.where(used[:, None] & there, signals, 0.0)
    values = values / np.maximum(np.abs(values).max(axis=0, initial=0), np.finfo(np.float64).tiny)
    values = np.where(used[:, None], values - values.sum(axis=0) / n_used, 0.0)
    order = np.arange(1, (n + 1) // 2)
    # On a regular grid, sums of cosines and sines over the volumes kept are Fourier transforms of the flags. A shift
    # in phase makes both orthogonal over these volumes, and what they explain adds up.
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
    return order / (n * t_r), np.where(there, explained / np.where(total > 0, total, 1) / expected[:, None], np.nan)


def draw_spectra(raw, cleaned, kept, t_r, band):
    """Draw the spectra before and after cleaning.

    Parameters
    ----------
    raw, cleaned : array, shape (T, L)
    kept : array of bool, shape (T,)
    t_r : float
        Repetition time in s.
    band : tuple of 2 (float or None)
        Least and largest frequency in Hz that the filter lets pass.

    Returns
    -------
    dict
        What the template needs; ``None`` if there are too few volumes, or no region has a spectrum before and after.
    """
    if kept.sum() < LEAST_VOLUMES:
        return None
    frequencies, before, n_regions = summarize_spectra(raw, kept, t_r)
    _, after, n_cleaned = summarize_spectra(cleaned, kept, t_r)
    if not min(n_regions, n_cleaned):
        return None
    levels = _choose_levels(np.stack([before, after]))
    nyquist = 0.5 / t_r
    across = WIDTH * frequencies / nyquist
    return {
        'curves': [
            {'which': which, 'band': _draw_band(across, curves, levels), 'line': _draw_line(across, curves[1], levels)}
            for which, curves in (('before', before), ('after', after))
        ],
        'frequencies': [
            {'at': f'{100 * tick / nyquist:.2f}', 'label': format_number(tick)}
            for tick in round_ticks(0, nyquist, 6)
            if tick <= nyquist
        ],
        'powers': [_power_tick(decade, levels) for decade in range(levels[0], levels[1] + 1)],
        'passed': _place_band(band, nyquist),
        'gaps': bool((np.diff(np.flatnonzero(kept)) > 1).any()),
        'n_regions': min(n_regions, n_cleaned),
    }


def summarize_spectra(signals, kept, t_r):
    """Quartiles over regions.

    Parameters
    ----------
    signals : array, shape (T, L)
    kept : array of bool, shape (T,)
    t_r : float
        In s.

    Returns
    -------
    frequencies : array, shape (F,)
        Not more than a drawing has room for.
    quartiles : array, shape (3, F)
        0 if no region has a spectrum.
    n_regions : int
        That have one.
    """
    powers = []
    for begin in range(0, signals.shape[1], CHUNK):
        frequencies, power = spectrum(signals[:, begin : begin + CHUNK], kept, t_r)
        powers.append(average_neighbours(power.T, (CHUNK, MOST_POINTS)))
    powers = np.concatenate(powers)
    powers = powers[np.isfinite(powers).all(axis=1)]
    frequencies = average_neighbours(frequencies[None], (1, MOST_POINTS))[0]
    if not len(powers):
        return frequencies, np.zeros((len(QUARTILES), len(frequencies))), 0
    return frequencies, np.quantile(powers, QUARTILES, axis=0), len(powers)


def _choose_levels(powers):
    """Powers of ten at which the axis begins and ends."""
    positive = powers[powers > 0]
    top = int(np.ceil(np.log10(positive.max(initial=np.finfo(np.float64).tiny))))
    return max(top - DECADES, min(int(np.floor(np.log10(positive.min(initial=1)))), top - 1)), top


def _heights(powers, levels):
    """Heights in the drawing of powers, on a logarithmic axis."""
    bottom, top = levels
    logs = np.log10(np.maximum(powers, 10.0**bottom))
    return HEIGHT * (1 - (logs - bottom) / (top - bottom))


def _draw_line(across, powers, levels):
    """A curve as an SVG path."""
    points = zip(across.tolist(), _heights(powers, levels).tolist(), strict=True)
    return 'M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in points)


def _draw_band(across, curves, levels):
    """The area between the lowest and the highest of three curves as an SVG path."""
    back = _draw_line(across[::-1], curves[0][::-1], levels)
    return f'{_draw_line(across, curves[2], levels)}L{back[1:]}z'


def _power_tick(decade, levels):
    """A power of ten on the axis."""
    bottom, top = levels
    return {'at': f'{100 * (top - decade) / (top - bottom):.2f}', 'label': f'{10.0**decade:g}'}


def _place_band(band, nyquist):
    """Where the band that passes begins and ends, in per cent, and its name; None if all passes."""
    low, high = band
    if low is None and high is None:
        return None
    begin, end = min(low or 0, nyquist), min(high or nyquist, nyquist)
    if low is None or high is None:
        words = f'below {high:g} Hz' if low is None else f'above {low:g} Hz'
    else:
        words = f'{low:g} to {high:g} Hz'
    return {'at': f'{100 * begin / nyquist:.2f}', 'width': f'{100 * (end - begin) / nyquist:.2f}', 'words': words}
