# SPDX-License-Identifier: BSD-3-Clause
"""The JSON sidecar of a series."""

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
        fields = json.loads(Path(path).read_text(encoding='utf-8'))
        value = fields.get('RepetitionTime')
        return None if value is None else check_repetition_time(float(value), f'RepetitionTime of {path}')
    except (OSError, AttributeError, TypeError, json.JSONDecodeError) as e:
        raise SignalError(f'{path} is no JSON sidecar: {" ".join(str(e).split())}') from e


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
    (first, chosen), *others = known.items()
    for source, value in others:
        if abs(value - chosen) > T_R_TOLERANCE * chosen:
            raise SignalError(f'repetition times contradict: {first} says {chosen:.6g} s, {source} says {value:.6g} s')
    return chosen
