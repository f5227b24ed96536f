# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from numpy.testing import assert_allclose

from nipype_labels.core.quality import temporal_snr


def test_temporal_snr_is_the_mean_divided_by_the_deviation_around_a_line():
    rng = np.random.default_rng(0)
    signals, kept = rng.normal(1000, 5, (80, 3)), rng.random(80) > 0.3
    signals[kept.argmax(), 1] = np.nan
    for column, found in zip(signals.T, temporal_snr(signals, kept), strict=True):
        used = kept & np.isfinite(column)
        times = np.flatnonzero(used)
        left = column[used] - np.polyval(np.polyfit(times, column[used], 1), times)
        assert_allclose(found, column[used].mean() / left.std(), rtol=1e-9)


@pytest.mark.parametrize('value', [9000.0, np.nan, np.inf])
def test_a_bright_dummy_volume_and_a_drift_change_nothing(value):
    noise = np.random.default_rng(1).normal(0, 1, (100, 4))
    kept = np.arange(100) > 0
    plain = 1389 + noise
    drifting = plain + np.linspace(-50, 50, 100)[:, None]
    drifting[0] = value
    assert_allclose(temporal_snr(drifting, kept), temporal_snr(plain, kept), rtol=1e-2)
    assert_allclose(temporal_snr(plain, kept), 1389, rtol=0.25)


def test_constant_regions_and_too_few_values_have_no_temporal_snr():
    signals = np.tile([[5.0, np.nan, 3.0]], (10, 1)) + np.array([[0, 0, 1.0]]) * (np.arange(10) % 3)[:, None]
    signals[2:, 2] = np.nan
    assert np.isnan(temporal_snr(signals, np.ones(10, dtype=bool))).all()


def test_three_values_are_enough_for_temporal_snr():
    signals = np.array([[9.0, 5], [12, 4], [9, np.nan], [1e6, 1e6]])
    found = temporal_snr(signals, np.array([True, True, True, False]))
    # A line leaves -1, 2 and -1.
    assert_allclose(found, [10 / np.sqrt(2), np.nan])
