# SPDX-License-Identifier: BSD-3-Clause
import re

import numpy as np
import pytest
from scipy.signal import periodogram

from nipype_labels.reports.spectra import HEIGHT, MOST_POINTS, WIDTH, draw_spectra, spectrum

T_R = 2.0


def explained_by_fit(signal, kept, frequency):
    """Part of the variance of the volumes kept that a fitted sinusoid explains."""
    times = T_R * np.flatnonzero(kept)
    values = signal[kept] - signal[kept].mean()
    model = np.stack([np.cos(2 * np.pi * frequency * times), np.sin(2 * np.pi * frequency * times)], axis=1)
    left = values - model @ np.linalg.lstsq(model, values, rcond=None)[0]
    return 1 - (left**2).sum() / (values**2).sum()


@pytest.mark.parametrize('n_left_out', [0, 1, 15])
@pytest.mark.parametrize('n_volumes', [40, 41])
def test_power_is_what_a_fitted_sinusoid_explains(n_volumes, n_left_out):
    rng = np.random.default_rng(n_left_out)
    signals = rng.normal(300, 1, (n_volumes, 3)) + np.linspace(0, 4, n_volumes)[:, None]
    kept = np.ones(n_volumes, dtype=bool)
    kept[rng.choice(n_volumes, n_left_out, replace=False)] = False
    kept[[0, -1]] = True
    frequencies, power = spectrum(signals, kept, T_R)
    np.testing.assert_allclose(frequencies, np.fft.rfftfreq(n_volumes, T_R)[1 : (n_volumes + 1) // 2])
    for row in (0, 4, len(frequencies) // 2, len(frequencies) - 1):
        expected = [explained_by_fit(signal, kept, frequencies[row]) * (kept.sum() - 1) / 2 for signal in signals.T]
        np.testing.assert_allclose(power[row], expected, rtol=1e-9, atol=1e-12)


def test_without_gaps_it_is_the_periodogram():
    signals = np.random.default_rng(0).normal(size=(60, 2))
    frequencies, power = spectrum(signals, np.ones(60, dtype=bool), T_R)
    expected_frequencies, expected = periodogram(signals, 1 / T_R, axis=0)
    np.testing.assert_allclose(frequencies, expected_frequencies[1:-1])
    np.testing.assert_allclose(power / power.sum(axis=0), expected[1:-1] / expected[1:-1].sum(axis=0))


def test_volumes_left_out_at_the_ends_make_no_gap():
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


def test_regions_without_a_course_have_no_spectrum():
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


def points_of(path):
    return np.array([[float(n) for n in point.split()] for point in re.split('[ML]', path.rstrip('z'))[1:]])


def test_a_peak_is_drawn_at_its_frequency():
    times = T_R * np.arange(200)
    signals = np.sin(2 * np.pi * 0.05 * times)[:, None] + np.random.default_rng(0).normal(0, 0.1, (200, 8))
    drawn = draw_spectra(signals, signals, np.ones(200, dtype=bool), T_R, (None, None))
    for curve in drawn['curves']:
        x, y = points_of(curve['line']).T
        # Half of the sampling rate, 0.25 Hz, is where the drawing ends.
        assert x[y.argmin()] == pytest.approx(WIDTH * 0.05 / 0.25, abs=3)
        assert y.min() >= 0
        assert y.max() <= HEIGHT
        assert len(points_of(curve['band'])) == 2 * len(x)
    assert drawn['passed'] is None
    assert drawn['frequencies'][-1] == {'at': '100.00', 'label': '0.25'}


def test_heights_are_medians_and_quartiles_on_a_logarithmic_axis():
    signals = np.random.default_rng(0).normal(size=(50, 31))
    drawn = draw_spectra(signals, signals, np.ones(50, dtype=bool), T_R, (None, None))
    decades = [float(tick['label']) for tick in drawn['powers']]
    _, power = spectrum(signals, np.ones(50, dtype=bool), T_R)

    def height(values):
        return HEIGHT * (1 - np.log10(values / decades[0]) / np.log10(decades[-1] / decades[0]))

    after = drawn['curves'][1]
    np.testing.assert_allclose(points_of(after['line'])[:, 1], height(np.median(power, axis=1)), atol=0.06)
    band = points_of(after['band'])[:, 1]
    np.testing.assert_allclose(band[: len(power)], height(np.quantile(power, 0.75, axis=1)), atol=0.06)
    np.testing.assert_allclose(band[len(power) :][::-1], height(np.quantile(power, 0.25, axis=1)), atol=0.06)


@pytest.mark.parametrize(
    ('band', 'expected'),
    [
        ((0.01, 0.1), ('4.00', '36.00', '0.01 to 0.1 Hz')),
        ((None, 0.1), ('0.00', '40.00', 'below 0.1 Hz')),
        ((0.01, None), ('4.00', '96.00', 'above 0.01 Hz')),
    ],
)
def test_the_band_that_passes_is_marked(band, expected):
    signals = np.random.default_rng(0).normal(size=(50, 3))
    passed = draw_spectra(signals, signals, np.ones(50, dtype=bool), T_R, band)['passed']
    assert (passed['at'], passed['width'], passed['words']) == expected


@pytest.mark.parametrize('kind', ['few volumes', 'no region before', 'no region after'])
def test_where_there_is_no_spectrum_none_is_drawn(kind):
    signals = np.random.default_rng(0).normal(size=(50, 3))
    nothing = np.full((50, 3), np.nan)
    raw, cleaned = (nothing if kind.endswith(when) else signals for when in ('before', 'after'))
    kept = np.arange(50) < (7 if kind == 'few volumes' else 50)
    assert draw_spectra(raw, cleaned, kept, T_R, (None, None)) is None


def test_long_series_have_curves_of_few_points():
    signals = np.random.default_rng(0).normal(size=(4000, 2))
    drawn = draw_spectra(signals, signals, np.arange(4000) % 9 > 0, T_R, (None, 0.1))
    assert len(points_of(drawn['curves'][0]['line'])) == MOST_POINTS
    assert drawn['gaps']


def test_a_pure_tone_leaves_the_axis_a_height():
    tone = np.cos(2 * np.pi * np.arange(64) / 8)[:, None]
    drawn = draw_spectra(tone, tone, np.ones(64, dtype=bool), T_R, (None, None))
    assert len(drawn['powers']) >= 2
    assert np.isfinite(points_of(drawn['curves'][0]['line'])).all()
