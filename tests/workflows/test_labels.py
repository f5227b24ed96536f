# SPDX-License-Identifier: BSD-3-Clause
"""The factory gives nilearn's numbers from end to end."""

import nibabel
import numpy as np
import pytest
from coverage_frames import read_regions
from nilearn.maskers import NiftiLabelsMasker
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.files.tables import read_signals

pytestmark = pytest.mark.slow

#: On the grid of the atlas, which is that much finer than the series', nilearn would need gigabytes.
STEP = 6
MASK = ('nipype', 'testing/data/ds003_sub-01_mc_brainmask.nii.gz')
MASKED = ('nipype', 'testing/data/ds003_sub-01_mc.nii.gz')


def nilearn_signals(quietly, series, atlas, regions, **settings):
    """Signals that nilearn's masker gives, a column for each region, NaN for those it drops."""
    masker = NiftiLabelsMasker(atlas, reports=False, **settings)
    signals = np.atleast_2d(quietly(masker.fit_transform, series))
    out = np.full((len(signals), len(regions)), np.nan)
    for column, region in masker.region_ids_.items():
        if column != 'background':
            out[:, regions['index'].tolist().index(region)] = signals[:, column]
    return out


@pytest.fixture(scope='session')
def thinned(aal, tmp_path_factory):
    """Every sixth voxel of AAL, shifted lest voxels be halfway between two of a mask, where rounding decides."""
    whole = nibabel.load(aal[0])
    data = np.asarray(whole.dataobj)[::STEP, ::STEP, ::STEP].astype('int16')
    affine = whole.affine @ np.diag([STEP, STEP, STEP, 1])
    affine[:3, 3] += 0.37
    path = tmp_path_factory.mktemp('aal') / 'thinned.nii.gz'
    nibabel.save(nibabel.Nifti1Image(data, affine), path)
    return str(path)


@pytest.mark.parametrize('target', ['data', 'labels'])
@pytest.mark.parametrize(
    ('ours', 'theirs'),
    [
        ({}, {'standardize': None}),
        ({'detrend': True, 'standardize': 'zscore_sample'}, {'detrend': True, 'standardize': 'zscore_sample'}),
        (
            {'filter': 'cosine', 'high_pass': 0.03, 'standardize': 'psc'},
            {'clean_args': {'filter': 'cosine'}, 'high_pass': 0.03, 't_r': 2.0, 'standardize': 'psc'},
        ),
    ],
    ids=['raw', 'detrended', 'filtered'],
)
def test_real_series_give_nilearns_signals_from_end_to_end(
    ours, theirs, target, real_series, aal, thinned, run, quietly
):
    atlas = aal[0] if target == 'data' else thinned
    inputs = {'bold_file': real_series, 'atlas_files': [atlas]}
    result = run(inputs, resampling_target=target, nan_policy='zero', **ours)
    regions = read_regions(result.outputs.regions[0])
    names, signals = read_signals(result.outputs.timeseries[0])
    assert names == regions['name'].tolist()
    expected = nilearn_signals(quietly, real_series, atlas, regions, resampling_target=target, **theirs)
    there = np.isin(regions['status'], ['ok', 'constant'])
    assert there.sum() >= 12
    assert_allclose(signals[:, there], expected[:, there], rtol=1e-4, atol=1e-4 * np.abs(expected[:, there]).max())
    assert np.isnan(signals[:, ~there]).all()


@pytest.mark.parametrize('target', ['data', 'labels'])
def test_a_masked_real_series_gives_nilearns_signals(target, installed, aal, thinned, run, quietly):
    series, mask, atlas = installed(*MASKED), installed(*MASK), aal[0] if target == 'data' else thinned
    inputs = {'bold_file': series, 'bold_mask': mask, 'atlas_files': [atlas]}
    result = run(inputs, use_mask=True, resampling_target=target, nan_policy='zero', detrend=True, standardize=True)
    regions = read_regions(result.outputs.regions[0])
    expected = nilearn_signals(
        quietly,
        series,
        atlas,
        regions,
        mask_img=mask,
        resampling_target=target,
        detrend=True,
        standardize='zscore_sample',
    )
    signals = read_signals(result.outputs.timeseries[0])[1] * np.sqrt(19 / 20)
    there = (regions['status'] == 'ok').to_numpy()
    assert_array_equal(there, np.isfinite(expected).all(axis=0) & ~(expected == 0).all(axis=0))
    assert (regions['n_voxels_mask'] < regions['n_voxels_grid']).sum() > 20
    assert_allclose(signals[:, there], expected[:, there], atol=2e-4)


def test_a_band_of_a_longer_real_series_is_nilearns(installed, aal, image, run, quietly):
    """Forty real volumes, forward and backward, since the filter takes thirty-four."""
    whole = nibabel.load(installed('nibabel', 'tests/data/functional.nii'))
    data = whole.get_fdata()
    longer = image('longer.nii.gz', np.concatenate([data, data[..., ::-1]], axis=3), whole.affine, 2.0)
    band = {'high_pass': 0.02, 'low_pass': 0.12, 'detrend': True, 'standardize': 'zscore_sample'}
    result = run({'bold_file': longer, 'atlas_files': [aal[0]]}, **band)
    regions = read_regions(result.outputs.regions[0])
    expected = nilearn_signals(quietly, longer, aal[0], regions, t_r=2.0, **band)
    assert np.isfinite(expected).all(axis=0).sum() == 26
    assert_allclose(read_signals(result.outputs.timeseries[0])[1], expected, rtol=1e-6, atol=1e-6)
