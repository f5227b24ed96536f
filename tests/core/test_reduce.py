# SPDX-License-Identifier: BSD-3-Clause
"""Reduction to regions, against nilearn, or against loops where nilearn is wrong."""

import functools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pairwise import pairwise
from spaces import apply_mask, make_reducer, resample_nearest
from strategy_cases import of_labels

from nipype_labels.core.scaling import Decoder
from nipype_labels.core.strategies import STRATEGIES

SHAPE, LABELS_SHAPE, MASK_SHAPE, N_VOLUMES = (9, 10, 8), (12, 11, 13), (11, 9, 10), 4
# Affines whose voxels meet neither halves, where rounding decides, nor the margin that is forgiven at borders.
AFFINES = {
    'aligned': np.array([[3, 0, 0, -12.3137], [0, 3, 0, -14.1291], [0, 0, 3.5, -11.2173], [0, 0, 0, 1]]),
    'flipped': np.array([[-3, 0, 0, 11.7137], [0, 3, 0, -14.1291], [0, 0, 3.5, -11.2173], [0, 0, 0, 1]]),
    'oblique': np.array(
        [[2.9, 0.002, 0.894, -12.856], [-0.009, 3, 0.028, -15.951], [-0.767, -0.026, 3.384, -6.03], [0, 0, 0, 1]]
    ),
}
AFFINES['volume'] = AFFINES['aligned']
LABELS_AFFINE = np.array([[2.2, 0, 0, -14.0311], [0, 2.6, 0, -12.0719], [0, 0, 2.9, -13.1937], [0, 0, 0, 1]])
MASK_AFFINE = np.array([[2.464, 0, 0, -12.641], [0, 3.136, 0, -13.237], [0, 0, 3.281, -12.514], [0, 0, 0, 1]])
#: Unsorted ids: 30 is outside the mask, 200 is absent.
IDS = (30, 2, 200, 1, 9, 3)
DECODERS = {'scaled-int16': Decoder(0.37, -12.5)}
KINDS = {
    'int16': 'i2',
    'scaled-int16': 'i2',
    'uint8': 'u1',
    'big-endian-int16': '>i2',
    'big-endian-float32': '>f4',
    'float32': 'f4',
    'float64': 'f8',
    'big-endian-float32-nan': '>f4',
    'float32-nan': 'f4',
    'float64-nan': 'f8',
}


@functools.cache
def stored_series(kind, geometry):
    """A stored series; some missing voxels change over time, others are missing in all volumes."""
    rng = np.random.default_rng(8)
    n_volumes = 1 if geometry == 'volume' else N_VOLUMES
    data = np.clip(rng.normal(120, 30, (*SHAPE, n_volumes)), 0, 255).astype(KINDS[kind])
    if kind.endswith('-nan'):
        data[rng.uniform(size=data.shape) < 0.05] = np.nan
        data[3:5, 4:6, 2] = np.nan
    return data


@functools.cache
def labels_with(background):
    labels = np.random.default_rng(9).choice([0, 1, 2, 3, 9], LABELS_SHAPE).astype(np.int32)
    labels[:, :, 8:] = 30
    labels[labels == 0] = background
    return labels


@functools.cache
def mask_volume():
    mask = np.random.default_rng(10).uniform(size=MASK_SHAPE) < 0.7
    mask[:, :, -4:] = False
    return mask


def signals_on(target, stored, affine, background, masked, signals_of, decoder=Decoder(), **settings):
    """Time series of the core, from labels that are resampled and masked first."""
    labels, labels_affine = labels_with(background), LABELS_AFFINE
    if target == 'data':
        labels = resample_nearest(labels, labels_affine, SHAPE, affine, fill=background)
        labels_affine = affine
    if masked:
        mask = resample_nearest(mask_volume(), MASK_AFFINE, labels.shape, labels_affine, fill=False)
        labels = apply_mask(labels, mask, background)
    interpolation = 'cubic' if target == 'labels' else None
    reducer = make_reducer(
        labels,
        labels_affine,
        IDS,
        shape=SHAPE,
        affine=affine,
        interpolation=interpolation,
        nan_policy='zero',
        **settings,
    )
    return signals_of(stored, reducer, decoder)


@pairwise(
    strategy=STRATEGIES,
    kind=KINDS,
    geometry=AFFINES,
    background=[0, 7],
    masked=[False, True],
    target=['data', 'labels'],
)
def test_signals_agree_with_nilearn(target, masked, background, geometry, kind, strategy, nilearn_signals, signals_of):
    stored, affine, decoder = stored_series(kind, geometry), AFFINES[geometry], DECODERS.get(kind, Decoder())
    ours = signals_on(target, stored, affine, background, masked, signals_of, decoder, strategy=strategy)
    data = stored
    if kind == 'scaled-int16':
        data = stored * 0.37 - 12.5
    elif kind == 'uint8':
        data = stored.astype(np.float64)  # X8: nilearn rounds unsigned integers that it resamples
    theirs = nilearn_signals(
        data,
        affine,
        labels_with(background),
        LABELS_AFFINE,
        mask_volume() if masked else None,
        MASK_AFFINE,
        strategy=of_labels(strategy),
        resampling_target=target,
        background_label=background,
    )
    # X6: where nilearn fills resampled labels with 0, it makes a region of it if the background is another id.
    theirs.pop(0, None)
    assert set(theirs) == {1, 2, 3, 9} | ({30} if not masked else set())
    nothing = np.full(len(ours), np.nan)
    expected = np.stack([theirs.get(region, nothing) for region in IDS], axis=1)
    exact = target == 'data' and 'float32' not in kind
    assert_allclose(ours, expected, rtol=1e-9 if exact else 1e-5)


