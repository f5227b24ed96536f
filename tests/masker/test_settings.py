# SPDX-License-Identifier: BSD-3-Clause
"""A parameter of a wrong type or value is refused with its name; the others act."""

import nibabel
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from small_cases import atlas, run

from nipype_labels import NiftiLabelsMasker
from nipype_labels.model.errors import LabelsError

pytestmark = pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning')

NOTHING = object()

#: Parameters and invalid values of them.
WRONG = {
    'labels_img': [7, None, [], np.ones((2, 2, 2)), NOTHING, b'atlas.nii'],
    'labels': ['abcd', 7, ['a', 'b', 'c', np.nan], ['a', 'b', 'c', 4], {'a': 1}, ['a', 'b', 'c', 'c'], NOTHING],
    'background_label': [0.5, '0', None, True, np.nan, 2**31, [0]],
    'mask_img': [7, np.ones((5, 4, 3)), True, [], NOTHING],
    'smoothing_fwhm': ['6', -1, np.nan, [1, 2], 'fast', True, NOTHING],
    'standardize': ['z', 1, 0, NOTHING, ['zscore']],
    'standardize_confounds': [1, None, 'yes', 'zscore'],
    'high_variance_confounds': [5, None, 'True'],
    'detrend': [1, None, 'linear'],
    'low_pass': ['0.1', True, np.nan, -0.1, 0, [0.1], np.inf],
    'high_pass': ['0.01', False, np.nan, -0.1, 0, {}],
    't_r': ['2', True, 0, -2, np.nan, [2.0]],
    'dtype': ['int8', 'float', 7, NOTHING, True],
    'resampling_target': ['image', 1, True, NOTHING],
    'memory': [7, [], NOTHING, True],
    'memory_level': [-1, '1', None, 0.5],
    'verbose': [-1, 'high', None, 0.5],
    'strategy': ['mode', None, np.mean, ['mean']],
    'reports': [1, None, 'yes'],
    'lut': [7, {'index': [1], 'name': ['a']}, [], NOTHING, 'nowhere.tsv'],
    'filter': ['fir', 1, True, NOTHING],
    'interpolation': ['spline', None, 3, 'linear'],
    'nan_policy': ['drop', None, np.nan],
    'missing_labels': ['keep', None, 0],
    'min_coverage': [-0.1, 1.1, '0.5', None, True, np.nan],
    'confounds_na': ['drop', 0, None, True],
    'confounds_columns': ['csf', [1], 7],
    'confounds_strategy': ['6Q', [6], 7],
    'n_compcor': [0, 'five', None, True],
    'fd_threshold': ['0.5', -1, None, True],
    'dvars_threshold': ['1.5', -1, None, True],
    'min_segment': [-1, 'five', None, 0.5],
    'acompcor': ['joint', None, 5],
    'non_steady_state': ['drop', None, True],
    'unknown_orientation': ['guess', None, True],
    'fill_censored': ['quintic', None, True],
    'num_threads': [0, -1, 1.5, '2', None, True],
}


def test_every_parameter_is_tried():
    assert set(WRONG) == set(NiftiLabelsMasker(atlas()).get_params())


@pytest.mark.parametrize(('name', 'value'), [(name, value) for name, values in WRONG.items() for value in values])
def test_wrong_values_are_refused_by_fit_and_by_transform(name, value):
    fitted = NiftiLabelsMasker(atlas()).fit()
    with pytest.raises(LabelsError):
        NiftiLabelsMasker(**{'labels_img': atlas(), name: value}).fit()
    with pytest.raises(LabelsError):
        fitted.set_params(**{name: value}).transform(run())


@pytest.mark.parametrize(
    ('name', 'values'),
    [
        ('labels', [list('abcd'), tuple('abcd'), np.array(list('abcd')), pd.Series(list('abcd'))]),
        ('background_label', [2, 2.0, np.int16(2)]),
        ('smoothing_fwhm', [2, 2.0, [2, 2, 2], np.array([2.0]), np.float32(2)]),
        ('standardize', [True, np.True_, 'zscore']),
        ('standardize', [False, None]),
        ('detrend', [True, np.True_]),
        ('high_pass', [0.05, np.float64(0.05)]),
        ('t_r', [2, 2.0, np.int64(2), np.float32(2)]),
        ('dtype', ['float32', np.float32, np.dtype('float32')]),
        ('verbose', [0, False]),
        ('num_threads', [2, np.int64(2), 2.0]),
    ],
)
def test_values_that_mean_the_same_give_the_same(name, values):
    maskers = [NiftiLabelsMasker(**{'labels_img': atlas(), name: value}) for value in values]
    signals = [masker.fit_transform(run()) for masker in maskers]
    for masker, each in zip(maskers, signals, strict=True):
        assert_array_equal(each, signals[0])
        assert masker.region_names_ == maskers[0].region_names_


