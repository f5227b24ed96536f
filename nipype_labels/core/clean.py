# SPDX-License-Identifier: BSD-3-Clause
"""Cleaning of region signals, in one fixed order.

Censored volumes are bridged, then signals and confounds alike are detrended and filtered, then censored volumes go,
then the confounds are regressed out, then the signals are standardised (Lindquist et al., 2019, Human Brain Mapping).
"""

from dataclasses import dataclass

import numpy as np
import scipy

from .errors import SignalError
from .filters import bridge_censored, butterworth, check_filter, check_repetition_time, cosine_drifts, remove_trend
from .regions import MISSING_LABELS, is_constant
from .spelling import check_choice
from .view import LARGEST

#: What becomes of the scale of a cleaned signal: nothing, z-scores by the population's or the sample's standard
#: deviation (ddof 0 or 1), or percent change of its mean before cleaning.
STANDARDIZE = ('none', 'zscore', 'zscore_sample', 'psc')

#: What becomes of missing values in the first rows of confounds, where derivatives have none.
CONFOUNDS_NA = ('raise', 'zero', 'mean', 'backfill')

#: Whether censored volumes leave the output or stay as rows without values.
CENSORED = ('drop', 'nan')

#: A cleaned signal whose mean is below this part of its mean before has lost it, and percent change puts it back.
LOST_MEAN = 0.1

#: A signal that falls below this part of its size before a step is gone.
VANISHED = 1e-12

#: The same for a confound, which must keep enough digits to tell its direction from rounding noise.
CONFOUND_VANISHED = 1e-8


@dataclass
class Cleaned:
    """What :func:`clean` gives.

    Attributes
    ----------
    signals : array, shape (number of volumes kept, L)
        NaN in columns that can't be cleaned or standardised.
    kept : array of bool, shape (T,)
    n_confounds : int
        Regressors that went in, drifts included, summed over runs.
    rank : int
        Dimensions they took, summed over runs.
    degrees_of_freedom : float
        Volumes kept, less trend and confounds; under a Butterworth filter, of the part of the spectrum that it passes.
    not_finite, constant : array of bool, shape (L,)
        Columns that are NaN because a kept volume had no value, or because nothing varies that could be scaled.
    """

    signals: np.ndarray
    kept: np.ndarray
    n_confounds: int
    rank: int
    degrees_of_freedom: float
    not_finite: np.ndarray
    constant: np.ndarray


def kept_volumes(sample_mask, n_volumes):
    """Turn a sample mask of either form into one flag per volume.

    Parameters
    ----------
    sample_mask : sequence of bool of length T, or of int, or None
        Flags or indices of the volumes to keep; None keeps all.
    n_volumes : int
        T.

    Returns
    -------
    array of bool, shape (T,)

    Raises
    ------
    SignalError
        If it keeps nothing, has the wrong length, or indices that repeat, fall, or don't exist.

    Examples
    --------
    >>> kept_volumes([0, 2], 3).tolist(), kept_volumes([True, False, True], 3).tolist()
    ([True, False, True], [True, False, True])
    """
    if sample_mask is None:
        return np.ones(n_volumes, dtype=bool)
    given = check_sample_mask(sample_mask)
    kept = given.copy()
    if given.dtype.kind != 'b':
        if given.max() >= n_volumes:
            raise SignalError(
                f'sample_mask has indices from {given.min()} to {given.max()}; the volumes are 0 to {n_volumes - 1}'
            )
        kept = np.isin(np.arange(n_volumes), given)
    if len(kept) != n_volumes:
        raise SignalError(f'sample_mask has {len(kept)} flags for {n_volumes} volumes')
    return kept


def check_sample_mask(sample_mask):
    """Refuse a sample mask that fits no series.

    Parameters
    ----------
    sample_mask : sequence of bool or int
        Flags or indices of the volumes to keep.

    Returns
    -------
    array of bool or int, shape (n,)

    Raises
    ------
    SignalError
        If it keeps nothing, is not one row of flags or indices, or has indices that repeat, fall or are negative.
    """
    try:
        given = np.asarray(sample_mask)
    except ValueError:
        given = np.empty(0)
    if given.ndim != 1 or not given.size or given.dtype.kind not in 'biu':
        raise SignalError('sample_mask must be one row of flags (true, false) or of volume indices, and not empty')
    if given.dtype.kind == 'b' and not given.any():
        raise SignalError('sample_mask keeps no volume')
    if given.dtype.kind != 'b':
        if given.min() < 0:
            raise SignalError(f'sample_mask has the index {given.min()}; volumes are counted from 0')
        if (np.diff(given.astype(np.int64)) <= 0).any():
            raise SignalError('indices of sample_mask must rise, none twice; flags must be true and false, not 1 and 0')
    return given


