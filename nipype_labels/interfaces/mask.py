# SPDX-License-Identifier: BSD-3-Clause
"""Node that intersects labels with a mask and starts the coverage table."""

import itertools
from dataclasses import replace

from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, isdefined, traits

from ..core.coverage import CoverageTable
from ..files.areas import add_areas, require_areas
from ..files.atlases import is_table, list_origins, read_atlas, read_placed, read_surface_atlas
from ..files.coverage import write_coverage
from ..files.elements import name_image, read_any_mask, write_labels
from ..files.grids import report_contradiction
from ..files.spaces import is_surface
from ..files.weights import SUFFIX, write_weights
from ..model.errors import LabelsError, LookupTableError, errors_name
from ..model.weighted import OVERLAPPING, WeightedAtlas
from .base import InputFile, LabelsInputSpec, LabelsInterface, digest_found_tables, logger
from .output_names import ENDINGS
from .parameters import switch, trait
from .workflow_inputs import name_input


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
    weight = trait('weight')
    areas_file = InputFile(desc='either file of a pair with surfaces or areas of vertices, for weights by area')
    allow_overlap = trait('allow_overlap')

    def more_to_hash(self):
        """Hash the tables that are found, not given."""
        if isdefined(self.labels):
            return []
        atlases = self.atlas_files if isdefined(self.atlas_files) else self.labels_files
        luts = self.lut_files if isdefined(self.lut_files) else []
        # Lists of other lengths are refused when the node runs.
        unnamed = [atlas for atlas, lut in itertools.zip_longest(atlases or [], luts) if lut is None]
        return [('found tables', digest_found_tables(unnamed))]


class _ApplyMaskOutputSpec(TraitedSpec):
    out_files = traits.List(
        File(exists=True), desc='atlases within the mask: label images, or weights of maps and spheres'
    )
    image_files = traits.List(
        File(exists=True), desc='the same as label images: of maps and spheres, the region with the largest weight'
    )
    regions_files = traits.List(File(exists=True), desc='coverage tables, before any time series is read')


class ApplyMask(LabelsInterface):
    """Exclude labels outside a mask, and write the coverage table: one row per row of the look-up table.

    Raises
    ------
    LabelsError
        If an image or a table cannot be read, a mask is on another grid, names do not match, regions overlap without
        ``allow_overlap``, or no region is left.
    """

    input_spec = _ApplyMaskInputSpec
    output_spec = _ApplyMaskOutputSpec
    switches = {'use_mask': 'mask_files', 'use_luts': 'lut_files'}

    def _run_interface(self, runtime):
        areas_file = self.get_input('areas_file')
        require_areas(self.inputs.weight, areas_file)
        self._require_lut_of_each()
        rows = self.zip_inputs('labels_files', 'atlas_files', 'mask_files', 'lut_files')
        label_names, image_files = self.output_paths(runtime, ENDINGS['labels'], len(rows))
        out_files = list(image_files)
        region_names, regions_files = self.output_paths(runtime, ENDINGS['regions'], len(rows))
        for i, (labels_file, atlas_file, mask_file, lut_file) in enumerate(rows):
            atlas, resampled, origin = self._read(labels_file, atlas_file, lut_file)
            if areas_file is not None:
                atlas, resampled = (
                    replace(each, space=add_areas(each.space, areas_file)) for each in (atlas, resampled)
                )
            for space in (atlas.space, resampled.space):
                report_contradiction(space, logger.warning)
            if isinstance(resampled, WeightedAtlas) and not self.inputs.allow_overlap:
                with errors_name(atlas_file or labels_file):
                    resampled.refuse_overlap()
            masked = self._mask(resampled, mask_file)
            regions = CoverageTable.of_placed(atlas, resampled, masked).with_columns(origin)
            regions.require_regions(atlas, resampled.space)
            name = name_image(label_names[i], masked.space, '.dlabel.nii')
            with self.write_output(runtime, name) as path:
                write_labels(path, masked)
            out_files[i] = image_files[i] = str(self.output_path(runtime, name))
            if isinstance(masked, WeightedAtlas):
                out_files[i] = self._write_weights(runtime, name, masked)
            with self.write_output(runtime, region_names[i]) as path:
                write_coverage(path, regions)
        if out_files == image_files and not self.inputs.allow_overlap:
            raise LabelsError(f'allow_overlap given, but it only acts with {OVERLAPPING}')
        self._results.update(out_files=out_files, image_files=image_files, regions_files=regions_files)
        return runtime

    def _require_lut_of_each(self):
        """Raise LookupTableError if there are more or fewer look-up tables than atlases: names are never shared."""
        n_luts, n_atlases = len(self.get_input('lut_files', [])), len(self.inputs.labels_files)
        if n_luts not in (0, n_atlases):
            raise LookupTableError(
                f'{name_input(self, "lut_files")}: the number of look-up tables ({n_luts}) is not that of the atlases '
                f'({n_atlases}). Pass one for each atlas, in their order, or None to find the table of an atlas'
            )

    def _mask(self, atlas, mask_file):
        """Return the atlas within the mask, if there is one."""
        if mask_file is None:
            return atlas
        mask, mask_grid = read_any_mask(mask_file)
        report_contradiction(mask_grid, logger.warning)
        mask_grid.require(atlas.space, 'resample the mask to the labels')
        return atlas.within(mask)

    def _read(self, labels_file, atlas_file, lut_file):
        """Return an atlas with the regions of its look-up table, on its own grid and on that of the time series.

        The third result has columns with the origin of the regions of surfaces.
        """
        names, background = self.get_input('labels'), self.inputs.background_label
        if atlas_file is not None and is_table(atlas_file):
            if lut_file is not None or names is not None:
                raise LookupTableError(f'{atlas_file} has the names of its seeds: look-up tables are for images')
            spheres = read_placed(labels_file)
            if getattr(spheres, 'seeds', None) is None:
                raise LookupTableError(f'{labels_file} does not hold the spheres of {atlas_file}')
            return spheres.seeds.on_endless(replace(spheres.space, path=str(atlas_file))), spheres, {}
        if lut_file is None and names is not None and len(self.inputs.labels_files) > 1:
            raise LookupTableError('labels names the regions of one atlas; give look-up tables for several')
        # The atlas first: its errors name the file of the user, not one that was made from it.
        own, origin = atlas_file or labels_file, {}
        if is_surface(own):
            atlas, lookup = read_surface_atlas(own, names, lut_file, background, logger.warning)
            origin = list_origins(lookup)
        else:
            atlas = read_atlas(own, names, lut_file, background, logger.warning)
        placed = atlas if own == labels_file else read_placed(labels_file, atlas.ids, atlas.names, background)
        return atlas, placed, origin

    def _write_weights(self, runtime, name, masked):
        """Write the weights of maps or spheres next to their label image, which has this name; return the path."""
        name = name.removesuffix('.nii.gz') + SUFFIX
        with self.write_output(runtime, name) as path:
            write_weights(path, masked)
        return str(self.output_path(runtime, name))
