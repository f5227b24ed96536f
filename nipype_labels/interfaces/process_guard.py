# SPDX-License-Identifier: BSD-3-Clause
"""Lock a node's folder for one run at a time, and end orphaned worker processes."""

import multiprocessing
import os
import sys
import threading
import time
from functools import cache

from ..files.locks import acquire_lock
from ..model.errors import LabelsError, LockedError
from .nipype_private import HASH_FILES

#: How worker processes start: forked, which takes no time, on Linux. The default depends on the version of Python.
START_METHOD = 'fork' if sys.platform == 'linux' else 'spawn'

#: Exit status of an orphaned worker process (EX_TEMPFAIL).
EXIT_ORPHANED = 75

#: How long a node waits for its folder, in seconds.
LOCK_SECONDS = 20

#: How often a worker checks whether its main process is alive, in seconds.
WATCH_SECONDS = 0.5


def is_node_folder(folder):
    """Whether an engine keeps the folder for a node, with the hash of its inputs; else it is the user's."""
    return any(folder.glob(HASH_FILES))


def lock_folder(folder):
    """Return the lock on a node's folder, None on file systems without locks; LabelsError if another run has it.

    A second run of the graph would empty the folder, or mix its files with those of this run.
    """
    try:
        # A worker whose main process was killed releases its folder as soon as it notices.
        return acquire_lock(folder.with_name(f'.{folder.name}.lock'), LOCK_SECONDS)
    except LockedError as e:
        raise LabelsError(f'{folder} is {e}. Wait for it, or use a different base_dir') from None


def watch_main_process():
    """Start a thread that ends this worker as soon as its main process has died, also while a node computes."""
    if multiprocessing.parent_process() is not None:
        _start_watching(os.getpid())


@cache
def _start_watching(worker):
    """Start the thread once for each process: a forked worker inherits the cache, but not the thread."""
    threading.Thread(target=_watch, args=(os.getppid(),), name='watch_main_process', daemon=True).start()


def _watch(first_parent):
    # A dead main process that nobody has waited for still has an id, but no children.
    while os.getppid() == first_parent and not is_orphaned():
        time.sleep(WATCH_SECONDS)
    os._exit(EXIT_ORPHANED)


def exit_if_orphaned():
    """End a worker whose main process has died: its run is over, and its folder may be another run's by now."""
    if is_orphaned():
        os._exit(EXIT_ORPHANED)


def is_orphaned():
    """Whether this process is a worker whose main process has died.

    The sentinel alone is blind under fork, where siblings hold it open, and the parent's id alone under forkserver,
    where the parent is the server.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return False
    if not parent.is_alive():
        return True
    if os.name != 'posix':
        return False  # os.kill would end the process there
    try:
        os.kill(parent.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it is alive, and runs as another user
    return False
