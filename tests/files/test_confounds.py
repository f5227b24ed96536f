# SPDX-License-Identifier: BSD-3-Clause
"""Confounds: real tables of fMRIPrep, the columns that nilearn takes, and missing values that never pass unseen."""

import importlib.util
import shutil
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.errors import ConfoundsError
from nipype_labels.files.confounds import (
    CONFOUNDS_STRATEGIES,
    choose_columns,
    fill_missing,
    read_confounds,
    volumes_to_scrub,
)

DATA = Path(importlib.util.find_spec('nilearn').origin).parent / 'interfaces' / 'fmriprep' / 'data'
OLD = 'test_desc-confounds_regressors'
NEW = 'test-v21_desc-confounds_timeseries'
STEADY = 'no_nonsteady_desc-confounds_regressors'
N_VOLUMES = 30

#: What asks nilearn for the same columns.
OF_NILEARN = {
    '6P': dict(strategy=('motion',), motion='basic'),
    '24P': dict(strategy=('motion',), motion='full'),
    '36P': dict(strategy=('motion', 'wm_csf', 'global_signal'), motion='full', wm_csf='full', global_signal='full'),
    'GSR': dict(strategy=('global_signal',), global_signal='basic'),
    'aCompCor': dict(strategy=('compcor', 'high_pass'), compcor='anat_combined', n_compcor=5),
}


def table_of(name):
    return read_confounds([DATA / f'{name}.tsv'], N_VOLUMES)


def written(folder, text, name='confounds.tsv'):
    path = folder / name
    path.write_bytes(text.encode())
    return path


@pytest.fixture
def nilearn_confounds(tmp_path):
    """Columns and kept volumes that nilearn gives for one of its tables."""

    def load(name, **settings):
        from nilearn.interfaces.fmriprep import load_confounds

        stem, suffix = 'sub-01_task-rest_run-01', name.removeprefix('test').removeprefix('-v21').lstrip('_')
        bold = tmp_path / f'{stem}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz'
        nib.Nifti1Image(np.zeros((2, 2, 2, N_VOLUMES), np.float32), np.eye(4)).to_filename(bold)
        for extension in ('.tsv', '.json'):
            shutil.copy(DATA / f'{name}{extension}', tmp_path / f'{stem}_{suffix}{extension}')
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            return load_confounds(str(bold), demean=False, **settings)

    return load


@pytest.mark.parametrize(('name', 'n_columns'), [(OLD, 189), (NEW, 84), (STEADY, 188)])
def test_real_tables_are_read_whole(name, n_columns):
    table = table_of(name)
    raw = pd.read_csv(DATA / f'{name}.tsv', sep='\t', na_values=['n/a'], dtype=str, keep_default_na=False)
    assert table.shape == (N_VOLUMES, n_columns)
    assert list(table) == list(raw)
    expected = np.array([[float(cell) for cell in row] for row in raw.to_numpy()])
    assert_array_equal(table.to_numpy(), expected)
    assert np.isnan(table['framewise_displacement'].iloc[0])
    assert choose_columns(list(table)) == list(table)


@pytest.mark.parametrize('strategy', OF_NILEARN)
@pytest.mark.parametrize('name', [OLD, NEW])
def test_strategies_take_the_columns_that_nilearn_takes(name, strategy, nilearn_confounds):
    table = table_of(name)
    theirs, _ = nilearn_confounds(name, **OF_NILEARN[strategy])
    chosen = choose_columns(list(table), strategies=[strategy])
    assert set(chosen) == set(theirs)
    assert chosen == [column for column in table if column in set(chosen)]
    sizes = {'6P': 6, '24P': 24, '36P': 36, 'GSR': 1}
    assert len(chosen) == sizes.get(strategy, theirs.shape[1])
    ours = fill_missing(table[chosen], 'mean')[list(theirs)]
    assert_allclose(ours.to_numpy()[1:], theirs.to_numpy()[1:], rtol=1e-12)


