# SPDX-License-Identifier: BSD-3-Clause
"""Columns of the tables that describe regions and volumes, as sidecars and the documentation explain them."""

#: Status of a region in the coverage table.
STATUSES = {
    'ok': 'Has a time series',
    'absent_from_atlas': 'In the look-up table, not in the image',
    'outside_field_of_view': 'No voxel or vertex of the region lies in the series, or all are 0 in every volume and '
    'excluded',
    'lost_in_resampling': 'Too small or thin to be the nearest region to any voxel, or a sphere without the center of '
    'any voxel',
    'outside_mask': 'No voxel or vertex of the region lies in the mask',
    'low_coverage': 'Coverage is below min_coverage',
    'not_finite': 'No voxel or vertex of the region is finite in any volume',
    'collinear': 'Has a time series, but the map is a linear combination of other maps: the best fit with the smallest '
    'amplitudes was taken',
    'constant': 'Has a time series that never varies; z-scores and percent signal change are n/a',
}

#: Statuses of regions that have a time series of their own values.
WITH_SIGNAL = ('ok', 'constant', 'collinear')

#: Columns of the coverage table.
COVERAGE = {
    'index': {'Description': 'Id of the region in the label image'},
    'name': {'Description': 'Name of the region, and of its column of the time series'},
    'n_voxels_atlas': {
        'Description': "Voxels or vertices of the region in the atlas, on the atlas's voxel grid or mesh"
    },
    'n_voxels_grid': {
        'Description': 'Voxels or vertices of the region on the voxel grid of the time series or on its mesh'
    },
    'n_voxels_mask': {'Description': 'Voxels or vertices of the region within the mask'},
    'n_voxels_used': {
        'Description': 'Voxels or vertices of the region within mask and field of view that are finite in at least '
        'one volume'
    },
    'coverage': {
        'Description': "Volume used, as a fraction of the region's volume in the atlas, at most 1. A region at the "
        'border of the atlas image loses the outer half voxel on another voxel grid'
    },
    'status': {'Description': 'Why the region has no time series, if it has none', 'Levels': STATUSES},
    'volume_atlas': {
        'Description': 'Volume of the region in the atlas (voxels of a probabilistic map count by their magnitudes)',
        'Units': 'mm^3',
    },
    'area_atlas': {
        'Description': "Only of surfaces with weight='area': area of the region in the atlas (1 mm^3 of voxels counts "
        'as 1 mm^2)',
        'Units': 'mm^2',
    },
    'n_shared': {
        'Description': 'Only of maps and spheres: voxels of the region within the mask that other regions have too'
    },
    'hemisphere': {
        'Description': 'Only of surfaces and CIFTI: hemisphere of the region; n/a if it is on both sides',
        'Levels': {'L': 'Left', 'R': 'Right'},
    },
    'index_file': {'Description': 'Only of surfaces and CIFTI: id of the region in the file of the atlas'},
    'n_zero': {
        'Description': 'Only of surfaces and CIFTI: vertices and voxels of the region that are 0 in every volume, and '
        'excluded'
    },
    'n_volumes': {'Description': 'Volumes with a value'},
    'tsnr': {
        'Description': 'Temporal signal-to-noise ratio of the mean time series of the region before denoising: '
        'mean over standard deviation of the retained volumes, without their linear trend; n/a unless the status is ok'
    },
}

#: Columns of the table of censored volumes.
CENSORING = {
    'volume': {'Description': 'Number of the volume in the series, counted from 0'},
    'retained': {
        'Description': 'Whether the volume was retained',
        'Levels': {
            'true': 'Retained',
            'false': 'Censored: not part of the denoised time series. Confounds of the whole series can contain it',
        },
    },
    'reason': {
        'Description': 'Why the volume was censored: sample_mask, or a column of the confounds; several reasons are '
        'joined by commas'
    },
}

#: State of a run whose derivatives are complete, in tables of runs.
COMPLETE = 'complete'

#: Columns of fMRIPrep's confounds tables that show the quality of every volume, each with its heading and unit. Of each
#: group, the first column that a table has is drawn.
TRACES = (
    {'framewise_displacement': 'Framewise displacement (mm)'},
    {'std_dvars': 'DVARS (standardized, no unit)', 'dvars': 'DVARS (unit of the series)'},
    {'global_signal': 'Global signal (unit of the series)'},
)
