# SPDX-License-Identifier: BSD-3-Clause
"""Names of choices, also as users of nilearn spell them; unknown ones are refused."""

from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

import numpy as np

from ..model.errors import LabelsError
from ..model.parameters import PARAMETERS


def normalize_choice(parameter: str, value: Any) -> Any:
    """Return the choice that a value of nilearn means (None, a bool or a NumPy type); other values as they are.

    >>> normalize_choice('standardize', True), normalize_choice('dtype', np.float32)
    ('zscore', 'float32')
    """
    if isinstance(value, np.bool_):
        value = bool(value)
    if value is None or isinstance(value, bool):
        return PARAMETERS[parameter].aliases.get(value, value)
    if parameter == 'dtype' and not isinstance(value, str | bool | int | float):
        with suppress(TypeError):
            return np.dtype(value).name
    return value


def check_choice(parameter: str, value: Any, choices: Iterable[str] | None = None) -> None:
    """Raise LabelsError, with the choices (default: of the registry), unless the value is one of them."""
    choices = PARAMETERS[parameter].choices if choices is None else choices
    if not (isinstance(value, str) and value in choices):
        raise LabelsError(f'{parameter} must be one of {", ".join(choices)}, not {value!r}{suggest(value, choices)}')


def find_choice(parameter: str, value: Any, choices: Iterable[str]) -> str:
    """Return the choice that a name matches, whatever the case of its letters; LabelsError if no choice matches.

    >>> find_choice('confounds_strategy', '24p', ['6P', '24P'])
    '24P'
    """
    by_case = {choice.lower(): choice for choice in choices}
    found = by_case.get(value.lower(), value) if isinstance(value, str) else value
    check_choice(parameter, found, choices)
    return found


def suggest(value: Any, choices: Iterable) -> str:
    """Return a hint at the choice that a misspelt one resembles; empty if no choice is similar.

    >>> suggest('medain', ['mean', 'median']), suggest('mode', ['mean', 'median'])
    ("; did you mean 'median'?", '')
    """
    lowered = {choice.lower(): choice for choice in choices if isinstance(choice, str)}
    close = get_close_matches(str(value).lower(), lowered, n=1)
    return f'; did you mean {lowered[close[0]]!r}?' if close else ''
