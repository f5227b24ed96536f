# SPDX-License-Identifier: BSD-3-Clause
"""Work folders: private, owned by the user, and removed on request once outputs are verified."""

import os
import stat
import subprocess
import time

import numpy as np
import pytest
from folders import tree
from named_cases import MNI, ask, make_runs
from program import PROGRAM

from nipype_labels.files.locks import locked

pytestmark = pytest.mark.slow


def test_a_new_work_folder_is_private_and_other_folders_are_as_usual(small, command):
    (small.out.parent / 'usual').mkdir()
    assert command('extract', small.bold, '--atlas', small.atlas, '-o', small.out).returncode == 0
    assert stat.S_IMODE((small.out / 'work').stat().st_mode) == 0o700
    assert small.out.stat().st_mode == (small.out.parent / 'usual').stat().st_mode


@pytest.mark.skipif(not hasattr(os, 'geteuid') or os.geteuid() != 0, reason='only root can give folders to others')
def test_the_work_folder_of_another_user_is_refused(small, command):
    """The owner could replace files that Nipype unpickles."""
    (small.out / 'work').mkdir(parents=True)
    os.chown(small.out / 'work', 12345, 12345)
    asked = ('extract', small.bold, '--atlas', small.atlas, '-o', small.out)
    done = command(*asked)
    assert done.returncode == 2
    assert f'{small.out}/work belongs to another user' in done.stderr
    assert '--work-dir' in done.stderr
    assert list((small.out / 'work').iterdir()) == []
    assert command(*asked, '--work-dir', small.out / 'own').returncode == 0


def test_clean_work_removes_the_results_of_the_nodes_of_an_extraction(small, command):
    asked = ('extract', small.bold, '--atlas', small.atlas, '-o', small.out)
    assert command(*asked, '--clean-work').returncode == 0
    outputs = tree(small.out)
    assert not any(name.startswith('work/') for name in outputs)
    assert command(*asked).returncode == 0
    assert tree(small.out, 'work') == outputs


def test_clean_work_removes_node_results_and_runs_stay_complete(tmp_path, command):
    make_runs(tmp_path, ('01',))
    assert command(*ask(tmp_path, '--clean-work')).returncode == 0
    outputs = tree(tmp_path / 'out')
    assert {name for name in outputs if name.startswith('work/')} <= {'work/atlases.json'}
    assert command(*ask(tmp_path)).returncode == 0
    assert tree(tmp_path / 'out') == outputs


def test_clean_work_removes_node_results_of_an_earlier_call_for_complete_runs_only(tmp_path, command):
    make_runs(tmp_path, ('01', '02'))
    assert command(*ask(tmp_path)).returncode == 0
    results = tmp_path / 'out' / 'work' / 'runs'
    kept, removed = (results / f'sub-{participant}_task-rest_{MNI}' for participant in ('01', '02'))
    outputs = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').glob('sub-*/**/*') if path.is_file()}
    with locked(kept / '.lock'):
        done = command(*ask(tmp_path, '--clean-work'))
    assert (done.returncode, 'processed again' in done.stderr) == (0, False)
    assert (kept.is_dir(), removed.exists()) == (True, False)
    assert command(*ask(tmp_path, '--clean-work')).returncode == 0
    assert list(results.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in outputs} == outputs


@pytest.fixture(scope='module')
def six_runs(tmp_path_factory):
    """A dataset of six runs, the files of their derivatives, and how long a process takes to write them, in s."""
    folder = make_runs(tmp_path_factory.mktemp('six_runs'), range(6))
    began = time.monotonic()
    subprocess.run([*PROGRAM, *ask(folder, '--clean-work')], check=True)
    seconds, files = time.monotonic() - began, tree(folder / 'out')
    return folder, {name: content for name, content in files.items() if name.startswith('sub-')}, seconds


@pytest.mark.endurance
@pytest.mark.timeout(200)
@pytest.mark.parametrize('point', range(int(os.environ.get('KILL_POINTS', '20'))))
def test_clean_work_after_a_kill_leaves_outputs_and_no_results_of_nodes(point, six_runs, tmp_path):
    """Some of the kills happen while results are removed, after the manifest of their run was written."""
    folder, whole, seconds = six_runs
    arguments = ask(folder, '--clean-work')
    arguments[2] = str(tmp_path / 'out')
    with subprocess.Popen([*PROGRAM, *arguments], stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds * np.random.default_rng(point).uniform(0.3, 1.1))
        process.kill()
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = tree(tmp_path / 'out')
    assert {name for name in found if name.startswith('work/')} <= {'work/atlases.json'}
    assert {name: content for name, content in found.items() if name.startswith('sub-')} == whole


@pytest.mark.parametrize('content', ['', '{"groups": 5}', '{"groups": [3]}', '[]'])
def test_a_damaged_record_of_atlases_is_made_again(content, tmp_path, command):
    make_runs(tmp_path, ('01',))
    (tmp_path / 'out' / 'work').mkdir(parents=True, mode=0o700)
    (tmp_path / 'out' / 'work' / 'atlases.json').write_text(content)
    done = command(*ask(tmp_path))
    assert done.returncode == 0, done.stderr
