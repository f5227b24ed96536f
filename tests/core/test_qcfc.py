# SPDX-License-Identifier: BSD-3-Clause
"""QC-FC against scipy, edge by edge, and against plain loops."""

import numpy as np
import pytest
from scipy import stats

from nipype_labels.core.qcfc import correlate_edges, find_centroids, summarise_qcfc


@pytest.fixture
def random():
    return np.random.default_rng(3)


@pytest.mark.parametrize('n', [3, 4, 30])
@pytest.mark.parametrize('offset', [0, 1e6])
def test_correlations_and_p_values_are_those_of_scipy(n, offset, random):
    motion = random.gamma(2, 0.1, n)
    edges = motion[:, None] * random.normal(size=20) + random.normal(size=(n, 20)) + offset
    r, p, counts = correlate_edges(edges, motion)
    expected = [stats.pearsonr(motion, edge) for edge in edges.T]
    np.testing.assert_allclose(r, [each.statistic for each in expected], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(p, [each.pvalue for each in expected], rtol=1e-6)
    assert counts.tolist() == [n] * 20


def test_each_edge_has_the_participants_with_a_value(random):
    edges, motion = random.normal(size=(12, 5)), random.random(12)
    edges[[0, 4], 1], edges[7, 2], edges[:, 3], edges[2:, 4] = np.nan, np.inf, np.nan, np.nan
    r, p, counts = correlate_edges(edges, motion)
    assert counts.tolist() == [12, 10, 11, 0, 2]
    for edge in range(3):
        finite = np.isfinite(edges[:, edge])
        expected = stats.pearsonr(motion[finite], edges[finite, edge])
        assert (r[edge], p[edge]) == pytest.approx(tuple(expected), rel=1e-9)
    assert np.isnan([r[3:], p[3:]]).all()


def test_perfect_correlations_have_a_p_value_of_0():
    motion = np.array([0.1, 0.2, 0.3, 0.4])
    r, p, _ = correlate_edges(np.stack([motion, -motion], axis=1), motion)
    np.testing.assert_allclose(r, [1, -1], rtol=1e-12)
    assert (p < 1e-6).all()


@pytest.mark.parametrize('value', [0.0, 0.1, np.float32(0.3), 1e-30])
def test_constant_edges_and_constant_motion_have_no_correlation(value, random):
    constant, varying = np.full(7, value), random.random(7)
    assert np.isnan(correlate_edges(constant[:, None], varying)[:2]).all()
    assert np.isnan(correlate_edges(varying[:, None], constant)[:2]).all()
    assert summarise_qcfc(*correlate_edges(constant[:, None], varying)[:2], np.ones(1)).n_edges == 0


def test_the_summary_is_that_of_scipy(random):
    r, distances = random.uniform(-1, 1, 200), random.integers(10, 40, 200).astype(float)
    p = random.uniform(0, 1, 200) ** 4
    r[5] = p[5] = distances[9] = np.nan
    found = summarise_qcfc(r, p, distances)
    known, both = np.isfinite(r), np.isfinite(r + distances)
    assert found.n_edges == 199
    assert found.median_absolute_r == np.median(np.abs(r[known]))
    assert found.fraction_significant == np.count_nonzero(p < 0.05) / 199
    # Benjamini and Hochberg: all p values up to the largest that is below its share.
    below = np.flatnonzero(np.sort(p[known]) < 0.05 * np.arange(1, 200) / 199)
    assert 0 < found.fraction_significant_fdr == (below[-1] + 1) / 199 < found.fraction_significant
    ranks = [stats.rankdata(each[both]) for each in (r, distances)]
    assert found.distance_rho == pytest.approx(np.corrcoef(ranks)[0, 1], rel=1e-10)


@pytest.mark.parametrize('distances', [20.0, np.nan])
def test_equal_and_unknown_distances_have_no_rank_correlation(distances, random):
    assert np.isnan(summarise_qcfc(random.random(9), random.random(9), np.full(9, distances)).distance_rho)


def test_centroids_are_the_mean_places_of_voxels_in_mm(random):
    labels = random.integers(0, 9, (6, 7, 8)) * 5
    labels[labels == 15] = 0
    affine = np.array([[-2.0, 0.3, 0, 90], [0.1, 2.5, 0, -120], [0, 0.2, 3, -70], [0, 0, 0, 1]])
    ids = np.array([30, 5, 15, 40])
    expected = [[(affine @ [*voxel, 1])[:3] for voxel in np.argwhere(labels == region)] for region in ids]
    found = find_centroids(labels, affine, ids)
    for place in (0, 1, 3):
        np.testing.assert_allclose(found[place], np.mean(expected[place], axis=0))
    assert np.isnan(found[2]).all()
