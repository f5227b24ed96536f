# SPDX-License-Identifier: BSD-3-Clause
import re
from html.parser import HTMLParser

import numpy as np
import pytest

EVIL = '<script>alert(1)</script>'


class Page(HTMLParser):
    """Tags of a page with their attributes; raises if they don't nest."""

    VOID = {'meta'}

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


def without_namespaces(page):
    """The page without the names of SVG and XLink, which no viewer requests."""
    return re.sub(r'xmlns(:xlink)?="[^"]*"', '', page)


def test_problems_come_first(make_page, make_row):
    page = make_page(regions=[make_row(3, 'Front'), make_row(5, 'Rear', 'outside_mask', coverage=0.0)])
    order = [
        '1 of 2 regions have a time series, 1 has none',
        'Outside mask',
        'Rear',
        'Contours on the mean volume',
        '<table class="regions">',
        'Before denoising',
        'After denoising',
        'Parameters</h2>',
        'detrend',
        'nipype_labels 1.2.3',
    ]
    places = [page.index(text) for text in order]
    assert places == sorted(places)


def test_names_are_escaped(make_page, make_row):
    rows = [make_row(3, EVIL, 'constant', coverage=0.1), make_row(5, '"><img src=x onerror=alert(1)>')]
    cleaning = {'ConfoundsColumns': [EVIL], 'VolumesCensored': {EVIL: 2}, 'Parameters': {EVIL: EVIL}}
    page = make_page(title=EVIL, name=EVIL, regions=rows, cleaning=cleaning, copies=2)
    assert EVIL not in page
    assert page.count('&lt;script&gt;alert(1)&lt;/script&gt;') >= 8
    tags = Page(page).tags
    assert [tag for tag, _ in tags].count('script') == 1
    assert not any(name.startswith('on') for _, attributes in tags for name in attributes)


def test_the_page_is_self_contained(make_page):
    page = make_page(copies=2)
    for _, attributes in Page(page).tags:
        for name in ('src', 'href', 'xlink:href', 'srcset', 'data', 'action'):
            assert attributes.get(name, 'data:').startswith(('data:', '#atlas-'))
    assert not re.search(r'url\(|@import|https?:|fetch|XMLHttp', without_namespaces(page))
    assert {'link', 'iframe', 'object', 'embed', 'base'}.isdisjoint(tag for tag, _ in Page(page).tags)


def test_ids_are_unique_and_links_have_targets(make_page):
    tags = Page(make_page(copies=3)).tags
    ids = [attributes['id'] for _, attributes in tags if 'id' in attributes]
    assert len(set(ids)) == len(ids)
    wanted = [a['href'][1:] for tag, a in tags if tag == 'a'] + [
        a['aria-labelledby'] for _, a in tags if 'aria-labelledby' in a
    ]
    assert set(wanted) <= set(ids)


def test_every_figure_has_a_title(make_page):
    tags = Page(make_page(kept=np.arange(12) != 3)).tags
    pictures = [attributes for _, attributes in tags if attributes.get('role') == 'img']
    # Each has a title, and the page has one.
    assert [tag for tag, _ in tags].count('title') == 1 + len(pictures)
    assert 'img' not in {tag for tag, _ in tags}


def test_censored_volumes_are_counted_by_reason(make_page):
    page = make_page(kept=np.arange(12) > 2, cleaning={'VolumesCensored': {'std_dvars': 3, 'sample_mask': 0}})
    assert '9 of 12 volumes retained; censored by <code>std_dvars</code>: 3.' in page


def test_too_few_degrees_of_freedom_are_reported_first(make_page):
    page = make_page(cleaning={'DegreesOfFreedom': -1.5})
    assert page.index('leaves -1.5 degrees of freedom') < page.index('class="problems"')


@pytest.mark.parametrize('n', [1, 2])
def test_regions_without_any_value_are_shown(make_page, make_row, n):
    rows = [make_row(i, f'R{i}', 'not_finite', coverage=0.0, tsnr=np.nan) for i in (3, 5)[:n]]
    page = make_page(regions=rows, raw=np.full((12, n), np.nan))
    assert f'0 of {n} regions have a time series' in page
    assert page.count('<td>n/a</td>') == n


