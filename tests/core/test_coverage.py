# SPDX-License-Identifier: BSD-3-Clause
"""Coverage tables: counts by brute force, every status reached, coverage in mm³, and missing regions."""

import warnings
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from nilearn.image import resample_to_img
from numpy.testing import assert_allclose, assert_array_equal
from spaces import make_atlas, make_grid

from nipype_labels.core.coverage import CoverageTable
from nipype_labels.core.quality import is_constant
from nipype_labels.core.reduce import Reduction
from nipype_labels.files.grids import read_grid
from nipype_labels.files.lut import read_lookup_table
from nipype_labels.files.volumes import read_labels
from nipype_labels.model.atlas import Atlas
from nipype_labels.model.errors import LabelsError, MissingRegionsError


def grid(shape, sizes, path='atlas.nii'):
    return make_grid(shape, np.diag([*np.multiply(1.0, sizes), 1]), path)


def atlas_on(space, labels, ids):
    return Atlas(space, labels, np.asarray(ids), [f'R{i}' for i in ids])


def statuses(table):
    return dict(zip(table.index.tolist(), table.status.tolist(), strict=True))


def of_signals(table, signals, used, in_view=None, volume=8.0, **options):
    used = np.asarray(used)
    in_view = used if in_view is None else np.asarray(in_view)
    return table.with_signals(Reduction(signals, used, in_view, used, used < 0), volume, **options)


@pytest.fixture(scope='module')
def real(aal, installed):
    """AAL, and AAL on the grid of a real series."""
    labels, where = read_labels(aal[0])
    lookup = read_lookup_table(aal[1])
    atlas = Atlas(where, labels, lookup['index'], list(lookup['name']))
    return atlas, atlas.on(read_grid(installed('nibabel', 'tests/data/functional.nii')))


@pytest.fixture
def everything():
    """An atlas with a region for each way to be lost before the series is read: whole, resampled, and masked.

    Id 1 stays, 2 lies between the voxels of the coarser grid, 3 beyond it, 4 outside the mask, 5 nowhere, and 6 stays.
    """
    labels = np.zeros((12, 8, 8), np.int32)
    labels[0:3, 0:3, 0:3] = 1
    labels[5, 5, 5] = 2
    labels[9:12] = 3
    labels[4:6, 0:2, 0:2] = 4
    labels[0:2, 4:8, 4:8] = 6
    atlas = atlas_on(grid((12, 8, 8), (1, 1, 1)), labels, [6, 3, 1, 5, 2, 4])
    resampled = atlas.on(grid((4, 4, 4), (2, 2, 2), 'bold.nii'))
    return atlas, resampled, resampled.within(resampled.labels != 4)


def test_counts_of_a_real_atlas_agree_with_nilearn_resampling(real):
    atlas, resampled = real
    table = CoverageTable.of_placed(atlas, resampled, resampled)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        theirs = resample_to_img(
            nib.Nifti1Image(atlas.labels.astype(np.int16), atlas.space.affine),
            nib.Nifti1Image(np.zeros(resampled.space.shape, np.float32), resampled.space.affine),
            interpolation='nearest',
            force_resample=True,
            copy_header=True,
        )
    on_grid = np.asarray(theirs.dataobj)
    assert_array_equal(table.n_voxels_grid > 0, [(on_grid == index).any() for index in table.index])
    assert abs(table.n_voxels_grid.sum() - (on_grid > 0).sum()) <= 0.02 * (on_grid > 0).sum()


def test_each_loss_before_the_signals_has_its_status(everything):
    table = CoverageTable.of_placed(*everything)
    assert statuses(table) == {
        6: 'ok',
        3: 'outside_field_of_view',
        1: 'ok',
        5: 'absent_from_atlas',
        2: 'lost_in_resampling',
        4: 'outside_mask',
    }
    assert list(table.name) == ['R6', 'R3', 'R1', 'R5', 'R2', 'R4']
    rows = {row['index']: row for row in table.rows()}
    counts = ('n_voxels_atlas', 'n_voxels_grid', 'n_voxels_mask', 'n_voxels_used')
    assert [rows[1][name] for name in counts] == [27, 8, 8, 8]
    assert [rows[4][name] for name in counts] == [8, 1, 0, 0]
    assert rows[1]['coverage'] == 1
    assert rows[4]['coverage'] == 0
    assert np.isnan(rows[5]['coverage'])


