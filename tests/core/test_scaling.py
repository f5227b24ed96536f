# SPDX-License-Identifier: BSD-3-Clause
"""Stored values are decoded by slope and intercept."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.scaling import Decoder, floating


@pytest.mark.parametrize('dtype', ['i1', 'u1', 'i2', '>i2', 'u2', '>i4', 'i8', 'f4', '>f4', 'f8', '>f8'])
def test_scaled_values_are_decoded_in_double_precision(dtype):
    stored = np.array([0, 1, 7, 100]).astype(dtype)
    decoded = Decoder(0.1, -3.7)(stored)
    assert decoded.dtype == np.float64
    assert_allclose(decoded, np.array([0, 1, 7, 100]) * 0.1 - 3.7, rtol=1e-12)


@pytest.mark.parametrize(('slope', 'intercept'), [(1.0, 4.0), (2.0, 0.0)])
def test_either_factor_alone_is_applied(slope, intercept):
    assert Decoder(slope, intercept)(np.array([3], dtype=np.int16)).tolist() == [3 * slope + intercept]


@pytest.mark.parametrize('dtype', ['u1', 'i2', '>i2', '>f4', 'f8'])
def test_unscaled_values_keep_their_type_in_native_order(dtype):
    decoded = Decoder()(np.array([3, 200], dtype=dtype))
    assert decoded.dtype == np.dtype(dtype).newbyteorder('=')
    assert decoded.dtype.isnative
    assert decoded.tolist() == [3, 200]


def test_a_cast_comes_after_the_scaling():
    assert Decoder(0.5, 0.25, np.dtype('f4'))(np.array([1, 3], dtype='>i2')).tolist() == [0.75, 1.75]
    assert Decoder(0.5, 0.0, np.dtype('i2'))(np.array([3, 5], dtype='>i2')).tolist() == [1, 2]


def test_decoding_leaves_what_is_stored():
    stored = np.arange(-300, 300, dtype=np.int16)
    before = stored.copy()
    Decoder(2.0, 1.0)(stored)
    assert_array_equal(stored, before)


@pytest.mark.parametrize(
    ('dtype', 'expected'),
    [('i1', 'f4'), ('u1', 'f4'), ('i2', 'f4'), ('u2', 'f4'), ('i4', 'f8'), ('u4', 'f8'), ('i8', 'f8'), ('f8', 'f8')],
)
def test_floating_point_holds_every_value_exactly(dtype, expected):
    limits = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max - 1]) if dtype[0] != 'f' else np.array([0.1, 1e300])
    values = floating(limits.astype(dtype))
    assert values.dtype == expected
    if dtype != 'i8':
        assert values.astype(object).tolist() == limits.tolist()
