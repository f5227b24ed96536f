# SPDX-License-Identifier: BSD-3-Clause
"""Lock folders and caches between processes; a lock dies with the process that holds it."""

from contextlib import contextmanager

from filelock import FileLock, Timeout

__all__ = ['Timeout', 'acquire_lock', 'locked']


def acquire_lock(path, timeout=-1):
    """Return the acquired lock on the file ``path``, to be released; None if the file system does not support locks.

    Timeout is raised if another process holds the lock for longer than ``timeout`` seconds; -1 waits forever.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        raise
    except (OSError, NotImplementedError):
        return None
    return lock


@contextmanager
def locked(path, timeout=-1):
    """Hold the lock on the file ``path`` during the block; see :func:`acquire_lock`."""
    lock = acquire_lock(path, timeout)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()