@pytest.mark.parametrize(('fd', 'dvars'), [(0.5, 1.5), (0.2, 3.0), (0.05, 1.05), (10.0, 10.0), (0.0, 0.0), (0.2, 0.9)])
@pytest.mark.parametrize('name', [OLD, NEW])
def test_scrubbing_keeps_the_volumes_that_nilearn_keeps(name, fd, dvars, nilearn_confounds):
    reasons = volumes_to_scrub(table_of(name), fd, dvars)
    kept = np.flatnonzero(~np.any(list(reasons.values()), axis=0))
    settings = dict(strategy=('scrub',), scrub=0, fd_threshold=fd, std_dvars_threshold=dvars)
    _, theirs = nilearn_confounds(name, **settings)
    assert_array_equal(kept, np.arange(N_VOLUMES) if theirs is None else theirs)


@pytest.mark.parametrize(('fd', 'dvars'), [(0.5, 1.5), (0.1, 1.1), (0.0, 0.0), (99, 99)])
@pytest.mark.parametrize('name', [OLD, NEW, STEADY])
def test_scrubbing_agrees_with_a_loop_over_the_text(name, fd, dvars):
    reasons = volumes_to_scrub(table_of(name), fd, dvars)
    lines = [line.split('\t') for line in (DATA / f'{name}.tsv').read_text().splitlines()]
    heads, rows = lines[0], lines[1:]
    assert list(reasons) == ['framewise_displacement', 'std_dvars', 'non_steady_state']
    for volume, row in enumerate(rows):
        cells = {head: float('nan') if cell == 'n/a' else float(cell) for head, cell in zip(heads, row, strict=True)}
        assert reasons['framewise_displacement'][volume] == (cells['framewise_displacement'] > fd)
        assert reasons['std_dvars'][volume] == (cells['std_dvars'] > dvars)
        unsteady = any(cells[head] for head in heads if head.startswith('non_steady_state_outlier'))
        assert reasons['non_steady_state'][volume] == unsteady
    assert {flags.dtype for flags in reasons.values()} == {np.dtype(bool)}
    assert {flags.shape for flags in reasons.values()} == {(N_VOLUMES,)}
    assert reasons['non_steady_state'].sum() == {OLD: 1, NEW: 3, STEADY: 0}[name]


def test_a_volume_at_the_threshold_stays():
    table = pd.DataFrame({'framewise_displacement': [np.nan, 0.5, 0.51, 0.1], 'std_dvars': [np.nan, 1.5, 1, 1.51]})
    reasons = volumes_to_scrub(table, 0.5, 1.5)
    assert reasons['framewise_displacement'].tolist() == [False, False, True, False]
    assert reasons['std_dvars'].tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ('have', 'lacking'),
    [(['std_dvars'], 'framewise_displacement'), (['framewise_displacement'], 'std_dvars'), ([], 'std_dvars')],
)
def test_scrubbing_needs_its_columns(have, lacking):
    table = pd.DataFrame({name: [0.0, 1.0] for name in [*have, 'csf']})
    with pytest.raises(ConfoundsError, match=rf'scrubbing needs .*{lacking}.* here\.tsv does not have'):
        volumes_to_scrub(table, source='here.tsv')


def test_scrubbing_is_a_strategy_that_takes_no_column():
    assert choose_columns(['csf', 'rot_x'], strategies=['scrubbing']) == []


def test_strategies_and_columns_add_up_in_the_order_of_the_table():
    table = table_of(NEW)
    chosen = choose_columns(list(table), ['csf', r'motion_outlier0\d'], ['6P', 'GSR'])
    wanted = {'csf', 'global_signal', *CONFOUNDS_STRATEGIES['6P'], *(f'motion_outlier0{i}' for i in range(10))}
    assert chosen == [name for name in table if name in wanted]
    assert len(chosen) == 18


@pytest.mark.parametrize(
    ('columns', 'expected'),
    [
        ([r'rot_.'], ['rot_x', 'rot_y']),
        (['rot'], None),
        ([r'rot_x|csf'], ['csf', 'rot_x']),
        ([r'.*_derivative1'], ['rot_x_derivative1']),
        ([r'rot_x.*'], ['rot_x', 'rot_x_derivative1']),
        (['a+b'], ['a+b']),
        (['csf', 'csf', 'c.f'], ['csf']),
    ],
)
def test_columns_are_names_or_expressions_that_match_whole_names(columns, expected):
    available = ['csf', 'rot_x', 'rot_y', 'rot_x_derivative1', 'a+b', 'aab']
    if expected is None:
        with pytest.raises(ConfoundsError, match="no column 'rot'"):
            choose_columns(available, columns)
    else:
        assert choose_columns(available, columns) == expected


