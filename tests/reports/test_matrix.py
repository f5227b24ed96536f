# SPDX-License-Identifier: BSD-3-Clause
import re

import numpy as np
import pytest
from matplotlib import colormaps

from nipype_labels.core.display import colour_limit, strongest_pairs
from nipype_labels.reports.matrix import LARGEST, LINE, draw_confounds, draw_matrix, matrix_image

GREY = (0x8C, 0x8C, 0x8C)


def symmetric(n, seed=0):
    values = np.random.default_rng(seed).uniform(-1, 1, (n, n))
    values = np.tril(values, -1) + np.tril(values, -1).T
    return values + np.eye(n)


def names_of(n):
    return [f'R{i}' for i in range(n)]


def test_a_pixel_has_the_colour_of_its_value(pixels_of):
    matrix = symmetric(9)
    pixels = pixels_of(matrix_image(matrix, names_of(9), np.arange(9), 'correlation')['image'])
    # There are 33 colours from -1 to 1.
    expected = 255 * colormaps['RdBu_r'](np.rint(16 * matrix) / 32 + 0.5)[..., :3]
    np.testing.assert_allclose(pixels, expected, atol=1)
    assert tuple(pixels[0, 0]) == tuple(np.rint(255 * np.array(colormaps['RdBu_r'](1.0)[:3])).astype(int))


@pytest.mark.parametrize('nothing', [np.nan, np.inf])
def test_only_missing_values_are_grey(nothing, pixels_of):
    matrix = symmetric(7)
    matrix[3], matrix[:, 3] = nothing, nothing
    drawn = matrix_image(matrix, names_of(7), np.arange(7), 'correlation')
    grey = (pixels_of(drawn['image']) == GREY).all(axis=2)
    np.testing.assert_array_equal(grey, ~np.isfinite(matrix))
    assert (drawn['n_pairs'], drawn['n_missing']) == (15, 6)


@pytest.mark.parametrize(
    ('kind', 'bounded'),
    [
        ('correlation', True),
        ('Correlation', True),
        ('correlation, Fisher z', False),
        ('correlation (z)', False),
        ('partial correlation', False),
        ('covariance', False),
        ('precision', False),
        ('', False),
    ],
)
def test_correlations_are_coloured_from_minus_1_to_1_and_others_by_their_size(kind, bounded):
    matrix = 100 * symmetric(40)
    np.fill_diagonal(matrix, 1e6)
    sizes = np.abs(matrix[np.tril_indices(40, -1)])
    limit = matrix_image(matrix, names_of(40), np.arange(40), kind)['limit']
    assert limit == (1 if bounded else pytest.approx(np.quantile(sizes, 0.98), rel=0.05))


def test_colours_of_a_matrix_without_values():
    for matrix in (np.full((3, 3), np.nan), np.zeros((3, 3)), np.ones((1, 1))):
        assert colour_limit(matrix, bounded=False) == 1
    drawn = matrix_image(np.full((3, 3), np.nan), names_of(3), np.arange(3), '')
    assert drawn['quartiles'] is None
    assert strongest_pairs(np.full((3, 3), np.inf), 5) == {'positive': [], 'negative': []}


def test_quartiles_exclude_the_diagonal():
    matrix = np.array([[1, 0.1, 0.2], [0.1, 1, -0.3], [0.2, -0.3, 1]])
    drawn = matrix_image(matrix, names_of(3), np.arange(3), 'correlation')
    assert drawn['quartiles'] == ['−0.10', '0.10', '0.15']


def test_the_strongest_pairs_are_named_once_and_in_order():
    matrix = symmetric(12, seed=3)
    matrix[4], matrix[:, 4] = np.nan, np.nan
    pairs = [(matrix[i, j], i, j) for i in range(12) for j in range(i + 1, 12) if 4 not in (i, j)]
    found = strongest_pairs(matrix, 3)
    for sign, expected in (('positive', sorted(pairs)[::-1][:3]), ('negative', sorted(pairs)[:3])):
        assert found[sign] == expected


