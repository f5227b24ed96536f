# SPDX-License-Identifier: BSD-3-Clause
"""Memory: series are read in blocks, and nodes need less memory than the factory reports to the scheduler."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from isal import igzip

from nipype_labels.files.grids import read_grid
from nipype_labels.files.series import BLOCK_BYTES, open_series
from nipype_labels.files.weights import count_weights
from nipype_labels.interfaces import ApplyMask
from nipype_labels.workflows.resources import ARROW, Sizes, estimate

#: A node in a process of its own, which reports its outputs and the most memory that it ever held (without that of the
#: process before it, which ``ru_maxrss`` would count).
SCRIPT = """
import sys, json
import nipype_labels.interfaces as interfaces
name, inputs, folder = json.loads(sys.argv[1])
outputs = getattr(interfaces, name)(**inputs).run(cwd=folder).outputs.get_traitsfree()
peak = [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0]
print(json.dumps([int(peak), outputs]))
"""

pytestmark = [
    pytest.mark.skipif(not Path('/proc/self/status').is_file(), reason='peak memory is read from /proc'),
    pytest.mark.slow,
]


def write_series(path, shape, n_volumes, dtype, size):
    """Write noise of two alternating volumes, compressed little, since only memory is measured."""
    rng = np.random.default_rng(30)
    volumes = [(1000 + 90 * rng.normal(size=shape)).astype(dtype) for _ in range(2)]
    header = nibabel.Nifti1Header()
    header.set_data_shape((*shape, n_volumes))
    header.set_data_dtype(dtype)
    header.set_sform(np.diag([size, size, size, 1]), 1)
    header.set_zooms((size, size, size, 0.8))
    header.set_xyzt_units('mm', 'sec')
    header['vox_offset'] = 352
    with igzip.open(path, 'wb', compresslevel=0) as stream:
        stream.write(header.binaryblock + bytes(4))
        for t in range(n_volumes):
            stream.write((volumes[t % 2] + volumes[0].dtype.type(t % 7)).tobytes(order='F'))
    return str(path)


def write_atlas(folder, shape, size, n_regions, oblique=False):
    """Write the cells of a head that fills a third of the grid; return outputs of ApplyMask."""
    where = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing='ij'))
    per_axis = math.ceil(n_regions ** (1 / 3))
    i, j, k = ((where + 1) / 2.001 * per_axis).astype(int)
    labels = np.where((where**2).sum(axis=0) < 0.72, ((i * per_axis + j) * per_axis + k) % n_regions + 1, 0)
    affine = np.diag([size, size, size, 1.0])
    if oblique:
        affine[:2, :2] = size * np.array([[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]])
    nibabel.save(nibabel.Nifti1Image(labels.astype('int16'), affine), folder / 'atlas.nii.gz')
    outputs = ApplyMask(labels_files=str(folder / 'atlas.nii.gz')).run(cwd=str(folder)).outputs
    return {'labels_files': outputs.out_files, 'regions_files': outputs.regions_files}


@pytest.fixture
def peak(tmp_path):
    """Peak memory of a node's process in MiB; its outputs are added to ``made``."""

    def measure(interface, made, **inputs):
        arguments = json.dumps([interface, inputs, str(tmp_path)])
        process = subprocess.run(
            [sys.executable, '-c', SCRIPT, arguments], capture_output=True, text=True, timeout=100, cwd=tmp_path
        )
        assert process.returncode == 0, process.stderr
        kilobytes, outputs = json.loads(process.stdout.splitlines()[-1])
        made[interface] = outputs
        return kilobytes / 2**10

    return measure


GRIDS = {'9 mm': ((20, 24, 20), 9.0), '3 mm': ((66, 78, 64), 3.0), '2 mm': ((99, 117, 95), 2.0)}
GRIDS['1 mm'] = ((193, 229, 193), 1.0)


