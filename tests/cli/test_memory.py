# SPDX-License-Identifier: BSD-3-Clause
"""The memory that runs processed at the same time may use, where --mem-gb is not given."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nipype_labels.cli.memory import USED, find_memory_limit

ASK = 'from nipype_labels.cli.memory import find_memory_limit; print(find_memory_limit())'


@pytest.fixture
def group():
    """A control group of this machine that may use 1 GB."""
    for root, name in (('/sys/fs/cgroup/memory', 'memory.limit_in_bytes'), ('/sys/fs/cgroup', 'memory.max')):
        folder = Path(root, f'nipype_labels_{os.getpid()}')
        try:
            folder.mkdir()
            (folder / name).write_text(str(2**30))
        except OSError:
            continue
        yield folder
        folder.rmdir()
        return
    pytest.skip('no control group can be made here')


def test_a_container_limits_the_memory_of_runs(group):
    # The shell moves itself into the group, and then becomes Python.
    command = ['sh', '-c', 'echo $$ > "$1/cgroup.procs" && exec "$2" -c "$3"', 'sh', group, sys.executable, ASK]
    done = subprocess.run(command, capture_output=True, text=True)
    assert float(done.stdout) == pytest.approx(USED), done.stderr


@pytest.mark.parametrize(
    ('variables', 'expected'),
    [
        ({'MEM_PER_NODE': '1536', 'CPUS_ON_NODE': '4'}, 1.5),
        ({'MEM_PER_CPU': '512', 'CPUS_ON_NODE': '4'}, 2),
        ({'MEM_PER_NODE': '0', 'CPUS_ON_NODE': '4'}, None),
        ({'MEM_PER_CPU': '512'}, None),
    ],
)
def test_a_job_of_slurm_limits_the_memory_of_runs(variables, expected, monkeypatch):
    unlimited = find_memory_limit()
    for name, value in variables.items():
        monkeypatch.setenv(f'SLURM_{name}', value)
    assert find_memory_limit() == pytest.approx(unlimited if expected is None else USED * expected)
