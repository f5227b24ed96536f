# SPDX-License-Identifier: BSD-3-Clause
"""Outputs of the factory: on every grid, with the names of the table, independent of censored volumes."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from coverage_frames import read_regions
from graph_cases import basic

from nipype_labels.files.tables import read_signals

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(('target', 'masked'), [('data', True), ('labels', True), (None, True), ('labels', False)])
def test_every_target_grid_works_with_and_without_a_mask(target, masked, small, image, run):
    inputs = basic(small)
    if target is None:
        labels = np.kron(np.array([1, 2, 4]).reshape(3, 1, 1), np.ones((2, 6, 6))).astype('int16')
        inputs['atlas_files'] = [image('same.nii.gz', labels, small.affine)]
    if masked:
        mask = np.ones((6, 6, 6), dtype='uint8')
        mask[4:, 4:] = 0
        same = image('same_mask.nii.gz', mask, small.affine)
        inputs['bold_mask'] = same if target is None else small.bold_mask
    result = run(inputs, use_mask=masked, resampling_target=target, high_variance_confounds=True, project='labels')
    regions = read_regions(result.outputs.regions[0])
    assert set(regions['status']) == {'ok'}
    assert (regions['n_voxels_mask'] < regions['n_voxels_grid']).any() == masked
    grids = {nibabel.load(path).shape[:3] for path in (*result.outputs.labels, *result.outputs.projected)}
    assert grids == {(12, 12, 12) if target == 'labels' else (6, 6, 6)}
    assert nibabel.load(result.outputs.mean_volume).shape == (6, 6, 6)
    assert len(read_signals(result.outputs.high_variance_confounds)[1]) == 40


def test_without_a_target_grids_must_agree(small, run):
    with pytest.raises(RuntimeError, match=r'grids differ: .* and .*bold\.nii\.gz'):
        run(basic(small), resampling_target=None)


@pytest.mark.parametrize(
    'settings',
    [{}, {'use_mask': True, 'high_variance_confounds': True, 'project': 'atlas'}, {'resampling_target': 'labels'}],
)
def test_the_number_of_nodes_does_not_depend_on_the_number_of_atlases(settings, small, run):
    mask = {'bold_mask': small.bold_mask} if 'use_mask' in settings else {}
    one = run({**basic(small), **mask}, 'one', **settings)
    two = run({**basic(small, 2), **mask}, 'two', **settings)
    assert one.nodes == two.nodes
    assert len(one.nodes) <= 8
    for field in ('raw_timeseries', 'timeseries', 'regions', 'labels'):
        first, both = getattr(one.outputs, field), getattr(two.outputs, field)
        assert (len(first), len(both)) == (1, 2)
        assert Path(first[0]).read_bytes() == Path(both[0]).read_bytes()
    assert read_signals(two.outputs.timeseries[1])[0] == ['11', '12']


def test_only_some_atlases_may_have_tables(small, run):
    inputs = {**basic(small, 2), 'atlas_luts': [None, small.atlas_luts[1]]}
    result = run(inputs, use_luts=True)
    names = [read_signals(path)[0] for path in result.outputs.timeseries]
    assert names == [['1', '2', '4', '7'], ['Eleven', 'Twelve']]


@pytest.mark.parametrize(
    ('policy', 'target'), [('nan', 'data'), ('zero', 'labels'), ('drop', 'data'), ('drop', 'labels')]
)
def test_columns_are_the_rows_of_the_table_whatever_was_lost(policy, target, small, image, tmp_path, run):
    atlas = np.zeros((16, 12, 12), dtype='int16')
    atlas[0:4], atlas[4:8], atlas[14:], atlas[9, 1, 1] = 5, 1, 9, 3
    mask = np.ones((6, 6, 6), dtype='uint8')
    mask[2:4] = 0
    # A grid of which no voxel is halfway between two of the series', where rounding decides.
    finer = np.diag([2.0, 2, 2, 1])
    finer[:3, 3] = -0.5
    lut = tmp_path / 'lut.tsv'
    lut.write_text('index\tname\n9\tOutside\n3\tSmall\n5\tThere\n77\tNever\n1\tMasked\n')
    inputs = {
        'bold_file': small.bold_file,
        'bold_mask': image('wide_mask.nii.gz', mask, small.affine),
        'atlas_files': [image('wide.nii.gz', atlas, finer)],
        'atlas_luts': [str(lut)],
    }
    result = run(
        inputs,
        use_mask=True,
        use_luts=True,
        missing_labels=policy,
        resampling_target=target,
        detrend=True,
        standardize=True,
    )
    regions = read_regions(result.outputs.regions[0])
    assert regions['name'].tolist() == ['Outside', 'Small', 'There', 'Never', 'Masked']
    outside = 'outside_field_of_view' if target == 'data' else 'outside_mask'
    small_one = 'lost_in_resampling' if target == 'data' else 'ok'
    assert regions['status'].tolist() == [outside, small_one, 'ok', 'absent_from_atlas', 'outside_mask']
    there = ['There'] if target == 'data' else ['Small', 'There']
    for path in (result.outputs.raw_timeseries[0], result.outputs.timeseries[0]):
        names, signals = read_signals(path)
        assert names == (there if policy == 'drop' else regions['name'].tolist())
        present = np.isfinite(signals).all(axis=0) & (signals != 0).any(axis=0)
        assert [name for name, p in zip(names, present, strict=True) if p] == there


SCRUBBED = [0, 7, 8, 31, 39]


@pytest.mark.parametrize(
    ('settings', 'censored'),
    [
        ({}, 'drop'),
        ({'detrend': True, 'standardize': True, 'high_pass': 0.02, 'low_pass': 0.1}, 'nan'),
        ({'smoothing_fwhm': 8.0, 'standardize': 'psc'}, 'drop'),
    ],
    ids=['plain', 'filtered', 'smoothed'],
)
def test_a_censored_volume_does_not_influence_the_outputs(settings, censored, small, image, run):
    mask = [volume not in SCRUBBED for volume in range(40)]
    # Blobs on a dark ground, where splines overshoot.
    data = np.where(np.random.default_rng(21).uniform(size=(6, 6, 6, 1)) < 0.5, 0, small.data)
    found = []
    for factor in (0.1, 1e4):
        data[..., SCRUBBED] = factor * small.data[..., SCRUBBED] * np.random.default_rng(22).uniform(size=(6, 6, 6, 5))
        inputs = {**basic(small, 2), 'bold_file': image('wild.nii.gz', data, small.affine, 2.0), 'sample_mask': mask}
        result = run(
            inputs, f'work{factor}', use_sample_mask=True, censored_output=censored, project='labels', **settings
        )
        paths = [*result.outputs.timeseries, *result.outputs.projected, result.outputs.censoring]
        found.append([Path(path).read_bytes() for path in paths])
        assert np.isfinite(read_signals(paths[0])[1]).any()
    assert found[0] == found[1]


def test_the_repetition_time_goes_from_the_header_to_filter_and_projection(small, run):
    result = run(basic(small), high_pass=0.02, detrend=True, project='atlas')
    assert json.loads(Path(result.outputs.cleaning).read_text())['Parameters']['t_r'] == 2.0
    assert nibabel.load(result.outputs.projected[0]).header.get_zooms()[3] == 2.0
    other = run({**basic(small), 't_r': 1.0}, 'other', high_pass=0.04)
    assert json.loads(Path(other.outputs.cleaning).read_text())['Parameters']['t_r'] == 1.0


def test_voxels_have_the_type_that_is_asked_for(small, image, run):
    values = np.random.default_rng(2).normal(1000, 20, (8, 6, 6, 40))
    inputs = {**basic(small), 'bold_file': image('double.nii.gz', values, np.diag([4, 4, 4, 1]), 2.0)}
    double, single = (
        read_signals(run(inputs, dtype, dtype=dtype).outputs.timeseries[0])[1] for dtype in ('float64', 'float32')
    )
    assert 0 < np.nanmax(np.abs(double - single)) < 1e-3
