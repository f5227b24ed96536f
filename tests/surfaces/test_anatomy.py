# SPDX-License-Identifier: BSD-3-Clause
"""Masks of the cortex, and surfaces with the areas of vertices, that derivatives find for each run of surfaces."""

import hashlib
import json
import re
from functools import partial

import numpy as np
import pytest
from named_cases import describe
from numpy.testing import assert_allclose
from surface_cases import icosahedron, measure_areas, noise, save_func_gii, save_surf_gii, save_tseries

from nipype_labels.bids.runs import find_runs
from nipype_labels.files.coverage import read_coverage
from nipype_labels.files.tables import read_signals

RUN = 'sub-01_task-rest'
MASK = 'sub-01_hemi-{}_space-fsaverage_den-10k_desc-cortex_mask.label.gii'
MIDTHICKNESS = MASK.replace('desc-cortex_mask.label.gii', 'midthickness.surf.gii')
LABELS = np.arange(12) % 3
CORTEX = {'L': np.arange(12) > 3, 'R': np.arange(12) != 7}
SERIES = {side: noise(20, 12, seed=ord(side)) for side in 'LR'}


def save_masks(folder, name=MASK, sides='LR', n=12):
    """Write masks of the cortex as fMRIPrep does: numbers, and no label table."""
    folder.mkdir(parents=True, exist_ok=True)
    for side in sides:
        inside = np.resize(CORTEX[side], n)
        save_func_gii(folder / name.format(side), inside.astype('f4')[None], side=side)


@pytest.fixture
def anat(dataset):
    return dataset / 'sub-01' / 'anat'


@pytest.fixture
def derivatives(derivatives, dataset):
    """Run ``derivatives`` on the pair; return status and messages."""
    return partial(derivatives, '--space', 'fsaverage5', '--atlas', 'B=b.L.label.gii')


def read(tmp_path, ending):
    """Return the path of a derivative of the run."""
    return tmp_path / 'out' / 'sub-01' / 'func' / f'{RUN}_space-fsaverage5_atlas-B_stat-{ending}'


def loop(weights, inside):
    """Means of the regions over vertices inside the masks, in float64."""
    means = []
    for side in 'LR':
        for number in (1, 2):
            of_region = (number == LABELS) & inside[side]
            means.append(np.average(SERIES[side][:, of_region].astype(float), axis=1, weights=weights[side][of_region]))
    return np.stack(means, axis=1)


ONES, EVERY = dict.fromkeys('LR', np.ones(12)), dict.fromkeys('LR', np.ones(12, dtype=bool))


def test_vertices_outside_the_cortex_are_excluded_and_the_masks_are_named(anat, derivatives, tmp_path):
    save_masks(anat)
    status, said = derivatives('--dry-run')
    files = [f'sub-01/anat/{MASK.format(side)}' for side in 'LR']
    assert (status, f'  mask: {", ".join(files)}\n' in said) == (0, True), said
    status, said = derivatives()
    assert status == 0, said
    _, signals = read_signals(read(tmp_path, 'mean_desc-raw_timeseries.tsv'))
    assert_allclose(signals, loop(ONES, CORTEX), rtol=1e-12)
    regions = read_coverage(read(tmp_path, 'coverage_bold.tsv'))
    expected = [int(((number == LABELS) & CORTEX[side]).sum()) for side in 'LR' for number in (1, 2)]
    assert regions.n_voxels_mask.tolist() == expected
    sidecar = json.loads(read(tmp_path, 'mean_timeseries.json').read_text(encoding='utf-8'))
    assert set(sidecar['Sources']) >= {f'bids:preprocessed:{file}' for file in files}
    assert 'Warnings' not in sidecar
    assert 'mask of the brain or cortex' in sidecar['Methods']
    raw = json.loads(read(tmp_path, 'mean_desc-raw_timeseries.json').read_text(encoding='utf-8'))
    series = [f'bids:preprocessed:sub-01/func/{RUN}_hemi-{side}_space-fsaverage5_bold.func.gii' for side in 'LR']
    assert raw['Sources'][:2] == series
    manifest = json.loads((tmp_path / 'out' / 'manifests' / f'{RUN}_space-fsaverage5.json').read_text(encoding='utf-8'))
    assert set(manifest['Inputs']) >= set(files)
    (page,) = (tmp_path / 'out').rglob('*_report.html')
    assert all(MASK.format(side) in page.read_text(encoding='utf-8') for side in 'LR')


def test_another_mask_of_either_hemisphere_and_no_mask_are_other_time_series(anat, derivatives, tmp_path):
    save_masks(anat)
    assert derivatives('--no-reports')[0] == 0
    path = read(tmp_path, 'mean_desc-raw_timeseries.tsv')
    _, first = read_signals(path)
    save_func_gii(anat / MASK.format('R'), (LABELS != 1).astype('f4')[None], side='R')
    status, said = derivatives('--no-reports')
    assert (status, f'{MASK.format("R")} has changed' in said) == (0, True), said
    _, signals = read_signals(path)
    assert np.isnan(signals[:, 2]).all()
    assert_allclose(signals[:, :2], first[:, :2], rtol=0)
    status, said = derivatives('--no-reports', '--no-mask')
    assert (status, 'without a mask' in said) == (0, False), said
    assert_allclose(read_signals(path)[1], loop(ONES, EVERY), rtol=1e-12)


