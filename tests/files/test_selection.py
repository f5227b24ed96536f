# SPDX-License-Identifier: BSD-3-Clause
"""Columns and volumes selected from confounds tables are those that nilearn selects."""

import numpy as np
import pandas as pd
import pytest
from fmriprep_tables import MOTION, N_VOLUMES, NEW, OLD, STEADY, TABLE, ask_nilearn, copy_table, write_spiky

from nipype_labels.core.validation import expand_preset
from nipype_labels.files.confounds import read_confounds, read_tables
from nipype_labels.files.selection import select_confounds
from nipype_labels.model.confounds import check_denoised
from nipype_labels.model.errors import ConfoundsError, LabelsError
from nipype_labels.model.parameters import CONFOUNDS_PARAMETERS, PARAMETERS

#: Arguments of nilearn for the columns of a strategy.
OF_NILEARN = {
    '6P': dict(strategy=('motion',), motion='basic'),
    '24P': dict(strategy=('motion',), motion='full'),
    '36P': dict(strategy=('motion', 'wm_csf', 'global_signal'), motion='full', wm_csf='full', global_signal='full'),
    '2Phys': dict(strategy=('wm_csf',), wm_csf='basic'),
    '8Phys': dict(strategy=('wm_csf',), wm_csf='full'),
    'GSR': dict(strategy=('global_signal',), global_signal='basic'),
    'cosines': dict(strategy=('high_pass',)),
    'aCompCor': dict(strategy=('compcor', 'high_pass'), compcor='anat_combined', n_compcor=5),
}


def select(paths, n_volumes=N_VOLUMES, columns=(), strategies=(), **others):
    """Selection from tables."""
    settings = {name: PARAMETERS[name].neutral for name in CONFOUNDS_PARAMETERS} | others
    settings |= {'confounds_columns': tuple(columns), 'confounds_strategy': strategies}
    return select_confounds(read_tables(paths, n_volumes), settings, n_volumes)


def retained(chosen):
    return [i for i in range(len(chosen.frame)) if not any(flags[i] for flags in chosen.censored.values())]


@pytest.fixture
def table(request, tmp_path):
    """A copy of a table of nilearn's, under the name of a run; or the one with spikes."""
    return write_spiky(tmp_path) if request.param == 'spiky' else copy_table(request.param, tmp_path)


@pytest.fixture
def write(tmp_path):
    def write(name, frame):
        frame = pd.DataFrame(frame)
        frame.to_csv(tmp_path / name, sep='\t', index=False)
        return tmp_path / name

    return write


@pytest.mark.parametrize('strategy', OF_NILEARN)
@pytest.mark.parametrize('table', [OLD, NEW, 'spiky'], indirect=True, ids=['1.4', '21', 'spiky'])
def test_strategies_select_what_nilearn_selects(table, strategy):
    n_volumes = len(pd.read_csv(table, sep='\t'))
    chosen = select([table], n_volumes, strategies=[strategy])
    columns, volumes = ask_nilearn(table, **OF_NILEARN[strategy])
    assert set(chosen.frame) == columns
    assert retained(chosen) == volumes
    assert list(chosen.frame) == [name for name in read_confounds([table], n_volumes) if name in columns]
    assert not chosen.notes


@pytest.mark.parametrize('n_compcor', [1, 3, 11, 100, 'all'])
@pytest.mark.parametrize('acompcor', ['combined', 'separated'])
@pytest.mark.parametrize('table', [OLD, NEW, STEADY, 'spiky'], indirect=True, ids=['1.4', '21', 'steady', 'spiky'])
def test_acompcor_selects_the_components_of_its_masks(table, acompcor, n_compcor, tmp_path):
    if not table.with_suffix('.json').is_file():
        copy_table(OLD.with_suffix('.json'), tmp_path)
    n_volumes = len(pd.read_csv(table, sep='\t'))
    chosen = select([table], n_volumes, strategies=['aCompCor'], acompcor=acompcor, n_compcor=n_compcor)
    asked = {'strategy': ('compcor', 'high_pass'), 'compcor': f'anat_{acompcor}', 'n_compcor': n_compcor}
    assert set(chosen.frame) == ask_nilearn(table, **asked)[0]


