# SPDX-License-Identifier: BSD-3-Clause
"""Inverse transform of pairs of hemispheres: a GIFTI series for each, in which vertices have the values of regions."""

import json
import shutil
import subprocess
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from named_cases import describe
from numpy.testing import assert_array_equal
from surface_cases import elements, noise, save_dlabel, save_func_gii, save_label_gii, save_mgz, save_tseries

from nipype_labels import SurfaceLabelsMasker
from nipype_labels.files.spaces import open_any_series
from nipype_labels.files.tables import read_signals, write_signals
from nipype_labels.interfaces import ApplyMask, InverseProject
from nipype_labels.model.errors import LabelsError

#: Labels of 12 vertices on the left and 10 on the right, and names by id; of 3 there are no vertices.
LABELS = {'L': np.array([0, 1, 2, 2, 1, 0, 1, 2, 0, 1, 1, 2]), 'R': np.array([2, 2, 1, 0, 0, 1, 2, 1, 0, 1])}
TABLE = {0: '???', 1: 'x', 2: 'y', 3: 'gone'}
NAMES = ['L_x', 'L_y', 'L_gone', 'R_x', 'R_y', 'R_gone']
EVERY = elements(np.arange(12), np.arange(12), [])


@pytest.fixture
def pair(tmp_path):
    """Series of 7 volumes and labels of a pair, and a function that runs ``extract`` on them."""
    for side, labels in LABELS.items():
        values = noise(7, len(labels), ord(side))
        bold = save_func_gii(tmp_path / f's_hemi-{side}_bold.func.gii', values, time_step='720', side=side)
        mgz = save_mgz(tmp_path / f'{side.lower()}h.s.mgz', values, t_r=720)
        atlas = save_label_gii(tmp_path / f'a.{side}.label.gii', labels, TABLE, side=side)
    return SimpleNamespace(bold=bold, mgz=mgz, atlas=atlas, folder=tmp_path)


@pytest.fixture
def extract(in_process, tmp_path):
    """Run ``extract`` in this process; return the folder of the atlas, or the error."""

    def run(bold, atlas, *options, code=0):
        asked = ['extract', bold, '--atlas', atlas, '-o', tmp_path / 'out', *options]
        status, _, said = in_process(*map(str, asked))
        assert status == code, said
        return said if code else next((tmp_path / 'out').glob('*/timeseries.tsv')).parent

    return run


def loop(signals, names, side):
    """Return the value of each vertex of a hemisphere in each volume, shape (V, T), from the columns of a table."""
    expected = np.zeros((len(LABELS[side]), len(signals)), np.float32)
    for vertex, number in enumerate(LABELS[side]):
        if number:
            expected[vertex] = signals[:, names.index(f'{side}_{TABLE[number]}')]
    return expected


def read(folder):
    """Return the GIFTI images of both hemispheres in a folder, by side."""
    return {side: nib.load(folder / f'projected_hemi-{side}.func.gii') for side in 'LR'}


@pytest.mark.parametrize('target', ['labels', 'atlas'])
@pytest.mark.parametrize('kind', ['bold', 'mgz'])
def test_vertices_have_the_time_series_of_their_regions(kind, target, pair, extract):
    folder = extract(getattr(pair, kind), pair.atlas, '--detrend', '--project', target)
    names, signals = read_signals(folder / 'timeseries.tsv')
    assert names == NAMES
    for side, image in read(folder).items():
        assert_array_equal(image.agg_data(), loop(signals, names, side))
        assert image.meta['AnatomicalStructurePrimary'] == {'L': 'CortexLeft', 'R': 'CortexRight'}[side]
        assert image.darrays[0].meta['TimeStep'] == '720.0'
    again = open_any_series(folder / 'projected_hemi-R.func.gii')
    assert (again.n_volumes, again.t_r, again.space.size) == (7, 0.72, 22)
    assert not (folder / 'projected.dtseries.nii').exists()
    extract(pair.bold, pair.atlas, '--detrend')
    assert not list(folder.glob('projected*'))


def test_missing_values_are_nan_or_filled(pair, extract):
    options = ['--min-coverage', '0.99', '--project', 'labels']
    values = noise(7, 12, 1)
    values[:, 1] = 0  # a vertex without data
    save_func_gii(pair.folder / 's_hemi-L_bold.func.gii', values)
    folder = extract(pair.bold, pair.atlas, *options)
    names, signals = read_signals(folder / 'timeseries.tsv')
    assert np.isnan(signals).all(axis=0)[:2].tolist() == [True, False]
    assert_array_equal(read(folder)['L'].agg_data(), loop(signals, names, 'L'))
    filled = read(extract(pair.bold, pair.atlas, *options, '--fill-value', '-3'))['L']
    assert_array_equal(filled.agg_data(), loop(np.where(np.isnan(signals), -3, signals), names, 'L'))


