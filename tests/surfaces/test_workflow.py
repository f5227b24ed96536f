# SPDX-License-Identifier: BSD-3-Clause
"""Series of surfaces and CIFTI from the command, and by the nodes."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from surface_cases import (
    DLABEL,
    LEFT,
    RIGHT,
    TSERIES,
    VOXELS,
    elements,
    glasser,
    noise,
    save_dlabel,
    save_dscalar,
    save_func_gii,
    save_label_gii,
    save_tseries,
    schaefer,
    true_size_elements,
)

from nipype_labels.core.rows import RowReducer, reduce_rows
from nipype_labels.files.atlases import read_atlas
from nipype_labels.files.coverage import read_coverage
from nipype_labels.files.elements import read_own_grids
from nipype_labels.files.spaces import open_any_series
from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import ApplyMask, InverseProject, ReduceLabels, Resample
from nipype_labels.model.errors import LabelsError
from nipype_labels.workflows import init_labels_wf
from nipype_labels.workflows.resources import Sizes, estimate

TABLE = {0: '???', 1: 'V1', 5: 'V2', 9: 'gone'}
LABELS = np.array([1, 1, 0, 1, 5, 5, 5, 5, 0, 1, 1, 0, 5, 5, 1])


@pytest.fixture
def bold(tmp_path):
    """Series of 6 volumes; element 3 is always 0."""
    values = noise(6)
    values[:, 3] = 0
    return save_tseries(tmp_path / TSERIES, values)


@pytest.fixture
def atlas(tmp_path):
    return save_dlabel(tmp_path / DLABEL, {'m': (LABELS, TABLE)})


@pytest.fixture
def extract(in_process, tmp_path, monkeypatch):
    """Run ``extract`` in this process; return the folder of the outputs, or the error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, code=0):
        status, _, said = in_process('extract', *map(str, arguments), '-o', str(tmp_path / 'out'))
        assert status == code, said
        return said if code else tmp_path / 'out'

    return run


def loop(path, labels, ids):
    """Means over vertices that are not always 0, in float64."""
    data = nib.load(path).get_fdata()
    kept = data.any(axis=0)
    return np.stack([data[:, kept & (labels == i)].mean(axis=1) for i in ids], axis=1)


def test_extract_writes_time_series_of_cifti(bold, atlas, extract):
    out = extract(bold, '--atlas', atlas, '--connectivity', 'correlation', '--project', 'labels')
    assert sorted(path.name for path in out.iterdir()) == [
        *('atlas', 'censoring.tsv', 'cleaning.json', 'mean.dscalar.nii', 'work'),
    ]
    assert {'labels.dlabel.nii', 'projected.dtseries.nii'} <= {path.name for path in (out / 'atlas').iterdir()}
    names, signals = read_signals(out / 'atlas' / 'timeseries_raw.tsv')
    assert names == ['V1', 'V2', 'gone']
    assert_allclose(signals[:, :2], loop(bold, LABELS, [1, 5]), rtol=1e-12)
    assert np.isnan(signals[:, 2]).all()
    regions = read_coverage(out / 'atlas' / 'regions.tsv')
    assert regions.status.tolist() == ['ok', 'ok', 'absent_from_atlas']
    assert regions.n_voxels_used.tolist() == [5, 6, 0]
    assert_allclose(regions.coverage[:2], [5 / 6, 1])
    assert regions.quality['n_zero'].tolist() == [1, 0, 0]
    assert regions.quality['index_file'].tolist() == [1, 5, 9]
    assert 'volume_atlas' not in regions.quality
    mean = nib.load(out / 'mean.dscalar.nii')
    assert mean.header.get_axis(1) == elements()
    assert_allclose(mean.get_fdata()[0], nib.load(bold).get_fdata().mean(axis=0), rtol=1e-6)
    projected = nib.load(out / 'atlas' / 'projected.dtseries.nii')
    assert projected.header.get_axis(0).step == 0.72
    _, cleaned = read_signals(out / 'atlas' / 'timeseries.tsv')
    assert_allclose(projected.get_fdata()[:, LABELS == 5], cleaned[:, [1] * 6], rtol=1e-6)
    assert not projected.get_fdata()[:, LABELS == 0].any()