def test_without_masks_components_count_as_combined_with_a_note(tmp_path):
    table = write_spiky(tmp_path)
    table.with_suffix('.json').unlink()
    chosen = select([table], 60, strategies=['aCompCor'], n_compcor=2)
    assert list(chosen.frame) == ['a_comp_cor_00', 'a_comp_cor_01', 'cosine00']
    assert any('no JSON file' in note for note in chosen.notes)
    with pytest.raises(ConfoundsError, match=rf'{TABLE}.*no JSON file.*acompcor'):
        select([table], 60, strategies=['aCompCor'], acompcor='separated')


@pytest.mark.parametrize(
    ('described', 'words'),
    [
        ('{', r'\.json cannot be read as JSON'),
        ('{"a_comp_cor_00": {"Mask": "WM"}}', 'no aCompCor components of the mask combined. Choose another acompcor'),
        ('{"a_comp_cor_99": {"Mask": "combined"}}', "has no column 'a_comp_cor_99', which the JSON"),
    ],
)
def test_masks_that_do_not_fit_are_refused(tmp_path, described, words):
    table = write_spiky(tmp_path)
    table.with_suffix('.json').write_text(described)
    with pytest.raises(ConfoundsError, match=words):
        select([table], 60, strategies=['aCompCor'])
    select([table], 60, strategies=['6P'])


def test_names_of_components_decide_their_masks_without_a_json_file(write):
    table = write('t.tsv', {name: [1.0, 2, 4] for name in ('c_comp_cor_00', 'w_comp_cor_00', 'a_comp_cor_00')})
    chosen = select([table], 3, strategies=['aCompCor'], acompcor='separated')
    assert sorted(chosen.frame) == ['c_comp_cor_00', 'w_comp_cor_00']
    assert list(select([table], 3, strategies=['aCompCor']).frame) == ['a_comp_cor_00']


def test_acompcor_without_cosines_has_a_note_and_without_components_is_refused(write):
    short = write('short.tsv', {'a_comp_cor_00': [1.0, 2, 4], 'csf': [1.0, 3, 2]})
    chosen = select([short], 3, strategies=['aCompCor'])
    assert list(chosen.frame) == ['a_comp_cor_00']
    assert any('no cosine drifts' in note for note in chosen.notes)
    none = write('none.tsv', {'cosine00': [1.0, 2, 4]})
    with pytest.raises(ConfoundsError, match=r"none\.tsv has no column 'a_comp_cor"):
        select([none], 3, strategies=['aCompCor'])


@pytest.mark.parametrize('preset', ['simple', 'scrubbing', 'compcor', 'ica_aroma'])
@pytest.mark.parametrize('table', [OLD, NEW, STEADY, 'spiky'], indirect=True, ids=['1.4', '21', 'steady', 'spiky'])
def test_presets_are_strategies_of_nilearn(table, preset, tmp_path):
    if not table.with_suffix('.json').is_file():
        copy_table(OLD.with_suffix('.json'), tmp_path)
    settings = expand_preset(preset)
    strategies = settings.pop('confounds_strategy')
    n_volumes = len(pd.read_csv(table, sep='\t'))
    chosen = select([table], n_volumes, strategies=strategies, **settings)
    desc = 'smoothAROMAnonaggr' if preset == 'ica_aroma' else 'preproc'
    columns, volumes = ask_nilearn(table, 'load_confounds_strategy', desc, denoise_strategy=preset)
    assert set(chosen.frame) == columns
    assert retained(chosen) == volumes


@pytest.mark.parametrize('table', [NEW, 'spiky'], indirect=True, ids=['21', 'spiky'])
@pytest.mark.parametrize(('preset', 'more'), [('24P', []), ('36P', ['csf', 'white_matter', 'global_signal'])])
def test_24p_and_36p_have_derivatives_and_squares_of_6_and_9_time_series(table, preset, more):
    """Computed from the time series, as Satterthwaite et al. (2013) describe the expansion."""
    base = pd.read_csv(table, sep='\t', na_values='n/a')[[*MOTION, *more]]
    change = base.diff().add_suffix('_derivative1')
    linear = pd.concat([base, change], axis=1)
    expected = pd.concat([linear, (linear**2).add_suffix('_power2')], axis=1)
    chosen = select([table], len(base), strategies=expand_preset(preset)['confounds_strategy']).frame
    assert set(chosen) == set(expected)
    assert len(chosen.columns) == int(preset[:2])
    pd.testing.assert_frame_equal(chosen, expected[list(chosen)], rtol=1e-4, atol=1e-8)


