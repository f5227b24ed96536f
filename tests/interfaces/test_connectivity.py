# SPDX-License-Identifier: BSD-3-Clause
"""The node that measures connectivity: a matrix for each table of signals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.connectivity import measure_connectivity
from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import Connectivity
from nipype_labels.model.errors import SignalError


def test_each_table_of_signals_gives_a_matrix_under_its_names(signals, run):
    values = np.random.default_rng(71).normal(size=(30, 4))
    values[:, 2] = np.nan
    one = signals(values, 'one.tsv', ['A', 'B', 'C', 'D'])
    two = signals(values[:, ::-1], 'two.tsv', ['X', 'Y', 'Z', 'W'])
    outputs = run(Connectivity(signals_files=[one, two], covariance_estimator='empirical'))
    names, matrix = read_signals(outputs.out_files[0])
    assert names == ['A', 'B', 'C', 'D']
    there = [0, 1, 3]
    assert_allclose(matrix[np.ix_(there, there)], np.corrcoef(values[:, there].T), atol=1e-12)
    assert np.isnan(matrix[2]).all()
    names, mirrored = read_signals(outputs.out_files[1])
    assert names == ['X', 'Y', 'Z', 'W']
    assert_allclose(mirrored, matrix[::-1, ::-1], atol=1e-12)


@pytest.mark.parametrize('kind', ['covariance', 'partial correlation'])
def test_all_choices_reach_the_numbers(kind, signals, run):
    values = np.random.default_rng(72).normal(size=(30, 4))
    path = signals(values)
    outputs = run(Connectivity(signals_files=path, connectivity=kind))
    assert_array_equal(read_signals(outputs.out_files[0])[1], measure_connectivity(values, kind)[0])
    outputs = run(Connectivity(signals_files=path, connectivity='correlation', fisher_z=True))
    assert_array_equal(read_signals(outputs.out_files[0])[1], measure_connectivity(values, fisher_z=True)[0])


def test_an_error_names_the_file(signals, run):
    path = signals(np.eye(2))
    with pytest.raises(SignalError, match='3 volumes or more') as raised:
        run(Connectivity(signals_files=path))
    assert path in str(raised.value)
