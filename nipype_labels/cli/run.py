# SPDX-License-Identifier: BSD-3-Clause
"""Run a workflow for a command: settings of Nipype, progress, and the reason of a failure."""

import errno
import gc
import logging
import re
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from nipype import config

from ..files.locks import locked
from ..files.lut import NO_NAMES, NO_TABLE
from ..interfaces.reduce import MISSING_REGIONS
from ..model import errors
from ..model.entities import CONTRADICTION
from ..workflows.plugin import WatchedMultiProcPlugin
from . import USERS_ERRNO, RunError
from .messages import in_options

#: Error after a worker process that did not end by itself.
DEAD_WORKER = (
    'a worker process was killed, most likely because memory ran out. Completed steps are kept. Pass a smaller '
    '--nprocs or provide more memory, and rerun the same command'
)

#: Errors of a system without free disk space or memory; a traceback adds nothing.
MACHINES_ERRNO = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Progress:
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
        return in_options(super().format(record))


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
    progress = Progress(sum(not node.name.endswith('putnode') for node in wf._graph.nodes()))
    try:
        return execute(wf, plugin, nprocs, progress, plugin_args or {})
    except (RuntimeError, ValueError, OSError) as e:
        raise find_reason(str(e)) from e
    except TypeError as e:
        if plugin_args:
            raise errors.LabelsError(
                f'--plugin-args-file: the plugin {plugin} does not accept these arguments: {e}'
            ) from e
        raise


def execute(wf, plugin, nprocs, status_callback, plugin_args):
    """Run a workflow by a plugin; raise RunError if another process uses its work folder."""
    # Set for this graph: in Nipype's own settings, ConfigParser would refuse a path with a %.
    wf.config.setdefault('execution', {})['crashdump_dir'] = str(Path(wf.base_dir) / 'crash')
    arguments = {'status_callback': status_callback}
    if plugin == 'MultiProc':
        arguments |= {'n_procs': nprocs, 'raise_insufficient': False}
    arguments |= plugin_args
    if plugin == 'MultiProc':
        plugin = WatchedMultiProcPlugin(plugin_args=arguments)
    # Workers are forked: what is frozen is neither searched nor copied by their garbage collectors.
    gc.freeze()
    with lock_work(wf.base_dir):
        return wf.run(plugin=plugin, plugin_args=arguments)


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
    try:
        with locked(Path(folder) / '.lock', timeout=0):
            yield
    except errors.LockedError as e:
        raise RunError(f'{folder} is {e}. Wait for it, or pass a different --work-dir.') from None


def find_reason(text):
    """Return the error behind the text of a traceback: a LabelsError if a node raised one, otherwise a RunError."""
    lines = [line.strip() for line in text.splitlines() if re.match(r'\s*[\w.]+(Error|Exception)\b.*: ', line)]
    for line in reversed(lines):
        kind, message = line.split(': ', 1)
        ours = getattr(errors, kind.rsplit('.', 1)[-1], None)
        if ours is not None and kind.startswith(errors.__name__):
            return ours(message)
    if 'BrokenProcessPool' in text:
        return RunError(DEAD_WORKER)
    found = re.findall(r'\[Errno (\d+)\] (.+)', text)
    if found and int(found[-1][0]) in USERS_ERRNO + MACHINES_ERRNO:
        code, message = found[-1]
        return errors.LabelsError(message) if int(code) in USERS_ERRNO else RunError(message)
    found = re.findall(r'MemoryError: (.+)', text)
    if found:
        return RunError(f'{found[-1]}. Pass a smaller --nprocs or provide more memory')
    error = RunError(next(reversed(lines or text.split('\n')[-1:])))
    error.details = text
    return error
