# SPDX-License-Identifier: BSD-3-Clause
"""What reduces a series to the regions of an atlas, once it is clear on whose grid."""

from ..core.reduce import RegionReducer, reduce_series


def make_reducer(
    series,
    labels,
    labels_grid,
    ids,
    decoder,
    resampling_target,
    interpolation,
    unknown_orientation='raise',
    **options,
):
    """Make what reduces a series to regions.

    Parameters
    ----------
    series : Series
    labels : array of int, shape (I, J, K)
    labels_grid : Grid
    ids : array of int, shape (L,)
        Region ids in the order of the columns.
    decoder : Decoder
    resampling_target : {'data', 'labels', 'none'}
        With ``'labels'``, the series is sampled on their grid unless it is its own; else both must have one grid.
    interpolation : {'cubic', 'linear', 'nearest'}
    unknown_orientation : {'raise', 'accept'}
        What to do if the series is sampled on the labels' grid, and left and right of one are unknown.
    **options
        Of :class:`~nipype_labels.core.reduce.RegionReducer`.

    Returns
    -------
    RegionReducer

    Raises
    ------
    GridError
        If the grids differ and may not, or left and right of one of them are unknown.
    LabelsError
        If a width of smoothing is none.
    """
    samples = resampling_target == 'labels' and not series.grid.matches(labels_grid)
    if samples:
        series.grid.require_orientation(labels_grid, unknown_orientation)
    else:
        labels_grid.require(series.grid, "resample the labels, or set resampling_target='labels'")
    return RegionReducer(
        labels,
        labels_grid.affine,
        ids,
        shape=series.grid.shape,
        affine=series.grid.affine,
        decoder=decoder,
        interpolation=interpolation if samples else None,
        **options,
    )


def reduce_one(series, placed, dtype='none', num_threads=1, **choices):
    """Reduce a series to the regions of one atlas.

    Parameters
    ----------
    series : Series
    placed : Placed
    dtype : str
        What voxels are cast to as they are read.
    num_threads : int
    **choices
        Of :func:`make_reducer`.

    Returns
    -------
    signals : array, shape (T, L)
    mean : array, shape (I·J·K,)
        Mean volume.
    n_used, n_in_view : array of int, shape (L,)
        Voxels that gave a value, and voxels in the field of view.

    Raises
    ------
    LabelsError
        If :func:`make_reducer` or reading does.
    """
    decoder, ids = series.decoder(dtype), placed.regions['index'].to_numpy()
    reducer = make_reducer(series, placed.masked, placed.grid, ids, decoder, num_threads=num_threads, **choices)
    (signals,), mean = reduce_series(
        lambda: series.blocks(num_threads), series.n_volumes, [reducer], decoder, num_threads
    )
    return signals, mean, reducer.n_used, reducer.n_in_view
