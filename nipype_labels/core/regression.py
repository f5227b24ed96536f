# SPDX-License-Identifier: BSD-3-Clause
"""Regression of confounds: their scale, the space they span, and what they and a filter leave."""

import numpy as np
import scipy

#: A confound that falls below this fraction of its size has vanished; above, it keeps enough digits to distinguish its
#: direction from rounding noise.
CONFOUND_VANISHED = 1e-8

#: A confound that keeps less than this fraction of its standard deviation was removed by the filter. What is left of it
#: are transients at the ends of the series.
PASSED = 0.1


def scale_confounds(
    confounds: np.ndarray, size: np.ndarray, standardize_confounds: bool = True
) -> tuple[np.ndarray, float]:
    """Bring confounds, shape (n, C), to one scale: z-scores, or at most 1 in absolute value.

    Columns that fell to rounding noise from ``size``, their largest absolute values before detrending and filtering,
    are set to 0. Returns the confounds and the factor by which the worst column lost precision: its size before over
    after.
    """
    if standardize_confounds and len(confounds) > 1:
        confounds = confounds - confounds.mean(axis=0)
        scale = confounds.std(axis=0, ddof=1)
    else:
        scale = np.abs(confounds).max(axis=0, initial=0)
    present = scale > CONFOUND_VANISHED * size
    lost_digits = max((size[present] / scale[present]).max(initial=1), 1)
    return np.where(present, confounds / np.where(present, scale, 1), 0.0), lost_digits


def confound_basis(confounds: np.ndarray, lost_digits: float = 1.0) -> np.ndarray:
    """Return orthonormal columns, shape (n, rank), that span confounds on one scale; no intercept is added.

    Rounding noise in the confounds exceeds that of exact numbers of their size by the factor ``lost_digits``.

    >>> confound_basis(np.array([[1.0, 2], [0, 0], [1, 2]])).shape
    (3, 1)
    """
    if not confounds.shape[1]:
        return confounds
    q, r, _ = scipy.linalg.qr(confounds, mode='economic', pivoting=True)
    sizes = np.abs(r.diagonal())
    noise = max(confounds.shape) * np.finfo(np.float64).eps * lost_digits
    return q[:, sizes > noise * sizes[0]]


def passes(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return which confounds a filter passes, shape (C,), from their values before and after, shape (n, C).

    A filter removes confounds such as slow drifts under a high-pass filter.
    """
    return after.std(axis=0) > PASSED * before.std(axis=0)


def effective_number(passed: np.ndarray) -> float:
    """Return the effective number of independent values that linear steps leave of white noise, around its mean.

    ``passed``, shape (n, n), holds unit vectors after all steps, one per column. The number is the squared trace over
    the trace of the square of their covariance (Satterthwaite, 1946, Biometrics Bulletin 2:110-114). The variance of
    the correlation of two time series of white noise after these steps is close to 1 over this number.

    >>> round(effective_number(np.eye(10)), 9)
    9.0
    """
    passed = passed - passed.mean(axis=0)
    covariance = passed @ passed.T
    return float(np.trace(covariance) ** 2 / (covariance**2).sum())
