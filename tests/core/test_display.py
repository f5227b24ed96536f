# SPDX-License-Identifier: BSD-3-Clause
import numpy as np

from nipype_labels.core.display import standardize_rows


def test_rows_are_standardised_over_the_values_there_are():
    signals = np.random.default_rng(0).normal(1e6, 5, (30, 3))
    signals[4:9, 1] = np.nan
    rows = standardize_rows(signals)
    np.testing.assert_allclose(np.nanmean(rows, axis=1), 0, atol=1e-8)
    np.testing.assert_allclose(np.nanstd(rows, axis=1), 1)
    np.testing.assert_array_equal(np.isnan(rows), np.isnan(signals).T)


def test_rows_without_a_course_are_not_available():
    signals = np.stack([np.full(6, np.nan), np.full(6, 3.3), np.arange(6.0)], axis=1)
    assert np.isnan(standardize_rows(signals)).all(axis=1).tolist() == [True, True, False]