def test_scrubbing_of_36p_censors_motion_outliers_and_short_segments(tmp_path):
    table = write_spiky(tmp_path)
    parameters = expand_preset('36P+scrubbing')
    chosen = select([table], 60, strategies=parameters.pop('confounds_strategy'), **parameters)
    asked = dict(strategy=('motion', 'wm_csf', 'global_signal', 'scrub'), motion='full', wm_csf='full', scrub=5)
    columns, volumes = ask_nilearn(table, **asked, global_signal='full', fd_threshold=0.5, std_dvars_threshold=1.5)
    assert (set(chosen.frame), retained(chosen)) == (columns, volumes)


def test_changes_replace_values_of_a_preset():
    expanded = expand_preset('Scrubbing', fd_threshold=0.2, min_segment=0, confounds_columns=['csf'])
    assert expanded == {
        'confounds_strategy': ['24P', '8Phys', 'cosines', 'scrubbing'],
        'fd_threshold': 0.2,
        'dvars_threshold': 1.5,
        'min_segment': 0,
        'confounds_na': 'backfill',
        'confounds_columns': ['csf'],
    }
    assert expand_preset('compcor', n_compcor=5)['n_compcor'] == 5
    assert expand_preset('36P', detrend=False, filter='butterworth')['detrend'] is False
    expanded['confounds_strategy'].append('GSR')
    assert 'GSR' not in expand_preset('scrubbing')['confounds_strategy']


@pytest.mark.parametrize(
    ('name', 'changes', 'words'),
    [
        (
            'simple',
            {'confounds_strategy': ['GSR']},
            r"preset 'simple' sets confounds_strategy=.*24P.*Pass the preset with this value",
        ),
        ('36P', {'filter': None}, "preset '36P' sets filter='butterworth'. Pass the preset with this value"),
        ('scrub', {}, r'preset must be one of .*; did you mean .scrubbing'),
    ],
)
def test_presets_without_a_step_are_refused(name, changes, words):
    with pytest.raises(LabelsError, match=words):
        expand_preset(name, **changes)


@pytest.mark.parametrize('min_segment', [0, 1, 2, 5, 12, 60])
@pytest.mark.parametrize('seed', range(4))
def test_segments_are_censored_as_nilearn_censors_them(tmp_path, seed, min_segment):
    table, rng = write_spiky(tmp_path), np.random.default_rng(seed)
    frame = pd.read_csv(table, sep='\t')
    frame['framewise_displacement'] = np.where(rng.random(60) < 0.15, 0.9, 0.1)
    frame.to_csv(table, sep='\t', na_rep='n/a', index=False)
    chosen = select([table], 60, strategies=['24P', 'scrubbing'], min_segment=min_segment)
    _, volumes = ask_nilearn(table, strategy=('motion', 'scrub'), scrub=min_segment)
    assert retained(chosen) == volumes
    assert ('short_segment' in chosen.censored) == (min_segment > 0)


@pytest.mark.parametrize(('fd', 'dvars'), [(0.5, 1.5), (0.2, 3.0), (0.05, 1.05), (10.0, 10.0), (0.0, 0.0)])
@pytest.mark.parametrize('table', [OLD, NEW], indirect=True, ids=['1.4', '21'])
def test_thresholds_are_those_of_nilearn(table, fd, dvars):
    chosen = select([table], strategies=['6P', 'scrubbing'], fd_threshold=fd, dvars_threshold=dvars)
    asked = dict(strategy=('motion', 'scrub'), scrub=0, fd_threshold=fd, std_dvars_threshold=dvars)
    assert retained(chosen) == ask_nilearn(table, **asked)[1]


