# SPDX-License-Identifier: BSD-3-Clause
"""Runs of ``matrix_host.py``: started, killed, and with the nodes that were executed and digests of outputs."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from images import save_image

from nipype_labels.files.tables import write_signals

SCRIPT = Path(__file__).with_name('matrix_host.py')

#: Ways to run a graph.
PLUGINS = {
    'Linear': {'plugin': 'Linear'},
    'fork': {'plugin': 'MultiProc', 'plugin_args': {'n_procs': 2, 'memory_gb': 64, 'mp_context': 'fork'}},
    'forkserver': {'plugin': 'MultiProc', 'plugin_args': {'n_procs': 2, 'memory_gb': 64, 'mp_context': 'forkserver'}},
    'spawn': {'plugin': 'MultiProc', 'plugin_args': {'n_procs': 2, 'memory_gb': 64, 'mp_context': 'spawn'}},
    'SLURM': {'plugin': 'SLURM', 'plugin_args': {'sbatch_args': '--mem=600 --time=5', 'max_jobs': 2}},
    'watched': {'plugin': 'Watched', 'plugin_args': {'n_procs': 2, 'memory_gb': 64}},
}


def each_plugin(*slow):
    """Plugins of Nipype as parameters of a test; those named are left to the tests of endurance."""
    marks = {plugin: [pytest.mark.endurance] for plugin in slow}
    marks['SLURM'] = [*marks.get('SLURM', []), pytest.mark.alone]
    return [pytest.param(plugin, marks=marks.get(plugin, [])) for plugin in PLUGINS if plugin != 'watched']


NODES = {'resample_labels', 'resample_mask', 'apply_mask', 'reduce', 'high_variance', 'clean', 'project'}


@dataclass
class Outcome:
    """Outcome of a run: names of executed nodes, its error, and digests of the outputs by node, field and index."""

    executed: set
    error: str | None
    digests: dict


class Host:
    """A folder with a series of a shape, two atlases and their files, and runs on it under a plugin."""

    #: The script, and the nodes whose execution is reported.
    script, nodes = SCRIPT, NODES

    def __init__(self, folder, plugin='Linear', shape=(12, 12, 12, 40)):
        self.folder, self.plugin = folder, PLUGINS[plugin]
        rng = np.random.default_rng(20)
        data = rng.normal(1000, 20, shape).astype('float32')
        data += np.linspace(0, 9, shape[3], dtype='float32')
        affine, finer = np.diag([4.0, 4, 4, 1]), np.diag([2.0, 2, 2, 1])
        for name, n_regions in (('one', 6), ('two', 40)):
            labels = rng.integers(0, n_regions + 1, [2 * n for n in shape[:3]]).astype('int16')
            save_image(folder / f'{name}.nii.gz', labels, finer)
        save_image(folder / 'bold.nii.gz', data, affine, 2.0)
        save_image(folder / 'mask.nii.gz', np.ones(shape[:3], dtype='uint8'), affine)
        (folder / 'one.tsv').write_text('index\tname\n' + ''.join(f'{i}\tArea {i}\n' for i in range(1, 7)))
        write_signals(folder / 'confounds.tsv', ['csf', 'rot_x', 'rot_y'], rng.normal(size=(shape[3], 3)))

    @contextmanager
    def started(self, numerics='', **case):
        """A running script; it and its workers are killed at the end."""
        case = {'folder': str(self.folder), **self.plugin, **case}
        for name in ('started', 'outcome.json'):
            (self.folder / name).unlink(missing_ok=True)
        environment = os.environ | {'NO_ET': '1', 'NUMERICS': numerics, 'XDG_CACHE_HOME': str(self.folder / 'cache')}
        with (self.folder / 'stderr').open('w') as stderr:
            process = subprocess.Popen(
                [sys.executable, str(self.script), json.dumps(case)],
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                cwd=self.folder,
                env=environment,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def run(self, seconds=60, work='work', **case):
        """Run to the end within some seconds; return the outcome."""
        before = self.results(work)
        with self.started(work=str(self.folder / work), **case) as process:
            process.wait(timeout=seconds)
        after = self.results(work)
        changed = (path for path, time in after.items() if before.get(path) != time)
        return self.outcome({path.name.removeprefix('result_').removesuffix('.pklz') for path in changed} & self.nodes)

    def outcome(self, executed=(), name='outcome.json'):
        """Outcome of a run that has ended."""
        path = self.folder / name
        assert path.exists(), (self.folder / 'stderr').read_text()
        outcome = json.loads(path.read_text())
        return Outcome(set(executed), outcome.get('error'), outcome.get('digests', {}))

    def results(self, work='work'):
        """Results of nodes, and when each was written."""
        return {path: path.stat().st_mtime_ns for path in (self.folder / work).rglob('result_*.pklz')}
