# SPDX-License-Identifier: BSD-3-Clause
"""The masker as a step of scikit-learn's pipelines."""

import importlib.util

import nibabel
import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from small_cases import atlas, run, tables

from nipype_labels import NiftiLabelsMasker
from nipype_labels.model.errors import LabelsError

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning')]

VOLUMES = nibabel.four_to_three(run())
NUMBERS = np.random.default_rng(3).normal(size=40)
CLASSES = np.arange(40) % 2


@pytest.mark.parametrize(
    ('y', 'last'),
    [
        (NUMBERS, Ridge()),
        (NUMBERS.astype('float32'), Ridge()),
        (pd.Series(NUMBERS), Ridge()),
        (NUMBERS.tolist(), Ridge()),
        (CLASSES, LogisticRegression()),
        (['a', 'b'] * 20, LogisticRegression()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_y_is_never_regressed_out(y, last):
    pipeline = make_pipeline(NiftiLabelsMasker(atlas()), StandardScaler(), last).fit(VOLUMES, y)
    alone = NiftiLabelsMasker(atlas()).fit_transform(VOLUMES)
    assert_array_equal(NiftiLabelsMasker(atlas()).fit_transform(VOLUMES, y), alone)
    expected = make_pipeline(StandardScaler(), clone(last)).fit(alone, y).predict(alone)
    assert_array_equal(pipeline.predict(VOLUMES), expected)


@pytest.mark.parametrize(
    'given', [tables(40)[0], pd.DataFrame(tables(40)[0]), 'confounds.tsv', tables(40), [__file__, __file__]]
)
def test_what_may_be_meant_as_confounds_is_refused_in_the_place_of_y(given):
    with pytest.raises(LabelsError, match='pass confounds by name'):
        NiftiLabelsMasker(atlas()).fit_transform(run(), given)


def test_a_pipeline_warns_of_confounds_that_only_its_fit_had():
    (table,) = tables(40)
    pipeline = make_pipeline(NiftiLabelsMasker(atlas()), StandardScaler())
    pipeline.fit(run(), niftilabelsmasker__confounds=table)
    with pytest.warns(UserWarning, match='fit_transform was given confounds, and transform is given none'):
        pipeline.transform(run())
    masker = pipeline[0]
    masker.transform(run(), confounds=table)
    masker.fit().transform(run())


def test_folds_and_grids_are_searched():
    pipeline = make_pipeline(NiftiLabelsMasker(atlas()), LogisticRegression())
    grid = {'niftilabelsmasker__strategy': ['mean', 'sum'], 'niftilabelsmasker__labels_img': [atlas(), atlas(seed=3)]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score='raise').fit(VOLUMES, CLASSES)
    assert set(search.best_params_) == set(grid)
    assert len(cross_val_score(pipeline, VOLUMES, CLASSES, cv=2, error_score='raise')) == 2
    union = FeatureUnion([('one', NiftiLabelsMasker(atlas())), ('two', NiftiLabelsMasker(atlas(seed=3)))])
    assert union.fit_transform(VOLUMES, NUMBERS).shape == (40, 8)


def test_set_output_gives_tables_with_the_names_of_regions():
    masker = NiftiLabelsMasker(atlas(), labels=list('abcd'))
    expected = masker.fit_transform(run())
    assert masker.set_output(transform='pandas') is masker
    for signals in (masker.fit_transform(run()), masker.transform(run())):
        assert isinstance(signals, pd.DataFrame)
        assert list(signals) == list('abcd') == masker.get_feature_names_out().tolist()
        assert_array_equal(signals.to_numpy(), expected)
        assert_array_equal(
            masker.inverse_transform(signals).get_fdata(), masker.inverse_transform(expected).get_fdata()
        )
    assert isinstance(clone(masker).fit_transform(run()), pd.DataFrame)
    assert isinstance(masker.set_output().transform(run()), pd.DataFrame)
    assert type(masker.set_output(transform='default').transform(run())) is np.ndarray


def test_set_output_and_names_pass_through_a_pipeline():
    masker = NiftiLabelsMasker(atlas(), labels=list('abcd'), missing_labels='drop')
    pipeline = make_pipeline(masker, StandardScaler()).set_output(transform='pandas')
    table = pipeline.fit_transform(run(without=[2]), NUMBERS)
    assert list(table) == ['a', 'c', 'd'] == pipeline.get_feature_names_out().tolist()
    chosen = make_column_transformer(('passthrough', ['a', 'd']))
    assert list(make_pipeline(masker, chosen).set_output(transform='pandas').fit_transform(run())) == [
        'passthrough__a',
        'passthrough__d',
    ]


def test_the_configuration_of_scikit_learn_counts_unless_the_masker_has_its_own():
    with sklearn.config_context(transform_output='pandas'):
        assert isinstance(NiftiLabelsMasker(atlas()).fit_transform(run()), pd.DataFrame)
        own = NiftiLabelsMasker(atlas()).set_output(transform='default')
        assert type(own.fit_transform(run())) is np.ndarray


def test_other_containers_than_those_of_scikit_learn_are_refused():
    with pytest.raises(LabelsError, match='transform must be one of default, pandas, polars'):
        NiftiLabelsMasker(atlas()).set_output(transform='list')
    if importlib.util.find_spec('polars') is None:
        with pytest.raises(LabelsError, match='pip install polars'):
            NiftiLabelsMasker(atlas()).set_output(transform='polars')
    else:
        signals = NiftiLabelsMasker(atlas()).set_output(transform='polars').fit_transform(run())
        assert signals.columns == ['1', '2', '3', '4']


def test_scikit_learn_sees_whether_a_masker_is_fitted():
    masker = NiftiLabelsMasker(atlas())
    assert not hasattr(masker, 'labels_img_')
    with pytest.raises(NotFittedError):
        check_is_fitted(masker)
    check_is_fitted(masker.fit())
    assert masker.get_feature_names_out(['x']).dtype == object
