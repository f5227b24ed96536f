# SPDX-License-Identifier: BSD-3-Clause
"""The regions table, which follows the signals: one row per region, in the order of the columns."""

import numpy as np

from ..core import grid, mask
from ..core.quality import temporal_snr
from ..core.regions import count_voxels, coverage, has_signal, placement_status, signal_status
from ..model.errors import LabelsError, MissingRegionsError
from .tables import read_table, to_numbers, write_table

#: Its first columns, in order; quality columns follow.
REGION_COLUMNS = (
    'index',
    'name',
    'n_voxels_atlas',
    'n_voxels_grid',
    'n_voxels_mask',
    'n_voxels_used',
    'coverage',
    'status',
)


def begin_regions(lookup, atlas, atlas_grid, labels, labels_grid, masked, demanding=True):
    """Begin the table of an atlas: where its regions are, before any signal is read.

    Parameters
    ----------
    lookup : DataFrame
        Columns ``index`` and ``name``, a row per region.
    atlas : array of int, shape (I, J, K)
        On its own grid.
    atlas_grid : Grid
    labels : array of int, shape (I', J', K')
        The atlas on the grid of the signals.
    labels_grid : Grid
    masked : array of int, shape (I', J', K')
        The same within the mask.
    demanding : bool
        Refuse a grid on which no region is left.

    Returns
    -------
    DataFrame
        ``n_voxels_used`` and ``coverage`` are what they will be if every voxel has values.

    Raises
    ------
    MissingRegionsError
        If no region is left, and one is demanded.
    """
    ids = lookup['index'].to_numpy()
    n_atlas = count_voxels(atlas, ids)
    n_grid, n_mask = (count_voxels(image, ids) for image in (labels, masked))
    lost = ids[(n_atlas > 0) & (n_grid == 0)]
    n_in_view = n_atlas.copy()
    n_in_view[np.isin(ids, lost)] = mask.count_in_view(
        atlas, atlas_grid.affine, lost, labels_grid.shape, labels_grid.affine
    )
    atlas_volume = grid.voxel_volume(atlas_grid.affine)
    regions = lookup[['index', 'name']].assign(
        n_voxels_atlas=n_atlas,
        n_voxels_grid=n_grid,
        n_voxels_mask=n_mask,
        n_voxels_used=n_mask,
        coverage=coverage(n_mask, n_atlas, grid.voxel_volume(labels_grid.affine), atlas_volume),
        status=placement_status(n_atlas, n_grid, n_mask, n_in_view),
        volume_atlas=n_atlas * atlas_volume,
    )
    if demanding and not has_signal(regions['status']).any():
        found = regions['status'].value_counts().to_dict()
        raise MissingRegionsError(
            f'no region of {atlas_grid} is left on {labels_grid}: '
            + ', '.join(f'{count} {status}' for status, count in found.items())
        )
    return regions


def complete_regions(regions, signals, n_used, n_in_view, voxel_volume, min_coverage=0.0):
    """Complete the table by what the signals tell.

    Parameters
    ----------
    regions : DataFrame, L rows
        From :func:`begin_regions`.
    signals : array, shape (T, L)
    n_used, n_in_view : array of int, shape (L,)
        Voxels that gave a finite value, and voxels within the series' field of view.
    voxel_volume : float
        On the grid of the signals, in mm³.
    min_coverage : float
        Regions covered less are ``'low_coverage'``.

    Returns
    -------
    DataFrame
        With the quality columns ``n_volumes`` (number of volumes with a value) and ``tsnr`` (of all volumes).

    Raises
    ------
    LabelsError
        If ``min_coverage`` is not from 0 to 1.
    """
    if not 0 <= min_coverage <= 1:
        raise LabelsError(f'min_coverage must be from 0 to 1, not {min_coverage}')
    volume = regions['volume_atlas'].to_numpy()
    covered = coverage(n_used, volume, voxel_volume, 1.0)
    status = signal_status(regions['status'].to_numpy(), signals, n_used, n_in_view, covered, min_coverage)
    done = regions.assign(
        n_voxels_used=n_used, coverage=covered, status=status, n_volumes=np.isfinite(signals).sum(axis=0)
    )
    return assign_tsnr(done, done['name'], signals, np.ones(len(signals), dtype=bool))


def assign_tsnr(regions, names, signals, kept):
    """Set the temporal signal-to-noise ratio of each region, from its time series before denoising.

    Parameters
    ----------
    regions : DataFrame, L rows
    names : sequence of str
        Regions of the columns of ``signals``; others have no ratio.
    signals : array, shape (T, number of names)
    kept : array of bool, shape (T,)
        Retained volumes.

    Returns
    -------
    DataFrame
        With the column ``tsnr``; see :func:`~nipype_labels.core.quality.temporal_snr`.
    """
    ratios = dict(zip(names, temporal_snr(signals, kept), strict=True))
    values = np.array([ratios.get(name, np.nan) for name in regions['name']], dtype=np.float64)
    return regions.assign(tsnr=np.where(regions['status'] == 'ok', values, np.nan))


def write_regions(path, regions):
    """Write a regions table: the standard columns first, quality columns behind."""
    rest = [column for column in regions if column not in REGION_COLUMNS]
    write_table(path, regions[[*REGION_COLUMNS, *rest]])


def read_regions(path):
    """Return the coverage table in a file, with the columns that :func:`write_regions` writes."""
    regions = read_table(path)
    lacking = [column for column in REGION_COLUMNS if column not in regions]
    if lacking:
        raise LabelsError(f'{path} is no regions table: it lacks {", ".join(lacking)}')
    try:
        numbers = {column: to_numbers(regions[column]) for column in regions if column not in ('name', 'status')}
        counts = [column for column in numbers if column == 'index' or column.startswith('n_')]
        return regions.assign(**numbers).astype(dict.fromkeys(counts, np.int64))
    except ValueError as e:
        raise LabelsError(f'{path} is no regions table: {e}') from e
