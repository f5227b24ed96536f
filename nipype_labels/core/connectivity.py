# SPDX-License-Identifier: BSD-3-Clause
"""Functional connectivity: correlation, partial correlation, covariance and precision of region time series."""

import numpy as np
import scipy

from ..model.errors import LabelsError, SignalError
from ..model.parameters import PARAMETERS
from .choices import check_choice
from .quality import is_constant

#: Measures of functional connectivity.
CONNECTIVITIES = PARAMETERS['connectivity'].choices[1:]

#: Measures between -1 and 1, which have a Fisher z.
CORRELATIONS = ('correlation', 'partial correlation')

#: Measures that need the inverse of the covariance. It is unstable, or does not exist, without shrinkage.
INVERSE = ('partial correlation', 'precision')

#: With fewer volumes, any two time series are on a line.
LEAST_VOLUMES = 3

#: Largest magnitude of a correlation that has a finite Fisher z.
LARGEST_CORRELATION = 1 - np.finfo(np.float64).eps

#: A time series' variance over what others do not explain of it; a larger ratio is rounding noise.
MOST_EXPLAINED = 1e12


def measure_connectivity(
    signals: np.ndarray, connectivity: str = 'correlation', covariance_estimator: str = 'auto', fisher_z: bool = False
) -> tuple[np.ndarray, float]:
    """Measure the functional connectivity of regions.

    Parameters
    ----------
    signals : array, shape (T, L)
        Rows without any value are censored volumes.
    connectivity : {'correlation', 'partial correlation', 'covariance', 'precision'}
        Precision is the inverse of the covariance. A partial correlation is what no third region explains.
    covariance_estimator : {'auto', 'empirical', 'ledoit_wolf'}
        Covariance of the sample over T (for a correlation, Pearson's); or shrinkage of Ledoit and Wolf (2004, Journal
        of Multivariate Analysis 88:365-411), for a correlation of time series of unit variance, as in nilearn.
        ``'auto'``: shrinkage for partial correlation and precision, none for correlation and covariance.
    fisher_z : bool
        Return the inverse hyperbolic tangent of a correlation; that of 1 is taken just below 1, and the diagonal
        becomes NaN.

    Returns
    -------
    matrix : array, shape (L, L)
        Symmetric; NaN in rows and columns of regions without a time series or with a constant one.
    shrinkage : float
        Weight of the multiple of the identity in the covariance, from 0 to 1; 0 for the empirical estimator.

    Raises
    ------
    LabelsError
        If a choice is unknown, or has no Fisher z.
    SignalError
        If there are too few volumes, or a covariance has no inverse.

    Examples
    --------
    >>> matrix, shrinkage = measure_connectivity(np.array([[0.0, 1, 5], [1, 0, 5], [2, -1, 5]]))
    >>> matrix.round(9)
    array([[ 1., -1., nan],
           [-1.,  1., nan],
           [nan, nan, nan]])
    """
    check_connectivity(connectivity, covariance_estimator, fisher_z)
    signals = np.asarray(signals, dtype=np.float64)
    signals = signals[~np.isnan(signals).all(axis=1)]
    if len(signals) < LEAST_VOLUMES:
        raise SignalError(f'connectivity needs {LEAST_VOLUMES} volumes or more, not {len(signals)}')
    present = np.isfinite(signals).all(axis=0) & ~is_constant(signals)
    measured, shrinkage = np.full((len(present), len(present)), np.nan), 0.0
    if present.any():
        estimator = choose_estimator(connectivity, covariance_estimator)
        measured[np.ix_(present, present)], shrinkage = _measure(signals[:, present], connectivity, estimator)
    if fisher_z:
        np.fill_diagonal(measured, np.nan)
        measured = np.arctanh(np.clip(measured, -LARGEST_CORRELATION, LARGEST_CORRELATION))
    return measured, shrinkage


def choose_estimator(connectivity: str, covariance_estimator: str = 'auto') -> str:
    """Return the covariance estimator of a measure.

    A correlation or covariance is that of the sample: shrinkage would lower it by an amount that depends on the number
    of volumes, and so on motion if volumes are censored. Partial correlation and precision are shrunk, since the
    inverse of a sample covariance is unstable or does not exist.

    >>> choose_estimator('correlation'), choose_estimator('precision')
    ('empirical', 'ledoit_wolf')
    """
    if covariance_estimator != 'auto':
        return covariance_estimator
    return 'ledoit_wolf' if connectivity in INVERSE else 'empirical'


