# SPDX-License-Identifier: BSD-3-Clause
"""Time series and coverage as CIFTI parcels: the values of the tables, as nibabel and Workbench read them."""

import shutil
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from folders import tree
from named_cases import describe
from numpy.testing import assert_allclose, assert_array_equal
from surface_cases import (
    elements,
    glasser,
    noise,
    save_dlabel,
    save_func_gii,
    save_label_gii,
    save_tseries,
    true_size_elements,
)

from nipype_labels.files.coverage import read_coverage
from nipype_labels.files.surface_images import write_parcel_scalars, write_parcel_series
from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import WriteParcels
from nipype_labels.model.atlas import Atlas
from nipype_labels.model.errors import LabelsError
from nipype_labels.model.grayordinates import pair_space
from nipype_labels.workflows import init_labels_derivatives_wf
from nipype_labels.workflows.resources import Sizes, estimate_disk

SERIES = 'sub-01/func/sub-01_task-rest_space-fsLR_den-91k_bold.dtseries.nii'
STEM = 'sub-01/func/sub-01_task-rest_space-fsLR_atlas-A_den-91k_stat'
PARCELS = {f'{STEM}-{end}' for end in ('mean_timeseries.ptseries.nii', 'mean_desc-raw_timeseries.ptseries.nii')}
PARCELS |= {f'{STEM}-coverage_bold.pscalar.nii'}

#: Regions of the 15 elements of the small files; of region 9 there are none.
LABELS, TABLE = np.array([1, 1, 0, 1, 5, 5, 5, 5, 0, 1, 1, 0, 5, 5, 1]), {0: '???', 1: 'V1', 5: 'V2', 9: 'gone'}


def describe_dataset(folder):
    """Write the description of a dataset with a folder for series; return the latter."""
    (folder / 'sub-01' / 'func').mkdir(parents=True)
    describe(folder)
    return folder / 'sub-01' / 'func'


@pytest.fixture
def atlas(tmp_path):
    return save_dlabel(tmp_path / 'a.dlabel.nii', {'m': (LABELS, TABLE)})


@pytest.fixture
def derivatives(in_process, atlas, tmp_path, monkeypatch):
    """Run ``derivatives`` on a CIFTI series in this process; return the files of runs, bytes by path, and messages."""
    monkeypatch.chdir(tmp_path)
    describe_dataset(tmp_path / 'fmriprep')
    save_tseries(tmp_path / 'fmriprep' / SERIES, noise(9))

    def run(*options, out='out'):
        asked = ['derivatives', 'fmriprep', out, 'participant', '--atlas', f'A={atlas}', '--space', 'fsLR:den-91k']
        status, said, told = in_process(*asked, '--no-reports', *options)
        assert status == 0, told
        written = tree(tmp_path / out)
        return {name: written[name] for name in written if name.startswith('sub-')}, said + told

    return run


def check_parcels(image, names, values):
    """Compare the values of a file of parcels, shape (n, L), and its parcels with the regions of these names."""
    image, ids = nib.load(image), {name: key for key, name in TABLE.items()}
    assert_array_equal(image.get_fdata(dtype=np.float32), np.float32(values))
    parcels, axis = image.header.get_axis(1), elements()
    assert parcels.name.tolist() == names
    for name, voxels, vertices in parcels:
        chosen = ids[name] == LABELS
        assert_array_equal(voxels, axis.voxel[chosen & axis.volume_mask])
        for side in ('CIFTI_STRUCTURE_CORTEX_LEFT', 'CIFTI_STRUCTURE_CORTEX_RIGHT'):
            assert_array_equal(vertices.get(side, []), axis.vertex[chosen & (axis.name == side)])


def test_parcels_have_the_values_of_the_tables(derivatives, tmp_path):
    without, _ = derivatives('--detrend', out='without')
    files, _ = derivatives('--detrend', '--cifti-outputs')
    assert files.keys() - without.keys() == PARCELS
    names, folder = list(TABLE.values())[1:], tmp_path / 'out'
    for kind in ('mean_timeseries', 'mean_desc-raw_timeseries'):
        columns, signals = read_signals(folder / f'{STEM}-{kind}.tsv')
        assert (columns, np.isnan(signals).all(axis=0).tolist()) == (names, [False, False, True])
        image = folder / f'{STEM}-{kind}.ptseries.nii'
        check_parcels(image, names, signals)
        assert nib.load(image).header.get_axis(0).step == 0.72
    coverage = read_coverage(folder / f'{STEM}-coverage_bold.tsv').coverage
    assert np.isnan(coverage[2])
    check_parcels(folder / f'{STEM}-coverage_bold.pscalar.nii', names, coverage[None])


