# SPDX-License-Identifier: BSD-3-Clause
"""Figure of the spectra of region time series before and after denoising."""

import numpy as np

from ..core.spectra import spectrum_quartiles
from .formatting import format_number
from .svg import AXIS, MARGIN, TOP, WIDTH, fill_figure, round_ticks

#: With fewer retained volumes no spectrum is drawn.
LEAST_VOLUMES = 8

#: Points of a curve; of more frequencies, neighbours are averaged.
MOST_POINTS = 240

#: Powers of ten that the axis shows below the largest power. Filters leave next to nothing of what they stop.
DECADES = 4

#: Height of the drawing; curves are in units of a drawing that is 1000 wide.
HEIGHT = 300


def draw_spectra(title, series, atlas):
    """Return an SVG with the spectra, or with the reason why there are none."""
    curves, subject, height = None, atlas.name, TOP + 40
    if series.t_r is None:
        note = 'The repetition time is unknown, so spectra have no frequencies and are not drawn.'
    else:
        curves = spectra_curves(atlas.raw, atlas.cleaned, series.kept, series.t_r, series.band)
        note = _describe_estimate(series) if curves else 'Too few volumes or regions are left for a spectrum.'
    if curves:
        subject += f': median and quartiles of {curves["n_regions"]} regions'
        height = TOP + HEIGHT + 84
    values = {'spectra': curves, 'note': note, 'across': WIDTH - 2 * MARGIN - AXIS, 'high': HEIGHT}
    heading = 'Spectra before and after denoising'
    return fill_figure('spectra', heading, subject, title, height, **values)


def _describe_estimate(series):
    """Return how the spectra of a series are estimated, as a line below the figure."""
    words = ['Relative to the variance of each region']
    if (np.diff(np.flatnonzero(series.kept)) > 1).any():
        words.append('fitted to the retained volumes (Lomb and Scargle)')
    if series.n_runs > 1:
        words.append(f'{series.n_runs} runs as one time course')
    return '; '.join(words)


def spectra_curves(raw, cleaned, kept, t_r, band):
    """Return curves of the spectra of signals, both of shape (T, L), with their axes, and the pass band in Hz.

    None if too few volumes are retained, or no region has a spectrum before and after.
    """
    if kept.sum() < LEAST_VOLUMES:
        return None
    frequencies, before, n_regions = spectrum_quartiles(raw, kept, t_r, MOST_POINTS)
    _, after, n_cleaned = spectrum_quartiles(cleaned, kept, t_r, MOST_POINTS)
    if not min(n_regions, n_cleaned):
        return None
    levels = _choose_levels(np.stack([before, after]))
    nyquist = 0.5 / t_r
    across = 1000 * frequencies / nyquist
    return {
        'curves': [
            {'which': which, 'band': _band_path(across, curves, levels), 'line': _line_path(across, curves[1], levels)}
            for which, curves in (('before', before), ('after', after))
        ],
        'frequencies': [
            {'at': f'{100 * tick / nyquist:.2f}', 'label': format_number(tick)}
            for tick in round_ticks(0, nyquist, 6)
            if tick <= nyquist
        ],
        'powers': [_power_tick(decade, levels) for decade in range(levels[0], levels[1] + 1)],
        'passed': _place_band(band, nyquist),
        'n_regions': min(n_regions, n_cleaned),
    }


def _choose_levels(powers):
    """Return the powers of ten at which the axis begins and ends."""
    positive = powers[powers > 0]
    top = int(np.ceil(np.log10(positive.max(initial=np.finfo(np.float64).tiny))))
    return max(top - DECADES, min(int(np.floor(np.log10(positive.min(initial=1)))), top - 1)), top


def _line_path(across, powers, levels):
    """Return a curve on a logarithmic axis as an SVG path."""
    bottom, top = levels
    logs = np.log10(np.maximum(powers, 10.0**bottom))
    heights = HEIGHT * (1 - (logs - bottom) / (top - bottom))
    return 'M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in zip(across.tolist(), heights.tolist(), strict=True))


def _band_path(across, curves, levels):
    """Return the area between the lowest and the highest of three curves as an SVG path."""
    back = _line_path(across[::-1], curves[0][::-1], levels)
    return f'{_line_path(across, curves[2], levels)}L{back[1:]}z'


def _power_tick(decade, levels):
    """Return the label and place of a power of ten on the axis."""
    bottom, top = levels
    return {'at': f'{100 * (top - decade) / (top - bottom):.2f}', 'label': f'{10.0**decade:g}'}


def _place_band(band, nyquist):
    """Return the place of the pass band in per cent, and its limits in words; None without a filter."""
    low, high = band
    if low is None and high is None:
        return None
    begin, end = min(low or 0, nyquist), min(high or nyquist, nyquist)
    if low is None or high is None:
        words = f'below {high:g} Hz' if low is None else f'above {low:g} Hz'
    else:
        words = f'{low:g} to {high:g} Hz'
    return {'at': f'{100 * begin / nyquist:.2f}', 'width': f'{100 * (end - begin) / nyquist:.2f}', 'words': words}
