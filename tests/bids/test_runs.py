# SPDX-License-Identifier: BSD-3-Clause
"""Finding runs: each with its own mask and confounds, whatever else the dataset contains."""

import json
import re
import time

import pytest

from nipype_labels.bids.runs import find_runs
from nipype_labels.model.errors import LabelsError

MNI, NATIVE = 'space-MNI152NLin2009cAsym_res-2_', ''
SPACES = ['func', 'MNI152NLin2009cAsym:res-1', 'MNI152NLin2009cAsym:res-2']


def touch(root, *names):
    for name in names:
        folder = root / name.split('_')[0]
        if '_ses-' in name:
            folder /= name.split('_')[1]
        (folder / 'func').mkdir(parents=True, exist_ok=True)
        (folder / 'func' / name).write_bytes(b'')


def run_files(run, *spaces):
    """Files that fMRIPrep writes for a run in each space."""
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


def test_each_run_has_its_own_mask_confounds_and_sidecar(dataset):
    runs = {run.name: run for run in find_runs(dataset, spaces=SPACES).runs}
    assert len(runs) == 6
    for name, run in runs.items():
        base = name.split('_space-')[0]
        assert run.bold.is_file()
        assert run.bold.name == f'{name}_desc-preproc_bold.nii.gz'
        assert run.mask.name == f'{name}_desc-brain_mask.nii.gz'
        assert run.confounds.name == f'{base}_desc-confounds_timeseries.tsv'
        assert run.sidecar == run.bold.with_name(f'{name}_desc-preproc_bold.json')
        assert dataset / run.source == run.bold
        assert run.space in (name if run.space != 'func' else 'func')


@pytest.mark.parametrize(
    ('chosen', 'names'),
    [
        ({'participants': ['02']}, ['sub-02_task-rest']),
        ({'participants': ['sub-02']}, ['sub-02_task-rest']),
        ({'sessions': ['b'], 'spaces': SPACES[1:]}, ['sub-01_ses-b_task-nback_dir-PA'] * 2),
        ({'tasks': ['nback', 'rest'], 'participants': ['02']}, ['sub-02_task-rest']),
        ({'spaces': ['func']}, ['sub-01_ses-a_task-rest_run-01']),
        ({'spaces': ['MNI152NLin2009cAsym:res-1']}, ['sub-01_ses-b_task-nback_dir-PA']),
    ],
)
def test_runs_are_chosen_by_labels(chosen, names, dataset):
    assert [run.name.split('_space-')[0] for run in find_runs(dataset, **chosen).runs] == names


@pytest.mark.parametrize(
    ('chosen', 'words'),
    [
        ({'participants': ['03']}, 'no series of sub-03. Available: 01, 02'),
        ({'participants': ['01', '03']}, 'no series of sub-03'),
        ({'tasks': ['movie']}, 'no series of task-movie. Available: nback, rest'),
        ({'participants': ['02'], 'tasks': ['nback']}, 'no series of sub 02 and task nback together'),
        ({'spaces': ['MNI152NLin6Asym']}, 'Available: MNI152NLin2009cAsym:res-1, MNI152NLin2009cAsym:res-2, func'),
    ],
)
def test_an_unknown_value_is_reported_with_the_available_values(chosen, words, dataset):
    with pytest.raises(LabelsError, match=words):
        find_runs(dataset, **chosen)


def test_a_missing_file_is_an_error_only_if_it_is_needed(dataset):
    for name in ('sub-02_task-rest_desc-confounds_timeseries.tsv', f'sub-02_task-rest_{MNI}desc-brain_mask.nii.gz'):
        (dataset / 'sub-02' / 'func' / name).unlink()
    (run,) = find_runs(dataset, ['02']).runs
    assert run.mask is None
    assert run.confounds is None
    run.require()
    for role, name in (('mask', rf'{MNI}desc-brain_mask\.nii\.gz'), ('confounds', r'desc-confounds_timeseries\.tsv')):
        with pytest.raises(LabelsError, match=rf'_bold\.nii\.gz has no .*: sub-02_task-rest_{name} does not exist\. P'):
            run.require(**{role: True})