@pytest.mark.parametrize('strategy', ['median', 'variance', 'maximum'])
def test_zeros_are_kept_on_request(bold, atlas, extract, strategy):
    out = extract(bold, '--atlas', atlas, '--zeros', 'keep', '--strategy', strategy)
    _, signals = read_signals(out / 'atlas' / 'timeseries_raw.tsv')
    data = nib.load(bold).get_fdata()
    summary = {'median': np.median, 'variance': np.var, 'maximum': np.max}[strategy]
    assert_allclose(signals[:, 0], summary(data[:, LABELS == 1], axis=1), rtol=1e-12)
    assert read_coverage(out / 'atlas' / 'regions.tsv').quality['n_zero'].tolist() == [0, 0, 0]


def test_labels_and_masks_are_matched_by_vertex_and_mm(bold, tmp_path, extract):
    """An atlas of all vertices, with voxels in the opposite order of an axis, and a mask of other elements."""
    every = np.arange(12)
    flipped = np.array([[-1.0, 0, 0, 4], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    voxels = VOXELS * [-1, 1, 1] + [4, 0, 0]
    axis = elements(every, every, voxels, affine=elements().affine @ flipped)
    values = np.zeros(28, dtype=int)
    values[np.concatenate([LEFT, 12 + RIGHT, 24 + np.arange(4)])] = LABELS
    values[[5, 16]] = 1, 5  # vertices that the series does not have
    atlas = save_dlabel(tmp_path / 'all.dlabel.nii', {'m': (values, TABLE)}, axis)
    inside = (np.arange(28) != 24 + 3)[None].astype('f4')
    out = extract(bold, '--atlas', atlas, '--mask', save_dscalar(tmp_path / 'mask.dscalar.nii', inside, axis))
    _, signals = read_signals(out / 'all' / 'timeseries_raw.tsv')
    assert_allclose(signals[:, :2], loop(bold, np.where(np.arange(15) == 14, 0, LABELS), [1, 5]), rtol=1e-12)
    regions = read_coverage(out / 'all' / 'regions.tsv')
    assert regions.n_voxels_atlas.tolist() == [7, 7, 0]
    assert regions.n_voxels_grid.tolist() == [6, 6, 0]
    assert regions.n_voxels_mask.tolist() == [5, 6, 0]
    assert_allclose(regions.coverage[:2], [4 / 7, 6 / 7])


def test_a_region_of_vertices_that_the_series_does_not_have_is_outside_the_field_of_view(bold, tmp_path, extract):
    values = np.zeros(24, dtype=int)
    values[[0, 2, 12 + 1]] = 1, 9, 5
    every = np.arange(12)
    atlas = save_dlabel(tmp_path / 'x.dlabel.nii', {'m': (values, TABLE)}, elements(every, every, []))
    out = extract(bold, '--atlas', atlas)
    assert read_coverage(out / 'x' / 'regions.tsv').status.tolist() == ['ok', 'ok', 'outside_field_of_view']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--smoothing-fwhm', '4'], 'wb_command -cifti-smoothing'),
        (['--background-label', '3'], 'parcellations of surfaces name their background'),
        (['--high-variance-confounds'], '--high-variance-confounds given, but it only acts with volumes'),
        (['--resampling-target', 'labels'], '--resampling-target labels is for volumes'),
    ],
)
def test_parameters_of_volumes_are_refused(bold, atlas, extract, options, message):
    assert message in extract(bold, '--atlas', atlas, *options, code=2)


def test_another_mesh_and_volumes_are_refused(bold, tmp_path, extract):
    other = save_dlabel(tmp_path / DLABEL, {'m': (LABELS, TABLE)}, elements(n_vertices=162))
    said = extract(bold, '--atlas', other, code=2)
    assert '11 of 324 vertices' in said
    assert '11 of 24 vertices' in said
    assert 'wb_command -metric-resample' in said
    volume = tmp_path / 'volume.nii.gz'
    nib.Nifti1Image(np.ones((3, 3, 3), np.int16), np.eye(4)).to_filename(volume)
    assert 'is data of surfaces' in extract(bold, '--atlas', volume, code=2)
    series = tmp_path / 'series.nii.gz'
    nib.Nifti1Image(np.ones((3, 3, 3, 4), np.int16), np.eye(4)).to_filename(series)
    assert 'is data of surfaces' in extract(series, '--atlas', other, code=2)
    assert '--zeros omit is for surface and CIFTI series' in extract(
        series, '--atlas', volume, '--zeros', 'omit', code=2
    )


