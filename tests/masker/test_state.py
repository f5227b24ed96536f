# SPDX-License-Identifier: BSD-3-Clause
"""The state of a masker is that of its last successful call, whatever was called before or at the same time."""

import pickle
import random
from concurrent.futures import ThreadPoolExecutor

import nibabel
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from small_cases import atlas, run, tables

from nipype_labels import NiftiLabelsMasker
from nipype_labels.model.errors import LabelsError

pytestmark = [pytest.mark.filterwarnings('ignore::UserWarning'), pytest.mark.slow]

ATTRIBUTES = ('labels_img_', 'region_atlas_', 'mask_img_', 'lut_', 'regions_', 'region_ids_', 'region_names_')

ATLASES = [atlas(), atlas(seed=3), atlas((2, 3, 5, 9)), atlas((7,))]
MASK = nibabel.Nifti1Image((np.random.default_rng(5).random((5, 4, 3)) < 0.8).astype('uint8'), np.eye(4))
TWICE = nibabel.Nifti1Image(np.repeat(run(3).get_fdata(), 2, axis=2), np.diag([1, 1, 0.5, 1]))
LUT = pd.DataFrame({'index': [3, 1, 99], 'name': ['three', 'one', 'nowhere']})

#: Values of parameters, some of them invalid, alone or together.
VALUES = {
    'labels_img': [*ATLASES, 'nowhere.nii'],
    'mask_img': [None, MASK, 'nowhere.nii'],
    'labels': [None, ['a', 'b', 'c', 'd']],
    'lut': [None, LUT],
    'background_label': [0, 1, 0.5],
    'resampling_target': ['data', 'labels', None],
    'strategy': ['mean', 'median', 'mode'],
    'missing_labels': ['nan', 'drop', 'zero', 'raise'],
    'standardize': [False, 'zscore', 'psc'],
    'smoothing_fwhm': [None, 2.0, -1],
    'detrend': [False, True, 'yes'],
    'high_pass': [None, 0.02, 3.0],
    'reports': [False, True],
    'min_coverage': [0.0, 0.9, 2],
}

SERIES = [run(), run(1, without=[2]), run(2, without=[3]), [run(), run(1)], TWICE, 'nowhere.nii', run().slicer[..., 0]]

GIVEN = [{}, {'confounds': tables(40)[0]}, {'sample_mask': np.arange(30)}, {'confounds': tables(39)[0]}]


def plain(value):
    """A result in a form that can be compared."""
    if isinstance(value, nibabel.spatialimages.SpatialImage):
        return value.get_fdata().tobytes(), value.affine.tobytes(), str(value.header)
    if isinstance(value, pd.DataFrame):
        return value.to_csv()
    return value.tobytes() if isinstance(value, np.ndarray) else value


def tried(call, *arguments, **named):
    """Result or error."""
    try:
        return plain(call(*arguments, **named))
    except LabelsError as e:
        return type(e), str(e)


def look(masker):
    """All results of a masker."""
    asked = {name: tried(lambda name=name: getattr(masker, name)) for name in ATTRIBUTES}
    width = len(asked['region_ids_']) if isinstance(asked['region_ids_'], dict) else 1
    asked['inverse'] = tried(masker.inverse_transform, np.arange(2.0 * width).reshape(2, width))
    asked['report'] = tried(lambda: masker.generate_report()._repr_html_())
    return asked


#: Seeds of random histories, most of them endurance tests.
SEEDS = [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.endurance) for seed in range(3, 8))]


@pytest.mark.parametrize('seed', SEEDS)
def test_after_any_history_numbers_are_those_of_a_new_masker(seed):
    chance = random.Random(seed)
    masker, fits, succeeded = NiftiLabelsMasker(ATLASES[0], reports=False), None, 0
    for _ in range(80):
        action = chance.choice(['set', 'set', 'fit', 'transform', 'transform', 'fit_transform'])
        imgs, given = chance.choice(SERIES), chance.choice(GIVEN)
        if action == 'set':
            changed = dict.fromkeys(chance.sample(list(VALUES), 3))
            # Mostly defaults, so that most calls succeed.
            masker.set_params(**{n: chance.choice([*VALUES[n], *VALUES[n][:1] * 4]) for n in changed})
            continue
        now, before = masker.get_params(), look(masker)
        new = NiftiLabelsMasker(**now)
        if action == 'transform' and fits is not None:
            new = NiftiLabelsMasker(**fits[0]).fit(*fits[1])
            new.set_params(**now)
        arguments = chance.choice([(), (imgs,)]) if action == 'fit' else (imgs,)
        named = {} if action == 'fit' else given
        found, expected = (tried(getattr(each, action), *arguments, **named) for each in (masker, new))
        failed = isinstance(found, tuple)
        if action == 'fit' and not failed:
            found = expected = None
        assert found == expected
        if failed:
            assert look(masker) == before
            continue
        fits, succeeded = fits if action == 'transform' else (now, arguments), succeeded + 1
        # Columns of earlier series are known to the one, and not to the other.
        assert {**look(masker), 'inverse': 0} == {**look(new), 'inverse': 0}
    assert succeeded > 2


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('labels_img', ATLASES[1]),
        ('labels', list('abcd')),
        ('lut', LUT),
        ('background_label', 1),
        ('mask_img', MASK),
        ('resampling_target', 'labels'),
    ],
)
def test_a_parameter_that_fit_uses_needs_another_fit(name, value):
    masker = NiftiLabelsMasker(atlas())
    signals = masker.fit_transform(run())
    masker.set_params(**{name: value})
    for call in (lambda: masker.transform(run()), lambda: masker.inverse_transform(signals), masker.generate_report):
        with pytest.raises(LabelsError, match=f'{name} changed after fit: call fit again'):
            call()
    expected = NiftiLabelsMasker(**masker.get_params()).fit_transform(run())
    assert_array_equal(masker.fit().transform(run()), expected)


