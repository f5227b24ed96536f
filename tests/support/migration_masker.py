# SPDX-License-Identifier: BSD-3-Clause
"""What the page for those who come says of nilearn's masker, line by line."""

import inspect
import io
from contextlib import redirect_stdout

import nibabel
import numpy as np
import pytest
from masker_cases import AAL, MASK, confounds
from migration_data import (
    FEW,
    NAMES,
    Theirs,
    assert_same,
    atlas,
    both,
    long_series,
    none,
    refused,
    same,
    series,
    table,
)
from nilearn.image import high_variance_confounds
from nilearn.signal import clean
from numpy.testing import assert_array_equal
from sklearn.base import clone

from nipype_labels import NiftiLabelsMasker
from nipype_labels.core.strategies import STRATEGIES

BAND = {'low_pass': 0.1, 'high_pass': 0.02}
T_R = {'t_r': 2.0}


def without_table():
    """AAL in memory: next to its file is a table of names, which nilearn does not look for."""
    image = nibabel.load(AAL)
    return nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine)


def fitted(bench, *, transformed=True, **parameters):
    """Maskers of both, with the same regions left."""
    theirs, ours = (
        Theirs(AAL, standardize=None, **parameters),
        NiftiLabelsMasker(without_table(), missing_labels='drop', **parameters),
    )
    for masker in (theirs, ours):
        bench.quietly(masker.fit, series())
        if transformed:
            bench.quietly(masker.transform, series())
    return theirs, ours


def position(bench):
    ours, theirs = (list(inspect.signature(c).parameters) for c in (NiftiLabelsMasker, Theirs))
    assert ours[:4] == ['labels_img', 'labels', 'background_label', 'mask_img']
    assert theirs[:4] == ['labels_img', 'labels', 'lut', 'background_label']


def labels_img(bench):
    same()(bench)
    interpolated = nibabel.Nifti1Image(atlas().get_fdata() * 1.2, atlas().affine)
    bench.theirs(interpolated, series())
    with refused('no region ids'):
        bench.ours(interpolated, series())


def mask_img(bench):
    same({'mask_img': MASK})(bench)
    lost = np.isnan(bench.ours(atlas(), series(), mask_img=MASK)).all(axis=0)
    assert_array_equal(lost, [name == 'nothing' for name in NAMES])


def labels(bench):
    theirs = bench.quietly(Theirs(atlas(), labels=['Background', *NAMES]).fit)
    for given in (NAMES, ('Background', *NAMES)):
        assert NiftiLabelsMasker(atlas(), labels=list(given)).fit().region_names_ == theirs.region_names_
    for given in (NAMES[:-1], (*NAMES, 'more')):
        bench.quietly(Theirs(atlas(), labels=list(given)).fit)
        with refused(f'{len(given)} names without ids for 5 regions'):
            NiftiLabelsMasker(atlas(), labels=list(given)).fit()


def lut(bench):
    given = table().iloc[::-1]
    ours, theirs = NiftiLabelsMasker(atlas(), lut=given), Theirs(atlas(), lut=given, standardize=None)
    signals, expected = (bench.quietly(masker.fit_transform, series()) for masker in (ours, theirs))
    assert list(ours.region_names_.values()) == list(given['name'])
    assert np.isnan(signals[:, 0]).all()
    assert_same(signals[:, :0:-1], expected)


def standardize_true(bench):
    same({'standardize': True}, {'standardize': 'zscore_sample'})(bench)
    assert_same(bench.ours(atlas(), series(), standardize=True).std(axis=0), np.ones(5))


def zscore(bench):
    with refused('zscore'):
        bench.theirs(atlas(), series(), standardize='zscore')
    raw = bench.ours(atlas(), series())
    assert_same(bench.ours(atlas(), series(), standardize='zscore'), (raw - raw.mean(axis=0)) / raw.std(axis=0))


def standardize_none(bench):
    same({'standardize': None}, {'standardize': None})(bench)
    same({'standardize': None}, {'standardize': False})(bench)


def high_variance(bench):
    same({'high_variance_confounds': True}, digits=6)(bench)
    ours = bench.ours(atlas(), series(), high_variance_confounds=True, mask_img=MASK, missing_labels='drop')
    raw = bench.ours(atlas(), series(), mask_img=MASK, missing_labels='drop')
    values = bench.quietly(high_variance_confounds, series(), mask_img=MASK)
    expected = bench.quietly(clean, raw, confounds=values, detrend=False, standardize=None)
    assert_same(ours, expected, digits=6)


