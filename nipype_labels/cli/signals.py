# SPDX-License-Identifier: BSD-3-Clause
"""End the command by a signal, with one line and the exit status of the signal."""

import os
import signal
from multiprocessing import active_children, parent_process

#: Signals by which a user or a scheduler ends the command.
ENDING = (signal.SIGINT, signal.SIGTERM)


def end_on_signals():
    """Let signals that are not ignored end the command; its workers notice it and end too."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number, frame):
    """End at once: KeyboardInterrupt, raised anywhere, is lost in destructors and in ``except:`` of other packages.

    Nothing needs to be cleaned up, since files are complete or have temporary names.
    """
    if parent_process() is None:
        os.write(2, f'nipype-labels: ended by {signal.Signals(number).name}. The same command resumes.\n'.encode())
        for worker in active_children():
            worker.kill()  # one that still imports modules would notice only later
    os._exit(128 + number)
