# SPDX-License-Identifier: BSD-3-Clause
"""Node that reduces a series to one signal per region, for all atlases in one pass."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, traits

from ..core.ahead import begin_reading
from ..core.coverage import COLLINEAR_MAPS, MISSING_REGIONS, CoverageTable
from ..core.reduce import choose_reducer, reduce_series
from ..core.rows import RowReducer, reduce_rows
from ..core.validation import check_surface_parameters, check_volume_parameters
from ..files.areas import add_areas, require_areas
from ..files.atlases import read_atlas, read_placed
from ..files.coverage import read_coverage, write_coverage
from ..files.elements import name_image
from ..files.grids import report_contradiction, require_orientation
from ..files.spaces import is_surface, open_any_series
from ..files.surface_images import write_dense_scalars
from ..files.tables import write_signals
from ..files.volumes import write_volume
from ..model.atlas import unused_id
from ..model.errors import LabelsError, errors_name
from .base import InputFile, LabelsInputSpec, LabelsInterface, logger, read_blocks
from .output_names import ENDINGS
from .parameters import trait


class _ReduceLabelsInputSpec(LabelsInputSpec):
    # 2: sums add voxels in the order of memory, and splines on oblique grids are products with weights.
    # 3: values beyond single precision count as not finite.
    # 5: voxels of labels that are not finite belong to no region, also where a region has the id 0.
    numerics = 5
    named_by = ('labels_files',)
    names_only = ('atlas_files',)

    in_file = InputFile(mandatory=True, desc='series to reduce, 4D or 3D')
    labels_files = InputMultiObject(InputFile(), mandatory=True, desc='label images, masked')
    regions_files = InputMultiObject(
        InputFile(), desc='their coverage tables, from ApplyMask; by default every id of an image is a region'
    )
    atlas_files = InputMultiObject(
        InputFile(), nohash=True, desc='the same atlases as they were given; only their names are read, for errors'
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
    zeros = trait('zeros')
    weight = trait('weight')
    areas_file = InputFile(desc='either file of a pair with surfaces or areas of vertices, for weights by area')
    missing_labels = trait('missing_labels')
    min_coverage = trait('min_coverage')
    unknown_orientation = trait('unknown_orientation')
    num_threads = trait('num_threads', nohash=True)


class _ReduceLabelsOutputSpec(TraitedSpec):
    out_files = traits.List(File(exists=True), desc='signals, a column per region and a row per volume')
    regions_files = traits.List(File(exists=True), desc='completed coverage tables')
    mean_file = File(exists=True, desc='mean volume of the series')
    t_r = traits.Float(desc='repetition time in s in the header of the series, undefined if missing')


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
        series = open_any_series(self.inputs.in_file)
        report_contradiction(series.grid, logger.warning)
        require_areas(self.inputs.weight, self.get_input('areas_file'))
        if is_surface(self.inputs.in_file):
            return self._reduce_rows(runtime, series)
        check_volume_parameters({'weight': self.inputs.weight, 'zeros': self.get_input('zeros')})
        decoder = series.decoder(self.inputs.dtype)
        files = self.zip_inputs('labels_files', 'regions_files', 'atlas_files')
        threads = self.inputs.num_threads
        with begin_reading(partial(read_blocks, series, threads), threads) as blocks:
            with ThreadPoolExecutor(threads) as pool:
                reducers, atlases, tables = zip(*pool.map(partial(self._reducer, series), files), strict=True)
            with errors_name(self.inputs.in_file):
                reductions, mean = reduce_series(blocks, series.n_volumes, reducers, decoder, threads)
        self._write(runtime, reductions, atlases, tables)
        with self.write_output(runtime, 'mean.nii.gz', 'mean_file') as path:
            volume = mean.reshape(series.grid.shape, order='F').astype('float32')
            write_volume(path, volume, series.grid.affine, series.grid.doubt)
        if series.t_r is not None:
            self._results['t_r'] = series.t_r
        return runtime

    def _reduce_rows(self, runtime, series):
        """Reduce a series of surfaces, whose elements are stored one after another."""
        given = {name: getattr(self.inputs, name) for name in ('smoothing_fwhm', 'resampling_target')}
        check_surface_parameters(given, self.inputs.in_file)
        pairs = self.zip_inputs('labels_files', 'regions_files')
        atlases, tables = zip(*(self._atlas(*pair) for pair in pairs), strict=True)
        for atlas in atlases:
            atlas.space.require(series.space, "set resampling_target='data', or match the labels to the series")
        options = {'strategy': self.inputs.strategy, 'nan_policy': self.inputs.nan_policy}
        options['zeros'] = self.get_input('zeros', 'omit')
        if self.get_input('areas_file') is not None:
            options['areas'] = add_areas(series.space, self.inputs.areas_file).areas
        reducers = [RowReducer(atlas, **options) for atlas in atlases]
        blocks, decoder = partial(read_blocks, series, self.inputs.num_threads), series.decoder(self.inputs.dtype)
        with errors_name(self.inputs.in_file):
            reductions, mean = reduce_rows(blocks, series.n_volumes, reducers, decoder)
        self._write(runtime, reductions, atlases, tables)
        with self.write_output(runtime, name_image('mean.nii.gz', series.space, '.dscalar.nii'), 'mean_file') as path:
            write_dense_scalars(path, series.space, mean, 'mean')
        if series.t_r is not None:
            self._results['t_r'] = series.t_r
        return runtime

    def _reducer(self, series, files):
        """Return the reducer of an atlas, the atlas, and its coverage table."""
        *pair, atlas_file = files
        atlas, regions = self._atlas(*pair)
        if atlas_file is not None:  # errors name the file of the user, not one that was made from it
            atlas = replace(atlas, space=replace(atlas.space, path=atlas_file))
        if self.inputs.resampling_target == 'labels':
            require_orientation(series.grid, atlas.space, self.inputs.unknown_orientation)
        reducer = choose_reducer(
            atlas,
            series.grid,
            resampling_target=self.inputs.resampling_target,
            interpolation=self.inputs.interpolation,
            strategy=self.inputs.strategy,
            smoothing_fwhm=self.inputs.smoothing_fwhm,
            nan_policy=self.inputs.nan_policy,
            # With several atlases the threads are theirs.
            num_threads=self.inputs.num_threads if len(self.inputs.labels_files) == 1 else 1,
        )
        return reducer, atlas, regions

    def _atlas(self, labels_file, regions_file):
        """Return an atlas and its coverage table."""
        background = self.inputs.background_label
        if regions_file is None:
            atlas = read_atlas(labels_file, background=background, warn=logger.warning)
            regions = CoverageTable.of(atlas)
            regions.require_regions(atlas, atlas.space)
            return atlas, regions
        regions = read_coverage(regions_file)
        if background != 0 and background in regions.index:
            raise LabelsError(f'{regions_file} lists the region {background}, which is the background_label')
        return read_placed(labels_file, regions.index, regions.name, unused_id(regions.index)), regions

    def _write(self, runtime, reductions, atlases, tables):
        """Write time series and coverage tables, after the policies for regions without a signal."""
        out_names, self._results['out_files'] = self.output_paths(runtime, ENDINGS['raw_timeseries'], len(tables))
        region_names, self._results['regions_files'] = self.output_paths(runtime, ENDINGS['regions'], len(tables))
        for i, (reduction, atlas, table) in enumerate(zip(reductions, atlases, tables, strict=True)):
            regions = table.with_signals(reduction, atlas.space.measure, self.inputs.min_coverage)
            missing = regions.list_missing()
            if missing:
                logger.warning(MISSING_REGIONS, self.inputs.labels_files[i], missing)
            collinear = regions.list_collinear()
            if collinear:
                logger.warning(COLLINEAR_MAPS, self.inputs.labels_files[i], collinear)
            with errors_name(self.inputs.in_file), errors_name(self.inputs.labels_files[i]):
                columns, kept = regions.apply_missing_policy(reduction.signals, self.inputs.missing_labels)
            with self.write_output(runtime, out_names[i]) as path:
                write_signals(path, regions.name[kept], columns)
            with self.write_output(runtime, region_names[i]) as path:
                write_coverage(path, regions)