def filters(bench):
    same(BAND | T_R, imgs=long_series)(bench)
    same(BAND | T_R, BAND, imgs=long_series)(bench)
    with pytest.warns(UserWarning, match='t_r is 3 s, but the header says 2 s'):
        NiftiLabelsMasker(atlas(), **BAND, t_r=3.0).fit_transform(long_series())


def extrapolate(bench):
    none('clean_args', 'extrapolate')(bench)
    inner = {'sample_mask': np.arange(3, 36)}
    ours = bench.ours(AAL, long_series(), given=inner, low_pass=0.1, missing_labels='drop')
    assert_same(ours, bench.theirs(AAL, long_series().slicer[..., 3:36], low_pass=0.1, **T_R))
    made_up = bench.theirs(AAL, long_series(), given=inner, low_pass=0.1, clean_args={'extrapolate': True}, **T_R)
    assert not np.allclose(ours, made_up)


def ensure_finite(bench):
    image = nibabel.Nifti1Image(series().get_fdata().copy(), series().affine)
    image.dataobj[tuple(np.argwhere(atlas().get_fdata() == FEW[0])[0])] = np.nan
    one, other = (bench.theirs(atlas(), image, clean_args={'ensure_finite': value}) for value in (False, True))
    assert_array_equal(one, other)
    assert_same(bench.ours(atlas(), image, nan_policy='zero'), one)
    assert not np.allclose(bench.ours(atlas(), image), one)


def dtype(bench):
    same({'dtype': 'float32'}, digits=5)(bench)
    assert bench.theirs(AAL, series(), dtype='float32').dtype == np.float32
    assert bench.ours(AAL, series(), dtype='float32').dtype == np.float64


def resampling_target(bench):
    same({'resampling_target': 'data'})(bench)
    wider = nibabel.Nifti1Image(np.zeros((12, 12, 8)), series().affine @ np.diag([1.2, 1.3, 1.1, 1]))
    coarse = NiftiLabelsMasker(AAL).fit(wider).labels_img_
    zero = {'nan_policy': 'zero', 'missing_labels': 'drop'}
    expected = bench.theirs(coarse, series(), resampling_target='labels')
    assert_same(bench.ours(coarse, series(), resampling_target='labels', **zero), expected, digits=5)
    for call in (bench.theirs, bench.ours):
        with refused('.'):
            call(AAL, series(), resampling_target=None)


def memory(bench):
    for i, call in enumerate((bench.theirs, bench.ours)):
        folder = bench.folder / str(i)
        one, other = (call(atlas(), series(), memory=str(folder), memory_level=1) for _ in range(2))
        assert_array_equal(one, other)
        assert [path for path in folder.rglob('*') if path.is_file()]


def verbose(bench):
    for call in (bench.theirs, bench.ours):
        said = io.StringIO()
        with redirect_stdout(said):
            call(atlas(), series(), verbose=1)
        assert said.getvalue()


def keep_masked(bench):
    theirs = Theirs(AAL, mask_img=MASK, keep_masked_labels=True, standardize=None)
    expected = bench.quietly(theirs.fit_transform, series())
    ours = NiftiLabelsMasker(AAL, mask_img=MASK, missing_labels='zero')
    signals = bench.quietly(ours.fit_transform, series())
    in_theirs = np.isin(list(ours.region_ids_.values()), theirs.labels_[1:])
    assert_same(signals[:, in_theirs], expected)
    assert not expected.all()
    assert (~in_theirs).sum() == 11
    assert not signals[:, ~in_theirs].any()


def reports(bench):
    ours = NiftiLabelsMasker(AAL).fit(series())
    with refused('nothing to report yet'):
        ours.generate_report()
    bench.quietly(ours.transform, series())
    assert 'Region signals' in ours.generate_report()._repr_html_()


def fit_and_transform(bench):
    theirs, ours = fitted(bench, transformed=False)
    assert_same(bench.quietly(ours.transform, series()), bench.quietly(theirs.transform, series()))


def fit_alone(bench):
    theirs, ours = Theirs(AAL, standardize=None), NiftiLabelsMasker(AAL, missing_labels='drop')
    signals = [bench.quietly(bench.quietly(masker.fit).transform, series()) for masker in (theirs, ours)]
    assert_same(signals[1], signals[0])
    with refused('out of bounds', IndexError):
        bench.quietly(theirs.inverse_transform, signals[0])
    assert ours.inverse_transform(signals[1]).shape == series().shape


