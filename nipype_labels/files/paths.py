# SPDX-License-Identifier: BSD-3-Clause
"""Expand paths of users, and find sidecars."""

import os
import re
from pathlib import Path

#: Ends of the names of files of NIfTI or Analyze, in lower case.
NIFTI_ENDS = ('.nii', '.nii.gz', '.hdr', '.hdr.gz', '.img', '.img.gz')

_COMPRESSED = re.compile(r'\.(gz|bz2|xz|zst|zip)$', re.IGNORECASE)

#: Suffixes of two parts: CIFTI and GIFTI.
_DOUBLE = re.compile(r'\.([dp](tseries|scalar|label)\.nii|(func|label|shape|surf|annot)\.gii)$', re.IGNORECASE)


def expand(path):
    """Return a path with ``~`` replaced by the home folder; unchanged without such a user or home folder.

    >>> str(expand('~nobody_such/bold.nii'))
    '~nobody_such/bold.nii'
    """
    # Path.expanduser raises RuntimeError without a home folder.
    return Path(os.path.expanduser(path))  # noqa: PTH111


def strip_suffixes(path):
    """Return the name of a file without its suffixes of format and compression.

    >>> strip_suffixes('sub-1/sub-1_bold.nii.gz'), strip_suffixes('Glasser.2016.dlabel.nii')
    ('sub-1_bold', 'Glasser.2016')
    """
    name = _COMPRESSED.sub('', Path(path).name)
    return _DOUBLE.sub('', name) if _DOUBLE.search(name) else Path(name).stem


def find_sidecar(path):
    """Return the Path of the JSON file next to a file (``x.json`` for ``x.nii.gz``), None if it does not exist."""
    sidecar = Path(path).with_name(f'{strip_suffixes(path)}.json')
    return sidecar if sidecar.is_file() else None
