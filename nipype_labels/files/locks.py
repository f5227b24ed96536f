# SPDX-License-Identifier: BSD-3-Clause
"""Lock folders and caches between processes; a lock dies with the process that holds it, and leaves no file."""

import errno
import logging
import os
import platform
import time
import weakref
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from ..model.errors import LockedError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

#: What locking raises on file systems that do not support it.
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)

#: Seconds between attempts to get a lock.
POLL_SECONDS = 0.05

#: Locks of this process.
_held = weakref.WeakSet()


class Lock:
    """A lock that this process holds, and no process that it forks."""

    def __init__(self, handle, path):
        self._handle, self._path = handle, path
        _held.add(self)

    def release(self):
        """Remove the file of the lock while it is still locked, then unlock it."""
        if self._handle is not None:
            _remove(self._path)
            self.close()

    def close(self):
        """Close the handle of this process; the lock persists in the process that this one was forked from."""
        os.close(self._handle)
        self._handle = None


def acquire_lock(path, timeout=-1):
    """Return the acquired Lock on the file ``path``; None, after a warning, if the file system has no locks.

    LockedError is raised if another process holds the lock for longer than ``timeout`` seconds; -1 waits forever.
    """
    end = time.monotonic() + timeout
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        taken = lock_file(handle)
        # A file that its last holder has removed locks nothing.
        if taken and os.fstat(handle).st_nlink:
            owner = f'process {os.getpid()} on {platform.node()} (started {time.strftime("%H:%M")})'
            os.ftruncate(handle, 0)
            os.write(handle, owner.encode())
            return Lock(handle, path)
        os.close(handle)
        if taken is None:
            _remove(path)
            return None
        if not taken and timeout >= 0 and time.monotonic() >= end:
            raise LockedError(f'locked by {_read_owner(path) or "another process"}')
        time.sleep(0 if taken else POLL_SECONDS)


@contextmanager
def locked(path, timeout=-1):
    """Hold the lock on the file ``path`` during the block; see :func:`acquire_lock`."""
    lock = acquire_lock(path, timeout)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def lock_file(handle):
    """Lock an open file; return False if another process holds the lock, None if the file system has no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as e:
        if e.errno not in UNSUPPORTED:
            raise
        _warn_unsupported(e.strerror)
        return None
    return True


@cache
def _warn_unsupported(reason):
    """Log once that files cannot be locked, by the logger that the command shows."""
    logging.getLogger('nipype.interface').warning(
        'the file system does not support locks (%s): do not run two jobs with one work folder or output folder', reason
    )


def _remove(path):
    """Remove the file of a lock, if nobody else has."""
    with suppress(OSError):
        Path(path).unlink()


def _read_owner(path):
    """Return the process that a lock file names, empty if unknown; the computer is named if it is another one."""
    with suppress(OSError, ValueError):
        return Path(path).read_text(encoding='utf-8').replace(f' on {platform.node()}', '')
    return ''


def _forget_parent():
    """Close the handles that a fork has copied: its parent may die first, and the lock must die with the parent."""
    for lock in list(_held):
        if lock._handle is not None:
            lock.close()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_forget_parent)
