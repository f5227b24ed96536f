# SPDX-License-Identifier: BSD-3-Clause
import re

import pytest

from nipype_labels.reports.index import find_concerns, render_index, render_participant

EVIL = '<script>alert(1)</script>'


def describe(name='sub-01_task-rest', **others):
    """A row of the table of quality of a sound run."""
    row = {
        'participant': name[4:6],
        'session': None,
        'task': 'rest',
        'run': None,
        'run_name': name,
        'folder': 'atlas-A',
    }
    row |= {'atlas': 'A', 'status': 'complete', 'reason': None, 'mean_fd': 0.2, 'n_volumes': 100, 'n_retained': 90}
    row |= {'degrees_of_freedom': 60.0, 'tsnr': 70.0, 'n_regions': 400, 'n_missing': 1, 'n_warnings': 0}
    return row | {'page': f'{name[:6]}/func/{name}_report.html'} | others


def names_of(page):
    return re.findall(r'<td><a href="[^"]*">(sub-\d+)</a></td>', page)


def test_failed_runs_are_first_then_suspicious_ones():
    rows = [
        describe('sub-01_task-rest'),
        describe('sub-02_task-rest', mean_fd=0.6),
        describe('sub-03_task-rest', status='failed', reason='no such file', n_missing=None, folder=None, page=None),
        describe('sub-04_task-rest', status='excluded', n_missing=None),
        describe('sub-05_task-rest', mean_fd=None),
    ]
    page = render_index(rows, '1.2.3')
    assert names_of(page) == ['sub-03', 'sub-04', 'sub-02', 'sub-01', 'sub-05']
    assert '5 participants, 5 runs: 2 failed or excluded, 1 suspicious.' in page
    assert render_index(rows, '1.2.3') == page


@pytest.mark.parametrize(
    ('values', 'concern'),
    [
        ({'mean_fd': 0.51}, 'large motion'),
        ({'n_retained': 49}, 'few retained volumes'),
        ({'degrees_of_freedom': 2.9}, 'few degrees of freedom'),
        ({'n_missing': 22}, 'more missing regions than usual'),
        ({'n_warnings': 1}, 'files that may not belong together'),
    ],
)
def test_a_run_is_suspicious_for_a_reason(values, concern):
    assert find_concerns(describe(), 1) == []
    assert find_concerns(describe(**values), 1) == [concern]


def test_a_run_is_as_bad_as_the_worst_of_its_atlases():
    rows = [describe(), describe(folder='atlas-B', n_warnings=2)]
    page = render_index(rows, '1.2.3')
    assert '1 participant, 1 run: 0 failed or excluded, 1 suspicious.' in page
    assert page.index('atlas-B') < page.index('atlas-A')


def test_runs_of_a_task_in_several_spaces_have_headings_of_their_own():
    names = ['sub-01_task-rest_space-fsLR_den-91k', 'sub-01_task-rest_space-fsaverage5']
    pages = [f'sub-01/func/{name}_report.html' for name in names]
    rows = [describe(folder=name[17:], page=page) for name, page in zip(names, pages, strict=True)]
    shown = render_participant('sub-01', rows, {page: ['f/a.svg'] for page in pages}, 'index.html', '1')
    assert re.findall(r'<h2[^>]*><a[^>]*>([^<]*)</a></h2>', shown) == names


def test_texts_are_escaped_and_nothing_is_requested():
    row = describe(reason=EVIL, folder=EVIL, status='failed')
    for page in (render_index([row], EVIL), render_participant(EVIL, [row], {row['page']: ['f/a.svg']}, 'i.html', '1')):
        assert EVIL not in page
        assert page.count('<script>') == 1
        assert not re.search(r'url\(|@import|https?:|fetch|XMLHttp', page)
