# SPDX-License-Identifier: BSD-3-Clause
"""The memory that runs or nodes processed at the same time may use where the user sets no limit."""

import os
from contextlib import suppress
from pathlib import Path

from nipype.utils.profiler import get_system_total_memory_gb

#: Part of the memory that runs may use; the rest is for this process and those of others.
USED = 0.9

#: Where Linux limits the memory of control groups, by the controller in /proc/self/cgroup: version 2 (no name), and 1.
_LIMITS = {'': ('/sys/fs/cgroup', 'memory.max'), 'memory': ('/sys/fs/cgroup/memory', 'memory.limit_in_bytes')}


def find_memory_limit():
    """Return the memory in GB that nodes may use: 90 % of that of the machine, its container, or its job of SLURM."""
    return USED * min([get_system_total_memory_gb(), *_list_group_limits(), *_list_job_limits()])


def _list_group_limits():
    """Return the limits in GB of the control group of this process, and of the groups around it."""
    limits = []
    with suppress(OSError):  # only Linux has control groups
        for line in Path('/proc/self/cgroup').read_text().splitlines():
            _, controllers, group = line.split(':', 2)
            for controller in {*controllers.split(',')} & {*_LIMITS}:
                root, name = _LIMITS[controller]
                folder = Path(root, group.lstrip('/'))
                for each in (folder, *folder.parents):
                    with suppress(OSError, ValueError):  # a group that the container does not show, or no limit (max)
                        limits.append(int((each / name).read_text()) / 2**30)
    return limits


def _list_job_limits():
    """Return the limits in GB of the job of SLURM, by its environment variables; 0 MiB is no limit."""
    values = [os.environ.get(f'SLURM_{name}', '') for name in ('MEM_PER_NODE', 'MEM_PER_CPU', 'CPUS_ON_NODE')]
    per_node, per_cpu, n_cpus = (int(value) if value.isdecimal() else 0 for value in values)
    return [mib / 1024 for mib in (per_node, per_cpu * n_cpus) if mib]
