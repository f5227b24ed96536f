# SPDX-License-Identifier: BSD-3-Clause
"""Segments between motion outliers that are too short to retain."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from nipype_labels.core.censoring import short_segments


@pytest.mark.parametrize(
    ('outliers', 'expected'),
    [
        pytest.param([0, 0, 0, 0], [0, 0, 0, 0], id='a short series without outliers is not divided'),
        pytest.param([0, 0, 0, 1, 0, 0], [1, 1, 1, 0, 1, 1], id='both segments are shorter than five'),
        pytest.param([1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1], id='five are enough'),
    ],
)
def test_segments_of_fewer_than_five_volumes_are_censored(outliers, expected):
    assert_array_equal(short_segments(np.array(outliers, dtype=bool), 5), np.array(expected, dtype=bool))