def test_displacement_is_above_the_carpets(make_page):
    shared = {'traces': {'framewise_displacement': np.r_[np.nan, np.full(10, 0.1), 0.9]}}
    cleaning = {'ScrubbingThresholds': {'framewise_displacement': 0.5, 'std_dvars': 1.5}}
    page = make_page(kept=np.arange(12) != 11, cleaning=cleaning, of_series=shared)
    order = [page.index(text) for text in ('Framewise displacement', '1 volume above 0.5', 'Before denoising')]
    assert order == sorted(order)
    assert 'class="threshold"' in page
    page = make_page(cleaning={}, of_series=shared)
    assert 'Framewise displacement' in page
    assert 'class="threshold"' not in page
    assert 'Not in a confounds table: Framewise displacement, DVARS, Global signal.' in make_page()


def test_spectra_need_the_repetition_time(make_page):
    assert 'The repetition time is unknown' in make_page()
    page = make_page(cleaning={'Parameters': {'t_r': 2.0, 'low_pass': 0.1, 'high_pass': None, 'n_runs': 2}})
    assert 'Name: median and quartiles of 2 regions' in page
    assert 'passed by the filter: below 0.1 Hz' in page
    assert '2 runs as one time course' in page
    assert 'Lomb' not in page
    few = make_page(5, cleaning={'Parameters': {'t_r': 2.0}})
    assert 'Too few volumes or regions are left for a spectrum.' in few


def test_the_estimator_of_spectra_with_gaps_is_named(make_page):
    assert 'Lomb and Scargle' in make_page(kept=np.arange(12) != 4, cleaning={'Parameters': {'t_r': 2.0}})


def test_connectivity_is_shown_if_it_exists(make_page):
    assert 'Connectivity' not in make_page()
    matrix = np.array([[1, -0.25], [-0.25, 1]])
    page = make_page(connectivity=matrix, of_series={'connectivity_kind': 'partial correlation'})
    assert '>Connectivity: partial correlation</text>' in page
    assert '−0.25 to 0.25' in page
    assert '<b>−0.25</b> <span>Front – Back</span>' in page
    assert '>Connectivity</text>' in make_page(connectivity=matrix)
    assert 'no pair has a value' in make_page(connectivity=np.full((2, 2), np.nan))


def test_methods_are_rendered_with_citations_and_references(make_page):
    page = make_page(methods='Done with *care* [@numpy; @nibabel], see @ledoit_wolf [@someone_2020] & <b>')
    assert 'Done with <em>care</em> (Harris et al., 2020; Brett et al.), see Ledoit and Wolf (2004)' in page
    assert '(someone_2020) &amp; &lt;b&gt;' in page
    lines = re.findall('<li>(.*?)</li>', page.split('<h3>References</h3>')[1])
    assert [line.split(' ')[0] for line in lines] == ['Brett', 'Harris', 'Ledoit']
    assert lines[2] == (
        'Ledoit O, Wolf M (2004). A well-conditioned estimator for large-dimensional covariance matrices. '
        'Journal of Multivariate Analysis 88:365–411. doi:10.1016/S0047-259X(03)00096-4'
    )
    assert 'Methods</h2>' not in make_page()


def test_region_sizes_are_in_voxels_and_cubic_millimetres(make_page, make_row):
    page = make_page(regions=[make_row(3, 'Front', volume_atlas=1234.4), make_row(5, 'Back', volume_atlas=np.nan)])
    assert '<td>40</td><td>1234</td><td>100 %</td>' in page
    assert '<td>40</td><td>n/a</td><td>100 %</td>' in page


def test_the_worst_regions_are_the_first(make_page, make_row):
    rows = [make_row(1, 'Good'), make_row(2, 'Noisy', tsnr=5.0), make_row(3, 'Half', coverage=0.4)]
    rows.append(make_row(4, 'Lost', 'outside_mask', coverage=0.0, tsnr=np.nan))
    page = make_page(regions=rows, raw=np.random.default_rng(0).normal(100, 1, (12, 4)))
    body = page.split('<tbody>')[1].split('</tbody>')[0]
    assert re.findall(r'<td>([A-Z]\w+)</td>', body) == ['Lost', 'Half', 'Noisy', 'Good']


def test_notes_on_confounds_are_warnings(make_page):
    page = make_page(cleaning={'ConfoundsNotes': ['a.tsv: the first row is n/a'], 'Warnings': ['Files differ']})
    warnings = [page.index(text) for text in ('</strong> Files differ.', '</strong> a.tsv: the first row is n/a.')]
    assert warnings == sorted(warnings)
    assert warnings[-1] < page.index('12 of 12 volumes retained')
    assert page.count('the first row is n/a') == 1
