# SPDX-License-Identifier: BSD-3-Clause
"""Coefficients of splines through volumes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import interpolate, ndimage

from nipype_labels.core.splines import Prefilter, basis


@pytest.mark.parametrize('shape', [(9, 10, 8), (1, 2, 3), (3, 1, 2), (2, 3, 1), (40, 30, 35)])
@pytest.mark.parametrize('dtype', ['i2', 'f4', 'f8'])
def test_coefficients_agree_with_scipy(shape, dtype):
    volume = np.asfortranarray(np.random.default_rng(50).normal(0, 100, shape).astype(dtype))
    before = volume.copy()
    expected = ndimage.spline_filter(volume.astype(np.float64), order=3, mode='mirror')
    for box in (None, tuple(slice(n // 3, n - n // 4) for n in shape)):
        ours = Prefilter(shape, box)(volume)
        assert_array_equal(volume, before)
        assert_allclose(ours, (expected if box is None else expected[box]).T, rtol=0, atol=1e-11)


@pytest.mark.parametrize('n', [1, 2, 3, 12])
def test_the_basis_is_that_of_scipy_mirrored(n):
    positions = np.linspace(0, n - 1, 7)
    coefficients = np.random.default_rng(52).normal(size=n)
    weights, places = basis(positions, n)
    padded = np.pad(coefficients, 3, mode='reflect') if n > 1 else np.repeat(coefficients, 7)
    spline = interpolate.BSpline(np.arange(n + 10) - 5.0, padded, 3)
    assert_allclose((weights * coefficients[places]).sum(axis=1), spline(positions), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('order', [1, 3])
@pytest.mark.parametrize('n', [1, 2, 3, 4, 40])
def test_weights_have_the_bits_of_scipys(n, order):
    rng, voxels = np.random.default_rng(53), np.arange(n)
    positions = np.concatenate([rng.uniform(0, n - 1, 200), voxels, np.nextafter(voxels, 0)]).clip(0, n - 1)
    knots = np.arange(max(n, 2) + 2 * order) - float(order)
    expected = interpolate.BSpline.design_matrix(positions, knots, order)
    weights, _ = basis(positions, n, order)
    assert_array_equal(weights.ravel(), expected.data)
