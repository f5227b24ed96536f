# SPDX-License-Identifier: BSD-3-Clause
"""Statuses of regions without a signal, and the policies for their columns."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from spaces import make_atlas

from nipype_labels.core.coverage import CoverageTable
from nipype_labels.core.reduce import Reduction
from nipype_labels.model.columns import STATUSES
from nipype_labels.model.errors import MissingRegionsError
from nipype_labels.model.parameters import PARAMETERS

EACH_POLICY = pytest.mark.parametrize('policy', PARAMETERS['missing_labels'].choices)


def with_status(status):
    """Return the table of an atlas whose regions A, B, … have these statuses."""
    labels = np.arange(1, len(status) + 1).reshape(-1, 1, 1)
    table = CoverageTable.of(make_atlas(labels, ids=labels.ravel(), names=list('ABCDEFGHIJKLM')[: len(status)]))
    return replace(table, status=np.array(status, dtype=object))


@pytest.mark.parametrize('status', STATUSES)
def test_only_regions_with_values_of_their_own_have_a_signal(status):
    assert with_status([status]).has_signal.tolist() == [status in ('ok', 'constant', 'collinear')]


STATUS = ['ok', 'outside_mask', 'constant', 'absent_from_atlas']
SIGNALS = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(('policy', 'fill'), [(None, np.nan), ('nan', np.nan), ('zero', 0.0)])
def test_missing_regions_keep_their_columns(policy, fill):
    before = SIGNALS.copy()
    signals, kept = with_status(STATUS).apply_missing_policy(SIGNALS, *([policy] if policy else []))
    expected = SIGNALS.copy()
    expected[:, [1, 3]] = fill
    assert_array_equal(signals, expected)
    assert kept.tolist() == [True] * 4
    assert_array_equal(SIGNALS, before)


def test_missing_regions_are_dropped_on_request():
    signals, kept = with_status(STATUS).apply_missing_policy(SIGNALS, 'drop')
    assert_array_equal(signals, SIGNALS[:, [0, 2]])
    assert kept.tolist() == [True, False, True, False]


def test_missing_regions_are_refused_by_name_on_request():
    with pytest.raises(MissingRegionsError, match='absent_from_atlas: D; outside_mask: B'):
        with_status(STATUS).apply_missing_policy(SIGNALS, 'raise')


@EACH_POLICY
def test_nothing_changes_if_no_region_is_missing(policy):
    signals, kept = with_status(['ok', 'ok', 'constant', 'ok']).apply_missing_policy(SIGNALS, policy)
    assert_array_equal(signals, SIGNALS)
    assert kept.all()


@EACH_POLICY
def test_no_region_left_is_always_an_error(policy):
    table = with_status(['outside_mask', 'not_finite', 'outside_mask', 'low_coverage'])
    with pytest.raises(MissingRegionsError, match='outside_mask: A, C; low_coverage: D; not_finite: B'):
        table.apply_missing_policy(SIGNALS, policy)


def test_long_lists_of_names_are_cut_with_their_number():
    assert with_status(['outside_mask'] * 12).list_missing() == 'outside_mask: A, B, C, D, E, F, G, H and 4 more'


@pytest.mark.parametrize('before', [status for status in STATUSES if status != 'ok'])
def test_a_region_lost_in_one_step_keeps_its_status(before):
    reduction = Reduction(SIGNALS[:, :1], np.array([1]), np.array([1]), np.array([1]), np.array([False]))
    assert with_status([before]).with_signals(reduction, 1.0).status.tolist() == [before]
