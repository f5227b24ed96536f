# SPDX-License-Identifier: BSD-3-Clause
"""Run a workflow for a command: settings of Nipype, progress, and the reason of a failure."""

import errno
import gc
import logging
import re
import shutil
import sys
import time
import traceback
from contextlib import ExitStack, contextmanager
from pathlib import Path

from nipype import config

from ..core.coverage import MISSING_REGIONS
from ..files.locks import locked
from ..files.lut import NO_NAMES, NO_TABLE
from ..interfaces.clean import REPETITION_TIMES
from ..model import errors
from ..model.entities import CONTRADICTION
from ..workflows.plugin import WatchedMultiProcPlugin
from . import USERS_ERRNO, RunError
from .memory import find_memory_limit
from .messages import advise_sidecar, in_options
from .progress import count

#: Error after a worker process that did not end by itself.
DEAD_WORKER = (
    'a worker process was killed, most likely because memory ran out. Completed steps are kept. Pass a smaller '
    '--nprocs or provide more memory, and rerun the same command'
)

#: Error after a job of a scheduler left no result, perhaps that of another run: Nipype then stops following all jobs.
LOST_JOB = (
    'Nipype stopped, because a job left the queue without a result: it was cancelled, exceeded its time or memory, or '
    'squeue failed. Ask the scheduler for the reason, as by sacct, and run the same command again'
)

#: Errors of a system without free disk space or memory; a traceback adds nothing.
MACHINES_ERRNO = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class NodeProgress:
    """Callback for Nipype's plugins that counts nodes and prints their states."""

    def __init__(self, n_nodes):
        self.n_nodes, self.done, self.began = n_nodes, 0, time.monotonic()

    def __call__(self, node, status):
        """Print that ``node`` starts, ends or fails (``status``)."""
        self.done += status == 'end'
        words = {'start': 'running', 'end': 'done', 'exception': 'failed'}
        seconds = time.monotonic() - self.began
        print(
            f'[{self.done}/{self.n_nodes}] {node.name} {words.get(status, status)} ({seconds:.1f} s)', file=sys.stderr
        )


class OptionsFormatter(logging.Formatter):
    """Formatter of messages that names options, not parameters."""

    def format(self, record):
        """Return the text of a record."""
        text = super().format(record)
        # Commands that have --tr report repetition times themselves.
        return in_options(advise_sidecar(text) if record.msg == REPETITION_TIMES else text)


def configure(verbose, stop_on_first_crash=True, reported=(MISSING_REGIONS, CONTRADICTION)):
    """Set up Nipype for a command: a short poll, and its log only if asked for.

    ``verbose`` is 0 for warnings only, 1 for Nipype's log, and 2 for its debugging messages. Log messages of
    ``reported``, and those about look-up tables, are not shown, since the command itself reports them, also for cached
    nodes.
    """
    config.update_config(
        {
            'execution': {
                'check_version': 'false',
                # Nipype's reports hold the environment of the process, and cannot contain names beyond UTF-8.
                'create_report': 'false',
                'crashfile_format': 'txt',
                'poll_sleep_duration': '0.05',
                'stop_on_first_crash': str(stop_on_first_crash).lower(),
            }
        }
    )
    # What Nipype logs as critical, it also raises.
    level = (logging.CRITICAL + 1, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.getLogger('nipype.workflow').setLevel(level)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OptionsFormatter('%(levelname)s: %(message)s'))
    handler.addFilter(lambda record: record.msg not in (*reported, NO_TABLE, NO_NAMES))
    logging.getLogger('nipype').handlers[:] = [handler]


def run(wf, plugin, nprocs, plugin_args=None):
    """Run a graph and return it; raise the LabelsError of a node, or RunError if it failed for another reason."""
    progress = NodeProgress(sum(not node.name.endswith('putnode') for node in wf._graph.nodes()))
    with lock_work(wf.base_dir):
        try:
            return execute(wf, plugin, nprocs, progress, plugin_args or {})
        except (errors.LabelsError, RunError):
            raise
        except (RuntimeError, ValueError, OSError) as e:
            raise find_reason(str(e)) from e