def test_older_names_of_confounds_tables_are_found(dataset):
    old = dataset / 'sub-02' / 'func' / 'sub-02_task-rest_desc-confounds_timeseries.tsv'
    old.rename(old.with_name('sub-02_task-rest_desc-confounds_regressors.tsv'))
    (run,) = find_runs(dataset, ['02']).runs
    assert run.confounds.name == 'sub-02_task-rest_desc-confounds_regressors.tsv'


def test_a_folder_that_is_not_a_dataset_is_refused(tmp_path):
    with pytest.raises(LabelsError, match=r'not a BIDS dataset: it has no dataset_description\.json'):
        find_runs(tmp_path)
    (tmp_path / 'dataset_description.json').write_text('{"Name": "x", "BIDSVersion": "1.4.0"}')
    with pytest.raises(LabelsError, match='no preprocessed series'):
        find_runs(tmp_path)
    touch(tmp_path, 'sub-01_task-rest_bold.nii.gz')
    with pytest.raises(LabelsError, match='no preprocessed series'):
        find_runs(tmp_path)


RUN = 'sub-02_task-rest_'
PREPROC, BRAIN, TABLE = '_desc-preproc_bold.nii.gz', '_desc-brain_mask.nii.gz', '_desc-confounds_timeseries.tsv'


@pytest.fixture
def empty(tmp_path):
    (tmp_path / 'dataset_description.json').write_text('{"Name": "x", "BIDSVersion": "1.4.0"}')
    return tmp_path


PAIRS = """
    part-mag,part-phase chunk-1,chunk-2 recording-a,recording-b inv-1,inv-2 mt-on,mt-off flip-1,flip-2 acq-a,acq-b
    ce-a,ce-b rec-a,rec-b hemi-L,hemi-R foo-1,foo-2 space-A_res-1,space-A_res-2 space-A_den-1,space-A_den-2
    echo-1,echo-2 run-1,run-01
"""


@pytest.mark.parametrize('pair', PAIRS.split())
def test_runs_that_differ_in_one_entity_have_files_of_their_own(pair, empty):
    labels, is_space = pair.split(','), 'space-' in pair
    for label in labels:
        touch(empty, f'{RUN}{label}{PREPROC}', f'{RUN}{label}{BRAIN}')
        touch(empty, *([] if is_space else [f'{RUN}{label}{TABLE}']))
    touch(empty, *([f'{RUN[:-1]}{TABLE}'] if is_space else []))
    spaces = [label.removeprefix('space-').replace('_', ':') for label in labels] if is_space else ()
    found = find_runs(empty, spaces=spaces, echoes=['all'] if 'echo' in pair else ())
    assert found.n_series == len(found.runs) == 2
    for run in found.runs:
        run.require(mask=True, confounds=True)
        assert run.mask.name == run.bold.name.replace(PREPROC, BRAIN)
        assert run.confounds.name == (f'{RUN[:-1]}{TABLE}' if is_space else run.bold.name.replace(PREPROC, TABLE))


@pytest.mark.parametrize('label', ['echo-1', 'part-phase', 'inv-2', 'flip-1', 'mt-on'])
def test_images_acquired_together_share_a_mask_and_confounds(label, empty):
    touch(empty, f'{RUN}{label}{PREPROC}', f'{RUN[:-1]}{BRAIN}', f'{RUN[:-1]}{TABLE}')
    (run,) = find_runs(empty, echoes=['all'] if 'echo' in label else ()).runs
    run.require(mask=True, confounds=True)
    assert (run.mask.name, run.confounds.name) == (f'{RUN[:-1]}{BRAIN}', f'{RUN[:-1]}{TABLE}')


@pytest.mark.parametrize('label', ['run-1', 'acq-a', 'chunk-1', 'recording-a', 'foo-1', 'dir-AP'])
def test_different_acquisitions_share_no_files(label, empty):
    touch(empty, f'{RUN}{label}{PREPROC}', f'{RUN[:-1]}{BRAIN}', f'{RUN[:-1]}{TABLE}', f'{RUN}task-x{TABLE}')
    (run,) = find_runs(empty).runs
    for needed in ({'mask': True}, {'confounds': True}):
        with pytest.raises(LabelsError, match=rf'{RUN}{label}_desc-\S+ does not exist\. P'):
            run.require(**needed)


