# SPDX-License-Identifier: BSD-3-Clause
"""Arrays that were computed before, kept by joblib under a key of everything that they follow from."""

import hashlib
import os
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import nibabel as nib
import numpy as np
import scipy

from ..model.errors import INSTALL, LabelsError
from .locks import locked
from .paths import expand

#: Name of the lock in the folder of a cache.
LOCK = 'nipype_labels.lock'

#: joblib's own record of its functions is not safe for threads.
_LOCK = threading.Lock()


def check_memory(memory):
    """Raise LabelsError for a cache that is neither a ``joblib.Memory`` nor the path of a folder, or without joblib."""
    if memory is None:
        return
    joblib = _import_joblib()
    if not isinstance(memory, str | os.PathLike | joblib.Memory):
        raise LabelsError(f'memory must be a joblib.Memory or the path of a folder, not {memory!r}')


def load_or_compute(memory, key, compute):
    """Return a tuple of arrays from a cache under ``key`` (a digest), or compute and keep them.

    ``memory`` is a joblib.Memory or path; threads and processes may share it. A digest is kept with the arrays:
    damaged ones are computed again.
    """
    with _usable(memory):
        if isinstance(memory, str | os.PathLike):
            expand(memory).mkdir(parents=True, exist_ok=True)
            memory = _import_joblib().Memory(expand(memory), verbose=0)
        if memory.location is not None:
            # joblib hashes the key only: to compare images, it would read all of their values.
            kept = memory.cache(_keep, ignore=['arrays'])
            lock_file = Path(memory.location) / LOCK
            with _LOCK, locked(lock_file):
                found = _look_up(kept, key)
            if found is not None:
                return found
    arrays = tuple(np.asarray(array) for array in compute())
    if memory.location is not None:
        with _usable(memory.location), _LOCK, locked(lock_file):
            kept(key, arrays)
    return arrays


def make_key(choices, arrays, series):
    """Return a digest of a Series, the arrays that select its voxels, how they are read, and the libraries."""
    versions = [(library.__name__, library.__version__) for library in (np, scipy, nib)]
    return _digest([f'{choices} {versions}', *arrays, np.frombuffer(series.grid.content, np.uint8), series.digest()])


def _import_joblib():
    """Return the module joblib; LabelsError if it is not installed."""
    try:
        import joblib
    except ImportError as e:
        raise LabelsError(f'memory needs joblib: {INSTALL % "cache"}, or do not set memory') from e
    return joblib


@contextmanager
def _usable(memory):
    """Report errors of the file system as errors of the cache."""
    try:
        yield
    except OSError as e:
        raise LabelsError(f'memory={memory!r} can not be used as a cache: {e}') from e


def _look_up(kept, key):
    """Return the arrays that are kept under a key, None if there are none or they were damaged."""
    if not kept.check_call_in_cache(key, None):
        return None
    try:
        digest, found = kept(key, None)
        found = tuple(np.array(array) for array in found)
        intact = digest == _digest([key, *found])
    except Exception:  # damaged pickles make joblib and NumPy raise all kinds
        intact = False
    if intact:
        return found
    with suppress(Exception):
        kept.call_and_shelve(key, None).clear()
    return None


def _keep(key, arrays):
    """Return what joblib keeps under the key."""
    if arrays is None:
        raise KeyError(key)
    return _digest([key, *arrays]), arrays


def _digest(entries):
    """Return the digest of texts and of arrays, of their types, shapes and values."""
    digest = hashlib.sha256()
    for entry in entries:
        if isinstance(entry, str):
            digest.update(entry.encode())
        else:
            digest.update(f'{entry.dtype.str} {entry.shape}'.encode())
            digest.update(np.ascontiguousarray(entry).tobytes())
    return digest.hexdigest()
