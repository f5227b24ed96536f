# SPDX-License-Identifier: BSD-3-Clause
"""Write files atomically and durably: a reader sees the old or the new content, also after a power failure."""

import errno
import hashlib
import os
import shutil
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

#: Temporary files of this age are leftovers of killed writes; younger ones may still be written.
LEFTOVER_SECONDS = 3600

_CHUNK = 2**20

#: What fsync raises on file systems that do not support it.
_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP)


@contextmanager
def write_atomically(path):
    """Yield the path of a temporary file; when the block ends without an error, rename that file to ``path``.

    The temporary file is in the folder of ``path``, is hidden, and has the same suffix. Its content is on disk before
    the rename, and the rename is on disk before this returns. After an error, ``path`` is as it was before.
    """
    path = Path(path)
    # A short name, since that of the file may be as long as names can be; unique, since others may write the same file.
    begun = f'.partial-{hashlib.md5(path.name.encode("utf-8", "surrogateescape")).hexdigest()[:12]}'
    _remove_leftovers(path.parent, begun)
    suffix = '.nii.gz' if path.name.endswith('.nii.gz') else path.suffix[:10]
    partial = path.with_name(f'{begun}-{uuid.uuid4().hex[:12]}{suffix}')
    try:
        yield partial
        _sync_file(partial)
        os.replace(partial, path)  # noqa: PTH105 (known to be atomic)
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


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


def _sync_file(path):
    """Wait until the content of a file is on disk."""
    with path.open('r+b') as file, _supported():
        os.fsync(file.fileno())


def _sync_folder(folder):
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


def _remove_leftovers(folder, begun):
    """Remove what killed writes of a file have left."""
    for leftover in folder.glob(f'{begun}-*'):
        with suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                leftover.unlink()
