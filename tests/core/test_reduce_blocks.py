# SPDX-License-Identifier: BSD-3-Clause
"""One pass over a series: blocks change no bit, and values are clipped to the range of the whole series."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pairwise import pairwise
from spaces import make_reducer, read_signals

from nipype_labels.core.scaling import Decoder
from nipype_labels.core.strategies import STRATEGIES

SHAPE, LABELS_SHAPE, N_VOLUMES = (9, 10, 8), (12, 11, 13), 7
AFFINE = np.array([[3, 0, 0, -12.3137], [0, 3, 0, -14.1291], [0, 0, 3.5, -11.2173], [0, 0, 0, 1]])
LABELS_AFFINE = np.array([[2.2, 0, 0, -14.0311], [0, 2.6, 0, -12.0719], [0, 0, 2.9, -13.1937], [0, 0, 0, 1]])
TURNED = LABELS_AFFINE + np.array([[0, 0.1, -0.05, 0.2], [0, 0, 0.08, 0], [0.02, 0, 0, 0], [0, 0, 0, 0]])
IDS = [3, 1, 2]


@pytest.fixture
def labels():
    return np.random.default_rng(30).integers(0, 4, LABELS_SHAPE)


def steps(*heights):
    """Volumes of blocks of 0 and another value, at whose edges a cubic spline overshoots in both directions."""
    pattern = np.zeros((*SHAPE, 1))
    pattern[2:6, 3:8, 1:5] = 1
    return pattern * np.array(heights, dtype=float)


def sampling(labels, affine=LABELS_AFFINE, **settings):
    settings = {'interpolation': 'cubic', 'nan_policy': 'zero', **settings}
    return make_reducer(labels, affine, IDS, shape=SHAPE, affine=AFFINE, **settings)


RISING = steps(100, 90, 100, 80, 100, 130, 700)
FALLING = steps(100, -20, 90, -10, 100, 130, -700)
SETTLED = steps(-700, 700, 100, 80, 100, 130, -100)


@pairwise(
    affine=[LABELS_AFFINE, TURNED],
    run=[
        *((RISING, 1, 2), (RISING, 3, 2), (RISING, None, 1), (RISING + 2, None, 1)),
        *((FALLING, 1, 2), (FALLING, 2, 2), (SETTLED, 2, 1)),
    ],
    strategy=['mean', 'maximum', 'minimum'],
    kept=[0, 500, 2**20],
)
def test_a_range_that_widens_late_clips_as_if_known_from_the_start(
    labels, affine, run, strategy, kept, nilearn_signals, blocks_of, monkeypatch
):
    """Volumes clipped to a range that was too narrow are read again; nilearn loads the whole series first.

    Not those of which the mean can be corrected from the values that were out of range.
    """
    monkeypatch.setattr('nipype_labels.core.sampled_sums.KEPT_BYTES', kept)
    data, per_block, passes = run
    passes = 1 if strategy == 'mean' and kept > 500 else passes
    read_blocks = blocks_of(data, per_block)
    (signals,), _ = read_signals(read_blocks, N_VOLUMES, [sampling(labels, affine, strategy=strategy)])
    theirs = nilearn_signals(
        data, AFFINE, labels.astype(np.int32), affine, strategy=strategy, resampling_target='labels'
    )
    assert_allclose(signals, np.stack([theirs[region] for region in IDS], axis=1), rtol=1e-5, atol=1e-9)
    assert read_blocks.passes == passes


def test_decoded_values_set_the_range(labels, blocks_of):
    stored, decoder = RISING.astype(np.int16), Decoder(-0.5, 20.0)
    read_blocks = blocks_of(stored, 1)
    (ours,), _ = read_signals(read_blocks, N_VOLUMES, [sampling(labels)], decoder)
    (expected,), _ = read_signals(blocks_of(RISING * -0.5 + 20, 1), N_VOLUMES, [sampling(labels)])
    assert read_blocks.passes == 1
    assert_allclose(ours, expected, rtol=1e-9)


@pytest.mark.parametrize('interpolation', ['linear', 'nearest'])
def test_a_series_whose_interpolation_cannot_overshoot_is_read_once(labels, interpolation, blocks_of):
    read_blocks = blocks_of(RISING, 1)
    read_signals(read_blocks, N_VOLUMES, [sampling(labels, interpolation=interpolation)])
    assert read_blocks.passes == 1


def test_the_own_grid_is_read_once_and_not_clipped(blocks_of):
    labels = np.random.default_rng(31).integers(0, 4, SHAPE)
    reducer = make_reducer(labels, AFFINE, IDS, shape=SHAPE, affine=AFFINE)
    read_blocks = blocks_of(RISING, 1)
    (signals,), _ = read_signals(read_blocks, N_VOLUMES, [reducer])
    assert read_blocks.passes == 1
    assert_allclose(signals, np.stack([RISING[labels == region].mean(axis=0) for region in IDS], axis=1), rtol=1e-12)


@pytest.fixture
def holed():
    rng = np.random.default_rng(32)
    data = rng.normal(0, 20, (*SHAPE, N_VOLUMES))
    data[rng.uniform(size=data.shape) < 0.03] = np.nan
    data[..., 4] = rng.normal(0, 90, SHAPE)
    return data


@pairwise(policy=['omit', 'zero'], fwhm=[0, 5], affine=[None, LABELS_AFFINE, TURNED], dtype=['f8', 'f4', 'i2', '>i2'])
def test_blocks_change_no_bit(labels, holed, dtype, affine, fwhm, policy, blocks_of):
    stored = (np.where(np.isnan(holed), 0, holed) if dtype.endswith('i2') else holed).astype(dtype)
    on_grid = labels if affine is not None else labels[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    results = []
    for per_block in (1, 3, None):
        reducers = [
            make_reducer(
                on_grid,
                AFFINE if affine is None else affine,
                IDS,
                shape=SHAPE,
                affine=AFFINE,
                strategy=strategy,
                smoothing_fwhm=fwhm,
                nan_policy=policy,
                interpolation=None if affine is None else 'cubic',
            )
            for strategy in STRATEGIES
        ]
        signals, mean = read_signals(blocks_of(stored, per_block), N_VOLUMES, reducers)
        results.append((np.stack(signals), mean, [reducer.n_used for reducer in reducers]))
    for signals, mean, used in results[:-1]:
        assert_array_equal(signals, results[-1][0])
        assert_allclose(mean, results[-1][1], rtol=1e-9, atol=1e-9)
        assert_array_equal(used, results[-1][2])


def test_atlases_in_one_pass_get_what_each_gets_alone(labels, blocks_of):
    other = np.random.default_rng(33).integers(0, 4, SHAPE)

    def reducers():
        same_grid = make_reducer(other, AFFINE, [1, 3], shape=SHAPE, affine=AFFINE, strategy='median')
        return [sampling(labels), same_grid, sampling(labels, TURNED, smoothing_fwhm=4.0)]

    read_blocks = blocks_of(RISING, 2)
    together, _ = read_signals(read_blocks, N_VOLUMES, reducers())
    assert [signals.shape for signals in together] == [(N_VOLUMES, 3), (N_VOLUMES, 2), (N_VOLUMES, 3)]
    assert read_blocks.passes == 2
    for signals, reducer in zip(together, reducers(), strict=True):
        assert_array_equal(signals, read_signals(blocks_of(RISING, 2), N_VOLUMES, [reducer])[0][0])


@pytest.mark.parametrize(('dtype', 'decoder'), [('i2', Decoder(0.25, -3.0)), ('>f4', Decoder()), ('u1', Decoder())])
@pytest.mark.parametrize('per_block', [1, 3, None])
def test_the_mean_volume_is_the_mean_over_time_decoded(dtype, decoder, per_block, blocks_of):
    stored = np.random.default_rng(34).integers(0, 200, (*SHAPE, N_VOLUMES)).astype(dtype)
    labels = np.ones(SHAPE, dtype=int)
    reducer = make_reducer(labels, AFFINE, [1], shape=SHAPE, affine=AFFINE)
    _, mean = read_signals(blocks_of(stored, per_block), N_VOLUMES, [reducer], decoder)
    expected = (stored.astype(np.float64) * decoder.slope + decoder.intercept).mean(axis=3)
    assert mean.dtype.kind == 'f'
    assert_allclose(mean, expected.reshape(-1, order='F'), rtol=1e-10)


@pytest.mark.parametrize('n_volumes', [2**15 - 1, 2**15 + 1])
def test_the_mean_volume_of_many_large_integers_does_not_overflow(n_volumes, blocks_of):
    stored = np.full((1, 1, 2, n_volumes), 2**16 - 1, dtype=np.uint16)
    reducer = make_reducer(np.ones((1, 1, 2), dtype=int), AFFINE, [1], shape=(1, 1, 2), affine=AFFINE)
    _, mean = read_signals(blocks_of(stored, None), n_volumes, [reducer], Decoder())
    assert_array_equal(mean, 2**16 - 1)


def test_a_series_out_of_view_of_one_atlas_still_serves_the_other(labels, blocks_of):
    far = LABELS_AFFINE.copy()
    far[:3, 3] += 500
    settings = {'nan_policy': 'omit', 'strategy': 'sum'}
    signals, _ = read_signals(
        blocks_of(RISING, 2), N_VOLUMES, [sampling(labels, far, **settings), sampling(labels, **settings)]
    )
    assert np.isnan(signals[0]).all()
    assert np.isfinite(signals[1]).all()