def clean(
    signals,
    confounds=None,
    *,
    t_r=None,
    detrend=False,
    filter='butterworth',
    low_pass=None,
    high_pass=None,
    standardize='none',
    standardize_confounds=True,
    sample_mask=None,
    runs=None,
    missing_labels='nan',
):
    """Clean signals: detrend, filter, regress confounds out, standardise.

    Parameters
    ----------
    signals : array, shape (T, L)
    confounds : array, shape (T, C), optional
    t_r : float, optional
        Repetition time in s; needed to filter.
    detrend : bool
    filter : {'butterworth', 'cosine', 'none'}
        ``'butterworth'`` acts if a cut-off is given.
    low_pass, high_pass : float, optional
        Cut-offs in Hz.
    standardize : {'none', 'zscore', 'zscore_sample', 'psc'}
    standardize_confounds : bool
        Scale the confounds to z-scores, so that no constant among them takes the signals' mean away.
    sample_mask : sequence of bool or int, optional
        Volumes to keep. No value of another volume has any influence on the result.
    runs : sequence of int, shape (T,), optional
        Which run each volume belongs to; each run is cleaned for itself, in the order of their first volumes.
    missing_labels : {'nan', 'zero', 'drop', 'raise'}
        With ``'zero'``, z-scores and percent change of a constant column are 0 instead of NaN.

    Returns
    -------
    Cleaned

    Raises
    ------
    LabelsError
        If parameters contradict each other or the data, or the confounds leave no degree of freedom.

    Notes
    -----
    The order and, but for the defects listed in the documentation, the numbers are those of ``nilearn.signal.clean``.
    """
    signals = np.asarray(signals, dtype=np.float64)
    if signals.ndim != 2:
        raise SignalError(f'signals must have a row per volume and a column per region, their shape is {signals.shape}')
    n_volumes = len(signals)
    kept = kept_volumes(sample_mask, n_volumes)
    confounds = _check_confounds(confounds, kept)
    check_choice('standardize', standardize, STANDARDIZE)
    check_choice('missing_labels', missing_labels, MISSING_LABELS)
    check_filter(filter, low_pass, high_pass, check_repetition_time(t_r))
    if t_r is None and (low_pass is not None or high_pass is not None):
        raise SignalError('a filter needs the repetition time: set t_r')
    runs = np.zeros(n_volumes, dtype=int) if runs is None else np.asarray(runs)
    if runs.shape != (n_volumes,):
        raise SignalError(f'runs has {runs.size} entries for {n_volumes} volumes')
    settings = dict(t_r=t_r, detrend=detrend, filter=filter, low_pass=low_pass, high_pass=high_pass)
    settings.update(standardize=standardize, standardize_confounds=standardize_confounds)
    parts, order = [], []
    for run in dict.fromkeys(runs.tolist()):
        rows = np.flatnonzero(runs == run)
        if not kept[rows].any():
            raise SignalError(f'sample_mask keeps no volume of run {run}')
        parts.append(_clean_run(signals[rows], confounds[rows], kept[rows], **settings))
        order.append(rows[kept[rows]])
    by_time = np.argsort(np.concatenate(order))
    if missing_labels == 'zero':
        for part in parts:
            part.signals[:, part.constant] = 0.0
    return Cleaned(
        signals=np.concatenate([part.signals for part in parts])[by_time],
        kept=kept,
        n_confounds=sum(part.n_confounds for part in parts),
        rank=sum(part.rank for part in parts),
        degrees_of_freedom=sum(part.degrees_of_freedom for part in parts),
        not_finite=np.any([part.not_finite for part in parts], axis=0),
        constant=np.any([part.constant for part in parts], axis=0),
    )


def _clean_run(
    signals, confounds, kept, *, t_r, detrend, filter, low_pass, high_pass, standardize, standardize_confounds
):
    """Clean one run; see :func:`clean`."""
    if filter == 'cosine':
        confounds = np.column_stack([confounds, cosine_drifts(len(signals), t_r, high_pass)])
    not_finite = ~np.isfinite(signals[kept]).all(axis=0)
    signals = np.where(not_finite, 0.0, signals)
    raw = signals[kept]
    filters = filter == 'butterworth' and (low_pass is not None or high_pass is not None)
    # Signals and confounds go through the same steps, side by side.
    both = np.column_stack([signals, confounds])
    size = np.abs(both[kept]).max(axis=0, initial=0)
    if filters:
        both, kept = bridge_censored(both, kept)
    else:
        both, kept = both[kept], np.ones(len(raw), dtype=bool)
    level = both[:, : signals.shape[1]].mean(axis=0)
    if detrend:
        both = remove_trend(both)
    if filters:
        both = butterworth(both, t_r, low_pass, high_pass)[kept]
    cleaned, nuisance = both[:, : signals.shape[1]], both[:, signals.shape[1] :]
    nuisance, lost_digits = scale_confounds(nuisance, size[signals.shape[1] :], standardize_confounds)
    cleaned, rank = regress_out(cleaned, nuisance, lost_digits)
    # Trends are gone already, and z-scored confounds can't take the mean.
    free = len(raw) - (2 if detrend else int(standardize_confounds))
    left = len(raw) - rank - (2 if detrend else 0)
    if filters:
        nyquist = 0.5 / t_r
        left = len(raw) * ((low_pass or nyquist) - (high_pass or 0)) / nyquist - rank
    if rank and (rank >= free or left <= 0):
        raise SignalError(
            f'{nuisance.shape[1]} confounds of rank {rank} leave no degree of freedom in the {len(raw)} volumes kept'
            f'{" and the band that passes" if filters else ""}: use fewer confounds or keep more volumes'
        )
    cleaned, constant = rescale(cleaned, raw, level, standardize)
    cleaned[:, not_finite] = np.nan
    return Cleaned(cleaned, kept, nuisance.shape[1], rank, left, not_finite, constant & ~not_finite)


