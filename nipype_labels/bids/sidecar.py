# SPDX-License-Identifier: BSD-3-Clause
"""The JSON sidecar of a series."""

import itertools
import json
from pathlib import Path

from ..core.errors import SignalError
from ..core.filters import check_repetition_time

#: Two repetition times that differ by more than this part of one contradict each other.
T_R_TOLERANCE = 0.01


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
    """``RepetitionTime`` of a sidecar in s; None if it has none.

    Raises
    ------
    SignalError
        If the file is no JSON object or the value no time.
    """
    try:
        value = json.loads(Path(path).read_text(encoding='utf-8')).get('RepetitionTime')
        t_r = None if value is None else float(value)
    except (OSError, AttributeError, TypeError, ValueError) as e:
        raise SignalError(f'{path} gives no RepetitionTime in s: {" ".join(str(e).split())}') from e
    return check_repetition_time(t_r, f'RepetitionTime of {path}')


def settle_repetition_time(t_r=None, sidecar=None, header=None):
    """Repetition time from what is known of it: the parameter, else the sidecar's, else the header's.

    Parameters
    ----------
    t_r, sidecar, header : float or None
        In s.

    Returns
    -------
    float or None

    Raises
    ------
    SignalError
        If two differ by more than 1 %; it shows both.

    Examples
    --------
    >>> settle_repetition_time(None, 0.8, 0.801)
    0.8
    """
    known = {'t_r': t_r, 'the sidecar': sidecar, 'the header': header}
    known = {source: check_repetition_time(value, source) for source, value in known.items() if value is not None}
    if not known:
        return None
    for (one, value), (other, against) in itertools.combinations(known.items(), 2):
        if abs(value - against) > T_R_TOLERANCE * min(value, against):
            raise SignalError(f'repetition times contradict: {one} says {value:.6g} s, {other} says {against:.6g} s')
    return next(iter(known.values()))