def test_a_region_without_a_column_has_no_parcel(derivatives, tmp_path):
    derivatives('--missing-labels', 'drop', '--cifti-outputs')
    series = nib.load(tmp_path / 'out' / f'{STEM}-mean_timeseries.ptseries.nii')
    assert series.header.get_axis(1).name.tolist() == ['V1', 'V2']
    coverage = nib.load(tmp_path / 'out' / f'{STEM}-coverage_bold.pscalar.nii')
    assert coverage.header.get_axis(1).name.tolist() == ['V1', 'V2', 'gone']


def test_parcels_that_are_requested_later_are_added_without_reading_the_series(derivatives, in_process, tmp_path):
    before, _ = derivatives()
    results = {path.parent.name: path for path in (tmp_path / 'out' / 'work').rglob('result_*.pklz')}
    times = {name: path.stat().st_mtime_ns for name, path in results.items()}
    _, said = derivatives('--cifti-outputs', '--dry-run')
    assert 'timeseries.ptseries.nii is new)' in said
    after, _ = derivatives('--cifti-outputs')
    assert after.keys() - before.keys() == PARCELS
    again = {name for name, path in results.items() if path.stat().st_mtime_ns != times[name]}
    assert not again & {'resample_labels', 'apply_mask', 'reduce', 'clean'}
    # Without the option, the run is complete and keeps the files; damaged ones are made again from the same bytes.
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('sub-*/func/*')}
    assert derivatives()[0] == derivatives('--cifti-outputs')[0] == after
    assert {path: path.stat().st_mtime_ns for path in times} == times
    (tmp_path / 'out' / sorted(PARCELS)[0]).write_bytes(b'')
    assert derivatives('--cifti-outputs')[0] == after
    assert in_process('verify', 'out')[1] == ''
    assert derivatives('--cifti-outputs', out='other')[0] == after


def test_parcels_of_other_time_series_are_removed_and_tables_keep_their_sidecars(derivatives, in_process):
    derivatives('--cifti-outputs')
    files, _ = derivatives('--detrend')
    assert not files.keys() & PARCELS
    assert f'{STEM}-coverage_bold.json' in files
    assert in_process('verify', 'out')[1] == ''


def test_parcels_of_another_coverage_are_removed(derivatives, tmp_path):
    """A vertex that the series does not have changes the coverage, and no time series."""
    axis, labels = elements(np.arange(12), np.arange(12), []), np.arange(24) % 3
    save_dlabel(tmp_path / 'a.dlabel.nii', {'m': (labels, {1: 'V1', 2: 'V2'})}, axis)
    before, _ = derivatives('--cifti-outputs')
    labels[2] = 1
    save_dlabel(tmp_path / 'a.dlabel.nii', {'m': (labels, {1: 'V1', 2: 'V2'})}, axis)
    files, _ = derivatives()
    name = f'{STEM}-mean_timeseries.ptseries.nii'
    assert files[name] == before[name]
    assert f'{STEM}-coverage_bold.pscalar.nii' not in files


def test_disk_space_of_parcels_is_estimated(tmp_path):
    space, signals = pair_space(32492, 32492), np.zeros((100, 360))
    atlas = Atlas(space, np.arange(space.size) % 361, np.arange(1, 361), [f'region {i}' for i in range(360)])
    write_parcel_series(tmp_path / 'x.ptseries.nii', atlas, signals, 0.72)
    write_parcel_scalars(tmp_path / 'x.pscalar.nii', atlas, signals[0], 'coverage')
    sizes = [(tmp_path / f'x.{kind}.nii').stat().st_size for kind in ('ptseries', 'pscalar')]
    of_run = Sizes((space.size, 1, 1, 100), on_surfaces=True)
    with_parcels, without = (estimate_disk(of_run, [360], {'cifti_outputs': choice}) for choice in (True, False))
    for needed, others in zip(with_parcels, without, strict=True):
        assert needed - others == pytest.approx(2 * sizes[0] + sizes[1], rel=0.3)


def test_fewer_digits_round_tables_alone(derivatives, tmp_path):
    derivatives('--cifti-outputs', '--digits', '4')
    _, signals = read_signals(tmp_path / 'out' / f'{STEM}-mean_timeseries.tsv')
    values = nib.load(tmp_path / 'out' / f'{STEM}-mean_timeseries.ptseries.nii').get_fdata()
    assert_allclose(values, signals, rtol=5e-4)
    assert (values[:, :2] != np.float32(signals[:, :2])).any()