@pytest.mark.parametrize('name', [OLD, STEADY])
@pytest.mark.parametrize('n_compcor', [1, 5, 10, 11, 12, 50, 99, 100, 101, 126])
def test_acompcor_takes_the_first_components(name, n_compcor):
    """With more than a hundred of them too, where names no longer sort as numbers."""
    chosen = choose_columns(list(table_of(name)), strategies=['aCompCor'], n_compcor=n_compcor)
    components = [column for column in chosen if column.startswith('a_comp_cor')]
    assert components == [f'a_comp_cor_{i:02d}' for i in range(n_compcor)]
    assert [column for column in chosen if column not in components] == [f'cosine0{i}' for i in range(4)]


def test_acompcor_does_without_cosines_but_not_without_components():
    """A short run has none."""
    assert choose_columns(['a_comp_cor_00', 'csf'], strategies=['aCompCor']) == ['a_comp_cor_00']
    with pytest.raises(ConfoundsError, match='a_comp_cor'):
        choose_columns(['cosine00', 'csf'], strategies=['aCompCor'])


@pytest.mark.parametrize('wanted', ['cosine07', r'cosine1\d', 'a_comp_cor_77', 'motion', 'Global_Signal', ''])
def test_whatever_is_asked_for_and_is_not_there_is_refused(wanted):
    available = list(table_of(NEW))
    with pytest.raises(ConfoundsError, match=r'sub-1\.tsv'):
        choose_columns(available, columns=[wanted], source='sub-1.tsv')


@pytest.mark.parametrize(
    ('wanted', 'near'),
    [
        ('tran_x', 'trans_x'),
        ('globalsignal', 'global_signal'),
        ('framewise_displacment', 'framewise_displacement'),
        ('white_mater', 'white_matter'),
    ],
)
def test_a_slip_of_the_pen_is_answered_by_names_that_are_near(wanted, near):
    with pytest.raises(ConfoundsError, match=rf"sub-1\.tsv has no column '{wanted}'; did you mean .*\b{near}\b"):
        choose_columns(list(table_of(NEW)), columns=[wanted], source='sub-1.tsv')


def test_a_strategy_without_its_columns_is_refused_naming_one():
    available = [name for name in table_of(NEW) if name != 'rot_z_derivative1_power2']
    assert len(choose_columns(available, strategies=['6P'])) == 6
    for strategy in ('24P', '36P'):
        with pytest.raises(ConfoundsError, match="no column 'rot_z_derivative1_power2'"):
            choose_columns(available, strategies=[strategy])


def test_a_broken_expression_is_refused():
    with pytest.raises(ConfoundsError, match=r"'rot_\(' is neither a column of here nor a regular expression"):
        choose_columns(['rot_x'], columns=['rot_('], source='here')


@pytest.mark.parametrize('name', [OLD, NEW])
def test_leading_gaps_of_real_derivatives_follow_the_policy(name):
    table = table_of(name)
    chosen = table[choose_columns(list(table), strategies=['24P'])]
    first = next(column for column in chosen if 'derivative' in column)
    with pytest.raises(ConfoundsError, match=rf"here: column '{first}' is n/a in row 0 .*'zero' or 'mean'"):
        fill_missing(chosen, source='here')
    for policy in ('zero', 'mean'):
        filled = fill_missing(chosen, policy)
        assert list(filled) == list(chosen)
        for column in chosen:
            rest = chosen[column].to_numpy()[1:]
            assert_array_equal(filled[column].to_numpy()[1:], rest)
            if 'derivative' not in column:
                assert filled[column][0] == chosen[column][0]
            else:
                assert_allclose(filled[column][0], 0 if policy == 'zero' else rest.mean(), rtol=1e-12)
    assert np.isnan(chosen[first][0])


def test_several_leading_gaps_are_filled_and_columns_without_stay():
    table = pd.DataFrame({'a': [np.nan, np.nan, 3.0, 5.0], 'b': [1.0, 2.0, 3.0, 4.0]})
    assert fill_missing(table, 'zero')['a'].tolist() == [0, 0, 3, 5]
    assert fill_missing(table, 'mean')['a'].tolist() == [4, 4, 3, 5]
    assert fill_missing(table, 'mean')['b'].tolist() == [1, 2, 3, 4]
    assert fill_missing(table[['b']])['b'].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize('policy', ['raise', 'zero', 'mean'])
