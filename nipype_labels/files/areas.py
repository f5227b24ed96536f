# SPDX-License-Identifier: BSD-3-Clause
"""Areas of the vertices of surfaces, from the meshes of the two hemispheres or from files of areas."""

from dataclasses import replace

import numpy as np

from ..model.errors import GridError, ImageError, errors_name
from ..model.grayordinates import CORTEX, Grayordinates, describe_mesh
from .gifti import find_numbers, read_hemisphere
from .hemispheres import find_pair
from .meshes import find_mesh


def require_areas(weight, path):
    """Raise ImageError unless a file of areas is given exactly if ``weight`` is ``'area'``."""
    if weight == 'area' and path is None:
        raise ImageError("weight='area' needs areas_file: a surface (.surf.gii), or areas of vertices (.shape.gii)")
    if weight != 'area' and path is not None:
        raise ImageError(f"{path}: areas_file given, but it only acts with weight='area'")


def add_areas(space, path):
    """Return Grayordinates with the areas of their vertices in mm²; voxels have their volume in mm³.

    Parameters
    ----------
    space : Grayordinates
    path : path
        Either file of a pair: ``.surf.gii``, whose vertices have a third of the area of each triangle, as in Workbench;
        or ``.shape.gii`` with an area for each vertex.

    Raises
    ------
    LabelsError
        If the space is that of a volume, a file cannot be read, or a mesh has another number of vertices.
    """
    if not isinstance(space, Grayordinates):
        raise GridError(f"{space} is a volume: weight='area' is for surfaces")
    return place_areas(space, read_areas(path), path)


def read_areas(path):
    """Return the area of each vertex of a mesh, arrays by name of structure, from either file of a pair."""
    return {CORTEX[side]: _read_areas(file, side) for side, file in zip(CORTEX, find_pair(path), strict=True)}


def place_areas(space, areas, path):
    """Return Grayordinates with areas of :func:`read_areas`, see :func:`add_areas`; errors name ``path``."""
    parts = []
    for structure in space.structures:
        if not structure.n_vertices:
            parts.append(np.full(len(structure.elements), space.grid.measure))
            continue
        if structure.name not in areas:
            raise GridError(f'{space} has vertices of {structure.name}, whose areas are not in {path}')
        known = areas[structure.name]
        if len(known) != structure.n_vertices:
            raise GridError(
                f'{path} has areas of {describe_mesh(len(known))}, and {space} has '
                f'{describe_mesh(structure.n_vertices)} in {structure.name}'
            )
        parts.append(known[structure.elements])
    return replace(space, areas=np.concatenate(parts))


def _read_areas(path, side):
    """Return the area of each vertex in a file, shape (n,)."""
    reader, values = read_hemisphere(path, side)
    with errors_name(path):
        mesh = find_mesh(reader, values)
        if mesh is not None:
            return measure_vertices(*mesh)
        numbers = find_numbers(values)
        if numbers is None:
            raise ImageError('it is neither a surface (.surf.gii) nor one array of areas (.shape.gii)')
        areas = numbers.astype(np.float64)
        if not (np.isfinite(areas) & (areas >= 0)).all():
            raise ImageError('areas must be 0 or larger')
        return areas


def measure_vertices(points, triangles):
    """Return the area of each vertex, a third of the triangles that it belongs to, shape (n,).

    >>> measure_vertices(np.array([[0, 0, 0], [2, 0, 0], [0, 3, 0]]), np.array([[0, 1, 2]])).tolist()
    [1.0, 1.0, 1.0]
    """
    points = np.asarray(points, dtype=np.float64)
    first, second, third = (points[triangles[:, corner]] for corner in range(3))
    areas = np.linalg.norm(np.cross(second - first, third - first), axis=1) / 2
    return np.bincount(triangles.ravel(), np.repeat(areas / 3, 3), len(points))
