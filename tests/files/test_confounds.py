# SPDX-License-Identifier: BSD-3-Clause
"""Confounds: real tables of fMRIPrep, the columns that nilearn selects, and missing values, which are never ignored."""

import os
import re

import numpy as np
import pandas as pd
import pytest
from fmriprep_tables import N_VOLUMES, NEW, OLD, STEADY
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.files.confounds import fill_missing, read_confounds, read_mean_displacement, read_tables
from nipype_labels.model.errors import ConfoundsError


def written(folder, text, name='confounds.tsv'):
    path = folder / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(('path', 'n_columns'), [(OLD, 189), (NEW, 84), (STEADY, 188)])
def test_real_tables_are_read_whole(path, n_columns):
    table = read_confounds([path], N_VOLUMES)
    raw = pd.read_csv(path, sep='\t', na_values=['n/a'], dtype=str, keep_default_na=False)
    assert table.shape == (N_VOLUMES, n_columns)
    assert list(table) == list(raw)
    expected = np.array([[float(cell) for cell in row] for row in raw.to_numpy()])
    assert_array_equal(table.to_numpy(), expected)
    assert np.isnan(table['framewise_displacement'].iloc[0])


@pytest.mark.parametrize('path', [OLD, NEW, STEADY])
def test_mean_displacement_is_that_of_all_volumes(path):
    expected = pd.read_csv(path, sep='\t')['framewise_displacement'].mean()
    assert read_mean_displacement(path, N_VOLUMES) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(('cell', 'words'), [('fast', 'is not a number'), ('inf', 'is infinite')])
def test_displacement_that_is_not_a_number_is_refused(cell, words, tmp_path):
    path = written(tmp_path, f'framewise_displacement\nn/a\n{cell}\n')
    with pytest.raises(ConfoundsError, match=f"{path}: column 'framewise_displacement' {words}"):
        read_mean_displacement(path, 2)


@pytest.mark.parametrize('path', [OLD, NEW])
def test_leading_gaps_of_real_derivatives_follow_the_policy(path):
    table = read_confounds([path], N_VOLUMES)
    chosen = table[[column for column in table if re.match('(trans|rot)_', column)]]
    first = next(column for column in chosen if 'derivative' in column)
    with pytest.raises(ConfoundsError, match=rf"here: column '{first}' is n/a in row 0 .*'zero', 'mean' or 'backfill'"):
        fill_missing(chosen, source='here')
    for policy in ('zero', 'mean', 'backfill'):
        filled = fill_missing(chosen, policy)
        assert list(filled) == list(chosen)
        for column in chosen:
            rest = chosen[column].to_numpy()[1:]
            assert_array_equal(filled[column].to_numpy()[1:], rest)
            if 'derivative' not in column:
                assert filled[column][0] == chosen[column][0]
            else:
                expected = {'zero': 0, 'mean': rest.mean(), 'backfill': rest[0]}
                assert_allclose(filled[column][0], expected[policy], rtol=1e-12)
    assert np.isnan(chosen[first][0])


@pytest.mark.parametrize('policy', ['raise', 'zero', 'mean', 'backfill'])
@pytest.mark.parametrize('row', [0, 1, 3])
def test_an_infinity_is_never_a_missing_value(policy, row):
    values = np.arange(4.0)
    values[row] = -np.inf
    with pytest.raises(ConfoundsError, match=rf"here: column 'a' is -inf in row {row} "):
        fill_missing(pd.DataFrame({'a': values}), policy, 'here')


@pytest.mark.parametrize('policy', ['raise', 'zero', 'mean', 'backfill'])
@pytest.mark.parametrize(
    ('values', 'row'),
    [
        ([1.0, 2.0, np.nan, 4.0], 2),
        ([np.nan, 2.0, 3.0, np.nan], 3),
        ([np.nan, np.nan, 3.0, np.nan], 3),
        ([np.nan] * 4, 0),
    ],
)
def test_a_gap_anywhere_else_is_refused_naming_column_and_row(policy, values, row):
    table = pd.DataFrame({'csf': [0.0] * 4, 'rot_x': values})
    with pytest.raises(ConfoundsError, match=rf"here: column 'rot_x' has no finite value in row {row} "):
        fill_missing(table, policy, 'here')


def test_only_retained_volumes_need_values():
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
def test_a_censored_volume_does_not_influence_what_fills_a_gap(policy):
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


def test_one_row_without_a_heading_is_one_volume(tmp_path):
    table = read_confounds([written(tmp_path, '1.5 -2.25 3.5\n', 'one.txt')], 1)
    assert table.to_numpy().tolist() == [[1.5, -2.25, 3.5]]


@pytest.mark.parametrize(('separator', 'name'), [('\t', 'a.tsv'), (',', 'a.csv'), (' ', 'a.txt'), ('   ', 'b.txt')])
@pytest.mark.parametrize('heading', [True, False])
def test_numbers_are_read_to_the_last_bit(tmp_path, separator, name, heading):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 3)) * 10.0 ** rng.integers(-200, 200, (200, 3))
    lines = [separator.join(map(repr, row.tolist())) for row in values]
    path = written(tmp_path, '\n'.join([separator.join('xyz')] * heading + lines) + '\n', name)
    assert_array_equal(read_confounds([path], 200).to_numpy(), values)


def test_columns_of_two_files_are_joined_and_duplicates_refused(tmp_path):
    one, two = written(tmp_path, 'x\ty\n1\t2\n3\t4\n', 'one.tsv'), written(tmp_path, 'z\n5\n6\n', 'two.tsv')
    joined = read_confounds([one, two], 2)
    assert list(joined) == ['x', 'y', 'z']
    assert_array_equal(joined.to_numpy(), [[1, 2, 5], [3, 4, 6]])
    with pytest.raises(ConfoundsError, match=r"one\.tsv.*third\.tsv: columns of the same name: 'y'$"):
        read_confounds([one, two, written(tmp_path, 'y\n5\n6\n', 'third.tsv')], 2)


def test_a_table_that_was_read_before_is_read_as_it_is_now(tmp_path):
    """A change of the file that keeps size and times is read, and a change of the numbers in memory has no effect."""
    path = written(tmp_path, 'x\n1\n2\n')
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    (table,) = read_tables([path], 2)
    table.frame['x'] = 0.0
    assert_array_equal(read_tables([path], 2)[0].frame['x'], [1, 2])
    written(tmp_path, 'x\n3\n4\n')
    os.utime(path, ns=times)
    assert_array_equal(read_tables([path], 2)[0].frame['x'], [3, 4])
    with pytest.raises(ConfoundsError, match='has 2 rows, the signals have 3 volumes'):
        read_tables([path], 3)


def test_headless_files_of_two_names_do_not_collide(tmp_path):
    paths = [written(tmp_path, '1 2\n3 4\n', name) for name in ('motion.txt', 'physio.txt')]
    assert list(read_confounds(paths, 2)) == ['confounds_0_0', 'confounds_0_1', 'confounds_1_0', 'confounds_1_1']
