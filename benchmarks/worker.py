# SPDX-License-Identifier: BSD-3-Clause
"""One measurement in a process of its own, and starting such processes.

The process imports and prepares, then does the work once, and prints seconds of the work and its own peak memory.
"""

import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .inputs import Inputs

ROOT = Path(__file__).parents[1]

#: What the libraries beneath NumPy and SciPy take their number of threads from.
THREAD_VARIABLES = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')


@dataclass(frozen=True)
class Job:
    """What one process does.

    Attributes
    ----------
    function : str
        As ``'ours.reduce'``, in this package.
    arguments : dict
        Of the function, in addition to data, scratch folder and threads.
    threads : int
    once : bool
        Too slow to be repeated.
    """

    function: str
    arguments: dict = field(default_factory=dict)
    threads: int = 2
    once: bool = False


class WorkerError(Exception):
    """A measurement failed."""


def measure(job, size, cache, result_file=None):
    """Do a job in a fresh process.

    Parameters
    ----------
    job : Job
    size, cache : str
        Of the data.
    result_file : path, optional
        Where to leave the numbers that the work gave, as .npy.

    Returns
    -------
    dict
        ``seconds`` of the work, ``process_seconds`` from start to end, and ``peak``, its memory in MB (10⁶ bytes).
    """
    asked = {'job': asdict(job), 'size': size, 'cache': str(cache), 'result_file': result_file and str(result_file)}
    # As in nodes, linear algebra of ours has one thread: blocks and volumes are what is shared among more.
    n_threads = job.threads if job.function.startswith('theirs') else 1
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(n_threads)) | {'NO_ET': '1'}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, '-m', 'benchmarks.worker', json.dumps(asked)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    process_seconds = time.perf_counter() - start
    if done.returncode:
        raise WorkerError(f'{job.function} {job.arguments} ended with {done.returncode}: {done.stderr[-2000:]}')
    return {'process_seconds': process_seconds} | json.loads(done.stdout.splitlines()[-1])


def peak_memory():
    """Largest resident set of this process so far, or of one that it waited for, in MB (10⁶ bytes).

    Linux starts ``ru_maxrss`` at the size of the process that forked this one; its own ``VmHWM`` starts at 0.
    """
    own, waited = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    status = Path('/proc/self/status')
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith('VmHWM:'))
        own = int(line.split()[1])
    return max(own, waited) * (1 if sys.platform == 'darwin' else 1024) / 1e6


def main(asked):
    """Do what is asked for in JSON, and print what it cost as JSON."""
    asked = json.loads(asked)
    job = Job(**asked['job'])
    module, function = job.function.split('.')
    prepare = getattr(importlib.import_module(f'benchmarks.{module}'), function)
    with tempfile.TemporaryDirectory(dir=asked['cache']) as scratch:
        work = prepare(Inputs(asked['size'], asked['cache']), Path(scratch), job.threads, **job.arguments)
        start = time.perf_counter()
        result = work()
        measured = {'seconds': time.perf_counter() - start, 'peak': peak_memory()}
        if isinstance(result, dict):
            measured |= result
        elif asked['result_file'] and result is not None:
            _save(asked['result_file'], result)
    print(json.dumps(measured))


def _save(path, result):
    """Save numbers, those of a table, or the last volume of an image."""
    import nibabel as nib
    import numpy as np

    if isinstance(result, Path):
        is_table = result.suffix == '.tsv'
        result = np.loadtxt(result, skiprows=1) if is_table else nib.load(result).dataobj[..., -1]
    np.save(path, result)


if __name__ == '__main__':
    main(sys.argv[1])
