# SPDX-License-Identifier: BSD-3-Clause
"""Pages of a dataset: they list all runs, their links lead to files, and they are rewritten when runs change."""

import json
import os
import re
import shutil
import subprocess
import time
from urllib.parse import unquote

import pytest
from dataset_cases import make_atlases, make_dataset
from group_cases import collect
from program import PROGRAM
from validator_cases import validate

from nipype_labels.cli.main import main
from nipype_labels.cli.pages import read_times, replace_pages

#: The series of this run is truncated.
FAILED = 'sub-02', 'task-rest_run-2'

pytestmark = [pytest.mark.timeout(200), pytest.mark.slow]


def ask(folder, *more):
    """Arguments of the command for all participants, with reports."""
    places = [
        str(folder / 'fmriprep'),
        str(folder / 'out'),
        'participant',
        f'--atlas=boxes={folder}/atlases/boxes.nii.gz',
    ]
    return ['derivatives', *places, '--confounds-strategy', '6P', '--connectivity', 'correlation', *more]


@pytest.fixture(scope='module')
def processed(tmp_path_factory):
    """A dataset and its derivatives, of which one run has failed."""
    folder = tmp_path_factory.mktemp('pages')
    make_dataset(folder / 'fmriprep')
    make_atlases(folder / 'atlases')
    assert main(ask(folder)) == 1
    return folder


@pytest.fixture
def folder(processed, tmp_path):
    """A copy whose files have the times of the first, so that nothing has changed."""
    shutil.copytree(processed, tmp_path, dirs_exist_ok=True)
    return tmp_path


def read_page(path):
    """Return the rows of the table of a page as lists of texts, and the paths that the page refers to."""
    text = path.read_text(encoding='utf-8')
    body = text.split('<tbody>')[1].split('</tbody>')[0]
    rows = [re.findall(r'<td>(.*?)</td>', line) for line in body.splitlines() if line]
    links = [unquote(link) for link in re.findall(r'(?:href|src)="([^"]+)"', text)]
    return [[re.sub('<.*?>', '', cell) for cell in row] for row in rows], links


def test_the_index_lists_all_runs_failed_ones_first_with_their_quality(processed):
    rows, links = read_page(processed / 'out' / 'index.html')
    assert tuple(rows[0][:3]) == (*FAILED, 'failed')
    assert 'is truncated' in rows[0][3]
    expected = {(f'sub-0{i}', f'task-rest_run-{j}') for i in (1, 2, 3) for j in (1, 2)} - {FAILED}
    assert {tuple(row[:2]) for row in rows[1:]} == expected
    assert all(row[4:7] == ['0.11', '29 of 30', '22.0'] for row in rows[1:])
    # Only the field of view of sub-03 cuts a region.
    assert {row[0]: row[8] for row in rows[1:]} == {'sub-01': '0 of 8', 'sub-02': '0 of 8', 'sub-03': '1 of 8'}
    assert all((processed / 'out' / link).is_file() for link in links)
    assert len({link for link in links if link.endswith('_report.html')}) == 5


def test_the_page_of_a_participant_shows_its_runs_and_their_figures(processed):
    rows, links = read_page(processed / 'out' / 'sub-02.html')
    assert [row[1:3] for row in rows] == [['task-rest_run-1', 'complete'], [FAILED[1], 'failed']]
    assert all((processed / 'out' / link).is_file() for link in links)
    assert [link.partition('_desc-')[2] for link in links if link.endswith('.svg')] == [
        'carpet_bold.svg',
        'connectivity_bold.svg',
    ]
    assert 'index.html' in links
    assert [link for link in links if link.startswith('logs/')]


def test_group_and_the_jobs_of_participants_write_the_same_rows_and_pages(folder, call):
    out = folder / 'out'
    names = ('group/qc.tsv', 'index.html', 'sub-01.html', 'sub-02.html', 'sub-03.html')
    written = {name: (out / name).read_bytes() for name in names}
    for name in names:
        (out / name).unlink()
    assert collect(call, out)[0] == 0
    assert {name: (out / name).read_bytes() for name in names} == written


