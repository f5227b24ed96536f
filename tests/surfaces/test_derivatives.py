# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives of a dataset that has series of surfaces next to volumes, as fMRIPrep names them."""

import json

import nibabel as nib
import numpy as np
import pytest
from named_cases import describe
from numpy.testing import assert_allclose
from surface_cases import noise, save_dlabel, save_func_gii, save_label_gii, save_tseries

from nipype_labels.bids.runs import find_runs
from nipype_labels.files.tables import read_signals
from nipype_labels.model.errors import LabelsError

TABLE = {0: '???', 1: 'V1', 5: 'V2'}
LABELS = np.array([1, 1, 0, 1, 5, 5, 5, 5, 0, 1, 1, 0, 5, 5, 1])
RUN = 'sub-01_task-rest'


@pytest.fixture
def dataset(tmp_path):
    """Two participants with series in MNI space, in fsLR and on fsaverage5, one with half a pair; labels of a pair."""
    root = tmp_path / 'fmriprep'
    describe(root)
    for side in 'LR':
        save_label_gii(tmp_path / f'b.{side}.label.gii', np.arange(12) % 3, {0: '???', 1: 'a', 2: 'b'}, side=side)
    for sub in ('01', '02'):
        func = root / f'sub-{sub}' / 'func'
        func.mkdir(parents=True)
        stem = str(func / f'sub-{sub}_task-rest')
        image = nib.Nifti1Image(np.ones((3, 3, 3, 9), np.int16), np.eye(4))
        image.to_filename(f'{stem}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz')
        save_tseries(f'{stem}_space-fsLR_den-91k_bold.dtseries.nii', noise(9, seed=int(sub)))
        density = {'RepetitionTime': 0.72, 'Density': '91,282 grayordinates', 'SpatialReference': 'fsLR'}
        (func / f'sub-{sub}_task-rest_space-fsLR_den-91k_bold.json').write_text(json.dumps(density), encoding='utf-8')
        for side in 'LR':
            if (sub, side) == ('02', 'R'):
                continue
            values = noise(9, 12, seed=ord(side))
            save_func_gii(f'{stem}_hemi-{side}_space-fsaverage5_bold.func.gii', values, side=side)
            (func / f'sub-{sub}_task-rest_hemi-{side}_space-fsaverage5_bold.json').write_text('{"RepetitionTime": 2}')
        motion = '\n'.join(['trans_x', *map(str, np.random.default_rng(0).normal(size=9))])
        (func / f'sub-{sub}_task-rest_desc-confounds_timeseries.tsv').write_text(motion + '\n', encoding='utf-8')
    return root


def test_a_pair_is_one_run(dataset):
    found = find_runs(dataset, spaces=['fsaverage5'])
    (run,) = found.runs
    assert run.name == f'{RUN}_space-fsaverage5'
    assert [path.name for path in run.list_files('bold')] == [
        f'{RUN}_hemi-{side}_space-fsaverage5_bold.func.gii' for side in 'LR'
    ]
    assert [path.name for path in run.sidecars] == [f'{RUN}_hemi-{side}_space-fsaverage5_bold.json' for side in 'LR']
    assert run.confounds.name == f'{RUN}_desc-confounds_timeseries.tsv'
    ((bad, reason),) = found.bad_series.items()
    assert (bad.rpartition('/')[2], reason) == (
        'sub-02_task-rest_hemi-L_space-fsaverage5_bold.func.gii',
        'the series of the other hemisphere is missing',
    )
    assert found.excluded == {'volumes': 2, 'not selected by --space': 2}


def test_every_series_is_counted_whatever_the_space(dataset):
    counted = [find_runs(dataset, spaces=spaces) for spaces in ([], ['fsLR:den-91k'], ['fsaverage5'])]
    assert [found.n_series for found in counted] == [6, 6, 6]  # 2 of volumes, 2 of CIFTI, a pair and half of one
    assert [found.excluded.get('of one hemisphere alone', 0) for found in counted] == [1, 1, 0]


