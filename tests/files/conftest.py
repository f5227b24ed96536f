# SPDX-License-Identifier: BSD-3-Clause
"""File systems that refuse locks."""

import errno
import fcntl
import os

import pytest

from nipype_labels.files import locks


@pytest.fixture
def refuse_locks(monkeypatch):
    """Make locking fail with an error number."""

    def install(code):
        def flock(handle, operation):
            raise OSError(code, os.strerror(code))

        locks._warn_unsupported.cache_clear()
        monkeypatch.setattr(fcntl, 'flock', flock)

    return install


@pytest.fixture
def no_locks(refuse_locks):
    """Make the file system one without locks."""
    refuse_locks(errno.ENOLCK)
