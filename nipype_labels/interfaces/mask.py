# SPDX-License-Identifier: BSD-3-Clause
"""Node that intersects labels with a mask and begins the regions table."""

from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, isdefined, traits

from ..core.mask import apply_mask, region_ids
from ..files.grids import report_contradiction
from ..files.lut import choose_lookup_table
from ..files.regions import begin_regions, write_regions
from ..files.volumes import read_labels, read_mask, write_volume
from ..model.errors import LookupTableError, errors_name
from .base import InputFile, LabelsInputSpec, LabelsInterface, digest_found_tables, logger
from .parameters import switch, trait


class _ApplyMaskInputSpec(LabelsInputSpec):
    labels_files = InputMultiObject(InputFile(), mandatory=True, desc='label images on the grid of the signals')
    atlas_files = InputMultiObject(
        InputFile(), desc='the same atlases on their own grids, to know what was lost; labels_files by default'
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
    regions_files = traits.List(File(exists=True), desc='regions tables, so far without signals')


class ApplyMask(LabelsInterface):
    """Keep labels where a mask is, and list the regions: one row per row of the look-up table, whatever is left.

    Raises
    ------
    LabelsError
        If an image or a table can't be read, a mask is on another grid, names do not fit, or no region is left.
    """

    input_spec = _ApplyMaskInputSpec
    output_spec = _ApplyMaskOutputSpec
    _switches = {'use_mask': 'mask_files', 'use_luts': 'lut_files'}

    def _run_interface(self, runtime):
        rows = self.zip_inputs('labels_files', 'atlas_files', 'mask_files', 'lut_files')
        label_names, out_files = self.output_paths(runtime, 'labels-{}.nii.gz', len(rows))
        region_names, regions_files = self.output_paths(runtime, 'masked_regions-{}.tsv', len(rows))
        for i, (labels_file, atlas_file, mask_file, lut_file) in enumerate(rows):
            background = self.inputs.background_label
            # The atlas first: what is wrong with it is said of the user's file, not of one made from it.
            atlas, atlas_grid = read_labels(atlas_file or labels_file, background)
            labels, grid = read_labels(labels_file, background)
            for where in (atlas_grid, grid):
                report_contradiction(where, logger.warning)
            masked = self._mask(labels, grid, mask_file)
            lookup = self._lookup(atlas, atlas_file or labels_file, lut_file)
            regions = begin_regions(lookup, atlas, atlas_grid, labels, grid, masked)
            with self.write_output(runtime, label_names[i]) as path:
                write_volume(path, masked, grid.affine, grid.doubt)
            with self.write_output(runtime, region_names[i]) as path:
                write_regions(path, regions)
        self._results.update(out_files=out_files, regions_files=regions_files)
        return runtime

    def _mask(self, labels, grid, mask_file):
        """Labels within the mask, if there is one."""
        if mask_file is None:
            return labels
        mask, mask_grid = read_mask(mask_file)
        report_contradiction(mask_grid, logger.warning)
        mask_grid.require(grid, 'resample the mask to the labels')
        return apply_mask(labels, mask, self.inputs.background_label)

    def _lookup(self, atlas, atlas_file, lut_file):
        """Names of the regions, without the background's."""
        background = self.inputs.background_label
        with errors_name(atlas_file):
            ids = region_ids(atlas, background)
        names = self.get_input('labels')
        if lut_file is None and names is not None and len(self.inputs.labels_files) > 1:
            raise LookupTableError('labels names the regions of one atlas; give look-up tables for several')
        lookup = choose_lookup_table(ids, atlas_file, names, lut_file, logger.warning)
        return lookup[lookup['index'] != background]