@pytest.mark.parametrize('axis', [0, 1, 2])
@pytest.mark.parametrize('shift', [1.49, 1.51, -1.49, -1.51])
def test_a_region_is_in_view_if_a_voxel_is_within_half_a_voxel_of_it(axis, shift):
    view = make_grid((1, 1, 1), np.diag([4.0, 4, 4, 1]))
    affine = np.eye(4)
    affine[axis, 3] = 4 * 0.5 * np.sign(shift) + (shift - np.sign(shift) * 1.5)
    labels = np.ones((1, 1, 1), int)
    resampled = make_atlas(np.zeros((1, 1, 1), int), view.affine, [1])
    status = CoverageTable.of_placed(make_atlas(labels, affine, [1]), resampled, resampled).status
    assert status.tolist() == ['lost_in_resampling' if abs(shift) < 1.5 else 'outside_field_of_view']


def test_permuting_or_adding_rows_never_changes_another_row(everything):
    rows = {row['index']: row for row in CoverageTable.of_placed(*everything).rows()}
    ids = [1, 2, 3, 77, 4, 5, 6, 40000]
    more = CoverageTable.of_placed(*(replace(each, ids=ids, names=[f'R{i}' for i in ids]) for each in everything))
    for row in more.rows():
        expected = rows.get(row['index'], row)
        assert_array_equal([str(value) for value in row.values()], [str(value) for value in expected.values()])
    assert more.status[[3, 7]].tolist() == ['absent_from_atlas'] * 2


SIGNAL = np.array([1.0, 2.0, 4.0])


@pytest.mark.parametrize(
    ('signal', 'n_used', 'n_in_view', 'expected'),
    [
        pytest.param(SIGNAL, 5, 5, 'ok', id='enough'),
        pytest.param(SIGNAL, 3, 5, 'ok', id='just-enough'),
        pytest.param(SIGNAL, 2, 5, 'low_coverage', id='too-little'),
        pytest.param(SIGNAL * np.nan, 0, 0, 'outside_field_of_view', id='out-of-view'),
        pytest.param(SIGNAL * np.nan, 0, 5, 'not_finite', id='nothing-finite'),
        pytest.param(SIGNAL * 0, 0, 5, 'not_finite', id='not-finite-counted-as-zero'),
        pytest.param(SIGNAL * np.nan, 5, 5, 'not_finite', id='no-finite-value'),
        pytest.param(np.array([np.nan, 2.0, 3.0]), 5, 5, 'ok', id='partly-finite'),
        pytest.param(np.full(3, 7.0), 5, 5, 'constant', id='constant'),
        pytest.param(np.full(3, 7.0), 1, 5, 'low_coverage', id='constant-and-too-little'),
    ],
)
def test_a_signal_completes_the_status(signal, n_used, n_in_view, expected):
    table = CoverageTable.of(make_atlas(np.ones((10, 1, 1), int), ids=[1]))
    done = of_signals(table, signal[:, None], [n_used], [n_in_view], 1.0, min_coverage=0.3)
    assert done.status.tolist() == [expected]


def test_by_default_no_coverage_is_too_low():
    table = CoverageTable.of(make_atlas(np.ones((1000, 1, 1), int), ids=[1]))
    assert of_signals(table, SIGNAL[:, None], [1], volume=1e-6).status.tolist() == ['ok']


@pytest.mark.parametrize('least', [-0.1, 1.1, np.nan])
def test_a_minimum_coverage_outside_0_to_1_is_refused(everything, least):
    table = CoverageTable.of_placed(*everything)
    with pytest.raises(LabelsError, match='min_coverage must be from 0 to 1'):
        of_signals(table, np.ones((3, 6)), table.n_voxels_mask, min_coverage=least)


@pytest.mark.parametrize('sizes', [(2, 2, 2), (3, 3, 3), (4, 4, 8), (1, 1, 1), (-2, 2, 2)])
@pytest.mark.parametrize('atlas_sizes', [(1, 1, 1), (2, 2, 2), (-1, 1, 2)])
def test_coverage_is_a_fraction_of_the_volume_in_mm3(sizes, atlas_sizes):
    whole, labels = np.zeros((24, 24, 24), np.int32), np.zeros((24, 24, 24), np.int32)
    whole[2:12, 2:12, 2:12], whole[14:16, 14:16, 14:16] = 1, 2
    labels[1:3, 1:3, 1:4], labels[5:8, 5:8, 5:8] = 1, 2
    atlas = atlas_on(grid(whole.shape, atlas_sizes), whole, [1, 2])
    resampled = atlas_on(grid(whole.shape, sizes, 'bold.nii'), labels, [1, 2])
    table = CoverageTable.of_placed(atlas, resampled, resampled)
    volume, atlas_volume = abs(np.prod(sizes)), abs(np.prod(atlas_sizes))
    expected = [12 * volume / (1000 * atlas_volume), 27 * volume / (8 * atlas_volume)]
    assert_allclose(table.coverage, np.minimum(expected, 1), rtol=1e-9)
    done = of_signals(table, np.random.default_rng(2).normal(size=(9, 2)), [5, 1], volume=float(volume))
    expected = [5 * volume / (1000 * atlas_volume), volume / (8 * atlas_volume)]
    assert_allclose(done.coverage, np.minimum(expected, 1), rtol=1e-9)


