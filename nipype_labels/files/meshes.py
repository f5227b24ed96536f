# SPDX-License-Identifier: BSD-3-Clause
"""Meshes of the two hemispheres, from surface files."""

import numpy as np

from ..model.errors import ImageError, errors_name
from ..model.grayordinates import CORTEX, describe_mesh
from .gifti import read_hemisphere
from .hemispheres import find_pair


def read_meshes(given, space):
    """Return the meshes of a pair of surfaces by hemisphere, ``L`` and ``R``: points (V, 3) and triangles (n, 3).

    Parameters
    ----------
    given : path, or sequence of one or two paths
        Surfaces (``.surf.gii``); see :func:`~nipype_labels.files.hemispheres.find_pair`.
    space : Grayordinates
        Of which the surfaces must have the numbers of vertices.

    Raises
    ------
    LabelsError
        If a file cannot be read, is not a surface, or has another number of vertices.
    """
    sizes = {structure.name: structure.n_vertices for structure in space.structures}
    meshes = {}
    for side, path in zip(CORTEX, find_pair(given), strict=True):
        with errors_name(path):
            meshes[side] = find_mesh(*read_hemisphere(path, side))
            if meshes[side] is None:
                raise ImageError('it is not a surface (.surf.gii) of one array of points and one of triangles')
        n_vertices = len(meshes[side][0])
        wanted = sizes.get(CORTEX[side], n_vertices)
        if n_vertices != wanted:
            raise ImageError(
                f'{path} has {describe_mesh(n_vertices)}, and {space} has {describe_mesh(wanted)} in {CORTEX[side]}. '
                'Pass surfaces of the same mesh'
            )
    return meshes


def find_mesh(reader, values):
    """Return points and triangles among the arrays of a file; None without these, ImageError if they are no mesh."""
    intents = [array.intent for array in reader.arrays]
    if intents.count('POINTSET') != 1 or intents.count('TRIANGLE') != 1:
        return None
    points, triangles = (values[intents.index(intent)] for intent in ('POINTSET', 'TRIANGLE'))
    points = points.astype(np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or triangles.ndim != 2 or triangles.shape[1] != 3:
        raise ImageError(f'its points are {points.shape}, and its triangles {triangles.shape}')
    if len(triangles) and not 0 <= triangles.min() <= triangles.max() < len(points):
        raise ImageError(f'a triangle has a vertex beyond the {len(points)} of the mesh')
    if not np.isfinite(points).all():
        raise ImageError('coordinates of vertices are not finite')
    return points, triangles
