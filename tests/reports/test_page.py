# SPDX-License-Identifier: BSD-3-Clause
import re
from html.parser import HTMLParser

import numpy as np
import pytest

EVIL = '<script>alert(1)</script>'


class Page(HTMLParser):
    """Tags of a page with their attributes; raises if they don't nest."""

    VOID = {'meta', 'img', 'path', 'image'}

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_what_is_wrong_comes_first(make_page, make_row):
    page = make_page(regions=[make_row(3, 'Front'), make_row(5, 'Rear', 'outside_mask', coverage=0.0)])
    order = [
        '1 of 2 regions have a signal, 1 has none',
        'Outside the mask',
        'Rear',
        'Contours on the mean volume',
        '<table>',
        'Before cleaning',
        'After cleaning',
        'Parameters</h2>',
        'detrend',
        'nipype_labels 1.2.3',
    ]
    places = [page.index(text) for text in order]
    assert places == sorted(places)


def test_names_are_text_whatever_they_hold(make_page, make_row):
    rows = [make_row(3, EVIL, 'constant', coverage=0.1), make_row(5, '"><img src=x onerror=alert(1)>')]
    cleaning = {'ConfoundsColumns': [EVIL], 'VolumesLeftOut': {EVIL: 2}, 'Parameters': {EVIL: EVIL}}
    page = make_page(title=EVIL, name=EVIL, regions=rows, cleaning=cleaning, copies=2)
    assert EVIL not in page
    assert page.count('&lt;script&gt;alert(1)&lt;/script&gt;') >= 8
    tags = Page(page).tags
    assert [tag for tag, _ in tags].count('script') == 1
    assert not any(name.startswith('on') for _, attributes in tags for name in attributes)


def test_the_page_needs_nothing_else(make_page):
    page = make_page(copies=2)
    for _, attributes in Page(page).tags:
        for name in ('src', 'href', 'xlink:href', 'srcset', 'data', 'action'):
            assert attributes.get(name, 'data:').startswith(('data:', '#atlas-'))
    assert not re.search(r'url\(|@import|https?:|fetch|XMLHttp', page)
    assert {'link', 'iframe', 'object', 'embed', 'base'}.isdisjoint(tag for tag, _ in Page(page).tags)


def test_ids_are_unique_and_links_lead_somewhere(make_page):
    tags = Page(make_page(copies=3)).tags
    ids = [attributes['id'] for _, attributes in tags if 'id' in attributes]
    assert len(set(ids)) == len(ids)
    wanted = [a['href'][1:] for tag, a in tags if tag == 'a'] + [
        a['aria-labelledby'] for _, a in tags if 'aria-labelledby' in a
    ]
    assert set(wanted) <= set(ids)


def test_every_picture_has_words(make_page):
    tags = Page(make_page(kept=np.arange(12) != 3)).tags
    assert all('alt' in attributes for tag, attributes in tags if tag == 'img')
    assert all(attributes.get('aria-label') for tag, attributes in tags if tag == 'svg')


def test_the_same_input_gives_the_same_text(make_page):
    assert make_page() == make_page()


def test_volumes_left_out_are_counted_by_reason(make_page):
    page = make_page(kept=np.arange(12) > 2, cleaning={'VolumesLeftOut': {'std_dvars': 3, 'sample_mask': 0}})
    assert '9 of 12 volumes kept; left out by <code>std_dvars</code>: 3.' in page
    assert 'alt="3 left out"' in page


def test_too_few_degrees_of_freedom_are_said_before_anything_else(make_page):
    page = make_page(cleaning={'DegreesOfFreedom': -1.5})
    assert page.index('leaves -1.5 degrees of freedom') < page.index('class="problems"')


def test_a_single_volume_has_no_course(make_page):
    page = make_page(n_volumes=1, cleaned=np.full((1, 2), np.nan))
    assert '1 of 1 volume kept.' in page
    assert 'no course in time' in page
    assert 'class="signals' not in page


@pytest.mark.parametrize('n', [1, 2])
def test_regions_without_any_value_are_shown(make_page, make_row, n):
    rows = [make_row(i, f'R{i}', 'not_finite', coverage=0.0, tsnr=np.nan) for i in (3, 5)[:n]]
    page = make_page(regions=rows, raw=np.full((12, n), np.nan))
    assert f'0 of {n} regions have a signal' in page
    assert page.count('<td>n/a</td>') == n


def test_400_regions_in_240_volumes_stay_below_one_megabyte(make_page, make_row):
    rng = np.random.default_rng(0)
    shape, affine = (91, 109, 91), np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
    blocks = [n // 12 + 1 for n in shape]
    labels = rng.permutation(np.prod(blocks)).reshape(blocks).repeat(12, 0).repeat(12, 1).repeat(12, 2)
    labels = np.where(labels < 400, labels + 1, 0)[: shape[0], : shape[1], : shape[2]]
    rows = [make_row(i, f'A_region_with_a_name_{i}') for i in range(1, 401)]
    page = make_page(240, regions=rows, labels=labels, affine=affine, raw=rng.normal(size=(240, 400)))
    assert len(page.encode()) < 1_000_000
