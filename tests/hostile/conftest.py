# SPDX-License-Identifier: BSD-3-Clause
"""The command in this process, on valid files next to the outputs of an earlier run."""

import ctypes
import os
import shutil
import tracemalloc
from contextlib import contextmanager

import pytest
from hostile_cases import Given, build, complaint, contents, half_written

from nipype_labels.cli.main import main

#: Memory that a file of a few thousand bytes may take, whatever size its header announces.
MOST_BYTES = 2**25

#: Capabilities of Linux by which root ignores permissions of files.
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
CAPABILITY_VERSION_3 = 0x20080522


@pytest.fixture
def call(in_process):
    """Run the command, which must print nothing on standard output; return exit status and messages."""

    def run(*arguments):
        status, output, said = in_process(*arguments)
        assert output == ''
        return status, said

    return run


@pytest.fixture(scope='session')
def earlier(tmp_path_factory):
    """A valid set of files, and the outputs of a run on it."""
    folder = tmp_path_factory.mktemp('earlier')
    given = build(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(given.arguments()) == 0
    shutil.rmtree(folder / 'out' / 'work')
    return folder


@pytest.fixture
def given(earlier, tmp_path, monkeypatch):
    """A copy of the valid set of files next to the outputs of an earlier run."""
    shutil.copytree(earlier, tmp_path / 'set')
    monkeypatch.chdir(tmp_path / 'set')
    return Given(tmp_path / 'set')


@pytest.fixture
def refuse(given, call):
    """Assert that the command refuses a case with one line that names the problem, and changes no file."""

    def check(case, status=2, kind='error'):
        case.damage(given)
        before = contents(given.folder)
        found, said = call(*given.arguments(case.options))
        assert 'Traceback' not in said
        assert found == status, said
        line = complaint(said)
        assert line.startswith(f'nipype-labels: {kind}: ')
        for word in case.words.split(' | '):
            assert word in line
        assert contents(given.folder) == before
        assert half_written(given.folder) == []

    return check


@pytest.fixture
def refuse_cheaply(refuse):
    """Assert that a case is refused in little memory."""

    def check(case):
        tracemalloc.start()
        try:
            refuse(case)
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
        finally:
            tracemalloc.stop()

    return check


@pytest.fixture
def accept(given, call):
    """Assert that the command succeeds without changing its inputs; return the set with new outputs."""

    def check(case):
        case.damage(given)
        shutil.rmtree(given / 'out')
        before = contents(given.folder)
        status, said = call(*given.arguments(case.options))
        assert status == 0, said
        assert 'Traceback' not in said
        after = contents(given.folder)
        assert {name: after[name] for name in before} == before
        assert half_written(given.folder) == []
        return given

    return check


@pytest.fixture
def unchanged(accept, earlier):
    """Assert that a case changes no byte of raw and denoised time series and of the coverage table."""

    def check(case):
        given = accept(case)
        for name in ('timeseries.tsv', 'timeseries_raw.tsv', 'regions.tsv'):
            assert (given / 'out' / 'atlas' / name).read_bytes() == (earlier / 'out' / 'atlas' / name).read_bytes()

    return check


@pytest.fixture
def without_privileges():
    """Apply permissions of files to this thread and those that it starts, even for root."""
    if os.geteuid():
        yield
        return
    with without_capabilities():
        yield


@contextmanager
def without_capabilities():
    """Drop the capabilities of root to ignore permissions of files."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    had = (ctypes.c_uint32 * 6)()
    if not hasattr(libc, 'capget') or libc.capget(header, had):
        pytest.skip('root without capabilities is something of Linux')
    fewer = (ctypes.c_uint32 * 6)(*had)
    fewer[0] &= ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)
    assert libc.capset(header, fewer) == 0
    try:
        yield
    finally:
        assert libc.capset(header, had) == 0