@pytest.mark.parametrize(
    ('lut', 'words'),
    [
        (pd.DataFrame({'id': [1], 'label': ['a']}), "columns 'index' and 'name'"),
        (pd.DataFrame({'index': [1.5, 2], 'name': ['a', 'b']}), '1.5'),
        (pd.DataFrame({'index': [1, np.nan], 'name': ['a', 'b']}), 'nan'),
        (pd.DataFrame({'index': ['one', 'two'], 'name': ['a', 'b']}), 'one'),
        (pd.DataFrame({'index': [True, False], 'name': ['a', 'b']}), 'True'),
        (pd.DataFrame({'index': [1, 2], 'name': ['a', np.nan]}), 'nan'),
        (pd.DataFrame({'index': [1, 2], 'name': ['a', None]}), 'is missing'),
        (pd.DataFrame({'index': [88, 89], 'name': ['a', 'b']}), 'but the ids of the atlas are 1, 2, 3, 4'),
        (pd.DataFrame([[1, 2, 'a']], columns=['index', 'index', 'name']), 'same name'),
        (pd.DataFrame({'index': [1, 1], 'name': ['a', 'b']}), 'duplicate values'),
        (pd.DataFrame({'index': [], 'name': []}), 'has no names of regions'),
    ],
)
def test_tables_that_do_not_fit_are_refused(lut, words):
    with pytest.raises(LabelsError, match=words):
        NiftiLabelsMasker(atlas(), lut=lut).fit()


def test_ids_are_whole_numbers_of_any_type():
    for index in ([1.0, 2.0, 3, 4], np.arange(1, 5, dtype='uint8'), ['1', '2', '3', '4']):
        lut = pd.DataFrame({'index': index, 'name': list('abcd')})
        assert NiftiLabelsMasker(atlas(), lut=lut).fit().region_ids_ == {0: 1, 1: 2, 2: 3, 3: 4}


def test_a_column_of_hemispheres_completes_names():
    lut = pd.DataFrame({'index': [1, 2, 3, 4], 'name': ['a', 'a', 'b', 'c'], 'hemisphere': ['L', 'R', 'B', None]})
    assert list(NiftiLabelsMasker(atlas(), lut=lut).fit().region_names_.values()) == ['a L', 'a R', 'b', 'c']


@pytest.mark.parametrize('missing_labels', ['nan', 'drop', 'raise'])
@pytest.mark.parametrize('standardize', ['zscore', 'psc'])
def test_constant_regions_keep_their_columns_and_are_warned_of_if_standardized(missing_labels, standardize):
    image = run()
    image.get_fdata()[atlas().get_fdata() == 3] = 0.0
    masker = NiftiLabelsMasker(atlas(), labels=list('abcd'), standardize=standardize, missing_labels=missing_labels)
    with pytest.warns(UserWarning, match='denoised time series are n/a, although they have a signal: constant.*: c$'):
        signals = masker.fit_transform(image)
    assert_array_equal(np.isnan(signals).all(axis=0), [False, False, True, False])
    assert masker.regions_['status'].tolist() == ['ok', 'ok', 'constant', 'ok']


def test_columns_of_zeros_stay_zero():
    image = run(without=[2])
    image.get_fdata()[atlas().get_fdata() == 3] = 5.0
    for standardize in (False, 'zscore', 'zscore_sample', 'psc'):
        masker = NiftiLabelsMasker(atlas(), standardize=standardize, missing_labels='zero', low_pass=0.1, detrend=True)
        signals = masker.fit_transform(image, confounds=np.random.default_rng(1).normal(size=(40, 2)))
        assert not signals[:, 1].any()
        assert np.isfinite(signals).all()
        assert standardize is False or not signals[:, 2].any()


def test_fit_without_a_series_does_not_judge_regions():
    """Mask and atlas need not overlap on the grid of the atlas, but on that of a series."""
    coarse = nibabel.Nifti1Image(np.ones((3, 3, 2), 'uint8'), np.diag([2.0, 2, 2, 1]) + np.eye(4, k=3) * 200)
    masker = NiftiLabelsMasker(atlas(), mask_img=coarse).fit()
    assert set(masker.regions_['status']) == {'outside_mask'}
    for call in (lambda: masker.transform(run()), lambda: masker.fit(run())):
        with pytest.raises(LabelsError, match='no region of'):
            call()
    with pytest.raises(LabelsError, match='no region of'):
        NiftiLabelsMasker(atlas(), mask_img=coarse, resampling_target='labels').fit()


def test_confounds_missing_in_censored_volumes_do_not_matter():
    values = np.random.default_rng(1).normal(size=(40, 2))
    kept = np.arange(40) != 7
    expected = NiftiLabelsMasker(atlas()).fit_transform(run(), confounds=values, sample_mask=kept)
    values[7] = np.nan
    assert_array_equal(NiftiLabelsMasker(atlas()).fit_transform(run(), confounds=values, sample_mask=kept), expected)


@pytest.mark.parametrize('mask', [np.arange(41), np.ones(39, bool), [], [0.5], [[0, 1]], 'nowhere.tsv', [3, 2], 7])
def test_sample_masks_are_checked_before_the_series_is_read(mask, capsys):
    with pytest.raises(LabelsError):
        NiftiLabelsMasker(atlas(), verbose=1).fit_transform(run(), sample_mask=mask)
    assert not capsys.readouterr().out
