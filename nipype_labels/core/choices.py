# SPDX-License-Identifier: BSD-3-Clause
"""Names of choices: refusing unknown ones, and other spellings, as users of nilearn know them."""

from contextlib import suppress
from difflib import get_close_matches

import numpy as np

from ..model.errors import LabelsError
from ..model.parameters import PARAMETERS


def normalize_choice(parameter, value):
    """Name of a choice.

    Parameters
    ----------
    parameter : str
    value : object
        A name, or what nilearn takes in its place: None, a bool, a NumPy type.

    Returns
    -------
    object
        The name if there is one, else ``value``, for the trait to refuse.

    Examples
    --------
    >>> normalize_choice('standardize', True), normalize_choice('dtype', np.float32)
    ('zscore', 'float32')
    """
    names = PARAMETERS[parameter].aliases if parameter in PARAMETERS else {}
    if isinstance(value, np.bool_):
        value = bool(value)
    if (value is None or isinstance(value, bool)) and value in names:
        return names[value]
    if parameter == 'dtype' and not isinstance(value, str | bool | int | float):
        with suppress(TypeError):
            return np.dtype(value).name
    return value


def check_choice(parameter, value, choices):
    """Refuse what is none of the choices there are, and say them.

    Parameters
    ----------
    parameter : str
        Its name, for the error.
    value : object
    choices : collection of str

    Raises
    ------
    LabelsError
    """
    if not (isinstance(value, str) and value in choices):
        raise LabelsError(f'{parameter} must be one of {", ".join(choices)}, not {value!r}{suggest(value, choices)}')


def find_choice(parameter, value, choices):
    """Find a choice by its name, whatever the case of its letters.

    Parameters
    ----------
    parameter : str
        Its name, for the error.
    value : object
    choices : collection of str

    Returns
    -------
    str
        The name as ``choices`` have it.

    Raises
    ------
    LabelsError
        If there is no such choice; it suggests one that is similar.

    Examples
    --------
    >>> find_choice('confounds_strategy', '24p', ['6P', '24P'])
    '24P'
    """
    by_case = {choice.lower(): choice for choice in choices}
    found = by_case.get(value.lower(), value) if isinstance(value, str) else value
    check_choice(parameter, found, choices)
    return found


def suggest(value, choices):
    """Return a hint at the choice that a misspelt one resembles.

    Parameters
    ----------
    value : object
    choices : collection
        Those that are no strings are not suggested.

    Returns
    -------
    str
        Empty if no choice resembles the value.

    Examples
    --------
    >>> suggest('medain', ['mean', 'median']), suggest('mode', ['mean', 'median'])
    ("; did you mean 'median'?", '')
    """
    lowered = {choice.lower(): choice for choice in choices if isinstance(choice, str)}
    close = get_close_matches(str(value).lower(), lowered, n=1)
    return f'; did you mean {lowered[close[0]]!r}?' if close else ''
