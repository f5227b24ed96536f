# SPDX-License-Identifier: BSD-3-Clause
"""Digests of file contents: correct after any change of a file, and computed once."""

import hashlib
import os
import shutil
import subprocess
import sys

import pytest

from nipype_labels.files import digests
from nipype_labels.files.digests import LEAST_BYTES, RECORD_BYTES, content_digest, image_digest, memory_folder


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """An empty memory, of the process and on disk."""
    monkeypatch.setattr(digests, '_known', {})
    # Files that tests write are young.
    monkeypatch.setattr(digests, 'SETTLED_SECONDS', -1)
    monkeypatch.setattr(digests, 'memory_folder', lambda: tmp_path / 'memory')
    return tmp_path / 'memory'


@pytest.fixture
def reads(monkeypatch):
    """Paths of the files that were read."""
    paths, read = [], digests._read
    monkeypatch.setattr(digests, '_read', lambda path: (paths.append(str(path)), read(path))[1])
    return paths


@pytest.fixture
def large(tmp_path):
    path = tmp_path / 'large.bin'
    path.write_bytes(os.urandom(LEAST_BYTES + 1))
    return path


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_a_digest_is_that_of_the_content(memory, large, tmp_path):
    small = tmp_path / 'small'
    small.write_bytes(b'abc')
    for path in (small, large):
        assert content_digest(path) == content_digest(str(path)) == md5(path)


def test_a_file_is_read_once_by_this_process_and_not_at_all_by_the_next(memory, large, reads, monkeypatch):
    assert content_digest(large) == content_digest(large)
    monkeypatch.setattr(digests, '_known', {})
    assert content_digest(large) == md5(large)
    assert reads == [str(large)]


@pytest.mark.parametrize('same_time', [False, True])
def test_other_content_has_another_digest(memory, large, same_time):
    before, status = content_digest(large), large.stat()
    large.write_bytes(os.urandom(LEAST_BYTES + 1))
    if same_time:
        os.utime(large, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert content_digest(large) == md5(large) != before


def test_a_replaced_file_has_its_own_digest(memory, large, tmp_path):
    content_digest(large)
    other = tmp_path / 'other.bin'
    other.write_bytes(os.urandom(LEAST_BYTES + 1))
    os.utime(other, ns=(large.stat().st_atime_ns, large.stat().st_mtime_ns))
    shutil.move(other, large)
    assert content_digest(large) == md5(large)


def test_a_file_that_may_still_change_is_not_remembered(memory, large, reads, monkeypatch):
    monkeypatch.setattr(digests, 'SETTLED_SECONDS', 1000)
    assert content_digest(large) == content_digest(large) == md5(large)
    assert len(reads) == 2
    assert not memory.exists()


def test_small_files_leave_no_records(memory, tmp_path):
    (tmp_path / 'small').write_bytes(b'abc')
    content_digest(tmp_path / 'small')
    assert not memory.exists()


def test_damaged_records_are_ignored(memory, large, reads, monkeypatch):
    content_digest(large)
    (shard,) = memory.iterdir()
    record = shard.read_bytes().strip()
    assert len(record) == RECORD_BYTES - 1
    for damaged in (record[:40], b'\xff\xfe' * 33, record[:32] + b'x' + record[33:]):
        shard.write_bytes(damaged)
        monkeypatch.setattr(digests, '_known', {})
        reads.clear()
        assert content_digest(large) == md5(large)
        assert len(reads) == 1
        # What was written behind it is whole.
        monkeypatch.setattr(digests, '_known', {})
        assert content_digest(large) == md5(large)
        assert len(reads) == 1


def test_a_memory_that_can_not_be_written_only_costs_time(memory, large):
    memory.write_text('no folder')
    assert content_digest(large) == md5(large)


@pytest.mark.slow
def test_many_processes_share_one_memory(memory, tmp_path):
    files = [tmp_path / f'{i}.bin' for i in range(30)]
    for path in files:
        path.write_bytes(os.urandom(LEAST_BYTES + 1))
    script = (
        'import pathlib, sys; from nipype_labels.files import digests; digests.SETTLED_SECONDS = -1\n'
        'digests.memory_folder = lambda: pathlib.Path(sys.argv[1])\n'
        'for path in sys.argv[2:]: digests.content_digest(path)'
    )
    processes = [subprocess.Popen([sys.executable, '-c', script, memory, *files]) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    found = {}
    for shard in memory.iterdir():
        found |= digests._records(shard)
    assert set(found.values()) == {md5(path) for path in files}


def test_the_memory_is_in_the_cache_folder_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert memory_folder() == tmp_path / 'nipype_labels' / 'digests'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', '/home/someone')
    assert str(memory_folder()) == '/home/someone/.cache/nipype_labels/digests'


@pytest.mark.parametrize('size', [10, LEAST_BYTES + 1])
@pytest.mark.parametrize(
    ('named', 'other'),
    [
        ('b.img', 'b.hdr'),
        ('b.hdr', 'b.img'),
        ('b.img', 'b.mat'),
        ('b.IMG', 'b.HDR'),
        ('b.img.gz', 'b.hdr.gz'),
        ('b+orig.HEAD', 'b+orig.BRIK.gz'),
        ('b.PAR', 'b.REC'),
    ],
)
def test_each_file_of_an_image_counts(memory, tmp_path, named, other, size):
    for name in (named, other):
        (tmp_path / name).write_bytes(os.urandom(size))
    found = [image_digest(tmp_path / named)]
    (tmp_path / other).write_bytes(os.urandom(size))
    found.append(image_digest(str(tmp_path / named)))
    if not other.endswith('.mat'):
        assert image_digest(tmp_path / other) == found[-1]
    (tmp_path / other).unlink()
    found.append(image_digest(tmp_path / named))
    assert len(set(found)) == 3
    assert found[-1] == content_digest(tmp_path / named)


@pytest.mark.parametrize('name', ['b.nii', 'b.nii.gz', 'b.mgz', 'b.tsv', 'b', 'b.json'])
def test_a_file_on_its_own_has_the_digest_of_its_content(memory, tmp_path, name):
    for other in (name, 'b.img', 'b.hdr', 'b.mat', 'b.REC'):
        (tmp_path / other).write_bytes(other.encode())
    assert image_digest(tmp_path / name) == content_digest(tmp_path / name)
