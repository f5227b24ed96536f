# SPDX-License-Identifier: BSD-3-Clause
"""What a masker knows since its last successful call: immutable, and replaced whole by the next successful call."""

import inspect
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..core.mask import region_ids
from ..core.regions import has_signal
from ..files.grids import Grid, report_contradiction
from ..files.lut import choose_lookup_table
from ..files.niimg import single_image
from ..files.placing import Placed, place_atlas
from ..files.volumes import read_labels, read_mask
from .settings import remember


@dataclass(frozen=True)
class FittedAtlas:
    """The atlas and the mask of a masker, on their own grids.

    Attributes
    ----------
    parameters : dict
        Parameters that they were read by, to notice changes.
    settings : dict
        All parameters at that time, checked.
    atlas : array of int, shape (I, J, K)
    atlas_grid : Grid
    mask : pair of array of bool, shape (I', J', K'), and Grid, or None
    lookup : DataFrame
        Columns ``index`` and ``name``, a row per region.
    """

    parameters: dict
    settings: dict
    atlas: np.ndarray
    atlas_grid: Grid
    mask: tuple | None
    lookup: pd.DataFrame

    def place(self, grid, previous=None, demanding=True):
        """Resample atlas and mask to the grid that a series is read on, or return ``previous`` if it is on that grid.

        Without a grid, or with ``resampling_target`` other than ``'data'``, the grid is the atlas's own. ``demanding``
        refuses a grid on which no region is left.
        """
        target = self.settings['resampling_target']
        series, grid = grid, grid if target == 'data' and grid is not None else self.atlas_grid
        if target != 'none':
            for image in (series, self.atlas_grid, *(self.mask or ())[1:]):
                if image is not None:
                    image.require_orientation(grid, self.settings['unknown_orientation'])
        # Grids that only match could assign a voxel at the border of a region differently.
        if previous is not None and previous.grid.is_identical(grid) and has_signal(previous.regions['status']).any():
            return previous
        background, strict = self.settings['background_label'], target == 'none'
        return place_atlas(self.lookup, self.atlas, self.atlas_grid, self.mask, grid, background, strict, demanding)


@dataclass(frozen=True)
class Result:
    """Columns and coverage of the last successful call.

    Attributes
    ----------
    placed : Placed
        Atlas and mask on the grid that the series was read on.
    regions : DataFrame
        Coverage table.
    has_column : array of bool, shape (L,)
        Which of its rows have a column.
    t_r : float or None
        Repetition time in s.
    report_data : dict or None
        What a report draws.
    """

    placed: Placed
    regions: pd.DataFrame
    has_column: np.ndarray
    t_r: float | None = None
    report_data: dict | None = None

    @property
    def ids(self):
        """Region ids of the columns, as a tuple."""
        return tuple(self.regions['index'][self.has_column].tolist())

    @property
    def names(self):
        """Region names of the columns."""
        return self.regions['name'][self.has_column].tolist()


@dataclass(frozen=True)
class State:
    """What a masker knows.

    Attributes
    ----------
    fitted : FittedAtlas
    result : Result
        Of the last successful call.
    columns : frozenset of tuple of int
        Region ids of the columns of all results since ``fit``.
    """

    fitted: FittedAtlas
    result: Result
    columns: frozenset

    @classmethod
    def after_fit(cls, fitted, placed):
        """Return the state before any series is read: a column for each region."""
        result = Result(placed, placed.regions, np.ones(len(placed.regions), dtype=bool))
        return cls(fitted, result, frozenset([result.ids]))

    def with_result(self, result):
        """Return the state after a further call."""
        return State(self.fitted, result, self.columns | {result.ids})


def read_atlas(settings):
    """Read the atlas, its look-up table and the mask."""
    background, atlas_file = settings['background_label'], single_image(settings['labels_img'])
    atlas, atlas_grid = read_labels(atlas_file, background)
    mask = None if settings['mask_img'] is None else read_mask(settings['mask_img'])
    for grid in (atlas_grid, *(mask or ())[1:]):
        report_contradiction(grid, warn_user)
    ids = region_ids(atlas, background)
    lookup = choose_lookup_table(ids, atlas_file, settings['labels'], settings['lut'], warn_user)
    lookup = lookup[lookup['index'] != background].reset_index(drop=True)
    return FittedAtlas(remember(settings), settings, atlas, atlas_grid, mask, lookup)


def warn_user(message, *values):
    """Warn at the line outside this package that called it."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get('__name__', '').startswith('nipype_labels.'):
        frame, level = frame.f_back, level + 1
    warnings.warn(message % values if values else message, stacklevel=level)
