# SPDX-License-Identifier: BSD-3-Clause
"""Memory: a long whole-brain series passes through in blocks, below what the factory tells the scheduler."""

import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from isal import igzip
from scipy import ndimage

from nipype_labels.files.series import open_series
from nipype_labels.interfaces import ApplyMask
from nipype_labels.workflows.resources import SeriesSize, estimate

SHAPE, N_VOLUMES, N_REGIONS = (99, 117, 95), 240, 400
AFFINE = np.array([[2.0, 0, 0, -98], [0, 2, 0, -134], [0, 0, 2, -72], [0, 0, 0, 1]])

#: A node in a process of its own, which tells the most memory that it ever held (that of the process before it, which
#: ``ru_maxrss`` would count, is not in there).
SCRIPT = """
import sys, json
import nipype_labels.interfaces as interfaces
name, inputs, folder = json.loads(sys.argv[1])
getattr(interfaces, name)(**inputs).run(cwd=folder)
print([line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0])
"""

pytestmark = pytest.mark.skipif(not Path('/proc/self/status').is_file(), reason='peak memory is read from /proc')


@pytest.fixture(scope='module')
def series(tmp_path_factory):
    """A smooth series of 240 volumes of 2 mm, half a gigabyte when decompressed."""
    rng = np.random.default_rng(30)
    volumes = [
        (1000 + 900 * ndimage.gaussian_filter(rng.normal(size=SHAPE).astype('float32'), 1.5)).astype('<i2')
        for _ in range(3)
    ]
    header = nibabel.Nifti1Header()
    header.set_data_shape((*SHAPE, N_VOLUMES))
    header.set_data_dtype('<i2')
    header.set_sform(AFFINE, 1)
    header.set_qform(AFFINE, 1)
    header.set_zooms((2, 2, 2, 0.8))
    header.set_xyzt_units('mm', 'sec')
    header['vox_offset'] = 352
    path = tmp_path_factory.mktemp('series') / 'bold.nii.gz'
    with igzip.open(path, 'wb', compresslevel=1) as stream:
        stream.write(header.binaryblock + bytes(4))
        for t in range(N_VOLUMES):
            stream.write((volumes[t % 3] + np.int16(t % 7)).tobytes(order='F'))
    return str(path)


@pytest.fixture(scope='module')
def placed(tmp_path_factory):
    """An atlas of 400 cells that fill the grid, as the nodes before would hand it on."""
    rng = np.random.default_rng(31)
    seeds = np.zeros(SHAPE, dtype=bool)
    seeds.reshape(-1)[rng.choice(seeds.size, N_REGIONS, replace=False)] = True
    nearest = ndimage.distance_transform_edt(~seeds, return_distances=False, return_indices=True)
    ids = np.zeros(SHAPE, dtype='int16')
    ids[seeds] = np.arange(1, N_REGIONS + 1)
    folder = tmp_path_factory.mktemp('atlas')
    nibabel.save(nibabel.Nifti1Image(ids[tuple(nearest)], AFFINE), folder / 'atlas.nii.gz')
    outputs = ApplyMask(labels_files=str(folder / 'atlas.nii.gz')).run(cwd=str(folder)).outputs
    return {'labels_files': outputs.out_files, 'regions_files': outputs.regions_files}


@pytest.fixture
def peak(tmp_path):
    """Peak memory of a node's process in MiB."""

    def measure(interface, **inputs):
        arguments = json.dumps([interface, inputs, str(tmp_path)])
        process = subprocess.run(
            [sys.executable, '-c', SCRIPT, arguments], capture_output=True, text=True, timeout=60, cwd=tmp_path
        )
        assert process.returncode == 0, process.stderr
        return int(process.stdout.split()[-1]) / 2**10

    return measure


@pytest.mark.timeout(90)
@pytest.mark.parametrize('num_threads', [1, 2])
def test_a_long_series_is_never_in_memory(num_threads, series, placed, peak):
    """The whole process stays below 250 MB, and below what the factory reckons, for half a gigabyte of voxels."""
    size = SeriesSize.of(open_series(series))
    most = peak('ReduceLabels', in_file=series, num_threads=num_threads, **placed)
    # A second thread fills a second buffer of 16 MiB.
    assert most * 2**20 < 250e6 + (num_threads - 1) * 2**24
    assert most <= 1024 * estimate(size, num_threads=num_threads)['reduce']
    assert estimate(size, num_threads=num_threads)['reduce'] < 0.5


@pytest.mark.timeout(90)
def test_several_atlases_stay_below_what_is_reckoned(series, placed, peak):
    """Two at once."""
    size = SeriesSize.of(open_series(series))
    twice = {key: files * 2 for key, files in placed.items()}
    assert peak('ReduceLabels', in_file=series, **twice) <= 1024 * estimate(size, n_atlases=2)['reduce']


@pytest.mark.timeout(90)
def test_confounds_of_high_variance_stay_below_what_is_reckoned(series, peak):
    """Their voxels alone are gathered."""
    size = SeriesSize.of(open_series(series))
    assert peak('HighVarianceConfounds', in_file=series) <= 1024 * estimate(size)['high_variance']


@pytest.mark.timeout(90)
def test_masking_stays_below_what_is_reckoned(series, placed, peak, tmp_path):
    """A label image and a mask."""
    size = SeriesSize.of(open_series(series))
    mask = tmp_path / 'mask.nii.gz'
    nibabel.save(nibabel.Nifti1Image(np.ones(SHAPE, dtype='uint8'), AFFINE), mask)
    most = peak('ApplyMask', labels_files=placed['labels_files'], mask_files=str(mask))
    assert most <= 1024 * estimate(size)['mask']


def test_reckoned_memory_grows_with_what_needs_it():
    """Volumes, atlases, threads, sampling and smoothing; never with the size of the file alone."""
    short, long = (SeriesSize((99, 117, 95, n), 2, 2**24) for n in (240, 1200))
    grown = estimate(long)['reduce'] - estimate(short)['reduce']
    # Signals grow, voxels do not: 960 more volumes are two gigabytes of them.
    assert 0 < grown < 0.1
    base = estimate(short)['reduce']
    for more in ({'n_atlases': 4}, {'num_threads': 2}, {'sampled': True}, {'smoothed': True}):
        assert estimate(short, **more)['reduce'] > base