def test_nodes_of_one_graph_run_once(bold, atlas, tmp_path, quietly):
    """Several atlases share the pass; nothing runs again until a label changes."""

    def build():
        wf = init_labels_wf(project='labels')
        wf.base_dir = str(tmp_path / 'work')
        inputs = wf.get_node('inputnode').inputs
        inputs.bold_file, inputs.atlas_files = str(bold), [str(atlas), str(tmp_path / 'b.dlabel.nii')]
        return {node.name: node for node in quietly(wf.run).nodes()}

    def times(nodes):
        return {name: Path(node.output_dir(), f'result_{name}.pklz').stat().st_mtime_ns for name, node in nodes.items()}

    save_dlabel(tmp_path / 'b.dlabel.nii', {'m': (LABELS[::-1].copy(), TABLE)})
    nodes = build()
    first = times(nodes)
    assert [Path(path).name for path in nodes['project'].result.outputs.out_files] == [
        'atlas_projected.dtseries.nii',
        'b_projected.dtseries.nii',
    ]
    _, signals = read_signals(nodes['reduce'].result.outputs.out_files[1])
    assert_allclose(signals[:, :2], loop(bold, LABELS[::-1], [1, 5]), rtol=1e-12)
    assert times(build()) == first
    save_dlabel(tmp_path / 'b.dlabel.nii', {'m': (np.where(LABELS == 1, 5, 1), TABLE)})
    again = times(build())
    assert {name for name in first if again[name] != first[name]} == {
        *('resample_labels', 'apply_mask', 'reduce', 'clean', 'project'),
    }


def test_nodes_write_the_same_bytes_for_any_order_of_atlases(bold, atlas, tmp_path):
    """Nodes alone, as users of Nipype call them."""

    def run(interface, name):
        (tmp_path / name).mkdir()
        return interface.run(cwd=str(tmp_path / name)).outputs

    other = save_dlabel(tmp_path / 'b.dlabel.nii', {'m': (LABELS[::-1].copy(), TABLE)})
    both = run(Resample(in_files=[atlas, other], reference_files=[bold]), 'same').out_files
    assert both == [str(atlas), str(other)]
    masked = run(ApplyMask(labels_files=both), 'mask')
    files = [(masked.out_files[i], masked.regions_files[i]) for i in (0, 1)]
    results = []
    for name, order in (('ab', (0, 1)), ('ba', (1, 0))):
        labels, regions = zip(*(files[i] for i in order), strict=True)
        reduce = ReduceLabels(in_file=bold, labels_files=list(labels), regions_files=list(regions))
        reduced = run(reduce, name)
        results.append([Path(reduced.out_files[i]).read_bytes() for i in order])
        assert reduced.t_r == 0.72
    assert results[0] == results[1]
    (tmp_path / 'map.tsv').write_text('V1\tV2\n2\t3\n', encoding='utf-8')
    project = InverseProject(signals_files=[tmp_path / 'map.tsv'], labels_files=[atlas])
    project.inputs.regions_files = [masked.regions_files[0]]
    (written,) = run(project, 'map').out_files
    assert written.endswith('.dscalar.nii')
    assert_array_equal(nib.load(written).get_fdata()[0], np.select([LABELS == 1, LABELS == 5], [2, 3]))


def test_a_look_up_table_may_list_the_background(bold, atlas, tmp_path, extract):
    """The label table of the file says that 0 is background, so the row has no vertex."""
    (tmp_path / 'lut.tsv').write_text('index\tname\n0\tUnknown\n1\tA\n5\tB\n', encoding='utf-8')
    regions = read_coverage(extract(bold, '--atlas', atlas, '--lut', tmp_path / 'lut.tsv') / 'atlas' / 'regions.tsv')
    for column in ('n_voxels_atlas', 'n_voxels_grid', 'n_voxels_mask'):
        assert getattr(regions, column).tolist() == [0, 6, 6]
    assert regions.n_voxels_used.tolist() == [0, 5, 6]