@pytest.mark.timeout(200)
@pytest.mark.endurance
@pytest.mark.parametrize(
    ('at', 'n_volumes', 'dtype', 'n_regions', 'n_atlases', 'num_threads'),
    [
        ('9 mm', 20, 'int16', 10, 1, 1),
        ('9 mm', 1200, 'int16', 400, 1, 1),
        ('3 mm', 240, 'int16', 400, 1, 2),
        ('2 mm', 120, 'int16', 400, 1, 1),
        ('2 mm', 60, 'float32', 5000, 1, 2),
        ('2 mm', 60, 'float64', 400, 5, 2),
        ('2 mm', 480, 'int16', 1000, 1, 2),
        ('1 mm', 4, 'int16', 400, 1, 2),
    ],
)
def test_memory_of_nodes_is_between_half_and_all_of_the_estimate(
    at, n_volumes, dtype, n_regions, n_atlases, num_threads, peak, tmp_path
):
    series = write_series(tmp_path / 'bold.nii.gz', GRIDS[at][0], n_volumes, dtype, GRIDS[at][1])
    placed = {key: files * n_atlases for key, files in write_atlas(tmp_path, *GRIDS[at], n_regions).items()}
    sizes = replace(
        Sizes.of(open_series(series), [read_grid(path) for path in placed['labels_files']]), n_regions=n_regions
    )
    estimated = {name: 1024 * gb for name, gb in estimate(sizes, num_threads).items()}
    made = {}
    found = {'reduce': peak('ReduceLabels', made, in_file=series, num_threads=num_threads, **placed)}
    mask = str(tmp_path / 'mask.nii.gz')
    nibabel.save(nibabel.Nifti1Image(np.ones(GRIDS[at][0], dtype='uint8'), nibabel.load(series).affine), mask)
    found['mask'] = peak('ApplyMask', made, labels_files=placed['labels_files'], mask_files=mask)
    reference = str(tmp_path / 'shifted.nii.gz')
    shifted = nibabel.load(series).affine + 0.3 * np.eye(4, k=3)
    nibabel.save(nibabel.Nifti1Image(np.zeros(GRIDS[at][0], dtype='uint8'), shifted), reference)
    found['resample'] = peak('Resample', made, in_files=placed['labels_files'][:1], reference_files=[reference])
    found['high_variance'] = peak('HighVarianceConfounds', made, in_file=series, num_threads=num_threads)
    signals = made['ReduceLabels']['out_files']
    cleaning = {} if n_volumes < 40 else {'detrend': True, 'low_pass': 0.1, 't_r': 0.8}
    found['clean'] = peak('CleanSignal', made, signals_files=signals, standardize='zscore_sample', **cleaning)
    found['project'] = peak('InverseProject', made, signals_files=signals, **placed)
    placed['regions_files'] = made['ReduceLabels']['regions_files']
    files = {
        'mean_file': made['ReduceLabels']['mean_file'],
        'cleaned_files': made['CleanSignal']['out_files'],
        'censoring_file': made['CleanSignal']['censoring_file'],
        'cleaning_file': made['CleanSignal']['cleaning_file'],
    }
    found['report'] = peak('LabelsReport', made, signals_files=signals, **files, **placed)
    assert {name: (mib, estimated[name]) for name, mib in found.items() if not mib <= estimated[name] <= 2 * mib} == {}


def write_maps(path, shape, size, n_maps):
    """Gaussians in a head that fills a third of the grid, of which about ten overlap at each voxel."""
    rng = np.random.default_rng(31)
    lines = [np.linspace(-1, 1, n, dtype=np.float32) for n in shape]
    within = sum(np.square(line) for line in np.ix_(*lines)) < 0.72
    reach = 1.5 * (4 * within.mean() * 2 / n_maps) ** (1 / 3)
    volumes = []
    for middle in rng.uniform(-0.6, 0.6, (n_maps, 3)):
        squares = sum(np.square(line - at) for line, at in zip(np.ix_(*lines), middle, strict=True)) / reach**2
        volumes.append(np.where(within & (squares < 1), np.exp(-4 * squares), 0).astype('float32'))
    nibabel.save(nibabel.Nifti1Image(np.stack(volumes, axis=-1), np.diag([size, size, size, 1.0])), path)
    return str(path)


