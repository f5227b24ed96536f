# SPDX-License-Identifier: BSD-3-Clause
"""Spaces of surface data: vertices of cortical meshes, and the voxels that CIFTI files have besides."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from . import affines
from .errors import GridError
from .space import ResampledSpace, Space, VolumeGrid, explain_kinds

#: Ends of the names of CIFTI files.
CIFTI_NAME = re.compile(r'\.([dp](tseries|scalar|label|conn)|dpconn|pdconn|dfan)\.nii(\.gz)?$', re.IGNORECASE)

#: Names of meshes by the number of vertices of a hemisphere. fsaverage and fsLR 164k have as many.
MESHES = {
    2562: 'fsaverage4',
    10242: 'fsaverage5',
    40962: 'fsaverage6',
    163842: 'fsaverage or fsLR 164k',
    32492: 'fsLR 32k',
    59292: 'fsLR 59k',
}

#: Names of the two hemispheres of the cortex, as CIFTI has them.
CORTEX = {'L': 'CORTEX_LEFT', 'R': 'CORTEX_RIGHT'}

#: Largest difference of voxel volumes that count as equal, as a fraction.
_VOLUME_TOLERANCE = 0.01


class Structure(NamedTuple):
    """Elements that a space has of one structure of the brain.

    Attributes
    ----------
    name : str
        As in CIFTI: ``CORTEX_LEFT``, ``THALAMUS_RIGHT``, …
    elements : array of int, shape (n,)
        Numbers of vertices of a mesh, or of voxels of the grid of the space (first axis fastest).
    n_vertices : int
        Number of vertices of the whole mesh; 0 for voxels.
    """

    name: str
    elements: np.ndarray
    n_vertices: int = 0

    @property
    def hemisphere(self) -> str:
        """``L``, ``R``, or empty for structures on both sides."""
        return {'LEFT': 'L', 'RIGHT': 'R'}.get(self.name.rpartition('_')[2], '')


@dataclass(frozen=True, eq=False)
class Grayordinates(ResampledSpace):
    """Vertices and voxels of structures, in the order in which a series stores them.

    A pair of hemispheres is the cortex on the left and on the right, with all vertices of their meshes.

    Parameters
    ----------
    structures : tuple of Structure
    grid : VolumeGrid, optional
        Of the voxels.
    path : str
        File that has the elements, for messages.
    areas : array, shape (n,), optional
        Area of each vertex in mm², and volume of each voxel in mm³: weights of the elements.
    is_pair : bool
        Whether the elements are those of files of two hemispheres, not of a CIFTI file.

    Examples
    --------
    >>> print(pair_space(10242, 10242))
    fsaverage5 (10,242 vertices)
    >>> few = Grayordinates((Structure('CORTEX_LEFT', np.array([0, 2]), 4),), path='x.dtseries.nii')
    >>> print(few, few.size, few.locate(pair_space(4, 4)).tolist())
    x.dtseries.nii (2 of 4 vertices of one hemisphere) 2 [0, -1, 1, -1, -1, -1, -1, -1]
    """

    structures: tuple[Structure, ...]
    grid: VolumeGrid | None = None
    path: str = ''
    areas: np.ndarray | None = None
    is_pair: bool = False

    #: Left and right are known: structures name them.
    doubt = contradiction = ''

    @property
    def size(self) -> int:
        """Number of vertices and voxels."""
        return sum(self._sizes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an array with a value for each element: (n,)."""
        return (self.size,)

    @property
    def measure(self) -> float:
        """Size of an element: 1, because vertices and voxels are counted."""
        return 1.0

    @property
    def content(self) -> bytes:
        """What distinguishes this space from others, to the last bit."""
        parts = [b'' if self.grid is None else self.grid.content]
        for name, elements, n_vertices in self.structures:
            parts += [f'{name} {n_vertices} {len(elements)} '.encode(), elements.astype('<i8').tobytes()]
        return b''.join(parts)

    @cached_property
    def hemispheres(self) -> np.ndarray:
        """Hemisphere of each element, ``L``, ``R`` or empty, shape (n,)."""
        return np.repeat(np.array([structure.hemisphere for structure in self.structures], dtype='U1'), self._sizes)

    @property
    def density(self) -> str:
        """Names of the meshes and numbers of their vertices, for messages."""
        sizes = dict.fromkeys(structure.n_vertices for structure in self.structures if structure.n_vertices)
        return ' and '.join(describe_mesh(n) for n in sizes) or 'no mesh'

    def __str__(self) -> str:
        words = self._describe()
        return f'{self.path} ({words})' if self.path else words

    def matches(self, other: Space) -> bool:
        """Return whether both spaces have the same vertices and voxels in the same order.

        Vertices are the same if structure, number and mesh are, voxels if their centres are in mm.
        """
        if self._has_same_elements(other):
            return True
        if not isinstance(other, Grayordinates) or other.size != self.size:
            return False
        try:
            return bool(np.array_equal(self.locate(other), np.arange(self.size)))
        except GridError:
            return False

    def is_identical(self, other: Space) -> bool:
        """Return whether both have the same vertices and voxels, to the last bit, and both are pairs or CIFTI."""
        return self._has_same_elements(other) and self.is_pair == getattr(other, 'is_pair', False)

    def _has_same_elements(self, other: Space) -> bool:
        """Return whether another space has the same structures, elements and grid."""
        if not isinstance(other, Grayordinates) or len(self.structures) != len(other.structures):
            return False
        contents = [b'' if space.grid is None else space.grid.content for space in (self, other)]
        return contents[0] == contents[1] and all(
            one[::2] == another[::2] and np.array_equal(one.elements, another.elements)
            for one, another in zip(self.structures, other.structures, strict=True)
        )

    def locate(self, other: Space) -> np.ndarray:
        """Return the number of the same vertex or voxel for each element of another space, −1 if it is missing.

        GridError if meshes of one structure have different numbers of vertices, or voxels are not on one grid.
        """
        if not isinstance(other, Grayordinates):
            raise GridError(explain_kinds(self, other))
        firsts = np.cumsum(self._sizes) - self._sizes
        own = {each.name: (each, first) for each, first in zip(self.structures, firsts, strict=True) if each.n_vertices}
        located = [
            self._locate_vertices(*own[structure.name], structure, other)
            if structure.name in own and structure.n_vertices
            else np.full(len(structure.elements), -1)
            for structure in other.structures
        ]
        numbers = np.concatenate([np.arange(0), *located])
        if self.grid is not None and other.grid is not None:
            numbers[other._voxel_places] = self._locate_voxels(other)
        return numbers

    def contains(self, other: Space, elements: np.ndarray, margin: float = 0.0) -> np.ndarray:
        """Return whether this space has some elements of another one; ``margin`` has no effect."""
        return self.locate(other)[elements] >= 0

    @property
    def _sizes(self) -> list[int]:
        """Number of elements of each structure."""
        return [len(structure.elements) for structure in self.structures]

    @cached_property
    def _voxel_places(self) -> np.ndarray:
        """Numbers of the elements that are voxels."""
        return np.flatnonzero(np.repeat([not structure.n_vertices for structure in self.structures], self._sizes))

    @cached_property
    def _voxels(self) -> np.ndarray:
        """Numbers in the grid of the elements that are voxels."""
        voxels = [structure.elements for structure in self.structures if not structure.n_vertices]
        return np.concatenate([np.arange(0), *voxels])

    def _locate_vertices(self, own: Structure, first: int, wanted: Structure, other: 'Grayordinates') -> np.ndarray:
        """Return the numbers of the vertices of a structure of another space; ``own`` begins at element ``first``."""
        if own.n_vertices != wanted.n_vertices:
            raise GridError(
                f'meshes of {own.name} differ: {self} and {other}. Use data of one mesh, or resample one: '
                'wb_command -metric-resample (-label-resample for parcellations, -cifti-resample for CIFTI)'
            )
        numbers = np.full(own.n_vertices, -1)
        numbers[own.elements] = np.arange(first, first + len(own.elements))
        return numbers[wanted.elements]

    def _locate_voxels(self, other: 'Grayordinates') -> np.ndarray:
        """Return the numbers of the voxels of another space, on a grid that may have other axes or another origin."""
        assert self.grid is not None
        assert other.grid is not None
        index = np.unravel_index(other._voxels, other.grid.shape, order='F')
        where = affines.map_voxels(affines.voxel_map(other.grid.affine, self.grid.affine), index)
        ratio = other.grid.measure / self.grid.measure
        is_aligned = np.abs(where - np.rint(where)).max(initial=0) <= affines.GRID_TOLERANCE
        if not is_aligned or abs(ratio - 1) > _VOLUME_TOLERANCE:
            raise GridError(
                f'voxels of {self} and {other} are not on one grid: {self.grid} and {other.grid}. '
                'Resample one: wb_command -cifti-resample'
            )
        inside = affines.is_inside(where, self.grid.shape)
        nearest = affines.nearest_voxels(where[:, inside], self.grid.shape)
        numbers = np.full(self.grid.size, -1)
        numbers[self._voxels] = self._voxel_places
        located = np.full(len(other._voxels), -1)
        located[inside] = numbers[np.ravel_multi_index(nearest, self.grid.shape, order='F')]
        return located

    def _describe(self) -> str:
        """Describe meshes and numbers of elements."""
        meshes = [structure for structure in self.structures if structure.n_vertices]
        held, whole = (sum(sizes) for sizes in ([len(m.elements) for m in meshes], [m.n_vertices for m in meshes]))
        words = [self.density] if held == whole and meshes else []
        if held != whole:
            side = ' of one hemisphere' if len(meshes) == 1 else ''
            name = MESHES.get(meshes[0].n_vertices)
            words.append(f'{name + ": " if name else ""}{held:,} of {whole:,} vertices{side}')
        if self.grid is not None and len(self._voxels):
            sizes = '×'.join(f'{size:.4g}' for size in affines.voxel_sizes(self.grid.affine))
            words.append(f'{len(self._voxels):,} voxels of {sizes} mm')
        return ', '.join(words)


def describe_mesh(n_vertices: int) -> str:
    """Return the name of a mesh, if it is known, and its number of vertices.

    >>> describe_mesh(32492), describe_mesh(642)
    ('fsLR 32k (32,492 vertices)', '642 vertices')
    """
    name = MESHES.get(n_vertices)
    return f'{name} ({n_vertices:,} vertices)' if name else f'{n_vertices:,} vertices'


def pair_space(n_left: int, n_right: int, path: str = '') -> Grayordinates:
    """Return the space of a pair of hemispheres with all vertices of their meshes, left before right."""
    sizes = {'L': n_left, 'R': n_right}
    structures = tuple(Structure(CORTEX[side], np.arange(n), n) for side, n in sizes.items())
    return Grayordinates(structures, path=path, is_pair=True)
