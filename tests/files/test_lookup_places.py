# SPDX-License-Identifier: BSD-3-Clause
"""Look-up tables that are used without an argument: in the header of the atlas, or next to its image."""

import nibabel
import numpy as np
import pytest

from nipype_labels import NiftiLabelsMasker
from nipype_labels.files.lut import choose_lookup_table, find_lookup_table, read_lookup_table, read_places
from nipype_labels.model.errors import LookupTableError

SCHAEFER = 'Schaefer2018_100Parcels_7Networks_order'
YEO = 'Yeo2011_7Networks'
AFNI = '<VALUE_LABEL_DTABLE>\n "1" "From header"\n "2" "Two"\n</VALUE_LABEL_DTABLE>'


def write(path, table=None):
    kind = nibabel.Nifti1Pair if path.suffix == '.img' else nibabel.Nifti1Image
    image = kind(np.array([[[1, 2]]], 'int16'), np.eye(4))
    if table is not None:
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(4, table.encode()))
    image.to_filename(path)
    return path


@pytest.mark.parametrize(
    ('image', 'table'),
    [
        *[('atlas.nii.gz', f'atlas{end}') for end in ('.tsv', '.csv', '.txt', '.lut', '.ctab', '.xml', '.niml.lt')],
        ('atlas.nii', 'atlas.tsv'),
        ('atlas.img', 'atlas.txt'),
        ('atlas.mgz', 'atlas.ctab'),
        ('AAL3v1.nii', 'AAL3v1.nii.txt'),
        ('AAL3v1.nii.gz', 'AAL3v1.nii.txt'),
        ('tpl-X_res-01_atlas-Y_desc-1_dseg.nii.gz', 'tpl-X_atlas-Y_desc-1_dseg.tsv'),
        ('tpl-X_res-01_atlas-Y_dseg.nii.gz', 'tpl-X_res-01_atlas-Y_dseg.tsv'),
        ('tpl-X_cohort-1_res-1_atlas-Y_dseg.nii.gz', 'tpl-X_atlas-Y_dseg.tsv'),
        ('tpl-X_atlas-Y_res-01_dseg.nii.gz', 'atlas-Y_dseg.tsv'),
        ('atlas-Y_space-X_res-2_dseg.nii.gz', 'atlas-Y_dseg.tsv'),
        (f'{SCHAEFER}_FSLMNI152_2mm.nii.gz', f'{SCHAEFER}.txt'),
        (f'{SCHAEFER}_FSLMNI152_1mm.nii.gz', f'{SCHAEFER}.lut'),
        (f'{YEO}_MNI152_FreeSurferConformed1mm_LiberalMask.nii.gz', f'{YEO}_ColorLUT.txt'),
    ],
)
def test_tables_next_to_an_image_are_found(tmp_path, image, table):
    if image.endswith('.mgz'):
        nibabel.MGHImage(np.ones((2, 2, 2), 'int16'), np.eye(4)).to_filename(tmp_path / image)
    else:
        write(tmp_path / image)
    assert find_lookup_table(tmp_path / image) is None
    (tmp_path / table).write_text('index\tname\n1\tA\n2\tB\n')
    assert find_lookup_table(tmp_path / image) == str(tmp_path / table)


@pytest.mark.parametrize(
    ('image', 'table'),
    [
        ('atlas.nii.gz', 'other.tsv'),
        ('atlas.nii.gz', 'atlas_old.tsv'),
        ('tpl-X_res-01_atlas-Y_desc-1_dseg.nii.gz', 'tpl-X_atlas-Y_dseg.tsv'),
        ('tpl-X_res-01_atlas-Y_dseg.nii.gz', 'tpl-X_atlas-Y_desc-1_dseg.tsv'),
        ('tpl-X_res-01_atlas-Y_dseg.nii.gz', 'tpl-Z_atlas-Y_dseg.tsv'),
        ('tpl-X_res-01_dseg.nii.gz', 'dseg.tsv'),
        (
            'Schaefer2018_100Parcels_7Networks_order_FSLMNI152_2mm.nii.gz',
            'Schaefer2018_100Parcels_17Networks_order.txt',
        ),
    ],
)
def test_tables_of_another_atlas_are_not_found(tmp_path, image, table):
    (tmp_path / table).write_text('index\tname\n1\tA\n2\tB\n')
    assert find_lookup_table(write(tmp_path / image)) is None


def names(image, **given):
    said = []
    table = choose_lookup_table(np.array([1, 2]), image, warn=lambda *message: said.append(message), **given)
    return table['name'].tolist(), said


def test_the_one_given_counts_before_those_in_and_next_to_the_image(tmp_path):
    image = write(tmp_path / 'atlas.nii.gz', AFNI)
    (tmp_path / 'atlas.tsv').write_text('index\tname\n1\tNext to it\n2\tTwo\n')
    (tmp_path / 'given.tsv').write_text('index\tname\n1\tGiven\n2\tTwo\n')
    assert names(image, lut=tmp_path / 'given.tsv') == (['Given', 'Two'], [])
    assert names(image, names=['Listed', 'Two']) == (['Listed', 'Two'], [])
    write(image)
    assert names(image) == (['Next to it', 'Two'], [])
    assert names(nibabel.load(image)) == (['Next to it', 'Two'], [])
    (tmp_path / 'atlas.tsv').unlink()
    assert names(image) == (['1', '2'], [('%s: no look-up table in its header or next to it, so regions are named by '
                                          'their ids', image)])  # fmt: skip


