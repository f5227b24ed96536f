# SPDX-License-Identifier: BSD-3-Clause
"""Node that writes the outputs of an extraction as a BIDS derivatives dataset."""

import os
from dataclasses import replace
from pathlib import Path

from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, traits

from .. import __version__
from ..bids.dataset import (
    README,
    SOURCE_DATASET,
    describe_atlas,
    describe_dataset,
    find_atlas_description,
    list_ignored,
    make_uri,
    name_atlas_description,
)
from ..bids.manifest import read_digest
from ..bids.outputs import plan_files, plan_others
from ..bids.sidecars import CLEANING, AtlasSource, Provenance, describe_file, to_json
from ..files.atomic import copy_content, create_folder, has_content, write_atomically
from ..files.coverage import read_coverage
from ..files.digests import content_digest
from ..files.hemispheres import find_pair
from ..files.json_files import parse_json, read_json
from ..files.parcellations import split_map
from ..files.tables import round_table
from ..model.entities import find_contradictions
from ..model.errors import LabelsError
from ..model.outputs import DERIVATIVES, DRAWN, NODE_OUTPUTS
from ..model.software import read_versions
from .base import InputFile, LabelsInputSpec, LabelsInterface, logger
from .parameters import trait
from .process_guard import exit_if_orphaned

#: What is logged of outputs that change.
REPLACED = '%s: outputs of other inputs or parameters are replaced: %s'


def _declare_output(output):
    """Return the input for an output of the extraction."""
    metadata = {'mandatory': not output.needs, 'desc': output.description}
    return InputMultiObject(InputFile(), **metadata) if output.per_atlas else InputFile(**metadata)


#: Inputs for the outputs of an extraction, one per row of the registry.
_OutputsInputSpec = type(
    '_OutputsInputSpec', (LabelsInputSpec,), {output.key: _declare_output(output) for output in NODE_OUTPUTS}
)


class _SaveDerivativesInputSpec(_OutputsInputSpec):
    # Raised whenever descriptions or keys of sidecars change.
    numerics = 13

    out_dir = traits.Str(mandatory=True, hash_files=False, desc='folder of the dataset to write')
    source = traits.Str(mandatory=True, hash_files=False, desc='path of the series within its dataset')
    more_sources = traits.List(
        traits.Str(), hash_files=False, desc='paths of further inputs (confounds, mask) within the same dataset'
    )
    dataset_links = traits.Str(
        '{}', usedefault=True, hash_files=False, desc='JSON object: where the dataset "preprocessed" and others are'
    )
    atlas_labels = traits.List(traits.Str(), mandatory=True, hash_files=False, desc='label of each atlas')
    atlas_scales = traits.List(
        traits.Str(), hash_files=False, desc='label of the scale of each atlas, empty for an atlas without one'
    )
    digits = trait('digits')
    desc = traits.Str(hash_files=False, desc='label that distinguishes these files from those of other parameters')
    parameters = traits.Str('{}', usedefault=True, hash_files=False, desc="JSON object of the factory's parameters")
    methods = traits.Str(hash_files=False, desc='methods boilerplate')
    atlas_files = InputMultiObject(InputFile(), mandatory=True, desc='the atlases as they were given, for checksums')
    areas_file = InputFile(desc='either file of a pair with areas of vertices, as it was given, for checksums')
    bold_sidecar = InputFile(
        desc='JSON sidecar of the series, the source of its slice timing, repetition time and space'
    )
    confounds_file = InputFile(desc='confounds table of fMRIPrep, the source of the mean framewise displacement')

    def more_to_hash(self):
        """Hash the names of the files of atlases, which sidecars contain, and the descriptions of the atlases."""
        paths = self.atlas_files or []
        return [
            ('names of atlas_files', [Path(path).name for path in paths]),
            ('name of areas_file', Path(self.areas_file).name if self.areas_file else None),
            ('descriptions of atlases', [_digest_description(path) for path in paths]),
        ]


