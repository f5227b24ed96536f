# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives with fewer digits: the option, its place in manifests, group tables and the estimate of disk space."""

import re

import numpy as np
import pandas as pd
import pytest
from group_cases import MATRIX, collect, find, read_matrix
from named_cases import ask, make_runs

pytestmark = pytest.mark.slow

OPTIONS = ('--connectivity', 'correlation', '--digits')


@pytest.fixture
def folder(tmp_path):
    """A dataset of two runs."""
    return make_runs(tmp_path, ('01', '02'))


def read_numbers(folder, participant, end):
    return pd.read_csv(find(folder / 'out', participant, end), sep='\t', na_values='n/a').to_numpy()


def test_tables_with_fewer_digits_are_smaller_and_group_reads_them(folder, call):
    assert call(*ask(folder, *OPTIONS[:2]))[0] == 0
    series, matrix = (read_numbers(folder, '01', end) for end in ('stat-mean_timeseries.tsv', MATRIX))
    status, _, said = call(*ask(folder, *OPTIONS, '5'))
    assert (status, said.count('digits changed from None to 5')) == (0, 2)
    for end, exact in (('stat-mean_timeseries.tsv', series), (MATRIX, matrix)):
        found = read_numbers(folder, '01', end)
        np.testing.assert_allclose(found, exact, rtol=5.1e-5)
        assert (found != exact).any()
        assert max(len(digits) for digits in re.findall(r'[1-9]\d*', find(folder / 'out', '01', end).read_text())) < 7
    assert collect(call, folder / 'out')[0] == 0
    assert read_matrix(folder / 'out')[0] == np.float32(read_numbers(folder, '01', MATRIX)[0, 1])


def test_runs_with_different_digits_are_not_in_one_group_table(folder, call):
    assert call(*ask(folder, *OPTIONS, '5', '--participant-label', '01'))[0] == 0
    assert call(*ask(folder, *OPTIONS, '7', '--participant-label', '02'))[0] == 0
    status, _, said = collect(call, folder / 'out')
    assert (status, 'digits is 5 and 7' in said) == (2, True)


@pytest.mark.parametrize(
    ('digits', 'words'),
    [
        ('3', 'digits must be from 4 to 15, not 3'),
        ('16', 'digits must be from 4 to 15, not 16'),
        ('5.5', "argument --digits: invalid int value: '5.5'"),
    ],
)
def test_a_number_of_digits_that_is_not_possible_is_refused_before_anything_runs(digits, words, folder, call):
    status, _, said = call(*ask(folder, *OPTIONS, digits))
    assert (status, words in said) == (2, True), said
    assert not (folder / 'out').exists()


def test_the_estimate_of_disk_space_follows_the_digits(folder, call):
    found = {}
    for digits in ('4', '7', '15'):
        status, told, _ = call(*ask(folder, *OPTIONS, digits, '--dry-run', '--tsv', str(folder / 'plan.tsv')))
        assert status == 0, told
        found[digits] = pd.read_csv(folder / 'plan.tsv', sep='\t')[['derivatives_bytes', 'work_bytes']].iloc[0]
    derivatives, work = zip(*(found[digits] for digits in found), strict=True)
    # Two time series of 20 volumes and 2 regions, before and after denoising, and a matrix; work has all digits.
    assert np.diff(derivatives).tolist() == [3 * 84, 8 * 84]
    assert len(set(work)) == 1
