# SPDX-License-Identifier: BSD-3-Clause
"""Node that intersects labels with a mask and starts the coverage table."""

from dataclasses import replace

from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, isdefined, traits

from ..core.coverage import CoverageTable
from ..files.coverage import write_coverage
from ..files.grids import report_contradiction
from ..files.lut import choose_lookup_table
from ..files.volumes import read_labels, read_mask, write_volume
from ..model.atlas import Atlas, region_ids
from ..model.errors import LookupTableError, errors_name
from .base import InputFile, LabelsInputSpec, LabelsInterface, digest_found_tables, logger
from .output_names import ENDINGS
from .parameters import switch, trait


class _ApplyMaskInputSpec(LabelsInputSpec):
    named_by = ('atlas_files', 'labels_files')

    labels_files = InputMultiObject(InputFile(), mandatory=True, desc='label images on the grid of the signals')
    atlas_files = InputMultiObject(
        InputFile(), desc='the same atlases on their own grids, to count what was lost; labels_files by default'
    )
    mask_files = InputMultiObject(InputFile(), desc='mask on the grid of the labels, one for all or one for each')
    use_mask = switch('use_mask')
    lut_files = InputMultiObject(
        traits.Either(None, InputFile()),
        xor=['labels'],
        desc='look-up table of each atlas; None: the table in the header of the atlas, or next to its image, if any',
    )
    use_luts = switch('use_luts')
    labels = trait('labels', xor=['lut_files'])
    background_label = trait('background_label')

    def more_to_hash(self):
        """Tables that are found, not given."""
        if isdefined(self.labels):
            return []
        atlases = self.atlas_files if isdefined(self.atlas_files) else self.labels_files
        luts = self.lut_files if isdefined(self.lut_files) else [None]
        luts = luts * len(atlases) if isdefined(atlases) and len(luts) == 1 else luts
        unnamed = [atlas for atlas, lut in zip(atlases or [], luts, strict=False) if lut is None]
        return [('found tables', digest_found_tables(unnamed))]


class _ApplyMaskOutputSpec(TraitedSpec):
    out_files = traits.List(File(exists=True), desc='labels within the mask')
    regions_files = traits.List(File(exists=True), desc='coverage tables, before any time series is read')


class ApplyMask(LabelsInterface):
    """Exclude labels outside a mask, and write the coverage table: one row per row of the look-up table.

    Raises
    ------
    LabelsError
        If an image or a table cannot be read, a mask is on another grid, names do not match, or no region is left.
    """

    input_spec = _ApplyMaskInputSpec
    output_spec = _ApplyMaskOutputSpec
    _switches = {'use_mask': 'mask_files', 'use_luts': 'lut_files'}

    def _run_interface(self, runtime):
        rows = self.zip_inputs('labels_files', 'atlas_files', 'mask_files', 'lut_files')
        label_names, out_files = self.output_paths(runtime, ENDINGS['labels'], len(rows))
        region_names, regions_files = self.output_paths(runtime, ENDINGS['regions'], len(rows))
        for i, (labels_file, atlas_file, mask_file, lut_file) in enumerate(rows):
            background = self.inputs.background_label
            # The atlas first: its errors name the file of the user, not one that was made from it.
            labels, grid = read_labels(atlas_file or labels_file, background)
            lookup = self._lookup(labels, atlas_file or labels_file, lut_file)
            atlas = Atlas(grid, labels, lookup['index'].to_numpy(), lookup['name'].to_numpy(), background)
            labels, grid = read_labels(labels_file, background)
            resampled = replace(atlas, space=grid, labels=labels)
            for space in (atlas.space, grid):
                report_contradiction(space, logger.warning)
            masked = self._mask(resampled, mask_file)
            regions = CoverageTable.of_placed(atlas, resampled, masked)
            regions.require_regions(atlas, grid)
            with self.write_output(runtime, label_names[i]) as path:
                write_volume(path, masked.labels, grid.affine, grid.doubt)
            with self.write_output(runtime, region_names[i]) as path:
                write_coverage(path, regions)
        self._results.update(out_files=out_files, regions_files=regions_files)
        return runtime

    def _mask(self, atlas, mask_file):
        """Return the atlas within the mask, if there is one."""
        if mask_file is None:
            return atlas
        mask, mask_grid = read_mask(mask_file)
        report_contradiction(mask_grid, logger.warning)
        mask_grid.require(atlas.space, 'resample the mask to the labels')
        return atlas.within(mask)

    def _lookup(self, labels, atlas_file, lut_file):
        """Return the look-up table without the background."""
        background = self.inputs.background_label
        with errors_name(atlas_file):
            ids = region_ids(labels, background)
        names = self.get_input('labels')
        if lut_file is None and names is not None and len(self.inputs.labels_files) > 1:
            raise LookupTableError('labels names the regions of one atlas; give look-up tables for several')
        lookup = choose_lookup_table(ids, atlas_file, names, lut_file, logger.warning)
        return lookup[lookup['index'] != background]
