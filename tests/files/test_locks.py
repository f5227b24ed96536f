# SPDX-License-Identifier: BSD-3-Clause
"""Locks between processes: they die with their owner, and leave no file."""

import errno
import logging
import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from nipype_labels.files.locks import acquire_lock, locked
from nipype_labels.model.errors import LockedError

HOLD = """
import sys, time
from nipype_labels.files.locks import acquire_lock
lock = acquire_lock(sys.argv[1])
print('locked', flush=True)
time.sleep(60)
"""

COUNT = """
import sys
from pathlib import Path
from nipype_labels.files.locks import locked
counter = Path(sys.argv[2])
for _ in range(100):
    with locked(sys.argv[1]):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


@pytest.fixture
def owner(tmp_path):
    """A process that holds the lock."""
    with subprocess.Popen([sys.executable, '-c', HOLD, tmp_path / 'lock'], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b'locked\n'
        yield process
        process.kill()


def test_a_lock_names_its_owner_and_dies_with_it(owner, tmp_path):
    with pytest.raises(LockedError, match=rf'^locked by process {owner.pid} \(started \d\d:\d\d\)$'):
        acquire_lock(tmp_path / 'lock', timeout=0)
    owner.kill()
    owner.wait()
    acquire_lock(tmp_path / 'lock', timeout=0).release()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_waited_for(tmp_path):
    lock = acquire_lock(tmp_path / 'lock')
    start = time.monotonic()
    with pytest.raises(LockedError):
        acquire_lock(tmp_path / 'lock', timeout=0.2)
    assert time.monotonic() - start >= 0.2
    lock.release()
    with locked(tmp_path / 'lock', timeout=0):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_one_process_at_a_time_holds_a_lock_whose_file_comes_and_goes(tmp_path):
    counter = tmp_path / 'counter'
    counter.write_text('0')
    processes = [subprocess.Popen([sys.executable, '-c', COUNT, tmp_path / 'lock', counter]) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert counter.read_text() == '400'
    assert list(tmp_path.iterdir()) == [counter]


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='processes cannot fork')
def test_a_forked_process_does_not_hold_the_lock_of_its_parent(tmp_path):
    """Workers may outlive a killed main process for seconds."""
    lock = acquire_lock(tmp_path / 'lock')
    worker = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))
    worker.start()
    try:
        with pytest.raises(LockedError):
            acquire_lock(tmp_path / 'lock', timeout=0)
        lock.close()
        # The worker gives the lock up as soon as it has started.
        acquire_lock(tmp_path / 'lock', timeout=30).release()
    finally:
        worker.kill()
        worker.join()


def test_a_file_system_without_locks_is_used_with_one_warning(no_locks, tmp_path, caplog):
    with caplog.at_level(logging.WARNING), locked(tmp_path / 'lock'), locked(tmp_path / 'lock'):
        assert list(tmp_path.iterdir()) == []
    (record,) = caplog.records
    assert 'does not support locks (No locks available)' in record.getMessage()


def test_a_lock_that_may_not_be_taken_is_an_error(tmp_path):
    """Only a file system without locks is used without a lock."""
    (tmp_path / 'file').write_text('')
    with pytest.raises(NotADirectoryError):
        acquire_lock(tmp_path / 'file' / 'lock')


def test_other_errors_of_locking_are_errors(tmp_path, refuse_locks):
    refuse_locks(errno.EPERM)
    with pytest.raises(PermissionError):
        acquire_lock(tmp_path / 'lock')
