# SPDX-License-Identifier: BSD-3-Clause
"""The JSON sidecar of a series."""

import json
from pathlib import Path

from ..core.errors import SignalError, about
from ..core.filters import check_repetition_time, settle_repetition_time


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


def read_repetition_time(path):
    """``RepetitionTime`` of a sidecar.

    Parameters
    ----------
    path : path

    Returns
    -------
    float or None
        In s; None if it has none.

    Raises
    ------
    SignalError
        If the file is no JSON object or the value no time.
    """
    if not Path(path).is_file():
        raise SignalError(f'no such file: {path}')
    try:
        value = json.loads(Path(path).read_text(encoding='utf-8')).get('RepetitionTime')
        if isinstance(value, bool):
            raise TypeError(f'it is {value}')
        t_r = None if value is None else float(value)
    except (OSError, AttributeError, TypeError, ValueError, OverflowError, RecursionError) as e:
        raise SignalError(f'{path} gives no RepetitionTime in s: {" ".join(str(e).split())}') from e
    return check_repetition_time(t_r, f'RepetitionTime of {path}')


def find_repetition_time(t_r, sidecar, header):
    """Repetition time from a parameter, else a sidecar, else a header.

    Parameters
    ----------
    t_r : float or None
        In s.
    sidecar : path or None
        JSON file.
    header : float or None
        What the header of the series gives, in s.

    Returns
    -------
    float or None
        In s.

    Raises
    ------
    SignalError
        If one is no time, or two differ by more than 1 %.
    """
    t_r = check_repetition_time(t_r)
    with about(sidecar):
        return settle_repetition_time(t_r, None if sidecar is None else read_repetition_time(sidecar), header)