@pytest.mark.skipif(shutil.which('wb_command') is None, reason='Workbench is not installed')
def test_workbench_reads_the_images(pair, extract):
    folder = extract(pair.bold, pair.atlas, '--project', 'labels')
    for side, image in read(folder).items():
        path = folder / f'projected_hemi-{side}.func.gii'
        done = subprocess.run(['wb_command', '-file-information', path], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, '')
        assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith('Structure')] == [
            {'L': 'CortexLeft', 'R': 'CortexRight'}[side]
        ]
        mean = pair.folder / 'mean.func.gii'
        subprocess.run(['wb_command', '-metric-reduce', path, 'MAX', mean], check=True)
        assert_array_equal(nib.load(mean).agg_data(), image.agg_data().max(axis=1))


def test_images_have_the_kind_of_the_series_whatever_the_atlas(pair, extract):
    """A dlabel of some vertices with a pair, and labels of a pair with a CIFTI series of all vertices."""
    save_func_gii(pair.folder / 's_hemi-R_bold.func.gii', noise(7, 12))
    axis = elements([1, 4, 7], [0, 2], [])
    few = save_dlabel(
        pair.folder / 'few.dlabel.nii', {'m': (np.array([1, 2, 1, 5, 5]), {1: 'p', 2: 'q', 5: 'r'})}, axis
    )
    folder = extract(pair.bold, few, '--project', 'atlas')
    names, signals = read_signals(folder / 'timeseries.tsv')
    assert names == ['p', 'q', 'r']
    expected = {side: np.zeros((12, 7), np.float32) for side in 'LR'}
    expected['L'][[1, 4, 7]], expected['R'][[0, 2]] = signals.T[[0, 1, 0]], signals.T[2]
    for side, image in read(folder).items():
        assert_array_equal(image.agg_data(), expected[side])
    shutil.rmtree(pair.folder / 'out')
    for side in 'LR':
        save_label_gii(pair.folder / f'a.{side}.label.gii', LABELS['L'], TABLE, side=side)
    series = save_tseries(pair.folder / 's.dtseries.nii', noise(7, 24), EVERY)
    for target in ('labels', 'atlas'):
        folder = extract(series, pair.atlas, '--project', target)
        assert nib.load(folder / 'projected.dtseries.nii').header.get_axis(1) == EVERY
        assert not list(folder.glob('*.gii'))


def test_a_series_of_one_volume_is_mapped_back_to_a_series(pair, extract):
    labels = save_dlabel(pair.folder / 'a.dlabel.nii', {'m': (np.arange(24) % 3, TABLE)}, EVERY)
    series = save_tseries(pair.folder / 's.dtseries.nii', noise(1, 24), EVERY)
    image = nib.load(extract(series, labels, '--project', 'labels') / 'projected.dtseries.nii')
    assert image.header.get_axis(0).step == 0.72
    shutil.rmtree(pair.folder / 'out')
    for side in 'LR':
        save_func_gii(pair.folder / f's_hemi-{side}_bold.func.gii', noise(1, len(LABELS[side])), side=side)
    (array,) = read(extract(pair.bold, pair.atlas, '--project', 'labels'))['L'].darrays
    assert array.intent == nib.nifti1.intent_codes['NIFTI_INTENT_TIME_SERIES']


def test_voxels_of_an_atlas_are_refused_for_pairs(pair, extract):
    save_func_gii(pair.folder / 's_hemi-R_bold.func.gii', noise(7, 12))
    atlas = save_dlabel(pair.folder / 'a.dlabel.nii', {'m': (np.arange(15) % 3, {1: 'p', 2: 'q'})})
    said = extract(pair.bold, atlas, '--project', 'atlas', code=2)
    assert 'CORTEX_LEFT, CORTEX_RIGHT, BRAIN_STEM, THALAMUS_LEFT' in said
    assert 'Set --project labels' in said
    assert 'projected_hemi-R.func.gii' in {
        path.name for path in extract(pair.bold, atlas, '--project', 'labels').iterdir()
    }