def test_lists_and_tables_changed_in_place_need_another_fit():
    names, table = list('abcd'), LUT.copy()
    for masker, change in (
        (NiftiLabelsMasker(atlas(), labels=names), lambda: names.reverse()),
        (NiftiLabelsMasker(atlas(), lut=table), lambda: table.__setitem__('name', ['x', 'y', 'z'])),
    ):
        masker.fit_transform(run())
        change()
        with pytest.raises(LabelsError, match='changed after fit'):
            masker.transform(run())


def test_signals_go_back_to_the_regions_of_their_own_series():
    """Another series, with as many columns and another missing region, was transformed since."""
    one, other = run(0, without=[2]), run(1, without=[4])
    masker = NiftiLabelsMasker(atlas(), missing_labels='drop').fit()
    signals = masker.transform(one)
    expected = masker.inverse_transform(signals)
    later = masker.transform(other)
    assert later.shape[1] == signals.shape[1] == 3
    for given in (signals, signals[:], signals.T.T):
        assert_array_equal(masker.inverse_transform(given).get_fdata(), expected.get_fdata())
    assert_array_equal(masker.inverse_transform(signals[0]).get_fdata(), expected.get_fdata()[..., 0])
    shown = masker.inverse_transform(later).get_fdata()
    ids = atlas().get_fdata()
    assert not shown[ids == 4].any()
    assert (shown[ids == 2] == later[:, 1]).all()
    with pytest.raises(LabelsError, match='pass a DataFrame with the names of the regions'):
        masker.inverse_transform(signals * 2)
    frame = pd.DataFrame(signals * 2, columns=['1', '3', '4'])
    for given in (frame, frame[['4', '1', '3']]):
        assert_array_equal(masker.inverse_transform(given).get_fdata(), expected.get_fdata() * 2)
    row = masker.inverse_transform(frame.mean()).get_fdata()
    assert_array_equal(row, masker.inverse_transform(frame.mean().to_frame().T).get_fdata()[..., 0])
    for wrong in (frame.rename(columns={'1': 'one'}), pd.concat([frame, frame], axis=1)):
        with pytest.raises(LabelsError, match='columns'):
            masker.inverse_transform(wrong)
    with pytest.raises(LabelsError, match='array of numbers'):
        masker.inverse_transform(['a', 'b', 'c'])


def test_signals_of_an_earlier_series_go_back_to_its_grid():
    masker = NiftiLabelsMasker(atlas()).fit()
    signals = masker.transform(TWICE)
    masker.transform(run())
    assert masker.inverse_transform(signals).shape[:3] == TWICE.shape[:3]
    assert masker.inverse_transform(signals * 1).shape[:3] == run().shape[:3]


def test_changing_returned_arrays_does_not_change_the_masker():
    masker = NiftiLabelsMasker(atlas(), mask_img=MASK)
    masker.fit_transform(run())
    before = look(masker)
    for name in ('labels_img_', 'region_atlas_', 'mask_img_'):
        getattr(masker, name).get_fdata()[:] = 0
        np.asanyarray(getattr(masker, name).dataobj)[:] = 0
        getattr(masker, name).affine[:] = 0
    for table in (masker.lut_, masker.regions_):
        table['name'] = 'another'
        table.loc[0, 'index'] = 99
    masker.region_ids_.clear()
    assert look(masker) == before


def test_one_masker_serves_several_threads():
    masker = NiftiLabelsMasker(atlas(), mask_img=MASK, missing_labels='drop', standardize='zscore').fit()
    series = [run(), run(1, without=[2]), TWICE, [run(2), run(3)], run(4, without=[4]), run(5, n_volumes=70)]
    expected = [NiftiLabelsMasker(**masker.get_params()).fit_transform(one) for one in series]
    with ThreadPoolExecutor(6) as pool:
        found = list(
            pool.map(lambda one: (lambda s: (s, masker.inverse_transform(s)))(masker.transform(one)), series * 8)
        )
    for (signals, image), one, given in zip(found, expected * 8, series * 8, strict=True):
        assert_array_equal(signals, one)
        alone = NiftiLabelsMasker(**masker.get_params())
        assert plain(image) == plain(alone.inverse_transform(alone.fit_transform(given)))


def test_fitting_in_one_thread_never_mixes_with_transforming_in_another():
    masker = NiftiLabelsMasker(ATLASES[0]).fit()
    expected = {NiftiLabelsMasker(one).fit_transform(run()).tobytes() for one in ATLASES}

    def call(i):
        if i % 3 == 0:
            masker.set_params(labels_img=ATLASES[i % 4])
            return tried(lambda: masker.fit() and None)
        return tried(masker.transform, run())

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(call, range(120)))
    assert {one for one in found if isinstance(one, bytes)} <= expected
    assert {one for one in found if isinstance(one, tuple)} <= {
        (LabelsError, 'labels_img changed after fit: call fit again')
    }


def test_a_pickled_masker_keeps_its_fitted_attributes():
    masker = NiftiLabelsMasker(atlas(), missing_labels='drop')
    masker.fit_transform(run(1, without=[2]))
    assert look(pickle.loads(pickle.dumps(masker))) == look(masker)
