# SPDX-License-Identifier: BSD-3-Clause
"""Nipype's MultiProc, which ends if a worker process has died."""

from traceback import format_exception

from nipype.pipeline.plugins.multiproc import MultiProcPlugin


class WatchedMultiProcPlugin(MultiProcPlugin):
    """MultiProc that fails when a worker was killed, where Nipype's own waits for ever.

    A worker is killed when the machine runs out of memory, or by the scheduler of a cluster. Use it as
    ``wf.run(plugin=WatchedMultiProcPlugin(plugin_args={'n_procs': 8}))``.
    """

    def _async_callback(self, args):
        if args.exception() is None:
            super()._async_callback(args)

    def _get_result(self, taskid):
        future = self._task_obj[taskid]
        if future.done() and future.exception() is not None:
            return {'result': None, 'traceback': format_exception(future.exception()), 'taskid': taskid}
        return super()._get_result(taskid)
