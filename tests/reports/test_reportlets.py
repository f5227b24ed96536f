# SPDX-License-Identifier: BSD-3-Clause
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from nipype_labels.reports import render_carpets, render_contours, render_matrix

SVG = '{http://www.w3.org/2000/svg}'
HREF = '{http://www.w3.org/1999/xlink}href'
EVIL = '<script>alert(1)</script>'
KINDS = {'contours': render_contours, 'carpets': render_carpets, 'matrix': render_matrix}


@pytest.fixture
def drawn(draw, make_row, plain_grid, ball):
    """An atlas with everything that can be drawn, of regions with the names given."""

    def make(names=('Front', 'Back'), kind='correlation', n_volumes=40, **given):
        kept = np.arange(n_volumes) != n_volumes // 2
        series = {
            'mask': ball(*plain_grid, (0, 0, 0), 40),
            'mask_affine': plain_grid[1],
            'displacement': np.r_[np.nan, np.where(kept, 0.1, 0.9)[1:]],
            'connectivity_kind': kind,
        }
        cleaning = {'Parameters': {'t_r': 2.0}, 'ScrubbingThresholds': {'framewise_displacement': 0.5}}
        rows = [make_row(index, name) for index, name in zip((3, 5), names, strict=True)]
        matrix = np.array([[1, 0.5], [0.5, 1]])
        given = {'regions': rows, 'connectivity': matrix, **given}
        return draw(n_volumes, kept=kept, cleaning=cleaning, of_series=series, **given)[1]

    return make


def texts_of(root):
    return [''.join(element.itertext()) for element in root.iter(f'{SVG}text')]


@pytest.mark.parametrize('kind', KINDS)
def test_an_image_is_an_svg_that_needs_nothing_else(kind, drawn):
    text = KINDS[kind]('Title', drawn())
    root = ElementTree.fromstring(text)
    assert root.tag == f'{SVG}svg'
    assert root.get('viewBox').startswith('0 0 1000 ')
    assert 'Title' in root.findtext(f'{SVG}title')
    assert texts_of(root)[0] == 'Name'
    links = [element.get(HREF) for element in root.iter() if element.get(HREF)]
    assert links
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
    assert KINDS[kind]('Title', drawn()) == text


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('name', [EVIL, '"><b a=\'&', 'tab\tand\nline', 'bell\x07\x00\ud800', ']]>--><!--', 'x' * 500])
def test_names_are_text_whatever_they_hold(kind, name, drawn):
    text = KINDS[kind](name, drawn((name, 'Other'), kind=name, name=name))
    root = ElementTree.fromstring(text.encode('utf-8'))
    assert EVIL not in text
    assert f'{SVG}script' not in {element.tag for element in root.iter()}
    assert all(len(line) <= 120 for line in texts_of(root))


@pytest.mark.parametrize('kind', KINDS)
def test_nothing_stands_beyond_the_edges(kind, drawn):
    root = ElementTree.fromstring(KINDS[kind]('Title', drawn()))
    width, height = map(float, root.get('viewBox').split()[2:])
    for element in root:
        for part in (element, *element) if element.tag == f'{SVG}g' else (element,):
            if part.tag in (f'{SVG}svg', f'{SVG}image', f'{SVG}rect'):
                x, y, wide, high = (float(part.get(name, 0)) for name in ('x', 'y', 'width', 'height'))
                assert 0 <= x <= x + wide <= width
                assert 0 <= y <= y + high <= height


def test_contours_have_slices_of_three_planes_and_the_mask(drawn):
    root = ElementTree.fromstring(render_contours('Title', drawn()))
    texts = texts_of(root)
    for axis in 'xyz':
        assert any(text.startswith(f'{axis} = ') for text in texts)
    assert 'mask' in texts
    colours = {path.get('stroke') for path in root.iter(f'{SVG}path')}
    assert colours == {'#ffd23f', '#ff5a4f', '#62c6ff'}


def test_slices_of_a_row_stand_on_one_line(drawn):
    root = ElementTree.fromstring(render_contours('Title', drawn()))
    slices = [each for each in root.iter(f'{SVG}svg') if each.get('viewBox') and each is not root]
    bottoms = {round(float(each.get('y')) + float(each.get('height')), 1) for each in slices}
    assert len(bottoms) == 3


def test_carpets_show_displacement_and_threshold(drawn):
    texts = texts_of(ElementTree.fromstring(render_carpets('Title', drawn())))
    assert 'Framewise displacement (mm)' in texts
    assert 'mean 0.12, largest 0.90; 1 volume above 0.5' in texts
    assert texts.index('Before cleaning') < texts.index('After cleaning')
    assert 'volume left out' in texts


def test_carpets_of_one_volume_say_why_there_are_none(drawn):
    text = render_carpets('Title', drawn(n_volumes=1, cleaned=np.ones((1, 2))))
    assert 'no course in time' in text
    assert f'{SVG}image' not in {element.tag for element in ElementTree.fromstring(text).iter()}


def test_a_matrix_tells_its_kind_scale_and_regions(drawn):
    texts = texts_of(ElementTree.fromstring(render_matrix('Title', drawn())))
    assert {'−1 to 1', 'Front', 'Back', 'Connectivity, correlation – Title'} <= set(texts)