class _SaveDerivativesOutputSpec(TraitedSpec):
    out_files = traits.List(File(exists=True), desc='all files of the run, then those of the dataset')


class SaveDerivatives(LabelsInterface):
    """Write the outputs of an extraction, each with a sidecar, under BIDS names.

    A sidecar shows that its file is complete and belongs to these parameters. Sidecars of files that change are deleted
    first; then files are written, and sidecars last. If the run is killed, incomplete files have no sidecar.
    Files that differ only in their extensions share the sidecar that describes the first one.

    Raises
    ------
    LabelsError
        If the outputs do not match the parameters, a name cannot be built, a file of another series would be replaced,
        or the folder cannot be written to.
    """

    input_spec = _SaveDerivativesInputSpec
    output_spec = _SaveDerivativesOutputSpec

    def _run_interface(self, runtime):
        out_dir = Path(self.inputs.out_dir).expanduser().absolute()
        planned, others = self._plan()
        data, sidecars = self._contents(planned)
        try:
            top = self._top(out_dir)
            self._check_sources(out_dir, planned)
            removed = [path for file in others for path in (file.path, file.sidecar) if path is not None]
            self.refuse_to_replace_inputs([out_dir / path for path in (*data, *sidecars, *removed)])
            for path, content in top.items():
                if not has_content(path, content):
                    _save(path, content)
            for path in _clear(out_dir, planned, others, data, sidecars):
                _save(out_dir / path, data[path] if path in data else sidecars[path])
        except OSError as e:
            raise LabelsError(f'can not write to {out_dir}: {e.strerror or e} ({e.filename or "unknown file"})') from e
        written = [*(out_dir / path for path in (*data, *sidecars)), *top]
        self._results['out_files'] = [str(path) for path in written]
        return runtime

    def list_written(self):
        """Return the files of the run: those of the dataset are shared by all runs, and may be edited."""
        out_dir = Path(self.inputs.out_dir).expanduser().absolute()
        return [path for path in super().list_written() if Path(path).parent != out_dir]

    def _plan(self):
        """Return the files of the run, and those that other parameters may have left."""
        parameters = parse_json(self.inputs.parameters, 'SaveDerivatives.parameters')
        drawn = [key for key in DRAWN if self.get_input(key)]
        choices = (self.inputs.source, self.inputs.atlas_labels, parameters, self.get_input('desc') or None)
        choices += (self.get_input('atlas_scales') or None,)
        planned = plan_files(*choices, drawn)
        keys = {file.key for file in planned}
        for output in DERIVATIVES:
            if output.needs and (output.key in keys) != bool(self.get_input(output.key)):
                asked = 'ask for this output, but it is not given'
                if output.key not in keys:
                    asked = 'do not ask for this output, but it is given'
                raise LabelsError(f'SaveDerivatives.{output.key}: the parameters {asked}')
        lists = [output.key for output in NODE_OUTPUTS if output.per_atlas and self.get_input(output.key)]
        for key in ('atlas_files', *lists):
            n = len(getattr(self.inputs, key))
            if n != len(self.inputs.atlas_labels):
                raise LabelsError(f'SaveDerivatives.{key}: {n} files for {len(self.inputs.atlas_labels)} atlases')
        return planned, plan_others(planned, *choices)

    def _contents(self, planned):
        """Return the contents of files and sidecars, by their paths within the dataset."""
        provenance = self._provenance()
        atlases = [self._atlas(place) for place in range(len(self.inputs.atlas_labels))]
        data, sidecars = {}, {}
        for file in planned:
            atlas = None if file.atlas is None else atlases[file.atlas]
            if not file.output.node:
                data[file.path] = _format_lookup(atlas)
                continue
            run = replace(provenance, warnings=self._contradictions(provenance, file.atlas))
            given = getattr(self.inputs, file.key)
            path = Path(given if file.atlas is None else given[file.atlas])
            rounded = run.digits is not None and 'digits' in file.output.derivative.facts
            data[file.path] = round_table(path, run.digits) if rounded else path
            if file.sidecar is not None and file.sidecar not in sidecars:
                names = _read_header(path, file, atlas)
                sidecars[file.sidecar] = to_json(describe_file(file, planned, run, atlas, names)).encode()
        return data, sidecars

    def _provenance(self):
        """Return what sidecars contain about the run."""
        sidecar = self.get_input('bold_sidecar')
        cleaning = read_json(self.inputs.cleaning)
        missing = [key for key in CLEANING if key not in cleaning]
        if missing:
            raise LabelsError(
                f'{self.inputs.cleaning} is not a valid cleaning.json. Missing keys: {", ".join(missing)}'
            )
        return Provenance(
            source=self.inputs.source,
            parameters=parse_json(self.inputs.parameters, 'SaveDerivatives.parameters'),
            methods=self.get_input('methods', ''),
            cleaning=cleaning,
            series=read_json(sidecar) if sidecar else {},
            versions=read_versions(),
            areas=tuple(_describe_areas(self.get_input('areas_file'))),
            more_sources=tuple(self.get_input('more_sources', ())),
            mean_displacement=self._mean_displacement(cleaning['NumberOfVolumes']),
            digits=self.get_input('digits'),
        )

    def _mean_displacement(self, n_volumes):
        """Return the mean framewise displacement in mm; None without a table that has it."""
        if not self.get_input('confounds_file'):
            return None
        from ..files.confounds import read_mean_displacement  # takes pandas, which takes time to import

        return read_mean_displacement(self.inputs.confounds_file, n_volumes)

    def _contradictions(self, provenance, place):
        """Return contradictions between the names of the files that a file was made from, its atlas among them."""
        cleaned = provenance.cleaning.get('Warnings', [])
        atlases = [path for i, path in enumerate(self.inputs.atlas_files) if i == place]
        others = [Path(path).name for path in self.inputs.atlas_files if path not in atlases]
        cleaned = [warning for warning in cleaned if not any(name in warning for name in others)]
        masks = [path for path in provenance.more_sources if '_mask.' in path]
        tables = [path for path in provenance.more_sources if path not in masks]
        found = find_contradictions(provenance.source, masks[0] if masks else None, tables, atlases)
        return tuple(dict.fromkeys([*cleaned, *map(str, found)]))

    def _atlas(self, place):
        """Return what sidecars contain about an atlas."""
        path = Path(self.inputs.atlas_files[place])
        digest = read_digest(split_map(path)[0])
        regions = read_coverage(self.inputs.regions[place])
        indices = dict(zip(regions.name, regions.index.tolist(), strict=True))
        infos = self.get_input('connectivity_info', [])
        info = read_json(infos[place]) if infos else {}
        return AtlasSource(self.inputs.atlas_labels[place], path.name, digest, indices, info)

    def _top(self, out_dir):
        """Return the contents of the dataset's own files, by path; an existing README is the user's."""
        description, ignored = out_dir / 'dataset_description.json', out_dir / '.bidsignore'
        links = parse_json(self.inputs.dataset_links, 'SaveDerivatives.dataset_links')
        # A link that leads nowhere, as data managers leave them, is a description that can't be read here.
        existing = read_json(description) if os.path.lexists(description) else None
        described = describe_dataset(__version__, links, existing, description)
        listed = list_ignored(ignored.read_text('utf-8', 'surrogateescape') if ignored.exists() else '')
        top = {description: to_json(described).encode(), ignored: listed.encode('utf-8', 'surrogateescape')}
        readme = out_dir / 'README.md'
        if readme.exists() or not any(out_dir.glob('README*')):
            top[readme] = readme.read_bytes() if readme.exists() else README.encode()
        return top | self._describe_atlases(out_dir)

    def _describe_atlases(self, out_dir):
        """Return descriptions of atlases whose own datasets describe them, by path; an existing one is the user's."""
        descriptions = {}
        for label, image in zip(self.inputs.atlas_labels, self.inputs.atlas_files, strict=True):
            source, path = find_atlas_description(image), out_dir / name_atlas_description(label)
            described = describe_atlas(source) if source is not None and not path.exists() else None
            if described is not None:
                descriptions[path] = to_json(described).encode()
        return descriptions

    def _check_sources(self, out_dir, planned):
        """Refuse to write over what was made of another series."""
        source = make_uri(self.inputs.source, SOURCE_DATASET)
        for file in planned:
            path = out_dir / (file.sidecar or '')
            if not file.is_direct or not path.is_file():
                continue
            sources = read_json(path).get('Sources')
            if not (isinstance(sources, list) and sources[:1] == [source]):
                made_of = sources[0] if isinstance(sources, list) and sources else 'something that it does not name'
                raise LabelsError(
                    f'{path} was made of {made_of}, not of {source}: write each to a folder of its own, or delete '
                    'the files of one'
                )


