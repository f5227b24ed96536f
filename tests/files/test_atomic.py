# SPDX-License-Identifier: BSD-3-Clause
"""Atomic writing in folders that other processes use: complete files or none, and no leftovers."""

import errno
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nipype_labels.files.atomic import copy_content, has_content, write_atomically


def save(path, content):
    path.parent.mkdir(exist_ok=True)
    with write_atomically(path) as partial:
        copy_content(content, partial)


@pytest.mark.parametrize('content', [b'', b'abc', b'x' * (2**20 + 1)])
def test_files_are_compared_byte_by_byte(content, tmp_path):
    path, same, other = tmp_path / 'path', tmp_path / 'same', tmp_path / 'other'
    assert not has_content(path, content)
    path.write_bytes(content)
    same.write_bytes(content)
    assert has_content(path, content)
    assert has_content(path, same)
    for different in (content + b'1', content[:-1] + b'!'):
        other.write_bytes(different)
        assert not has_content(path, different)
        assert not has_content(path, other)


def test_a_file_of_the_longest_name_can_be_written(tmp_path):
    save(tmp_path / 'folder' / ('x' * 255), b'abc')
    assert (tmp_path / 'folder' / ('x' * 255)).read_bytes() == b'abc'


@pytest.mark.parametrize('there', [None, 'whole'])
def test_an_interrupted_copy_leaves_the_existing_file(there, tmp_path, monkeypatch):
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
    (tmp_path / 'usual').write_text('')
    save(tmp_path / 'path', b'abc')
    assert (tmp_path / 'path').stat().st_mode == (tmp_path / 'usual').stat().st_mode


WRITE_AND_WAIT = """
import sys, time
from nipype_labels.files.atomic import write_atomically
with write_atomically(sys.argv[1]) as partial:
    partial.write_bytes(b'half')
    print('writing', flush=True)
    time.sleep(60)
"""


def test_a_killed_write_leaves_nothing_after_the_next_write_to_its_folder(tmp_path):
    """A write that is still running keeps its temporary file."""
    command = [sys.executable, '-c', WRITE_AND_WAIT]
    with (
        subprocess.Popen([*command, tmp_path / 'killed'], stdout=subprocess.PIPE) as killed,
        subprocess.Popen([*command, tmp_path / 'running'], stdout=subprocess.PIPE) as running,
    ):
        for process in (killed, running):
            assert process.stdout.readline() == b'writing\n'
        killed.kill()
        killed.wait()
        save(tmp_path / 'other', b'other')
        assert len(list(tmp_path.glob('.partial-*'))) == 1
        running.kill()
    save(tmp_path / 'other', b'other')
    assert [path.name for path in tmp_path.iterdir()] == ['other']


def test_without_locks_leftovers_go_after_an_hour(tmp_path, monkeypatch, no_locks):
    old, young = tmp_path / '.partial-old', tmp_path / '.partial-young'
    for path, age in ((old, 3601), (young, 3500)):
        path.write_bytes(b'half')
        os.utime(path, (time.time() - age, time.time() - age))
    save(tmp_path / 'path', b'whole')
    assert sorted(tmp_path.iterdir()) == [young, tmp_path / 'path']


@pytest.mark.parametrize('code', [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_without_fsync_is_written_to(code, tmp_path, monkeypatch):
    def refuse(handle):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, 'fsync', refuse)
    save(tmp_path / 'path', b'abc')
    assert (tmp_path / 'path').read_bytes() == b'abc'


def test_a_disk_that_fails_to_write_leaves_the_old_file(tmp_path, monkeypatch):
    def fail(handle):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (tmp_path / 'path').write_bytes(b'old')
    monkeypatch.setattr(os, 'fsync', fail)
    with pytest.raises(OSError, match='Input/output error'):
        save(tmp_path / 'path', b'new')
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [('path', b'old')]


def test_content_reaches_the_disk_before_the_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    """After a power failure, a file that was reported as written has its content."""
    steps, fsync, replace = [], os.fsync, os.replace

    def note_fsync(handle):
        steps.append('folder' if stat.S_ISDIR(os.fstat(handle).st_mode) else 'file')
        fsync(handle)

    def note_replace(source, target):
        steps.append('rename')
        replace(source, target)

    monkeypatch.setattr(os, 'fsync', note_fsync)
    monkeypatch.setattr(os, 'replace', note_replace)
    save(tmp_path / 'path', b'abc')
    assert steps == ['file', 'rename', 'folder']
