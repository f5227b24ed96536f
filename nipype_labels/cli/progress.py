# SPDX-License-Identifier: BSD-3-Clause
"""Progress of the runs of a dataset, as lines of text: one per run that ended, with the estimated remaining time."""

import sys
import time

#: Duration of a run on one processor, with a report: of a short series in s, per atlas in s, and bytes of a compressed
#: series (int16 or float32) that are processed per s.
SECONDS, SECONDS_PER_ATLAS, BYTES_PER_SECOND = 0.3, 0.25, 100e6

#: Parameters that make a run read or write the voxels of the series once more.
PASSES = ('smoothing_fwhm', 'project', 'high_variance_confounds')

#: Time between two lines of progress of a table, in s.
_EVERY = 5


class Progress:
    """Count runs that ended, and estimate the remaining time from them.

    ``seconds`` are the estimated durations of all runs, by name. ``n_processes`` runs are processed at the same time.
    """

    def __init__(self, seconds, n_processes=1):
        self._seconds = seconds
        self._n_processes = n_processes
        self.ended, self._began = set(), time.monotonic()

    def estimate(self):
        """Return the duration of all runs in words, before any has ended."""
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


class TableProgress:
    """Print how many of ``n`` files have been read into a table, every few seconds."""

    def __init__(self, n, name):
        self._n, self._name, self._began = n, name, time.monotonic()
        self._printed = self._began

    def __call__(self, number):
        """Print a line if it is time; ``number`` is that of the file that was read last."""
        now, done = time.monotonic(), number + 1
        if now - self._printed > _EVERY:
            left = (now - self._began) / done * (self._n - done)
            print(
                f'{self._name}: {done} of {self._n} runs, about {format_time(left)} left', file=sys.stderr, flush=True
            )
            self._printed = now


def estimate_seconds(n_bytes, n_atlases, parameters):
    """Return the duration of a run in s, from the size of its compressed series and what is done with the series.

    >>> estimate_seconds(100e6, 1, {}), estimate_seconds(100e6, 1, {'smoothing_fwhm': 6.0, 'project': 'none'})
    (1.55, 2.55)
    """
    n_passes = 1 + sum(parameters.get(name) not in (None, False, 'none') for name in PASSES)
    return SECONDS + n_atlases * SECONDS_PER_ATLAS + n_passes * n_bytes / BYTES_PER_SECOND


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