def check_connectivity(connectivity: str, covariance_estimator: str, fisher_z: bool) -> None:
    """Raise LabelsError for choices that are unknown or contradict each other."""
    check_choice('connectivity', connectivity, CONNECTIVITIES)
    check_choice('covariance_estimator', covariance_estimator)
    if fisher_z and connectivity not in CORRELATIONS:
        raise LabelsError(f'fisher_z is for {" and ".join(CORRELATIONS)}, not for {connectivity}')


def qualify_fisher_z(connectivity: str, covariance_estimator: str = 'auto') -> str:
    """Return a caveat about Fisher's z of an estimate; empty for Pearson's correlation."""
    estimator = choose_estimator(connectivity, covariance_estimator)
    if (connectivity, estimator) == ('correlation', 'empirical'):
        return ''
    shrunk = 'shrunk ' if estimator == 'ledoit_wolf' else ''
    return (
        f'Fisher z of a {shrunk}{connectivity} does not have the variance 1 / (degrees of freedom - 2) that it has for '
        "Pearson's correlation"
    )


def _measure(signals: np.ndarray, connectivity: str, estimator: str) -> tuple[np.ndarray, float]:
    """Return the connectivity of regions that all have a time series, and the shrinkage of their covariance."""
    signals = signals - signals.mean(axis=0)
    if connectivity == 'correlation':
        signals = signals / signals.std(axis=0, ddof=1)
    covariance, shrinkage = signals.T @ signals / len(signals), 0.0
    if estimator == 'ledoit_wolf':
        covariance, shrinkage = _shrink(covariance, signals)
    if connectivity == 'covariance':
        return covariance, shrinkage
    if connectivity == 'correlation':
        return _scale(covariance), shrinkage
    if estimator == 'empirical' and signals.shape[1] >= len(signals):
        raise SignalError(
            f'the empirical covariance of {signals.shape[1]} regions in {len(signals)} volumes has no inverse: use '
            "covariance_estimator='ledoit_wolf'"
        )
    precision = _invert(covariance)
    if connectivity == 'precision':
        return precision, shrinkage
    partial = -_scale(precision)
    np.fill_diagonal(partial, 1.0)
    return partial, shrinkage


def _shrink(covariance: np.ndarray, signals: np.ndarray) -> tuple[np.ndarray, float]:
    """Shrink a covariance to its mean variance, by the expected error (Ledoit and Wolf, 2004).

    ``signals``, shape (T, L), have a mean of 0. Returns the covariance and the shrinkage.
    """
    n_volumes, n_regions = signals.shape
    if n_regions == 1:
        return covariance, 0.0
    variance = np.trace(covariance) / n_regions
    size = (covariance**2).sum()
    error = (((signals**2).sum(axis=1) ** 2).sum() / n_volumes - size) / n_volumes
    # More than the whole difference from the target would overshoot it.
    difference = size - n_regions * variance**2
    shrinkage = float(min(error / difference, 1.0)) if difference > 0 else 0.0
    return (1 - shrinkage) * covariance + shrinkage * variance * np.eye(n_regions), shrinkage


def _scale(matrix: np.ndarray) -> np.ndarray:
    """Scale a symmetric matrix to a diagonal of ones."""
    scale = 1 / np.sqrt(np.diagonal(matrix))
    scaled = np.clip(matrix * np.outer(scale, scale), -1.0, 1.0)
    np.fill_diagonal(scaled, 1.0)
    return scaled


def _invert(covariance: np.ndarray) -> np.ndarray:
    """Invert a covariance matrix."""
    variances = np.diagonal(covariance)
    try:
        inverse = scipy.linalg.cho_solve(scipy.linalg.cho_factor(covariance), np.eye(len(covariance)))
        singular = (np.diagonal(inverse) * variances > MOST_EXPLAINED).any()
    except scipy.linalg.LinAlgError:
        singular = True
    if singular:
        raise SignalError(
            'the covariance has no inverse, since the signal of a region follows from others: use '
            "covariance_estimator='ledoit_wolf'"
        )
    return (inverse + inverse.T) / 2