@pytest.mark.parametrize(
    ('names', 'needed'),
    [
        ([f'{RUN[:-1]}_desc-preproc_bold.nii'], {}),
        ([f'{RUN[:-1]}_desc-brain_mask.nii'], {'mask': True}),
        ([f'{RUN[:-1]}_desc-confounds_regressors.tsv'], {'confounds': True}),
        ([f'{RUN[:-1]}_desc-confounds_timeseries.tsv.gz'], {'confounds': True}),
    ],
)
def test_ambiguous_files_are_all_named(names, needed, empty):
    twins = [f'{RUN[:-1]}{PREPROC}', f'{RUN[:-1]}{BRAIN}', f'{RUN[:-1]}{TABLE}']
    touch(empty, *twins, *names)
    (run,) = find_runs(empty).runs
    with pytest.raises(LabelsError, match='more than one') as raised:
        run.require(**needed)
    assert names[0] in str(raised.value)
    assert sum(name in str(raised.value).split('more than one')[1] for name in twins) == 1


def test_a_link_to_a_file_that_was_not_downloaded_is_named(empty):
    touch(empty, f'{RUN[:-1]}{PREPROC}')
    (empty / 'sub-02' / 'func' / f'{RUN[:-1]}{BRAIN}').symlink_to('../../.git/annex/objects/x')
    (run,) = find_runs(empty).runs
    with pytest.raises(
        LabelsError, match=rf'{BRAIN} cannot be read: No such file or directory\. The file that the link'
    ):
        run.require(mask=True)


def test_two_resolutions_are_separate_runs(empty):
    for name in ('space-A_', 'space-A_res-2_', 'space-A_res-1_'):
        touch(empty, *run_files('sub-02_task-rest', name))
    counts = 'A:res-1 (1 series), A:res-2 (1 series), A:res-none (1 series). Choose one, as in --space A:res-'
    with pytest.raises(LabelsError, match=re.escape(f'{empty} has series in 3 spaces: {counts}')):
        find_runs(empty)
    with pytest.raises(LabelsError, match=r'--space A matches 3 series .*A:res-1.*A:res-2.*A:res-none') as raised:
        find_runs(empty, spaces=['A'])
    assert all(f'sub-02_task-rest_space-A{res}_desc' in str(raised.value) for res in ('', '_res-1', '_res-2'))
    assert [run.entities.get('res') for run in find_runs(empty, spaces=['A:res-none', 'A:res-2']).runs] == [None, '2']
    # Participants of different resolutions are not in conflict.
    touch(empty, *run_files('sub-03_task-rest', 'space-B_res-1_'), *run_files('sub-04_task-rest', 'space-B_res-2_'))
    assert len(find_runs(empty, spaces=['B']).runs) == 2


def test_the_only_template_space_is_the_default(empty):
    touch(
        empty, *run_files('sub-02_task-rest', MNI, NATIVE, 'space-T1w_'), *run_files('sub-03_task-rest', 'space-T1w_')
    )
    found = find_runs(empty)
    assert [run.space for run in found.runs] == ['MNI152NLin2009cAsym']
    assert (found.excluded, found.n_series) == ({'not selected by --space': 2}, 4)
    assert list(found.bad_series) == ['sub-03/func/sub-03_task-rest_space-T1w_desc-preproc_bold.nii.gz']
    assert found.bad_series.popitem()[1].endswith('no series in a template space. Pass --space T1w to process it')
    # Without a template, the only space is the default.
    assert [run.space for run in find_runs(empty, ['03']).runs] == ['T1w']
    # Runs of one template may have different resolutions, one each.
    touch(empty, *run_files('sub-04_task-rest', 'space-MNI152NLin2009cAsym_'))
    assert [run.entities.get('res') for run in find_runs(empty).runs] == ['2', None]


