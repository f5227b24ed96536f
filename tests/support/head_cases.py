# SPDX-License-Identifier: BSD-3-Clause
"""A head with one known spot, on grids that point every way."""

import numpy as np

from nipype_labels.model.affines import map_voxels

#: World coordinates in mm of a spot that is left, anterior and superior.
SPOT = np.array([-20.0, 24.0, 16.0])


def _turned(degrees):
    """Rotation about an axis along no edge of anything."""
    axis = np.array([1.0, 2.0, 3.0]) / np.sqrt(14)
    cross = np.cross(np.eye(3), axis)
    angle = np.deg2rad(degrees)
    return np.cos(angle) * np.eye(3) - np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(axis, axis)


def _centred(linear, shape):
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = -linear @ (np.array(shape) - 1) / 2
    return affine


#: Shapes and linear parts of affines of the same 96 mm of space.
_LINEAR = {
    'RAS': ((32, 24, 48), np.diag([3.0, 4.0, 2.0])),
    'LAS': ((32, 24, 48), np.diag([-3.0, 4.0, 2.0])),
    'LPI': ((32, 24, 48), np.diag([-3.0, -4.0, -2.0])),
    'PSR': ((24, 48, 32), np.array([[0, 0, 3.0], [-4.0, 0, 0], [0, 2.0, 0]])),
    'oblique': ((40, 40, 40), _turned(25) * 3.0),
    'oblique, mirrored': ((40, 40, 40), _turned(-40) @ np.diag([-3.0, 3.0, 3.0])),
}

#: Shapes and affines, centred.
GRIDS = {name: (shape, _centred(np.array(linear), shape)) for name, (shape, linear) in _LINEAR.items()}


def ball(shape, affine, centre=SPOT, radius=9.0):
    """Voxels of a grid within ``radius`` mm of a point."""
    world = map_voxels(affine, tuple(np.indices(shape)))
    return ((world - np.reshape(centre, (3, 1, 1, 1))) ** 2).sum(axis=0) <= radius**2
