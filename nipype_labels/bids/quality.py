# SPDX-License-Identifier: BSD-3-Clause
"""Quality of a run in numbers, for each atlas, from its derivatives."""

import numpy as np

from ..files.json_files import read_json
from .names import build_name, parse_name

#: Keys of the sidecar of denoised time series, by column.
_KEYS = {
    'mean_fd': 'MeanFramewiseDisplacement',
    'n_volumes': 'NumberOfVolumes',
    'n_retained': 'NumberOfVolumesRetained',
    'degrees_of_freedom': 'DegreesOfFreedom',
}

#: What :func:`read_quality` returns.
QUALITY_COLUMNS = (*_KEYS, 'tsnr', 'n_regions', 'n_missing', 'n_warnings')


def name_coverage(path):
    """Return the name of the coverage table of the run and atlas that a file belongs to.

    >>> name_coverage('sub-01/func/sub-01_task-rest_atlas-AAL_stat-mean_timeseries.json')
    'sub-01_task-rest_atlas-AAL_stat-coverage_bold.tsv'
    """
    return build_name(parse_name(path)[0] | {'stat': 'coverage'}, 'bold', '.tsv')


def is_coverage(path):
    """Return whether a file is a coverage table.

    >>> is_coverage('sub-01_atlas-AAL_stat-coverage_bold.tsv'), is_coverage('sub-01_atlas-AAL_stat-coverage_bold.json')
    (True, False)
    """
    return str(path).endswith('_bold.tsv') and '_stat-coverage_' in str(path)


def find_sidecar(coverage, outputs):
    """Return the path of the sidecar of denoised time series among ``outputs``, paths of files of a run; None without.

    ``coverage`` is the name of the coverage table of the same atlas.
    """
    found = (path for path in outputs if path.endswith('_timeseries.json') and name_coverage(path) == coverage)
    return next(found, None)


def read_quality(sidecar, regions):
    """Return the quality of a run for an atlas: a dict with :data:`QUALITY_COLUMNS`, None where it is unknown.

    Parameters
    ----------
    sidecar : Path
        Of the denoised time series; see :func:`find_sidecar`.
    regions : CoverageTable
        Of the same run and atlas.
    """
    content = read_json(sidecar)
    tsnr = regions.quality['tsnr']
    known = tsnr[np.isfinite(tsnr)]
    return {column: content.get(key) for column, key in _KEYS.items()} | {
        'tsnr': np.median(known) if len(known) else None,
        'n_regions': len(regions.index),
        'n_missing': int((~regions.has_signal).sum()),
        'n_warnings': len(content.get('Warnings', [])),
    }
