# SPDX-License-Identifier: BSD-3-Clause
"""Arrays that were computed before, found again by a key that stands for all they follow from."""

import hashlib
import os

import numpy as np

from .names import expand


def recall(memory, key, compute):
    """Find arrays again, or compute and keep them.

    Parameters
    ----------
    memory : joblib.Memory or path
        A folder, in which they go to ``nipype_labels/KEY.npz``.
    key : str
        A digest.
    compute : function
        Gives a tuple of arrays.

    Returns
    -------
    tuple of array, of their own shapes
    """
    if hasattr(memory, 'cache'):
        # A function of the key alone to joblib, which would take images apart to tell them apart.
        return memory.cache(_compute, ignore=['compute'])(key, compute)
    path = expand(memory) / 'nipype_labels' / f'{key}.npz'
    try:
        with np.load(path) as found:
            return tuple(found[name] for name in sorted(found.files))
    except (OSError, ValueError, KeyError, EOFError):
        arrays = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'{key}.{os.getpid()}.npz')
    np.savez(partial, **{f'{i:02d}': array for i, array in enumerate(arrays)})
    os.replace(partial, path)  # noqa: PTH105 (known to be atomic)
    return arrays


def make_key(choices, arrays, series):
    """Digest of what is read of a series, and how.

    Parameters
    ----------
    choices : str
        How it is read.
    arrays : sequence of array, of any shapes
        Which of its voxels.
    series : Series

    Returns
    -------
    str
    """
    digest = hashlib.sha256(choices.encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(series.grid.affine.tobytes())
    digest.update(series.digest().encode())
    return digest.hexdigest()


def _compute(key, compute):
    """Compute what the key stands for."""
    return compute()
