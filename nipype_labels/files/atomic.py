# SPDX-License-Identifier: BSD-3-Clause
"""Write files atomically and durably: a reader sees the old or the new content, also after a power failure."""

import errno
import os
import shutil
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

from .locks import lock_file

#: What the names of temporary files begin with.
PARTIAL = '.partial-'

#: Age, in seconds, of temporary files that killed writes have left, on file systems without locks.
LEFTOVER_SECONDS = 3600

_CHUNK = 2**20

#: What fsync raises on file systems that do not support it.
_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP)


@contextmanager
def write_atomically(path, sync_content=True, sync_name=True):
    """Yield the path of a temporary file; when the block ends without an error, rename that file to ``path``.

    The temporary file is in the folder of ``path``, is hidden, and has the same suffix. Its content is on disk before
    the rename unless ``sync_content`` is False, and the rename is on disk before this returns unless ``sync_name`` is
    False: then the caller syncs several files at once. After an error, ``path`` is as it was before.
    """
    path = Path(path)
    remove_leftovers(path.parent)
    partial, handle = _create_partial(path)
    try:
        yield partial
        if sync_content:
            sync_file(partial)
        os.replace(partial, path)  # noqa: PTH105 (known to be atomic)
        if sync_name:
            sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def create_folder(path, mode=0o777):
    """Create a folder, with ``mode``, and its missing parents, so that they survive a power failure."""
    path = Path(path).absolute()
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(mode, parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)


def remove_leftovers(folder):
    """Remove the temporary files of writes that were killed: a running write holds a lock on its own."""
    for leftover in Path(folder).glob(f'{PARTIAL}*'):
        with suppress(OSError):
            handle = os.open(leftover, os.O_RDWR)
            try:
                taken = lock_file(handle)
                old = time.time() - os.fstat(handle).st_mtime > LEFTOVER_SECONDS
                if taken or (taken is None and old):
                    leftover.unlink()
            finally:
                os.close(handle)


def copy_content(content, path):
    """Write bytes, or copy the content of the file at a Path, to ``path``."""
    if isinstance(content, bytes):
        Path(path).write_bytes(content)
    else:
        shutil.copyfile(content, path)


def has_content(path, content):
    """Whether a file exists and has this content: bytes, or that of the file at a Path."""
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


def _create_partial(path):
    """Create the temporary file for ``path``; return its path, and the handle that locks it or None."""
    suffix = '.nii.gz' if path.name.endswith('.nii.gz') else path.suffix[:10]
    while True:
        # A short name, since that of the file may be as long as names can be.
        partial = path.with_name(f'{PARTIAL}{uuid.uuid4().hex[:12]}{suffix}')
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        taken = lock_file(handle)
        if taken and os.fstat(handle).st_nlink:
            return partial, handle
        os.close(handle)
        if taken is None:
            return partial, None
        # Another write has taken the file for a leftover before it was locked.
        partial.unlink(missing_ok=True)


def sync_file(path):
    """Wait until the content of a file is on disk."""
    with Path(path).open('r+b') as file, _supported():
        os.fsync(file.fileno())


def sync_folder(folder):
    """Wait until the names in a folder are on disk; Windows can not open folders, and needs no such call."""
    if os.name != 'posix':
        return
    # A folder that may be written to but not listed can not be opened.
    with suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            with _supported():
                os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _supported():
    """Ignore that a file system does not support fsync."""
    try:
        yield
    except OSError as e:
        if e.errno not in _UNSUPPORTED:
            raise
