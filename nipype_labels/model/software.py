# SPDX-License-Identifier: BSD-3-Clause
"""Versions of the software that computes: part of the hash of nodes, of manifests and of reports."""

import sys
from functools import cache
from importlib.metadata import version

#: Libraries whose minor releases may change numbers.
COMPUTING_LIBRARIES = ('numpy', 'scipy', 'nibabel')


def read_version(name: str) -> str:
    """Return the version of a package: that of the module, or of the metadata if it is not imported."""
    return sys.modules[name].__version__ if name in sys.modules else _read_metadata(name)


def read_minor_version(name: str) -> str:
    """Return the part of the version of a library that can change numbers.

    >>> read_minor_version('numpy').count('.')
    1
    """
    return '.'.join(read_version(name).split('.')[:2])


def read_versions() -> dict[str, str]:
    """Return the versions of this package, of Nipype and of the libraries that compute, by name."""
    return {name: read_version(name) for name in ('nipype_labels', 'nipype', *COMPUTING_LIBRARIES)}


@cache
def _read_metadata(name: str) -> str:
    """Return the version in the metadata of an installed package; reading it takes milliseconds."""
    return version(name)