def test_pages_that_a_killed_job_has_not_written_are_written_by_the_next_one(folder, call):
    out = folder / 'out'
    page, index = ((out / name).read_bytes() for name in ('sub-01.html', 'index.html'))
    for name in ('sub-01.html', 'index.html', 'group/qc.tsv'):
        (out / name).unlink()
    given = ask(folder, '--participant-label', '01')
    assert call(*given)[0] == 0
    assert ((out / 'sub-01.html').read_bytes(), (out / 'index.html').read_bytes()) == (page, index)
    times = {path: path.stat().st_mtime_ns for path in out.glob('*.html')}
    assert call(*given)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in out.glob('*.html')} == times


def test_a_page_that_another_job_wrote_while_a_run_was_processed_is_written_again(folder, call):
    out = folder / 'out'
    for log in out.glob('logs/sub-02_*.txt'):
        log.unlink()
    replace_pages(out, [], {})
    assert len(read_page(out / 'index.html')[0]) == 5
    # As if the other job had read the participant just before the run failed, and had written the page after it.
    later = time.time() + 1000
    os.utime(out / 'sub-02.html', (later, later))
    assert call(*ask(folder, '--participant-label', '02'))[0] == 1
    assert len(read_page(out / 'index.html')[0]) == 6
    assert read_page(out / 'sub-02.html')[0][1][2] == 'failed'


def test_a_job_without_reports_writes_no_page(processed, call, tmp_path):
    given = ask(processed, '--participant-label', '01', '--no-reports')
    given[2] = str(tmp_path / 'other')
    assert call(*given)[0] == 0
    assert not list((tmp_path / 'other').glob('*.html'))


def test_runs_that_change_while_the_tables_are_collected_are_read_again(folder):
    out = folder / 'out'
    index = (out / 'index.html').read_bytes()
    for path in out.glob('*.html'):
        path.touch()
    replace_pages(out, [], {})
    assert (out / 'index.html').read_bytes() == index
    replace_pages(out, [], read_times(out))
    assert b'0 participants' in (out / 'index.html').read_bytes()


def test_pages_are_no_problem_for_verify_and_the_validator(processed, call):
    status, _, said = call('verify', str(processed / 'out'))
    assert (status, 'problems: 0' in said) == (0, True)
    assert validate(processed / 'out') == set()


def test_methods_and_bibliography_are_written_for_pandoc(processed):
    logs = processed / 'out' / 'logs'
    text = (logs / 'CITATION.md').read_text(encoding='utf-8')
    assert '[@nipype1; @nipype2]' in text
    assert text.endswith('\n### References\n')
    (sidecar,) = processed.glob('out/sub-01/func/*run-1_*stat-mean_timeseries.json')
    assert text.startswith(json.loads(sidecar.read_text(encoding='utf-8'))['Methods'])
    keys = set(re.findall(r'^@\w+\{(\w+),', (logs / 'CITATION.bib').read_text(encoding='utf-8'), re.MULTILINE))
    assert set(re.findall(r'@(\w+)', text)) <= keys


@pytest.mark.endurance
def test_jobs_of_participants_at_once_write_one_index(processed, tmp_path):
    shutil.copytree(processed / 'fmriprep', tmp_path / 'fmriprep')
    shutil.copytree(processed / 'atlases', tmp_path / 'atlases')
    jobs = [subprocess.Popen([*PROGRAM, *ask(tmp_path, '--participant-label', label)]) for label in ('01', '02', '03')]
    assert sorted(job.wait(timeout=150) for job in jobs) == [0, 0, 1]
    rows, links = read_page(tmp_path / 'out' / 'index.html')
    assert len(rows) == 6
    assert all((tmp_path / 'out' / link).is_file() for link in links)