@pytest.mark.parametrize('space', ['func', 'fsLR:den-91k', 'fsLR:den-32k', 'fsaverage', 'fsaverage5', 'fsnative'])
def test_every_series_of_all_spaces_of_fmriprep_is_counted(tmp_path, space):
    """Nine series of one run: three of volumes, CIFTI, four pairs and half of one."""
    func = tmp_path / 'sub-01' / 'ses-1' / 'func'
    func.mkdir(parents=True)
    describe(tmp_path)
    pairs = ['fsLR_den-32k', 'fsaverage', 'fsaverage5', 'fsnative']
    names = [f'{name}desc-preproc_bold.nii.gz' for name in ('', 'space-T1w_', 'space-MNI152NLin2009cAsym_')]
    names += ['space-fsLR_den-91k_bold.dtseries.nii', 'hemi-L_space-fsaverage6_bold.func.gii']
    names += [f'hemi-{side}_space-{each}_bold.func.gii' for side in 'LR' for each in pairs]
    for name in names:
        (func / f'sub-01_ses-1_task-rest_{name}').touch()
    found = find_runs(tmp_path, spaces=[space])
    (run,) = found.runs
    assert run.name == 'sub-01_ses-1_task-rest' + ('' if space == 'func' else f'_space-{space.replace(":", "_")}')
    assert found.n_series == 9
    assert (found.bad_series, found.excluded['of one hemisphere alone']) == ({}, 1)
    assert sum(found.excluded.values()) == 8


def test_spaces_of_surfaces_and_volumes_together_are_refused(dataset, derivatives):
    status, said = derivatives('--atlas', 'x.nii', '--space', 'fsaverage5', 'MNI152NLin2009cAsym')
    assert status == 2
    assert '--space fsaverage5 is of surfaces, and MNI152NLin2009cAsym of volumes, which have other atlases' in said


def test_a_space_without_a_complete_pair_is_refused(dataset):
    (dataset / 'sub-01' / 'func' / f'{RUN}_hemi-R_space-fsaverage5_bold.func.gii').unlink()
    message = r'no series of both hemispheres in --space fsaverage5\. sub-01/.*: the series of the other hemisphere is'
    with pytest.raises(LabelsError, match=message):
        find_runs(dataset, spaces=['fsaverage5'])


def test_sidecars_of_hemispheres_that_contradict_each_other_are_refused(dataset, derivatives, tmp_path):
    for side in 'LR':
        sidecar = dataset / 'sub-01' / 'func' / f'{RUN}_hemi-{side}_space-fsaverage5_bold.json'
        sidecar.write_text(json.dumps({'RepetitionTime': 2, 'Sources': [side]}), encoding='utf-8')
    asked = ['--atlas', f'B={tmp_path}/b.L.label.gii', '--space', 'fsaverage5', '--participant-label', '01']
    status, said = derivatives(*asked)
    assert status == 0, said
    sidecar.write_text('{"RepetitionTime": 3}', encoding='utf-8')
    status, said = derivatives(*asked)
    assert status == 1
    assert 'RepetitionTime is 2 in' in said
    assert 'Correct one of them' in said


def test_a_dry_run_lists_both_files_of_a_pair(dataset, derivatives, tmp_path):
    _, said = derivatives('--atlas', f'B={tmp_path}/b.L.label.gii', '--space', 'fsaverage5', '--dry-run')
    files = [f'sub-01/func/{RUN}_hemi-{side}_space-fsaverage5_bold.func.gii' for side in 'LR']
    assert f'  series: {", ".join(files)}\n' in said


def test_participants_with_other_meshes_than_the_atlas_are_problems_of_a_dry_run(dataset, derivatives, tmp_path):
    """As in fsnative, where each participant has a mesh of its own: one atlas cannot be that of all."""
    for side in 'LR':
        save_label_gii(tmp_path / f'b.{side}.label.gii', np.arange(12) % 2, {0: '???', 1: 'a'}, side=side)
        for sub, n in (('01', 12), ('02', 13)):
            path = dataset / f'sub-{sub}' / 'func' / f'sub-{sub}_task-rest_hemi-{side}_space-fsnative_bold.func.gii'
            save_func_gii(path, noise(9, n), side=side)
    asked = ['--atlas', f'B={tmp_path}/b.L.label.gii', '--space', 'fsnative']
    _, said = derivatives(*asked, '--dry-run')
    assert '2 runs of 2 participants × 1 atlas: 0 complete, 2 missing, 1 of these cannot be processed' in said
    problem = f'sub-02_task-rest_space-fsnative: meshes of CORTEX_LEFT differ: {tmp_path}/b.L.label.gii (12 vertices'
    assert problem in said
    status, said = derivatives(*asked)
    assert (status, '1 of 2 runs are done' in said, problem in said) == (1, True, True)


