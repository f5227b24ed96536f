# SPDX-License-Identifier: BSD-3-Clause
"""Node of the inverse transform: region values mapped back to an image."""

import numpy as np
from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, traits

from ..core.strategies import RegionIndex
from ..files.atlases import read_placed
from ..files.coverage import read_coverage
from ..files.elements import name_image
from ..files.gifti_images import write_pair
from ..files.series import SeriesWriter
from ..files.surface_images import write_dense_series
from ..files.tables import read_signals
from ..model.atlas import unused_id
from ..model.errors import LabelsError, SignalError, errors_name
from ..model.grayordinates import CIFTI_NAME, Grayordinates
from ..model.outputs import LEFT
from .base import InputFile, LabelsInputSpec, LabelsInterface
from .output_names import ENDINGS
from .parameters import trait


class _InverseProjectInputSpec(LabelsInputSpec):
    # 2: voxels that are not finite belong to no region, also where a region has the id 0.
    # 3: images of pairs of hemispheres are GIFTI.
    numerics = 3
    named_by = ('signals_files',)
    names_only = ('bold_file',)

    signals_files = InputMultiObject(InputFile(), mandatory=True, desc='signals to project, a column per region')
    labels_files = InputMultiObject(
        InputFile(),
        mandatory=True,
        desc='label images to project onto: those of the signals, or the atlases themselves',
    )
    regions_files = InputMultiObject(
        InputFile(), mandatory=True, desc='their coverage tables, which have the id of each name'
    )
    bold_file = InputFile(
        nohash=True,
        desc='the series; images of surfaces are CIFTI, or files of two hemispheres, as its name says. Default: as the '
        'labels are',
    )
    fill_value = trait('fill_value')
    t_r = traits.Float(desc='repetition time in s for the header')
    out_dtype = traits.Enum('float32', 'float64', usedefault=True, hash_files=False, desc='type of the voxels')
    squeeze = traits.Bool(
        True,
        usedefault=True,
        desc='write a single row as a 3D image; on surfaces as a map, unless bold_file is given',
    )

    def more_to_hash(self):
        """Hash whether the series is CIFTI, as its name says."""
        return describe_kind(self.bold_file)


class _InverseProjectOutputSpec(TraitedSpec):
    out_files = traits.List(
        File(exists=True), desc='images in which each voxel shows the signal of its region; of pairs, left hemispheres'
    )
    right_files = traits.List(File(exists=True), desc='of pairs, right hemispheres; undefined otherwise')


class InverseProject(LabelsInterface):
    """Map region values back to an image, volume by volume; voxels outside all regions are 0.

    Images are of the kind of the series: NIfTI, CIFTI, or a ``.func.gii`` file for each hemisphere.

    Raises
    ------
    LabelsError
        If a column is not a region, or a value is beyond the range of the type of the voxels.
    """

    input_spec = _InverseProjectInputSpec
    output_spec = _InverseProjectOutputSpec

    def _run_interface(self, runtime):
        rows = self.zip_inputs('signals_files', 'labels_files', 'regions_files')
        names, paths = self.output_paths(runtime, ENDINGS['projected'], len(rows))
        right_names, right_paths = self.output_paths(runtime, ENDINGS['projected_right'], len(rows))
        pairs = []
        for i, (signals_file, labels_file, regions_file) in enumerate(rows):
            atlas, signals = read_columns(signals_file, labels_file, read_coverage(regions_file), regions_file)
            signals = np.where(np.isnan(signals), self.get_input('fill_value', np.nan), signals)
            # Derivatives name the image of a series of surfaces before its volumes are counted.
            is_series = isinstance(atlas.space, Grayordinates) and self.get_input('bold_file') is not None
            is_map = len(signals) == 1 and self.inputs.squeeze and not is_series
            pairs.append(self._is_pair(atlas.space))
            end = LEFT if pairs[i] else '.dscalar.nii' if is_map else '.dtseries.nii'
            name = name_image(names[i], atlas.space, end)
            paths[i] = str(self.output_path(runtime, name))
            with errors_name(signals_file), self.write_output(runtime, name) as path:
                if pairs[i]:
                    with self.write_output(runtime, right_names[i]) as right:
                        write_pair((path, right), atlas, signals, self.get_input('t_r'), is_map)
                elif isinstance(atlas.space, Grayordinates):
                    write_dense_series(path, atlas, signals, self.get_input('t_r'), self.inputs.out_dtype, is_map)
                else:
                    self._write_volumes(path, atlas, signals, is_map)
        if len(set(pairs)) > 1:
            raise LabelsError(
                'InverseProject.labels_files: parcellations of pairs of hemispheres are given with other images. Run a '
                'node for each, or set bold_file'
            )
        self._results['out_files'] = paths
        if all(pairs):
            self._results['right_files'] = right_paths
        return runtime

    def _is_pair(self, space):
        """Return whether images on a space are files of two hemispheres: as the series, or as the labels."""
        series = self.get_input('bold_file')
        is_pair = isinstance(space, Grayordinates) and (
            space.is_pair if series is None else not CIFTI_NAME.search(series)
        )
        if is_pair and self.inputs.out_dtype != 'float32':
            raise LabelsError('InverseProject.out_dtype must be float32 for pairs of hemispheres: GIFTI has no float64')
        return is_pair

    def _write_volumes(self, path, atlas, signals, is_map):
        """Write values at the voxels of regions as NIfTI."""
        grid, index = atlas.space, RegionIndex.of(atlas)
        shape, dtype = grid.shape if is_map else (*grid.shape, len(signals)), self.inputs.out_dtype
        with SeriesWriter(path, shape, grid.affine, self.get_input('t_r'), dtype, grid.doubt) as writer:
            for row in signals:
                writer.write(index.spread(row, grid.size, dtype).reshape(grid.shape, order='F'))


def describe_kind(bold_file):
    """Return what a node hashes of the name of a series, if it has one: whether it is CIFTI."""
    return [('is CIFTI', bool(CIFTI_NAME.search(bold_file)))] if bold_file else []


def read_columns(signals_file, labels_file, regions, regions_file):
    """Return the regions of the columns of time series, as an atlas on its own space, and the values, shape (T, L).

    ``regions`` is the coverage table in ``regions_file``, which has the id of each name.
    """
    columns, signals = read_signals(signals_file)
    ids = dict(zip(regions.name, regions.index, strict=True))
    unknown = [name for name in columns if name not in ids]
    if unknown:
        raise SignalError(
            f'{signals_file} has columns that are not regions in {regions_file}: {", ".join(unknown[:5])}'
        )
    atlas = read_placed(labels_file, [ids[name] for name in columns], columns, unused_id(regions.index))
    return atlas, signals
