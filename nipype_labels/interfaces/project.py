# SPDX-License-Identifier: BSD-3-Clause
"""Node of the inverse transform: region values mapped back to an image."""

import numpy as np
from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, traits

from ..core.strategies import RegionIndex
from ..files.atlases import read_placed
from ..files.coverage import read_coverage
from ..files.elements import name_image
from ..files.series import SeriesWriter
from ..files.surface_images import write_dense_series
from ..files.tables import read_signals
from ..model.atlas import unused_id
from ..model.errors import SignalError, errors_name
from ..model.grayordinates import Grayordinates
from .base import InputFile, LabelsInputSpec, LabelsInterface
from .output_names import ENDINGS
from .parameters import trait


class _InverseProjectInputSpec(LabelsInputSpec):
    # 2: voxels that are not finite belong to no region, also where a region has the id 0.
    numerics = 2
    named_by = ('signals_files',)

    signals_files = InputMultiObject(InputFile(), mandatory=True, desc='signals to project, a column per region')
    labels_files = InputMultiObject(
        InputFile(),
        mandatory=True,
        desc='label images to project onto: those of the signals, or the atlases themselves',
    )
    regions_files = InputMultiObject(
        InputFile(), mandatory=True, desc='their coverage tables, which have the id of each name'
    )
    fill_value = trait('fill_value')
    t_r = traits.Float(desc='repetition time in s for the header')
    out_dtype = traits.Enum('float32', 'float64', usedefault=True, hash_files=False, desc='type of the voxels')
    squeeze = traits.Bool(True, usedefault=True, desc='write a single row as a 3D image')


class _InverseProjectOutputSpec(TraitedSpec):
    out_files = traits.List(File(exists=True), desc='images in which each voxel shows the signal of its region')


class InverseProject(LabelsInterface):
    """Map region values back to an image, volume by volume; voxels outside all regions are 0.

    Raises
    ------
    LabelsError
        If a column is not a region, or a value is beyond the range of the type of the voxels.
    """

    input_spec = _InverseProjectInputSpec
    output_spec = _InverseProjectOutputSpec

    def _run_interface(self, runtime):
        t_r, rows = self.get_input('t_r'), self.zip_inputs('signals_files', 'labels_files', 'regions_files')
        names, paths = self.output_paths(runtime, ENDINGS['projected'], len(rows))
        for i, (name, (signals_file, labels_file, regions_file)) in enumerate(zip(names, rows, strict=True)):
            atlas, signals = read_columns(signals_file, labels_file, read_coverage(regions_file), regions_file)
            signals = np.where(np.isnan(signals), self.get_input('fill_value', np.nan), signals)
            if isinstance(atlas.space, Grayordinates):
                paths[i] = self._write_elements(runtime, name, atlas, signals, t_r)
                continue
            grid, index = atlas.space, RegionIndex.of(atlas)
            shape = grid.shape if len(signals) == 1 and self.inputs.squeeze else (*grid.shape, len(signals))
            with (
                errors_name(signals_file),
                self.write_output(runtime, name) as path,
                SeriesWriter(path, shape, grid.affine, t_r, self.inputs.out_dtype, grid.doubt) as writer,
            ):
                for row in signals:
                    writer.write(index.spread(row, grid.size).reshape(grid.shape, order='F'))
        self._results['out_files'] = paths
        return runtime

    def _write_elements(self, runtime, name, atlas, signals, t_r):
        """Write values at the elements of surfaces as CIFTI; return the path."""
        is_map = len(signals) == 1 and self.inputs.squeeze
        name = name_image(name, atlas.space, 'dscalar' if is_map else 'dtseries')
        with self.write_output(runtime, name) as path:
            write_dense_series(path, atlas, signals, t_r, self.inputs.out_dtype, is_map)
        return str(self.output_path(runtime, name))


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