def test_few_regions_are_named_and_many_have_marks():
    assert matrix_image(symmetric(3), names_of(3), np.arange(3), '')['names'] == ['R0', 'R1', 'R2']
    many = matrix_image(symmetric(100), names_of(100), np.arange(1000, 1100), '')
    assert many['names'] is None
    assert [tick['label'] for tick in many['ticks']] == ['1000', '1020', '1040', '1060', '1080']


def test_regions_beyond_the_pixels_are_averaged(pixels_of):
    matrix = np.ones((700, 700))
    matrix[:, 650] = matrix[650] = np.nan
    drawn = matrix_image(matrix, names_of(700), np.arange(700), 'correlation')
    pixels = pixels_of(drawn['image'])
    assert drawn['averaged']
    assert pixels.shape == (LARGEST, LARGEST, 3)


def test_a_matrix_is_ordered_and_outlined_by_network_and_hemisphere(make_atlas, make_row, pixels_of):
    names = [f'7Networks_{side}H_{network}_{i}' for side in 'LR' for network in ('Vis', 'Cont') for i in range(15)]
    names[-1] = 'Brainstem'
    n = len(names)
    values = {'regions': [make_row(i + 1, name) for i, name in enumerate(names)], 'raw': np.zeros((12, n))}
    # Within a network, and at no other place, the value is 1.
    network = np.array([name.split('_')[-2] if 'Networks' in name else '' for name in names])
    matrix = (network[:, None] == network).astype(float)
    drawn = draw_matrix(
        'Title', *make_atlas(connectivity=matrix, of_series={'connectivity_kind': 'correlation'}, **values)
    )
    (image,) = re.findall(r'href="(data:[^"]+)" */>\n<svg', drawn)
    red = (pixels_of(image) == pixels_of(image)[0, 0]).all(axis=2)
    expected = np.zeros((n, n), dtype=bool)
    for begin, end in ((0, 30), (30, 59), (59, 60)):
        expected[begin:end, begin:end] = True
    np.testing.assert_array_equal(red, expected)
    outlines = dict(re.findall(r'class="(networks|hemispheres)" d="([^"]*)"', drawn))
    assert outlines['networks'] == 'M0 0h30v30h-30zM30 30h29v29h-29zM59 59h1v1h-1z'
    assert outlines['hemispheres'].startswith('M0 0h15v15h-15zM15 15h15v15h-15z')
    assert all(drawn.count(f'>{name}</text>') == 2 for name in ('Vis', 'Cont', 'no network'))
    assert 'by network and hemisphere' in drawn


def test_names_of_small_networks_do_not_overlap(make_atlas, make_row):
    names = [f'7Networks_LH_{network}_1' for network in ('Vis',) * 97 + ('Cont', 'Default')]
    values = {'regions': [make_row(i + 1, name) for i, name in enumerate(names)], 'raw': np.zeros((12, 99))}
    drawn = draw_matrix('Title', *make_atlas(connectivity=np.eye(99), **values))
    heights = [float(y) for y in re.findall(r'<text x="-8" y="([\d.]+)" dy="4"', drawn)]
    assert len(heights) == 3
    assert np.diff(heights).min() > LINE - 0.1


def test_a_matrix_without_networks_has_the_order_of_the_atlas(make_atlas):
    drawn = draw_matrix('Title', *make_atlas(connectivity=np.eye(2), of_series={'connectivity_kind': 'correlation'}))
    assert '>Front</text>' in drawn
    assert 'class="networks"' not in drawn


def test_without_confounds_the_figure_says_so(make_atlas):
    series, _ = make_atlas(of_series={'confounds': {}})
    assert 'no column was regressed out' in draw_confounds('Title', series)


def test_a_constant_confound_has_no_correlation(make_atlas):
    series, _ = make_atlas(of_series={'confounds': {'csf': np.arange(12.0), 'constant': np.ones(12)}})
    drawn = draw_confounds('Title', series)
    assert '2 columns of the confounds tables' in drawn
    assert 'no pair has a value' in drawn
