# SPDX-License-Identifier: BSD-3-Clause
"""Process runs depth first: each worker process completes one run before it starts the next."""

import gc
import multiprocessing
import os
import signal
from collections import deque
from contextlib import suppress
from multiprocessing.connection import wait

from ..interfaces.process_guard import START_METHOD, watch_main_process
from .run import DEAD_WORKER, report_restart


def run_all(steps, names, n_workers, limit_gb, report, stop=False):
    """Process runs with ``n_workers`` processes at most; return why runs failed, by name.

    ``steps`` processes a run (``run``), estimates its memory in GB (``estimate``) and records why it failed (``fail``).
    Runs that are processed at the same time need ``limit_gb`` at most, except that one run is always processed.
    ``report`` takes the name of each run that ended, and why it failed or None. With ``stop``, no run starts after one
    has failed.
    """
    if n_workers == 1:
        return _run_in_turn(steps, names, report, stop)
    pool = _Pool(steps, n_workers, limit_gb, stop)
    try:
        reasons, killed = pool.run(names, report)
        if killed and not (stop and reasons):
            report_restart(killed)
            for name in killed:
                if stop and reasons:
                    break
                more, killed_again = pool.run([name], report)
                reasons |= more
                if killed_again:
                    reasons[name] = _report(report, name, steps.fail(name, DEAD_WORKER))
        return reasons
    finally:
        pool.end()


def _run_in_turn(steps, names, report, stop):
    """Process runs one after the other in this process; return why runs failed, by name."""
    reasons = {}
    for name in names:
        if stop and reasons:
            break
        reason = _report(report, name, steps.run(name))
        if reason is not None:
            reasons[name] = reason
    return reasons


def _report(report, name, reason):
    """Report that a run ended, and return why it failed."""
    report(name, reason)
    return reason


class _Pool:
    """Worker processes, started when they are needed."""

    def __init__(self, steps, n_workers, limit_gb, stop):
        self._steps, self._n_workers, self._limit, self._stop = steps, n_workers, limit_gb, stop
        self._idle, self._busy = [], {}
        # Workers are forked: what is frozen is neither searched nor copied by their garbage collectors.
        gc.freeze()

    def run(self, names, report):
        """Process runs; return why runs failed, by name, and the runs whose worker was killed."""
        waiting, memory, reasons, killed = deque(names), {}, {}, []
        while waiting or self._busy:
            while waiting and len(self._busy) < self._n_workers:
                name = waiting[0]
                memory.setdefault(name, self._steps.estimate(name))
                if self._busy and sum(memory[each.name] for each in self._busy.values()) + memory[name] > self._limit:
                    break
                self._start(waiting.popleft())
            for connection in wait(list(self._busy)):
                worker = self._busy.pop(connection)
                try:
                    reason = connection.recv()
                except (EOFError, ConnectionError):
                    killed.append(worker.name)
                    worker.end()
                    continue
                self._idle.append(worker)
                if _report(report, worker.name, reason) is not None:
                    reasons[worker.name] = reason
                    if self._stop:
                        waiting.clear()
        return reasons, killed

    def _start(self, name):
        """Give a run to a worker."""
        worker = self._idle.pop() if self._idle else _Worker(self._steps)
        worker.name = name
        self._busy[worker.connection] = worker
        # If the worker was killed while it was idle, its connection says so.
        with suppress(ConnectionError):
            worker.connection.send(name)

    def end(self):
        """End all workers, also those that process a run."""
        for worker in [*self._idle, *self._busy.values()]:
            worker.end()


class _Worker:
    """A process that processes the runs whose names it receives."""

    def __init__(self, steps):
        context = multiprocessing.get_context(START_METHOD)
        self.connection, other = context.Pipe()
        self.name = None
        self._process = context.Process(target=_work, args=(steps, other), daemon=True)
        self._process.start()
        # With the only other end closed here, the death of the worker ends the connection.
        other.close()

    def end(self):
        """End the process."""
        self._process.kill()
        self._process.join()
        self.connection.close()


def _work(steps, connection):
    """Process runs until no run is left, or the main process has died."""
    # The main process handles Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    watch_main_process()
    steps.configure()
    while True:
        try:
            name = connection.recv()
        except (EOFError, ConnectionError):
            os._exit(0)
        connection.send(steps.run(name))
