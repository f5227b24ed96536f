# SPDX-License-Identifier: BSD-3-Clause
"""Writing into folders that others read and write at the same time."""

import hashlib
import os
import shutil
import time
import uuid

from .process_guard import exit_if_orphaned

#: What is left of a write that was killed is removed by the next one once it has this age.
LEFTOVER_SECONDS = 3600

_CHUNK = 2**20


def holds(path, content):
    """Whether a file holds this content.

    Parameters
    ----------
    path : Path
        There may be none.
    content : bytes or Path
        A path stands for what that file holds.

    Returns
    -------
    bool
    """
    if not path.is_file():
        return False
    if isinstance(content, bytes):
        return path.stat().st_size == len(content) and path.read_bytes() == content
    if path.stat().st_size != content.stat().st_size:
        return False
    with path.open('rb') as one, content.open('rb') as other:
        while chunk := one.read(_CHUNK):
            if chunk != other.read(_CHUNK):
                return False
    return True


def save(path, content):
    """Put content under a name, whole or not at all.

    Parameters
    ----------
    path : Path
        Its folders are made.
    content : bytes or Path

    Raises
    ------
    OSError
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Short, since the name itself may be as long as names can be; hidden from those who list the data set; and of
    # this write alone, since another run may write the same file of the data set at the same time.
    begun = f'.partial-{hashlib.md5(path.name.encode()).hexdigest()[:12]}'
    _remove_leftovers(path.parent, begun)
    partial = path.with_name(f'{begun}-{uuid.uuid4().hex[:12]}')
    try:
        if isinstance(content, bytes):
            partial.write_bytes(content)
        else:
            shutil.copyfile(content, partial)
        exit_if_orphaned()
        os.replace(partial, path)  # noqa: PTH105 (known to be atomic)
    finally:
        partial.unlink(missing_ok=True)


def _remove_leftovers(folder, begun):
    """Remove what killed writes of a file have left; one that is under way is younger."""
    for leftover in folder.glob(f'{begun}-*'):
        try:
            if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                leftover.unlink()
        except FileNotFoundError:
            continue
