# SPDX-License-Identifier: BSD-3-Clause
"""Properties of reductions for random series and labels: the order of ids, voxels and axes does not matter."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from spaces import make_reducer, spread

from nipype_labels.core.strategies import STRATEGIES

AFFINE = np.array([[3, 0, 0, -9.3137], [0, 3, 0, -11.1291], [0, 0, 3.5, -8.2173], [0, 0, 0, 1]])
#: Grid of the labels: that of the series, scaled, or rotated; the last two are partly outside the field of view.
GRIDS = {
    None: AFFINE,
    'cubic': np.array([[2.7, 0, 0, -11.0311], [0, 3.1, 0, -12.0719], [0, 0, 2.9, -9.1937], [0, 0, 0, 1]]),
    'linear': np.array([[2.7, 0.3, 0, -9.0311], [-0.3, 3.1, 0, -11.0719], [0, 0.2, 2.9, -7.1937], [0, 0, 0, 1]]),
}
N_VOLUMES = 3
few = settings(max_examples=25)
seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.integers(2, 6), st.integers(2, 6), st.integers(2, 6))
ids_in_any_order = st.lists(st.integers(-5, 70000).filter(bool), min_size=1, max_size=6, unique=True)
ways = st.fixed_dictionaries(
    {
        'strategy': st.sampled_from(sorted(STRATEGIES)),
        'smoothing_fwhm': st.sampled_from([0.0, 5.0]),
        'interpolation': st.sampled_from(list(GRIDS)),
        'nan_policy': st.sampled_from(['omit', 'zero']),
    }
)


def images(seed, shape, ids):
    """A series with missing voxels, and labels that may not contain all ids."""
    rng = np.random.default_rng(seed)
    data = rng.normal(100, 20, (*shape, N_VOLUMES))
    data[rng.uniform(size=data.shape) < 0.05] = np.nan
    return data, rng.choice([0, *ids], shape)


def reducer_of(labels, ids, shape, way, affine=AFFINE, labels_affine=None):
    labels_affine = GRIDS[way['interpolation']] if labels_affine is None else labels_affine
    return make_reducer(labels, labels_affine, ids, shape=shape, affine=affine, **way)


@few
@given(seed=seeds, shape=shapes, ids=ids_in_any_order, way=ways, data=st.data())
def test_permuted_ids_permute_columns_and_nothing_else(seed, shape, ids, way, data, signals_of):
    series, labels = images(seed, shape, ids)
    order = data.draw(st.permutations(range(len(ids))))
    one, other = (reducer_of(labels, i, shape, way) for i in (ids, [ids[place] for place in order]))
    assert_array_equal(signals_of(series, other), signals_of(series, one)[:, order])
    assert_array_equal(other.n_used, one.n_used[order])
    assert_array_equal(other.n_in_view, one.n_in_view[order])


@few
@given(seed=seeds, shape=shapes, ids=ids_in_any_order, way=ways, more=ids_in_any_order, data=st.data())
def test_unused_ids_change_nothing_but_the_width(seed, shape, ids, way, more, data, signals_of):
    series, labels = images(seed, shape, ids)
    wide = data.draw(st.permutations([*ids, *(extra for extra in more if extra not in ids)]))
    signals = signals_of(series, reducer_of(labels, wide, shape, way))
    of_ids = [wide.index(region) for region in ids]
    assert_array_equal(signals[:, of_ids], signals_of(series, reducer_of(labels, ids, shape, way)))
    assert np.isnan(np.delete(signals, of_ids, axis=1)).all()


@few
@given(seed=seeds, shape=shapes, ids=ids_in_any_order)
def test_means_of_the_inverse_transform_are_the_time_series(seed, shape, ids, signals_of):
    _, labels = images(seed, shape, ids)
    signals = np.random.default_rng(seed).normal(size=(N_VOLUMES, len(ids)))
    projected = np.stack([spread(labels, ids, row) for row in signals], axis=3)
    reducer = make_reducer(labels, AFFINE, ids, shape=shape, affine=AFFINE)
    there = np.isin(ids, labels)
    assert_allclose(signals_of(projected, reducer)[:, there], signals[:, there], rtol=1e-12)


def reordered(array, affine, flips, axes):
    """An image stored in another order of voxels and axes."""
    for axis in flips:
        array, affine = np.flip(array, axis), affine.copy()
        affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
        affine[:3, axis] *= -1
    return np.moveaxis(array, axes, (0, 1, 2)), affine[:, [*axes, 3]]


orders = st.tuples(st.sets(st.integers(0, 2)), st.permutations(range(3)))


@few
@given(seed=seeds, shape=shapes, ids=ids_in_any_order, way=ways, order=orders, other=orders)
def test_the_order_of_voxels_and_axes_changes_no_signal(seed, shape, ids, way, order, other, signals_of):
    """Reorder both images equally if they share a grid, otherwise each separately."""
    series, labels = images(seed, shape, ids)
    expected = signals_of(series, reducer_of(labels, ids, shape, way))
    moved, affine = reordered(series, AFFINE, *order)
    labels_order = order if way['interpolation'] is None else other
    moved_labels, labels_affine = reordered(labels, GRIDS[way['interpolation']], *labels_order)
    reducer = reducer_of(moved_labels, ids, moved.shape[:3], way, affine, labels_affine)
    assert_allclose(signals_of(moved, reducer), expected, rtol=1e-9, atol=1e-9)