def fit_confounds(bench):
    for theirs in ({}, {'detrend': True}, {'standardize': 'psc'}):
        same(theirs, confounds=confounds())(bench)
    second = [list(inspect.signature(c.fit_transform).parameters)[2] for c in (Theirs, NiftiLabelsMasker)]
    assert second == ['y', 'y']


def fit_y(bench):
    given = [0, 1] * 10
    assert bench.theirs(atlas(), series(), given={'y': given}).shape == (20, 5)
    expected = bench.ours(atlas(), series())
    assert_array_equal(bench.quietly(NiftiLabelsMasker(atlas()).fit_transform, series(), given), expected)
    for meant in (confounds(), 'confounds.tsv'):
        with refused('pass confounds by name'):
            NiftiLabelsMasker(atlas()).fit_transform(series(), meant)


def sample_mask(bench):
    kept = np.setdiff1d(np.arange(20), [0, 4, 5])
    for given in (kept, np.isin(np.arange(20), kept)):
        same({'standardize': 'zscore_sample'}, sample_mask=given, confounds=confounds())(bench)
    for given in (kept[::-1], np.ones(19, dtype=bool)):
        with refused('sample_mask'):
            bench.ours(atlas(), series(), given={'sample_mask': given})


def one_volume(bench):
    volume = series().slicer[..., 0]
    ours, theirs = bench.ours(atlas(), volume), bench.theirs(atlas(), volume)
    assert (ours.shape, theirs.shape) == ((1, 5), (5,))
    assert_same(ours[0], theirs)
    assert_same(bench.theirs(atlas(), volume, standardize='zscore_sample'), theirs)
    with refused('needs two volumes or more'):
        bench.ours(atlas(), volume, standardize='zscore_sample')


def list_of_series(bench):
    ours = bench.ours(atlas(), [series(), series()])
    assert_same(ours, np.tile(bench.ours(atlas(), series()), (2, 1)))
    with refused('incompatible dimensionality', TypeError):
        bench.theirs(atlas(), [series(), series()])


def inverse_transform(bench):
    theirs, ours = fitted(bench)
    signals = np.random.default_rng(60).normal(size=(3, ours.n_elements_))
    expected = bench.quietly(theirs.inverse_transform, signals)
    assert_array_equal(ours.inverse_transform(signals).get_fdata(), expected.get_fdata())
    assert_array_equal(ours.inverse_transform(signals[0]).get_fdata(), theirs.inverse_transform(signals[0]).get_fdata())
    signals[1, 2] = np.nan
    assert np.isnan(ours.inverse_transform(signals).get_fdata()).any()
    with refused('NaN'):
        bench.quietly(theirs.inverse_transform, signals)


def parameters(bench):
    ours, theirs = NiftiLabelsMasker(AAL, detrend=True), Theirs(AAL, detrend=True)
    gone = {'keep_masked_labels', 'cmap', 'clean_args'}
    shared = {name: value for name, value in theirs.get_params().items() if name not in gone}
    assert {name: clone(ours).get_params()[name] for name in shared} == shared
    assert ours.set_params(detrend=False).get_params()['detrend'] is False


def feature_names(bench):
    theirs, ours = fitted(bench)
    assert list(theirs.get_feature_names_out()) == list(ours.get_feature_names_out())


def frame(bench):
    theirs, ours = Theirs(AAL, standardize=None).set_output(transform='pandas'), NiftiLabelsMasker(without_table())
    ours.set_params(missing_labels='drop').set_output(transform='pandas')
    expected, signals = (bench.quietly(masker.fit_transform, series()) for masker in (theirs, ours))
    assert list(signals) == [str(name) for name in expected]
    assert_same(signals.to_numpy(), expected.to_numpy())


def attributes(bench):
    theirs, ours = fitted(bench, mask_img=MASK)
    assert theirs.labels_ == [0, *ours.region_ids_.values()]
    assert theirs.n_elements_ == ours.n_elements_ == 103
    assert theirs.region_names_ == ours.region_names_
    assert theirs.region_ids_ == {'background': 0} | ours.region_ids_
    for name in ('region_atlas_', 'labels_img_', 'mask_img_'):
        one, other = getattr(ours, name), getattr(theirs, name)
        assert_array_equal(one.get_fdata(), other.get_fdata())
        assert_array_equal(one.affine, other.affine)


