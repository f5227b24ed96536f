# SPDX-License-Identifier: BSD-3-Clause
"""Node that writes time series and coverage of regions as CIFTI parcels."""

from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, traits

from ..core.validation import check_cifti_outputs
from ..files.coverage import read_coverage
from ..files.surface_images import write_parcel_scalars, write_parcel_series
from ..model.errors import errors_name
from .base import InputFile, LabelsInputSpec, LabelsInterface
from .output_names import ENDINGS
from .project import describe_kind, read_columns


class _WriteParcelsInputSpec(LabelsInputSpec):
    named_by = ('signals_files',)
    names_only = ('bold_file',)

    signals_files = InputMultiObject(
        InputFile(), mandatory=True, desc='denoised time series of one CIFTI series, a table per atlas'
    )
    raw_files = InputMultiObject(InputFile(), mandatory=True, desc='time series before denoising')
    labels_files = InputMultiObject(InputFile(), mandatory=True, desc='labels of the time series, .dlabel.nii')
    regions_files = InputMultiObject(
        InputFile(), mandatory=True, desc='their coverage tables, which have the id of each name'
    )
    bold_file = InputFile(mandatory=True, nohash=True, desc='the series; only its name is read')
    t_r = traits.Float(desc='repetition time in s for the header')

    def more_to_hash(self):
        """Hash whether the series is CIFTI, as its name says."""
        return describe_kind(self.bold_file)


class _WriteParcelsOutputSpec(TraitedSpec):
    out_files = traits.List(File(exists=True), desc='denoised time series, .ptseries.nii')
    raw_out_files = traits.List(File(exists=True), desc='time series before denoising, .ptseries.nii')
    coverage_files = traits.List(File(exists=True), desc='coverage of the regions, 0 to 1, .pscalar.nii')


class WriteParcels(LabelsInterface):
    """Write time series and coverage of the regions of a CIFTI series as CIFTI parcels, in float32.

    A parcel has the vertices and voxels of its region within the mask. What is n/a in the tables is NaN.

    Raises
    ------
    LabelsError
        If the series is not CIFTI, a column is not a region, or float32 cannot hold a value.
    """

    input_spec = _WriteParcelsInputSpec
    output_spec = _WriteParcelsOutputSpec

    def _run_interface(self, runtime):
        check_cifti_outputs({'cifti_outputs': True}, self.inputs.bold_file)
        rows = self.zip_inputs('signals_files', 'raw_files', 'labels_files', 'regions_files')
        keys = {'parcels': 'out_files', 'raw_parcels': 'raw_out_files', 'coverage_parcels': 'coverage_files'}
        names = {}
        for key, field in keys.items():
            names[key], self._results[field] = self.output_paths(runtime, ENDINGS[key], len(rows))
        for i, (signals_file, raw_file, labels_file, regions_file) in enumerate(rows):
            regions = read_coverage(regions_file)
            for key, file in (('parcels', signals_file), ('raw_parcels', raw_file)):
                atlas, signals = read_columns(file, labels_file, regions, regions_file)
                with errors_name(file), self.write_output(runtime, names[key][i]) as path:
                    write_parcel_series(path, atlas, signals, self.get_input('t_r'))
            every = atlas.select(regions.index, regions.name)
            with self.write_output(runtime, names['coverage_parcels'][i]) as path:
                write_parcel_scalars(path, every, regions.coverage, 'coverage')
        return runtime
