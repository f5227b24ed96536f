# SPDX-License-Identifier: BSD-3-Clause
"""File systems that refuse locks."""

import errno
import fcntl
import os
import shutil
import subprocess

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
    """Replace the file system by one without locks."""
    refuse_locks(errno.ENOLCK)


@pytest.fixture
def wb_command():
    """Run a command of Connectome Workbench; the test is skipped without it."""
    program = shutil.which('wb_command')
    if program is None:
        pytest.skip('wb_command is not installed')

    def run(*arguments):
        return subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, timeout=120)

    return run
