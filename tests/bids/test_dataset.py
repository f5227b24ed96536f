# SPDX-License-Identifier: BSD-3-Clause
"""The top-level files of a dataset: those of our dataset are updated, those of another dataset are never changed."""

import ntpath

import pytest

from nipype_labels.bids.dataset import BIDS_VERSION, IGNORED, describe_dataset, link_source, list_ignored, make_uri
from nipype_labels.model.errors import LabelsError

schema = pytest.importorskip('bidsschematools.schema')

OURS = {
    'Name': 'Region time series',
    'BIDSVersion': '1.9.0',
    'GeneratedBy': [{'Name': 'nipype_labels', 'Version': '0.0.1'}],
}


def test_a_new_dataset_describes_itself_and_its_generator():
    described = describe_dataset('1.2.3', {'preprocessed': '../fmriprep'})
    assert described == {
        'Name': 'Region time series',
        'BIDSVersion': BIDS_VERSION,
        'DatasetType': 'derivative',
        'GeneratedBy': [{'Name': 'nipype_labels', 'Version': '1.2.3'}],
        'DatasetLinks': {'preprocessed': '../fmriprep'},
    }
    assert 'DatasetLinks' not in describe_dataset('1.2.3')


def test_the_version_of_bids_is_one_that_the_schema_knows_of():
    newest = schema.load_schema().bids_version.split('-')[0]
    assert [int(n) for n in BIDS_VERSION.split('.')] <= [int(n) for n in newest.split('.')]


def test_the_description_of_our_dataset_is_updated_and_keeps_fields_of_the_user():
    existing = {**OURS, 'Name': 'Mine', 'Authors': ['A', 'B'], 'DatasetLinks': {'atlases': '/somewhere'}}
    existing['GeneratedBy'] = [{'Name': 'other'}, *OURS['GeneratedBy']]
    described = describe_dataset('1.2.3', {'preprocessed': '../fmriprep'}, existing)
    assert described['Name'] == 'Mine'
    assert described['Authors'] == ['A', 'B']
    assert described['BIDSVersion'] == BIDS_VERSION
    assert described['GeneratedBy'] == [{'Name': 'nipype_labels', 'Version': '1.2.3'}, {'Name': 'other'}]
    assert described['DatasetLinks'] == {'atlases': '/somewhere', 'preprocessed': '../fmriprep'}
    assert describe_dataset('1.2.3', {'preprocessed': '../fmriprep'}, described) == described


@pytest.mark.parametrize(
    ('existing', 'maker'),
    [
        ({}, 'unknown software'),
        ({'Name': 'raw', 'BIDSVersion': '1.8.0'}, 'unknown software'),
        ({'Name': 'x', 'GeneratedBy': None}, 'unknown software'),
        ({'Name': 'x', 'GeneratedBy': {'Name': 'nipype_labels'}}, 'unknown software'),
        ({'Name': 'x', 'GeneratedBy': [{'Name': 'fMRIPrep', 'Version': '24'}]}, 'fMRIPrep'),
    ],
)
def test_the_output_folder_of_another_dataset_is_refused_with_a_remedy(existing, maker):
    with pytest.raises(LabelsError, match=rf'there\.json describes another dataset \(made by {maker}.*Choose a folder'):
        describe_dataset('1.2.3', None, existing, 'there.json')


def test_series_of_two_datasets_do_not_mix():
    existing = describe_dataset('1.2.3', {'preprocessed': '../one'})
    with pytest.raises(LabelsError, match=r'preprocessed is \.\./one, not \.\./two\. Choose another folder'):
        describe_dataset('1.2.3', {'preprocessed': '../two'}, existing)


def test_lines_of_the_ignore_file_are_added_once():
    assert list_ignored().splitlines() == list(IGNORED)
    assert list_ignored('mine\n*_relmat.*').splitlines()[:2] == ['mine', '*_relmat.*']
    assert list_ignored(list_ignored('mine')) == list_ignored('mine')
    assert sorted(list_ignored('mine\n*_relmat.*').splitlines()) == sorted(['mine', *IGNORED])


@pytest.mark.parametrize(
    ('path', 'dataset', 'uri'),
    [
        ('sub-01/func/sub-01_desc-a+b_bold.nii.gz', '', 'bids::sub-01/func/sub-01_desc-a+b_bold.nii.gz'),
        ('a folder/sub-01_bold.nii.gz', 'x', 'bids:x:a%20folder/sub-01_bold.nii.gz'),
    ],
)
def test_uris_contain_only_characters_valid_in_uris(path, dataset, uri):
    assert make_uri(path, dataset) == uri


def test_the_dataset_of_the_series_is_linked_by_a_relative_path():
    assert link_source('/data/fmriprep', '/data/derivatives/labels') == {'preprocessed': '../../fmriprep'}


def test_datasets_on_different_windows_drives_are_linked_by_absolute_paths(monkeypatch):
    # As on Windows, where no relative path leads from one drive to another.
    monkeypatch.setattr('os.path.relpath', lambda path, start: ntpath.relpath(f'C:{path}', f'D:{start}'))
    assert link_source('/data/fmriprep', '/labels') == {'preprocessed': 'file:///data/fmriprep'}
