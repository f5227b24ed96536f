# SPDX-License-Identifier: BSD-3-Clause
"""Look-up tables of other programs and atlases: headings, colours, columns of hemispheres, XML and encodings."""

import re
import zipfile

import pytest
from lookup_cases import TWO, pairs, written
from real_files import need

from nipype_labels.files.lut import read_lookup_table, read_places
from nipype_labels.model.errors import LookupTableError


@pytest.mark.parametrize(
    ('headings', 'row', 'expected'),
    [
        ('index\tname\tcolor', '7\tLeft A\t#781180', 'Left A'),
        ('index\tname\txyz', '7\tLeft A\t48, 57, 48', 'Left A'),
        ('index\tname\tabbr\tmapping', '7\t"Left A"\tLA\t3', 'Left A'),
        ('index\themi\tname\tcolor', '7\tL\tLeft A \t#fafafaff', 'Left A'),
        ('index\themi\tname\tcolor\tfs_index\tfs_name', '7\tL\tA\t#000000ff\t1100\tctx-lh-A', 'A'),
        ('index\tred\tgreen\tblue\topacity\tthing\tname', '7\t255\t0\t0\t0.36\t1\tLeft A', 'Left A'),
        ('Index\tAbbreviation\tFull_Name\tFirst_Level\tLast_Level', '7\tLA\tleft_a\t2\t3', 'left_a'),
        ('label\tname\themi\tmindboggle mapping\tdice/kappa\tnotes', '7\tLeft A\tL\t14\t0.68\tn/a', 'Left A'),
        ('label\ttissue\tabbreviation\tname\tcomment', '7\tGM\tLA\tl_a\tn/a', 'l_a'),
        ('ID\tLabelName\tR\tG\tB\tA', '7\tLeft-A\t245\t245\t245\t0', 'Left-A'),
        ('ROI Label,ROI Name,R,A,S', '7,7Networks_LH_Vis_1,-32,-42,-20', '7Networks_LH_Vis_1'),
        ('ROIid;ROIabbr;ROIname;ROIbaseid;ROIbasename;XYZ', '7;lA;Left A;1;A;0,0,0', 'Left A'),
        (',index,name', '0,7,Left A', 'Left A'),
        ('index,name,', '7,Left A,', 'Left A'),
        ('No. Name R G B', '7 Left-A 1 2 3', 'Left-A'),
        ('Index Label_Name', '7 Left A', 'Left A'),
        ('#index\tname\tnetwork', '7\tLeft A\tVis', 'Left A'),
        ('value,region', '7,101', '101'),
        ('ROI_nr,ROI_label', '7,A', 'A'),
        ('label,region', 'Left A,7', 'Left A'),
    ],
)
def test_headings_of_templates_and_programs_are_known(tmp_path, headings, row, expected):
    """Layouts of TemplateFlow, FastSurfer, CBIG, CAT12 and pandas."""
    assert pairs(read_lookup_table(written(tmp_path, f'{headings}\n{row}\n'))) == [(7, expected)]


@pytest.mark.parametrize('heading', ['hemi', 'hemisphere', 'Hemisphere'])
@pytest.mark.parametrize(('left', 'right'), [('L', 'R'), ('left', 'right'), ('B', 'Both')])
def test_a_column_of_hemispheres_completes_names_of_both_hemispheres(tmp_path, heading, left, right):
    text = f'label\tname\t{heading}\n80\tBrainstem\t{left}\n29\tBrainstem\t{right}\n3\tVermis\tL\n'
    assert pairs(read_lookup_table(written(tmp_path, text))) == [
        (80, f'Brainstem {left}'),
        (29, f'Brainstem {right}'),
        (3, 'Vermis'),
    ]


def test_other_cells_of_a_column_of_hemispheres_do_not_complete_names(tmp_path):
    text = 'label\tname\themi\n80\tBrainstem\t0\n29\tBrainstem\t1\n'
    with pytest.raises(LookupTableError, match='duplicate values of name'):
        read_lookup_table(written(tmp_path, text))


@pytest.mark.parametrize(
    'text',
    [
        'Structure,right label,left label\namygdala,51,151\nvermis,57,57\n',
        'Left Label Value\tRight Label Value\tabbreviation\tstructure\n151\t51\tam\tamygdala\n57\t57\tv\tvermis\n',
    ],
)
def test_a_column_of_ids_for_each_hemisphere_gives_both_names(tmp_path, text):
    found = pairs(read_lookup_table(written(tmp_path, text)))
    assert sorted(found) == [(51, 'amygdala right'), (57, 'vermis'), (151, 'amygdala left')]


