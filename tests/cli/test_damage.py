# SPDX-License-Identifier: BSD-3-Clause
"""Damaged files of a work folder are computed again, with the bytes of an undisturbed run."""

import gzip
import json
import pickle
import re
import shutil

import pytest
from damages import DAMAGES, empty
from folders import tree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

#: Contents that are not those of a result file.
JUNK = {
    'bytes': b'junk',
    'compressed': gzip.compress(b'junk'),
    'other': gzip.compress(pickle.dumps(None)),
    'missing class': gzip.compress(b'cno_such_module\nThing\n.'),
}


@pytest.fixture
def extract(small, command):
    """Extract with each node that the graph can have; the bytes of the outputs, and what was logged.

    The report is without its command, which names the work folder.
    """
    asked = ['extract', small.bold, '--atlas', small.atlas, '--atlas', small.other, '--mask', small.mask]
    asked += ['--confounds', small.confounds, '--high-variance-confounds', '--standardize', 'zscore']
    asked += ['--connectivity', 'correlation', '--project', 'labels', '--reports', '-o', small.out]

    def run(*more):
        done = command(*asked, *more)
        assert done.returncode == 0, done.stderr
        written = tree(small.out, 'work')
        written['report.html'], n_commands = re.subn(b'<dt>Command</dt>.*', b'', written['report.html'])
        assert n_commands == 1
        return written, done.stderr

    return run


def list_recorded(work):
    """Return the files in a work folder that nodes have recorded, and the records."""
    records = list(work.rglob('outputs.json'))
    return records + [work / path for record in records for path in json.loads(record.read_text())]


@pytest.mark.parametrize('plugin', ['Linear', pytest.param('MultiProc', marks=pytest.mark.endurance)])
def test_a_work_folder_whose_every_file_is_damaged_gives_the_right_bytes(plugin, extract, small):
    work, parallel = small.out / 'work', ('--plugin', plugin, '--nprocs', '2')
    expected, _ = extract(*parallel)
    for damage in DAMAGES:
        for path in [path for path in work.rglob('*') if path.is_file()]:
            damage(path)
        outputs, said = extract(*parallel)
        assert outputs == expected
        assert damage.__name__ == 'delete' or said.count(' runs again: ') >= 1
    # What was computed again is cached again.
    outputs, said = extract(*parallel)
    assert outputs == expected
    assert 'runs again' not in said


@pytest.mark.parametrize(
    'junk', [pytest.param(junk, marks=[] if junk == 'other' else pytest.mark.endurance) for junk in JUNK]
)
def test_a_result_file_of_junk_is_replaced(junk, extract, small):
    expected, _ = extract()
    results = list((small.out / 'work').rglob('result_*.pklz'))
    for path in results:
        path.write_bytes(JUNK[junk])
    outputs, said = extract()
    assert outputs == expected
    assert said.count(' runs again: ') == len(results)


@pytest.mark.endurance
def test_each_damaged_output_of_a_node_is_computed_again(extract, small):
    check_each(extract, small, lambda i: [DAMAGES[i % len(DAMAGES)]], list_recorded)


@pytest.mark.endurance
def test_each_file_of_a_work_folder_may_be_damaged_in_each_way(extract, small):
    check_each(extract, small, lambda i: DAMAGES, lambda work: [path for path in work.rglob('*') if path.is_file()])


def check_each(extract, small, choose, list_files):
    """Damage one file at a time: if a node recorded it, that is logged once; the bytes are right in any case."""
    work = small.out / 'work'
    expected, _ = extract()
    recorded = set(list_recorded(work))
    n_damages = 0
    for i, path in enumerate(sorted(list_files(work))):
        for damage in choose(i):
            if not path.is_file() or (damage is not empty and not path.stat().st_size):
                continue
            damage(path)
            outputs, said = extract()
            assert outputs == expected
            gone = damage.__name__ == 'delete' and path.name.startswith('result_')
            assert said.count(' runs again: ') == (path in recorded and not gone), (path, damage, said)
            n_damages += 1
    assert n_damages >= len(recorded)


def test_a_work_folder_that_was_moved_or_copied_is_computed_again(extract, small, tmp_path):
    expected, _ = extract('--work-dir', tmp_path / 'one')
    shutil.copytree(tmp_path / 'one', tmp_path / 'two')
    (tmp_path / 'one').rename(tmp_path / 'moved')
    for folder in ('two', 'moved'):
        outputs, said = extract('--work-dir', tmp_path / folder)
        assert outputs == expected
        assert 'was moved' in said