@pytest.mark.parametrize(
    ('values', 'row'),
    [
        ([1.0, 2.0, np.nan, 4.0], 2),
        ([np.nan, 2.0, 3.0, np.nan], 3),
        ([np.nan, np.nan, 3.0, np.nan], 3),
        ([1.0, np.inf, 2.0, 3.0], 1),
        ([1.0, 2.0, 3.0, -np.inf], 3),
        ([np.nan] * 4, 0),
    ],
)
def test_a_gap_anywhere_else_is_refused_naming_column_and_row(policy, values, row):
    table = pd.DataFrame({'csf': [0.0] * 4, 'rot_x': values})
    with pytest.raises(ConfoundsError, match=rf"here: column 'rot_x' has no finite value in row {row} "):
        fill_missing(table, policy, 'here')


def test_only_volumes_that_count_need_values():
    table = pd.DataFrame({'a': [np.nan, 1.0, np.nan, 3.0, 4.0]})
    kept = np.array([False, True, False, True, True])
    for policy in ('raise', 'zero', 'mean'):
        assert fill_missing(table, policy, kept=kept)['a'][kept].tolist() == [1, 3, 4]
    kept[2] = True
    with pytest.raises(ConfoundsError, match=r"column 'a' has no finite value in row 2 "):
        fill_missing(table, 'zero', kept=kept)
    kept[:] = [True, True, False, True, True]
    with pytest.raises(ConfoundsError, match=r"column 'a' is n/a in row 0 "):
        fill_missing(table, kept=kept)
    assert fill_missing(table, 'zero', kept=kept)['a'][kept].tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize('policy', ['zero', 'mean'])
def test_a_volume_left_out_has_no_influence_on_what_fills_a_gap(policy):
    kept = np.array([True, True, True, False, True])
    one = fill_missing(pd.DataFrame({'a': [np.nan, 1.0, 2.0, 3.0, 6.0]}), policy, kept=kept)
    other = fill_missing(pd.DataFrame({'a': [np.nan, 1.0, 2.0, 1e6, 6.0]}), policy, kept=kept)
    assert one['a'][kept].tolist() == other['a'][kept].tolist()
    assert one['a'][0] == (0 if policy == 'zero' else 3)


@pytest.mark.parametrize(
    ('name', 'text', 'columns'),
    [
        ('a.tsv', 'x\ty\n1\t2\n3\tn/a\n', ['x', 'y']),
        ('a.csv', 'x,y\n1,2\n3,n/a\n', ['x', 'y']),
        ('a.csv', 'x;y\n1;2\n3;\n', ['x', 'y']),
        ('a.csv', ' x, y\n 1, 2\n 3, NaN\n', ['x', 'y']),
        ('a.csv', '\ufeffx,y\r\n1,2\r\n3,NA\r\n', ['x', 'y']),
        ('a.txt', 'x y\n1 2\n3 nan\n', ['x', 'y']),
        ('a.txt', '  x    y\n  1.0  2\n  3   nan\n', ['x', 'y']),
        ('motion.par', '1 2\n3 nan\n', ['confounds_0_0', 'confounds_0_1']),
        ('motion.1D', '  1   2  \n  3   nan  \n', ['confounds_0_0', 'confounds_0_1']),
        ('rp_bold.txt', '1\t2\n3\tnan\n', ['confounds_0_0', 'confounds_0_1']),
        ('rp.csv', '1.0e0,2\n3,nan\n', ['confounds_0_0', 'confounds_0_1']),
    ],
)
def test_tables_of_every_shape_are_read(tmp_path, name, text, columns):
    table = read_confounds([written(tmp_path, text, name)], 2)
    assert list(table) == columns
    assert_array_equal(table.to_numpy(), [[1, 2], [3, np.nan]])
    assert set(table.dtypes) == {np.dtype(np.float64)}


