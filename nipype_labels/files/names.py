# SPDX-License-Identifier: BSD-3-Clause
"""Names of files as users write them."""

import os
from pathlib import Path


def expand(path):
    """A path with the home that a leading ``~`` stands for; as it is where there is no such user, or no home.

    >>> str(expand('~nobody_such/bold.nii'))
    '~nobody_such/bold.nii'
    """
    # Not pathlib's, which raises then, and what it raises is no error of a file.
    return Path(os.path.expanduser(path))  # noqa: PTH111
