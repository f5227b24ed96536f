# SPDX-License-Identifier: BSD-3-Clause
"""Runs killed at random points: the next run has the bytes of an undisturbed one."""

import os
import signal
import time

import numpy as np
import psutil
import pytest
from matrix_cases import PLUGINS, Host, each_plugin

#: Kill points for each plugin.
POINTS = int(os.environ.get('KILL_POINTS', '20'))

#: Parameters of the killed run, and of another one in the same folder.
ONE, OTHER = {'standardize': 'zscore_sample'}, {'standardize': 'psc', 'strategy': 'median'}

pytestmark = [pytest.mark.slow, pytest.mark.endurance, pytest.mark.timeout(300)]


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory):
    """A host, and the digests of the outputs of undisturbed runs."""
    host = Host(tmp_path_factory.mktemp('host'), shape=(40, 44, 40, 120))
    host.digests = [
        host.run(parameters=parameters, work=name).digests for parameters, name in ((ONE, '1'), (OTHER, '2'))
    ]
    return host


@pytest.mark.parametrize('point', range(POINTS))
@pytest.mark.parametrize('plugin', each_plugin())
def test_runs_after_a_kill_at_any_point_have_the_bytes_of_undisturbed_ones(plugin, point, undisturbed, request):
    empty_queue = request.getfixturevalue('slurm') if plugin == 'SLURM' else None
    host, work = undisturbed, f'{plugin}-{point}'
    host.plugin = PLUGINS[plugin]
    with host.started(work=str(host.folder / work), parameters=ONE) as process:
        _wait_for(host.folder / 'started')
        time.sleep(np.random.default_rng(point).uniform(0, 12.0 if plugin == 'SLURM' else 2.0))
        process.send_signal((signal.SIGKILL, signal.SIGTERM)[point % 2])
        process.wait()
        if empty_queue:
            # Its jobs are SLURM's: they run on, and meet those of the next call in the same folders.
            outcome = host.run(parameters=ONE, work=work)
            assert outcome.error or outcome.digests == host.digests[0]
            empty_queue()
        order = [(ONE, 0), (OTHER, 1)] if point % 4 < 2 else [(OTHER, 1), (ONE, 0)]
        for parameters, which in order:
            outcome = host.run(parameters=parameters, work=work)
            assert outcome.error is None
            assert outcome.digests == host.digests[which]


@pytest.mark.parametrize('point', range(POINTS))
def test_a_killed_worker_ends_the_run_and_the_next_one_finishes_it(point, undisturbed):
    """As when memory runs out, which Nipype's own MultiProc never notices."""
    host, work = undisturbed, f'watched-{point}'
    context = ('fork', 'forkserver', 'spawn')[point % 3]
    host.plugin = {**PLUGINS['watched'], 'plugin_args': {**PLUGINS['watched']['plugin_args'], 'mp_context': context}}
    with host.started(work=str(host.folder / work), parameters=ONE) as process:
        _wait_for(host.folder / 'started')
        workers = _wait_for_workers(process.pid)
        time.sleep(np.random.default_rng(point).uniform(0, 1.5))
        for worker in workers[:1]:
            if worker.is_running():
                worker.send_signal((signal.SIGKILL, signal.SIGTERM)[point // 3 % 2])
        # It ends by itself, in success if the worker was no longer needed.
        process.wait(timeout=30)
        for parameters, digests in zip((ONE, OTHER), host.digests, strict=True):
            outcome = host.run(parameters=parameters, work=work)
            assert outcome.error is None
            assert outcome.digests == digests


@pytest.mark.parametrize('point', range(6))
@pytest.mark.parametrize('plugin', ['Linear', 'watched'])
def test_two_runs_on_one_work_folder_are_right_or_refused(plugin, point, undisturbed, tmp_path):
    host, work = undisturbed, f'shared-{plugin}-{point}'
    host.plugin = PLUGINS[plugin]
    with host.started(work=str(host.folder / work), parameters=ONE, outcome='first.json') as first:
        _wait_for(host.folder / 'started')
        time.sleep(np.random.default_rng(point).uniform(0, 1.0))
        other = host.run(parameters=OTHER, work=work)
        first.wait(timeout=60)
    given = host.outcome(name='first.json')
    assert given.error or given.digests == host.digests[0]
    assert other.error or other.digests == host.digests[1]
    for parameters, digests in zip((ONE, OTHER), host.digests, strict=True):
        outcome = host.run(parameters=parameters, work=work)
        assert outcome.error is None
        assert outcome.digests == digests


def _wait_for(path, seconds=30):
    """Wait until a file exists."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f'{path} never came'
        time.sleep(0.01)


def _wait_for_workers(pid, seconds=30):
    """Workers of a pool, by decreasing CPU time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        children = psutil.Process(pid).children(recursive=True)
        workers = [child for child in children if not any(child.children())]
        if len(workers) >= 2:
            return sorted(workers, key=lambda worker: -sum(worker.cpu_times()[:2]))
        time.sleep(0.01)
    raise AssertionError(f'{os.getpid()} saw no workers of {pid}')
