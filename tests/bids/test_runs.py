# SPDX-License-Identifier: BSD-3-Clause
"""Finding runs: each with its own mask and confounds, whatever else the data set holds."""

import json

import pytest

from nipype_labels.bids.runs import find_runs
from nipype_labels.core.errors import LabelsError

MNI, NATIVE = 'space-MNI152NLin2009cAsym_res-2_', ''


def touch(root, *names):
    for name in names:
        folder = root / name.split('_')[0]
        if '_ses-' in name:
            folder /= name.split('_')[1]
        (folder / 'func').mkdir(parents=True, exist_ok=True)
        (folder / 'func' / name).write_bytes(b'')


def run_files(run, *spaces):
    """What fMRIPrep writes of a run in each space."""
    for space in spaces:
        yield from (f'{run}_{space}desc-preproc_bold.nii.gz', f'{run}_{space}desc-preproc_bold.json')
        yield from (f'{run}_{space}desc-brain_mask.nii.gz', f'{run}_{space}boldref.nii.gz')
    yield from (f'{run}_desc-confounds_timeseries.tsv', f'{run}_desc-confounds_timeseries.json')


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / 'dataset_description.json').write_text(json.dumps({'Name': 'x', 'BIDSVersion': '1.4.0'}))
    touch(tmp_path, *run_files('sub-01_ses-a_task-rest_run-01', MNI, NATIVE))
    touch(tmp_path, *run_files('sub-01_ses-a_task-rest_run-02', MNI))
    touch(tmp_path, *run_files('sub-01_ses-b_task-nback_dir-PA', MNI, 'space-MNI152NLin2009cAsym_res-1_'))
    touch(tmp_path, *run_files('sub-02_task-rest', MNI))
    touch(tmp_path, 'sub-02_task-rest_desc-aseg_dseg.nii.gz', 'sub-02_task-rest_space-fsaverage_hemi-L_bold.func.gii')
    return tmp_path


def test_each_run_comes_with_what_is_its_own(dataset):
    runs = {run.name: run for run in find_runs(dataset)}
    assert len(runs) == 6
    for name, run in runs.items():
        base = name.split('_space-')[0]
        assert run.bold.is_file()
        assert run.bold.name == f'{name}_desc-preproc_bold.nii.gz'
        assert run.mask.name == f'{name}_desc-brain_mask.nii.gz'
        assert run.confounds.name == f'{base}_desc-confounds_timeseries.tsv'
        assert run.sidecar.name == f'{name}_desc-preproc_bold.json'
        assert dataset / run.source == run.bold
        assert run.space in (name if run.space != 'func' else 'func')


def test_labels_are_as_they_are_written(dataset):
    """``run-01`` stays so."""
    assert {run.entities.get('run') for run in find_runs(dataset)} == {'01', '02', None}


@pytest.mark.parametrize(
    ('chosen', 'names'),
    [
        ({'participants': ['02']}, ['sub-02_task-rest']),
        ({'participants': ['sub-02']}, ['sub-02_task-rest']),
        ({'sessions': ['b']}, ['sub-01_ses-b_task-nback_dir-PA'] * 2),
        ({'tasks': ['nback', 'rest'], 'participants': ['02']}, ['sub-02_task-rest']),
        ({'spaces': ['func']}, ['sub-01_ses-a_task-rest_run-01']),
        ({'spaces': ['MNI152NLin2009cAsym:res-1']}, ['sub-01_ses-b_task-nback_dir-PA']),
    ],
)
def test_runs_are_chosen_by_labels(chosen, names, dataset):
    assert [run.name.split('_space-')[0] for run in find_runs(dataset, **chosen)] == names


@pytest.mark.parametrize(
    ('chosen', 'words'),
    [
        ({'participants': ['03']}, 'no series of sub-03; there are: 01, 02'),
        ({'participants': ['01', '03']}, 'no series of sub-03'),
        ({'tasks': ['movie']}, 'no series of task-movie; there are: nback, rest'),
        ({'participants': ['02'], 'tasks': ['nback']}, 'no series of sub 02 and task nback together'),
        ({'spaces': ['MNI152NLin6Asym']}, 'there are: MNI152NLin2009cAsym:res-1, MNI152NLin2009cAsym:res-2, func'),
    ],
)
def test_what_is_not_there_is_named_beside_what_is(chosen, words, dataset):
    with pytest.raises(LabelsError, match=words):
        find_runs(dataset, **chosen)


def test_what_lacks_is_missed_when_it_is_needed(dataset):
    for name in ('sub-02_task-rest_desc-confounds_timeseries.tsv', f'sub-02_task-rest_{MNI}desc-brain_mask.nii.gz'):
        (dataset / 'sub-02' / 'func' / name).unlink()
    (run,) = find_runs(dataset, ['02'])
    assert run.mask is None
    assert run.confounds is None
    run.require()
    with pytest.raises(LabelsError, match=r'desc-preproc_bold\.nii\.gz has no brain mask'):
        run.require(mask=True)
    with pytest.raises(LabelsError, match=r'desc-preproc_bold\.nii\.gz has no confounds'):
        run.require(confounds=True)


def test_older_names_of_confounds_are_known(dataset):
    old = dataset / 'sub-02' / 'func' / 'sub-02_task-rest_desc-confounds_timeseries.tsv'
    old.rename(old.with_name('sub-02_task-rest_desc-confounds_regressors.tsv'))
    (run,) = find_runs(dataset, ['02'])
    assert run.confounds.name == 'sub-02_task-rest_desc-confounds_regressors.tsv'


def test_a_folder_that_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(LabelsError, match=r'no BIDS data set: it has no dataset_description\.json'):
        find_runs(tmp_path)
    (tmp_path / 'dataset_description.json').write_text('{"Name": "x", "BIDSVersion": "1.4.0"}')
    with pytest.raises(LabelsError, match='no preprocessed series'):
        find_runs(tmp_path)
    touch(tmp_path, 'sub-01_task-rest_bold.nii.gz')
    with pytest.raises(LabelsError, match='no preprocessed series'):
        find_runs(tmp_path)
