# SPDX-License-Identifier: BSD-3-Clause
"""Networks and hemispheres that names of real atlases have."""

import csv
import io
import zipfile
from collections import Counter

import pytest

from nipype_labels.model.networks import Place, find_blocks, find_place, order_by_network

YEO = ['Vis', 'SomMot', 'DorsAttn', 'SalVentAttn', 'Limbic', 'Cont', 'Default']


@pytest.fixture(scope='module')
def templateflow_table(installed):
    """Names of the regions of an atlas of TemplateFlow, by the end of the name of its table."""
    archive = installed('templateflow', 'conf/templateflow-skel.zip')

    def read(end):
        with zipfile.ZipFile(archive) as files:
            name = next(name for name in files.namelist() if 'MNI152NLin2009cAsym' in name and name.endswith(end))
            text = files.read(name).decode()
        return [row['name'] for row in csv.DictReader(io.StringIO(text), delimiter='\t')]

    return read


@pytest.mark.parametrize('n', [100, 400, 1000])
def test_schaefer_has_seven_networks_in_two_hemispheres(templateflow_table, n):
    places = list(map(find_place, templateflow_table(f'Schaefer2018_desc-{n}Parcels7Networks_dseg.tsv')))
    assert list(dict.fromkeys(place.network for place in places)) == YEO
    assert Counter(place.hemisphere for place in places) == {'L': n // 2, 'R': n // 2}
    ordered = [places[i] for i in order_by_network(places)]
    assert [block.name for block in find_blocks([place.network for place in ordered])] == YEO
    assert len(find_blocks(ordered)) == 14


def test_parts_of_networks_are_networks(templateflow_table):
    places = list(map(find_place, templateflow_table('Schaefer2018_desc-400Parcels17Networks_dseg.tsv')))
    found = {place.network for place in places}
    # Its names do not distinguish LimbicA and LimbicB.
    assert len(found) == 16
    assert {'VisCent', 'VisPeri', 'SomMotB', 'DefaultC', 'TempPar', 'Limbic'} <= found


@pytest.mark.parametrize(
    ('name', 'network', 'hemisphere'),
    [
        # Yeo 2011, and Schaefer 2018 as XCP-D and nilearn spell them.
        ('7Networks_3', '3', ''),
        ('17Networks_LH_SalVentAttnA_ParOper_1', 'SalVentAttnA', 'L'),
        ('LH_Vis_1', 'Vis', 'L'),
        ('RH_DorsAttn_Post_12', 'DorsAttn', 'R'),
        # Gordon 2016; regions without a network are called None.
        ('L_Default_1', 'Default', 'L'),
        ('R_SMhand_19', 'SMhand', 'R'),
        ('R_None_47', '', 'R'),
        # Glasser 2016, and the same regions in XCP-D.
        ('L_V1_ROI', '', 'L'),
        ('R_p9-46v_ROI', '', 'R'),
        ('Left_4', '', 'L'),
        # Subcortical regions, AAL, FreeSurfer, Julich-Brain.
        ('LH-SNc_PBP_VTA', '', 'L'),
        ('LH_Hippocampus', '', 'L'),
        ('Frontal_Sup_Medial_R', '', 'R'),
        ('ctx-lh-insula', '', 'L'),
        ('Left-Thalamus', '', 'L'),
        ('Area 44 (IFG) - right hemisphere', '', 'R'),
        # Words that only look like a network or a hemisphere.
        ('L_IFG_1', '', 'L'),
        ('Vermis_4_5', '', ''),
        ('Limbic_Lobe', '', ''),
        ('Lingual', '', ''),
        ('Area 47l', '', ''),
    ],
)
def test_names_say_network_and_hemisphere(name, network, hemisphere):
    assert find_place(name) == Place(network, hemisphere)


def test_without_a_network_or_hemisphere_the_order_of_the_atlas_stays():
    assert order_by_network([find_place(name) for name in ('Vermis_3', 'Brainstem', 'Lingual')]) == [0, 1, 2]


def test_hemispheres_without_networks_are_neighbours():
    names = ['Insula_L', 'Insula_R', 'Vermis_3', 'Putamen_L']
    assert order_by_network([find_place(name) for name in names]) == [0, 3, 1, 2]
