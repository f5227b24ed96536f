# SPDX-License-Identifier: BSD-3-Clause
"""Filters of series in fMRIPrep's form: what they select, and what is refused with its fix."""

import json

import pytest

from nipype_labels.bids.filters import read_filters
from nipype_labels.bids.runs import find_runs
from nipype_labels.model.errors import LabelsError

MNI = 'space-MNI152NLin2009cAsym'
NAMES = [
    f'sub-01_ses-a_task-rest_acq-fast_run-01_{MNI}',
    f'sub-01_ses-a_task-rest_run-02_{MNI}',
    f'sub-02_ses-b_task-rest_run-01_{MNI}',
    f'sub-02_ses-b_task-nback_run-01_echo-2_{MNI}',
    f'sub-02_ses-b_task-nback_run-01_echo-3_{MNI}',
]


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / 'dataset_description.json').write_text('{"Name": "x", "BIDSVersion": "1.8.0"}')
    for name in NAMES:
        folder = tmp_path / name.split('_')[0] / name.split('_')[1] / 'func'
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f'{name}_desc-preproc_bold.nii.gz').touch()
    return tmp_path


@pytest.fixture
def read(tmp_path):
    def call(content):
        path = tmp_path / 'filter.json'
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_filters(path)

    return call


@pytest.mark.parametrize(
    ('section', 'selected'),
    [
        ({}, [0, 1, 2]),
        ({'datatype': 'func', 'suffix': 'bold', 'session': 'a'}, [0, 1]),
        ({'ses': ['a', 'b'], 'run': 1}, [0, 2]),
        ({'acquisition': None}, [1, 2]),
        ({'acq': '*'}, [0]),
        ({'acquisition': [None, 'fast'], 'subject': 'sub-01'}, [0, 1]),
        ({'echo': '2'}, [3]),
        ({'echo': '*', 'task': 'nback'}, [3, 4]),
        ({'space': 'MNI152NLin2009cAsym', 'description': 'preproc', 'run': ['01', 2]}, [0, 1, 2]),
    ],
    ids=str,
)
def test_the_section_bold_selects_series_by_entities(section, selected, dataset, read):
    filters, unused = read({'bold': section})
    found = find_runs(dataset, filters=filters)
    assert sorted(run.name for run in found.runs) == sorted(NAMES[i] for i in selected)
    assert not unused
    assert found.n_series == len(NAMES)


def test_sections_of_fmriprep_for_other_files_are_named(read):
    assert read({'t1w': {'session': '02'}, 'bold': {'session': '02'}}) == ({'ses': ['02']}, ['t1w'])


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ('{', r'filter\.json cannot be read as JSON'),
        ({'bolt': {}}, r"filter\.json: unknown section 'bolt'; did you mean 'bold'.*belong in the section \"bold\""),
        ({'bold': ['rest']}, 'section "bold" must be an object of entities'),
        ({'bold': {'sesion': '1'}}, r"unknown entity 'sesion'; did you mean 'session'.*keys of file names"),
        ({'bold': {'suffix': 'sbref'}}, "suffix must be 'bold', because only BOLD series are read"),
        ({'bold': {'ses': '1', 'session': '2'}}, 'the entity ses is given twice'),
        ({'bold': {'run': True}}, r'run must be a label, a list of labels, null .*, not True'),
        ({'bold': {'run': {'a': 1}}}, 'run must be a label'),
        ({'bold': {'run': 1.5}}, 'run must be a label'),
        ({'bold': {'run': []}}, 'run has an empty list, which selects nothing. Remove it'),
    ],
    ids=str,
)
def test_filters_of_invalid_form_are_refused(content, words, read):
    with pytest.raises(LabelsError, match=words):
        read(content)


@pytest.mark.parametrize(
    ('section', 'chosen', 'words'),
    [
        ({'session': 'c'}, {}, 'no series of ses-c. Available: a, b'),
        ({'acq': 'REQUIRED'}, {}, 'no series of acq-REQUIRED. Available: fast, none'),
        ({'session': 'c'}, {'participants': ['01']}, 'no series of ses-c. Available: a, b'),
        ({'session': 'b'}, {'sessions': ['a']}, 'no series of .*ses a'),
        ({'acq': 'fast', 'ses': 'b'}, {}, 'no series of acq fast and ses b together, as --bids-filter-file'),
        ({'description': 'preproc'}, {'bold_desc': 'x'}, 'no file ends in _desc-x_bold'),
    ],
    ids=str,
)
def test_filters_that_select_nothing_are_refused(section, chosen, words, dataset, read):
    with pytest.raises(LabelsError, match=words):
        find_runs(dataset, filters=read({'bold': section})[0], **chosen)


@pytest.mark.parametrize(('runs', 'selected'), [(['1'], [0, 2]), (['run-02'], [1]), (['01', '2'], [0, 1, 2])])
def test_runs_are_selected_by_number(runs, selected, dataset):
    assert [run.name for run in find_runs(dataset, runs=runs).runs] == [NAMES[i] for i in selected]


def test_a_run_that_does_not_exist_is_refused(dataset):
    with pytest.raises(LabelsError, match=r'no series of run-3\. Available: 01, 02'):
        find_runs(dataset, runs=['3'])
