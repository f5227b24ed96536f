# SPDX-License-Identifier: BSD-3-Clause
"""Denoising of region time series, in one fixed order.

1. Gaps of censored volumes are filled, if a Butterworth filter is used.
2. Time series and confounds alike are detrended, then filtered.
3. Censored volumes are dropped.
4. The confounds are regressed out of the time series.
5. The time series are standardised.

Filtering the confounds like the time series keeps the regression from bringing filtered frequencies back (Lindquist et
al., 2019, Human Brain Mapping 40:2358-2376).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..model.errors import SignalError, list_names
from .choices import check_choice
from .filters import butterworth, check_filter, check_repetition_time, cosine_drifts, remove_trend
from .gaps import fill_censored, longest_gap
from .quality import is_constant
from .regression import confound_basis, effective_number, passes, scale_confounds
from .scaling import LARGEST

#: Parameters of :func:`clean` that are parameters of maskers and workflows too.
DENOISING = (
    *('detrend', 'filter', 'low_pass', 'high_pass'),
    *('standardize', 'standardize_confounds', 'fill_censored'),
)

#: In nilearn's percent signal change, a mean below this fraction of the mean before denoising counts as removed, and
#: the mean before denoising is added to it.
LOST_MEAN = 0.1

#: Least variance that confounds must leave of white noise after a filter, in units of the variance of one volume.
LEAST_ENERGY = 1.0

#: Warning about regions without denoised time series, for %-formatting with the file and Cleaned.list_lost.
LOST_REGIONS = '%s: regions whose denoised time series are n/a, although they have a signal: %s'

#: A time series that falls below this fraction of its size before a step has vanished.
VANISHED = 1e-12


@dataclass
class Cleaned:
    """Result of :func:`clean`.

    Attributes
    ----------
    signals : array, shape (number of retained volumes, L)
        NaN in columns that can't be denoised or standardised.
    kept : array of bool, shape (T,)
        Retained volumes.
    n_confounds : int
        Number of regressors, drifts included, summed over runs.
    rank : int
        Dimensions that the regressors take from what the filter passes, summed over runs.
    degrees_of_freedom : float
        Effective number of independent values in a denoised time series of white noise, around its mean: the variance
        of the correlation of two such time series is 1 over this number. Summed over runs. The autocorrelation of
        fMRI noise, which lowers the number further, is not part of it.
    not_finite, constant : array of bool, shape (L,)
        Columns that are NaN because a retained volume has no value, or because nothing varies that could be scaled.
    longest_gap : int
        Volumes in the longest gap that was filled before filtering; 0 without a Butterworth filter.
    """

    signals: np.ndarray
    kept: np.ndarray
    n_confounds: int
    rank: int
    degrees_of_freedom: float
    not_finite: np.ndarray
    constant: np.ndarray
    longest_gap: int = 0

    def list_lost(self, names: Sequence[str] | np.ndarray, raw: np.ndarray) -> str:
        """Name the regions that lost their time series in denoising, by reason; empty if none did.

        ``names`` are those of the columns of ``raw``, the time series before denoising, shape (T, L).
        """
        lost = np.isnan(self.signals).any(axis=0) & np.isfinite(raw).any(axis=0)
        reasons = {
            'not finite in a retained volume': lost & self.not_finite,
            'constant, so without z-scores or percent signal change': lost & self.constant,
        }
        names = np.asarray(names, dtype=object)
        return '; '.join(f'{reason}: {list_names(names[flags])}' for reason, flags in reasons.items() if flags.any())


def kept_volumes(sample_mask: Sequence | None, n_volumes: int) -> np.ndarray:
    """Return which volumes a sample mask retains, array of bool of shape (T,); SignalError if it does not fit.

    ``sample_mask`` holds flags, or indices in ascending order; None retains all.

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
        raise SignalError(f'sample_mask must have {n_volumes} flags, one per volume, not {len(kept)}')
    return kept


