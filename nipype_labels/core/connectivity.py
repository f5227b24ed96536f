# SPDX-License-Identifier: BSD-3-Clause
"""Connectivity: how the signals of regions go together, two by two."""

import numpy as np
import scipy

from .errors import LabelsError, SignalError
from .regions import is_constant
from .spelling import check_choice

#: Kinds of connectivity.
CONNECTIVITIES = ('correlation', 'partial correlation', 'covariance', 'precision')

#: Those between -1 and 1, which have a Fisher z.
CORRELATIONS = ('correlation', 'partial correlation')

#: Ways to estimate covariances: shrunk to a multiple of the identity, or as they are in the sample.
COVARIANCE_ESTIMATORS = ('ledoit_wolf', 'empirical')

#: With fewer volumes, any two signals are on a line.
LEAST_VOLUMES = 3

#: A signal's variance over what others don't explain of it; of more, rounding has made up the rest.
MOST_EXPLAINED = 1e12


def measure_connectivity(signals, connectivity='correlation', covariance_estimator='ledoit_wolf', fisher_z=False):
    """Measure the connectivity of regions.

    Parameters
    ----------
    signals : array, shape (T, L)
        Rows without any value are volumes that were left out.
    connectivity : {'correlation', 'partial correlation', 'covariance', 'precision'}
        Precision is the inverse of the covariance; a partial correlation is one that no third region explains.
    covariance_estimator : {'ledoit_wolf', 'empirical'}
        Shrinkage of Ledoit and Wolf (2004), of signals scaled to unit variance for a correlation, as in nilearn; or
        the covariance of the sample over T (for a correlation, Pearson's).
    fisher_z : bool
        Give the inverse hyperbolic tangent of a correlation; the diagonal, which is infinite, becomes NaN.

    Returns
    -------
    array, shape (L, L)
        Symmetric; NaN in rows and columns of regions that have no signal or a constant one.

    Raises
    ------
    LabelsError
        If a choice is unknown, or has no Fisher z.
    SignalError
        If there are too few volumes.

    Examples
    --------
    >>> measure_connectivity(np.array([[0.0, 1, 5], [1, 0, 5], [2, -1, 5]]), covariance_estimator='empirical').round(9)
    array([[ 1., -1., nan],
           [-1.,  1., nan],
           [nan, nan, nan]])
    """
    check_connectivity(connectivity, covariance_estimator, fisher_z)
    signals = np.asarray(signals, dtype=np.float64)
    signals = signals[~np.isnan(signals).all(axis=1)]
    if len(signals) < LEAST_VOLUMES:
        raise SignalError(f'connectivity needs {LEAST_VOLUMES} volumes or more, and there are {len(signals)}')
    there = np.isfinite(signals).all(axis=0) & ~is_constant(signals)
    measured = np.full((len(there), len(there)), np.nan)
    if there.any():
        measured[np.ix_(there, there)] = _measure(signals[:, there], connectivity, covariance_estimator)
    if fisher_z:
        measured = np.where(np.abs(measured) < 1, measured, np.nan)
        np.fill_diagonal(measured, np.nan)
        measured = np.arctanh(measured)
    return measured


def check_connectivity(connectivity, covariance_estimator, fisher_z):
    """Refuse choices that are unknown or contradict each other.

    Parameters
    ----------
    connectivity : {'correlation', 'partial correlation', 'covariance', 'precision'}
    covariance_estimator : {'ledoit_wolf', 'empirical'}
    fisher_z : bool

    Raises
    ------
    LabelsError
    """
    check_choice('connectivity', connectivity, CONNECTIVITIES)
    check_choice('covariance_estimator', covariance_estimator, COVARIANCE_ESTIMATORS)
    if fisher_z and connectivity not in CORRELATIONS:
        raise LabelsError(f'fisher_z is for {" and ".join(CORRELATIONS)}, not for {connectivity}')


def _measure(signals, connectivity, covariance_estimator):
    """Connectivity of regions that all have a signal."""
    signals = signals - signals.mean(axis=0)
    if connectivity == 'correlation':
        signals = signals / signals.std(axis=0, ddof=1)
    covariance = signals.T @ signals / len(signals)
    if covariance_estimator == 'ledoit_wolf':
        covariance = _shrink(covariance, signals)
    if connectivity == 'covariance':
        return covariance
    if connectivity == 'correlation':
        return _scale(covariance)
    if covariance_estimator == 'empirical' and signals.shape[1] >= len(signals):
        raise SignalError(
            f'the empirical covariance of {signals.shape[1]} regions in {len(signals)} volumes has no inverse: use '
            "covariance_estimator='ledoit_wolf'"
        )
    precision = _invert(covariance)
    if connectivity == 'precision':
        return precision
    partial = -_scale(precision)
    np.fill_diagonal(partial, 1.0)
    return partial


def _shrink(covariance, signals):
    """Shrink a covariance to its mean variance, by as much as expected error asks for (Ledoit and Wolf, 2004).

    Parameters
    ----------
    covariance : array, shape (L, L)
    signals : array, shape (T, L)
        Of mean 0.
    """
    n_volumes, n_regions = signals.shape
    if n_regions == 1:
        return covariance
    variance = np.trace(covariance) / n_regions
    size = (covariance**2).sum()
    error = (((signals**2).sum(axis=1) ** 2).sum() / n_volumes - size) / n_volumes
    # More than all of the difference from the target would turn it around.
    difference = size - n_regions * variance**2
    shrinkage = min(error / difference, 1.0) if difference > 0 else 0.0
    return (1 - shrinkage) * covariance + shrinkage * variance * np.eye(n_regions)


def _scale(matrix):
    """Scale a symmetric matrix to a diagonal of ones."""
    scale = 1 / np.sqrt(np.diagonal(matrix))
    scaled = np.clip(matrix * np.outer(scale, scale), -1.0, 1.0)
    np.fill_diagonal(scaled, 1.0)
    return scaled


def _invert(covariance):
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
