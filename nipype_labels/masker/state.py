# SPDX-License-Identifier: BSD-3-Clause
"""State of a masker after its last successful call: immutable, and replaced as a whole by the next successful call."""

import inspect
import os
import warnings
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ..core.coverage import CoverageTable
from ..files.areas import place_areas, read_areas
from ..files.atlases import is_maps, list_origins, read_label_atlas, read_surface_atlas
from ..files.atlases import read_atlas as read_image
from ..files.elements import read_any_mask
from ..files.grids import report_contradiction, require_orientation
from ..files.niimg import open_image, single_image
from ..files.seeds import make_seeds, read_seeds
from ..files.surface_series import find_surface_files
from ..files.volumes import read_mask
from ..model.errors import ImageError
from ..model.seeds import Seeds
from ..model.space import VolumeGrid
from ..model.weighted import AnyAtlas
from .settings import remember


@dataclass(frozen=True)
class PlacedAtlas:
    """An atlas and a mask on the grid that series are read on."""

    resampled: AnyAtlas  # before the mask
    masked: AnyAtlas
    mask: np.ndarray | None  # flags, of the shape of the grid
    coverage: CoverageTable  # before any series is read

    @property
    def grid(self):
        """The grid, a VolumeGrid."""
        return self.masked.space


@dataclass(frozen=True)
class FittedAtlas:
    """The atlas and the mask of a masker, on their own grids."""

    parameters: dict  # those that they were read with, to notice changes
    settings: dict  # all parameters at that time, checked
    atlas: AnyAtlas | Seeds
    mask: tuple | None  # array of bool, shape (I, J, K), and VolumeGrid
    lookup: pd.DataFrame  # columns index and name, a row per region
    origin: dict = field(default_factory=dict)  # further columns of the coverage table of surfaces
    areas: dict | None = None  # area of each vertex of a mesh, arrays by name of structure

    def place(self, grid, previous=None, needs_regions=True):
        """Resample atlas and mask to the grid that a series is read on, or return ``previous`` if it is on that grid.

        Without a grid, or with ``resampling_target`` other than ``'data'``, the grid is the atlas's own. With
        ``needs_regions``, a grid on which no region is left is refused.
        """
        target, own = self.settings['resampling_target'], self._find_own_grid()
        series, grid = grid, grid if target == 'data' and grid is not None else own
        if target != 'none':
            for space in (series, own, *(self.mask or ())[1:]):
                if space is not None:
                    require_orientation(space, grid, self.settings['unknown_orientation'])
        # Grids that only match could assign a voxel at the border of a region differently.
        if previous is not None and previous.grid.is_identical(grid) and previous.coverage.has_signal.any():
            return previous
        resampled = masked = self.atlas.on(grid)
        if not self.settings.get('allow_overlap', True):
            resampled.refuse_overlap()
        mask = None
        if self.mask is not None:
            if target == 'none':
                self.mask[1].require(grid, "resample the mask, or set resampling_target to 'data' or 'labels'")
            mask = resample_mask(self.mask, grid)
            masked = resampled.within(mask)
        whole = self.atlas.on_endless(grid) if isinstance(self.atlas, Seeds) else self.atlas
        if self.areas is not None:
            whole, resampled, masked = (self._weigh(atlas) for atlas in (whole, resampled, masked))
        coverage = CoverageTable.of_placed(whole, resampled, masked).with_columns(self.origin)
        if needs_regions:
            coverage.require_regions(whole, grid)
        return PlacedAtlas(resampled, masked, mask, coverage)

    def _weigh(self, atlas):
        """Return an Atlas with the areas of its vertices."""
        return replace(atlas, space=place_areas(atlas.space, self.areas, self.settings['areas_file']))

    def _find_own_grid(self):
        """Return the grid of the atlas; of seeds, which have none, that of the mask, or one that contains them."""
        if not isinstance(self.atlas, Seeds):
            return self.atlas.space
        return self.mask[1] if self.mask is not None else self.atlas.extend(VolumeGrid((1, 1, 1), np.eye(4)))


def resample_mask(mask, grid):
    """Return a mask, a pair of array and VolumeGrid, on another grid; it is False outside its own grid."""
    values, own = mask
    return own.resample_nearest(values, grid, fill=False)


