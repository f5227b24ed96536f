# SPDX-License-Identifier: BSD-3-Clause
"""Resolve the repetition time of a series from an argument, the sidecar and the header."""

import itertools
import math
from pathlib import Path

import nibabel as nib
import numpy as np

from ..core.filters import T_R_TOLERANCE, check_repetition_time
from ..model.errors import SignalError, errors_name
from .json_files import read_json

#: Seconds in NIfTI's units of time, by code; a repetition time without a unit is taken as seconds.
SECONDS = {8: 1.0, 16: 1e-3, 24: 1e-6, 0: 1.0}

#: MGH stores ms. Values below this one are repetition times in s that a program has copied.
_LEAST_MGH_TIME = 10

#: Bits of ``xyzt_units`` that encode the unit of time.
_TIME_BITS = 0b111000


def read_timing(path):
    """Return the repetition time in s of a sidecar (None if unknown), and the range of intervals if they are unequal.

    The time is ``RepetitionTime``, else the interval of ``VolumeTiming``. The range is text, empty if the intervals
    differ by at most 1 %.
    """
    if not Path(path).is_file():
        raise SignalError(f'no such file: {path}')
    content = read_json(path, SignalError)
    try:
        t_r = _to_seconds(content.get('RepetitionTime'))
        timing = content.get('VolumeTiming')
        times = None if timing is None else [_to_seconds('' if time is None else time) for time in timing]
    except (TypeError, ValueError, OverflowError) as e:
        raise SignalError(f'{path} has no valid RepetitionTime or VolumeTiming in s: {" ".join(str(e).split())}') from e
    t_r = check_repetition_time(t_r, f'RepetitionTime of {path}')
    if times is None:
        return t_r, ''
    steps = [after - before for before, after in itertools.pairwise(times)]
    if not all(math.isfinite(step) and step > 0 for step in steps):
        raise SignalError(f'{path}: each time in VolumeTiming must be later than the one before')
    if not steps:
        return t_r, ''
    if max(steps) - min(steps) > T_R_TOLERANCE * min(steps):
        return t_r, f'{min(steps):.6g} to {max(steps):.6g} s'
    mean = (times[-1] - times[0]) / len(steps)
    if t_r is not None and abs(t_r - mean) > T_R_TOLERANCE * mean:
        raise SignalError(f'{path}: RepetitionTime says {t_r:.6g} s, VolumeTiming says {mean:.6g} s')
    return (mean if t_r is None else t_r), ''


def resolve_repetition_time(t_r, sidecar, header, filtered=True, detrended=False, name='t_r'):
    """Return the repetition time in s (None if unknown), and a warning about contradictory times (empty without any).

    The explicit ``t_r`` takes precedence, then the JSON file ``sidecar`` (a path or None), then ``header`` (in s or
    None). Filters and detrending require consistent times and even spacing. ``name`` is the user's name of ``t_r``.
    """
    check_repetition_time(t_r, name)
    with errors_name(sidecar):
        seconds, uneven = (None, '') if sidecar is None else read_timing(sidecar)
        if not uneven:
            t_r, warning = choose_repetition_time(t_r, seconds, header, filtered, name)
            return t_r, f'{sidecar}: {warning}' if warning and sidecar else warning
        problem = f'volumes are unevenly spaced ({uneven} by VolumeTiming)'
        if t_r is not None:
            return t_r, f'{sidecar}: {problem}, but {name} is {t_r:.6g} s; {name} is used'
        if filtered or detrended:
            step = 'a filter' if filtered else 'detrending'
            raise SignalError(f'{problem}, and {step} needs even spacing. Pass {name} if VolumeTiming is wrong')
        return None, ''


def choose_repetition_time(t_r=None, sidecar=None, header=None, used=True, name='t_r'):
    """Return the first known repetition time in s, and a warning if another one differs by more than 1 %.

    Sidecar and header that contradict each other are an error if the time is ``used``; otherwise the time is None.

    >>> choose_repetition_time(None, 0.8, 0.801)
    (0.8, '')
    >>> choose_repetition_time(0.72, 0.72, 1.0)
    (0.72, 't_r is 0.72 s, but the header says 1 s; t_r is used')
    """
    read = {'the sidecar': sidecar, 'the header': header}
    known = {source: check_repetition_time(value, source) for source, value in read.items() if value is not None}
    texts = {source: f'{source} says {value:.6g} s' for source, value in known.items()}
    if check_repetition_time(t_r, name) is not None:
        others = [texts[source] for source, value in known.items() if not _agree(t_r, value)]
        return t_r, f'{name} is {t_r:.6g} s, but {" and ".join(others)}; {name} is used' if others else ''
    if len(known) == 2 and not _agree(sidecar, header):
        problem = f'repetition times contradict: {", ".join(texts.values())}. Pass the right one as {name}'
        if used:
            raise SignalError(problem)
        return None, f'{problem}; without it, the repetition time is unknown'
    return next(iter(known.values()), None), ''


def read_header_time(image):
    """Return the repetition time in s of a nibabel image's header, None if unknown.

    1 without a unit, the initial value of NIfTI headers, and less than 10 ms in MGH are unknown repetition times.
    """
    zooms, second = image.header.get_zooms(), np.nan
    if isinstance(image, nib.freesurfer.MGHImage):
        second = 1e-3 if zooms[3:4] >= (_LEAST_MGH_TIME,) else np.nan
    elif isinstance(image.header, nib.Nifti1Header):
        unit = int(image.header['xyzt_units']) & _TIME_BITS
        second = SECONDS.get(unit, np.nan) if unit or zooms[3:4] != (1,) else np.nan
    t_r = float(zooms[3]) * second if len(zooms) > 3 else 0.0
    # Headers store single precision: 0.8 s would be 0.800000011920929.
    return float(np.format_float_positional(np.float32(t_r), unique=True)) if np.isfinite(t_r) and t_r > 0 else None


def _agree(one, other):
    """Whether two repetition times are equal except for rounding."""
    return abs(one - other) <= T_R_TOLERANCE * min(one, other)


def _to_seconds(value):
    """Return a number of a JSON file as float, None as None; TypeError for flags."""
    if isinstance(value, bool):
        raise TypeError(f'it is {value}')
    return None if value is None else float(value)
