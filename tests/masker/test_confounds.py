# SPDX-License-Identifier: BSD-3-Clause
"""Confounds of the masker by strategy, column and preset: the numbers of the graph and of nilearn."""

import warnings

import nibabel
import numpy as np
import pandas as pd
import pytest
from fmriprep_tables import NEW as V21
from fmriprep_tables import TABLE, copy_table, write_spiky
from nilearn import signal
from nilearn.interfaces.fmriprep import load_confounds
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels import NiftiLabelsMasker, expand_preset
from nipype_labels.files.tables import read_signals
from nipype_labels.model.errors import ConfoundsError, LabelsError, SignalError

#: Arguments of nilearn for 36 confounds.
OF_36P = dict(strategy=('motion', 'wm_csf', 'global_signal'), motion='full', wm_csf='full', global_signal='full')


@pytest.fixture
def bench(tmp_path):
    """A series of 60 volumes, its atlas and its table, as paths."""
    labels = np.zeros((4, 4, 4), np.int16)
    labels[:2], labels[2:] = 1, 2
    rng = np.random.default_rng(5)
    bold = tmp_path / 'sub-01_task-rest_desc-smoothAROMAnonaggr_bold.nii.gz'
    nibabel.Nifti1Image(labels, np.eye(4) * 3).to_filename(tmp_path / 'atlas.nii.gz')
    nibabel.Nifti1Image(rng.normal(500, 9, (4, 4, 4, 60)), np.eye(4) * 3).to_filename(bold)
    return bold, tmp_path / 'atlas.nii.gz', write_spiky(tmp_path)


def of_graph(masker, bold, table, folder):
    wf = masker.to_workflow(use_confounds=True)
    wf.base_dir = str(folder / 'work')
    wf.inputs.inputnode.bold_file, wf.inputs.inputnode.confounds_file = str(bold), str(table)
    (node,) = [node for node in wf.run().nodes() if node.name == 'clean']
    return read_signals(node.result.outputs.out_files[0])[1]


@pytest.mark.parametrize(
    'parameters',
    [
        expand_preset('scrubbing', fd_threshold=0.75, min_segment=0, dvars_threshold=9.0),
        expand_preset('compcor'),
        expand_preset('ica_aroma', confounds_columns=['global_signal']),
        expand_preset('24P', low_pass=0.2, t_r=2.0),
        {'confounds_strategy': ['24p', 'gsr'], 'confounds_na': 'mean', 'non_steady_state': 'keep'},
        {'confounds_strategy': ['aCompCor', 'scrubbing'], 'acompcor': 'separated', 'n_compcor': 1, 'min_segment': 3},
        {'confounds_columns': ['csf', 'rot_.'], 'detrend': True},
    ],
    ids=str,
)
def test_masker_and_graph_give_the_same_bytes(parameters, bench, tmp_path):
    bold, atlas, table = bench
    masker = NiftiLabelsMasker(atlas, ['A', 'B'], **parameters)
    signals = masker.fit_transform(bold, confounds=table)
    assert_array_equal(of_graph(masker, bold, table, tmp_path), signals)
    assert len(signals) == 60 or parameters.get('non_steady_state') != 'keep'


@pytest.mark.parametrize(
    ('preset', 'asked'),
    [
        ('24P', dict(strategy=('motion',), motion='full')),
        ('36P', OF_36P),
        ('36P+scrubbing', OF_36P | dict(strategy=(*OF_36P['strategy'], 'scrub'), scrub=5, std_dvars_threshold=1.5)),
    ],
)
def test_presets_of_the_benchmark_are_cleaned_as_by_nilearn(preset, asked, tmp_path):
    """Filter, trend, regression and censoring of ``nilearn.signal.clean``, with nilearn's columns and volumes."""
    n_volumes, t_r = 300, 2.0
    table = write_spiky(tmp_path, n_volumes)
    rng, labels = np.random.default_rng(6), np.repeat([1, 2], 32).reshape(4, 4, 4).astype('int16')
    volumes = rng.normal(500, 9, (4, 4, 4, n_volumes)) + 0.05 * np.arange(n_volumes)
    bold = tmp_path / 'sub-01_task-rest_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz'
    nibabel.Nifti1Image(volumes, np.eye(4) * 3).to_filename(bold)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        confounds, sample_mask = load_confounds(str(bold), **asked)
    raw = np.stack([volumes[labels == i].mean(axis=0) for i in (1, 2)], axis=1)
    settings = dict(detrend=True, standardize=None, filter='butterworth', high_pass=0.01, low_pass=0.08, t_r=t_r)
    expected = signal.clean(raw, confounds=confounds, sample_mask=sample_mask, extrapolate=False, **settings)
    atlas = nibabel.Nifti1Image(labels, np.eye(4) * 3)
    parameters = expand_preset(preset, fill_censored='cubic', t_r=t_r)
    found = NiftiLabelsMasker(atlas, ['A', 'B'], **parameters).fit_transform(bold, confounds=table)
    assert found.shape == expected.shape
    assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_a_table_in_memory_and_one_in_a_file_are_one(bench, tmp_path):
    bold, atlas, table = bench
    masker = NiftiLabelsMasker(atlas, ['A', 'B'], confounds_strategy=['6P'], confounds_columns=['csf'])
    expected = masker.fit_transform(bold, confounds=table)
    # pandas 2 rounds the last digit of numbers that it parses itself.
    in_memory = pd.read_csv(table, sep='\t', dtype=str).astype(float)
    assert_array_equal(masker.fit_transform(bold, confounds=in_memory), expected)
    task = np.arange(60.0)[:, None] % 7
    both = masker.fit_transform(bold, confounds=[table, task])
    assert not np.allclose(both, expected)
    chosen = pd.read_csv(table, sep='\t')[['csf', *(f'{k}_{a}' for k in ('trans', 'rot') for a in 'xyz')]].to_numpy()
    whole = NiftiLabelsMasker(atlas, ['A', 'B'])
    assert_allclose(
        both, whole.fit_transform(bold, confounds=np.c_[chosen, task], sample_mask=np.arange(2, 60)), rtol=1e-9
    )


