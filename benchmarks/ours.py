# SPDX-License-Identifier: BSD-3-Clause
"""Work of this package that is measured.

Each function does what is not measured, as imports, and returns a function that does what is measured. That function
returns numbers to compare with nilearn's, or the file to which it wrote them.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import numpy.ma  # here, since NumPy, like SciPy below, loads its parts at first use, which must not count

#: Radius of spheres in mm.
RADIUS = 5.0


def _read_regions(path, grid):
    """Return labels, maps or spheres whose regions are named by their ids, maps and spheres on the grid of a series."""
    if path.suffix == '.tsv':
        from nipype_labels.files.seeds import read_seeds

        return read_seeds(path, RADIUS).on(grid)
    if path.name.startswith('maps'):
        from nipype_labels.files.weights import read_maps

        return read_maps(path).on(grid)
    return _read_atlas(path)


def _read_atlas(path):
    """Return an atlas whose regions are named by their ids."""
    from nipype_labels.files.volumes import read_labels
    from nipype_labels.model.atlas import Atlas, region_ids

    labels, grid = read_labels(path)
    ids = region_ids(labels)
    return Atlas(grid, labels, ids, ids.astype(str))


def reduce(data, scratch, threads, series, atlases, **options):
    """Signals of all regions, as ReduceLabels gets them: from files to arrays."""
    import scipy.linalg
    import scipy.ndimage
    import scipy.sparse  # noqa: F401

    from nipype_labels.core.ahead import begin_reading
    from nipype_labels.core.reduce import RegionReducer, reduce_series
    from nipype_labels.files.series import open_series

    series_file, atlas_files = data.series(**series), [data.regions(**atlas) for atlas in atlases]
    if any(path.suffix == '.tsv' for path in atlas_files):
        import nipype_labels.files.seeds  # noqa: F401
    options = options | {'num_threads': threads}

    def work():
        series = open_series(series_file)

        def reducer(path):
            return RegionReducer(_read_regions(path, series.grid), series.grid, **options)

        with begin_reading(partial(series.blocks, threads), threads) as blocks:
            with ThreadPoolExecutor(threads) as pool:
                reducers = list(pool.map(reducer, atlas_files))
            reductions, _ = reduce_series(blocks, series.n_volumes, reducers, series.decoder(), threads)
        return np.concatenate([reduction.signals for reduction in reductions], axis=1)

    return work


def reduce_surfaces(data, scratch, threads, kind, n_atlases=1):
    """Signals of regions of surfaces, as ReduceLabels gets them: from files to arrays."""
    import scipy.sparse  # noqa: F401

    from nipype_labels.core.rows import RowReducer, reduce_rows
    from nipype_labels.files.parcellations import read_parcellation
    from nipype_labels.files.surface_series import open_surface_series

    series_file = str(data.surface_series(kind))
    atlas_files = [str(data.parcellation(kind, which)) for which in range(n_atlases)]

    def work():
        series = open_surface_series(series_file)
        reducers = [RowReducer(read_parcellation(path)[0]) for path in atlas_files]
        reductions, _ = reduce_rows(series.blocks, series.n_volumes, reducers, series.decoder())
        return np.concatenate([reduction.signals for reduction in reductions], axis=1)

    return work


def reduce_node(data, scratch, threads, series, atlases):
    """The same by the node itself, which reads and writes its tables and writes the mean volume."""
    from nipype_labels.core.coverage import CoverageTable
    from nipype_labels.files.coverage import write_coverage
    from nipype_labels.interfaces import ReduceLabels

    regions_files = []
    for i, atlas in enumerate(atlases):
        regions_files.append(str(scratch / f'begun-{i}.tsv'))
        write_coverage(regions_files[i], CoverageTable.of(_read_atlas(data.atlas(**atlas))))
    files = dict(labels_files=[str(data.atlas(**atlas)) for atlas in atlases], regions_files=regions_files)
    node = ReduceLabels(in_file=str(data.series(**series)), num_threads=threads, **files)

    def work():
        return Path(node.run(cwd=str(scratch)).outputs.out_files[0])

    return work


def high_variance(data, scratch, threads, series, masked=False):
    """Confounds from the voxels that vary most, as HighVarianceConfounds gets them: from files to an array."""
    from nipype_labels.core.highvariance import high_variance_confounds
    from nipype_labels.files.series import open_series
    from nipype_labels.files.volumes import read_mask

    series_file, mask_file = data.series(**series), data.mask() if masked else None

    def work():
        series = open_series(series_file)
        voxels = np.arange(series.n_voxels)
        if mask_file is not None:
            voxels = np.flatnonzero(read_mask(mask_file)[0].reshape(-1, order='F'))
        blocks = partial(series.blocks, threads)
        found = high_variance_confounds(blocks, series.n_volumes, voxels, decoder=series.decoder())
        # What matters is the space they span: the sign of each is arbitrary.
        return found @ found.T

    return work


def project(data, scratch, threads, n_labels):
    """Signals back in space, as InverseProject puts them there: from an array and an atlas to a compressed series."""
    from nipype_labels.core.strategies import RegionIndex
    from nipype_labels.files.series import SeriesWriter

    atlas_file, signals, path = data.atlas(n_labels), np.load(data.region_signals(n_labels)), scratch / 'out.nii.gz'

    def work():
        atlas = _read_atlas(atlas_file)
        index, grid = RegionIndex.of(atlas), atlas.space
        with SeriesWriter(path, (*grid.shape, len(signals)), grid.affine, 2.0, 'float32') as writer:
            for row in signals:
                writer.write(index.spread(row, grid.size, np.float32).reshape(grid.shape, order='F'))
        return path

    return work


def clean(data, scratch, threads, **options):
    """Signals cleaned, as CleanSignal does it: from arrays to an array."""
    import scipy.linalg
    import scipy.signal  # noqa: F401

    from nipype_labels.core.clean import clean

    signals, confounds = (np.loadtxt(data.table(name), skiprows=1) for name in ('signals', 'confounds'))
    return lambda: clean(signals, confounds, **options).signals


def clean_tables(data, scratch, threads, **options):
    """The same from table to table."""
    import scipy.linalg
    import scipy.signal  # noqa: F401

    from nipype_labels.core.clean import clean
    from nipype_labels.files.confounds import read_confounds
    from nipype_labels.files.tables import read_signals, write_signals

    signals_file, confounds_file = data.table('signals'), data.table('confounds')

    def work():
        names, signals = read_signals(signals_file)
        confounds = read_confounds([confounds_file], len(signals)).to_numpy()
        cleaned = clean(signals, confounds, **options).signals
        write_signals(scratch / 'cleaned.tsv', names, cleaned)
        return cleaned

    return work