def test_maps_of_one_file_are_named(bold, tmp_path, extract):
    other = np.where(LABELS == 1, 5, LABELS)
    path = save_dlabel(tmp_path / 'nets.dlabel.nii', {'one': (LABELS, TABLE), 'Yeo 7': (other, TABLE)})
    out = extract(bold, '--atlas', f'{path}:Yeo 7', '--atlas', f'{path}:one')
    for name, labels in (('nets_one', LABELS), ('nets_Yeo-7', other)):
        _, signals = read_signals(out / name / 'timeseries_raw.tsv')
        assert_allclose(signals[:, 1], loop(bold, labels, [5])[:, 0], rtol=1e-12)
    assert 'one, Yeo 7' in extract(bold, '--atlas', path, code=2)


def test_both_hemispheres_of_a_pair_are_extracted(tmp_path, extract):
    """Either file names the pair, and ids that stand for two regions are made unique; the other file is hashed too."""
    rng = np.random.default_rng(3)
    values = {side: rng.normal(100, 10, (5, 12)).astype('f4') for side in 'LR'}
    values['R'][:, 4] = 0
    labels = {'L': np.arange(12) % 3, 'R': np.arange(12) % 4}
    for side in 'LR':
        save_func_gii(tmp_path / f's_hemi-{side}_bold.func.gii', values[side], side=side)
        table = {0: '???', 1: 'x', 2: 'y', **({3: 'z'} if side == 'R' else {})}
        save_label_gii(tmp_path / f'a.{side}.label.gii', labels[side], table, side=side)
    series, atlas = tmp_path / 's_hemi-L_bold.func.gii', tmp_path / 'a.R.label.gii'
    out = extract(series, '--atlas', atlas, '--project', 'labels') / 'a'
    names, signals = read_signals(out / 'timeseries_raw.tsv')
    kept = values['R'].any(axis=0)
    expected = [values['L'][:, labels['L'] == i].mean(axis=1, dtype=float) for i in (1, 2)]
    expected += [values['R'][:, kept & (labels['R'] == i)].mean(axis=1, dtype=float) for i in (1, 2, 3)]
    assert names == ['L_x', 'L_y', 'R_x', 'R_y', 'R_z']
    assert_allclose(signals, np.stack(expected, axis=1), rtol=1e-12)
    regions = read_coverage(out / 'regions.tsv')
    assert regions.quality['hemisphere'].tolist() == ['L', 'L', 'R', 'R', 'R']
    assert regions.quality['index_file'].tolist() == [1, 2, 1, 2, 3]
    assert len(set(regions.index.tolist())) == len(names)
    values['R'] += 1
    save_func_gii(tmp_path / 's_hemi-R_bold.func.gii', values['R'], side='R')
    _, again = read_signals(extract(series, '--atlas', atlas, '--project', 'labels') / 'a' / 'timeseries_raw.tsv')
    assert_array_equal(again[:, :2], signals[:, :2])
    assert (again[:, 2] > signals[:, 2] + 0.9).all()


@pytest.mark.parametrize('form', ['labels', 'numbers'])
def test_a_mask_of_the_cortex_excludes_other_elements(tmp_path, extract, form):
    """A pair with a label table, or numbers alone as in fMRIPrep's desc-cortex_mask.label.gii; one volume is a map."""
    rng = np.random.default_rng(4)
    values = {side: rng.normal(100, 10, (1, 12)).astype('f4') for side in 'LR'}
    cortex = {'L': np.arange(12) > 3, 'R': np.arange(12) != 7}
    for side in 'LR':
        save_func_gii(tmp_path / f's_hemi-{side}_bold.func.gii', values[side], side=side)
        save_label_gii(tmp_path / f'a.{side}.label.gii', np.arange(12) % 2, {0: '???', 1: 'x'}, side=side)
        mask = tmp_path / f's_hemi-{side}_desc-cortex_mask.label.gii'
        if form == 'labels':
            save_label_gii(mask, cortex[side].astype(int), {0: '???', 1: 'cortex'}, side=side)
        else:
            save_func_gii(mask, cortex[side].astype('f4')[None], side=side)
    out = extract(tmp_path / 's_hemi-R_bold.func.gii', '--atlas', tmp_path / 'a.L.label.gii', '--mask', mask)
    _, signals = read_signals(out / 'a' / 'timeseries_raw.tsv')
    odd = np.arange(12) % 2 == 1
    assert_allclose(signals[0], [values[side][0, odd & cortex[side]].mean(dtype=float) for side in 'LR'], rtol=1e-12)
    assert read_coverage(out / 'a' / 'regions.tsv').n_voxels_mask.tolist() == [4, 5]