THREE = [(3, '7Networks_LH_Vis_1'), (1, 'R_1'), (20, 'Frontal Pole')]


@pytest.mark.parametrize(
    'line',
    [
        '{i} 0.47059 0.07059 0.53333 {name}',
        '{i} 0.5 0 1 1 {name}',
        '{i} 120 18 131 {name}',
        '{i} 120 18 131 255 {name}',
        '{i} 255 0 0 0.36 {name}',
        '{i} {name} 120 18 131',
        '{i} {name} 120 18 131 0',
        '{i} {name} 0.5 0.1 0.2',
        '{i}   {name}    120  18 131 0   {tissue}',
        '{i} {name} 120 18 131 255 {i}',
        '{i}\t{name}\t120\t18\t131\t0',
        '{i}\t{name}\t#781180',
        '{i}\t120\t18\t131\t{name}',
        '{i}\t{name}\t2001',
        '{i};{name};0.5;1;0',
        '{i},120,18,131,255,{name}',
        '{name}\t{i}',
        '{i}   120   18  131        1  1  1    "{name}"',
        '{i}: {name}',
        '{i}) {name}',
        '{i} {name} 0xff0000',
        '{i} {name} #ff0000ff',
        '{i};{name};120 18 3',
        '{i}\t{name}\t',
        '{name}\n{i} 120 18 131 255',
    ],
)
def test_colours_before_and_after_names_are_not_part_of_them(tmp_path, line):
    """FSLeyes, FreeSurfer, ITK-SNAP, MRIcron, wb_command and their kin."""
    text = '\n'.join(line.format(i=i, name=name, tissue=i % 2) for i, name in THREE)
    assert pairs(read_lookup_table(written(tmp_path, text, 'atlas.lut'))) == THREE


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('1 R_1 20 191 38 255\n2 44 205 190 194 255\n3 R_10v 14 35 14 255\n', ['R_1', '44', 'R_10v']),
        ('1 44 20 191 38 255\n2 45 205 190 194 255\n', ['44', '45']),
        ('1 0.47 0.07 0.53 44\n2 0.47 0.1 0.5 45\n', ['44', '45']),
        ('1 0.47 0.07 0.53 7 Networks A\n2 0.47 0.1 0.5 7 Networks B\n', ['7 Networks A', '7 Networks B']),
        ('1 Network 1 20 191 38 255\n2 Network 2 205 190 194 255\n', ['Network 1', 'Network 2']),
        ('1 Area 44 20 191 38\n2 Area 45 205 190 194\n', ['Area 44', 'Area 45']),
        ('1 44\n2 45\n', ['44', '45']),
        ('1 44 left\n2 Area 45\n', ['44 left', 'Area 45']),
        (
            '1  L.BSTS  ctx-lh-A 1 2 3 255\n2  L.CACG  ctx-lh-B 4 5 6 255\n3  L.CMFG  ctx-lh-C 7 8 9 255\n',
            ['ctx-lh-A', 'ctx-lh-B', 'ctx-lh-C'],
        ),
        ('FAG\tPrecentral_L\t1\nFAD\tPrecentral_R\t2\n', ['Precentral_L', 'Precentral_R']),
        ('1 Precentral_L 2001\n2 Precentral_R 2002\n', ['Precentral_L', 'Precentral_R']),
        ('1 Area 2001\n2 Area 2002\n', ['Area 2001', 'Area 2002']),
        ('FAG Precentral_L 1\nFAD Precentral_R 2\n', ['Precentral_L', 'Precentral_R']),
        # Colours that differ, their opacity, and FreeSurfer's type of tissue.
        ('1 Area 44 10 20 30 0 1\n2 Area 45 40 50 60 0 2\n', ['Area 44', 'Area 45']),
    ],
)
def test_numbers_in_names_stay(tmp_path, text, expected):
    found = pairs(read_lookup_table(written(tmp_path, text, 'atlas.txt')))
    assert found == list(enumerate(expected, start=1))


@pytest.mark.parametrize(
    'text',
    [
        '1 2001 Precentral\n2 2002 Postcentral\n',
        '0,1,Precentral\n1,2,Postcentral\n',
        '1\tPrecentral\tMotor\n2\tPostcentral\tSomatosensory\n',
        '1 20 30 Precentral\n2 40 50 Postcentral\n',
        'Number Abbreviation\n1 A\n2 B\n',
        '1 A\n2\n3 C\n',
    ],
)
def test_columns_without_headings_that_may_be_ids_or_names_are_refused(tmp_path, text):
    with pytest.raises(
        LookupTableError, match=r'regions\.tsv has no known form .* first line is .* Accepted: '
    ) as caught:
        read_lookup_table(written(tmp_path, text), [1, 2, 3])
    assert repr(text.splitlines()[0]) in str(caught.value)


