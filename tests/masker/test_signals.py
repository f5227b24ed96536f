# SPDX-License-Identifier: BSD-3-Clause
"""The masker returns a column for each region, and maps values back to the voxels of their regions."""

import nibabel
import numpy as np
import pandas as pd
import pytest
from masker_cases import AAL, FUNCTIONAL, MASK, SERIES
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels import NiftiLabelsMasker
from nipype_labels.model.errors import LabelsError

pytestmark = [pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning'), pytest.mark.slow]


def test_every_region_has_a_column_whatever_is_lost():
    masker = NiftiLabelsMasker(AAL, mask_img=MASK)
    with pytest.warns(UserWarning, match='regions without a signal: '):
        signals = masker.fit_transform(FUNCTIONAL)
    assert signals.shape == (20, 116) == (20, masker.n_elements_)
    assert list(masker.region_ids_.values()) == list(masker.lut_['index'])
    assert list(masker.region_names_.values()) == list(masker.lut_['name'])
    lost = np.isnan(signals).all(axis=0)
    assert 50 < lost.sum() < 116
    assert_array_equal(lost, ~np.isin(masker.regions_['status'], ['ok', 'constant']))


def test_dropped_columns_keep_their_ids():
    """As in nilearn, and the inverse transform has the value of its region at each voxel."""
    masker = NiftiLabelsMasker(AAL, missing_labels='drop')
    signals = masker.fit_transform(FUNCTIONAL)
    full = NiftiLabelsMasker(AAL).fit_transform(FUNCTIONAL)
    there = np.isfinite(full).all(axis=0)
    assert_array_equal(signals, full[:, there])
    assert masker.n_elements_ == there.sum()
    assert_array_equal(list(masker.region_ids_.values()), masker.lut_['index'][there])
    shown = masker.inverse_transform(signals).get_fdata()
    labels = masker.region_atlas_.get_fdata()
    for column, index in masker.region_ids_.items():
        assert (shown[labels == index] == signals[:, column]).all()


def test_the_inverse_transform_maps_values_to_their_regions():
    masker = NiftiLabelsMasker(AAL, mask_img=MASK)
    signals = masker.fit_transform(SERIES)
    image = masker.inverse_transform(signals)
    assert image.shape == nibabel.load(SERIES).shape
    assert_allclose(image.affine, nibabel.load(SERIES).affine)
    labels = masker.region_atlas_.get_fdata()
    assert not image.get_fdata()[labels == 0].any()
    for column, index in masker.region_ids_.items():
        assert_array_equal(
            image.get_fdata()[labels == index], np.tile(signals[:, column], ((labels == index).sum(), 1))
        )
    assert masker.inverse_transform(signals[0]).shape == image.shape[:3]
    with pytest.raises(LabelsError, match=r'116 columns, one per region, not \(20, 115\)'):
        masker.inverse_transform(signals[:, 1:])


def test_names_come_from_a_table_and_give_the_order(tmp_path):
    (tmp_path / 'lut.tsv').write_text('index\tname\n2\tFrontal right\n1\tFrontal left\n999\tNowhere\n')
    for lut in (tmp_path / 'lut.tsv', pd.read_csv(tmp_path / 'lut.tsv', sep='\t')):
        masker = NiftiLabelsMasker(AAL, lut=lut)
        with pytest.warns(
            UserWarning, match=r'no name for the region ids 3, 4, .* and 106 more of the image: they get no column'
        ):
            signals = masker.fit_transform(SERIES)
        assert masker.region_names_ == {0: 'Frontal right', 1: 'Frontal left', 2: 'Nowhere'}
        assert np.isnan(signals[:, 2]).all()


def test_an_explicit_repetition_time_wins_over_the_header(tmp_path):
    rng = np.random.default_rng(3)
    labels = nibabel.Nifti1Image(np.arange(8, dtype=np.int16).reshape(2, 2, 2), np.eye(4))
    series = nibabel.Nifti1Image(rng.normal(size=(2, 2, 2, 60)).astype(np.float32), np.eye(4))
    series.header.set_xyzt_units('mm', 'sec')
    series.header.set_zooms((1, 1, 1, 2.0))
    with pytest.warns(UserWarning, match=r't_r is 1 s, but the header says 2 s; t_r is used'):
        signals = NiftiLabelsMasker(labels, t_r=1.0, low_pass=0.1).fit_transform(series)
    series.header.set_zooms((1, 1, 1, 1.0))
    assert_array_equal(NiftiLabelsMasker(labels, low_pass=0.1).fit_transform(series), signals)
