# SPDX-License-Identifier: BSD-3-Clause
"""Inverse transform: each voxel has the value of its own region, which makes it the adjoint of the sum."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from spaces import spread

SHAPE = (5, 6, 7)


@pytest.mark.parametrize('ids', [[40000, 2, 5], [5, 40000, 2], [5]])
@pytest.mark.parametrize(
    'present',
    [
        pytest.param([0, 2, 5, 40000], id='all regions'),
        # In nilearn, a region outside the mask shifts the values of the regions behind it (X4).
        pytest.param([0, 5, 40000], id='x4 a region outside the mask'),
        pytest.param([77, 2, 5, 40000], id='another background'),
    ],
)
def test_each_voxel_has_the_value_of_its_region_and_0_without_one(present, ids):
    labels = np.random.default_rng(60).choice(present, SHAPE).astype(np.int32)
    values = dict(zip(ids, [1.5, -2.5, 7.0], strict=False))
    volume = spread(labels, ids, list(values.values()))
    assert_array_equal(volume, np.vectorize(lambda label: values.get(label, 0.0))(labels))
