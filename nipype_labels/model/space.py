# SPDX-License-Identifier: BSD-3-Clause
"""Spaces: where the elements of a series are."""

import itertools
import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from . import affines
from .errors import GridError

#: More than rounding moves a voxel, in voxels.
_ROUNDING = 1e-6


class Space(Protocol):
    """Where the elements of a series are. Elements are numbered in the order in which a series stores them."""

    @property
    def size(self) -> int:
        """Number of elements."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an array with a value for each element; flat, with its first axis fastest, it has their order."""

    @property
    def measure(self) -> float:
        """Size of an element: mm³ of a voxel, 1 of elements that are counted."""

    def matches(self, other: Any) -> bool:
        """Return whether both spaces have the same elements in the same places, within a tolerance."""

    def locate(self, other: 'Space') -> np.ndarray:
        """Return the number of the element nearest to each element of another space, −1 outside this space."""

    def __str__(self) -> str:
        """Describe the space for messages."""


class ResampledSpace:
    """What every kind of space does by its ``matches`` and ``locate``."""

    def require(self: Space, other: Space, remedy: str) -> None:
        """Raise GridError, with both spaces and a ``remedy``, unless they match."""
        if not self.matches(other):
            require_same_kind(self, other)
            kind = 'grids' if isinstance(self, VolumeGrid) else 'spaces'
            raise GridError(f'{kind} differ: {self} and {other}; {remedy}')

    def resample_nearest(self: Space, values: np.ndarray, target: Space, fill: float = 0) -> np.ndarray:
        """Return the value of the nearest element for each element of a target; ``values`` if the spaces match.

        Parameters
        ----------
        values : array, shape of this space
        target : Space
            Of the same kind; GridError otherwise.
        fill : scalar
            For elements outside this space: the background of label images.

        Returns
        -------
        array, shape of the target, dtype of ``values``
        """
        if self.matches(target):
            return values
        located = self.locate(target)
        taken = np.take(values.reshape(-1, order='F'), located, mode='clip')
        taken[located < 0] = fill
        return taken.reshape(target.shape, order='F')


@dataclass(frozen=True, eq=False)
class VolumeGrid(ResampledSpace):
    """Voxel grid of an image. Elements are voxels, with the first axis fastest.

    Parameters
    ----------
    shape : tuple of 3 ints
    affine : array, shape (4, 4)
        Voxel indices to world coordinates (RAS+, mm).
    path : str
        Image that has the grid, for messages.
    doubt : str
        Why left and right are unknown; empty if the header defines them.
    contradiction : str
        How sform and qform contradict each other; empty if they agree.

    Examples
    --------
    >>> grid = VolumeGrid((4, 5, 6), np.diag([2.0, 2, 2.5, 1]), 'bold.nii.gz')
    >>> print(grid, grid.size, round(grid.measure, 9))
    bold.nii.gz (4×5×6 voxels of 2×2×2.5 mm, first at (0, 0, 0) mm) 120 10.0
    """

    shape: tuple
    affine: np.ndarray
    path: str = ''
    doubt: str = ''
    contradiction: str = ''

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def measure(self) -> float:
        """Volume of a voxel in mm³."""
        return affines.voxel_volume(self.affine)

    def __str__(self) -> str:
        lengths = '×'.join(str(n) for n in self.shape)
        sizes = '×'.join(f'{size:.4g}' for size in affines.voxel_sizes(self.affine))
        origin = ', '.join(f'{x:.5g}' for x in np.asarray(self.affine)[:3, 3])
        words = f'{lengths} voxels of {sizes} mm, first at ({origin}) mm'
        return f'{self.path} ({words})' if self.path else words

    def matches(self, other: Space) -> bool:
        """Return whether every corner of this grid is within 0.01 voxels of the same corner of the other one.

        >>> grid = VolumeGrid((9, 9, 9), np.eye(4))
        >>> grid.matches(VolumeGrid((9, 9, 9), np.eye(4) + 1e-7)), grid.matches(VolumeGrid((9, 9, 8), np.eye(4)))
        (True, False)
        """
        if not isinstance(other, VolumeGrid) or tuple(self.shape) != tuple(other.shape):
            return False
        return affines.largest_drift(self.shape, self.affine, other.affine) <= affines.GRID_TOLERANCE

    @property
    def content(self) -> bytes:
        """What distinguishes this grid from others, to the last bit."""
        return f'{self.shape}{self.doubt}'.encode() + self.affine.tobytes()

    def is_identical(self, other: 'VolumeGrid') -> bool:
        """Return whether shape, affine (to the last bit) and doubt of both grids are the same."""
        same = (self.shape, self.doubt) == (other.shape, other.doubt)
        return same and np.array_equal(self.affine, other.affine)

    def locate(self, other: Space) -> np.ndarray:
        """Return the number of the voxel nearest to each voxel of another grid, shape (other.size,); −1 outside.

        >>> VolumeGrid((2, 1, 1), np.eye(4)).locate(VolumeGrid((4, 1, 1), np.diag([0.5, 1, 1, 1]))).tolist()
        [0, 1, 1, -1]
        """
        if not isinstance(other, VolumeGrid):
            raise GridError(explain_kinds(other, self))
        matrix = affines.voxel_map(other.affine, self.affine)
        located = np.full(other.shape, -1, dtype=np.min_scalar_type(-self.size), order='F')
        rows, columns = np.arange(other.shape[0])[:, None], np.arange(other.shape[1])
        for k in range(other.shape[2]):
            where = affines.map_voxels(matrix, (rows, columns, np.array(k)))
            inside = affines.is_inside(where, self.shape)
            nearest = affines.nearest_voxels(where[:, inside], self.shape)
            located[inside, k] = np.ravel_multi_index(nearest, self.shape, order='F')
        return located.reshape(-1, order='F')

    def contains(self, other: 'VolumeGrid', voxels: np.ndarray, margin: float = affines.GRID_TOLERANCE) -> np.ndarray:
        """Return whether the centres of some voxels of another grid, shape (n,), lie in this grid or its ``margin``."""
        index, matrix = np.unravel_index(voxels, other.shape, order='F'), affines.voxel_map(other.affine, self.affine)
        if len(voxels):
            # Between corners that are inside, all are: mapping each of them takes ten times as long.
            corners = np.array(list(itertools.product(*((along.min(), along.max()) for along in index)))).T
            if affines.is_inside(affines.map_voxels(matrix, corners), self.shape, margin - _ROUNDING).all():
                return np.ones(len(voxels), dtype=bool)
        return affines.is_inside(affines.map_voxels(matrix, index), self.shape, margin)


def require_same_kind(one: Space, other: Space) -> None:
    """Raise GridError if one space is a volume, and the other one has surfaces."""
    if isinstance(one, VolumeGrid) != isinstance(other, VolumeGrid):
        raise GridError(explain_kinds(one, other))


def explain_kinds(one: Space, other: Space) -> str:
    """Return what is wrong with surface data and a volume that are used together."""
    surface, volume = (other, one) if isinstance(one, VolumeGrid) else (one, other)
    return (
        f'{surface} is data of surfaces, {volume} is a volume. Use a series of volumes with an atlas of the volume, or '
        'a series of surfaces with a parcellation of the surfaces (.dlabel.nii, or .label.gii or .annot files)'
    )