@dataclass(frozen=True)
class Result:
    """Columns and coverage of the last successful call."""

    placed: PlacedAtlas  # on the grid that the series was read on
    coverage: CoverageTable
    has_column: np.ndarray  # whether each row of the coverage table has a column, shape (L,)
    t_r: float | None = None  # repetition time in s
    report_data: dict | None = None

    @property
    def ids(self):
        """Region ids of the columns, as a tuple."""
        return tuple(self.coverage.index[self.has_column].tolist())

    @property
    def names(self):
        """Region names of the columns."""
        return self.coverage.name[self.has_column].tolist()


@dataclass(frozen=True)
class State:
    """State of a masker."""

    fitted: FittedAtlas
    result: Result  # of the last successful call
    columns: frozenset  # region ids (tuples) of the columns of all results since ``fit``
    has_confounds: bool = False  # whether ``fit_transform`` was given confounds

    @classmethod
    def after_fit(cls, fitted, placed, has_confounds=False):
        """Return the state before any series is read: a column for each region."""
        result = Result(placed, placed.coverage, np.ones(len(placed.coverage.index), dtype=bool))
        return cls(fitted, result, frozenset([result.ids]), has_confounds)

    def with_result(self, result):
        """Return the state after a further call."""
        return replace(self, result=result, columns=self.columns | {result.ids})


def read_atlas(settings):
    """Read the atlas, its look-up table and the mask."""
    origin = {}
    if settings['on_surfaces']:
        atlas, origin = _read_parcellation(settings)
    else:
        atlas = READERS[settings['atlas_parameter']](settings)
    mask = None if settings['mask_img'] is None else _read_mask(settings)
    grids = [] if isinstance(atlas, Seeds) else [atlas.space]
    for space in (*grids, *(mask or ())[1:]):
        report_contradiction(space, warn_user)
    lookup = pd.DataFrame({'index': np.asarray(atlas.ids), 'name': list(atlas.names)})
    areas = None if settings.get('areas_file') is None else read_areas(settings['areas_file'])
    return FittedAtlas(remember(settings), settings, atlas, mask, lookup, origin, areas)


def _read_mask(settings):
    """Return the mask and its space."""
    image = settings['mask_img']
    return read_any_mask(find_surface_files(image)) if settings['on_surfaces'] else read_mask(image)


def _read_parcellation(settings):
    """Return the Atlas of a parcellation of surfaces, and columns with the origin of its regions."""
    files = find_surface_files(settings['labels_img'])
    atlas, lookup = read_surface_atlas(files, settings['labels'], settings['lut'], warn=warn_user)
    return atlas, list_origins(lookup)


def _read_labels(settings):
    """Return the Atlas in a label image."""
    image = single_image(settings['labels_img'])
    if is_maps(image):
        series = open_image(image)
        raise ImageError(
            f'labels_img must be a 3D image of labels, and {series.grid.path} has {series.n_volumes} volumes. Use '
            'NiftiMapsMasker for probabilistic maps (4D images), or check whether atlas and series are swapped'
        )
    return read_label_atlas(image, settings['labels'], settings['lut'], settings['background_label'], warn_user)


def _read_maps(settings):
    """Return the WeightedAtlas of maps."""
    image = single_image(settings['maps_img'])
    if not is_maps(image):
        raise ImageError(f'maps_img must be a 4D image of maps, and {open_image(image).grid.path} has one volume')
    return read_image(image, settings['labels'], settings['lut'], warn=warn_user)


def _read_spheres(settings):
    """Return the Seeds of a table, or of coordinates."""
    read = read_seeds if isinstance(settings['seeds'], str | os.PathLike) else make_seeds
    return read(settings['seeds'], settings['radius'], settings['include_nearest'])


#: Reader of each atlas by the parameter that has it.
READERS = {'labels_img': _read_labels, 'maps_img': _read_maps, 'seeds': _read_spheres}


def warn_user(message, *values):
    """Warn at the line outside this package that called it."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get('__name__', '').startswith('nipype_labels.'):
        frame, level = frame.f_back, level + 1
    warnings.warn(message % values if values else message, stacklevel=level)
