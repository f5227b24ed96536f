# SPDX-License-Identifier: BSD-3-Clause
"""The JSON sidecar of a series, and the repetition time."""

import itertools
import math
from pathlib import Path

from ..core.errors import SignalError, errors_name
from ..core.filters import T_R_TOLERANCE, check_repetition_time, settle_repetition_time
from ..files.json_files import read_json


def find_sidecar(series):
    """Sidecar beside a series (``x.json`` for ``x.nii.gz``); None if there is none.

    Parameters
    ----------
    series : path

    Returns
    -------
    Path or None
    """
    series = Path(series)
    beside = series.with_name(series.name.removesuffix('.gz').rsplit('.', 1)[0] + '.json')
    return beside if beside.is_file() else None


def read_timing(path):
    """Read when the volumes of a series were acquired, from its sidecar.

    Parameters
    ----------
    path : path

    Returns
    -------
    t_r : float or None
        ``RepetitionTime``, else the distance of the times in ``VolumeTiming``, in s; None if there is neither.
    uneven : str
        Range of the distances of volumes if those in ``VolumeTiming`` differ by more than 1 %, else empty.

    Raises
    ------
    SignalError
        If the file is not a JSON object, a value is not a time, or both values contradict each other.
    """
    if not Path(path).is_file():
        raise SignalError(f'no such file: {path}')
    try:
        content = read_json(path, SignalError)
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


def find_repetition_time(t_r, sidecar, header, filtered=True, detrended=False, name='t_r'):
    """Find the repetition time: an explicit one, else that of a sidecar, else that of a header.

    Parameters
    ----------
    t_r : float or None
        In s.
    sidecar : path or None
        JSON file.
    header : float or None
        What the header of the series gives, in s.
    filtered, detrended : bool
        Whether a filter is applied, and whether a trend is removed: what uses times refuses times that are unknown.
    name : str
        What the caller calls ``t_r``.

    Returns
    -------
    t_r : float or None
        In s; None if it is unknown.
    warning : str
        What contradicts it; empty if nothing does.

    Raises
    ------
    SignalError
        If a value is not a time, sidecar and header differ by more than 1 % and a filter is applied, or volumes are
        unevenly spaced and a filter is applied or a trend removed.
    """
    check_repetition_time(t_r, name)
    with errors_name(sidecar):
        seconds, uneven = (None, '') if sidecar is None else read_timing(sidecar)
        if not uneven:
            t_r, warning = settle_repetition_time(t_r, seconds, header, filtered, name)
            return t_r, f'{sidecar}: {warning}' if warning and sidecar else warning
        said = f'volumes are unevenly spaced ({uneven} by VolumeTiming)'
        if t_r is not None:
            return t_r, f'{sidecar}: {said}, but {name} is {t_r:.6g} s; {name} is used'
        if filtered or detrended:
            step = 'a filter' if filtered else 'detrending'
            raise SignalError(f'{said}, and {step} needs even spacing. Pass {name} if VolumeTiming is wrong')
        return None, ''


def _to_seconds(value):
    """Return a number of a JSON file as float, None as None; a flag is not a number."""
    if isinstance(value, bool):
        raise TypeError(f'it is {value}')
    return None if value is None else float(value)
