# SPDX-License-Identifier: BSD-3-Clause
"""Unknown or contradictory orientations: refused, accepted or reported with option names."""

import json

import nibabel
import numpy as np
import pytest
from named_cases import ask, make_runs

from nipype_labels.files.grids import read_grid

pytestmark = pytest.mark.slow


@pytest.fixture
def unknown(small):
    """The series without codes of sform and qform, and an atlas and a mask of its grid."""
    image = nibabel.load(small.bold)
    codeless = nibabel.Nifti1Image(image.get_fdata(dtype=np.float32), None)
    codeless.header.set_zooms(image.header.get_zooms())
    codeless.to_filename(small.bold)
    labels = np.ones((6, 6, 6), np.int16)
    labels[3:] = 2
    for name, data in (('same.nii.gz', labels), ('inside.nii.gz', np.ones_like(labels))):
        same = nibabel.Nifti1Image(data, None)
        same.header.set_zooms((4, 4, 4))
        same.to_filename(small.bold.with_name(name))
    return small


def test_an_unknown_orientation_is_refused_or_accepted(unknown, call):
    asked = ['extract', str(unknown.bold), '-o', str(unknown.out)]
    given = ['--atlas', str(unknown.atlas)]
    for more in ([], ['--resampling-target', 'labels'], ['--mask', str(unknown.mask)]):
        status, _, said = call(*asked, *given, *more)
        assert status == 2
        assert 'bold.nii.gz: left and right are unknown (sform_code and qform_code are 0)' in said
        assert 'pass --unknown-orientation accept' in said
    status, _, said = call(*asked, '--atlas', 'same.nii.gz', '--mask', str(unknown.mask))
    assert status == 2
    assert 'mask.nii.gz is on another voxel grid' in said
    assert not unknown.out.exists()
    status, _, said = call(*asked, '--atlas', 'same.nii.gz', '--mask', 'inside.nii.gz')
    assert status == 0, said
    assert 'unknown_orientation' not in json.loads((unknown.out / 'cleaning.json').read_text())['Parameters']
    assert read_grid(unknown.out / 'mean.nii.gz').doubt
    out = unknown.out.with_name('accepted')
    asked = ['extract', str(unknown.bold), '-o', str(out), '--unknown-orientation', 'accept']
    status, _, said = call(*asked, *given)
    assert status == 0, said
    assert json.loads((out / 'cleaning.json').read_text())['Parameters']['unknown_orientation'] == 'accept'


def test_a_contradiction_is_reported_once(small, process, command):
    for path in (small.bold, small.atlas):
        image = nibabel.load(path)
        image.header.set_qform(np.diag([-4.0, 4, 4, 1]), 1)
        nibabel.Nifti1Image(np.asanyarray(image.dataobj), image.affine, image.header).to_filename(path)
    for _ in range(2):
        done = process('extract', small.bold, '--atlas', small.atlas, '-o', small.out)
        assert done.returncode == 0, done.stderr
        for path in (small.bold, small.atlas):
            assert done.stderr.count(f'{path}: sform and qform contradict each other by up to') == 1
    assert 'note: sform and qform contradict each other' in command('check', small.atlas).stdout


def test_an_atlas_of_unknown_orientation_does_not_pass_the_check(unknown, call):
    status, said, _ = call('check', str(unknown.bold.with_name('same.nii.gz')))
    assert status == 1
    assert 'problem: left and right are unknown (sform_code and qform_code are 0)' in said


def test_runs_are_refused_for_the_orientation_of_the_atlas_or_accepted(tmp_path, call):
    make_runs(tmp_path, ('01', '02'))
    image = nibabel.load(tmp_path / 'atlas.nii.gz')
    padded = nibabel.Nifti1Image(np.pad(np.asanyarray(image.dataobj), 1), None)
    padded.header.set_zooms(image.header.get_zooms())
    padded.to_filename(tmp_path / 'atlas.nii.gz')
    status, _, said = call(*ask(tmp_path))
    assert status == 1
    assert 'atlas.nii.gz: left and right are unknown' in said
    assert 'pass --unknown-orientation accept' in said
    assert call(*ask(tmp_path, '--unknown-orientation', 'accept'))[0] == 0
    paths = (tmp_path / 'out').glob('sub-*/**/*_stat-mean*timeseries.json')
    sidecars = [json.loads(path.read_text()) for path in paths]
    assert sidecars
    assert {sidecar['Parameters']['unknown_orientation'] for sidecar in sidecars} == {'accept'}
