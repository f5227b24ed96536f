# SPDX-License-Identifier: BSD-3-Clause
"""Paths of files as users write them, and of files next to them."""

import os
import re
from pathlib import Path

_COMPRESSED = re.compile(r'\.(gz|bz2|xz|zst|zip)$', re.IGNORECASE)


def expand(path):
    """Return a path with the home folder for a leading ``~``; unchanged if there is no such user, or no home.

    >>> str(expand('~nobody_such/bold.nii'))
    '~nobody_such/bold.nii'
    """
    # Not pathlib's, which raises then, and what it raises is no error of a file.
    return Path(os.path.expanduser(path))  # noqa: PTH111


def strip_suffixes(path):
    """Return the name of a file without its suffix and that of its compression.

    >>> strip_suffixes('sub-1/sub-1_bold.nii.gz')
    'sub-1_bold'
    """
    return Path(_COMPRESSED.sub('', Path(path).name)).stem


def find_sidecar(path):
    """Return the Path of the JSON file next to a file (``x.json`` for ``x.nii.gz``), None if there is none."""
    sidecar = Path(path).with_name(f'{strip_suffixes(path)}.json')
    return sidecar if sidecar.is_file() else None
