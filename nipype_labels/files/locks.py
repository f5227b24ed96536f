# SPDX-License-Identifier: BSD-3-Clause
"""Lock folders and caches between processes; a lock dies with the process that holds it."""

import os
import platform
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..model.errors import LockedError


def acquire_lock(path, timeout=-1):
    """Return the acquired lock on the file ``path``, to be released; None if the file system does not support locks.

    LockedError is raised if another process holds the lock for longer than ``timeout`` seconds; -1 waits forever.
    """
    lock = FileLock(path)
    # Older versions of filelock empty the file while they try to lock it.
    owner = _read_owner(path)
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        raise LockedError(f'locked by {_read_owner(path) or owner or "another process"}') from None
    except (OSError, NotImplementedError):
        return None
    _write(path, f'process {os.getpid()} on {platform.node()} (started {time.strftime("%H:%M")})')
    return lock


@contextmanager
def locked(path, timeout=-1):
    """Hold the lock on the file ``path`` during the block; see :func:`acquire_lock`."""
    lock = acquire_lock(path, timeout)
    try:
        yield
    finally:
        if lock is not None:
            _write(path, '')
            lock.release()


def _write(path, owner):
    """Write the owner into a lock file; on Windows, no other handle may write to a locked file."""
    with suppress(OSError):
        Path(path).write_text(owner, encoding='utf-8')


def _read_owner(path):
    """Return the process that a lock file names, empty if unknown; the computer is named if it is another one."""
    with suppress(OSError, ValueError):
        return Path(path).read_text(encoding='utf-8').replace(f' on {platform.node()}', '')
    return ''
