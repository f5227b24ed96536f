# SPDX-License-Identifier: BSD-3-Clause
"""QC-FC: correlation of functional connectivity with motion across participants, and its dependence on distance.

Ciric et al. (2017), doi:10.1016/j.neuroimage.2017.03.020. Age and sex, for which they adjusted, are not known here.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from .quality import is_constant

#: Fewest participants for which a correlation has a p value.
LEAST_PARTICIPANTS = 3

#: Level of significance, and false discovery rate.
LEVEL = 0.05


@dataclass(frozen=True)
class QcFcSummary:
    """Distribution of QC-FC over edges; NaN where it is not defined.

    Attributes
    ----------
    n_edges : int
        Edges with a correlation; the other attributes refer to them.
    median_absolute_r : float
    fraction_significant, fraction_significant_fdr : float
        Fraction of edges with p < 0.05, and with control of the false discovery rate (Benjamini and Hochberg).
    distance_rho : float
        Spearman's correlation of QC-FC with the distance between the two regions.
    """

    n_edges: int
    median_absolute_r: float
    fraction_significant: float
    fraction_significant_fdr: float
    distance_rho: float


def correlate_edges(edges: np.ndarray, motion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Pearson's correlation of each edge with motion, its two-sided p value, and the number of participants.

    Parameters
    ----------
    edges : array, shape (N, E)
        Connectivity of N participants; not finite where a region has no time series.
    motion : array, shape (N,)
        Mean framewise displacement.

    Returns
    -------
    r, p : array, shape (E,)
        NaN with fewer than 3 participants, or where connectivity or motion is constant.
    n : array of int, shape (E,)
        Participants with a value.

    Examples
    --------
    >>> r, p, n = correlate_edges(np.array([[1.0, 5], [2, 5], [4, 5]]), np.array([0.1, 0.3, 0.2]))
    >>> r.round(3), p.round(3), n
    (array([0.327, nan]), array([0.788, nan]), array([3, 3]))
    """
    values = np.asarray(edges, dtype=np.float64)
    finite = np.isfinite(values)
    n = finite.sum(axis=0)
    pair = [np.where(finite, each, np.nan) for each in (motion[:, None], values)]
    defined = (n >= LEAST_PARTICIPANTS) & ~is_constant(pair[0]) & ~is_constant(pair[1])
    x, y = (np.where(finite, each - np.nansum(each, axis=0) / np.maximum(n, 1), 0) for each in pair)
    size = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    r = np.divide((x * y).sum(axis=0), size, where=defined, out=np.full(len(n), np.nan)).clip(-1, 1)
    # Without an effect of motion, the square of r has a beta distribution.
    p = scipy.special.betainc(np.maximum(n, LEAST_PARTICIPANTS) / 2 - 1, 0.5, (1 - np.abs(r)) * (1 + np.abs(r)))
    return r, p, n


def summarise_qcfc(r: np.ndarray, p: np.ndarray, distances: np.ndarray) -> QcFcSummary:
    """Return the distribution of QC-FC over edges, all of shape (E,); distances in mm, NaN where unknown."""
    known = np.isfinite(r)
    if not known.any():
        return QcFcSummary(0, np.nan, np.nan, np.nan, np.nan)
    both = known & np.isfinite(distances)
    varies = both.any() and np.ptp(distances[both]) > 0 and np.ptp(r[both]) > 0
    return QcFcSummary(
        int(known.sum()),
        float(np.median(np.abs(r[known]))),
        float((p[known] < LEVEL).mean()),
        float((scipy.stats.false_discovery_control(p[known]) < LEVEL).mean()),
        float(scipy.stats.spearmanr(r[both], distances[both]).statistic) if varies else np.nan,
    )


def find_centroids(labels: np.ndarray, affine: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the centre of mass in mm of each region, shape (L, 3); NaN for ids that the label image does not have.

    >>> find_centroids(np.array([[[2, 2]], [[0, 7]]]), np.diag([3.0, 3, 3, 1]), np.array([7, 2, 5]))
    array([[3. , 0. , 3. ],
           [0. , 0. , 1.5],
           [nan, nan, nan]])
    """
    with np.errstate(invalid='ignore'):
        voxels = np.array(scipy.ndimage.center_of_mass(np.ones(labels.shape), labels, ids))
    return voxels @ affine[:3, :3].T + affine[:3, 3]