def test_a_volume_at_the_threshold_is_retained(write):
    moves, changes = [np.nan, 0.5, 0.51, 0.1], [np.nan, 1.5, 1, 1.51]
    chosen = select(
        [write('a.tsv', {'framewise_displacement': moves, 'std_dvars': changes})], 4, strategies=['scrubbing']
    )
    assert list(chosen.frame) == []
    assert {reason: np.flatnonzero(flags).tolist() for reason, flags in chosen.censored.items()} == {
        'framewise_displacement': [2],
        'std_dvars': [3],
    }


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        ({}, r"here\.tsv has no column 'std_dvars', which scrubbing requires"),
        ({'fd_threshold': -1.0}, 'fd_threshold must be 0 or more'),
        ({'dvars_threshold': float('nan')}, 'dvars_threshold must be 0 or more'),
    ],
)
def test_scrubbing_needs_its_columns_and_thresholds(write, settings, words):
    path = write('here.tsv', {'framewise_displacement': [0.0, 1], 'csf': [1.0, 2]})
    with pytest.raises(ConfoundsError, match=words):
        select([path], 2, columns=['csf'], strategies=['scrubbing'], **settings)


@pytest.mark.parametrize(
    'asked',
    [{'columns': ['csf']}, {'strategies': ['6P']}, {'strategies': ['all']}, {'strategies': ['scrubbing']}],
    ids=str,
)
def test_volumes_before_the_steady_state_are_censored_unless_kept(tmp_path, asked):
    table = write_spiky(tmp_path)
    assert select([table], 60, **asked).censored['non_steady_state'].nonzero()[0].tolist() == [0, 1]
    assert 'non_steady_state' not in select([table], 60, **asked, non_steady_state='keep').censored


# What is used of each table


def test_a_table_of_fmriprep_demands_a_selection(tmp_path, write):
    table, task = write_spiky(tmp_path), write('task.tsv', {'task': np.arange(60.0) % 7})
    for asked in ({}, {'columns': ['task']}):
        with pytest.raises(ConfoundsError, match=rf'{TABLE}: no column .* is selected.*confounds_strategy \(all'):
            select([table, task], 60, **asked)
    chosen = select([table, task], 60, strategies=['all'])
    assert list(chosen.frame) == [*read_confounds([table], 60), 'task']


@pytest.mark.parametrize('columns', [(), ('csf',), ('task',), ('t.sk', 'csf')])
def test_any_other_table_is_used_whole_unless_columns_of_it_are_selected(tmp_path, write, columns):
    table, task = write_spiky(tmp_path), write('task.tsv', {'task': np.arange(60.0) % 7, 'rating': np.arange(60.0) % 5})
    chosen = select([task, table], 60, columns, ['6P'])
    own = ['task', 'rating'] if 'task' not in columns and 't.sk' not in columns else ['task']
    of_table = {*MOTION, *({'csf'} & {*columns})}
    assert list(chosen.frame) == [*own, *(name for name in read_confounds([table], 60) if name in of_table)]


def test_a_table_that_was_cut_to_some_columns_is_used_whole_or_selected_from(write):
    short = write('short.tsv', {'trans_x': [1.0, 2, 4], 'csf': [1.0, 3, 2], 'task': [1.0, 0, 1]})
    assert list(select([short], 3).frame) == ['trans_x', 'csf', 'task']
    assert list(select([short], 3, ['csf']).frame) == ['csf']
    with pytest.raises(ConfoundsError, match=r"short\.tsv has no column 'trans_y'"):
        select([short], 3, strategies=['6P'])


def test_a_table_of_motion_and_its_measures_alone_is_one_of_fmriprep(write):
    names = [*MOTION, 'framewise_displacement', 'std_dvars']
    whole = write('whole.tsv', {name: [1.0, i, 4] for i, name in enumerate(names)})
    with pytest.raises(ConfoundsError, match=r'whole\.tsv: no column .* is selected'):
        select([whole], 3)
    cut = write('cut.tsv', {name: [1.0, i, 4] for i, name in enumerate(names[:-1])})
    assert list(select([cut], 3).frame) == names[:-1]