def test_several_spaces_are_listed_with_the_number_of_series(empty):
    touch(empty, *run_files('sub-02_task-rest', MNI, NATIVE, 'space-MNI152NLin6Asym_'))
    touch(empty, *run_files('sub-03_task-rest', MNI))
    words = (
        '3 spaces: MNI152NLin2009cAsym:res-2 (2 series), MNI152NLin6Asym (1 series), func (1 series). '
        'Choose one, as in --space MNI152NLin'
    )
    with pytest.raises(LabelsError, match=re.escape(words)):
        find_runs(empty)
    touch(empty, *run_files('sub-04_task-rest', 'space-MNIInfant_cohort-1_', 'space-MNIInfant_cohort-2_'))
    with pytest.raises(LabelsError, match=r'MNIInfant:cohort-1 \(1 series\), MNIInfant:cohort-2 \(1 series\)\. Choose'):
        find_runs(empty, ['04'])


def test_single_echoes_are_runs_if_they_are_asked_for(empty):
    run = 'sub-02_task-rest'
    touch(empty, *run_files(run, MNI, NATIVE), *(f'{run}_echo-{i}{PREPROC}' for i in (1, 2, 3)))
    found = find_runs(empty)
    assert [run.name for run in found.runs] == [f'{run}_{MNI[:-1]}']
    assert found.n_series == 5
    assert found.excluded == {'single echoes or not selected by --echo': 3, 'not selected by --space': 1}
    assert [run.entities['echo'] for run in find_runs(empty, echoes=['1', 'echo-3']).runs] == ['1', '3']
    assert len(find_runs(empty, echoes=['all']).runs) == 3
    touch(empty, f'sub-03_task-rest_echo-1{PREPROC}')
    found = find_runs(empty)
    assert (found.n_series, len(found.runs), found.excluded['single echoes or not selected by --echo']) == (6, 1, 3)
    assert list(found.bad_series) == [f'sub-03/func/sub-03_task-rest_echo-1{PREPROC}']
    assert 'Pass --echo to process it' in found.bad_series.popitem()[1]
    (empty / 'sub-03/func' / f'sub-03_task-rest_echo-1{PREPROC}').unlink()
    with pytest.raises(LabelsError, match=r'no series of echo-4\. Available: 1, 2, 3, none'):
        find_runs(empty, echoes=['4'])
    for name in (f'{run}{PREPROC}', f'{run}_{MNI[:-1]}{PREPROC}'):
        (empty / 'sub-02/func' / name).unlink()
    with pytest.raises(LabelsError, match=r'all 3 series are single echoes.*Pass --echo 1 2 3'):
        find_runs(empty)


def test_series_of_other_descriptions_are_chosen_by_name(empty):
    run = 'sub-02_task-rest'
    touch(empty, f'{run}_desc-smoothAROMAnonaggr_bold.nii.gz', f'{run}{BRAIN}')
    found = find_runs(empty)
    assert found.bold_desc == 'smoothAROMAnonaggr'
    assert found.runs[0].mask is not None
    touch(empty, f'{run}_desc-optcomDenoised_bold.nii.gz')
    with pytest.raises(LabelsError, match='pass --bold-desc optcomDenoised or smoothAROMAnonaggr'):
        find_runs(empty)
    touch(empty, f'{run}{PREPROC}')
    assert find_runs(empty).bold_desc == 'preproc'
    assert find_runs(empty).excluded == {'of other descriptions (--bold-desc)': 2}
    (only,) = find_runs(empty, bold_desc='desc-optcomDenoised').runs
    assert only.bold.name == f'{run}_desc-optcomDenoised_bold.nii.gz'


def test_sidecars_are_inherited_from_the_folders_above(empty):
    run = 'sub-02_ses-a_task-rest'
    touch(empty, f'{run}_space-A{PREPROC}', f'{run}_space-A_desc-preproc_bold.json', f'{run}_desc-preproc_bold.json')
    for name in ('bold.json', 'task-rest_bold.json', 'task-nback_bold.json', 'space-A_desc-preproc_bold.json'):
        (empty / name).write_text('{}')
    (empty / 'sub-02' / 'sub-02_bold.json').write_text('{}')
    (found,) = find_runs(empty).runs
    assert [str(path.relative_to(empty)) for path in found.sidecars] == [
        'bold.json',
        'task-rest_bold.json',
        'space-A_desc-preproc_bold.json',
        'sub-02/sub-02_bold.json',
        f'sub-02/ses-a/func/{run}_desc-preproc_bold.json',
        f'sub-02/ses-a/func/{run}_space-A_desc-preproc_bold.json',
    ]
    assert found.sidecar == found.sidecars[-1]