@pytest.mark.parametrize(
    'body',
    [
        '<atlas><data><label><index>3</index><name>Left A</name></label><label><index>1</index><name>Right B</name>'
        '</label></data></atlas>',
        '<labelset><label id="3" tag="" fullname="Left A"/><label id="1" fullname="Right B"/></labelset>',
        '<JulichBrainAtlas><Structures><Structure grayvalue="3" id="7">Left A</Structure><Structure grayvalue="1" '
        'id="8">Right B</Structure></Structures></JulichBrainAtlas>',
    ],
)
def test_xml_of_other_programs_is_read(tmp_path, body):
    """SPM and CAT12, BrainSuite, Julich-Brain."""
    text = f'<?xml version="1.0" encoding="ISO-8859-1"?>\n{body}\n'
    assert pairs(read_lookup_table(written(tmp_path, text, 'atlas.xml'))) == TWO


@pytest.mark.parametrize('encoding', ['utf-16', 'utf-16-le', 'utf-16-be'])
def test_utf_16_is_read_by_its_byte_order_mark(tmp_path, encoding):
    text = 'index\tname\r\n3\tLeft A\r\n1\tRight B\r\n'
    path = written(tmp_path, text if encoding == 'utf-16' else f'\ufeff{text}', encoding=encoding)
    assert pairs(read_lookup_table(path)) == TWO


@pytest.mark.slow
def test_all_volumetric_tables_of_templateflow_are_read(tmp_path):
    with zipfile.ZipFile(need('templateflow', 'conf/templateflow-skel.zip')) as archive:
        names = [name for name in archive.namelist() if name.endswith('_dseg.tsv')]
        volumetric = [name for name in names if not name.startswith(('tpl-fsaverage', 'tpl-fsLR'))]
        assert len(volumetric) >= 60
        found = {}
        for name in volumetric:
            path = tmp_path / name.split('/')[-1]
            path.write_bytes(archive.read(name))
            found[path.name] = read_lookup_table(path)
    for table in found.values():
        assert not any(re.match(r'[\d.]+\s', name) for name in table['name'])
    names = dict(pairs(found['tpl-VALiDATe29_atlas-VALiDATe_dseg.tsv']))
    assert names[22] == 'not_used (22)'
    assert names[1] == 'l_prefrontal_cortex'


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('1 1 Left A\n2 2 Right A\n', [(1, 'Left A'), (2, 'Right A')]),
        ('1 A 300 400 500\n2 B 300 400 501\n', [(1, 'A 300 400 500'), (2, 'B 300 400 501')]),
        ('1 A 12.5 12.5 12.5\n2 B 13.5 12.5 12.5\n', [(1, 'A 12.5 12.5 12.5'), (2, 'B 13.5 12.5 12.5')]),
    ],
    ids=['ids twice', 'beyond a byte', 'between bytes'],
)
def test_numbers_are_taken_off_names_only_if_they_are_ids_or_colours(tmp_path, text, expected):
    assert pairs(read_lookup_table(written(tmp_path, text))) == expected


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        # The tables of Gordon 2016 in XCP-D, of the 4S atlas in AtlasPack, and of Glasser 2016.
        ('index\tlabel\tcifti_label\tnetwork_label\n1\tL_Default_1\tParcel_1\tDefault\n', {1: ('Default', '')}),
        ('index\tlabel\tnetwork_label\n101\tLH-Pu\tn/a\n2\tLH_Vis_2\tVis\n', {101: ('', ''), 2: ('Vis', '')}),
        ('index\tlabel\tcifti_label\n1\tRight_V1\tR_V1_ROI\n', {}),
        ('ParcelID,Hem,Community\n7,L,None\n8,R,SMhand\n', {7: ('', 'L'), 8: ('SMhand', 'R')}),
        ('1 Precentral_L 2001\n2 Precentral_R 2002\n', {}),
    ],
)
def test_columns_of_networks_and_hemispheres_are_read(tmp_path, text, expected):
    (tmp_path / 'table.tsv').write_text(text)
    assert read_places(tmp_path / 'table.tsv') == expected
