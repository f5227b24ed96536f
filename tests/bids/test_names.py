# SPDX-License-Identifier: BSD-3-Clause
"""BIDS names: the order of the schema, parsing and building, and no path outside the folder."""

from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nipype_labels.bids.names import (
    ENTITIES,
    LONGEST_LABEL,
    UNKNOWN_ENTITIES,
    UNKNOWN_SUFFIXES,
    build_name,
    build_path,
    make_label,
    make_labels,
    parse_name,
)
from nipype_labels.model.errors import LabelsError

schema = pytest.importorskip('bidsschematools.schema')

#: Names of atlases and regions that no file may have.
HOSTILE = [
    '../x',
    '../../../etc/passwd',
    '/etc/passwd',
    '..',
    '.',
    '',
    '<script>alert(1)</script>',
    'tab\there',
    'line\nbreak',
    'null\0byte',
    'x' * 300,
    '脳の地図',
    'Rés_αβ ½ ß',
    'a\\b',
    '-rf *',
    '~/x',
    '\ud800',
]

VALUE = st.text(digits + ascii_letters + '+', min_size=1, max_size=12)
WORD = st.text(digits + ascii_letters, min_size=1, max_size=12)


@st.composite
def names(draw):
    """Names in the order of the schema, of any entities and labels."""
    keys = draw(st.sets(st.sampled_from(ENTITIES[1:]), max_size=5))
    pairs = [f'{key}-{draw(VALUE)}' for key in ENTITIES if key == 'sub' or key in keys]
    return '_'.join([*pairs, draw(WORD)]) + '.' + '.'.join(draw(st.lists(WORD, min_size=1, max_size=2)))


def test_entities_have_the_order_of_the_schema():
    loaded = schema.load_schema()
    ordered = [loaded.objects.entities[entity].name for entity in loaded.rules.entities]
    assert [key for key in ENTITIES if key not in UNKNOWN_ENTITIES] == ordered


def test_names_missing_from_the_schema_are_those_we_list():
    loaded = schema.load_schema()
    assert not {entity.name for entity in loaded.objects.entities.values()} & set(UNKNOWN_ENTITIES)
    assert not {suffix.value for suffix in loaded.objects.suffixes.values()} & set(UNKNOWN_SUFFIXES)


@pytest.mark.slow
@given(names())
def test_a_name_that_is_parsed_and_built_is_unchanged(name):
    assert build_name(*parse_name(name)) == name
    assert build_path(*parse_name(name)).endswith(f'/func/{name}')


def test_entities_are_sorted_and_unknown_ones_precede_those_of_results():
    entities = {
        'desc': 'x',
        'stat': 'mean',
        'odd': '1',
        'res': '2',
        'sub': '01',
        'even': '2',
        'atlas': 'A',
        'ses': None,
    }
    name = 'sub-01_atlas-A_res-2_odd-1_even-2_stat-mean_desc-x_bold.tsv'
    assert build_name(entities, 'bold', '.tsv') == name
    assert build_name(*parse_name(name)) == name


@pytest.mark.parametrize(
    ('name', 'what'),
    [
        ('sub-01_rest_bold.nii.gz', "'rest' is not a pair"),
        ('sub-01_v2.1_bold.nii', r'must end|not a pair'),
        ('sub-01_task-_bold.nii.gz', "'task-' is not a pair"),
        ('sub-01__bold.nii.gz', "'' is not a pair"),
        ('sub-01_task-a-b_bold.nii.gz', "'task-a-b' is not a pair"),
        ('sub-01_task-rest_task-x_bold.nii.gz', 'it has task twice'),
        ('task-rest_bold.nii.gz', 'no subject'),
        ('bold.nii.gz', 'no subject'),
        ('', 'must end'),
        ('sub-01_task-rest.nii.gz', 'must end in a suffix'),
        ('sub-01_bold', 'must end in a suffix'),
        ('sub-01_bold.nii.gz\n', 'must end in a suffix'),
        ('sub-01\n_bold.nii.gz', 'not a pair'),
        ('sub-01_bold.', 'must end in a suffix'),
    ],
)
def test_a_name_that_is_not_bids_is_refused_by_name(name, what):
    with pytest.raises(LabelsError, match=what) as caught:
        parse_name(f'some/folder/{name}')
    assert repr(f'some/folder/{name}') in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'value', [value for value in HOSTILE if value != 'x' * 300] + ['a_b', 'a-b', 'a b', 'é', 1, 'a\n']
)
@pytest.mark.parametrize('key', ['sub', 'desc'])
def test_no_entity_leads_out_of_the_folder(key, value):
    with pytest.raises(LabelsError, match='cannot be part of a name') as caught:
        build_path({'sub': '01', key: value}, 'bold', '.tsv')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('value', HOSTILE)
def test_no_key_suffix_extension_or_datatype_leads_out_of_the_folder(value):
    for arguments in (
        ({'sub': '01', value: 'x'}, 'bold', '.tsv'),
        ({'sub': '01'}, value, '.tsv'),
        ({'sub': '01'}, 'bold', f'./{value}'),
        ({'sub': '01'}, 'bold', '.tsv', f'{value}/..'),
    ):
        with pytest.raises(LabelsError):
            build_path(*arguments)


def test_a_path_needs_a_subject_and_figures_have_one_folder_per_subject():
    with pytest.raises(LabelsError, match='no subject'):
        build_path({'task': 'rest'}, 'bold', '.tsv')
    entities = {'sub': '01', 'ses': 'a'}
    assert build_path(entities, 'bold', '.svg', 'figures') == 'sub-01/figures/sub-01_ses-a_bold.svg'


def test_a_name_longer_than_file_systems_take_is_refused():
    entities = {'sub': 'x' * 100, 'task': 'y' * 100, 'desc': 'z' * 60}
    with pytest.raises(LabelsError, match='file systems allow 255'):
        build_name(entities, 'bold', '.nii.gz')


@pytest.mark.slow
@given(st.lists(st.text(max_size=60), max_size=8))
def test_labels_of_any_texts_are_valid_and_differ_by_more_than_case(texts):
    labels = make_labels(texts)
    assert all(label.isascii() and label.isalnum() and len(label) <= LONGEST_LABEL for label in labels)
    assert len({label.lower() for label in labels}) == len(texts)
    assert labels == make_labels(texts)


@pytest.mark.parametrize(
    ('text', 'label'),
    [
        ('AAL3', 'AAL3'),
        ('harvard_oxford-cort maxprob', 'harvardOxfordCortMaxprob'),
        ('tpl-MNI152NLin2009cAsym_atlas-Schaefer2018_res-02_desc-400Parcels17Networks_dseg', None),
        ('tpl-MNI152NLin2009cAsym_res-01_atlas-HOCPA_desc-th25_dseg', 'HOCPATh25'),
        ('atlas-4S156Parcels_dseg', '4S156Parcels'),
        ('atlas-A_seg-7n_scale-100_dseg', 'A7n100'),
        ('***', 'atlas'),
    ],
)
def test_labels_resemble_the_names_of_the_regions(text, label):
    assert make_label(text) == (label or 'Schaefer2018Desc400Parcels17Networks')


def test_long_texts_with_the_same_beginning_have_different_labels():
    one, other = make_label('x' * 300), make_label('x' * 299 + 'y')
    assert one != other
    assert len(set(make_labels(['x' * 300] * 12))) == 12
