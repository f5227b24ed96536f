# SPDX-License-Identifier: BSD-3-Clause
"""Least-squares fit of volumes by maps that may overlap, as ``nilearn.maskers.NiftiMapsMasker`` fits them."""

from typing import Any

import numpy as np
import scipy

from .dense import PRODUCT_VOLUMES, SPARSE_COST, DenseWeights
from .elements import ElementUnion

#: Directions in which maps of unit length are shorter than the root of this depend on each other linearly.
LEAST_EIGENVALUE = 1e-12

#: Fraction of the largest condition of maps that are not collinear, below which rounding errors cannot hide any.
SURE_PART = 1e-4

#: Least part of a map, of unit length, in such a direction for the map to count as collinear.
LEAST_PART = 1e-6


def gram_matrix(
    elements: np.ndarray, starts: np.ndarray, weights: np.ndarray, union: ElementUnion | None = None
) -> np.ndarray:
    """Return the inner products of maps, shape (m, m); see :func:`invert_gram`."""
    union = ElementUnion([elements]) if union is None else union
    # Part of all pairs of maps that have an element in common, whose weights a sparse product multiplies.
    fraction = (len(elements) / max(1, len(union) * len(starts))) ** 2
    if fraction * SPARSE_COST > 1:
        return DenseWeights(elements, starts, weights, union).multiply()
    pointers = np.append(starts, len(elements)).astype(np.int32)
    maps: Any = scipy.sparse.csr_array((weights.astype(np.float64), union.place[elements], pointers))
    return (maps @ maps.T).toarray()


def invert_gram(
    elements: np.ndarray, starts: np.ndarray, weights: np.ndarray, union: ElementUnion | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrix from weighted sums over maps to the amplitudes of the least-squares fit.

    The fit of a volume v by maps, the rows of W, is the s of the least norm among those with the least ‖v − Wᵀ s‖. It
    is G⁺ W v, where G = W Wᵀ, and G⁺ is the pseudoinverse.

    Parameters
    ----------
    elements : array of int, shape (n,)
        Numbers of the voxels of the first map, then those of the second map, and so on.
    starts : array of int, shape (m,)
        Position of the first voxel of each map.
    weights : array, shape (n,)
        Values of the maps at their voxels.
    union : ElementUnion, optional
        Of the voxels, if it is known.

    Returns
    -------
    inverse : array, shape (m, m)
    is_collinear : array of bool, shape (m,)
        Which maps are linear combinations of others.

    Examples
    --------
    >>> inverse, is_collinear = invert_gram(np.array([0, 1, 0, 1, 2]), np.array([0, 2, 4]), np.ones(5))
    >>> inverse.round(9).tolist(), is_collinear.tolist()
    ([[0.125, 0.125, 0.0], [0.125, 0.125, 0.0], [0.0, 0.0, 1.0]], [True, True, False])
    """
    gram = gram_matrix(elements, starts, weights, union)
    length = np.sqrt(gram.diagonal())
    length[length == 0] = 1.0
    # Maps of unit length, so that neither their scale nor that of others decides which of them are collinear.
    unit = gram / length / length[:, None]
    inverse = _invert(unit)
    if inverse is not None:
        return inverse / length / length[:, None], np.zeros(len(unit), dtype=bool)
    values, vectors = scipy.linalg.eigh(unit)
    zero = values <= LEAST_EIGENVALUE * max(1.0, values[-1])
    kept = vectors[:, ~zero]
    inverse = (kept / values[~zero] @ kept.T) / length / length[:, None]
    is_collinear = (np.abs(vectors[:, zero]) > LEAST_PART).any(axis=1)
    if zero.any():
        # Amplitudes that have no effect on the fit, in the scale of the maps themselves.
        idle = scipy.linalg.orth(vectors[:, zero] / length[:, None])
        inverse -= idle @ (idle.T @ inverse)
        inverse -= (inverse @ idle) @ idle.T
    return inverse, is_collinear


def _invert(unit: np.ndarray) -> np.ndarray | None:
    """Return the inverse of the inner products of maps of unit length; None if some may be collinear.

    It takes a tenth of the time of eigenvalues. The least eigenvalue is at least one over the norm of the inverse.
    """
    try:
        factor = scipy.linalg.cho_factor(unit, lower=True)
    except scipy.linalg.LinAlgError:
        return None
    inverse = scipy.linalg.cho_solve(factor, np.eye(len(unit)))
    condition = np.linalg.norm(unit, 1) * np.linalg.norm(inverse, 1)
    return inverse if condition < SURE_PART / LEAST_EIGENVALUE else None


def fit(sums: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Return amplitudes, shape (b, m), of weighted sums over maps of that shape, by the matrix of :func:`invert_gram`.

    A fixed number of volumes at a time: rounding errors of products of matrices depend on their shapes, and would
    depend on the blocks.
    """
    fits, some = np.empty(sums.shape), np.zeros((PRODUCT_VOLUMES, sums.shape[1]))
    for first in range(0, len(sums), PRODUCT_VOLUMES):
        n = len(sums[first : first + PRODUCT_VOLUMES])
        some[:n], some[n:] = sums[first : first + n], 0
        fits[first : first + n] = (inverse @ some.T)[:, :n].T
    return fits