def check_sample_mask(sample_mask: Sequence) -> np.ndarray:
    """Return a sample mask as an array; SignalError if it fits no series."""
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
    signals: np.ndarray,
    confounds: np.ndarray | None = None,
    *,
    t_r: float | None = None,
    detrend: bool = False,
    filter: str = 'butterworth',
    low_pass: float | None = None,
    high_pass: float | None = None,
    standardize: str = 'none',
    standardize_confounds: bool = True,
    sample_mask: Sequence | None = None,
    runs: Sequence[int] | None = None,
    missing_labels: str = 'nan',
    fill_censored: str = 'linear',
) -> Cleaned:
    """Denoise region time series: detrend, filter, regress confounds out, standardise.

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
    standardize : {'none', 'zscore', 'zscore_sample', 'psc', 'psc_nilearn'}
    standardize_confounds : bool
        Scale the confounds to z-scores, so that a constant confound does not remove the mean of the time series.
    sample_mask : sequence of bool or int, optional
        Volumes to retain. No value of a censored volume has any influence on the result.
    runs : sequence of int, shape (T,), optional
        Run of each volume. Each run is denoised separately, in the order of their first volumes.
    missing_labels : {'nan', 'zero', 'drop', 'raise'}
        With ``'zero'``, z-scores and percent change of a constant column are 0 instead of NaN. No column is dropped.
    fill_censored : {'linear', 'cubic', 'pchip', 'spectral'}
        How gaps of censored volumes are filled before a Butterworth filter; the filled values are then dropped. See
        :func:`nipype_labels.core.gaps.fill_censored`.

    Returns
    -------
    Cleaned

    Raises
    ------
    LabelsError
        If parameters contradict each other or the data, or the confounds leave no degree of freedom.

    Notes
    -----
    The order of steps is that of ``nilearn.signal.clean``. The numbers are too, except for the differences listed in
    the documentation. Trends and drifts are functions of acquisition time, whatever is censored.
    """
    signals = np.asarray(signals, dtype=np.float64)
    if signals.ndim != 2:
        raise SignalError(f'signals must have a row per volume and a column per region, their shape is {signals.shape}')
    n_volumes = len(signals)
    kept = kept_volumes(sample_mask, n_volumes)
    confounds = _check_confounds(confounds, kept)
    check_choice('standardize', standardize)
    check_choice('missing_labels', missing_labels)
    check_choice('fill_censored', fill_censored)
    check_filter(filter, low_pass, high_pass, check_repetition_time(t_r))
    if t_r is None and (low_pass is not None or high_pass is not None):
        raise SignalError('a filter needs the repetition time: set t_r')
    run_of = np.zeros(n_volumes, dtype=int) if runs is None else np.asarray(runs)
    if run_of.shape != (n_volumes,):
        raise SignalError(f'runs must have {n_volumes} entries, one per volume, not {run_of.size}')
    settings: dict[str, Any] = dict(t_r=t_r, detrend=detrend, filter=filter, low_pass=low_pass, high_pass=high_pass)
    settings.update(standardize=standardize, standardize_confounds=standardize_confounds, fill=fill_censored)
    parts, order = [], []
    for run in dict.fromkeys(run_of.tolist()):
        rows = np.flatnonzero(run_of == run)
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
        longest_gap=max(part.longest_gap for part in parts),
    )


def _clean_run(
    signals: np.ndarray,
    confounds: np.ndarray,
    kept: np.ndarray,
    *,
    t_r: Any,
    detrend: bool,
    filter: str,
    low_pass: float | None,
    high_pass: Any,
    standardize: str,
    standardize_confounds: bool,
    fill: str,
) -> Cleaned:
    """Denoise one run; see :func:`clean`."""
    if filter == 'cosine':
        confounds = np.column_stack([confounds, cosine_drifts(len(signals), t_r, high_pass)])
    n_regions = signals.shape[1]
    not_finite = ~np.isfinite(signals[kept]).all(axis=0)
    signals = np.where(not_finite, 0.0, signals)
    raw, size = signals[kept], np.abs(confounds[kept]).max(axis=0, initial=0)
    band = (low_pass, high_pass) if filter == 'butterworth' and (low_pass, high_pass) != (None, None) else None
    in_time = partial(_detrend_and_filter, kept=kept, detrend=detrend, t_r=t_r, band=band, fill=fill)
    # Time series and confounds go through the same steps.
    both = in_time(np.column_stack([signals, confounds]))
    cleaned, nuisance = both[:, :n_regions], both[:, n_regions:]
    passed = passes(confounds[kept], nuisance) if band else np.ones(nuisance.shape[1], dtype=bool)
    nuisance, lost_digits = scale_confounds(nuisance, size, standardize_confounds)
    basis = confound_basis(nuisance, lost_digits)
    cleaned = cleaned - basis @ (basis.T @ cleaned)
    rank = (basis if passed.all() else confound_basis(nuisance[:, passed], lost_digits)).shape[1]
    if band:
        left = _count_filtered(in_time, kept, basis)
    else:
        left = _count_unfiltered(len(raw), basis, detrend, centred=standardize_confounds)
    if basis.shape[1] and not left:
        numbers = f'columns: {nuisance.shape[1]}, rank: {rank}, retained volumes: {len(raw)}'
        raise SignalError(
            f'the confounds leave no degree of freedom{" in the pass band" if band else ""} ({numbers}): use fewer '
            f'confounds{", retain more volumes, or choose a wider pass band" if band else " or retain more volumes"}'
        )
    level = raw.mean(axis=0)
    if standardize == 'psc_nilearn' and band:
        level = fill_censored(signals, kept, fill)[0].mean(axis=0)
    cleaned, constant = rescale(cleaned, raw, level, standardize)
    cleaned[:, not_finite] = np.nan
    gap = longest_gap(kept) if band else 0
    return Cleaned(cleaned, kept, nuisance.shape[1], rank, left, not_finite, constant & ~not_finite, gap)


