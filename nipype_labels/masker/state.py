# SPDX-License-Identifier: BSD-3-Clause
"""What a masker knows since its last success: immutable, and replaced whole by the next successful call."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
import pandas as pd

from ..core.regions import has_signal
from ..files.grids import Grid
from ..files.orientation import set_orientation
from ..files.placing import Placed, place_atlas


@dataclass(frozen=True)
class Fitted:
    """The atlas and the mask of a masker, on their own grids.

    Attributes
    ----------
    given : dict
        Parameters that they were read by.
    settings : dict
        All parameters at that time, from :func:`~nipype_labels.masker.settings.check_settings`.
    atlas : array of int, shape (I, J, K)
    atlas_grid : Grid
    mask : pair of array of bool, shape (I', J', K'), and Grid, or None
    lookup : DataFrame
        Columns ``index`` and ``name``, a row per region.
    """

    given: dict
    settings: dict
    atlas: np.ndarray
    atlas_grid: Grid
    mask: tuple | None
    lookup: pd.DataFrame

    def place(self, grid, at_hand=None, demanding=True):
        """Bring atlas and mask to the grid that a series is read on.

        Parameters
        ----------
        grid : Grid or None
            Of the series. With ``resampling_target`` other than ``'data'``, or for None, the atlas's own is used.
        at_hand : Placed, optional
            Returned if its grid is this one.
        demanding : bool
            Refuse a grid on which no region is left.

        Returns
        -------
        Placed

        Raises
        ------
        GridError
            If the mask is on another grid and may not, or left and right of an image to resample are unknown.
        MissingRegionsError
            If no region is left.
        """
        target = self.settings['resampling_target']
        series, grid = grid, grid if target == 'data' and grid is not None else self.atlas_grid
        for image in (series, self.atlas_grid, *(self.mask or ())[1:]) if target != 'none' else ():
            if image is not None:
                image.require_orientation(grid, self.settings['unknown_orientation'])
        # Grids that only match could place a voxel at the rim of a region differently.
        if at_hand is not None and at_hand.grid.is_identical(grid) and has_signal(at_hand.regions['status']).any():
            return at_hand
        background, strict = self.settings['background_label'], target == 'none'
        return place_atlas(self.lookup, self.atlas, self.atlas_grid, self.mask, grid, background, strict, demanding)


@dataclass(frozen=True)
class Outcome:
    """What the last successful call found out.

    Attributes
    ----------
    placed : Placed
        Atlas and mask on the grid that the series was read on.
    regions : DataFrame
        Coverage table.
    kept : array of bool, shape (L,)
        Which of its rows have a column.
    t_r : float or None
        Repetition time in s.
    shown : dict or None
        What a report shows.
    """

    placed: Placed
    regions: pd.DataFrame
    kept: np.ndarray
    t_r: float | None = None
    shown: dict | None = None

    @property
    def ids(self):
        """Region ids of the columns, as a tuple."""
        return tuple(self.regions['index'][self.kept].tolist())

    @property
    def names(self):
        """Region names of the columns."""
        return self.regions['name'][self.kept].tolist()

    @classmethod
    def before_signals(cls, placed):
        """Outcome of ``fit``: a column for each region, no series yet.

        Parameters
        ----------
        placed : Placed

        Returns
        -------
        Outcome
        """
        return cls(placed, placed.regions, np.ones(len(placed.regions), dtype=bool))


@dataclass(frozen=True)
class State:
    """What a masker knows.

    Attributes
    ----------
    fitted : Fitted
    outcome : Outcome
        Of the last successful call.
    columns : frozenset of tuple of int
        Region ids of the columns of all outcomes since ``fit``.
    """

    fitted: Fitted
    outcome: Outcome
    columns: frozenset

    @classmethod
    def begin(cls, fitted, outcome):
        """State after ``fit``.

        Parameters
        ----------
        fitted : Fitted
        outcome : Outcome

        Returns
        -------
        State
        """
        return cls(fitted, outcome, frozenset([outcome.ids]))

    def then(self, outcome):
        """State after a further call.

        Parameters
        ----------
        outcome : Outcome

        Returns
        -------
        State
        """
        return State(self.fitted, outcome, self.columns | {outcome.ids})


def make_image(values, grid, t_r=None):
    """Make an image of a copy of an array, in mm and s.

    Parameters
    ----------
    values : array, shape (I, J, K) or (I, J, K, T)
    grid : Grid
    t_r : float, optional
        Repetition time in s; without it the header has 0, which means unknown.

    Returns
    -------
    Nifti1Image or Nifti2Image
        The second if the first can not hold the shape.
    """
    make = nib.Nifti1Image if max(values.shape) < 2**15 else nib.Nifti2Image
    image = make(np.array(values), np.array(grid.affine))
    if grid.doubt:
        set_orientation(image.header, values.shape[:3], grid.affine, grid.doubt)
    image.header.set_xyzt_units('mm', 'sec')
    if values.ndim > 3:
        image.header.set_zooms((*image.header.get_zooms()[:3], t_r or 0.0))
    return image


def merge_regions(tables):
    """Coverage table of several runs.

    Parameters
    ----------
    tables : sequence of DataFrame
        One per run, each with a row per region in the same order.

    Returns
    -------
    DataFrame
        The fewest voxels and the lowest coverage and tSNR of any run, the number of volumes of all, and the first
        status that is not ``'ok'``.
    """
    merged = tables[0].copy()
    for table in tables[1:]:
        for column in ('n_voxels_grid', 'n_voxels_mask', 'n_voxels_used', 'coverage', 'tsnr'):
            merged[column] = np.fmin(merged[column], table[column])
        merged['n_volumes'] += table['n_volumes']
        # A constant region still has a signal: a run in which there is none says more.
        worse = (merged['status'] == 'ok') | (has_signal(merged['status']) & ~has_signal(table['status']))
        merged['status'] = merged['status'].where(~worse, table['status'])
    return merged
