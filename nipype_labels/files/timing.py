# SPDX-License-Identifier: BSD-3-Clause
"""The repetition time: explicit, or from the sidecar or the header of a series."""

import itertools
import math
from pathlib import Path

import nibabel as nib
import numpy as np

from ..core.filters import T_R_TOLERANCE, check_repetition_time
from ..model.errors import SignalError, errors_name
from .json_files import read_json

#: Seconds in NIfTI's units of time, by their codes; without a unit a repetition time is taken as seconds.
SECONDS = {8: 1.0, 16: 1e-3, 24: 1e-6, 0: 1.0}

#: Repetition times below this many ms, the unit of MGH, are times in s: no series of volumes is that fast.
LEAST_MGH_TIME = 10

#: The bits of a code of units that are for time.
TIME_BITS = 0b111000


def read_timing(path):
    """Return the repetition time in s (None if unknown) that a sidecar gives, and how volumes are unevenly spaced.

    The time is ``RepetitionTime``, else the distance of the times in ``VolumeTiming``. The range of these distances is
    returned as text if they differ by more than 1 %, else the text is empty.
    """
    if not Path(path).is_file():
        raise SignalError(f'no such file: {path}')
    content = read_json(path, SignalError)
    try:
        t_r = _to_seconds(content.get('RepetitionTime'))
        timing = content.get('VolumeTiming')
        times = None if timing is None else [_to_seconds('' if time is None else time) for time in timing]
    except (TypeError, ValueError, OverflowError) as e:
        raise SignalError(f'{path} gives no RepetitionTime or VolumeTiming in s: {" ".join(str(e).split())}') from e
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
    """Return the repetition time in s (None if unknown), and what contradicts it (empty if nothing does).

    The explicit ``t_r`` wins, then the JSON file ``sidecar`` (a path or None), then ``header`` (in s or None). What
    uses times, a filter or the removal of a trend, refuses times that contradict each other or are unevenly spaced.
    ``name`` is what the caller calls ``t_r``.
    """
    check_repetition_time(t_r, name)
    with errors_name(sidecar):
        seconds, uneven = (None, '') if sidecar is None else read_timing(sidecar)
        if not uneven:
            t_r, warning = choose_repetition_time(t_r, seconds, header, filtered, name)
            return t_r, f'{sidecar}: {warning}' if warning and sidecar else warning
        said = f'volumes are unevenly spaced ({uneven} by VolumeTiming)'
        if t_r is not None:
            return t_r, f'{sidecar}: {said}, but {name} is {t_r:.6g} s; {name} is used'
        if filtered or detrended:
            step = 'a filter' if filtered else 'detrending'
            raise SignalError(f'{said}, and {step} needs even spacing. Pass {name} if VolumeTiming is wrong')
        return None, ''


def choose_repetition_time(t_r=None, sidecar=None, header=None, used=True, name='t_r'):
    """Return the first repetition time in s that is known, and which differ by more than 1 %.

    If ``used``, sidecar and header that contradict each other are an error; else the time is then None.

    >>> choose_repetition_time(None, 0.8, 0.801)
    (0.8, '')
    >>> choose_repetition_time(0.72, 0.72, 1.0)
    (0.72, 't_r is 0.72 s, but the header says 1 s; t_r is used')
    """
    read = {'the sidecar': sidecar, 'the header': header}
    known = {source: check_repetition_time(value, source) for source, value in read.items() if value is not None}
    if check_repetition_time(t_r, name) is not None:
        others = [f'{source} says {value:.6g} s' for source, value in known.items() if not _agree(t_r, value)]
        said = f'{name} is {t_r:.6g} s, but {" and ".join(others)}; {name} is used' if others else ''
        return t_r, said
    if len(known) == 2 and not _agree(sidecar, header):
        said = ', '.join(f'{source} says {value:.6g} s' for source, value in known.items())
        said = f'repetition times contradict: {said}. Pass the right one as {name}'
        if used:
            raise SignalError(said)
        return None, f'{said}; until then it counts as unknown'
    return next(iter(known.values()), None), ''


def read_header_time(image):
    """Return the repetition time in s of a nibabel image's header; None if the header has none.

    None also for a 1 without a unit, with which new NIfTI headers begin, and for less than 10 ms in MGH, whose unit is
    ms: that is a time in s which a program has copied.
    """
    zooms, second = image.header.get_zooms(), np.nan
    if isinstance(image, nib.freesurfer.MGHImage):
        second = 1e-3 if zooms[3:4] >= (LEAST_MGH_TIME,) else np.nan
    elif isinstance(image.header, nib.Nifti1Header):
        unit = int(image.header['xyzt_units']) & TIME_BITS
        second = SECONDS.get(unit, np.nan) if unit or zooms[3:4] != (1,) else np.nan
    t_r = float(zooms[3]) * second if len(zooms) > 3 else 0.0
    # Headers hold single precision: 0.8 s comes back as 0.800000011920929.
    return float(np.format_float_positional(np.float32(t_r), unique=True)) if np.isfinite(t_r) and t_r > 0 else None


def _agree(one, other):
    """Whether two repetition times are equal except for rounding."""
    return abs(one - other) <= T_R_TOLERANCE * min(one, other)


def _to_seconds(value):
    """Return a number of a JSON file as float, None as None; a flag is not a number."""
    if isinstance(value, bool):
        raise TypeError(f'it is {value}')
    return None if value is None else float(value)