def more_elements(bench):
    ours = NiftiLabelsMasker(AAL, mask_img=MASK)
    bench.quietly(ours.fit_transform, series())
    assert ours.n_elements_ == len(ours.regions_) == 116


def region_atlas(bench):
    theirs, ours = fitted(bench, transformed=False)
    assert hasattr(ours, 'region_atlas_')
    assert not hasattr(theirs, 'region_atlas_')


def lut_(bench):
    theirs, ours = (bench.quietly(c(atlas(), lut=table(FEW, NAMES)).fit) for c in (Theirs, NiftiLabelsMasker))
    rows = theirs.lut_[['index', 'name']].to_numpy().tolist()
    assert rows == [[0, 'Background'], *ours.lut_[['index', 'name']].to_numpy().tolist()]
    assert list(ours.regions_['name']) == list(NAMES)


def no_attributes(bench):
    assert not {'clean_args_', 'memory_'} & set(dir(fitted(bench)[1]))


CONSTRUCTOR = {
    '`NiftiLabelsMasker(a, b, c)`, by position': position,
    '`labels_img`': labels_img,
    '`mask_img`': mask_img,
    '`labels`': labels,
    '`lut`': lut,
    '`background_label`': same({'background_label': 86}, labels=atlas()),
    '`strategy`': both(*(same({'strategy': name}) for name in STRATEGIES)),
    '`smoothing_fwhm`': both(same({'smoothing_fwhm': 20.0}), same({'smoothing_fwhm': 15.0, 'mask_img': MASK})),
    '`standardize=True`': standardize_true,
    "`standardize='zscore'`, to 0.13": zscore,
    "`standardize='zscore_sample'`": same({'standardize': 'zscore_sample'}),
    "`standardize='psc'`": same({'standardize': 'psc'}, {'standardize': 'psc_nilearn'}),
    '`standardize=None`': standardize_none,
    '`standardize_confounds`': same({'standardize_confounds': False}, confounds=confounds()),
    '`high_variance_confounds`': high_variance,
    '`detrend`': same({'detrend': True}),
    '`low_pass`, `high_pass`, `t_r`': filters,
    "`clean_args={'filter': 'cosine'}`": same(
        {'clean_args': {'filter': 'cosine'}, 'high_pass': 0.02} | T_R,
        {'filter': 'cosine', 'high_pass': 0.02},
        imgs=long_series,
    ),
    "`clean_args={'extrapolate': True}`": extrapolate,
    "`clean_args={'ensure_finite': True}`": ensure_finite,
    "`clean_args={'butterworth__order': 3}` and its like": none('clean_args', 'butterworth__order'),
    '`dtype`': dtype,
    '`resampling_target`': resampling_target,
    '`memory`, `memory_level`': memory,
    '`verbose`': verbose,
    '`keep_masked_labels=False`, from 0.13 the default': same({'mask_img': MASK}),
    '`keep_masked_labels=True`, to 0.12 the default': keep_masked,
    '`reports`, `generate_report()`': reports,
    '`cmap`': none('cmap'),
}

METHODS = {
    '`fit(imgs)`, `transform(imgs)`': fit_and_transform,
    '`fit()` without a series, `transform(imgs)`, `inverse_transform(signals)`': fit_alone,
    '`fit_transform(imgs, confounds=…)`': fit_confounds,
    '`fit_transform(imgs, y)`': fit_y,
    '`sample_mask=…`': sample_mask,
    '`transform(image)`, of one volume': one_volume,
    '`transform([volume, …])`': same(imgs=lambda: nibabel.four_to_three(series())),
    '`transform([series, …])`': list_of_series,
    '`inverse_transform(signals)`': inverse_transform,
    '`get_params()`, `set_params()`, `sklearn.base.clone`': parameters,
    '`get_feature_names_out()`': feature_names,
    "`set_output(transform='pandas')`": frame,
}

ATTRIBUTES = {
    '`labels_`': attributes,
    '`n_elements_`': both(attributes, more_elements),
    '`region_names_`': attributes,
    '`region_ids_`': attributes,
    '`region_atlas_`': both(attributes, region_atlas),
    '`labels_img_`, `mask_img_`': attributes,
    '`lut_`': lut_,
    '`clean_args_`, `memory_`': no_attributes,
}
