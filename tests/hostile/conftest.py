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

#: Memory that a file of a few thousand bytes may take, whatever it promises.
MOST_BYTES = 2**25

#: Linux's capabilities by which root reads and writes what nobody may.
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
CAPABILITY_VERSION_3 = 0x20080522


@pytest.fixture
def call(in_process):
    """Run the command; its exit status, and what it said, which is nothing on standard output."""

    def run(*arguments):
        status, output, said = in_process(*arguments)
        assert output == ''
        return status, said

    return run


@pytest.fixture(scope='session')
def earlier(tmp_path_factory):
    """A valid set, and what a run has made of it."""
    folder = tmp_path_factory.mktemp('earlier')
    given = build(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(given.arguments()) == 0
    shutil.rmtree(folder / 'out' / 'work')
    return folder


@pytest.fixture
def given(earlier, tmp_path, monkeypatch):
    """A valid set of this test's own, beside what an earlier run has written."""
    shutil.copytree(earlier, tmp_path / 'set')
    monkeypatch.chdir(tmp_path / 'set')
    return Given(tmp_path / 'set')


@pytest.fixture
def refuse(given, call):
    """Assert that the command refuses a case by one line that names what is wrong, and leaves all files alone."""

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
    """The same, with a limit to the memory that may be asked for on the way."""

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
    """Assert that the command works, leaves its inputs alone and says no error; the set, with new outputs."""

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
    """Assert that a case changes no byte of the signals, before and after cleaning, nor of the regions table."""

    def check(case):
        given = accept(case)
        for name in ('timeseries.tsv', 'timeseries_raw.tsv', 'regions.tsv'):
            assert (given / 'out' / 'atlas' / name).read_bytes() == (earlier / 'out' / 'atlas' / name).read_bytes()

    return check


@pytest.fixture
def without_privileges():
    """Let this thread, and those that it starts, respect the rights of files even if it is root's."""
    if os.geteuid():
        yield
        return
    with without_capabilities():
        yield


@contextmanager
def without_capabilities():
    """Put down root's right to overlook the rights of files."""
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
