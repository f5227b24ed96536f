# SPDX-License-Identifier: BSD-3-Clause
"""Images, confounds and caches that the masker takes: equal numbers for all forms."""

import nibabel
import numpy as np
import pandas as pd
import pytest
from masker_cases import AAL, MASK, SERIES, confounds, held
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels import NiftiLabelsMasker
from nipype_labels.files.tables import write_signals
from nipype_labels.model.errors import LabelsError

pytestmark = [pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning'), pytest.mark.slow]


def test_images_are_taken_in_all_forms_with_the_same_numbers(tmp_path, monkeypatch):
    expected = NiftiLabelsMasker(AAL, mask_img=MASK).fit_transform(SERIES)
    in_memory, before = held(SERIES), held(SERIES).get_fdata()
    volumes = nibabel.four_to_three(in_memory)
    for i, volume in enumerate(volumes):
        volume.to_filename(tmp_path / f'volume-{i:02d}.nii.gz')
    nibabel.load(SERIES).to_filename(tmp_path / 'home.nii')
    monkeypatch.setenv('HOME', str(tmp_path))
    forms = [
        nibabel.load(SERIES),
        in_memory,
        volumes,
        str(tmp_path / 'volume-*.nii.gz'),
        '~/home.nii',
        [tmp_path / f'volume-{i:02d}.nii.gz' for i in range(20)],
    ]
    for form in forms:
        labels = nibabel.load(AAL) if form is in_memory else AAL
        masker = NiftiLabelsMasker(labels, mask_img=nibabel.load(MASK))
        assert_allclose(masker.fit_transform(form), expected, rtol=1e-6)
    assert_array_equal(in_memory.get_fdata(), before)


def test_a_sliced_or_moved_image_is_taken_as_it_is(tmp_path):
    image = nibabel.load(SERIES)
    few = image.slicer[..., 5:9]
    assert_allclose(
        NiftiLabelsMasker(AAL).fit_transform(few), NiftiLabelsMasker(AAL).fit_transform(SERIES)[5:9], rtol=1e-6
    )
    moved = nibabel.Nifti1Image(image.dataobj, image.affine + np.eye(4, k=3) * 12.5)
    moved.to_filename(tmp_path / 'moved.nii.gz')
    expected = NiftiLabelsMasker(AAL).fit_transform(tmp_path / 'moved.nii.gz')
    assert_allclose(NiftiLabelsMasker(AAL).fit_transform(moved), expected, rtol=1e-6)


def test_confounds_are_taken_in_all_forms(tmp_path):
    values = confounds()
    write_signals(tmp_path / 'confounds.tsv', ['a', 'b', 'c'], values)
    forms = [
        values,
        pd.DataFrame(values, columns=['a', 'b', 'c']),
        tmp_path / 'confounds.tsv',
        str(tmp_path / 'confounds.tsv'),
        [values[:, :1], values[:, 1:]],
        [str(tmp_path / 'confounds.tsv')],
    ]
    cleaned = [NiftiLabelsMasker(AAL).fit_transform(SERIES, confounds=form) for form in forms]
    for signals in cleaned[1:]:
        assert_allclose(signals, cleaned[0], rtol=1e-9)
    assert not np.allclose(cleaned[0], NiftiLabelsMasker(AAL).fit_transform(SERIES), equal_nan=True)


@pytest.mark.parametrize(
    ('given', 'words'),
    [
        (np.zeros((19, 2)), '19 rows, the series has 20 volumes'),
        (np.zeros((20, 2, 2)), 'not the shape'),
        (np.full((20, 1), np.nan), 'no finite value'),
        (np.array(['a'] * 20), 'not of labels'),
        ([0, 1] * 10, 'not of labels'),
        (np.array([['x']] * 20), 'not a number'),
    ],
)
def test_values_that_are_not_confounds_are_refused(given, words):
    with pytest.raises(LabelsError, match=words):
        NiftiLabelsMasker(AAL).fit_transform(SERIES, confounds=given)


@pytest.mark.parametrize('given', [np.zeros((3, 3, 3)), 7, None, [], '/nowhere/*.nii'])
def test_a_value_that_is_not_an_image_is_refused(given):
    with pytest.raises(LabelsError):
        NiftiLabelsMasker(AAL).fit_transform(given)
