# SPDX-License-Identifier: BSD-3-Clause
"""The masker has the parameters and methods of nilearn 0.10.0, and is an estimator."""

import inspect
import subprocess
import sys

import pytest
from masker_cases import AAL, MASK, SERIES

from nipype_labels import NiftiLabelsMasker
from nipype_labels.model.errors import LabelsError

pytestmark = [pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning'), pytest.mark.slow]


#: Constructor of nilearn 0.10.0.
SEED = {
    'labels_img': inspect.Parameter.empty,
    'labels': None,
    'background_label': 0,
    'mask_img': None,
    'smoothing_fwhm': None,
    'standardize': False,
    'standardize_confounds': True,
    'high_variance_confounds': False,
    'detrend': False,
    'low_pass': None,
    'high_pass': None,
    't_r': None,
    'dtype': None,
    'resampling_target': 'data',
    'memory': None,
    'memory_level': 1,
    'verbose': 0,
    'strategy': 'mean',
    'reports': True,
}


def test_the_constructor_has_the_parameters_of_the_seed_first_then_ours():
    parameters = inspect.signature(NiftiLabelsMasker).parameters
    assert list(parameters)[: len(SEED)] == list(SEED)
    assert {name: parameters[name].default for name in SEED} == SEED
    assert all(p.kind is p.KEYWORD_ONLY for name, p in parameters.items() if name not in SEED)


@pytest.mark.parametrize(
    ('method', 'arguments'),
    [
        ('fit', ['imgs', 'y']),
        ('fit_transform', ['imgs', 'y', 'confounds', 'sample_mask']),
        ('transform', ['imgs', 'confounds', 'sample_mask']),
        ('transform_single_imgs', ['imgs', 'confounds', 'sample_mask']),
        ('inverse_transform', ['signals']),
        ('get_params', ['deep']),
        ('set_params', ['params']),
        ('generate_report', []),
    ],
)
def test_methods_have_the_parameters_of_nilearn_0_10_0(method, arguments):
    found = list(inspect.signature(getattr(NiftiLabelsMasker, method)).parameters)
    assert found[1 : 1 + len(arguments)] == arguments


def test_nothing_works_before_it_is_fitted():
    calls = [lambda m: m.transform(SERIES), lambda m: m.inverse_transform([1.0]), lambda m: m.generate_report()]
    calls += [lambda m: m.get_feature_names_out(), lambda m: m.regions_]
    for call in calls:
        with pytest.raises(LabelsError, match='not fitted yet'):
            call(NiftiLabelsMasker(AAL))


def test_parameters_are_read_and_set_by_name():
    masker = NiftiLabelsMasker(AAL, detrend=True)
    assert masker.get_params()['detrend'] is True
    assert set(masker.get_params()) >= set(SEED)
    assert masker.set_params(detrend=False, strategy='sum') is masker
    assert repr(masker) == f"NiftiLabelsMasker(labels_img={AAL!r}, strategy='sum')"
    with pytest.raises(ValueError, match="no parameter 'detrended'"):
        masker.set_params(detrend=True, detrended=True)
    assert masker.detrend is False


def test_the_report_shows_regions_and_volumes_of_the_series(tmp_path):
    masker = NiftiLabelsMasker(AAL, mask_img=MASK, detrend=True)
    masker.fit_transform(SERIES)
    report = masker.generate_report('ds003 <1>')
    report.save_as_html(tmp_path / 'report.html')
    page = (tmp_path / 'report.html').read_text()
    assert page.startswith('<!doctype html>')
    assert 'ds003 &lt;1&gt;' in page
    assert f'{(masker.regions_["status"] == "ok").sum()} of 116 regions have a time series' in page
    assert '<iframe srcdoc=' in report._repr_html_()


@pytest.mark.parametrize(
    ('reports', 'remedy'),
    [(True, 'transform a series first'), (False, 'set reports=True, then transform a series')],
)
def test_a_report_before_transform_is_refused_with_what_is_missing(reports, remedy):
    with pytest.raises(LabelsError, match=f'^there is nothing to report yet: {remedy}$'):
        NiftiLabelsMasker(AAL, reports=reports).fit(SERIES).generate_report()


def test_arrays_and_tables_are_returned_without_nilearn_scikit_learn_nipype_and_joblib():
    script = (
        'import sys, nibabel, numpy\n'
        'from nipype_labels import NiftiLabelsMasker\n'
        'labels = nibabel.Nifti1Image(numpy.ones((2, 2, 2), "uint8"), numpy.eye(4))\n'
        'series = nibabel.Nifti1Image(numpy.ones((2, 2, 2, 5)), numpy.eye(4))\n'
        'NiftiLabelsMasker(labels).fit_transform(series)\n'
        'NiftiLabelsMasker(labels).set_output(transform="pandas").fit_transform(series)\n'
        'print({"nilearn", "sklearn", "nipype", "matplotlib", "joblib"} & set(sys.modules))\n'
    )
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'set()'
