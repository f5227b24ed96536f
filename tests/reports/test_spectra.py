# SPDX-License-Identifier: BSD-3-Clause
import re

import numpy as np
import pytest

from nipype_labels.core.spectra import spectrum
from nipype_labels.reports.spectra import HEIGHT, MOST_POINTS, spectra_curves

T_R = 2.0


def points_of(path):
    return np.array([[float(n) for n in point.split()] for point in re.split('[ML]', path.rstrip('z'))[1:]])


def test_a_peak_is_drawn_at_its_frequency():
    times = T_R * np.arange(200)
    signals = np.sin(2 * np.pi * 0.05 * times)[:, None] + np.random.default_rng(0).normal(0, 0.1, (200, 8))
    drawn = spectra_curves(signals, signals, np.ones(200, dtype=bool), T_R, (None, None))
    for curve in drawn['curves']:
        x, y = points_of(curve['line']).T
        # Half of the sampling rate, 0.25 Hz, is where the drawing ends.
        assert x[y.argmin()] == pytest.approx(1000 * 0.05 / 0.25, abs=3)
        assert y.min() >= 0
        assert y.max() <= HEIGHT
        assert len(points_of(curve['band'])) == 2 * len(x)
    assert drawn['passed'] is None
    assert drawn['frequencies'][-1] == {'at': '100.00', 'label': '0.25'}


def test_heights_are_medians_and_quartiles_on_a_logarithmic_axis():
    signals = np.random.default_rng(0).normal(size=(50, 31))
    drawn = spectra_curves(signals, signals, np.ones(50, dtype=bool), T_R, (None, None))
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
    passed = spectra_curves(signals, signals, np.ones(50, dtype=bool), T_R, band)['passed']
    assert (passed['at'], passed['width'], passed['words']) == expected


@pytest.mark.parametrize('kind', ['few volumes', 'no region before', 'no region after'])
def test_no_figure_without_a_spectrum(kind):
    signals = np.random.default_rng(0).normal(size=(50, 3))
    nothing = np.full((50, 3), np.nan)
    raw, cleaned = (nothing if kind.endswith(when) else signals for when in ('before', 'after'))
    kept = np.arange(50) < (7 if kind == 'few volumes' else 50)
    assert spectra_curves(raw, cleaned, kept, T_R, (None, None)) is None


def test_long_series_have_curves_of_few_points():
    signals = np.random.default_rng(0).normal(size=(4000, 2))
    drawn = spectra_curves(signals, signals, np.arange(4000) % 9 > 0, T_R, (None, 0.1))
    assert len(points_of(drawn['curves'][0]['line'])) == MOST_POINTS


def test_a_pure_tone_leaves_the_axis_a_height():
    tone = np.cos(2 * np.pi * np.arange(64) / 8)[:, None]
    drawn = spectra_curves(tone, tone, np.ones(64, dtype=bool), T_R, (None, None))
    assert len(drawn['powers']) >= 2
    assert np.isfinite(points_of(drawn['curves'][0]['line'])).all()
