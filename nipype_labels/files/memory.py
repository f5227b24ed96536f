# SPDX-License-Identifier: BSD-3-Clause
"""Arrays that were computed before, found again by a key that stands for all they follow from."""

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
    tuple of array
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


def _compute(key, compute):
    """Compute what the key stands for."""
    return compute()