def test_names_of_fmriprep_before_1_2_are_not_known(write):
    old = write('old.tsv', {'FramewiseDisplacement': [0.0, 1], 'stdDVARS': [1.0, 2], 'X': [1.0, 2], 'CSF': [0.0, 1]})
    with pytest.raises(ConfoundsError, match=r'old\.tsv: no column .* is selected'):
        select([old], 2)
    with pytest.raises(ConfoundsError, match=r'old\.tsv: strategies do not support .* confounds_columns'):
        select([old], 2, strategies=['6P'])
    assert list(select([old], 2, columns=['CSF']).frame) == ['CSF']


def test_only_columns_that_are_used_must_be_numbers(write):
    odd = write('odd.tsv', {'csf': [1.0, 2], 'comment': ['ok', 'bad'], 'empty': [None, None]})
    assert list(select([odd], 2, columns=['csf']).frame) == ['csf']
    with pytest.raises(ConfoundsError, match=r"odd\.tsv: column 'comment' is not a number in row 0: 'ok'"):
        select([odd], 2)


@pytest.mark.parametrize(
    ('columns', 'expected'),
    [
        ([r'rot_.'], ['rot_x', 'rot_y']),
        (['rot'], None),
        ([r'rot_x|csf'], ['csf', 'rot_x']),
        ([r'.*_derivative1'], ['rot_x_derivative1']),
        (['a+b'], ['a+b']),
        (['csf', 'csf', 'c.f'], ['csf']),
    ],
)
def test_columns_are_names_or_expressions_that_match_whole_names(write, columns, expected):
    names = ['csf', 'rot_x', 'rot_y', 'rot_x_derivative1', 'a+b', 'aab']
    path = write('t.tsv', {name: [1.0, 2] for name in names})
    if expected is None:
        with pytest.raises(ConfoundsError, match="no column 'rot'"):
            select([path], 2, columns)
    else:
        assert list(select([path], 2, columns).frame) == expected


@pytest.mark.parametrize(
    ('wanted', 'near'),
    [('tran_x', 'trans_x'), ('globalsignal', 'global_signal'), ('white_mater', 'white_matter'), ('motion', '')],
)
def test_a_column_that_is_missing_is_refused_with_similar_names(wanted, near):
    with pytest.raises(ConfoundsError, match=rf"timeseries\.tsv has no column '{wanted}'.*{near}"):
        select([NEW], columns=[wanted])


def test_a_strategy_without_its_columns_and_a_broken_expression_are_refused(tmp_path):
    table = copy_table(NEW, tmp_path)
    frame = pd.read_csv(table, sep='\t').drop(columns='rot_z_derivative1_power2')
    frame.to_csv(table, sep='\t', na_rep='n/a', index=False)
    with pytest.raises(ConfoundsError, match="no column 'rot_z_derivative1_power2'"):
        select([table], strategies=['24P'])
    with pytest.raises(ConfoundsError, match=r"'rot_\(' is neither a column of .* nor a regular expression"):
        select([table], columns=['rot_('])


@pytest.mark.parametrize(
    ('name', 'verdict'),
    [
        ('sub-01_desc-smoothAROMAnonaggr_bold.nii.gz', 'right'),
        ('sub-01_desc-nonaggrDenoised_bold.nii.gz', 'right'),
        ('sub-01_desc-preproc_bold.nii.gz', 'wrong'),
        ('sub-01_desc-aggrDenoised_bold.nii.gz', 'wrong'),
        ('bold.nii.gz', 'unknown'),
        (None, 'unknown'),
    ],
)
def test_aroma_demands_a_series_that_it_has_denoised(name, verdict):
    if verdict == 'wrong':
        with pytest.raises(ConfoundsError, match=f'{name}: .*desc-smoothAROMAnonaggr'):
            check_denoised(name)
    else:
        assert bool(check_denoised(name)) == (verdict == 'unknown')


def test_masks_of_a_compressed_table_are_found(tmp_path):
    table = write_spiky(tmp_path)
    packed = tmp_path / f'{TABLE}.gz'
    pd.read_csv(table, sep='\t').to_csv(packed, sep='\t', na_rep='n/a', index=False)
    chosen = select([packed], 60, strategies=['aCompCor'], n_compcor='all')
    assert list(chosen.frame) == ['a_comp_cor_01', 'a_comp_cor_03', 'a_comp_cor_06', 'cosine00']
