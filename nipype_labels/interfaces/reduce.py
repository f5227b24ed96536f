# SPDX-License-Identifier: BSD-3-Clause
"""Node that reduces a series to one signal per region, for all atlases in one pass."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, traits

from ..core.grid import voxel_volume
from ..core.mask import region_ids
from ..core.reduce import reduce_series
from ..core.regions import blank_missing, list_missing, unused_id
from ..files.grids import report_contradiction
from ..files.lut import choose_lookup_table
from ..files.reducing import make_reducer
from ..files.regions import begin_regions, complete_regions, read_regions, write_regions
from ..files.series import open_series
from ..files.tables import write_signals
from ..files.volumes import read_labels, write_volume
from ..model.errors import LabelsError, errors_name
from .base import InputFile, LabelsInputSpec, LabelsInterface, logger, read_blocks
from .parameters import trait

#: What is logged of regions that have no signal.
MISSING_REGIONS = '%s: regions without a signal: %s'


class _ReduceLabelsInputSpec(LabelsInputSpec):
    # 2: sums add voxels in the order of memory, and splines on oblique grids are products with weights.
    # 3: values beyond single precision count as not finite.
    # 5: voxels of labels that are not finite belong to no region, also where a region has the id 0.
    numerics = 5

    in_file = InputFile(mandatory=True, desc='series to reduce, 4D or 3D')
    labels_files = InputMultiObject(InputFile(), mandatory=True, desc='label images, masked')
    regions_files = InputMultiObject(
        InputFile(), desc='their coverage tables, from ApplyMask; by default every id of an image is a region'
    )
    background_label = trait(
        'background_label', desc='id of voxels that belong to no region, in images without a coverage table'
    )
    strategy = trait('strategy')
    smoothing_fwhm = trait('smoothing_fwhm')
    resampling_target = trait('resampling_target')
    interpolation = trait('interpolation')
    dtype = trait('dtype')
    nan_policy = trait('nan_policy')
    missing_labels = trait('missing_labels')
    min_coverage = trait('min_coverage')
    unknown_orientation = trait('unknown_orientation')
    num_threads = trait('num_threads', nohash=True)


class _ReduceLabelsOutputSpec(TraitedSpec):
    out_files = traits.List(File(exists=True), desc='signals, a column per region and a row per volume')
    regions_files = traits.List(File(exists=True), desc='completed regions tables')
    mean_file = File(exists=True, desc='mean volume of the series')
    t_r = traits.Float(desc='repetition time in s that the header of the series gives, undefined if none')


class ReduceLabels(LabelsInterface):
    """Reduce a series to region signals in one forward pass, for any number of label images.

    The series is never in memory whole, and nothing four-dimensional is written.

    Raises
    ------
    LabelsError
        If the series cannot be read to its end, labels are not on the required grid, or a required region is missing.
    """

    input_spec = _ReduceLabelsInputSpec
    output_spec = _ReduceLabelsOutputSpec

    def _run_interface(self, runtime):
        series = open_series(self.inputs.in_file)
        report_contradiction(series.grid, logger.warning)
        decoder = series.decoder(self.inputs.dtype)
        pairs = self.zip_inputs('labels_files', 'regions_files')
        threads = self.inputs.num_threads
        with ThreadPoolExecutor(threads) as pool:
            reducers, tables, volumes = zip(*pool.map(partial(self._reducer, series, decoder), pairs), strict=True)
        blocks = partial(read_blocks, series, threads)
        with errors_name(self.inputs.in_file):
            signals, mean = reduce_series(blocks, series.n_volumes, reducers, decoder, threads)
        self._write(runtime, signals, tables, reducers, volumes)
        with self.write_output(runtime, 'mean.nii.gz', 'mean_file') as path:
            volume = mean.reshape(series.grid.shape, order='F').astype('float32')
            write_volume(path, volume, series.grid.affine, series.grid.doubt)
        if series.t_r is not None:
            self._results['t_r'] = series.t_r
        return runtime

    def _reducer(self, series, decoder, pair):
        """What reduces the series to one atlas, its coverage table, and the volume of the atlas's voxels in mm³."""
        regions, labels, labels_grid = self._regions(*pair)
        reducer = make_reducer(
            series,
            labels,
            labels_grid,
            regions['index'].to_numpy(),
            decoder,
            resampling_target=self.inputs.resampling_target,
            interpolation=self.inputs.interpolation,
            unknown_orientation=self.inputs.unknown_orientation,
            strategy=self.inputs.strategy,
            smoothing_fwhm=self.inputs.smoothing_fwhm,
            nan_policy=self.inputs.nan_policy,
            # With several atlases the threads are theirs.
            num_threads=self.inputs.num_threads if len(self.inputs.labels_files) == 1 else 1,
        )
        return reducer, regions, voxel_volume(labels_grid.affine)

    def _regions(self, labels_file, regions_file):
        """Coverage table of an atlas, its labels and their grid."""
        background = self.inputs.background_label
        if regions_file is None:
            labels, grid = read_labels(labels_file, background)
            with errors_name(labels_file):
                lookup = choose_lookup_table(region_ids(labels, background), labels_file, warn=logger.warning)
            lookup = lookup[lookup['index'] != background]
            return begin_regions(lookup, labels, grid, labels, grid, labels), labels, grid
        regions = read_regions(regions_file)
        if background != 0 and background in set(regions['index']):
            raise LabelsError(f'{regions_file} lists the region {background}, which is the background_label')
        return regions, *read_labels(labels_file, unused_id(regions['index']))

    def _write(self, runtime, signals, tables, reducers, volumes):
        """Write signals and regions tables, after the policies for regions without a signal."""
        out_names, self._results['out_files'] = self.output_paths(runtime, 'signals-{}.tsv', len(signals))
        region_names, self._results['regions_files'] = self.output_paths(runtime, 'regions-{}.tsv', len(signals))
        for i, (values, begun, reducer, volume) in enumerate(zip(signals, tables, reducers, volumes, strict=True)):
            regions = complete_regions(
                begun, values, reducer.n_used, reducer.n_in_view, volume, self.inputs.min_coverage
            )
            missing = list_missing(regions['name'], regions['status'])
            if missing:
                logger.warning(MISSING_REGIONS, self.inputs.labels_files[i], missing)
            status, policy = regions['status'].to_numpy(), self.inputs.missing_labels
            with errors_name(self.inputs.in_file), errors_name(self.inputs.labels_files[i]):
                columns, kept = blank_missing(values, status, regions['name'], policy)
            with self.write_output(runtime, out_names[i]) as path:
                write_signals(path, regions['name'][kept], columns)
            with self.write_output(runtime, region_names[i]) as path:
                write_regions(path, regions)
