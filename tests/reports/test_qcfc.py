# SPDX-License-Identifier: BSD-3-Clause
"""The figure of QC-FC names its numbers, and is drawn for any edges."""

from xml.etree import ElementTree

import numpy as np
import pytest

from nipype_labels.core.qcfc import summarise_qcfc
from nipype_labels.reports.qcfc import draw_qcfc


def draw(r, distances, reason=''):
    p = np.linspace(0, 0.2, len(r))
    figure = draw_qcfc('task-rest', r, distances, 30, summarise_qcfc(r, p, distances), reason)
    return ' '.join(ElementTree.fromstring(figure).itertext())


def test_the_figure_names_the_numbers_of_the_summary():
    text = draw(np.linspace(-0.5, 0.3, 9), np.linspace(90, 10, 9))
    assert 'task-rest: 9 edges, 30 participants' in text
    assert 'median |r| 0.200; p < 0.05: 22.2 % of edges' in text
    assert '(11.1 % at a false discovery rate of 5 %)' in text
    assert 'Spearman correlation with distance: −1.0' in text


def test_equal_numbers_make_equal_figures():
    r, distances = np.random.default_rng(1).uniform(-1, 1, 99), np.linspace(0, 100, 99)
    summary = summarise_qcfc(r, np.ones(99), distances)
    assert len({draw_qcfc('a', r, distances, 9, summary) for _ in range(2)}) == 1


def test_without_distances_the_figure_says_why():
    assert 'in native space, they differ' in draw(
        np.linspace(-0.5, 0.5, 9), np.full(9, np.nan), 'in native space, they differ'
    )


@pytest.mark.parametrize('distances', [[20.0], [0.0]])
def test_a_single_edge_is_drawn(distances):
    assert '1 edges' in draw(np.array([0.5]), np.array(distances))
