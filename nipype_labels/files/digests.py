# SPDX-License-Identifier: BSD-3-Clause
"""Digests of files' contents, remembered so that a file is read again only if it was touched."""

import hashlib
import os
import time
from pathlib import Path

from nibabel.filebasedimages import ImageFileError
from nibabel.imageclasses import all_image_classes

from .hemispheres import HEMISPHERE_ENDS, list_pair
from .paths import expand

#: Smaller files are read sooner than looked up.
LEAST_BYTES = 2**18

#: A file that changed within these seconds may change again without a new time stamp: its digest is not remembered.
SETTLED_SECONDS = 2

#: Two digests as hexadecimal digits, with a space and a line feed.
RECORD_BYTES = 66

#: Formats of which an image is more than one file.
_OF_SEVERAL_FILES = [kind for kind in all_image_classes if len(kind.files_types) > 1]

#: Ends of the names of these files, which may be compressed. A file with another name is an image of one file.
_ENDINGS = tuple(
    (ending + packed).lower()
    for kind in _OF_SEVERAL_FILES
    for _, ending in kind.files_types
    for packed in ('', *kind._compressed_suffixes)
)

#: What this process knows: digests of contents by those of files' states.
_known = {}


def content_digest(path):
    """Return the MD5 digest of a file's content, as Nipype takes it, from memory if the file was not touched.

    If the memory's folder can't be written, digests are remembered within the process. A file is untouched if path,
    device, inode, size, and the times of its last modification and change of status are the same. Records have one
    length and are only ever appended, whole: processes of any number of machines may share a folder.
    """
    if os.stat(path).st_size < LEAST_BYTES:  # noqa: PTH116 (a path may be given as str)
        return _read(path)
    state, settled = read_state(path)
    if state not in _known:
        shard = memory_folder() / state[:2]
        _known.update(_records(shard))
        if state not in _known:
            digest = _read(path)
            if read_state(path)[0] != state or not settled:
                return digest
            _known[state] = digest
            _remember(shard, state, digest)
    return _known[state]


def image_files(path):
    """Return the existing files of an image, sorted, from the name of one of them.

    ``.hdr``, ``.img`` and ``.mat`` are one image, as are the pairs of AFNI and PAR/REC, and those of two hemispheres.

    >>> image_files('bold.nii.gz')
    ['bold.nii.gz']
    """
    path = os.fspath(path)
    if path.lower().endswith(HEMISPHERE_ENDS):
        return list_pair(path)
    if not path.lower().endswith(_ENDINGS):
        return [path]
    files = {path}
    for kind in _OF_SEVERAL_FILES:
        try:
            members = {holder.filename for holder in kind.filespec_to_file_map(path).values()}
        except ImageFileError:
            continue
        files |= {member for member in members if path in members and os.path.isfile(member)}  # noqa: PTH113
    return sorted(files)


def image_digest(path, digest=content_digest):
    """Return the digest of all files of an image, by the function ``digest`` of one: the same from each name."""
    files = image_files(path)
    if len(files) == 1:
        return digest(path)
    parts = [f'{Path(file).suffix} {digest(file)}' for file in files]
    return hashlib.md5('\n'.join(parts).encode()).hexdigest()


def memory_folder():
    """Return the folder that digests are remembered in: in the user's cache folder (``XDG_CACHE_HOME``).

    Without a home folder, it is one that cannot be made.
    """
    cache = expand(os.environ.get('XDG_CACHE_HOME') or '~/.cache')
    return (Path(os.devnull) if str(cache).startswith('~') else cache) / 'nipype_labels' / 'digests'


def read_state(path):
    """Return a digest of what changes when a file is touched, and whether it was not touched recently."""
    path = os.path.abspath(path)  # noqa: PTH100 (links are kept: what they lead to is in the inode)
    status = os.stat(path)  # noqa: PTH116
    state = (path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    age = time.time() - max(status.st_mtime, status.st_ctime)
    return hashlib.md5(repr(state).encode()).hexdigest(), age > SETTLED_SECONDS


def _read(path):
    with Path(path).open('rb') as file:
        return hashlib.file_digest(file, 'md5').hexdigest()


def _records(shard):
    """Return the digests in a file of records; half a record, of a process that was killed, is skipped."""
    try:
        content = shard.read_bytes()
    except OSError:
        return {}
    lines = content.decode('ascii', 'replace').split('\n')
    return {line[:32]: line[33:] for line in lines if len(line) == RECORD_BYTES - 1 and line[32] == ' '}


def _remember(shard, state, digest):
    try:
        shard.parent.mkdir(parents=True, exist_ok=True)
        with shard.open('ab', buffering=0) as file:
            # A line feed first ends a record that another process left unfinished.
            file.write(f'\n{state} {digest}\n'.encode())
    except OSError:
        pass