@pytest.mark.timeout(200)
@pytest.mark.endurance
def test_memory_of_maps_is_within_the_estimate(peak, tmp_path):
    shape, made = GRIDS['2 mm'][0], {}
    series = write_series(tmp_path / 'bold.nii.gz', shape, 20, 'int16', 2.0)
    maps = write_maps(tmp_path / 'maps.nii.gz', shape, 2.0, 64)
    sizes = replace(
        Sizes.of(open_series(series), [read_grid(maps, whole=True)], 1, count_weights([maps])), n_regions=64
    )
    shifted = str(tmp_path / 'shifted.nii.gz')
    affine = nibabel.load(series).affine + 0.3 * np.eye(4, k=3)
    nibabel.save(nibabel.Nifti1Image(np.ones(shape, dtype='uint8'), affine), shifted)
    found = {'resample': peak('Resample', made, in_files=[maps], reference_files=[shifted], maps=True)}
    # Of the maps on both grids; those on the grid of the series are read once.
    found['mask'] = peak('ApplyMask', made, labels_files=made['Resample']['out_files'], atlas_files=[maps])
    peak('ApplyMask', made, labels_files=[maps])
    placed = {'labels_files': made['ApplyMask']['out_files'], 'regions_files': made['ApplyMask']['regions_files']}
    options = {'strategy': 'least_squares', 'num_threads': 2}
    found['reduce'] = peak('ReduceLabels', made, in_file=series, **options, **placed)
    found['project'] = peak('InverseProject', made, signals_files=made['ReduceLabels']['out_files'], **placed)
    estimated = {name: 1024 * gb for name, gb in estimate(sizes, 2).items()}
    assert {name: (mib, estimated[name]) for name, mib in found.items() if not mib <= estimated[name] <= 2 * mib} == {}


@pytest.mark.timeout(200)
@pytest.mark.endurance
@pytest.mark.parametrize(
    ('at', 'oblique', 'num_threads', 'options'),
    [
        ('3 mm', False, 1, {'resampling_target': 'labels'}),
        ('3 mm', False, 2, {'resampling_target': 'labels'}),
        ('3 mm', True, 2, {'resampling_target': 'labels'}),
        ('1 mm', False, 2, {'resampling_target': 'labels'}),
        ('3 mm', False, 2, {'resampling_target': 'labels', 'smoothing_fwhm': 6.0}),
        ('2 mm', False, 1, {'smoothing_fwhm': 6.0}),
        ('2 mm', False, 2, {'smoothing_fwhm': 6.0, 'strategy': 'median'}),
        ('2 mm', False, 2, {'strategy': 'median'}),
    ],
)
def test_memory_of_sampling_and_smoothing_is_within_the_estimate(at, oblique, num_threads, options, peak, tmp_path):
    series = write_series(tmp_path / 'bold.nii.gz', GRIDS['2 mm'][0], 20, 'int16', 2.0)
    placed = write_atlas(tmp_path, *GRIDS[at], 400, oblique)
    sizes = Sizes.of(open_series(series), [read_grid(placed['labels_files'][0])])
    assert sizes.oblique == oblique
    sampled, smoothed = 'resampling_target' in options, 'smoothing_fwhm' in options
    estimated = 1024 * estimate(sizes, num_threads, sampled, smoothed)['reduce']
    found = peak('ReduceLabels', {}, in_file=series, num_threads=num_threads, **options, **placed)
    assert found <= estimated <= 2 * found


@pytest.mark.timeout(90)
@pytest.mark.endurance
@pytest.mark.parametrize('num_threads', [1, 2])
def test_a_long_series_is_never_in_memory(num_threads, peak, tmp_path):
    # 264 MB, which the process could not hold next to its libraries.
    series = write_series(tmp_path / 'bold.nii.gz', GRIDS['2 mm'][0], 120, 'int16', 2.0)
    placed = write_atlas(tmp_path, *GRIDS['2 mm'], 400)
    labels = nibabel.load(placed['labels_files'][0])
    everywhere = np.where(labels.get_fdata() == 0, 1, labels.get_fdata()).astype('int16')
    nibabel.save(nibabel.Nifti1Image(everywhere, labels.affine), placed['labels_files'][0])
    most = peak('ReduceLabels', {}, in_file=series, num_threads=num_threads, **placed)
    # A second thread fills a second buffer.
    assert most * 2**20 < 250e6 + ARROW + (num_threads - 1) * BLOCK_BYTES


def test_estimated_memory_grows_with_series_and_atlases():
    short, long = (Sizes((99, 117, 95, n), 2, n_atlases=1) for n in (240, 1200))
    grown = estimate(long)['reduce'] - estimate(short)['reduce']
    # Signals grow, voxels do not: 960 more volumes are two gigabytes of them.
    assert 0 < grown < 0.1
    base = estimate(short)['reduce']
    for more in ({'num_threads': 2}, {'sampled': True}, {'smoothed': True}):
        assert estimate(short, **more)['reduce'] > base
    assert estimate(replace(short, n_atlases=4))['reduce'] > base
    of_maps = estimate(replace(short, n_weights=10**7))
    assert all(of_maps[name] > estimate(short)[name] for name in ('resample', 'mask', 'reduce', 'project'))