def test_memory_of_surfaces_is_estimated_from_their_elements(bold, atlas):
    series = open_any_series(bold)
    sizes = Sizes.of(series, read_own_grids([atlas]))
    assert (sizes.shape, sizes.itemsize, sizes.atlas_voxels, sizes.on_surfaces) == ((15, 1, 1, 6), 4, 15, True)
    larger = replace(sizes, shape=(91282, 1, 1, 6))
    assert all(estimate(larger)[name] > needed for name, needed in estimate(sizes).items())
    assert estimate(sizes)['reduce'] > estimate(replace(sizes, on_surfaces=False))['reduce']


def test_masks_of_several_values_or_maps_are_refused(bold, atlas, tmp_path, extract):
    mask = save_dscalar(tmp_path / 'mask.dscalar.nii', np.arange(15.0)[None])
    assert 'mask.dscalar.nii is not a mask' in extract(bold, '--atlas', atlas, '--mask', mask, code=2)
    for side in 'LR':
        mask = save_func_gii(tmp_path / f'mask.{side}.label.gii', np.ones((2, 12), 'f4'), side=side)
    assert 'it must have one number for each vertex' in extract(bold, '--atlas', atlas, '--mask', mask, code=2)


METHODS = {
    'mean': 'MEAN',
    'sum': 'SUM',
    'minimum': 'MIN',
    'maximum': 'MAX',
    'variance': 'VARIANCE',
    'standard_deviation': 'STDEV',
    'median': 'MEDIAN',
}


@pytest.mark.endurance
@pytest.mark.skipif(shutil.which('wb_command') is None, reason='Workbench is not installed')
@pytest.mark.parametrize(('find_atlas', 'n_regions'), [(glasser, 360), (schaefer, 400)])
def test_statistics_of_the_elements_of_fmriprep_are_those_of_workbench(tmp_path, find_atlas, n_regions):
    """Seven statistics, and their forms that weight vertices, of 91,282 elements."""
    axis = true_size_elements()
    rng = np.random.default_rng(0)
    bold = save_tseries(tmp_path / TSERIES, rng.normal(1e4, 2e3, (5, len(axis))).astype('f4'), axis)
    areas = rng.uniform(0.5, 3, (1, len(axis))).astype('f4')
    weights = save_dscalar(tmp_path / 'area.dscalar.nii', areas, axis)
    series = open_any_series(bold)
    atlas = read_atlas(find_atlas()).on(series.space)
    order = np.argsort(atlas.ids)
    assert len(order) == n_regions
    for strategy, method in METHODS.items():
        for weighted in (False, True)[: 1 if strategy in ('minimum', 'maximum') else 2]:
            out = tmp_path / f'{strategy}{weighted}.ptseries.nii'
            call = ['wb_command', '-cifti-parcellate', bold, find_atlas(), 'COLUMN', out, '-method', method]
            subprocess.run([*call, *(['-cifti-weights', weights] if weighted else [])], check=True, capture_output=True)
            reducer = RowReducer(atlas, strategy=strategy, areas=areas[0] if weighted else None)
            (reduction,), _ = reduce_rows(series.blocks, series.n_volumes, [reducer])
            assert_allclose(reduction.signals[:, order], nib.load(out).get_fdata(), rtol=1e-6)


def test_a_node_refuses_labels_on_other_elements(bold, tmp_path):
    axis = elements(LEFT[:3], RIGHT, [])
    atlas = save_dlabel(tmp_path / 'few.dlabel.nii', {'m': (LABELS[: len(axis)], TABLE)}, axis)
    node = ReduceLabels(in_file=bold, labels_files=[atlas])
    with pytest.raises(LabelsError, match='spaces differ'):
        node.run(cwd=str(tmp_path))
