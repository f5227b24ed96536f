# SPDX-License-Identifier: BSD-3-Clause
"""Pages of the command in a real browser: no error, no request, tables that sort, nothing wider than a phone."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from dataset_cases import make_atlases, make_dataset
from program import PROGRAM
from surface_cases import elements, icosahedron, noise, save_dlabel, save_surf_gii, save_tseries

pytestmark = [pytest.mark.slow, pytest.mark.endurance]

#: Put before and behind everything else in a copy of the page; what it finds becomes the text of an element.
WATCH = """<script>
const complaints = [];
addEventListener('error', e => complaints.push(String(e.message || e.target.outerHTML)), true);
addEventListener('unhandledrejection', e => complaints.push(String(e.reason)));
addEventListener('securitypolicyviolation', e => complaints.push(e.violatedDirective + ' ' + e.blockedURI));
for (const kind of ['error', 'warn']) console[kind] = (...words) => complaints.push(words.join(' '));
</script>"""
REPORT = """<script>
addEventListener('load', () => {
  const column = (table, i) => [...table.tBodies[0].rows].map(row => row.cells[i].textContent);
  const table = document.querySelector('table');
  const sorted = [...table.tHead.rows[0].cells].map((head, i) => {
    const orders = [column(table, i)];
    for (let click = 0; click < 2; click++) {
      head.querySelector('button').click();
      orders.push(column(table, i));
    }
    return {name: head.textContent.trim(), mark: head.getAttribute('aria-sort'), orders};
  });
  // What scrolls within a box of its own does not widen the page.
  const scrolls = e => e && (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
  const wide = [...document.body.querySelectorAll('*')].filter(e =>
    e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e.parentElement));
  const found = {complaints, sorted, width: innerWidth, scrollWidth: document.documentElement.scrollWidth,
    wide: wide.map(e => e.outerHTML.slice(0, 80)), broken: [...document.images].filter(i => !i.naturalWidth).length,
    requests: performance.getEntriesByType('resource').map(e => e.name).filter(name => !name.startsWith('data:'))};
  parent.postMessage(JSON.stringify(found), '*');
});
</script>"""

#: No window of Chromium is narrower than 500 pixels; a frame is, and it is asked for its width as a window is.
FRAME = """<!doctype html><body style="margin: 0"><pre></pre><script>
addEventListener('message', e => { document.querySelector('pre').textContent = e.data; });
</script><iframe src="page.html" style="width: 400px; height: 900px; border: 0"></iframe>"""

FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync']
FLAGS += ['--disable-background-networking', '--disable-component-update', '--enable-logging=stderr']


@pytest.fixture(scope='module')
def report(tmp_path_factory, aal, installed):
    """The report that the command writes for a real series and atlas, most of whose regions are out of view."""
    out = tmp_path_factory.mktemp('browser') / 'out'
    bold = installed('nibabel', 'tests/data/functional.nii')
    options = ['--detrend', '--standardize', 'zscore', '--connectivity', 'correlation', '--reports']
    given = ['extract', bold, '--atlas', aal[0], '--lut', aal[1], *options, '-o', str(out)]
    subprocess.run([*PROGRAM, *map(str, given)], check=True, timeout=120)
    return next(out.rglob('*.html')).read_text(encoding='utf-8')


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """The derivatives of a dataset, one of whose runs has failed."""
    folder = tmp_path_factory.mktemp('dataset')
    make_dataset(folder / 'fmriprep')
    make_atlases(folder / 'atlases')
    given = ['derivatives', folder / 'fmriprep', folder / 'out', 'participant', '--confounds-strategy', '6P']
    given += [f'--atlas=boxes={folder}/atlases/boxes.nii.gz']
    command = [*PROGRAM, *map(str, given)]
    assert subprocess.run(command, timeout=200).returncode == 1
    return folder / 'out'


@pytest.fixture(scope='module')
def opened(report, tmp_path_factory):
    """What a watched copy of the report finds of itself, and the console's lines."""
    folder = tmp_path_factory.mktemp('page')
    (folder / 'report.html').write_text(report, encoding='utf-8')
    return open_page(folder / 'report.html')


