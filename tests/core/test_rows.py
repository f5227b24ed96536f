# SPDX-License-Identifier: BSD-3-Clause
"""Series in blocks of elements, reduced as a loop over regions and volumes reduces them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core import row_statistics
from nipype_labels.core.rows import RowReducer, reduce_rows
from nipype_labels.core.scaling import Decoder
from nipype_labels.model.atlas import Atlas
from nipype_labels.model.errors import ImageError
from nipype_labels.model.space import VolumeGrid

N, N_VOLUMES = 211, 9
IDS = [4, 1, 9, 2, 3]  # none has 9
STRATEGIES = ('mean', 'sum', 'median', 'minimum', 'maximum', 'variance', 'standard_deviation')


@pytest.fixture
def labels():
    return np.random.default_rng(1).choice([0, 1, 2, 3, 4, 7], N)


@pytest.fixture
def data():
    """Values of float32, of which elements 10 and 20 are always 0, and element 30 is once."""
    values = np.random.default_rng(2).normal(1e4, 2e3, (N, N_VOLUMES)).astype(np.float32)
    values[[10, 20]] = 0
    values[30, 3] = 0
    return values


@pytest.fixture
def holes(data):
    """Values that are not finite: a whole element, some values of others, and a whole volume."""
    data[5], data[7, 2:4], data[8, :8], data[:, 6] = np.nan, np.inf, -np.inf, np.nan
    return data


def reduce(data, labels, n=40, decoder=Decoder(), **settings):
    """The Reduction of one atlas, and the mean, of blocks of ``n`` elements."""

    def read():
        return ((first, data[first : first + n]) for first in range(0, len(data), n))

    atlas = Atlas(VolumeGrid((len(labels), 1, 1), np.eye(4)), labels, np.array(IDS), [str(i) for i in IDS])
    (reduction,), mean = reduce_rows(read, data.shape[1], [RowReducer(atlas, **settings)], decoder)
    return reduction, mean


def loop(data, labels, strategy, areas=None, zeros='omit', nan_policy='omit'):
    """The time series, by a loop over regions and volumes."""
    out = np.full((data.shape[1], len(IDS)), np.nan)
    is_kept = (data != 0).any(axis=1) | (zeros == 'keep')
    areas = np.ones(len(data)) if areas is None else areas
    for column, number in enumerate(IDS):
        for volume in range(data.shape[1]):
            members = (labels == number) & is_kept
            values, weights = data[members, volume].astype(np.float64), areas[members]
            finite = np.isfinite(values)
            if nan_policy == 'zero':
                values[~finite] = 0
            else:
                values, weights = values[finite], weights[finite]
            if len(values):
                out[volume, column] = summary(values, weights, strategy)
    return out


def summary(values, weights, strategy):
    mean = np.average(values, weights=weights)
    variance = np.average((values - mean) ** 2, weights=weights)
    order = np.argsort(values)
    up_to = np.cumsum(weights[order]) / weights.sum()
    median = values[order][[np.argmax(up_to >= 0.5 - 1e-12), np.argmax(up_to > 0.5 + 1e-12)]].mean()
    return {
        'mean': mean,
        'sum': (values * weights).sum(),
        'median': median,
        'minimum': values.min(),
        'maximum': values.max(),
        'variance': variance,
        'standard_deviation': np.sqrt(variance),
    }[strategy]


@pytest.mark.parametrize('weighted', [False, True])
@pytest.mark.parametrize('zeros', ['omit', 'keep'])
@pytest.mark.parametrize('strategy', STRATEGIES)
def test_values_are_those_of_a_loop_over_regions(data, labels, strategy, zeros, weighted):
    areas = np.random.default_rng(3).uniform(0.5, 3, N) if weighted else None
    reduction, mean = reduce(data, labels, strategy=strategy, zeros=zeros, areas=areas)
    assert_allclose(reduction.signals, loop(data, labels, strategy, areas, zeros), rtol=1e-13)
    assert_allclose(mean, data.mean(axis=1, dtype=np.float64), rtol=1e-13)


@pytest.mark.parametrize('weighted', [False, True])
@pytest.mark.parametrize('nan_policy', ['omit', 'zero'])
@pytest.mark.parametrize('strategy', STRATEGIES)
def test_values_that_are_not_finite_follow_the_policy(holes, labels, strategy, nan_policy, weighted):
    areas = np.random.default_rng(3).uniform(0.5, 3, N) if weighted else None
    reduction, _ = reduce(holes, labels, strategy=strategy, nan_policy=nan_policy, areas=areas)
    expected = loop(holes, labels, strategy, areas, nan_policy=nan_policy)
    assert_allclose(reduction.signals, expected, rtol=1e-12)
    used = np.isfinite(holes).any(axis=1) & (holes != 0).any(axis=1)
    assert reduction.n_used.tolist() == [int((used & (labels == i)).sum()) for i in IDS]


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_blocks_of_any_size_change_no_bit(holes, labels, strategy):
    areas = np.random.default_rng(3).uniform(0.5, 3, N)
    whole, mean = reduce(holes, labels, N, strategy=strategy, areas=areas)
    for n in (1, 2, 17, 100):
        parts, again = reduce(holes, labels, n, strategy=strategy, areas=areas)
        assert_array_equal(parts.signals, whole.signals)
        assert_array_equal(again, mean)


@pytest.mark.parametrize('strategy', ['mean', 'variance'])
def test_sums_need_no_private_function_of_scipy(holes, labels, strategy, monkeypatch):
    areas = np.random.default_rng(3).uniform(0.5, 3, N)
    fast, _ = reduce(holes, labels, strategy=strategy, areas=areas)
    assert row_statistics.csc_matvecs is not None
    monkeypatch.setattr(row_statistics, 'csc_matvecs', None)
    assert_allclose(reduce(holes, labels, strategy=strategy, areas=areas)[0].signals, fast.signals, rtol=1e-12)


def test_elements_of_zeros_are_counted(data, labels):
    labels[[10, 20, 30]] = 1, 1, 2
    omitted, kept = (reduce(data, labels, zeros=zeros)[0] for zeros in ('omit', 'keep'))
    assert omitted.n_zero.tolist() == [0, 2, 0, 0, 0]
    assert kept.n_zero.tolist() == [0] * 5
    sizes = np.array([(labels == i).sum() for i in IDS])
    assert omitted.n_used.tolist() == (sizes - omitted.n_zero).tolist() == omitted.weight_used.tolist()
    assert kept.n_used.tolist() == sizes.tolist()


def test_areas_are_the_weight_that_is_used(data, labels):
    areas = np.random.default_rng(5).uniform(0.5, 3, N)
    reduction, _ = reduce(data, labels, areas=areas)
    used = (data != 0).any(axis=1)
    assert_allclose(reduction.weight_used, [areas[used & (labels == i)].sum() for i in IDS], rtol=1e-13)


def test_medians_do_not_depend_on_the_number_of_passes(data, labels, monkeypatch):
    once, _ = reduce(data, labels, strategy='median')
    monkeypatch.setattr(row_statistics, 'MEDIAN_BYTES', 8 * N_VOLUMES * 10)
    assert_array_equal(reduce(data, labels, strategy='median')[0].signals, once.signals)


def test_several_atlases_in_one_pass_have_the_numbers_of_each_alone(data, labels):
    n_passes = []

    def read():
        n_passes.append(1)
        return iter([(0, data[:100]), (100, data[100:])])

    grid = VolumeGrid((N, 1, 1), np.eye(4))
    many = [labels, np.where(labels == 4, 1, labels), np.where(np.arange(N) > 150, 2, 0)]
    atlases = [Atlas(grid, some, np.array(IDS), [str(i) for i in IDS]) for some in many]
    reductions, _ = reduce_rows(read, N_VOLUMES, [RowReducer(atlas) for atlas in atlases])
    assert len(n_passes) == 1
    for some, reduction in zip(many, reductions, strict=True):
        assert_array_equal(reduction.signals, reduce(data, some)[0].signals)


@pytest.mark.parametrize('strategy', ['variance', 'standard_deviation'])
def test_few_digits_are_lost_where_the_mean_is_large(labels, strategy):
    data = 1e8 + np.random.default_rng(6).normal(0, 1, (N, N_VOLUMES))
    reduction, _ = reduce(data, labels, strategy=strategy)
    assert_allclose(reduction.signals, loop(data - 1e8, labels, strategy), rtol=1e-12)
    constant, _ = reduce(np.full((N, 2), 0.1), labels, strategy=strategy)
    assert set(constant.signals[:, 0]) == {0.0}


def test_stored_integers_are_scaled(data, labels):
    stored = np.random.default_rng(7).integers(-300, 300, (N, 4)).astype('>i2')
    reduction, mean = reduce(stored, labels, decoder=Decoder(0.5, 20.0))
    scaled = stored * 0.5 + 20
    assert_allclose(reduction.signals, loop(scaled, labels, 'mean'), rtol=1e-13)
    assert_allclose(mean, scaled.mean(axis=1), rtol=1e-13)


def test_values_that_are_not_finite_are_refused_on_request(holes, labels):
    labels[:5], labels[5] = 0, 1
    with pytest.raises(ImageError, match=r'element 5: values of a region are not finite'):
        reduce(holes, labels, nan_policy='raise')
    reduce(holes, np.zeros(N, dtype=int) + 7 * (labels == 0), nan_policy='raise')
