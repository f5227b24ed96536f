# SPDX-License-Identifier: BSD-3-Clause
"""Processors, memory and arguments for a plugin, as the command is given them."""

import multiprocessing
from importlib.util import find_spec

from ..files.json_files import read_json
from ..model.errors import LabelsError, errors_name

try:
    import resource
except ImportError:  # Windows
    resource = None

#: Most processes that may be started, and least memory in GB with which MultiProc starts a node.
MOST_PROCESSES, LEAST_GB = 1024, 0.01

#: Least value of --mem-gb. One run at a time is processed, whatever it needs; less than a megabyte is a typing error.
LEAST_MEM_GB = 0.001


#: Least address space in bytes. Below about 0.9 GB, OpenBLAS ends the process or never returns when it is loaded.
LEAST_ADDRESS_SPACE = 2**30


def check_address_space():
    """Raise LabelsError if the address space of this process is limited to less than the libraries need."""
    if resource is None:
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < LEAST_ADDRESS_SPACE:
        raise LabelsError(
            f'the address space is limited to {limit / 2**30:.2g} GB (ulimit -v), and at least '
            f'{LEAST_ADDRESS_SPACE / 2**30:g} GB are needed. Raise the limit, for example with ulimit -v unlimited'
        )


def check_system():
    """Raise LabelsError on systems where Nipype cannot run workflows: its plugins need the module pwd of POSIX."""
    if find_spec('pwd') is None:
        raise LabelsError(
            'Nipype runs workflows on Linux and macOS only. On Windows, use this command in the Windows Subsystem for '
            'Linux, or nipype_labels.NiftiLabelsMasker in Python'
        )


def check_resources(nprocs, mem_gb=None):
    """Raise LabelsError for an invalid number of processors or GB."""
    if not 1 <= nprocs <= MOST_PROCESSES:
        raise LabelsError(f'--nprocs must be 1 to {MOST_PROCESSES}, not {nprocs}')
    if mem_gb is not None and not LEAST_MEM_GB <= mem_gb < float('inf'):
        raise LabelsError(f'--mem-gb must be {LEAST_MEM_GB} or more, not {mem_gb:g}')


def read_plugin_args(path, plugin):
    """Return the arguments for a plugin from a JSON file; empty without one."""
    if not path:
        return {}
    with errors_name('--plugin-args-file'):
        arguments = read_json(path)
        for name, (is_valid, words) in _ARGUMENTS.items() if plugin == 'MultiProc' else ():
            if name in arguments and not is_valid(arguments[name]):
                raise LabelsError(f'{path}: {name} must be {words}, not {arguments[name]!r}')
    return arguments


def _is_memory(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and LEAST_GB <= value < float('inf')


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_PROCESSES


def _one_of(*choices):
    return lambda value: value in choices, f'one of {", ".join(map(repr, choices))}'


_COUNT = _is_count, f'a whole number, 1 to {MOST_PROCESSES}'

#: Arguments of MultiProc that Nipype does not check: whether a value is valid, and what it must be.
_ARGUMENTS = {
    'n_procs': _COUNT,
    'max_jobs': _COUNT,
    'memory_gb': (_is_memory, f'a number of {LEAST_GB} or more'),
    'raise_insufficient': (lambda value: isinstance(value, bool), 'true or false'),
    'scheduler': _one_of('tsort', 'mem_thread'),
    'mp_context': _one_of(*multiprocessing.get_all_start_methods()),
}
