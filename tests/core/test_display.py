# SPDX-License-Identifier: BSD-3-Clause
import numpy as np

from nipype_labels.core.display import standardize_rows, strongest_pairs


def test_rows_are_standardised_over_their_finite_values():
    signals = np.random.default_rng(0).normal(1e6, 5, (30, 3))
    signals[4:9, 1] = np.nan
    rows = standardize_rows(signals)
    np.testing.assert_allclose(np.nanmean(rows, axis=1), 0, atol=1e-8)
    np.testing.assert_allclose(np.nanstd(rows, axis=1), 1)
    np.testing.assert_array_equal(np.isnan(rows), np.isnan(signals).T)


def test_constant_and_missing_rows_are_nan():
    signals = np.stack([np.full(6, np.nan), np.full(6, 3.3), np.arange(6.0)], axis=1)
    assert np.isnan(standardize_rows(signals)).all(axis=1).tolist() == [True, True, False]


def test_the_strongest_pairs_are_sorted_and_neither_zero_nor_missing():
    matrix = np.eye(4)
    matrix[np.triu_indices(4, 1)] = [0.2, 0.0, np.nan, -0.3, 0.5, -0.1]
    found = strongest_pairs(matrix, 5)
    assert found == {'positive': [(0.5, 1, 3), (0.2, 0, 1)], 'negative': [(-0.3, 1, 2), (-0.1, 2, 3)]}
    assert strongest_pairs(matrix, 1) == {sign: pairs[:1] for sign, pairs in found.items()}
