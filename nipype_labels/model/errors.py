# SPDX-License-Identifier: BSD-3-Clause
"""What can be wrong with what a user gave, as exceptions of one sentence each.

Each takes its whole message as its only argument, so that it survives pickling between processes,
and keeps to one line, so that it survives a scheduler that hands on only the text of a traceback.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class LabelsError(ValueError):
    """Something that a user gave can't be worked with; the message says what, where and what to do."""

    def __init__(self, message: object) -> None:
        # Names of files and regions may hold line feeds.
        super().__init__('\\n'.join(str(message).splitlines()))


class GridError(LabelsError):
    """Two images that must share a grid don't, or an affine maps no grid at all."""


class ImageError(LabelsError):
    """An image can't be read, or doesn't hold what it is used as."""


class LookupTableError(LabelsError):
    """A look-up table can't be read, or contradicts itself."""


class ConfoundsError(LabelsError):
    """A confounds table cannot be read, or a requested column is missing."""


class SignalError(LabelsError):
    """Signals that can't be cleaned or projected as asked."""


class MissingRegionsError(LabelsError):
    """Regions that must be there are not."""


class LockedError(LabelsError):
    """Another process holds a lock; the message says which, as in ``locked by process 12 (started 14:02)``."""


class NotFittedError(LabelsError, AttributeError):
    """A masker is used before it was fitted; scikit-learn's error of that name has the same two bases."""


@contextmanager
def errors_name(path: object) -> Iterator[None]:
    """Put the name of a file, if there is one, before the message of an error that doesn't have it."""
    try:
        yield
    except LabelsError as e:
        if path is None or str(path) in str(e):
            raise
        raise type(e)(f'{path}: {e}') from e