def execute(wf, plugin, nprocs, status_callback, plugin_args):
    """Run a workflow by a plugin and return its graph."""
    # Set for this graph: in Nipype's own settings, ConfigParser would refuse a path with a %.
    wf.config.setdefault('execution', {})['crashdump_dir'] = str(Path(wf.base_dir) / 'crash')
    arguments = {'status_callback': status_callback}
    if plugin == 'MultiProc':
        arguments |= {'n_procs': nprocs, 'memory_gb': find_memory_limit(), 'raise_insufficient': False}
    arguments |= plugin_args
    # Workers are forked: what is frozen is neither searched nor copied by their garbage collectors.
    gc.freeze()
    try:
        runner = WatchedMultiProcPlugin(plugin_args=arguments) if plugin == 'MultiProc' else plugin
        return wf.run(plugin=runner, plugin_args=arguments)
    except (TypeError, IndexError) as e:
        frames = {frame.name for frame in traceback.extract_tb(e.__traceback__)}
        # Nipype fails while it describes the crash of a node that has no result.
        if 'report_crash' in frames:
            raise RunError(LOST_JOB) from e
        # If the scheduler refuses a job, Nipype does not find its number.
        if plugin_args or '_submit_batchtask' in frames:
            reason = f'{type(e).__name__}: {e}'
            raise errors.LabelsError(
                f'the plugin {plugin}, or its scheduler, does not accept the arguments of --plugin-args-file ({reason})'
            ) from e
        raise


def run_nodes(wf, crashes):
    """Run the nodes of a workflow one after the other, up to the first that fails."""
    wf.config['execution'] = {'crashdump_dir': str(crashes), 'stop_on_first_crash': 'true'}
    try:
        wf.run(plugin='Linear')
    finally:
        # Crash files contain the whole environment.
        shutil.rmtree(crashes, ignore_errors=True)


@contextmanager
def lock_work(folder):
    """Lock a work folder, which is made if need be; RunError if another process uses it."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(Path(folder) / '.lock', timeout=0))
        except errors.LockedError as e:
            raise RunError(f'{folder} is {e}. Wait for it, or pass a different --work-dir.') from None
        yield


def report_restart(names):
    """Report that runs are restarted after a worker was killed: alone, only the run that exhausts the memory fails."""
    print(f'a worker process was killed: restarting {count(len(names), "run")}, one at a time', file=sys.stderr)


def explain(error):
    """Return why a run failed with an exception, and the text of its traceback."""
    text = ''.join(traceback.format_exception(error))
    return str(find_reason(text)), text


def find_reason(text):
    """Return the error behind the text of a traceback: a LabelsError if a node raised one, otherwise a RunError."""
    lines = [line.strip() for line in text.splitlines() if re.match(r'\s*[\w.]+(Error|Exception)(\b.*: |$)', line)]
    ours = {errors.__name__: vars(errors), RunError.__module__: {'RunError': RunError}}
    for line in reversed(lines):
        kind, _, message = line.partition(': ')
        module, _, name = kind.rpartition('.')
        if name in ours.get(module, ()):
            return ours[module][name](message)
    if 'BrokenProcessPool' in text:
        return RunError(DEAD_WORKER)
    found = re.findall(r'\[Errno (\d+)\] (.+)', text)
    if found and int(found[-1][0]) in USERS_ERRNO + MACHINES_ERRNO:
        code, message = found[-1]
        return errors.LabelsError(message) if int(code) in USERS_ERRNO else RunError(message)
    found = re.findall(r'^\s*[\w.]*MemoryError(?:: (.+))?$', text, re.MULTILINE)
    if found:
        return RunError(f'{found[-1] or "memory ran out"}. Pass a smaller --nprocs or provide more memory')
    error = RunError((lines or text.strip().splitlines() or ['Nipype gave no reason'])[-1])
    error.details = text
    return error
