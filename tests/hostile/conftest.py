# SPDX-License-Identifier: BSD-3-Clause
"""The command in this process, on a valid set of files beside what an earlier run has written."""

import gc
import logging
import shutil

import pytest
from hostile_cases import Given, build, complaint, contents, half_written

from nipype_labels.cli.main import main


@pytest.fixture
def call(monkeypatch, capfd):
    """Run the command in this process; its exit status, and what it said."""
    loggers = [logging.getLogger(name) for name in ('nipype', 'nipype.workflow', 'nipype.interface')]
    levels = [logger.level for logger in loggers]
    formatters = [(handler, handler.formatter) for handler in loggers[0].handlers]

    def run(*arguments):
        capfd.readouterr()
        try:
            status = main(list(arguments))
        except SystemExit as e:
            status = e.code
        said = capfd.readouterr()
        assert said.out == ''
        return status, said.err

    yield run
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    for handler, formatter in formatters:
        handler.setFormatter(formatter)
    gc.unfreeze()


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

    def check(case):
        case.damage(given)
        before = contents(given.folder)
        status, said = call(*given.arguments(case.options))
        assert 'Traceback' not in said
        assert status == 2, said
        line = complaint(said)
        assert line.startswith('nipype-labels: error: ')
        for word in case.words.split(' | '):
            assert word in line
        assert contents(given.folder) == before
        assert half_written(given.folder) == []

    return check
