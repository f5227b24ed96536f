# SPDX-License-Identifier: BSD-3-Clause
"""Writing into a folder that others use: whole files or none, and no traces."""

import os
import shutil
import time
from pathlib import Path

import pytest

from nipype_labels.interfaces import atomic, process_guard
from nipype_labels.interfaces.atomic import holds, save


@pytest.mark.parametrize('content', [b'', b'abc', b'x' * (2**20 + 1)])
def test_what_a_file_holds_is_compared_byte_by_byte(content, tmp_path):
    path, same, other = tmp_path / 'path', tmp_path / 'same', tmp_path / 'other'
    assert not holds(path, content)
    path.write_bytes(content)
    same.write_bytes(content)
    assert holds(path, content)
    assert holds(path, same)
    for different in (content + b'1', content[:-1] + b'!'):
        other.write_bytes(different)
        assert not holds(path, different)
        assert not holds(path, other)


def test_a_file_of_the_longest_name_can_be_written(tmp_path):
    save(tmp_path / 'folder' / ('x' * 255), b'abc')
    assert (tmp_path / 'folder' / ('x' * 255)).read_bytes() == b'abc'


@pytest.mark.parametrize('there', [None, 'whole'])
def test_a_copy_that_ends_half_way_leaves_what_was_there(there, tmp_path, monkeypatch):
    path, source = tmp_path / 'folder' / 'path', tmp_path / 'source'
    source.write_text('new')
    path.parent.mkdir()
    if there:
        path.write_text(there)

    def copy(source, target):
        Path(target).write_bytes(Path(source).read_bytes()[:1])
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(shutil, 'copyfile', copy)
    with pytest.raises(OSError, match='No space left'):
        save(path, source)
    assert [(p.name, p.read_text()) for p in path.parent.iterdir()] == ([('path', there)] if there else [])


def test_files_have_the_rights_that_the_user_gives_new_files(tmp_path):
    """Others of the group are to read them."""
    (tmp_path / 'usual').write_text('')
    save(tmp_path / 'path', b'abc')
    assert (tmp_path / 'path').stat().st_mode == (tmp_path / 'usual').stat().st_mode


def test_a_worker_that_outlived_its_run_saves_nothing(tmp_path, monkeypatch):
    def end(status):
        raise SystemExit(status)

    monkeypatch.setattr(process_guard, 'is_orphaned', lambda: True)
    monkeypatch.setattr(os, '_exit', end)
    with pytest.raises(SystemExit) as ended:
        save(tmp_path / 'folder' / 'path', b'abc')
    assert ended.value.code == process_guard.EXIT_ORPHANED
    assert list((tmp_path / 'folder').iterdir()) == []


def test_what_a_killed_write_left_goes_with_the_next_one_but_not_one_under_way(tmp_path, monkeypatch):
    path, names, real = tmp_path / 'folder' / 'path', [], os.replace
    monkeypatch.setattr(os, 'replace', lambda source, target: (names.append(source.name), real(source, target)))
    save(path, b'first')
    begun = names[0].rsplit('-', 1)[0]
    leftovers = [path.with_name(name) for name in (f'{begun}-killed', f'{begun}-writing', '.partial-other-killed')]
    for leftover, age in zip(leftovers, (2, 0.5, 2), strict=True):
        leftover.write_bytes(b'half')
        written = time.time() - age * atomic.LEFTOVER_SECONDS
        os.utime(leftover, (written, written))
    save(path, b'second')
    assert sorted(path.parent.iterdir()) == sorted([path, *leftovers[1:]])
    assert path.read_bytes() == b'second'
