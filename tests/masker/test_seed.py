# SPDX-License-Identifier: BSD-3-Clause
"""The notebook class gives the numbers of nilearn 0.10.0, as ``tests/seed/make_reference.py`` wrote them."""

from pathlib import Path

import numpy as np
import pytest
from masker_cases import AAL, FUNCTIONAL, SERIES
from numpy.testing import assert_allclose

from nipype_labels import NiftiLabelsMasker
from nipype_labels.core.partition import STRATEGIES

REFERENCE = Path(__file__).parents[1] / 'data' / 'seed_reference.npz'

pytestmark = pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning')


@pytest.mark.parametrize('standardize', [False, 'zscore'])
@pytest.mark.parametrize('strategy', STRATEGIES)
@pytest.mark.parametrize(('name', 'path'), [('functional', FUNCTIONAL), ('ds003', SERIES)])
def test_signals_of_real_series_are_the_seeds(name, path, strategy, standardize):
    """For every region that has a signal; the seed gives 0 for the others."""
    reference = np.load(REFERENCE)
    assert reference['version'] == '0.10.0'
    expected = reference[f'{name}_{strategy}_{standardize or "none"}']
    masker = NiftiLabelsMasker(AAL, strategy=strategy, standardize=standardize, dtype=np.float64, nan_policy='zero')
    signals = masker.fit_transform(path)
    columns = {index: column for column, index in masker.region_ids_.items()}
    ours = signals[:, [columns[index] for index in reference[f'{name}_ids'].tolist()]]
    there = np.isfinite(ours).all(axis=0)
    assert there.sum() >= 20
    assert_allclose(
        ours[:, there], expected[:, there], rtol=1e-6, atol=1e-6 * np.abs(expected).max() * (standardize is False)
    )
    if not standardize:
        assert not expected[:, ~there].any()
