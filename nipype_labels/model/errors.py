# SPDX-License-Identifier: BSD-3-Clause
"""Errors about the input of a user.

The message is the only argument, so that errors survive pickling between processes. It has one line, because schedulers
pass on only the text of a traceback.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

#: How to install an extra of this package.
INSTALL = 'pip install ".[%s]" in a checkout of nipype_labels'


class LabelsError(ValueError):
    """A parameter or an input is not valid, or parameters contradict each other; the base of all errors about inputs.

    Fix: Follow the message, which names the parameter, option or file.
    """

    def __init__(self, message: object) -> None:
        # Names of files and regions may contain line feeds.
        super().__init__('\\n'.join(str(message).splitlines()))


class GridError(LabelsError):
    """Two images must have the same voxel grid and do not, or an affine is not invertible.

    Fix: Pass a ``resampling_target`` that resamples one of the images, or correct the header that is named.
    """


class ImageError(LabelsError):
    """An image cannot be read, or does not contain what it is used as.

    Fix: Copy a truncated or damaged file again from its source, or pass an image of the kind that is named.
    """


class LookupTableError(LabelsError):
    """A look-up table cannot be read, or contradicts itself.

    Fix: Make ids and names unique, one row per region; ``nipype-labels check`` reads image and table.
    """


class ConfoundsError(LabelsError):
    """A confounds table cannot be read, a requested column is missing, or a value is not finite.

    Fix: Pass the table of the same run, select columns that it has, and choose ``confounds_na`` for the first rows.
    """


class SignalError(LabelsError):
    """Time series cannot be denoised or projected as requested.

    Fix: Use fewer confounds, retain more volumes, or pass cut-offs that fit the repetition time.
    """


class MissingRegionsError(LabelsError):
    """Required regions have no time series, or no region has one.

    Fix: Check that atlas, mask and series are in one space; ``missing_labels='nan'`` accepts single missing regions.
    """


class LockedError(LabelsError):
    """Another process holds a lock; the message says which, as in ``locked by process 12 (started 14:02)``.

    Fix: Wait until that process has ended, or pass another work folder.
    """


class NotFittedError(LabelsError, AttributeError):
    """A masker is used before it was fitted; the bases are those of scikit-learn's error of this name.

    Fix: Call ``fit`` or ``fit_transform`` first.
    """


def list_names(names: Iterable[object], most: int = 8) -> str:
    """Return the first names for a message, and the number of the others.

    >>> list_names(['a', 'b', 'c'], 2)
    'a, b and 1 more'
    """
    first = [str(name) for name in names]
    return ', '.join(first[:most]) + (f' and {len(first) - most} more' if len(first) > most else '')


@contextmanager
def errors_name(path: object) -> Iterator[None]:
    """Put the name of a file, unless it is None, before messages of errors that do not contain it."""
    try:
        yield
    except LabelsError as e:
        if path is None or str(path) in str(e):
            raise
        raise type(e)(f'{path}: {e}') from e