def _check_confounds(confounds, kept):
    """Confounds as a float64 array of shape (T, C): numbers where volumes are kept, 0 elsewhere if they are none."""
    if confounds is None:
        return np.empty((len(kept), 0))
    confounds = np.asarray(confounds, dtype=np.float64)
    if confounds.ndim != 2 or len(confounds) != len(kept):
        raise SignalError(f'confounds have shape {confounds.shape}, signals have {len(kept)} volumes')
    with np.errstate(invalid='ignore'):
        finite = np.abs(confounds) <= LARGEST
    if not finite[kept].all():
        row, column = np.argwhere(~finite & kept[:, None])[0]
        raise SignalError(f'confounds hold {confounds[row, column]} in column {column}, row {row}')
    return np.where(finite, confounds, 0.0)


def scale_confounds(confounds, size, standardize_confounds=True):
    """Bring confounds to one scale: z-scores, or at most 1 in absolute value.

    Parameters
    ----------
    confounds : array, shape (n, C)
    size : array, shape (C,)
        Their largest absolute values before detrending and filtering; a column that fell to rounding noise is set to 0.
    standardize_confounds : bool

    Returns
    -------
    confounds : array, shape (n, C)
    lost_digits : float
        By how much the worst of them lost precision on the way: its size before over its size after.
    """
    if standardize_confounds and len(confounds) > 1:
        confounds = confounds - confounds.mean(axis=0)
        scale = confounds.std(axis=0, ddof=1)
    else:
        scale = np.abs(confounds).max(axis=0, initial=0)
    there = scale > CONFOUND_VANISHED * size
    lost_digits = max((size[there] / scale[there]).max(initial=1), 1)
    return np.where(there, confounds / np.where(there, scale, 1), 0.0), lost_digits


def regress_out(signals, confounds, lost_digits=1.0):
    """Remove from each signal its projection on the confounds.

    Parameters
    ----------
    signals : array, shape (n, L)
    confounds : array, shape (n, C)
        No intercept is added.
    lost_digits : float
        By how much rounding noise in the confounds exceeds that of exact numbers of their size.

    Returns
    -------
    signals : array, shape (n, L)
    rank : int
        Dimensions of the space of the confounds; columns that others explain take none.
    """
    if not confounds.shape[1]:
        return signals, 0
    q, r, _ = scipy.linalg.qr(confounds, mode='economic', pivoting=True)
    sizes = np.abs(r.diagonal())
    noise = max(confounds.shape) * np.finfo(np.float64).eps * lost_digits
    q = q[:, sizes > noise * sizes[0]]
    return signals - q @ (q.T @ signals), q.shape[1]


def rescale(cleaned, raw, level, standardize='none'):
    """Standardise cleaned signals.

    Parameters
    ----------
    cleaned : array, shape (n, L)
    raw : array, shape (n, L)
        The same volumes before cleaning.
    level : array, shape (L,)
        Means before cleaning. Percent change is of the mean that a signal has after cleaning, or, where cleaning took
        that away, of both together; decided for each region by itself.
    standardize : {'none', 'zscore', 'zscore_sample', 'psc'}

    Returns
    -------
    signals : array, shape (n, L)
        NaN in constant columns, but for ``'none'``.
    constant : array of bool, shape (L,)
        Which columns have no scale to be brought to.

    Raises
    ------
    SignalError
        If there is only one volume.
    """
    if standardize == 'none':
        return cleaned, np.zeros(cleaned.shape[1], dtype=bool)
    if len(cleaned) < 2:
        raise SignalError(f"standardize='{standardize}' needs two volumes or more")
    constant = is_constant(raw)
    centred = cleaned - cleaned.mean(axis=0)
    if standardize == 'psc':
        mean = cleaned.mean(axis=0)
        scale = np.abs(mean + np.where(np.abs(mean) < LOST_MEAN * np.abs(level), level, 0)) / 100
        constant |= np.abs(level) <= VANISHED * np.abs(raw).max(axis=0)
    else:
        scale = cleaned.std(axis=0, ddof=1 if standardize == 'zscore_sample' else 0)
    constant |= scale <= VANISHED * np.abs(raw).max(axis=0)
    return np.where(constant, np.nan, centred / np.where(constant, 1, scale)), constant
