# SPDX-License-Identifier: BSD-3-Clause
"""Signals, confounds, filters and masks of volumes that denoising is tested on, and denoising by hand."""

import numpy as np
from numpy.testing import assert_allclose
from scipy import fft
from scipy import signal as scipy_signal
from scipy.interpolate import CubicSpline, PchipInterpolator, make_interp_spline

T_R, N_VOLUMES, N_REGIONS = 2.0, 60, 5
LOW, HIGH = dict(low_pass=0.1), dict(high_pass=0.01)
COSINE = dict(filter='cosine', high_pass=0.02)
FILTERS = {'none': dict(filter='none'), 'off': {}, 'low': LOW, 'high': HIGH, 'band': {**LOW, **HIGH}, 'cosine': COSINE}
BAND = FILTERS['band']
SCALED = ['zscore', 'zscore_sample', 'psc']

# No two of these mirror each other: the one pattern of gaps that nilearn bridges rightly (X1).
CENSORED = [0, 1, 17, 30]
KEPT = np.setdiff1d(np.arange(N_VOLUMES), CENSORED)
SAMPLE_MASKS = {'whole': None, 'indices': KEPT, 'flags': np.isin(np.arange(N_VOLUMES), KEPT)}


def series(seed=0, n_volumes=N_VOLUMES, n_regions=N_REGIONS):
    """Signals with means, slopes and noise of their own."""
    rng = np.random.default_rng(seed)
    slopes = np.linspace(-5, 5, n_volumes)[:, None] * rng.normal(size=n_regions)
    return rng.uniform(200, 2000, n_regions) + slopes + rng.normal(size=(n_volumes, n_regions)) * 10


def regressors(seed=1, n_volumes=N_VOLUMES, n_confounds=3):
    """Confounds of different sizes, with means."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_volumes, n_confounds)) * 10.0 ** np.arange(n_confounds) + rng.normal(size=n_confounds)


def assert_close(ours, reference, rtol=1e-9):
    """Equal, relative to the largest value."""
    assert_allclose(ours, reference, rtol=0, atol=rtol * np.abs(reference).max())


def by_hand(
    signals,
    confounds=None,
    *,
    t_r=T_R,
    detrend=False,
    filter='butterworth',
    low_pass=None,
    high_pass=None,
    z=True,
    kept=KEPT,
    spline=1,
):
    """Denoise step by step without this package; return unscaled signals."""
    n, kept = len(signals), np.arange(len(signals))[kept]
    confounds = np.empty((n, 0)) if confounds is None else confounds
    if filter == 'cosine':
        count = int(2 * n * high_pass * t_r)
        confounds = np.hstack([confounds, fft.idct(np.eye(n), axis=0, norm='ortho')[:, 1 : count + 1]])
    both, place, times = np.hstack([signals, confounds]), np.arange(len(kept)), kept
    filters = filter == 'butterworth' and (low_pass or high_pass)
    both = both[kept]
    if filters:
        times, place = np.arange(kept[0], kept[-1] + 1), kept - kept[0]
        both = make_interp_spline(kept, both, k=spline)(times)
    if detrend:
        design = np.vander(times - times.mean(), 2)
        both = both - design @ np.linalg.lstsq(design, both, rcond=None)[0]
    if filters:
        kind = {(True, True): 'band', (True, False): 'low', (False, True): 'high'}[bool(low_pass), bool(high_pass)]
        cutoffs = [cutoff for cutoff in (high_pass, low_pass) if cutoff]
        sections = scipy_signal.butter(5, np.squeeze(cutoffs), kind, fs=1 / t_r, output='sos')
        both = scipy_signal.sosfiltfilt(sections, both, axis=0)
    y, x = np.split(both[place], [signals.shape[1]], axis=1)
    if z and x.size:
        x = x - x.mean(axis=0)
        x = x / np.linalg.norm(x, axis=0)
    return y - x @ (np.linalg.pinv(x, rcond=1e-11) @ y)


COLLINEAR = regressors()[:, [0, 1, 0, 2, 1]] * [1, 1, 2, 1, -0.5]


def sinusoids_by_hand(times, values, missing):
    """Power et al. (2014) for one column, frequency by frequency, around the trend; scaled by a gain for noise."""
    trend = np.polynomial.polynomial.Polynomial.fit(times, values, 1)
    residuals, at = values - trend(times), np.concatenate([times, missing])
    span = times[-1] - times[0]
    total, gain = np.zeros(len(at)), np.zeros((len(at), len(times)))
    for i in range(1, int(4 * span) + 1):
        w = 2 * np.pi * i / (8 * span)
        shift = np.arctan2(np.sin(2 * w * times).sum(), np.cos(2 * w * times).sum()) / (2 * w)
        for wave in (np.cos, np.sin):
            fitted = wave(w * (times - shift))
            if fitted @ fitted > 1e-9 * len(times):
                total += wave(w * (at - shift)) * (fitted @ residuals) / (fitted @ fitted)
                gain += np.outer(wave(w * (at - shift)), fitted) / (fitted @ fitted)
    total /= np.sqrt((gain**2).sum() / len(at))
    return total[len(times) :] + trend(missing)


#: How gaps are filled, for one column: functions of retained times, their values, and censored times.
FILLS_BY_HAND = {
    'linear': lambda t, v, at: np.interp(at, t, v),
    'cubic': lambda t, v, at: CubicSpline(2.5 * t, v)(2.5 * at),
    'pchip': lambda t, v, at: PchipInterpolator(t, v)(at),
    'spectral': sinusoids_by_hand,
}
