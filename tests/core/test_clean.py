# SPDX-License-Identifier: BSD-3-Clause
"""Cleaning gives the numbers of nilearn 0.14.1 and, from a file, of nilearn 0.10.0."""

import itertools
import json
import warnings
from pathlib import Path

import nilearn.signal
import numpy as np
import pytest
from cleaning_cases import (
    COLLINEAR,
    FILTERS,
    KEPT,
    N_VOLUMES,
    SAMPLE_MASKS,
    T_R,
    assert_close,
    regressors,
    series,
)
from numpy.testing import assert_array_equal
from pairwise import pairwise

from nipype_labels.core.clean import clean, kept_volumes

SEED = Path(__file__).parents[1] / 'data' / 'seed_reference.npz'


# Against nilearn 0.14.1


def nilearn_clean(signals, confounds, *, filter='butterworth', sample_mask=None, standardize='none', **given):
    """Denoise by nilearn 0.14.1, without its warnings, and with a copy of the mask, which it changes."""
    given['filter'] = False if filter == 'none' else filter
    given['standardize'] = None if standardize == 'none' else standardize
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        mask = None if sample_mask is None else sample_mask.copy()
        return nilearn.signal.clean(signals, confounds=confounds, sample_mask=mask, t_r=T_R, **given)


# Ours, the same for nilearn, and whether they are z-scored. nilearn gets collinear ones without the duplicates, whose
# rounding noise it takes for one confound more once they are detrended and filtered.
CONFOUNDS = {
    'no confounds': (None, None, True),
    'z-scored': (regressors(), regressors(), True),
    'unscaled': (regressors(), regressors(), False),
    'z-scored collinear': (COLLINEAR, regressors(), True),
    'unscaled collinear': (COLLINEAR, regressors(), False),
}


# nilearn's trends after censoring are functions of row numbers, unless gaps are filled for a Butterworth filter.
SHARED = [
    (filter, sample_mask, detrend)
    for filter, sample_mask, detrend in itertools.product(FILTERS, SAMPLE_MASKS, [False, True])
    if not detrend or sample_mask == 'whole' or filter in ('low', 'high', 'band')
]


@pairwise(steps=SHARED, confounds=CONFOUNDS, standardize=['none', 'zscore_sample', 'psc'])
def test_numbers_are_those_of_nilearn(steps, confounds, standardize):
    """With nilearn's interpolation and percent change by name; the latter region by region (X13)."""
    filter, sample_mask, detrend = steps
    confounds, independent, standardize_confounds = CONFOUNDS[confounds]
    given = dict(detrend=detrend, standardize=standardize, standardize_confounds=standardize_confounds)
    given.update(FILTERS[filter], sample_mask=SAMPLE_MASKS[sample_mask])
    columns = series().T[:, :, None] if standardize == 'psc' else series()[None]
    reference = np.hstack([nilearn_clean(column, independent, **given) for column in columns])
    given['standardize'] = 'psc_nilearn' if standardize == 'psc' else standardize
    ours = clean(series(), confounds, t_r=T_R, fill_censored='cubic', **given)
    assert_close(ours.signals, reference)
    assert_array_equal(ours.kept, kept_volumes(given['sample_mask'], N_VOLUMES))
    assert not (ours.constant | ours.not_finite).any()


def test_nilearns_trend_after_censoring_is_that_of_the_retained_rows_alone():
    expected = nilearn_clean(series(), regressors(), sample_mask=KEPT, detrend=True)
    assert_close(clean(series()[KEPT], regressors()[KEPT], detrend=True).signals, expected)


# Against nilearn 0.10.0, the seed


@pytest.fixture(scope='module')
def seed():
    with np.load(SEED) as arrays:
        return dict(arrays)


def seed_settings():
    with np.load(SEED) as arrays:
        return json.loads(str(arrays['settings']))


@pytest.mark.parametrize('name', seed_settings())
def test_numbers_are_those_of_nilearn_0_10_0(seed, name):
    given = seed_settings()[name]
    confounds = seed['confounds'] if given.pop('confounds', False) else None
    given['standardize'] = given['standardize'] or 'none'
    # The seed's filter is a quotient of polynomials, less accurate than ours in sections.
    filtered = given.get('filter') != 'cosine' and ('low_pass' in given or 'high_pass' in given)
    ours = clean(seed['signals'], confounds, t_r=2.0, **given)
    assert_close(ours.signals, seed[f'clean_{name}'], rtol=1e-6 if filtered else 1e-9)
