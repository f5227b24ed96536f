# SPDX-License-Identifier: BSD-3-Clause
"""Coefficients of cubic splines through the voxels of a volume, with mirrored borders as SciPy has them."""

import numpy as np
import scipy


class Prefilter:
    """Turns volumes into coefficients of the cubic spline through their voxels.

    Along the first axis, the fastest in memory, by one product; along the others plane by plane, as a tridiagonal
    system of equations is solved: about twice as fast as line by line.

    Parameters
    ----------
    shape : tuple of 3 ints
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._by_i = np.linalg.inv(spline_matrix(shape[0])).T
        self._down_j, self._up_j, of_j = _eliminate(shape[1])
        self._down_k, self._up_k, of_k = _eliminate(shape[2])
        # The factors of the last axis go with those of the one before it.
        self._factors = np.multiply.outer(of_k, of_j)[:, :, None]
        self._down_k[1:] *= of_k[1:] / of_k[:-1]
        self._up_k *= of_k[:-1] / of_k[1:]

    def __call__(self, volume: np.ndarray, work: np.ndarray | None = None) -> np.ndarray:
        """Return the coefficients of a volume, shape (I, J, K), with the shape (K, J, I).

        They are in the memory of ``work``, shape (2, I·J·K), if it is given.
        """
        i, j, k = self._shape
        first, second = np.empty((2, volume.size)) if work is None else work
        by_rows, by_planes = first.reshape(j, k, i), first.reshape(k, j, i)
        np.copyto(by_rows, volume.T.swapaxes(0, 1))
        lines = np.matmul(by_rows.reshape(-1, i), self._by_i, out=second.reshape(-1, i)).reshape(j, k, i)
        _substitute(lines, self._down_j, self._up_j)
        np.multiply(lines.swapaxes(0, 1), self._factors, out=by_planes)
        _substitute(by_planes, self._down_k, self._up_k)
        return by_planes


def _eliminate(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how much of the plane before and after each plane is subtracted to solve, and a last factor."""
    matrix = spline_matrix(n)
    pivots, above, down = matrix.diagonal().copy(), matrix.diagonal(1), np.zeros(n)
    for k in range(1, n):
        down[k] = matrix[k, k - 1] / pivots[k - 1]
        pivots[k] -= down[k] * above[k - 1]
    return down, above / pivots[1:], 1 / pivots


def _substitute(planes: np.ndarray, down: np.ndarray, up: np.ndarray) -> None:
    """Solve in place along the first axis."""
    n, term = len(planes), np.empty(planes.shape[1:])
    for k in range(1, n):
        np.subtract(planes[k], np.multiply(planes[k - 1], down[k], out=term), out=planes[k])
    for k in range(n - 2, -1, -1):
        np.subtract(planes[k], np.multiply(planes[k + 1], up[k], out=term), out=planes[k])


def spline_matrix(n: int) -> np.ndarray:
    """Return the matrix, shape (n, n), from the coefficients of a spline to its values at ``n`` voxels of a line.

    >>> (spline_matrix(3) * 6).tolist()
    [[4.0, 2.0, 0.0], [1.0, 4.0, 1.0], [0.0, 2.0, 4.0]]
    """
    matrix = np.zeros((n, n))
    for at in (np.arange(n) - 1, np.arange(n) + 1):
        np.add.at(matrix, (np.arange(n), mirror(at, n)), 1 / 6)
    matrix[range(n), range(n)] += 4 / 6
    return matrix


def basis(positions: np.ndarray, n: int, order: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of the coefficients of ``n`` voxels of a line in the values of a spline, and their places.

    Both have the shape (m, order + 1), for m positions between 0 and n - 1; ``order`` is odd. A place may come twice.
    """
    knots = np.arange(max(n, 2) + 2 * order) - float(order)
    weights = scipy.interpolate.BSpline.design_matrix(positions, knots, order)
    # Basis functions are centred on voxels, of which some lie beyond the border: there the volume is mirrored.
    places = mirror(weights.indices - order // 2, n).astype(np.int32)
    return weights.data.reshape(len(positions), -1), places.reshape(len(positions), -1)


def mirror(index: np.ndarray, n: int) -> np.ndarray:
    """Return which of ``n`` voxels of a line stands for one beyond its borders.

    >>> mirror(np.array([-1, 0, 3, 4]), 4).tolist()
    [1, 0, 3, 2]
    """
    period = max(2 * n - 2, 1)
    index = np.abs(index)
    return np.minimum(index % period, -index % period)