def test_unreadable_folders_and_invalid_names_are_listed(empty):
    touch(empty, f'sub-02_task-rest{PREPROC}', f'._sub-02_task-rest{PREPROC}')
    func = empty / 'sub-02' / 'func'
    (func / f'sub-02_task_rest{PREPROC}').write_bytes(b'')
    (func / f'sub-03_task-rest{PREPROC}').write_bytes(b'')
    (func / 'sub-02_task_rest_desc-brain_mask.nii.gz').write_bytes(b'')
    (func / 'sub-02_task-rest_bold.dtseries.nii').write_bytes(b'')
    with open(bytes(func) + b'/sub-02_task-r\xe9st_desc-preproc_bold.nii.gz', 'wb'):  # noqa: PTH123
        pass
    (empty / 'sub-05').symlink_to(empty / 'nowhere')
    (empty / 'sub-06').symlink_to('sub-06')
    found = find_runs(empty)
    assert [run.name for run in found.runs] == ['sub-02_task-rest']
    assert found.n_series == 5
    assert {path.rpartition('/')[2]: reason.split("'")[-1] for path, reason in found.bad_series.items()} == {
        f'sub-02_task_rest{PREPROC}': ' is not a pair of key and label, as in sub-01',
        f'sub-03_task-rest{PREPROC}': 'the file is in the folder sub-02, but its name has sub-03',
        f'sub-02_task-r\\xe9st{PREPROC}': 'the path is not UTF-8. Rename the file or folder',
    }
    assert set(found.unread) == {'sub-02/func/sub-02_task_rest_desc-brain_mask.nii.gz', 'sub-05', 'sub-06'}
    assert find_runs(empty, ['02']).unread.keys() == {'sub-02/func/sub-02_task_rest_desc-brain_mask.nii.gz'}


@pytest.mark.parametrize('content', ['', 'x', '[1]', '{"Name": ', '3', '"fMRIPrep"', '\xff'])
def test_a_description_that_is_not_an_object_is_named(content, dataset):
    path = dataset / 'dataset_description.json'
    path.write_bytes(content.encode('latin-1'))
    with pytest.raises(LabelsError, match=r'dataset_description\.json (cannot be read as|must hold a) JSON'):
        find_runs(dataset)


def test_a_wrong_root_names_the_dataset_inside(dataset, tmp_path_factory):
    root = tmp_path_factory.mktemp('raw')
    (root / 'derivatives').mkdir()
    dataset.rename(root / 'derivatives' / 'fmriprep')
    with pytest.raises(LabelsError, match=rf'not a BIDS dataset.*Did you mean {root}/derivatives/fmriprep\?'):
        find_runs(root)
    (root / 'dataset_description.json').write_text('{"Name": "raw", "BIDSVersion": "1.8.0"}')
    touch(root, 'sub-01_task-rest_bold.nii.gz')
    with pytest.raises(LabelsError, match=rf'no preprocessed series.*Did you mean {root}/derivatives/fmriprep\?'):
        find_runs(root)
    with pytest.raises(LabelsError, match=r'Did you mean \S+/fmriprep\?'):
        find_runs(root / 'derivatives' / 'fmriprep' / 'sub-01')
    with pytest.raises(LabelsError, match='nowhere: no such folder'):
        find_runs(root / 'nowhere')


@pytest.mark.slow
def test_the_time_per_run_does_not_grow_with_the_dataset(empty):
    seconds = []
    for runs in (range(100), range(1000)):
        touch(empty, *(name for i in runs for name in run_files(f'sub-02_task-rest_run-{i}', MNI)))
        took = []
        for _ in range(3):
            began = time.process_time()
            assert len(find_runs(empty).runs) == len(runs)
            took.append(time.process_time() - began)
        seconds.append(min(took) / len(runs))
    assert seconds[1] < 4 * seconds[0]