def _detrend_and_filter(
    values: np.ndarray,
    kept: np.ndarray,
    *,
    detrend: bool,
    t_r: Any,
    band: tuple[float | None, float | None] | None,
    fill: str,
) -> np.ndarray:
    """Detrend and filter columns of shape (T, C) in acquisition time; return the rows of retained volumes."""
    if band is None:
        return remove_trend(values[kept], np.flatnonzero(kept)) if detrend else values[kept]
    filled, inside = fill_censored(values, kept, fill)
    if detrend:
        filled = remove_trend(filled)
    return butterworth(filled, t_r, *band)[inside]


def _count_unfiltered(n: int, basis: np.ndarray, detrend: bool, centred: bool) -> float:
    """Return the degrees of freedom that regression leaves of n volumes without a filter; 0 if none."""
    left = n - basis.shape[1]
    if left <= (2 if detrend else int(centred)):
        return 0.0
    if detrend:
        return left - 2.0
    # Fraction of the mean that is left: all of it if the confounds are z-scored.
    mean = 1 - n * (basis.mean(axis=0) ** 2).sum()
    # effective_number(np.eye(n) - basis @ basis.T), written out.
    return (left - mean) ** 2 / (left - 2 * mean + mean**2)


def _count_filtered(in_time: partial, kept: np.ndarray, basis: np.ndarray) -> float:
    """Return the effective degrees of freedom that a filter and regression leave; 0 if none."""
    n = int(kept.sum())
    units = np.zeros((len(kept), n))
    units[kept] = np.eye(n)
    # PCHIP is not linear: straight lines, which it follows closely, replace it here.
    passed = in_time(units, **({'fill': 'linear'} if in_time.keywords['fill'] == 'pchip' else {}))
    passed -= basis @ (basis.T @ passed)
    passed -= passed.mean(axis=0)
    return effective_number(passed) if (passed**2).sum() >= LEAST_ENERGY else 0.0


def _check_confounds(confounds: np.ndarray | None, kept: np.ndarray) -> np.ndarray:
    """Return confounds as float64, shape (T, C); SignalError if one is not finite in a retained volume."""
    if confounds is None:
        return np.empty((len(kept), 0))
    confounds = np.asarray(confounds, dtype=np.float64)
    if confounds.ndim != 2 or len(confounds) != len(kept):
        raise SignalError(f'confounds must have the shape ({len(kept)}, C), a row per volume, not {confounds.shape}')
    with np.errstate(invalid='ignore'):
        finite = np.abs(confounds) <= LARGEST
    if not finite[kept].all():
        row, column = np.argwhere(~finite & kept[:, None])[0]
        raise SignalError(f'confounds hold {confounds[row, column]} in column {column}, row {row}')
    return np.where(finite, confounds, 0.0)


def rescale(
    cleaned: np.ndarray, raw: np.ndarray, level: np.ndarray, standardize: str = 'none'
) -> tuple[np.ndarray, np.ndarray]:
    """Standardise denoised time series, shape (n, L); return them and which columns are constant, shape (L,).

    ``raw`` are the same volumes before denoising, ``level`` are means before denoising, shape (L,), which percent
    signal change refers to. ``'psc_nilearn'`` refers to the mean after regression, or, where less than a tenth of the
    mean is left, to both means together, for each region separately. Constant columns become NaN, except for
    ``'none'``.
    """
    if standardize == 'none':
        return cleaned, np.zeros(cleaned.shape[1], dtype=bool)
    if len(cleaned) < 2:
        raise SignalError(f"standardize='{standardize}' needs two volumes or more")
    constant = is_constant(raw)
    mean = cleaned.mean(axis=0)
    centred = cleaned - mean
    vanished = VANISHED * np.abs(raw).max(axis=0)
    if standardize.startswith('psc'):
        constant |= np.abs(level) <= vanished
        if standardize == 'psc_nilearn':
            level = mean + np.where(np.abs(mean) < LOST_MEAN * np.abs(level), level, 0)
        scale = np.abs(level) / 100
    else:
        scale = cleaned.std(axis=0, ddof=1 if standardize == 'zscore_sample' else 0)
    constant |= scale <= vanished
    return np.where(constant, np.nan, centred / np.where(constant, 1, scale)), constant