def _describe_areas(path):
    """Yield the names and digests of the files of areas of vertices."""
    for file in [] if path is None else find_pair(path):
        yield {'File': Path(file).name, 'SHA256': read_digest(file)}


def _digest_description(image):
    """Return the digest of the description of an atlas; None without it, or if the run will report why not."""
    try:
        path = find_atlas_description(image)
        return path and content_digest(path)
    except OSError:
        return None


def _save(path, content):
    """Write bytes, or a copy of a file, atomically, unless this worker process is orphaned."""
    create_folder(path.parent)
    with write_atomically(path) as partial:
        copy_content(content, partial)
        exit_if_orphaned()


def _clear(out_dir, planned, others, data, sidecars):
    """Remove outdated files, sidecars first, and files that will be written again, sidecars last.

    What was computed from files that change now, and is not computed any more, would pass for a result of these.
    """
    exit_if_orphaned()
    changed = [file for file in planned if not has_content(out_dir / file.path, data[file.path])]
    # Drawings have no sidecar, and change whenever an atlas is added.
    replaced = sorted(file.path for file in changed if file.sidecar and (out_dir / file.path).is_file())
    if replaced:
        logger.warning(REPLACED, out_dir, ', '.join(replaced))
    keys = {(file.key, file.atlas) for file in changed}
    cleaned = {atlas for key, atlas in keys if key == 'timeseries'}
    left = [
        file
        for file in others
        if file.atlas in cleaned
        or (file.atlas is None and cleaned)
        or keys & {(source, file.atlas) for source in file.output.derivative.sources}
    ]
    stale = {file.sidecar for file in changed}
    # What is drawn has no sidecar, and is marked by that of the run's volumes.
    stale |= {file.sidecar for file in planned if file.key == 'censoring' and None in stale}
    stale |= {path for path, content in sidecars.items() if not has_content(out_dir / path, content)}
    # A sidecar can be that of another file too, which is planned.
    unused = {file.sidecar for file in left} - sidecars.keys()
    for path in [*stale, *unused, *(file.path for file in left)]:
        if path is not None:
            (out_dir / path).unlink(missing_ok=True)
    return [*(file.path for file in changed), *(path for path in sidecars if path in stale)]


def _format_lookup(atlas):
    """Return the TSV of the ids and names of an atlas's regions, as bytes."""
    return ''.join(['index\tname\n', *(f'{index}\t{name}\n' for name, index in atlas.indices.items())]).encode()


def _read_header(path, file, atlas):
    """Return the names of a table's columns, which are regions of the atlas if they head time series; () otherwise."""
    if file.output.derivative.extension != '.tsv':
        return ()
    with path.open(encoding='utf-8-sig') as stream:
        names = stream.readline().rstrip('\n').split('\t')
    unknown = [name for name in names if atlas and not file.output.derivative.columns and name not in atlas.indices]
    if unknown:
        raise LabelsError(f'{path} has columns that its coverage table does not have: {", ".join(unknown[:5])}')
    return names
