# SPDX-License-Identifier: BSD-3-Clause
"""Confounds by strategy and preset in the command: the selected columns, the record in the outputs, and messages."""

import json

import nibabel
import numpy as np
import pandas as pd
import pytest
from fmriprep_tables import TABLE, write_spiky

from nipype_labels.cli.main import main


@pytest.fixture
def extract(tmp_path, monkeypatch, capfd):
    """Run the command on a series of 60 volumes; return exit status, messages and the content of cleaning.json."""
    monkeypatch.chdir(tmp_path)
    labels = np.zeros((4, 4, 4), np.int16)
    labels[:2], labels[2:] = 1, 2
    nibabel.Nifti1Image(labels, np.eye(4) * 3).to_filename('atlas.nii.gz')
    data = np.random.default_rng(5).normal(500, 9, (4, 4, 4, 60))
    for name in ('bold.nii.gz', 'sub-01_desc-preproc_bold.nii.gz'):
        nibabel.Nifti1Image(data, np.eye(4) * 3).to_filename(name)
    write_spiky(tmp_path)

    def run(*options, bold='bold.nii.gz', tables=(TABLE,)):
        out = tmp_path / 'out'
        given = ['extract', bold, '--atlas', 'atlas.nii.gz', '--confounds', *tables, '-o', str(out)]
        status = main([*given, *options])
        done = json.loads((out / 'cleaning.json').read_text()) if status == 0 else None
        return status, capfd.readouterr().err, done

    return run


def test_a_preset_is_recorded_as_the_columns_it_selects(extract):
    status, _, done = extract('--preset', 'scrubbing', '--fd-threshold', '0.2')
    assert status == 0
    assert done['ConfoundsStrategy'] == ['24P', '8Phys', 'cosines', 'scrubbing']
    assert done['ScrubbingThresholds'] == {'framewise_displacement': 0.2, 'std_dvars': 1.5, 'min_segment': 5}
    assert done['NonSteadyState'] == 'censor'
    assert done['VolumesCensored']['non_steady_state'] == 2
    assert done['VolumesCensored']['short_segment'] > 0
    assert done['NumberOfConfounds'] == 24 + 8 + 1
    _, _, done = extract('--preset', 'compcor')
    assert (done['CompCorComponents'], done['CompCorMasks'], done['ConfoundsMissing']) == (
        'all',
        'combined',
        'backfill',
    )


def test_a_preset_sets_the_filter_and_an_option_replaces_a_value(extract):
    status, _, done = extract('--preset', '24P', '--low-pass', '0.2', '--tr', '2')
    assert status == 0
    assert (done['ConfoundsStrategy'], done['ConfoundsMissing']) == (['24P'], 'backfill')
    parameters = done['Parameters']
    assert [parameters[name] for name in ('detrend', 'high_pass', 'low_pass')] == [True, 0.01, 0.2]


def test_none_switches_off_a_cut_off_of_a_preset(extract):
    status, _, done = extract('--preset', '24P', '--low-pass', 'none', '--tr', '2')
    assert status == 0
    assert [done['Parameters'][name] for name in ('high_pass', 'low_pass')] == [0.01, None]
    status, said, done = extract('--preset', '24P', '--low-pass', 'none', '--high-pass', 'none')
    assert (status, 'repetition time' in said) == (0, False)
    assert [done['Parameters'][name] for name in ('high_pass', 'low_pass')] == [None, None]


def test_strategies_may_be_spelled_in_any_case(extract):
    assert extract('--confounds-strategy', '24p', 'gsr', '--confounds-na', 'zero')[2]['ConfoundsStrategy'] == [
        '24P',
        'GSR',
    ]


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ([], f'{TABLE}: no column of this table of fMRIPrep is selected'),
        (['--confounds-strategy', '24PP'], "did you mean '24P'"),
        (
            ['--preset', 'simple', '--confounds-strategy', 'GSR'],
            '2Phys cosines. Pass the preset with this value',
        ),
        (
            ['--preset', '36P', '--confounds-strategy', '36P', 'scrubbing'],
            "'36P' sets --confounds-strategy 36P. Pass --preset 36P+scrubbing, or pass all parameters without a preset",
        ),
        (['--preset', '36P', '--filter', 'none'], 'sets --filter butterworth. Pass the preset with this value'),
        (['--preset', '36'], "did you mean '36P'"),
        (['--preset', 'simple', '--n-compcor', '3'], '--n-compcor given, but it only acts with'),
        (['--preset', 'ica_aroma', '--min-segment', '3'], '--min-segment given, but it only acts with'),
    ],
    ids=str,
)
def test_contradictory_options_of_confounds_are_refused(extract, options, words):
    status, said, _ = extract(*options)
    assert (status, words in said) == (2, True), said


def test_ica_aroma_needs_a_series_whose_name_says_that_it_was_denoised(extract):
    status, said, _ = extract('--preset', 'ica_aroma', bold='sub-01_desc-preproc_bold.nii.gz')
    assert status == 2
    assert 'not desc-preproc' in said
    status, said, done = extract('--preset', 'ica_aroma')
    assert status == 0
    assert 'does not show whether ICA-AROMA has denoised' in said
    assert 'does not show' in done['ConfoundsNotes'][0]


def test_a_changed_description_of_components_changes_the_selection(extract, tmp_path):
    options = ('--confounds-strategy', 'aCompCor', '--n-compcor', '1')
    assert extract(*options)[2]['ConfoundsColumns'] == ['a_comp_cor_01', 'cosine00']
    described = {f'a_comp_cor_{i:02d}': {'Mask': 'combined' if i == 6 else 'WM'} for i in range(7)}
    (tmp_path / TABLE).with_suffix('.json').write_text(json.dumps(described))
    assert extract(*options)[2]['ConfoundsColumns'] == ['a_comp_cor_06', 'cosine00']


def test_a_second_table_is_used_and_an_index_is_named(extract, tmp_path):
    pd.DataFrame({'task': np.arange(60.0) % 7}).to_csv(tmp_path / 'task.csv')
    status, said, done = extract('--confounds-strategy', '2phys', tables=(TABLE, 'task.csv'))
    assert status == 0
    assert done['ConfoundsColumns'] == ['csf', 'white_matter', 'task']
    assert 'task.csv: the first column is an index' in said


def test_a_preset_without_confounds_is_refused_by_its_own_name(small, call):
    status, _, said = call(
        'extract', str(small.bold), '--atlas', str(small.atlas), '--preset', 'simple', '-o', str(small.out)
    )
    assert status == 2
    assert 'error: --preset given, but it only acts with --confounds' in said