def open_page(path):
    """Return what a watched copy of a page finds of itself in a frame 400 pixels wide, and the console's lines."""
    browser = shutil.which('chromium') or shutil.which('chromium-browser')
    if browser is None:
        pytest.skip('no chromium is installed (Debian: apt-get install chromium)')
    text = path.read_text(encoding='utf-8').replace('<meta charset="utf-8">', f'<meta charset="utf-8">{WATCH}', 1)
    head, body = text.rsplit('</body>', 1)
    path.with_name('page.html').write_text(f'{head}{REPORT}</body>{body}', encoding='utf-8')
    path.with_name('frame.html').write_text(FRAME)
    what = ['--virtual-time-budget=5000', '--dump-dom', path.with_name('frame.html').as_uri()]
    command = [browser, *FLAGS, f'--user-data-dir={path.parent / "profile"}', *what]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search(r'<pre>({.*?)</pre>', run.stdout, re.DOTALL)
    assert found, run.stderr[-2000:]
    return json.loads(html.unescape(found[1])), re.findall(r'.*CONSOLE.*', run.stderr)


def test_a_report_has_no_console_error_and_no_network_request(opened):
    found, console = opened
    assert (found['complaints'], console, found['requests'], found['broken']) == ([], [], [], 0)


def test_nothing_is_wider_than_a_narrow_window(opened):
    found, _ = opened
    assert found['width'] == 400
    assert found['scrollWidth'] <= 400
    assert found['wide'] == []


@pytest.mark.parametrize('has_surfaces', [False, True])
def test_a_report_of_surfaces_fits_and_requests_nothing(has_surfaces, tmp_path):
    """Views of the surfaces, and bars for the voxels; without surfaces, bars for all regions."""
    axis = elements(np.arange(12), np.arange(12))
    names = {0: '???', 1: 'left', 2: 'right', 3: 'a region of voxels whose name is long'}
    atlas = save_dlabel(tmp_path / 'x.dlabel.nii', {'m': (np.repeat([1, 2, 3], [12, 12, 4]), names)}, axis)
    bold = save_tseries(tmp_path / 'x.dtseries.nii', noise(20, 28), axis)
    given = ['extract', bold, '--atlas', atlas, '--reports', '-o', tmp_path / 'out']
    if has_surfaces:
        given += ['--surface', *(save_surf_gii(tmp_path / f'x.{side}.surf.gii', *icosahedron(), side) for side in 'LR')]
    subprocess.run([*PROGRAM, *map(str, given)], check=True, timeout=120)
    found, console = open_page(tmp_path / 'out' / 'report.html')
    assert (found['complaints'], console, found['requests'], found['broken']) == ([], [], [], 0)
    assert found['scrollWidth'] <= 400
    assert found['wide'] == []
    assert [column['name'] for column in found['sorted']][2] == 'Vertices and voxels'


def numbers(cells):
    """Numbers in the cells that have one."""
    return [float(re.sub(r'[%,\s]', '', cell)) for cell in cells if re.match(r'[-−]?\d', cell)]


def test_each_column_sorts_both_ways(opened):
    columns = {column['name']: column for column in opened[0]['sorted']}
    assert list(columns) == ['Index', 'Name', 'Voxels', 'mm³', 'Coverage', 'Status', 'tSNR']
    for name, column in columns.items():
        before, *orders = column['orders']
        assert len(before) == 116
        assert all(sorted(order) == sorted(before) for order in orders)
        assert orders[0] != orders[1]
        assert column['mark'] in ('ascending', 'descending')
        if name not in ('Name', 'Status'):
            assert sorted(map(tuple, map(numbers, orders))) == sorted(
                [tuple(sorted(numbers(before))), tuple(sorted(numbers(before), reverse=True))]
            )


@pytest.mark.parametrize('name', ['index.html', 'sub-02.html'])
def test_pages_of_a_dataset_load_its_own_figures_only_and_fit(name, dataset):
    found, console = open_page(dataset / name)
    assert (found['complaints'], console, found['broken']) == ([], [], 0)
    own = dataset.as_uri()
    assert all(request.startswith(own) and request.endswith('.svg') for request in found['requests'])
    assert found['scrollWidth'] <= 400
    assert found['wide'] == []


def test_the_index_sorts_by_each_column(dataset):
    columns = {column['name']: column['orders'] for column in open_page(dataset / 'index.html')[0]['sorted']}
    names = ['Participant', 'Run', 'Status', 'Notes', 'Mean FD (mm)', 'Retained volumes', 'Degrees of freedom', 'tSNR']
    assert list(columns) == [*names, 'Missing regions', 'Atlas']
    _, rising, falling = columns['tSNR']
    # The failed run has none, and is the last in both directions.
    assert rising[-1] == falling[-1] == 'n/a'
    assert numbers(rising) == sorted(numbers(rising)) == numbers(falling)[::-1]
    assert len(numbers(rising)) == 5
    assert columns['Missing regions'][2][0] == '1 of 8'