@pytest.mark.parametrize(('separator', 'name'), [('\t', 'a.tsv'), (',', 'a.csv'), (' ', 'a.txt'), ('   ', 'b.txt')])
@pytest.mark.parametrize('heading', [True, False])
def test_numbers_are_read_to_the_last_bit(tmp_path, separator, name, heading):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 3)) * 10.0 ** rng.integers(-200, 200, (200, 3))
    lines = [separator.join(map(repr, row.tolist())) for row in values]
    path = written(tmp_path, '\n'.join([separator.join('xyz')] * heading + lines) + '\n', name)
    assert_array_equal(read_confounds([path], 200).to_numpy(), values)


def test_text_without_headings_is_read_as_nilearn_would_read_it(tmp_path):
    values = np.random.default_rng(1).normal(size=(20, 6))
    np.savetxt(tmp_path / 'rp.txt', values)
    assert_array_equal(read_confounds([tmp_path / 'rp.txt'], 20).to_numpy(), values)


@pytest.mark.parametrize('n_volumes', [29, 31])
def test_another_number_of_rows_is_refused_naming_both(n_volumes):
    with pytest.raises(ConfoundsError, match=rf'{NEW}\.tsv has 30 rows, the signals have {n_volumes} volumes'):
        read_confounds([DATA / f'{NEW}.tsv'], n_volumes)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('x\ty\n1\t2\n3\tbad\n', r"column 'y'.*row 1\b.*'bad'"),
        ('x,y\nhigh,2\n3,4\n', r"column 'x'.*row 0\b.*'high'"),
        ('1 2\n3 x\n', r"column 'confounds_0_1'.*row 1\b.*'x'"),
    ],
)
def test_a_cell_of_text_is_named(tmp_path, text, words):
    with pytest.raises(ConfoundsError, match=rf'confounds\.tsv: {words}'):
        read_confounds([written(tmp_path, text)], 2)


def test_columns_of_two_files_stand_side_by_side_but_never_twice(tmp_path):
    one, two = written(tmp_path, 'x\ty\n1\t2\n3\t4\n', 'one.tsv'), written(tmp_path, 'z\n5\n6\n', 'two.tsv')
    joined = read_confounds([one, two], 2)
    assert list(joined) == ['x', 'y', 'z']
    assert_array_equal(joined.to_numpy(), [[1, 2, 5], [3, 4, 6]])
    with pytest.raises(ConfoundsError, match=r'one\.tsv.*third\.tsv: columns given more than once: y$'):
        read_confounds([one, two, written(tmp_path, 'y\n5\n6\n', 'third.tsv')], 2)


def test_headless_files_of_two_names_do_not_collide(tmp_path):
    paths = [written(tmp_path, '1 2\n3 4\n', name) for name in ('motion.txt', 'physio.txt')]
    assert list(read_confounds(paths, 2)) == ['confounds_0_0', 'confounds_0_1', 'confounds_1_0', 'confounds_1_1']


def test_no_file_gives_no_column():
    assert read_confounds([], 7).shape == (7, 0)


@pytest.mark.parametrize('text', ['x\ty\n1\t2\t9\n3\t4\t9\n', 'x\ty\n1\t2\t\n3\t4\t\n', 'x,y\n1,2,\n3,4,\n'])
def test_a_cell_too_many_never_moves_the_columns(tmp_path, text):
    path = written(tmp_path, text)
    try:
        table = read_confounds([path], 2)
    except ConfoundsError as error:
        assert str(path) in str(error)  # noqa: PT017 (either is fine)
    else:
        assert list(table)[:2] == ['x', 'y']
        assert_array_equal(table.to_numpy()[:, :2], [[1, 2], [3, 4]])


@pytest.mark.parametrize('content', [b'', b'\n\n', bytes(range(256)) * 4, b'x\ty\n1\t2\n3\t4\t5\t6\n'])
def test_what_is_no_table_is_refused_by_file(tmp_path, content):
    (tmp_path / 'confounds.tsv').write_bytes(content)
    with pytest.raises(ConfoundsError, match=r'confounds\.tsv') as caught:
        read_confounds([tmp_path / 'confounds.tsv'], 2)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('name', ['nowhere.tsv', '.'])
def test_a_missing_file_or_a_folder_is_refused_by_name(tmp_path, name):
    with pytest.raises(ConfoundsError, match='no such confounds file') as caught:
        read_confounds([tmp_path / name], 2)
    assert str(tmp_path / name) in str(caught.value)