@pytest.mark.parametrize(
    ('first', 'second', 'other'),
    [
        ('header', 'atlas.tsv', '1\tFirst\n2\tOther\n'),
        ('atlas.tsv', 'atlas.txt', '1\tFirst\n2\tOther\n'),
        ('atlas.tsv', 'atlas.txt', '1\tFirst\n2\tTwo\n3\tThree\n'),
        ('atlas.tsv', 'atlas.txt', '1\tFirst\n'),
    ],
)
@pytest.mark.parametrize('in_memory', [False, True])
def test_tables_that_name_regions_differently_are_refused(tmp_path, first, second, other, in_memory):
    image = write(tmp_path / 'atlas.nii.gz', AFNI.replace('From header', 'First') if first == 'header' else None)
    if first != 'header':
        (tmp_path / first).write_text('index\tname\n1\tFirst\n2\tTwo\n')
    (tmp_path / second).write_text(f'index\tname\n{other}')
    with pytest.raises(LookupTableError, match=rf'and .*{second} name the regions of .*atlas\.nii\.gz differently'):
        names(nibabel.load(image) if in_memory else image)
    assert names(image, lut=tmp_path / second)[0][0] == 'First'


def test_tables_with_equal_names_and_texts_that_are_no_tables_are_accepted(tmp_path):
    image = write(tmp_path / 'atlas.nii.gz', AFNI)
    (tmp_path / 'atlas.tsv').write_text('index\tname\n0\tUnknown\n2\tTwo\n1\tFrom header\n')
    (tmp_path / 'atlas.txt').write_text('Parcels of our laboratory, version 3.\nPlease cite the paper.\nThank you.\n')
    assert names(image) == (['From header', 'Two'], [])


def test_a_header_in_memory_has_names_too(tmp_path):
    image = nibabel.load(write(tmp_path / 'atlas.nii.gz', AFNI))
    held = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header)
    assert names(held) == (['From header', 'Two'], [])
    assert names(nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine)) == (['1', '2'], [])


def test_an_image_in_memory_has_no_look_up_table_next_to_it(tmp_path):
    image = nibabel.load(write(tmp_path / 'atlas.nii.gz'))
    held = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine)
    held.to_filename(tmp_path / 'copy.nii.gz')
    (tmp_path / 'copy.nii.gz').unlink()
    for table in ('atlas.tsv', 'copy.tsv'):
        (tmp_path / table).write_text('index\tname\n1\tA\n2\tB\n')
    assert names(held) == (['1', '2'], [])
    (tmp_path / 'atlas.nii.gz').unlink()
    assert names(image) == (['A', 'B'], [])


def test_a_table_that_is_found_and_names_no_region_is_refused(tmp_path):
    image = write(tmp_path / 'atlas.nii.gz')
    (tmp_path / 'atlas.txt').write_text('index\tname\n7\tA\n8\tB\n')
    with pytest.raises(LookupTableError, match=r'atlas\.txt has names for the ids 7, 8, but .*atlas\.nii\.gz are 1, 2'):
        names(image)


def test_the_masker_warns_of_an_atlas_without_a_table_and_of_ids_without_a_row(tmp_path):
    image = write(tmp_path / 'atlas.nii.gz')
    with pytest.warns(UserWarning, match=r'atlas\.nii\.gz: no look-up table in its header or next to it'):
        NiftiLabelsMasker(image).fit()
    (tmp_path / 'atlas.tsv').write_text('index\tname\n2\tTwo\n')
    with pytest.warns(UserWarning, match=r'atlas\.tsv: no name for the region ids 1 of the image'):
        masker = NiftiLabelsMasker(image).fit()
    assert masker.lut_['name'].tolist() == ['Two']


@pytest.mark.parametrize('name', ['=cmd|calc', '+1', '-A', '@x'])
def test_a_name_that_is_a_formula_in_spreadsheets_is_kept_with_a_warning(name, tmp_path):
    (tmp_path / 'lut.tsv').write_text(f'index\tname\n1\t{name}\n')
    warned = []
    lookup = choose_lookup_table(
        np.array([1]),
        'atlas.nii',
        lut=tmp_path / 'lut.tsv',
        warn=lambda message, *values: warned.append(message % values),
    )
    assert list(lookup['name']) == [name]
    assert warned == [
        f'{tmp_path}/lut.tsv: names that spreadsheet programs take for formulas: {name}. Import the tables as text'
    ]


@pytest.mark.parametrize('name', ['atlas.nii.gz', 'atlas.img', 'atlas.hdr'])
def test_a_table_in_a_header_has_no_networks(tmp_path, name):
    write(tmp_path / name.replace('.hdr', '.img'), AFNI)
    assert list(read_lookup_table(tmp_path / name)['name']) == ['From header', 'Two']
    assert read_places(tmp_path / name, [1, 2]) == {}
