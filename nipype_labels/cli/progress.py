# SPDX-License-Identifier: BSD-3-Clause
"""Progress of the runs of a dataset, as lines of text: one per run that ended, with the estimated remaining time."""

import sys
import time

#: Duration of a run before any has ended: in s, and in bytes of a compressed series per s.
SECONDS, BYTES_PER_SECOND = 1.0, 30e6


def estimate_seconds(size):
    """Return the duration of a run before any has ended, from the size of its series in bytes."""
    return SECONDS + size / BYTES_PER_SECOND


class Progress:
    """Count runs that ended, and estimate the remaining time from them.

    ``sizes`` are the sizes of the series of all runs in bytes, by name. ``n_processes`` runs are processed at the same
    time.
    """

    def __init__(self, sizes, n_processes=1):
        self._seconds = {name: estimate_seconds(size) for name, size in sizes.items()}
        self._n_processes = n_processes
        self.ended, self._began = set(), time.monotonic()

    def estimate(self):
        """Return the duration of all runs in words, from the sizes of their series."""
        return f'about {format_time(sum(self._seconds.values()) / self._n_processes)}'

    def print(self, name, status):
        """Print that a run has ended with a ``status``."""
        self.ended.add(name)
        seconds = time.monotonic() - self._began
        left = f', about {format_time(self._estimate(seconds))} left' if len(self.ended) < len(self._seconds) else ''
        line = f'[{len(self.ended)}/{len(self._seconds)}] {name} {status} ({format_time(seconds)}{left})'
        print(line, file=sys.stderr, flush=True)

    def _estimate(self, seconds):
        """Return the remaining seconds."""
        ended = sum(self._seconds[name] for name in self.ended)
        left = sum(self._seconds.values()) - ended
        # Runs that are being processed are half done on average.
        n_left = len(self._seconds) - len(self.ended)
        started = 0.5 * min(self._n_processes - 1, n_left) * left / n_left
        return seconds * (left - started) / max(ended + started, 1e-9)


def count(number, noun):
    """Return a number and a noun.

    >>> count(1, 'run'), count(2, 'process')
    ('1 run', '2 processes')
    """
    return f'{number} {noun}{"" if number == 1 else "es" if noun.endswith("s") else "s"}'


def format_time(seconds):
    """Return a time in words.

    >>> format_time(3.14), format_time(75), format_time(7260)
    ('3 s', '1 min 15 s', '2 h 1 min')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f'{hours} h {minutes} min'
    return f'{minutes} min {seconds} s' if minutes else f'{seconds} s'
