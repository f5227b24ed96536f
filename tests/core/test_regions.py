# SPDX-License-Identifier: BSD-3-Clause
"""The ledger of regions: counts, coverage, statuses, and a width that never moves."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.mask import apply_mask, count_in_view
from nipype_labels.core.reduce import RegionReducer
from nipype_labels.core.regions import (
    MISSING_LABELS,
    STATUSES,
    blank_missing,
    count_voxels,
    coverage,
    has_signal,
    is_constant,
    list_missing,
    placement_status,
    signal_status,
)
from nipype_labels.core.resample import resample_nearest
from nipype_labels.model.errors import MissingRegionsError


@pytest.mark.parametrize('ids', [[9, 1, 500, 3], [3], [500], [-4, 9], []])
def test_voxels_are_counted_per_id_in_the_order_asked(ids):
    labels = np.random.default_rng(70).choice([0, 1, 3, 9, -4], (4, 5, 6))
    assert count_voxels(labels, ids).tolist() == [int((labels == region).sum()) for region in ids]


def test_nothing_holds_no_voxels():
    assert count_voxels(np.zeros(0, dtype=int), [3, 1]).tolist() == [0, 0]


def test_coverage_is_used_volume_over_atlas_volume():
    covered = coverage(np.array([0, 1, 2, 4]), np.array([10, 16, 16, 40]), 27.0, 8.0)
    assert_allclose(covered, [0, 27 / 128, 54 / 128, 108 / 320], rtol=1e-12)


def test_coverage_is_at_most_one_and_nan_without_an_atlas_voxel():
    assert_array_equal(coverage([9, 0], [8, 0], 2.0, 1.0), [1, np.nan])


@pytest.mark.parametrize(
    ('n_atlas', 'n_grid', 'n_mask', 'n_in_view', 'status'),
    [
        (8, 4, 2, 8, 'ok'),
        (8, 4, 2, 0, 'ok'),
        (0, 0, 0, 0, 'absent_from_atlas'),
        (8, 4, 0, 8, 'outside_mask'),
        (8, 0, 0, 0, 'outside_field_of_view'),
        (8, 0, 0, 3, 'lost_in_resampling'),
    ],
)
def test_a_region_is_lost_where_it_had_its_last_voxels(n_atlas, n_grid, n_mask, n_in_view, status):
    counts = [np.array([n]) for n in (n_atlas, n_grid, n_mask, n_in_view)]
    assert placement_status(*counts).tolist() == [status]


SIGNAL = np.array([1.0, 2.0, 4.0])


@pytest.mark.parametrize(
    ('signal', 'n_used', 'n_in_view', 'covered', 'expected'),
    [
        pytest.param(SIGNAL, 5, 5, 0.5, 'ok', id='enough'),
        pytest.param(SIGNAL, 5, 5, 0.3, 'ok', id='just-enough'),
        pytest.param(SIGNAL, 5, 5, 0.29, 'low_coverage', id='too-little'),
        pytest.param(SIGNAL * np.nan, 0, 0, 0.0, 'outside_field_of_view', id='out-of-view'),
        pytest.param(SIGNAL * np.nan, 0, 5, 0.0, 'not_finite', id='all-holes'),
        pytest.param(SIGNAL * 0, 0, 5, 0.0, 'not_finite', id='holes-counted-as-zero'),
        pytest.param(SIGNAL * np.nan, 5, 5, 0.5, 'not_finite', id='no-finite-value'),
        pytest.param(np.array([np.nan, 2.0, 3.0]), 5, 5, 0.5, 'ok', id='partly-finite'),
        pytest.param(np.full(3, 7.0), 5, 5, 0.5, 'constant', id='constant'),
        pytest.param(np.full(3, 7.0), 5, 5, 0.1, 'low_coverage', id='constant-and-too-little'),
    ],
)
def test_a_signal_completes_the_status(signal, n_used, n_in_view, covered, expected):
    status = signal_status(
        np.array(['ok']), signal[:, None], np.array([n_used]), np.array([n_in_view]), np.array([covered]), 0.3
    )
    assert status.tolist() == [expected]


@pytest.mark.parametrize('before', [status for status in STATUSES if status != 'ok'])
def test_a_status_once_lost_stays(before):
    status = signal_status(np.array([before]), SIGNAL[:, None], np.array([5]), np.array([5]), np.array([1.0]), 0)
    assert status.tolist() == [before]


def test_no_coverage_is_too_low_by_default():
    status = signal_status(np.array(['ok']), SIGNAL[:, None], np.array([1]), np.array([1]), np.array([1e-9]), 0)
    assert status.tolist() == ['ok']


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
    ],
)
def test_constant_is_what_does_not_vary_beyond_rounding(column, expected):
    assert is_constant(np.array(column)[:, None]).tolist() == [expected]


def test_a_single_volume_is_not_constant():
    assert is_constant(np.ones((1, 3))).tolist() == [False] * 3


@pytest.mark.parametrize('status', STATUSES)
def test_only_ok_and_constant_regions_have_a_signal(status):
    assert has_signal(np.array([status])).tolist() == [status in ('ok', 'constant')]


STATUS = np.array(['ok', 'outside_mask', 'constant', 'absent_from_atlas'])
SIGNALS = np.arange(12.0).reshape(3, 4)
NAMES = ['A', 'B', 'C', 'D']


@pytest.mark.parametrize(('policy', 'fill'), [('nan', np.nan), ('zero', 0.0)])
def test_missing_regions_keep_their_columns(policy, fill):
    signals, kept = blank_missing(SIGNALS, STATUS, NAMES, policy)
    expected = SIGNALS.copy()
    expected[:, [1, 3]] = fill
    assert_array_equal(signals, expected)
    assert kept.tolist() == [True] * 4


def test_missing_regions_are_nan_by_default():
    assert_array_equal(blank_missing(SIGNALS, STATUS, NAMES)[0], blank_missing(SIGNALS, STATUS, NAMES, 'nan')[0])


def test_missing_regions_are_dropped_if_asked():
    signals, kept = blank_missing(SIGNALS, STATUS, NAMES, 'drop')
    assert_array_equal(signals, SIGNALS[:, [0, 2]])
    assert kept.tolist() == [True, False, True, False]


def test_missing_regions_are_refused_by_name_if_asked():
    with pytest.raises(MissingRegionsError, match='absent_from_atlas: D; outside_mask: B') as caught:
        blank_missing(SIGNALS, STATUS, NAMES, 'raise')
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize('policy', MISSING_LABELS)
def test_nothing_changes_if_no_region_is_missing(policy):
    signals, kept = blank_missing(SIGNALS, np.array(['ok', 'ok', 'constant', 'ok']), NAMES, policy)
    assert_array_equal(signals, SIGNALS)
    assert kept.all()


@pytest.mark.parametrize('policy', MISSING_LABELS)
def test_no_region_left_is_always_an_error(policy):
    status = np.array(['outside_mask', 'not_finite', 'outside_mask', 'low_coverage'])
    with pytest.raises(MissingRegionsError, match='outside_mask: A, C; low_coverage: D; not_finite: B'):
        blank_missing(SIGNALS, status, NAMES, policy)


def test_blanking_leaves_the_signals_as_they_were():
    before = SIGNALS.copy()
    blank_missing(SIGNALS, STATUS, NAMES, 'zero')
    assert_array_equal(SIGNALS, before)


def test_long_lists_of_names_are_cut_with_their_number():
    text = list_missing([f'r{i}' for i in range(12)], np.array(['outside_mask'] * 12), most=3)
    assert text == 'outside_mask: r0, r1, r2 and 9 more'


def test_one_run_can_show_every_status_and_keeps_its_width(signals_of):
    ids = [90, 10, 50, 20, 70, 30, 80, 60]
    expected = dict(zip(sorted(ids), STATUSES[:1] + STATUSES[2:] + STATUSES[1:2], strict=True))
    assert set(expected.values()) == set(STATUSES)
    affine, shape = np.diag([2.0, 2, 2, 1]), (10, 10, 4)
    labels = np.zeros((24, 20, 8), dtype=np.int32)
    labels[22:, :4, :] = 20  # beyond the series
    labels[9, 1, 1] = 30  # between its voxels
    labels[0:4, 12:16, :] = 50
    labels[6:10, 4:8, :] = 60
    labels[12:16, 4:8, :] = 70
    labels[6:10, 12:16, :] = 10
    labels[12:18, 12:18, :] = 80
    order = {10: 'ok', 20: 'outside_field_of_view', 30: 'lost_in_resampling', 50: 'outside_mask'}
    order |= {60: 'low_coverage', 70: 'not_finite', 80: 'constant', 90: 'absent_from_atlas'}
    assert order == expected
    data = np.random.default_rng(71).normal(100, 10, (*shape, 6))
    data[4, 2:4] = data[3, 2, :3] = np.nan
    data[6:8, 2:4] = np.nan
    data[6:9, 6:9] = 40

    on_grid = resample_nearest(labels, np.eye(4), shape, affine)
    masked = apply_mask(on_grid, np.arange(10)[:, None, None] * np.ones(shape) > 1.5)
    n_atlas = count_voxels(labels, ids)
    in_view = count_in_view(labels, np.eye(4), ids, shape, affine)
    status = placement_status(n_atlas, count_voxels(on_grid, ids), count_voxels(masked, ids), in_view)
    reducer = RegionReducer(masked, affine, ids, shape=shape, affine=affine)
    signals = signals_of(data, reducer)
    covered = coverage(reducer.n_used, n_atlas, 8.0, 1.0)
    status = signal_status(status, signals, reducer.n_used, reducer.n_in_view, covered, 0.5)

    assert dict(zip(ids, status.tolist(), strict=True)) == expected
    for policy in ('nan', 'zero'):
        table, kept = blank_missing(signals, status, ids, policy)
        assert table.shape == (6, len(ids))
        assert kept.all()
    table, kept = blank_missing(signals, status, ids, 'drop')
    assert table.shape == (6, 2)
    assert np.array(ids)[kept].tolist() == [10, 80]


@pytest.mark.parametrize('ids', [[7, 40000, 3, 12], [12, 3, 7, 40000], list(range(1, 50))])
@pytest.mark.parametrize('fwhm', [0, 4])
@pytest.mark.parametrize('interpolation', [None, 'cubic'])
def test_there_is_one_column_per_id_whatever_the_labels_hold(ids, fwhm, interpolation, signals_of):
    shape, affine = (5, 6, 4), np.eye(4)
    labels = np.random.default_rng(72).choice([0, 3, 7, 40000], shape)
    data = np.random.default_rng(73).normal(100, 10, (*shape, 3))
    reducer = RegionReducer(
        labels, affine, ids, shape=shape, affine=affine, smoothing_fwhm=fwhm, interpolation=interpolation
    )
    signals = signals_of(data, reducer)
    assert signals.shape == (3, len(ids))
    assert_array_equal(np.isfinite(signals).all(axis=0), np.isin(ids, [3, 7, 40000]))
    assert len(reducer.n_used) == len(reducer.n_in_view) == len(ids)