@pytest.mark.parametrize(
    ('parameters', 'error', 'words'),
    [
        ({'n_compcor': 3}, LabelsError, 'n_compcor given, but it only acts with'),
        ({'confounds_strategy': ['scrubbing'], 'fd_threshold': 0}, SignalError, 'none of 60 volumes is retained'),
        ({}, ConfoundsError, rf'{TABLE}: no column .* is selected'),
        ({'confounds_strategy': ['24P'], 'non_steady_state': 'keep'}, ConfoundsError, 'n/a in row 0'),
    ],
    ids=str,
)
def test_contradictory_parameters_are_refused(parameters, error, words, bench):
    bold, atlas, table = bench
    with pytest.raises(error, match=words):
        NiftiLabelsMasker(atlas, ['A', 'B'], **parameters).fit_transform(bold, confounds=table)


def test_a_selection_without_confounds_is_refused(bench):
    bold, atlas, _ = bench
    with pytest.raises(ConfoundsError, match=r'no confounds are given, but these are to be selected: .*csf'):
        NiftiLabelsMasker(atlas, ['A', 'B'], confounds_columns=['csf']).fit_transform(bold)
    with pytest.raises(LabelsError, match='only acts with use_confounds'):
        NiftiLabelsMasker(atlas, ['A', 'B'], **expand_preset('simple')).to_workflow()


def test_aroma_refuses_a_series_that_it_has_not_denoised(bench):
    bold, atlas, table = bench
    masker = NiftiLabelsMasker(atlas, ['A', 'B'], **expand_preset('ica_aroma'))
    with pytest.warns(UserWarning, match='does not show whether ICA-AROMA'):
        masker.fit_transform(nibabel.Nifti1Image(nibabel.load(bold).get_fdata(), np.eye(4) * 3), confounds=table)
    other = bold.rename(str(bold).replace('smoothAROMAnonaggr', 'preproc'))
    with pytest.raises(ConfoundsError, match=r'desc-smoothAROMAnonaggr.*not desc-preproc'):
        masker.fit_transform(other, confounds=table)


def test_a_change_after_fit_acts_and_runs_have_their_own_volumes(bench, tmp_path):
    bold, atlas, table = bench
    (tmp_path / 'second').mkdir()
    short = nibabel.load(bold).slicer[..., :30]
    second = copy_table(V21, tmp_path / 'second')
    masker = NiftiLabelsMasker(atlas, ['A', 'B'], confounds_strategy=['6P']).fit(bold)
    one, two = masker.transform(bold, confounds=table), masker.transform(short, confounds=second)
    assert_array_equal(masker.transform([bold, short], confounds=[table, second]), np.concatenate([one, two]))
    assert (len(one), len(two)) == (58, 27)
    masker.set_params(non_steady_state='keep')
    assert len(masker.transform(bold, confounds=table)) == 60


def test_an_index_of_pandas_warns(bench, tmp_path):
    bold, atlas, _ = bench
    pd.DataFrame({'csf': np.arange(60.0) % 7}).to_csv(tmp_path / 'c.csv')
    with pytest.warns(UserWarning, match=r'c\.csv: the first column is an index'):
        found = NiftiLabelsMasker(atlas, ['A', 'B']).fit_transform(bold, confounds=tmp_path / 'c.csv')
    expected = NiftiLabelsMasker(atlas, ['A', 'B']).fit_transform(bold, confounds=np.arange(60.0)[:, None] % 7)
    assert_array_equal(found, expected)
