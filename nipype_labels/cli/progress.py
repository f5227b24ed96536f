# SPDX-License-Identifier: BSD-3-Clause
"""What is running and how far it is, on standard error."""

import sys
import time


class Progress:
    """Callback for Nipype's plugins that counts nodes.

    Parameters
    ----------
    n_nodes : int
    """

    def __init__(self, n_nodes):
        self.n_nodes, self.done, self.began = n_nodes, 0, time.monotonic()

    def __call__(self, node, status):
        """Take note that ``node`` starts, ends or fails (``status``)."""
        self.done += status == 'end'
        words = {'start': 'running', 'end': 'done', 'exception': 'failed'}
        seconds = time.monotonic() - self.began
        print(
            f'[{self.done}/{self.n_nodes}] {node.name} {words.get(status, status)} ({seconds:.1f} s)', file=sys.stderr
        )
