# SPDX-License-Identifier: BSD-3-Clause
"""Meshes of surfaces as pictures show them: visible triangles from far to near, their light and their regions."""

from typing import NamedTuple

import numpy as np

#: Direction of the light as seen by the viewer: from the left, from above, and from the front. Light of a triangle that
#: the light does not reach, as a fraction.
_LIGHT, _AMBIENT = np.array([-0.3, 0.45, 0.84]), 0.35


class View(NamedTuple):
    """Triangles that a viewer sees, from far to near.

    Attributes
    ----------
    corners : array, shape (n, 3, 2)
        In mm, to the right and downwards.
    light : array, shape (n,)
        From 0 (dark) to 1.
    triangles : array of int, shape (n,)
        Number of each triangle in the mesh.
    """

    corners: np.ndarray
    light: np.ndarray
    triangles: np.ndarray


def view_mesh(points: np.ndarray, triangles: np.ndarray, side: int) -> View:
    """Return what is seen of a mesh from the left (``side`` −1) or from the right (1), with the top of the head up.

    Parameters
    ----------
    points : array, shape (V, 3)
        World coordinates of the vertices in mm.
    triangles : array of int, shape (n, 3)

    Examples
    --------
    >>> points = np.array([[0, 0, 0], [0, 2, 0], [0, 0, 3], [1, 0, 0]])
    >>> triangles = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    >>> seen = view_mesh(points, triangles, -1)
    >>> seen.triangles.tolist(), seen.corners[0].tolist()
    ([0], [[0.0, 0.0], [0.0, -3.0], [-2.0, 0.0]])
    """
    if _is_inside_out(points, triangles):
        triangles = triangles[:, ::-1]
    normals = _measure_normals(points, triangles)
    # To the right, upwards and towards the viewer.
    seen, facing = (values[:, [1, 2, 0]] * [side, 1, side] for values in (points, normals))
    outwards = np.cross(*(seen[triangles[:, i]] - seen[triangles[:, 0]] for i in (1, 2)))[:, 2]
    visible = np.flatnonzero(outwards > 0)
    nearness = seen[:, 2][triangles[visible]].sum(axis=1)
    visible = visible[np.argsort(nearness, kind='stable')]
    light = np.clip(facing @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)[triangles[visible]].mean(axis=1)
    corners = (seen[:, :2] * [1, -1])[triangles[visible]]
    return View(corners + 0.0, _AMBIENT + (1 - _AMBIENT) * light, visible)


def find_triangle_regions(regions: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the region of each triangle, shape (n,), and whether its corners are in different regions.

    ``regions`` has the region of each vertex, shape (V,). A triangle is in the region of most of its corners, or of the
    first if all three differ.

    >>> find_triangle_regions(np.array([4, 7, 7, 7]), np.array([[0, 1, 2], [1, 2, 3]]))
    (array([7, 7]), array([ True, False]))
    """
    first, second, third = regions[triangles].T
    return np.where(second == third, second, first), (first != second) | (second != third)


def _measure_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the normal of each vertex, the mean of those of its triangles by area, shape (V, 3)."""
    first, second, third = (points[triangles[:, i]] for i in range(3))
    faces = np.cross(second - first, third - first)
    sums = [np.bincount(triangles.ravel(), np.repeat(faces[:, axis], 3), len(points)) for axis in range(3)]
    normals = np.stack(sums, axis=1)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(lengths > 0, lengths, 1)


def _is_inside_out(points: np.ndarray, triangles: np.ndarray) -> bool:
    """Return whether the corners of the triangles are in clockwise order, seen from outside."""
    first, second, third = (points[triangles[:, i]] - points.mean(axis=0) for i in range(3))
    return float((first * np.cross(second, third)).sum()) < 0
