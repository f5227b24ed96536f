# SPDX-License-Identifier: BSD-3-Clause
"""Nipype's MultiProc, which ends if a worker process has died, and whose workers end with their main process."""

import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from traceback import format_exception

from nipype.pipeline.plugins.multiproc import MultiProcPlugin, process_initializer

from ..interfaces.process_guard import START_METHOD, watch_main_process


class WatchedMultiProcPlugin(MultiProcPlugin):
    """MultiProc that fails when a worker was killed, where Nipype's own waits for ever.

    A worker is killed when the machine runs out of memory, or by the scheduler of a cluster. If the main process is
    killed or interrupted, its workers end within seconds, where Nipype's own would wait for ever. Use it as
    ``wf.run(plugin=WatchedMultiProcPlugin(plugin_args={'n_procs': 8}))``.
    """

    def _prerun_check(self, graph):
        super()._prerun_check(graph)
        # Nipype's own pool has started no worker yet. One may start all workers at once: never more than nodes.
        self.pool = ProcessPoolExecutor(
            min(self.processors, len(graph)),
            mp_context=multiprocessing.get_context(self.plugin_args.get('mp_context', START_METHOD)),
            initializer=_begin_worker,
            initargs=(str(Path.cwd()),),
        )

    def _async_callback(self, args):
        if args.exception() is None:
            super()._async_callback(args)

    def _get_result(self, taskid):
        future = self._task_obj[taskid]
        if future.done() and future.exception() is not None:
            return {'result': None, 'traceback': format_exception(future.exception()), 'taskid': taskid}
        return super()._get_result(taskid)


def _begin_worker(folder):
    """Begin a worker, which handles signals by default, not as the main process that it may be a fork of."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    watch_main_process()
    process_initializer(folder)