def test_derivatives_have_a_file_for_each_hemisphere(pair, derivatives, in_process, tmp_path):
    func = tmp_path / 'fmriprep' / 'sub-01' / 'func'
    func.mkdir(parents=True)
    describe(tmp_path / 'fmriprep')
    for side in 'LR':
        name = f'sub-01_task-rest_hemi-{side}_space-fsaverage5_bold.func.gii'
        shutil.copy(pair.folder / f's_hemi-{side}_bold.func.gii', func / name)
    asked = ['--space', 'fsaverage5', '--atlas', f'A={pair.atlas}', '--project', 'labels', '--no-reports']
    status, said = derivatives(*asked)
    assert status == 0, said
    written, stem = tmp_path / 'out' / 'sub-01' / 'func', 'sub-01_task-rest'
    _, signals = read_signals(written / f'{stem}_space-fsaverage5_atlas-A_stat-mean_timeseries.tsv')
    for side in 'LR':
        name = f'{stem}_hemi-{side}_space-fsaverage5_atlas-A_stat-mean_desc-projected_bold'
        assert_array_equal(nib.load(written / f'{name}.func.gii').agg_data(), loop(signals, NAMES, side))
        sidecar = json.loads((written / f'{name}.json').read_text(encoding='utf-8'))
        assert sidecar['RepetitionTime'] == 0.72
    assert sorted(path.name for path in written.glob('*projected*')) == sorted(
        f'{stem}_hemi-{side}_space-fsaverage5_atlas-A_stat-mean_desc-projected_bold.{end}'
        for side in 'LR'
        for end in ('func.gii', 'json')
    )
    before = {path: path.stat().st_mtime_ns for path in written.iterdir()}
    assert derivatives(*asked)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in written.iterdir()} == before
    # Another atlas has a pass and images of its own; a damaged image is made again from the same bytes.
    image = written / f'{stem}_hemi-R_space-fsaverage5_atlas-A_stat-mean_desc-projected_bold.func.gii'
    content = image.read_bytes()
    image.write_bytes(b'')
    shutil.copy(tmp_path / 'a.L.label.gii', tmp_path / 'b.L.label.gii')
    shutil.copy(tmp_path / 'a.R.label.gii', tmp_path / 'b.R.label.gii')
    assert derivatives(*asked, '--atlas', f'B={tmp_path}/b.L.label.gii')[0] == 0
    assert image.read_bytes() == content
    assert image.with_name(image.name.replace('atlas-A', 'atlas-B')).read_bytes() == content
    assert in_process('verify', 'out')[1] == ''


@pytest.mark.filterwarnings('ignore:.*regions without a signal')
def test_the_masker_maps_values_back_to_both_hemispheres(pair):
    masker = SurfaceLabelsMasker(pair.atlas, missing_labels='zero')
    signals = masker.fit_transform(pair.bold)
    images = masker.inverse_transform(signals)
    for side, image in zip('LR', images, strict=True):
        assert_array_equal(image.agg_data(), loop(signals, NAMES, side))
        assert image.darrays[0].meta['TimeStep'] == '720.0'
    values = pd.Series(np.arange(6.0), NAMES[::-1])
    for side, image in zip('LR', masker.inverse_transform(values), strict=True):
        assert_array_equal(image.agg_data(), loop(values.to_numpy()[None], NAMES[::-1], side)[:, 0])


@pytest.mark.filterwarnings('ignore:.*regions without a signal')
def test_a_series_of_the_same_vertices_in_cifti_is_mapped_back_to_cifti(pair):
    for side in 'LR':
        save_func_gii(pair.folder / f's_hemi-{side}_bold.func.gii', noise(7, 12))
        save_label_gii(pair.folder / f'a.{side}.label.gii', LABELS['L'], TABLE, side=side)
    masker = SurfaceLabelsMasker(pair.atlas, missing_labels='zero')
    of_pair = masker.fit_transform(pair.bold)
    of_cifti = masker.transform(save_tseries(pair.folder / 's.dtseries.nii', noise(7, 24), EVERY))
    assert masker.inverse_transform(of_cifti).header.get_axis(1) == EVERY
    assert len(masker.inverse_transform(of_pair)) == 2


def test_the_node_maps_to_the_kind_of_labels_without_a_series(pair, tmp_path):
    regions = ApplyMask(labels_files=[pair.atlas]).run(cwd=str(tmp_path)).outputs.regions_files
    write_signals(tmp_path / 'map.tsv', NAMES, np.arange(6.0)[None])
    files = {'signals_files': [tmp_path / 'map.tsv'], 'labels_files': [pair.atlas], 'regions_files': regions}
    outputs = InverseProject(**files).run(cwd=str(tmp_path)).outputs
    for side, (path,) in (('L', outputs.out_files), ('R', outputs.right_files)):
        (array,) = nib.load(path).darrays
        assert_array_equal(array.data, loop(np.arange(6.0)[None], NAMES, side)[:, 0])
        assert array.intent == nib.nifti1.intent_codes['NIFTI_INTENT_NONE']
    with pytest.raises(LabelsError, match='out_dtype must be float32 for pairs of hemispheres'):
        InverseProject(**files, out_dtype='float64').run(cwd=str(tmp_path))
    labels = ApplyMask(labels_files=[pair.atlas]).run(cwd=str(tmp_path)).outputs.out_files[0]
    both = {
        'labels_files': [pair.atlas, labels],
        **{name: 2 * files[name] for name in ('signals_files', 'regions_files')},
    }
    with pytest.raises(LabelsError, match='Run a node for each, or set bold_file'):
        InverseProject(**both).run(cwd=str(tmp_path))
    outputs = InverseProject(**both, bold_file=pair.bold).run(cwd=str(tmp_path)).outputs
    contents = [nib.load(path).agg_data() for path in outputs.right_files]
    assert_array_equal(*contents)
    write_signals(tmp_path / 'map.tsv', NAMES, np.full((1, 6), 1e60))
    with pytest.raises(LabelsError, match=r'map\.tsv: a region has a value that float32 cannot hold: 1e\+60'):
        InverseProject(**files).run(cwd=str(tmp_path))
