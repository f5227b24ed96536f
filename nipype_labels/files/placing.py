# SPDX-License-Identifier: BSD-3-Clause
"""An atlas and a mask on the grid that signals are read on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..core.mask import apply_mask
from ..core.resample import resample_nearest
from .grids import Grid
from .regions import begin_regions


@dataclass(frozen=True)
class Placed:
    """An atlas and a mask on one grid.

    Attributes
    ----------
    grid : Grid
    labels, masked : array of int, shape (I, J, K)
        Before and after the mask.
    mask : array of bool, shape (I, J, K), or None
    regions : DataFrame
        The regions table, so far without signals.
    """

    grid: Grid
    labels: np.ndarray
    masked: np.ndarray
    mask: np.ndarray | None
    regions: pd.DataFrame


def place_atlas(lookup, atlas, atlas_grid, mask, grid, background_label=0, strict=False, demanding=True):
    """Bring an atlas and a mask to a grid, by the nearest voxel.

    Parameters
    ----------
    lookup : DataFrame
        Columns ``index`` and ``name``, a row per region.
    atlas : array of int, shape (I, J, K)
    atlas_grid : Grid
    mask : pair of array of bool, shape (I, J, K), and Grid, or None
    grid : Grid
        Where to bring them.
    background_label : int
    strict : bool
        Refuse a mask that is on another grid.
    demanding : bool
        Refuse a grid on which no region is left.

    Returns
    -------
    Placed

    Raises
    ------
    GridError
        If the mask is on another grid and may not.
    MissingRegionsError
        If no region is left, and one is demanded.
    """
    labels, there = atlas, None
    if not atlas_grid.matches(grid):
        labels = resample_nearest(atlas, atlas_grid.affine, grid.shape, grid.affine, background_label)
    if mask is not None:
        if strict:
            mask[1].require(grid, "resample the mask, or set resampling_target to 'data' or 'labels'")
        there = bring_mask(*mask, grid)
    masked = labels if there is None else apply_mask(labels, there, background_label)
    regions = begin_regions(lookup, atlas, atlas_grid, labels, grid, masked, demanding)
    return Placed(grid, labels, masked, there, regions)


def bring_mask(mask, mask_grid, grid):
    """A mask on another grid; outside its own nothing is in it."""
    if mask_grid.matches(grid):
        return mask
    return resample_nearest(mask, mask_grid.affine, grid.shape, grid.affine, False)
