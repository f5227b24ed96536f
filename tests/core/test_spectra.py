# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from scipy.signal import periodogram

from nipype_labels.core.spectra import spectrum, spectrum_quartiles

T_R = 2.0


def explained_by_fit(signal, kept, frequency):
    """Fraction of the variance of the retained volumes that a fitted sinusoid explains."""
    times = T_R * np.flatnonzero(kept)
    values = signal[kept] - signal[kept].mean()
    model = np.stack([np.cos(2 * np.pi * frequency * times), np.sin(2 * np.pi * frequency * times)], axis=1)
    left = values - model @ np.linalg.lstsq(model, values, rcond=None)[0]
    return 1 - (left**2).sum() / (values**2).sum()


@pytest.mark.parametrize('n_censored', [0, 1, 15])
@pytest.mark.parametrize('n_volumes', [40, 41])
def test_power_is_what_a_fitted_sinusoid_explains(n_volumes, n_censored):
    rng = np.random.default_rng(n_censored)
    signals = rng.normal(300, 1, (n_volumes, 3)) + np.linspace(0, 4, n_volumes)[:, None]
    kept = np.ones(n_volumes, dtype=bool)
    kept[rng.choice(n_volumes, n_censored, replace=False)] = False
    kept[[0, -1]] = True
    frequencies, power = spectrum(signals, kept, T_R)
    np.testing.assert_allclose(frequencies, np.fft.rfftfreq(n_volumes, T_R)[1 : (n_volumes + 1) // 2])
    for row in (0, 4, len(frequencies) // 2, len(frequencies) - 1):
        expected = [explained_by_fit(signal, kept, frequencies[row]) * (kept.sum() - 1) / 2 for signal in signals.T]
        np.testing.assert_allclose(power[row], expected, rtol=1e-9, atol=1e-12)


def test_power_without_gaps_is_that_of_the_periodogram():
    signals = np.random.default_rng(0).normal(size=(60, 2))
    frequencies, power = spectrum(signals, np.ones(60, dtype=bool), T_R)
    expected_frequencies, expected = periodogram(signals, 1 / T_R, axis=0)
    np.testing.assert_allclose(frequencies, expected_frequencies[1:-1])
    np.testing.assert_allclose(power / power.sum(axis=0), expected[1:-1] / expected[1:-1].sum(axis=0))


def test_censored_volumes_at_the_ends_make_no_gap():
    signals = np.random.default_rng(0).normal(size=(30, 2))
    kept = np.arange(30) // 26 == 0
    kept[:3] = False
    found = spectrum(np.where(kept[:, None], signals, 1e9), kept, T_R)
    for one, other in zip(found, spectrum(signals[3:26], np.ones(23, dtype=bool), T_R), strict=True):
        np.testing.assert_allclose(one, other)


def test_even_spectra_have_power_1_whatever_their_unit():
    signals = np.random.default_rng(0).normal(size=(400, 50)) * np.logspace(-200, 200, 50)
    _, power = spectrum(signals, np.ones(400, dtype=bool), T_R)
    assert power.mean() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize('censored', [0.0, 0.1, 0.4, 0.7])
def test_white_noise_is_at_1_whatever_is_censored(censored):
    rng = np.random.default_rng(0)
    kept = rng.random(300) >= censored
    _, power = spectrum(rng.normal(size=(300, 200)), kept, T_R)
    assert power.mean() == pytest.approx(1, abs=0.02)


def test_constant_and_missing_regions_have_no_spectrum():
    signals = np.random.default_rng(0).normal(size=(20, 4))
    signals[:, 1], signals[:, 2], signals[5, 3] = np.nan, 7.7, np.nan
    assert np.isnan(spectrum(signals, np.ones(20, dtype=bool), T_R)[1]).all(axis=0).tolist() == [
        False,
        True,
        True,
        True,
    ]
    assert np.isfinite(spectrum(signals, np.arange(20) != 5, T_R)[1][:, 3]).all()


def test_every_other_volume_has_a_spectrum_too():
    signals = np.random.default_rng(0).normal(size=(40, 2))
    assert np.isfinite(spectrum(signals, np.arange(40) % 2 == 0, T_R)[1]).all()


def test_without_a_spectrum_the_quartiles_are_zero():
    frequencies, quartiles, n_regions = spectrum_quartiles(np.full((40, 3), np.nan), np.ones(40, bool), 2.0, 10)
    assert n_regions == 0
    np.testing.assert_array_equal(quartiles, np.zeros((3, len(frequencies))))
