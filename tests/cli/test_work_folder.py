# SPDX-License-Identifier: BSD-3-Clause
"""Work folders: private, the user's own, and removed on request once outputs are verified."""

import os
import stat

import pytest
from named_cases import BRAIN, MNI, PREPROC, ask, describe, write, write_atlas

pytestmark = pytest.mark.slow


def list_files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def test_a_new_work_folder_is_private_and_other_folders_are_as_usual(small, command):
    (small.out.parent / 'usual').mkdir()
    assert command('extract', small.bold, '--atlas', small.atlas, '-o', small.out).returncode == 0
    assert stat.S_IMODE((small.out / 'work').stat().st_mode) == 0o700
    assert small.out.stat().st_mode == (small.out.parent / 'usual').stat().st_mode


@pytest.mark.skipif(not hasattr(os, 'geteuid') or os.geteuid() != 0, reason='only root can give folders to others')
def test_the_work_folder_of_another_user_is_refused(small, command):
    """Its owner could replace what Nipype unpickles."""
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
    assert list_files(small.out / 'work') == {}
    outputs = list_files(small.out)
    assert command(*asked).returncode == 0
    assert {name: content for name, content in list_files(small.out).items() if name.parts[0] != 'work'} == outputs


def test_clean_work_removes_the_results_of_runs_and_they_stay_done(tmp_path, command):
    describe(tmp_path / 'fmriprep')
    for name in (PREPROC, BRAIN):
        write(tmp_path / 'fmriprep' / 'sub-01' / 'func' / f'sub-01_task-rest_{MNI}_{name}')
    write_atlas(tmp_path / 'atlas.nii.gz')
    assert command(*ask(tmp_path, '--clean-work')).returncode == 0
    work = tmp_path / 'out' / 'work'
    assert {str(name) for name in list_files(work)} <= {'atlases.json'}
    outputs = list_files(tmp_path / 'out')
    assert command(*ask(tmp_path)).returncode == 0
    assert list_files(tmp_path / 'out') == outputs


@pytest.mark.parametrize('content', ['', '{"groups": 5}', '{"groups": [3]}', '[]', '\x00'])
def test_a_damaged_record_of_atlases_is_made_again(content, tmp_path, command):
    describe(tmp_path / 'fmriprep')
    for name in (PREPROC, BRAIN):
        write(tmp_path / 'fmriprep' / 'sub-01' / 'func' / f'sub-01_task-rest_{MNI}_{name}')
    write_atlas(tmp_path / 'atlas.nii.gz')
    (tmp_path / 'out' / 'work').mkdir(parents=True, mode=0o700)
    (tmp_path / 'out' / 'work' / 'atlases.json').write_text(content)
    done = command(*ask(tmp_path))
    assert done.returncode == 0, done.stderr
