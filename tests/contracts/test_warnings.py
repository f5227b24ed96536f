# SPDX-License-Identifier: BSD-3-Clause
"""In tests, warnings about this package are errors; a dependency may deprecate what another one uses."""

import warnings

import pytest


@pytest.mark.parametrize('category', [DeprecationWarning, PendingDeprecationWarning, FutureWarning, RuntimeWarning])
@pytest.mark.parametrize('module', ['nipype_labels.core.clean', 'nibabel.loadsave'])
def test_warnings_are_errors_unless_a_dependency_is_deprecated(category, module):
    deprecated = category is not RuntimeWarning
    if module.startswith('nipype_labels') or not deprecated:
        with pytest.raises(category):
            warnings.warn_explicit('changes', category, 'file.py', 1, module=module)
    else:
        with warnings.catch_warnings(record=True) as shown:
            warnings.warn_explicit('changes', category, 'file.py', 1, module=module)
        assert [each.category for each in shown] == [category]