@pytest.mark.parametrize('kind', ['volumes', 'pair'])
def test_parcels_of_series_that_are_not_cifti_are_refused_before_anything_runs(kind, in_process, tmp_path):
    func = describe_dataset(tmp_path / 'fmriprep')
    stem = f'{func}/sub-01_task-rest_'
    if kind == 'volumes':
        bold, atlas, space = f'{stem}space-MNI_desc-preproc_bold.nii.gz', tmp_path / 'a.nii.gz', 'MNI'
        nib.Nifti1Image(np.ones((3, 3, 3, 9), np.int16), np.eye(4)).to_filename(bold)
        nib.Nifti1Image(np.ones((3, 3, 3), np.int16), np.eye(4)).to_filename(atlas)
    else:
        for side in 'LR':
            bold = save_func_gii(f'{stem}hemi-{side}_space-fsaverage5_bold.func.gii', noise(9, 12), side=side)
            atlas = save_label_gii(tmp_path / f'a.{side}.label.gii', np.arange(12) % 3, TABLE, side=side)
        space = 'fsaverage5'
    calls = [['extract', bold, '-o', tmp_path / 'out']]
    calls += [['derivatives', tmp_path / 'fmriprep', tmp_path / 'out', 'participant', '--space', space]]
    for call in calls:
        status, _, said = in_process(*map(str, call), '--atlas', str(atlas), '--cifti-outputs')
        assert status == 2
        assert '--cifti-outputs given, but it only acts with CIFTI series (.dtseries.nii)' in said
        assert not (tmp_path / 'out').exists()
    with pytest.raises(LabelsError, match='cifti_outputs given, but it only acts with CIFTI series'):
        init_labels_derivatives_wf(
            out_dir='out',
            source=Path(bold).relative_to(tmp_path / 'fmriprep').as_posix(),
            atlas_labels=['A'],
            parameters={'cifti_outputs': True},
        )
    node = WriteParcels(bold_file=bold, **dict.fromkeys(['signals_files', 'raw_files', 'regions_files'], bold))
    with pytest.raises(LabelsError, match='cifti_outputs given, but it only acts with CIFTI series'):
        node.run(labels_files=str(atlas), cwd=str(tmp_path))


def test_extract_writes_the_values_of_the_tables_as_parcels(in_process, atlas, tmp_path):
    bold = save_tseries(tmp_path / 'x.dtseries.nii', noise(9))
    asked = ['extract', str(bold), '--atlas', str(atlas), '-o', str(tmp_path / 'out')]
    assert in_process(*asked, '--cifti-outputs')[0] == 0
    folder = tmp_path / 'out' / 'a'
    _, signals = read_signals(folder / 'timeseries_raw.tsv')
    parcels = [folder / name for name in ('timeseries.ptseries.nii', 'timeseries_raw.ptseries.nii')]
    assert_allclose(nib.load(parcels[1]).get_fdata()[:, :2], signals[:, :2], rtol=1e-7)
    coverage = folder / 'coverage.pscalar.nii'
    assert_array_equal(nib.load(coverage).get_fdata()[0, :2], [1, 1])
    # An output of other options would pass for one of these.
    assert in_process(*asked)[0] == 0
    assert not any(path.exists() for path in (*parcels, coverage))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which('wb_command') is None, reason='Workbench is not installed')
def test_workbench_computes_the_same_parcels(in_process, tmp_path):
    """91,282 elements and the 360 areas of Glasser, which all have vertices."""
    axis = true_size_elements()
    values = np.random.default_rng(0).normal(1e4, 2e3, (5, len(axis))).astype('f4')
    bold = save_tseries(tmp_path / 'x.dtseries.nii', values, axis)
    asked = ['extract', bold, '--atlas', glasser(), '-o', tmp_path / 'out', '--cifti-outputs']
    status, _, said = in_process(*map(str, asked))
    assert status == 0, said
    ours = {path.name: path for path in (tmp_path / 'out').glob('*/*.p*.nii')}
    for path in ours.values():
        done = subprocess.run(['wb_command', '-file-information', path], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, '')
    theirs = tmp_path / 'theirs.ptseries.nii'
    subprocess.run(['wb_command', '-cifti-parcellate', bold, glasser(), 'COLUMN', theirs], check=True)
    found, expected = (nib.load(path) for path in (ours['timeseries_raw.ptseries.nii'], theirs))
    axes = [image.header.get_axis(1) for image in (found, expected)]
    order = [axes[0].name.tolist().index(name) for name in axes[1].name]
    assert axes[0][np.array(order)] == axes[1]
    assert_allclose(found.get_fdata()[:, order], expected.get_fdata(), rtol=1e-6)
