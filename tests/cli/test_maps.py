# SPDX-License-Identifier: BSD-3-Clause
"""Probabilistic maps and seeds from the command: one call, the outputs of labels, and no further kinds of files."""

import json
import shutil
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.testing import assert_allclose
from real_files import package_file

from nipype_labels.files.coverage import read_coverage
from nipype_labels.files.tables import read_signals


@pytest.fixture
def atlases(tmp_path):
    """Write maps with a table, and seeds of which the last one is outside the series; return both paths."""
    rng = np.random.default_rng(90)
    maps, seeds = tmp_path / 'networks.nii.gz', tmp_path / 'seeds.tsv'
    affine = np.diag([4.0, 4, 4, 1])
    nibabel.save(nibabel.Nifti1Image(rng.uniform(0, 1, (6, 6, 6, 3)).astype('float32'), affine), maps)
    # Numbered from 0, as FSL numbers maps.
    (tmp_path / 'networks.csv').write_text('index,name\n0,visual\n1,motor\n2,limbic\n', encoding='utf-8')
    seeds.write_text('name\tx\ty\tz\tradius\nV1\t8\t8\t8\tn/a\nM1\t12\t8\t8\t5\nfar\t99\t0\t0\tn/a\n', encoding='utf-8')
    return maps, seeds


def test_labels_maps_and_seeds_are_extracted_in_one_call(small, atlases, command):
    maps, seeds = atlases
    asked = ['extract', small.bold, '--atlas', small.atlas, '--lut', small.lut, '--atlas', maps, '--seeds', seeds]
    asked += ['--radius', '6', '--strategy', 'least_squares', '--project', 'labels', '--reports', '-o', small.out]
    done = command(*asked)
    assert done.returncode == 0, done.stderr
    assert '1 of 3 of seeds (outside_field_of_view: far)' in done.stderr
    assert (small.out / 'report.html').is_file()
    bold = nibabel.load(small.bold).get_fdata()
    names, signals = read_signals(small.out / 'networks' / 'timeseries_raw.tsv')
    assert names == ['visual', 'motor', 'limbic']
    weights = nibabel.load(maps).get_fdata().reshape(-1, 3)
    assert_allclose(signals, np.linalg.lstsq(weights, bold.reshape(-1, 30), rcond=None)[0].T, rtol=1e-9)
    regions = read_coverage(small.out / 'networks' / 'regions.tsv')
    assert regions.index.tolist() == [1, 2, 3]
    names, signals = read_signals(small.out / 'seeds' / 'timeseries_raw.tsv')
    assert names == ['V1', 'M1', 'far']
    centers = 4.0 * np.moveaxis(np.indices((6, 6, 6)), 0, -1)
    for column, (seed, radius) in enumerate([((8, 8, 8), 6), ((12, 8, 8), 5)]):
        within = np.linalg.norm(centers - seed, axis=-1) <= radius
        assert_allclose(signals[:, column], bold[within].mean(axis=0), rtol=1e-12)
    likeliest = nibabel.load(small.out / 'networks' / 'labels.nii.gz').get_fdata()
    assert_allclose(likeliest.ravel(), 1 + weights.argmax(axis=1))


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (['--atlas', 'ATLAS', '--radius', '5'], '--radius given, but it only acts with --seeds'),
        (['--seeds', 'SEEDS', '--radius', '5', '--lut', 'LUT'], 'seeds.tsv has the names of its seeds'),
        (['--atlas', 'ATLAS', '--no-allow-overlap'], '--no-allow-overlap given, but it only acts with'),
    ],
)
def test_problems_are_reported_before_anything_runs(options, said, small, atlases, command):
    paths = {'SEEDS': atlases[1], 'ATLAS': small.atlas, 'LUT': small.lut}
    done = command('extract', small.bold, *(paths.get(option, option) for option in options), '-o', small.out)
    assert done.returncode == 2
    assert said in done.stderr
    assert not small.out.exists()