@pairwise(
    strategy=STRATEGIES,
    kind=['int16', 'float32', 'float64', 'float64-nan'],
    geometry=['aligned', 'oblique'],
    target=['data', 'labels'],
)
def test_smoothed_signals_agree_with_nilearn(target, geometry, kind, strategy, nilearn_signals, signals_of):
    stored, affine = stored_series(kind, geometry), AFFINES[geometry]
    ours = signals_on(target, stored, affine, 0, True, signals_of, strategy=strategy, smoothing_fwhm=5.5)
    theirs = nilearn_signals(
        stored,
        affine,
        labels_with(0),
        LABELS_AFFINE,
        mask_volume(),
        MASK_AFFINE,
        strategy=of_labels(strategy),
        resampling_target=target,
        smoothing_fwhm=5.5,
    )
    columns = [IDS.index(region) for region in theirs]
    assert_allclose(ours[:, columns], np.stack(list(theirs.values()), axis=1), rtol=1e-5)


@pytest.mark.parametrize('strategy', ['mean', 'sum'])
@pytest.mark.parametrize('kind', ['float64', 'scaled-int16', 'uint8'])
def test_smoothing_regions_is_smoothing_volumes(kind, strategy, signals_of, monkeypatch):
    stored, affine, decoder = stored_series(kind, 'aligned'), AFFINES['aligned'], DECODERS.get(kind, Decoder())
    settings = {'decoder': decoder, 'strategy': strategy, 'smoothing_fwhm': 5.5}
    folded = signals_on('data', stored, affine, 0, True, signals_of, **settings)
    monkeypatch.setattr('nipype_labels.core.smooth.MOST_WEIGHTS', 0)
    unfolded = signals_on('data', stored, affine, 0, True, signals_of, **settings)
    assert_allclose(folded, unfolded, rtol=1e-5 if kind == 'uint8' else 1e-10)


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_no_smoothing_is_the_default_and_zero(strategy, signals_of):
    stored, affine = stored_series('float64', 'aligned'), AFFINES['aligned']
    for target in ('data', 'labels'):
        default = signals_on(target, stored, affine, 0, False, signals_of, strategy=strategy)
        off = signals_on(target, stored, affine, 0, False, signals_of, strategy=strategy, smoothing_fwhm=0)
        assert_array_equal(off, default)


@pytest.mark.parametrize('kind', ['int16', 'uint8', 'float32', 'scaled-int16'])
def test_signals_are_double_precision(kind, signals_of):
    """Integers of the series would truncate the time series."""
    stored, decoder = stored_series(kind, 'aligned'), DECODERS.get(kind, Decoder())
    signals = signals_on('data', stored, AFFINES['aligned'], 0, False, signals_of, decoder)
    assert signals.dtype == np.float64
    assert (signals[:, 1] % 1).any()


def test_sums_of_small_integers_do_not_overflow(signals_of):
    data = np.full((*SHAPE, 2), 255, dtype=np.uint8)
    labels = np.ones(SHAPE, dtype=np.int32)
    eye = np.eye(4)
    for strategy, expected in (('sum', 255 * 720), ('mean', 255), ('variance', 0), ('median', 255)):
        reducer = make_reducer(labels, eye, [1], shape=SHAPE, affine=eye, strategy=strategy)
        assert_array_equal(signals_of(data, reducer), expected)


def test_a_large_offset_does_not_change_the_variance(signals_of):
    data = np.random.default_rng(12).normal(1e8, 1, (*SHAPE, 2))
    reducer = make_reducer(np.ones(SHAPE, int), np.eye(4), [1], shape=SHAPE, affine=np.eye(4), strategy='variance')
    assert_allclose(signals_of(data, reducer)[:, 0], data.reshape(-1, 2).var(axis=0), rtol=1e-9)


@pytest.mark.parametrize('kind', ['float32-nan', 'float64-nan', 'int16'])
def test_x5_the_stored_series_is_not_changed(kind, signals_of):
    """nilearn writes zeros into the array of the caller."""
    stored = stored_series(kind, 'aligned').copy()
    before = stored.copy()
    for target in ('data', 'labels'):
        for fwhm in (0, 5):
            signals_on(target, stored, AFFINES['aligned'], 0, True, signals_of, smoothing_fwhm=fwhm)
    assert_array_equal(stored, before)


@pairwise(strategy=STRATEGIES, fwhm=[0, 5], interpolation=[None, 'cubic'])
def test_regions_that_are_all_absent_give_columns_of_nan(strategy, fwhm, interpolation, signals_of):
    stored, affine = stored_series('float64', 'aligned'), AFFINES['aligned']
    labels = np.ones(SHAPE, dtype=np.int32)
    reducer = make_reducer(
        labels,
        affine,
        [4, 3],
        shape=SHAPE,
        affine=affine,
        strategy=strategy,
        smoothing_fwhm=fwhm,
        interpolation=interpolation,
    )
    signals = signals_of(stored, reducer)
    assert signals.shape == (N_VOLUMES, 2)
    assert np.isnan(signals).all()
    assert reducer.n_used.tolist() == reducer.n_in_view.tolist() == [0, 0]