def test_volumes_remain_the_default(dataset):
    found = find_runs(dataset)
    assert [run.space for run in found.runs] == ['MNI152NLin2009cAsym'] * 2
    assert found.excluded == {'not volumes (.dtseries.nii, .func.gii)': 3, 'of one hemisphere alone': 1}
    for path in dataset.glob('*/func/*desc-preproc*'):
        path.unlink()
    with pytest.raises(LabelsError, match='pass --space fsLR:den-91k or fsaverage5'):
        find_runs(dataset)


def test_derivatives_of_cifti_have_names_and_values_of_extract(dataset, derivatives, tmp_path):
    atlas = save_dlabel(tmp_path / 'a.dlabel.nii', {'m': (LABELS, TABLE)})
    asked = ['--atlas', f'Nets={atlas}', '--space', 'fsLR:den-91k', '--confounds-columns', 'trans_x']
    asked += ['--connectivity', 'correlation', '--project', 'labels']
    status, said = derivatives(*asked)
    assert status == 0, said
    folder = tmp_path / 'out' / 'sub-01' / 'func'
    stem = f'{RUN}_space-fsLR_atlas-Nets_den-91k'
    written = {path.name for path in folder.iterdir()}
    assert {
        f'{stem}_stat-mean_timeseries.tsv',
        f'{stem}_stat-mean_timeseries.json',
        f'{stem}_stat-coverage_bold.tsv',
        f'{stem}_dseg.dlabel.nii',
        f'{stem}_dseg.tsv',
        f'{stem}_stat-mean_desc-projected_bold.dtseries.nii',
        f'{RUN}_space-fsLR_den-91k_desc-mean_boldref.dscalar.nii',
    } <= written
    assert not [name for name in written if name.endswith(('.nii.gz', '.svg'))]
    _, signals = read_signals(folder / f'{stem}_stat-mean_desc-raw_timeseries.tsv')
    data = noise(9, seed=1).astype(float)
    assert_allclose(signals[:, 0], data[:, LABELS == 1].mean(axis=1), rtol=1e-12)
    sidecar = json.loads((folder / f'{stem}_stat-mean_timeseries.json').read_text(encoding='utf-8'))
    assert sidecar['Density'] == '91,282 grayordinates'
    assert sidecar['RepetitionTime'] == 0.72
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('sub-*/func/*')}
    status, said = derivatives(*asked)
    assert (status, {path: path.stat().st_mtime_ns for path in before}) == (0, before)


def test_derivatives_of_pairs_change_with_either_file(dataset, derivatives, tmp_path):
    asked = ['--atlas', f'B={tmp_path}/b.L.label.gii', '--space', 'fsaverage5', '--participant-label', '01']
    status, said = derivatives(*asked)
    assert status == 0, said
    folder = tmp_path / 'out' / 'sub-01' / 'func'
    path = folder / f'{RUN}_space-fsaverage5_atlas-B_stat-mean_timeseries.tsv'
    names, signals = read_signals(path)
    assert names == ['L_a', 'L_b', 'R_a', 'R_b']
    other = dataset / 'sub-01' / 'func' / f'{RUN}_hemi-R_space-fsaverage5_bold.func.gii'
    save_func_gii(other, noise(9, 12, seed=99), side='R')
    status, said = derivatives(*asked)
    assert (status, 'processed again' in said) == (0, True)
    _, again = read_signals(path)
    assert_allclose(again[:, :2], signals[:, :2], rtol=0)
    assert (again[:, 2:] != signals[:, 2:]).all()


def test_cifti_has_no_mask_and_smoothing_is_refused(dataset, derivatives, tmp_path):
    atlas = save_dlabel(tmp_path / 'a.dlabel.nii', {'m': (LABELS, TABLE)})
    asked = ['--atlas', atlas, '--space', 'fsLR:den-91k']
    status, said = derivatives(*asked, '--dry-run')
    assert status == 0, said
    assert 'series of surfaces: without a mask of the cortex\n' in said
    status, said = derivatives(*asked, '--smoothing-fwhm', '4')
    assert status == 2
    assert 'wb_command -cifti-smoothing' in said
