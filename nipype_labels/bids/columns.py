# SPDX-License-Identifier: BSD-3-Clause
"""What sidecars tell of the columns of a table, and how a region's name never takes the place of a key.

BIDS has columns and keys side by side in one object. If the name of any column is a key that we may write, all columns
of that table stand in an object of their own instead, under ``Columns``; a column ``Columns`` is such a name too.
"""

#: The key under which columns stand that can't stand beside the others.
NESTED = 'Columns'

#: What the statuses of regions mean.
_STATUSES = {
    'ok': 'Has a signal',
    'absent_from_atlas': 'In the look-up table, not in the image',
    'outside_field_of_view': 'No voxel of it lies in the series',
    'lost_in_resampling': 'Too small or thin to be the nearest region to any voxel',
    'outside_mask': 'No voxel of it lies in the mask',
    'low_coverage': 'Covered less than min_coverage',
    'not_finite': 'No finite voxel in any volume',
    'constant': 'Has a signal that never varies',
}

#: Columns of tables that are the same for all atlases, by role. Those of dseg.tsv are BIDS's own.
_TABLES = {
    'regions': {
        'index': {'Description': 'Id of the region in the image of labels'},
        'name': {'Description': 'Name of the region, and of its column of signals'},
        'n_voxels_atlas': {'Description': 'Voxels in the atlas, on its own grid'},
        'n_voxels_grid': {'Description': 'Voxels on the grid of the signals'},
        'n_voxels_mask': {'Description': 'Those of them in the mask'},
        'n_voxels_used': {
            'Description': "Those of them in the series' field of view that are finite at least once",
        },
        'coverage': {
            'Description': "Volume used, as a fraction of the region's volume in the atlas, at most 1. A region at the "
            'border of the image of the atlas loses the outer half voxel on another grid',
        },
        'status': {'Description': 'Why the region has no signal, if it has none', 'Levels': _STATUSES},
        'volume_atlas': {'Description': 'Volume in the atlas', 'Units': 'mm^3'},
        'n_volumes': {'Description': 'Volumes with a value'},
        'tsnr': {
            'Description': 'Temporal signal-to-noise ratio of the mean time series of the region before denoising: '
            'mean over standard deviation of the retained volumes, without their linear trend'
        },
    },
    'kept_volumes': {
        'volume': {'Description': 'Number of the volume in the series, counted from 0'},
        'kept': {
            'Description': 'Whether the volume was kept',
            'Levels': {
                'true': 'Kept',
                'false': 'Censored: it is not part of denoised time series. '
                'Confounds of the whole series can contain it',
            },
        },
        'reason': {'Description': 'Why the volume was left out; several reasons are joined by commas'},
    },
}

#: Units of signals after standardisation.
_UNITS = {
    'none': 'arbitrary',
    'zscore': 'standard deviation',
    'zscore_sample': 'standard deviation',
    'psc': '%',
    'psc_nilearn': '%',
}


def describe_columns(role, names):
    """What columns of a table are that is no table of regions' signals.

    Parameters
    ----------
    role : str
    names : sequence of str
        Its columns, in order.

    Returns
    -------
    dict of str to dict
    """
    if role == 'high_variance_confounds':
        numbered = enumerate(names, 1)
        return {name: {'Description': f'Time course {i}, in the order of what they explain'} for i, name in numbered}
    known = _TABLES.get(role, {})
    return {name: known[name] for name in names or known if name in known}


def describe_regions(role, names, atlas, parameters):
    """What columns of signals or of a matrix of connectivity are.

    Parameters
    ----------
    role : {'raw_signals', 'clean_signals', 'connectivity'}
    names : sequence of str
        Regions, in the order of columns.
    atlas : Atlas
    parameters : dict
        Of the extraction.

    Returns
    -------
    dict of str to dict
    """
    units = {'raw_signals': 'arbitrary', 'clean_signals': _UNITS[parameters.get('standardize', 'none')]}
    columns = {}
    for name in names:
        index = atlas.indices[name]
        columns[name] = {'Description': f'Region {index} of {atlas.name}', 'Index': index}
        if role in units:
            columns[name]['Units'] = units[role]
    return columns


def merge_columns(sidecar, columns, keys):
    """Put columns into a sidecar, beside its keys or, if the name of one is a key, under one of their own.

    Parameters
    ----------
    sidecar : dict
    columns : dict of str to dict
    keys : sequence of str
        All that a sidecar may have, whether this one does or not.

    Returns
    -------
    dict

    Examples
    --------
    >>> merge_columns({'Sources': []}, {'Insula': {}}, ['Sources'])
    {'Sources': [], 'Insula': {}}
    >>> merge_columns({'Sources': []}, {'Insula': {}, 'Sources': {}}, ['Sources'])
    {'Sources': [], 'Columns': {'Insula': {}, 'Sources': {}}}
    """
    collides = any(name in keys or name == NESTED for name in columns)
    return {**sidecar, NESTED: columns} if collides else {**sidecar, **columns}