def test_masks_of_another_mesh_are_not_used_and_named(anat, derivatives, tmp_path):
    save_masks(anat, 'sub-01_hemi-{}_desc-cortex_mask.label.gii', n=42)
    status, said = derivatives('--dry-run')
    name = anat / 'sub-01_hemi-L_desc-cortex_mask.label.gii'
    note = f'series of surfaces: without a mask of the cortex; those of other meshes are not used, such as {name}\n'
    assert (status, note in said, '  mask: none\n' in said) == (0, True, True), said
    assert derivatives('--no-reports')[0] == 0
    assert_allclose(read_signals(read(tmp_path, 'mean_desc-raw_timeseries.tsv'))[1], loop(ONES, EVERY), rtol=1e-12)


@pytest.mark.parametrize(
    ('case', 'message'),
    [
        ('half', r'_hemi-L_\S+cortex_mask.label.gii: the file of the other hemisphere is missing\. Pass --no-mask'),
        ('density', r'_mask\.label\.gii \(fsaverage4 \(2,562 vertices\)\) and \S+_bold\.func\.gii \(12 vertices'),
        ('several', r'more than one mask of the cortex: \S+_acq-a_\S+ and \S+_acq-b_\S+\. Pass --no-mask'),
    ],
)
def test_masks_that_do_not_fit_are_refused(case, message, anat, derivatives):
    if case == 'half':
        save_masks(anat, sides='L')
    elif case == 'density':
        save_masks(anat, n=2562)
    else:
        save_masks(anat, MASK.replace('sub-01_', 'sub-01_acq-a_'))
        save_masks(anat, MASK.replace('sub-01_', 'sub-01_acq-b_'))
    status, said = derivatives('--dry-run')
    assert (status, bool(re.search(f'  problem: .*{message}', said))) == (0, True), said
    status, said = derivatives('--no-reports')
    assert (status, bool(re.search(message, said))) == (1, True), said


def test_a_run_without_a_mask_is_refused_if_others_have_one(dataset, derivatives):
    save_masks(dataset / 'sub-01' / 'anat')
    func = dataset / 'sub-02' / 'func'
    func.mkdir(parents=True)
    for side in 'LR':
        save_func_gii(func / f'sub-02_task-rest_hemi-{side}_space-fsaverage5_bold.func.gii', SERIES[side], side=side)
    status, said = derivatives('--dry-run')
    missing = 'has no mask of the cortex: no file of its participant and mesh ends in _desc-cortex_mask.label.gii'
    assert (status, f'{missing}. Pass --no-mask to use all vertices\n' in said) == (0, True), said


def test_masks_of_fsnative_have_no_space_and_may_be_of_another_session(tmp_path):
    describe(tmp_path)
    subject = tmp_path / 'sub-01'
    for session in 'ab':
        func = subject / f'ses-{session}' / 'func'
        func.mkdir(parents=True)
        for side in 'LR':
            (func / f'sub-01_ses-{session}_task-rest_acq-x_hemi-{side}_space-fsnative_bold.func.gii').touch()
    name = 'sub-01_ses-{}_acq-mprage_hemi-{{}}_desc-cortex_mask.label.gii'
    save_masks(subject / 'ses-a' / 'anat', name.format('a'))
    save_masks(subject / 'ses-a' / 'anat', 'sub-02_hemi-{}_desc-cortex_mask.label.gii')
    runs = find_runs(tmp_path, spaces=['fsnative']).runs
    assert [run.mask.name for run in runs] == [name.format('a').format('L')] * 2
    save_masks(subject / 'ses-b' / 'anat', name.format('b'))
    runs = find_runs(tmp_path, spaces=['fsnative']).runs
    assert [run.mask.name for run in runs] == [name.format(session).format('L') for session in 'ab']


def test_cifti_series_have_no_mask_of_the_cortex(dataset):
    func = dataset / 'sub-01' / 'func'
    save_tseries(func / f'{RUN}_space-fsLR_den-91k_bold.dtseries.nii', noise(9))
    save_masks(dataset / 'sub-01' / 'anat', 'sub-01_hemi-{}_space-fsLR_den-32k_desc-cortex_mask.label.gii')
    (run,) = find_runs(dataset, spaces=['fsLR:den-91k']).runs
    assert run.mask is None


def test_areas_are_those_of_the_midthickness_of_each_participant(anat, derivatives, tmp_path):
    asked = ['--weight', 'area', '--areas', 'midthickness', '--no-reports']
    status, said = derivatives(*asked, '--dry-run')
    missing = 'has no midthickness surface: no file of its participant and mesh ends in _midthickness.surf.gii'
    assert (status, f'{missing}. Pass a file as --areas\n' in said) == (0, True), said
    anat.mkdir()
    weights = {}
    for side, stretch in (('L', [1, 1, 3]), ('R', [2, 1, 1])):
        points, triangles = icosahedron()
        points = (points * stretch).astype('f4')
        save_surf_gii(anat / MIDTHICKNESS.format(side), points, triangles, side)
        weights[side] = measure_areas(points, triangles)
    status, said = derivatives(*asked)
    assert status == 0, said
    path = read(tmp_path, 'mean_desc-raw_timeseries.tsv')
    assert_allclose(read_signals(path)[1], loop(weights, EVERY), rtol=1e-12)
    described = json.loads(path.with_suffix('.json').read_text(encoding='utf-8'))
    assert described['VertexAreas'] == [
        {'File': file.name, 'SHA256': hashlib.sha256(file.read_bytes()).hexdigest()} for file in sorted(anat.iterdir())
    ]
    save_surf_gii(anat / MIDTHICKNESS.format('R').replace('sub-01_', 'sub-01_run-2_'), points, triangles, 'R')
    status, said = derivatives(*asked)
    assert (status, 'has more than one midthickness surface: ' in said) == (1, True), said
