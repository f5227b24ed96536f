# SPDX-License-Identifier: BSD-3-Clause
"""The node for high-variance confounds: the numbers of nilearn, within a mask if there is one."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from nilearn.image import high_variance_confounds
from numpy.testing import assert_allclose

from nipype_labels.files import series as series_module
from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import HighVarianceConfounds, Resample
from nipype_labels.model.errors import GridError, LabelsError

MASK = ('nipype', 'testing/data/ds003_sub-01_mc_brainmask.nii.gz')
MASKED = ('nipype', 'testing/data/ds003_sub-01_mc.nii.gz')


def assert_same_courses(ours, theirs):
    """Assert that columns agree except for their signs, which are arbitrary."""
    assert ours.shape == theirs.shape
    assert_allclose(np.abs((ours * theirs).sum(axis=0)), 1, atol=1e-9)


def in_double(path):
    """A series in double precision: nilearn computes in that of the file, which is too low for some columns."""
    series = nibabel.load(path)
    return nibabel.Nifti1Image(series.get_fdata(), series.affine)


@pytest.mark.parametrize('detrend', [True, False])
@pytest.mark.parametrize(('n_confounds', 'percentile'), [(5, 2.0), (3, 10.0)])
def test_high_variance_confounds_of_real_series_equal_those_of_nilearn(
    n_confounds, percentile, detrend, real_series, run, quietly
):
    settings = dict(n_confounds=n_confounds, percentile=percentile, detrend=detrend)
    out = Path(run(HighVarianceConfounds(in_file=real_series, **settings)).out_file)
    assert list(out.parent.iterdir()) == [out]
    names, ours = read_signals(out)
    assert names == [f'high_variance_{i:02d}' for i in range(n_confounds)]
    assert_same_courses(ours, quietly(high_variance_confounds, in_double(real_series), **settings))
    assert_allclose(ours.T @ ours, np.eye(n_confounds), atol=1e-9)


def test_only_voxels_in_the_mask_are_used(installed, run, quietly):
    """The masker of nilearn uses all voxels (X12)."""
    series, mask = installed(*MASKED), installed(*MASK)
    masked = read_signals(run(HighVarianceConfounds(in_file=series, mask_file=mask)).out_file)[1]
    assert_same_courses(masked, quietly(high_variance_confounds, in_double(series), mask_img=mask))
    everywhere = read_signals(run(HighVarianceConfounds(in_file=series)).out_file)[1]
    assert np.abs((masked * everywhere).sum(axis=0)).min() < 0.9


def test_a_mask_on_another_grid_is_refused_until_it_is_resampled(installed, image, run, contents):
    series, whole = installed(*MASKED), nibabel.load(installed(*MASK))
    finer = np.repeat(np.repeat(np.repeat(np.asarray(whole.dataobj), 3, 0), 3, 1), 3, 2).astype('uint8')
    affine = whole.affine @ np.diag([1 / 3, 1 / 3, 1 / 3, 1])
    affine[:3, 3] = whole.affine[:3, :3] @ np.full(3, -1 / 3) + whole.affine[:3, 3]
    mask = image('finer.nii.gz', finer, affine)
    with pytest.raises(GridError, match=r'finer\.nii\.gz .* and .*ds003_sub-01_mc\.nii\.gz'):
        run(HighVarianceConfounds(in_file=series, mask_file=mask))
    resampled = run(Resample(in_files=mask, reference_files=series)).out_files
    assert contents(run(HighVarianceConfounds(in_file=series, mask_file=resampled))) == contents(
        run(HighVarianceConfounds(in_file=series, mask_file=installed(*MASK)))
    )


def test_bytes_depend_neither_on_threads_nor_on_the_run(real_series, run, contents, monkeypatch):
    monkeypatch.setattr(series_module, 'BLOCK_BYTES', 3 * 8 * int(np.prod(nibabel.load(real_series).shape[:3])))
    one, again, two = (contents(run(HighVarianceConfounds(in_file=real_series, num_threads=n))) for n in (1, 1, 2))
    assert one == again == two


def test_an_empty_mask_is_refused(installed, image, run):
    series = installed(*MASKED)
    whole = nibabel.load(installed(*MASK))
    mask = image('empty.nii', np.zeros(whole.shape, dtype='uint8'), whole.affine)
    with pytest.raises(LabelsError, match=r'empty\.nii is an empty mask'):
        run(HighVarianceConfounds(in_file=series, mask_file=mask))