def test_maps_of_templateflow_are_found_by_name_with_their_table(small, tmp_path, command):
    space, rng = 'MNI152NLin2009cAsym', np.random.default_rng(92)
    folder, bold = tmp_path / 'atlases', tmp_path / f'sub-01_task-rest_space-{space}_desc-preproc_bold.nii.gz'
    folder.mkdir()
    shutil.copy(small.bold, bold)
    table = f'tpl-{space}/tpl-{space}_atlas-DiFuMo_desc-64dimensions_probseg.tsv'
    with zipfile.ZipFile(package_file('templateflow', 'conf', 'templateflow-skel.zip')) as skeleton:
        (folder / Path(table).name).write_bytes(skeleton.read(table))
    maps = nibabel.Nifti1Image(rng.uniform(0, 1, (6, 6, 6, 64)).astype('float32'), np.diag([4.0, 4, 4, 1]))
    nibabel.save(maps, folder / f'tpl-{space}_res-02_atlas-DiFuMo_desc-64dimensions_probseg.nii.gz')
    asked = ['--atlas', 'DiFuMo:64dimensions', '--datasets', f'own={folder}', '--strategy', 'least_squares']
    done = command('extract', bold, *asked, '-o', small.out)
    assert done.returncode == 0, done.stderr
    (path,) = small.out.glob('*/timeseries_raw.tsv')
    names, signals = read_signals(path)
    assert names[:2] == ['Superior frontal sulcus', 'Fusiform gyrus']
    values = nibabel.load(bold).get_fdata().reshape(-1, 30)
    assert_allclose(signals, np.linalg.lstsq(maps.get_fdata().reshape(-1, 64), values, rcond=None)[0].T, rtol=1e-8)


def test_collinear_and_overlapping_maps_are_named(small, atlases, command):
    maps, _ = atlases
    image = nibabel.load(maps)
    values = image.get_fdata()
    values[..., 2] = values[..., 0] + 2 * values[..., 1]
    nibabel.save(nibabel.Nifti1Image(values, image.affine), maps)
    asked = ['extract', small.bold, '--atlas', maps, '--strategy', 'least_squares', '-o', small.out]
    done = command(*asked, '--no-allow-overlap')
    assert done.returncode == 2
    assert f'{maps}: maps overlap (--no-allow-overlap): visual and motor, visual and limbic' in done.stderr
    for _ in range(2):  # also if nothing runs again
        done = command(*asked)
        assert done.returncode == 0
        assert 'WARNING: networks: maps that are linear combinations of others: visual, motor, limbic' in done.stderr
    assert read_coverage(small.out / 'networks' / 'regions.tsv').status.tolist() == ['collinear'] * 3


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_dataset_has_derivatives_of_maps_and_seeds(data, command):
    mask = nibabel.load(next((data / 'fmriprep').rglob('*_desc-brain_mask.nii.gz')))
    rng = np.random.default_rng(91)
    nibabel.save(nibabel.Nifti1Image(rng.uniform(0, 1, (*mask.shape, 3)), mask.affine), data / 'networks.nii.gz')
    center = mask.affine @ (*(np.array(mask.shape) / 2), 1)
    (data / 'seeds.csv').write_text('x,y,z,name\n{},{},{},center\n'.format(*center[:3]), encoding='utf-8')
    asked = ['derivatives', data / 'fmriprep', data / 'out', 'participant', '--participant-label', '01', '--run', '1']
    asked += [f'--atlas=Networks={data}/networks.nii.gz', f'--seeds=Seeds={data}/seeds.csv', '--radius', '8']
    asked += ['--strategy', 'weighted_mean']
    done = command(*asked)
    assert done.returncode == 0, done.stderr
    folder = data / 'out' / 'sub-01' / 'func'
    (table,) = folder.glob('*_atlas-Networks_*_stat-*_desc-raw_timeseries.tsv')
    assert 'stat-weightedmean' in table.name
    about = json.loads(table.with_suffix('.json').read_text(encoding='utf-8'))
    assert about['Parameters']['strategy'] == 'weighted_mean'
    assert 'the weighted mean of the BOLD signal' in about['Methods']
    (table,) = folder.glob('*_atlas-Seeds_*_stat-*_desc-raw_timeseries.tsv')
    assert read_signals(table)[0] == ['center']
    (coverage,) = folder.glob('*_atlas-Seeds_*_stat-coverage_bold.json')
    assert 'n_shared' in json.loads(coverage.read_text(encoding='utf-8'))
    assert command(*asked).returncode == 0
    assert command('derivatives', data / 'fmriprep', data / 'out', 'group').returncode == 0
    assert command('verify', data / 'out').returncode == 0
