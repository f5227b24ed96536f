# SPDX-License-Identifier: BSD-3-Clause
"""Numbers of nodes change only if ``numerics`` is raised: Nipype's cache would return old results otherwise."""

import numpy as np
import pytest
from golden_cases import CASES, GOLDEN, compute
from numpy.testing import assert_allclose

from nipype_labels import interfaces

#: Tolerance for other libraries and processors, relative to the largest number.
ROUNDING = 1e-9


@pytest.fixture(scope='module')
def golden():
    return dict(np.load(GOLDEN))


@pytest.mark.parametrize('name', CASES)
def test_numerics_are_raised_whenever_numbers_change(name, golden, tmp_path):
    numerics = getattr(interfaces, name).input_spec.numerics
    assert golden[f'{name}.numerics'] == numerics, 'write the golden values anew: python tests/support/golden_cases.py'
    found = compute(name, tmp_path)
    assert {f'{name}/{case}' for case in found} == {key for key in golden if key.startswith(f'{name}/')}
    for case, values in found.items():
        expected = golden[f'{name}/{case}']
        assert np.isfinite(values).any()
        size = np.nanmax(np.abs(expected))
        raised = f'{name}, {case}: other numbers than before; if they are meant to change, raise its numerics'
        assert_allclose(values, expected, rtol=ROUNDING, atol=ROUNDING * size, err_msg=raised)


def test_every_node_that_computes_has_golden_values():
    assert set(interfaces.__all__) - set(CASES) == {'LabelsReport', 'SaveDerivatives', 'WriteParcels'}