@pytest.mark.parametrize('min_coverage', [0.0, 0.25, 0.5, 1.0])
def test_a_region_at_the_least_coverage_stays(min_coverage):
    labels = np.zeros((8, 8, 8), np.int32)
    labels[0, 0, 0:4], labels[1, 0, 0:4], labels[2, 0, 0:4] = 1, 2, 3
    atlas = atlas_on(grid((8, 8, 8), (2, 2, 2)), labels, [1, 2, 3])
    signals = np.random.default_rng(3).normal(size=(9, 3))
    done = of_signals(
        CoverageTable.of(atlas), signals, [1, 2, 4], volume=atlas.space.measure, min_coverage=min_coverage
    )
    assert done.coverage.tolist() == [0.25, 0.5, 1.0]
    assert done.status.tolist() == ['ok' if c >= min_coverage else 'low_coverage' for c in (0.25, 0.5, 1.0)]
    assert_array_equal(np.isnan(done.quality['tsnr']), done.status != 'ok')


@pytest.mark.parametrize('size', [2, 3, 4])
def test_rounding_never_lowers_the_coverage_of_a_whole_region(size):
    whole, labels = np.zeros((12, 12, 12), np.int32), np.zeros((3, 3, 3), np.int32)
    whole[:size, :size, :size], labels[0, 0, 0] = 1, 1
    atlas = atlas_on(grid(whole.shape, (1, 1, 1)), whole, [1])
    resampled = atlas_on(grid(labels.shape, (size,) * 3, 'bold.nii'), labels, [1])
    table = CoverageTable.of_placed(atlas, resampled, resampled)
    signals = np.random.default_rng(5).normal(size=(9, 1))
    done = of_signals(table, signals, [1], volume=resampled.space.measure, min_coverage=1.0)
    assert done.status.tolist() == ['ok']


def test_a_single_volume_has_no_tsnr(everything):
    begun = CoverageTable.of_placed(*everything)
    used = begun.n_voxels_mask
    done = of_signals(begun, np.where(used > 0, 7.0, np.nan)[None], used)
    assert np.isnan(done.quality['tsnr']).all()
    assert_array_equal(done.status, begun.status)


@pytest.mark.parametrize('why', ['mask', 'atlas', 'view'])
def test_an_atlas_without_any_region_in_view_is_an_error_that_names_both_grids(everything, why):
    ids, reason = {
        'mask': ([1, 6], '2 outside_mask'),
        'atlas': ([7, 8, 9], '3 absent_from_atlas'),
        'view': ([3], '1 outside_field_of_view'),
    }[why]
    atlas, resampled, masked = (replace(each, ids=ids, names=ids) for each in everything)
    masked = masked.within(np.zeros(masked.space.shape, bool)) if why == 'mask' else masked
    table = CoverageTable.of_placed(atlas, resampled, masked)
    with pytest.raises(MissingRegionsError) as caught:
        table.require_regions(atlas, resampled.space)
    for part in ('atlas.nii', '12×8×8', 'bold.nii', '4×4×4', reason):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ('column', 'expected'),
    [
        pytest.param([1e6, 1e6 + 1e-8, 1e6], True, id='rounding'),
        pytest.param([1e6, 1e6 + 1e-3, 1e6], False, id='small-change'),
        pytest.param([-5.0, -5.0, -5.0], True, id='negative'),
        pytest.param([0.0, 0.0, 0.0], True, id='zero'),
        pytest.param([-1.0, 1.0, -1.0], False, id='around-zero'),
        pytest.param([1e-20, 2e-20, 1e-20], False, id='tiny'),
        pytest.param([4.0, np.nan, 4.0], True, id='constant-but-missing'),
        pytest.param([4.0, np.nan, 5.0], False, id='varies-but-missing'),
        pytest.param([np.nan, np.nan, np.nan], False, id='missing'),
        pytest.param([1.0], False, id='single-volume'),
    ],
)
def test_a_region_that_varies_only_by_rounding_is_constant(column, expected):
    assert is_constant(np.array(column)[:, None]).tolist() == [expected]
