# SPDX-License-Identifier: BSD-3-Clause
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from nipype_labels.reports import draw_figures

SVG = '{http://www.w3.org/2000/svg}'
HREF = '{http://www.w3.org/1999/xlink}href'
EVIL = '<script>alert(1)</script>'
KINDS = ('contours', 'carpet', 'spectra', 'connectivity')


@pytest.fixture
def draw(make_atlas, make_row, plain_grid, ball):
    """All figures of an atlas of regions with the names given."""

    def make(title='Title', names=('Front', 'Back'), kind='correlation', n_volumes=40, **given):
        kept = np.arange(n_volumes) != n_volumes // 2
        series = {
            'mask': ball(*plain_grid, (0, 0, 0), 40),
            'mask_affine': plain_grid[1],
            'traces': {'framewise_displacement': np.r_[np.nan, np.where(kept, 0.1, 0.9)[1:]]},
            'connectivity_kind': kind,
        }
        cleaning = {'Parameters': {'t_r': 2.0}, 'ScrubbingThresholds': {'framewise_displacement': 0.5}}
        rows = [make_row(index, name) for index, name in zip((3, 5), names, strict=True)]
        matrix = np.array([[1, 0.5], [0.5, 1]])
        given = {'regions': rows, 'connectivity': matrix, **given}
        atlas = make_atlas(n_volumes, kept=kept, cleaning=cleaning, of_series=series, **given)
        return draw_figures(title, *atlas)

    return make


def texts_of(root):
    return [''.join(element.itertext()) for element in root.iter(f'{SVG}text')]


@pytest.mark.parametrize('kind', KINDS)
def test_a_figure_is_a_self_contained_svg(kind, draw):
    text = draw()[kind]
    root = ElementTree.fromstring(text)
    assert root.tag == f'{SVG}svg'
    assert 'Title' in root.findtext(f'{SVG}title')
    assert 'Name' in texts_of(root)[1]
    links = [element.get(HREF) for element in root.iter() if element.get(HREF)]
    assert links or kind == 'spectra'
    assert all(link.startswith('data:image/png;base64,') for link in links)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        'svg',
        'title',
        'text',
        'rect',
        'image',
        'path',
        'g',
        'line',
    }
    assert not re.search(r'url\(|@import|\son\w+=', text)
    assert draw()[kind] == text


@pytest.mark.parametrize('name', [EVIL, '"><b a=\'&', 'tab\tand\nline', 'bell\x07\x00\ud800', ']]>--><!--', 'x' * 500])
def test_names_are_escaped(name, draw):
    figures = draw(name, (name, 'Other'), kind=name, name=name)
    for kind in KINDS:
        root = ElementTree.fromstring(figures[kind].encode('utf-8'))
        assert EVIL not in figures[kind], kind
        assert f'{SVG}script' not in {element.tag for element in root.iter()}, kind
        assert all(len(line) <= 120 for line in texts_of(root)), kind


@pytest.mark.parametrize('kind', KINDS)
def test_everything_is_within_the_edges(kind, draw):
    root = ElementTree.fromstring(draw()[kind])
    width, height = map(float, root.get('viewBox').split()[2:])
    for element in root:
        for part in (element, *element) if element.tag == f'{SVG}g' else (element,):
            if part.tag in (f'{SVG}svg', f'{SVG}image', f'{SVG}rect'):
                x, y, wide, high = (float(part.get(name, 0)) for name in ('x', 'y', 'width', 'height'))
                assert 0 <= x <= x + wide <= width
                assert 0 <= y <= y + high <= height


def test_contours_have_slices_of_three_planes_and_the_mask(draw):
    root = ElementTree.fromstring(draw()['contours'])
    texts = texts_of(root)
    for axis in 'xyz':
        assert any(text.startswith(f'{axis} = ') for text in texts)
    assert 'mask' in texts
    colours = {path.get('stroke') for path in root.iter(f'{SVG}path')}
    assert colours == {'#ffd23f', '#ff5a4f', '#62c6ff'}


def test_slices_of_a_row_are_aligned(draw):
    root = ElementTree.fromstring(draw()['contours'])
    slices = [each for each in root.iter(f'{SVG}svg') if each.get('viewBox') and each is not root]
    bottoms = {round(float(each.get('y')) + float(each.get('height')), 1) for each in slices}
    assert len(bottoms) == 3


def test_carpets_show_displacement_and_threshold(draw):
    texts = texts_of(ElementTree.fromstring(draw()['carpet']))
    assert 'Framewise displacement (mm)' in texts
    assert 'mean 0.12, largest 0.90; 1 volume above 0.5' in texts
    assert texts.index('Before denoising') < texts.index('After denoising')
    assert 'censored volume' in texts


def test_carpets_of_one_volume_give_the_reason(draw):
    text = draw(n_volumes=1, cleaned=np.ones((1, 2)))['carpet']
    assert 'no time course' in text
    assert f'{SVG}image' not in {element.tag for element in ElementTree.fromstring(text).iter()}


def test_a_matrix_shows_its_kind_scale_and_regions(draw):
    texts = texts_of(ElementTree.fromstring(draw()['connectivity']))
    assert {'−1 to 1 (correlation)', 'Front', 'Back', 'Connectivity: correlation', 'Name – Title'} <= set(texts)
