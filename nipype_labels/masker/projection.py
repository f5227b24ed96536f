# SPDX-License-Identifier: BSD-3-Clause
"""Region values mapped back to an image: which columns they have, and where these are shown."""

import weakref

import numpy as np

from ..core.errors import SignalError
from ..core.project import Projector
from .state import make_image


class HandedOut:
    """Arrays that were returned to the caller, each with the outcome of its call, for as long as it lives."""

    def __init__(self):
        self._entries = {}

    def add(self, signals, outcome):
        """Remember an array.

        Parameters
        ----------
        signals : array, shape (T, L)
        outcome : Outcome
        """
        key = id(signals)
        self._entries[key] = weakref.ref(signals, lambda _: self._entries.pop(key, None)), outcome

    def find(self, signals):
        """Outcome of an array that was returned, or of a view of one; None of others.

        Parameters
        ----------
        signals : array, any shape

        Returns
        -------
        Outcome or None
        """
        while signals is not None:
            found, outcome = self._entries.get(id(signals), (None, None))
            if found is not None and found() is signals:
                return outcome
            signals = getattr(signals, 'base', None)
        return None


def find_columns(signals, state, handed_out):
    """Find out which regions the columns of signals are of.

    Parameters
    ----------
    signals : array, shape (L,) or (T, L), or DataFrame
    state : State
    handed_out : HandedOut

    Returns
    -------
    values : array, shape (L,) or (T, L)
    ids : sequence of int, length L
    outcome : Outcome
        Of the series that the signals are of, else of the last one.

    Raises
    ------
    SignalError
        If the columns can't be told, or there are not as many as regions.
    """
    names = _names(signals)
    try:
        values = np.asarray(signals, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise SignalError(f'signals must be an array of numbers, not {type(signals).__name__}: {e}') from e
    if values.ndim not in (1, 2) or not len(values):
        raise SignalError(f'signals must be one row or a table of rows, not an array of shape {values.shape}')
    if names is not None:
        return values, _ids_of_names(names, state.fitted.lookup), state.outcome
    known = handed_out.find(signals)
    if known is not None and len(known.ids) == values.shape[-1]:
        return values, known.ids, known
    candidates = [ids for ids in state.columns if len(ids) == values.shape[-1]]
    if not candidates:
        n_columns = len(state.outcome.ids)
        raise SignalError(f'signals must have {n_columns} columns, one per region, not {values.shape}')
    if len(candidates) > 1:
        raise SignalError(
            f'series with {values.shape[-1]} columns of different regions were transformed, and signals do not tell '
            'which these are of: pass a DataFrame with the names of the regions as columns, as '
            "set_output(transform='pandas') makes them"
        )
    return values, candidates[0], state.outcome


def paint(values, ids, outcome):
    """Make an image in which each voxel has the value of its region.

    Parameters
    ----------
    values : array, shape (L,) or (T, L)
    ids : sequence of int, length L
    outcome : Outcome

    Returns
    -------
    nibabel image
    """
    placed = outcome.placed
    projector, rows = Projector(placed.masked, list(ids)), np.atleast_2d(values)
    volumes = np.empty((*placed.grid.shape, len(rows)), order='F')
    for i, row in enumerate(rows):
        volumes[..., i] = projector(row)
    return make_image(volumes if values.ndim == 2 else volumes[..., 0], placed.grid, outcome.t_r)


def _names(signals):
    """Names of the columns of a table, None if it has none of its own."""
    names = getattr(signals, 'columns', None)
    if names is None and np.ndim(signals) == 1:
        names = getattr(signals, 'index', None)
        names = None if callable(names) else names
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return list(names)


def _ids_of_names(names, lookup):
    """Region ids of names."""
    ids = dict(zip(lookup['name'], lookup['index'], strict=True))
    unknown = [name for name in names if name not in ids]
    if unknown:
        raise SignalError(f'signals have columns that are not names of regions: {", ".join(map(repr, unknown[:5]))}')
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SignalError(f'signals have columns of the same name: {", ".join(map(repr, twice[:5]))}')
    return [ids[name] for name in names]
