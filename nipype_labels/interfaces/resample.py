# SPDX-License-Identifier: BSD-3-Clause
"""Node that resamples images to the grids of others."""

import numpy as np
from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, traits

from ..core.resample import Sampler, clip_range
from ..files.atlases import is_table, refuse_seeds
from ..files.elements import name_image, read_space, read_surface_labels, write_labels
from ..files.grids import open_header, report_contradiction, require_orientation
from ..files.parcellations import split_map
from ..files.seeds import read_seeds
from ..files.series import SeriesWriter, open_series
from ..files.spaces import is_surface
from ..files.volumes import read_volume, write_volume
from ..files.weights import SUFFIX, read_maps, write_weights
from ..model.errors import LabelsError
from ..model.parameters import PARAMETERS, SPHERES
from .base import InputFile, LabelsInputSpec, LabelsInterface, broadcast, logger, read_grid_or_none
from .output_names import ENDINGS
from .parameters import trait


class _ResampleInputSpec(LabelsInputSpec):
    # 2: values of series beyond single precision count as not finite.
    numerics = 2
    named_by = ('in_files',)
    grids = ('reference_files',)

    in_files = InputMultiObject(InputFile(), mandatory=True, desc='label images, masks or series to resample')
    reference_files = InputMultiObject(
        InputFile(), mandatory=True, nohash=True, desc='image whose grid to take, one for all or one for each input'
    )
    interpolation = trait(
        'interpolation',
        choices=PARAMETERS['interpolation'].choices[::-1],
        desc='nearest for labels and masks; linear or cubic for series',
    )
    background_label = trait('background_label')
    maps = traits.Bool(
        False,
        usedefault=True,
        desc='whether 4D images are probabilistic maps, which are interpolated linearly and written as weights',
    )
    radius = trait('radius')
    include_nearest = trait('include_nearest')
    unknown_orientation = trait('unknown_orientation')
    num_threads = trait('num_threads', nohash=True)

    def more_to_hash(self):
        """Hash the names of inputs that are handed on: equal content may be found under another name by now."""
        files, references = self.in_files or [], self.reference_files or []
        if not (files and references) or (1 not in (len(files), len(references)) and len(files) != len(references)):
            return []
        pairs = broadcast(files, references, names=('in_files', 'reference_files'))
        grids = ((path, read_grid_or_none(path), read_grid_or_none(reference)) for path, reference in pairs)
        return [('handed on', [path for path, own, wanted in grids if own and wanted and own.matches(wanted)])]


class _ResampleOutputSpec(TraitedSpec):
    out_files = traits.List(File(exists=True), desc='resampled images; an input whose grid agrees is handed on itself')


class Resample(LabelsInterface):
    """Resample images to the grids of others.

    Label images and masks (3D) take the nearest voxel. Series (4D) are streamed; cubic and linear values are kept
    within the series' own range. An image on the grid of its reference is handed on unchanged.

    Raises
    ------
    LabelsError
        If an image can't be read, there are neither one reference nor as many as images, or left and right of an image
        that is to be resampled, or of its reference, are unknown.
    """

    input_spec = _ResampleInputSpec
    output_spec = _ResampleOutputSpec

    def _run_interface(self, runtime):
        pairs = self.zip_inputs('in_files', 'reference_files')
        out_names, out_files = self.output_paths(runtime, ENDINGS['resampled'], len(pairs))
        of_seeds = [name for name in SPHERES if self.get_input(name) not in (None, PARAMETERS[name].neutral)]
        if of_seeds and not any(is_table(in_file) for in_file, _ in pairs):
            raise LabelsError(f'{of_seeds[0]} given, but it only acts with tables of seeds')
        for i, (in_file, reference_file) in enumerate(pairs):
            refuse_seeds(reference_file)
            target = read_space(reference_file, whole=True)
            if is_table(in_file):
                report_contradiction(target, logger.warning)
                out_files[i] = self._write(runtime, out_names[i], self._place_seeds(in_file, target))
                continue
            own = read_space(in_file)
            for where in (own, target):
                report_contradiction(where, logger.warning)
            require_orientation(own, target, self.inputs.unknown_orientation)
            # A map of a file of several must be written to a separate file.
            if own.matches(target) and split_map(in_file)[1] is None:
                out_files[i] = in_file
                continue
            if is_surface(in_file) or is_surface(reference_file):
                out_files[i] = self._match(in_file, own, target, runtime, out_names[i])
                continue
            if self.inputs.maps and len(open_header(in_file).shape) > 3:
                out_files[i] = self._write(runtime, out_names[i], read_maps(in_file).on(target))
                continue
            with self.write_output(runtime, out_names[i]) as path:
                flat = len(open_header(in_file).shape) == 3 and self.inputs.interpolation == 'nearest'
                (self._labels if flat else self._series)(in_file, target, path)
        self._results['out_files'] = out_files
        return runtime

    def _match(self, in_file, own, target, runtime, name):
        """Write labels of surfaces at the vertices and voxels of others; return the path."""
        # Of a volume and surfaces, or of different meshes, this raises.
        own.locate(target)
        name = name_image(name, target, '.dlabel.nii')
        with self.write_output(runtime, name) as path:
            write_labels(path, read_surface_labels(in_file).on(target))
        return str(self.output_path(runtime, name))

    def _place_seeds(self, path, target):
        """Return the spheres of a table of seeds on a grid."""
        return read_seeds(path, self.get_input('radius'), self.inputs.include_nearest).on(target)

    def _write(self, runtime, name, atlas):
        """Write an atlas with weights; return its path."""
        name = name.removesuffix('.nii.gz') + SUFFIX
        with self.write_output(runtime, name) as path:
            write_weights(path, atlas)
        return str(self.output_path(runtime, name))

    def _labels(self, in_file, target, path):
        """Resample a label image or mask."""
        fill = self.inputs.background_label
        values, source = read_volume(in_file)
        values = values.astype(np.result_type(values.dtype, np.min_scalar_type(fill)), copy=False)
        values = np.where(np.isfinite(values), values, values.dtype.type(fill))
        write_volume(path, source.resample_nearest(values, target, fill), target.affine, target.doubt)

    def _series(self, in_file, target, path):
        """Resample a series volume by volume, in a first pass finding its range."""
        series, threads = open_series(in_file), self.inputs.num_threads
        decode, clip = series.decoder(), (0.0, 0.0)
        grid, kind = series.grid, self.inputs.interpolation
        sampler = Sampler(grid, target, None, kind)
        for _, block in series.blocks(threads) if kind != 'nearest' else ():
            clip = clip_range(decode(block), *clip)
        shape = (*target.shape, *open_header(in_file).shape[3:])
        with SeriesWriter(path, shape, target.affine, series.t_r, series.float_type, target.doubt) as writer:
            for _, block in series.blocks(threads):
                for stored in block:
                    volume = decode(stored).reshape(grid.shape, order='F')
                    values, _ = sampler.sample(volume, None if kind == 'nearest' else clip)
                    writer.write(values.reshape(target.shape, order='F'))
