# SPDX-License-Identifier: BSD-3-Clause
"""Manifest of each run: from what its outputs were made, and their digests, so that reuse can be verified.

A manifest is written last, after all outputs of its run are on disk. A run without one is not complete. There is one
file per run and ``desc``: jobs that process other runs of the same dataset never write it.
"""

import csv
import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path

from ..files.atomic import create_folder, write_atomically
from ..files.digests import content_digest, image_digest
from ..files.json_files import read_json
from ..files.parcellations import split_map
from ..model.errors import LabelsError
from ..model.software import COMPUTING_LIBRARIES, read_version

#: Folder of the manifests in the dataset.
FOLDER = 'manifests'

#: This package, and libraries whose minor version can change numbers.
SOFTWARE = ('nipype_labels', *COMPUTING_LIBRARIES)

#: Sections of a manifest.
SECTIONS = ('Software', 'Parameters', 'Atlases', 'Inputs', 'Outputs')

#: Keys of each entry of a section.
_NEEDED = {
    'Atlases': {'File', 'Digest', 'LookupTable'},
    'Inputs': {'Size', 'Times', 'Digest'},
    'Outputs': {'Size', 'Times', 'Digest'},
}


@dataclass(frozen=True)
class Request:
    """What a call asks of one run.

    Attributes
    ----------
    inputs : dict of str to Path
        Files to read, by their paths within the dataset of the series.
    outputs : tuple of str
        Paths of the files to write within the dataset of derivatives.
    drawn : tuple of str
        Those among them that show all atlases.
    parameters : dict
        In canonical form.
    atlases : dict of str to dict
        Digests of each atlas, by label; see :func:`digest_atlas`.
    """

    inputs: dict
    outputs: tuple
    drawn: tuple
    parameters: dict
    atlases: dict = field(default_factory=dict)


def name_manifest(run_name, desc=None):
    """Return the path of the manifest of a run within the dataset of derivatives."""
    return f'{FOLDER}/{run_name}{f"_desc-{desc}" if desc else ""}.json'


def read_manifest(path):
    """Return a manifest as a dict; None if it does not exist; LabelsError if it is damaged."""
    if not path.is_file():
        return None
    content = read_json(path)
    if not all(isinstance(content.get(key), dict) for key in SECTIONS):
        raise LabelsError(f'{path} is not a manifest: it must have the objects {", ".join(SECTIONS)}')
    if not all(isinstance(text, str) for text in content['Software'].values()):
        raise LabelsError(f'{path} is not a manifest: versions of Software must be text')
    for key, needed in _NEEDED.items():
        if not all(isinstance(entry, dict) and needed <= entry.keys() for entry in content[key].values()):
            raise LabelsError(f'{path} is not a manifest: entries of {key} must have {", ".join(sorted(needed))}')
    return content


def list_software():
    """Return the versions of this package and of the libraries that compute."""
    return {name: read_version(name) for name in SOFTWARE}


def digest_atlas(path, lookup):
    """Return the file name and digest of an atlas, and the digest of its look-up table (columns by name)."""
    table = io.StringIO()
    csv.writer(table, lineterminator='\n').writerows([[*lookup], *zip(*lookup.values(), strict=True)])
    file, _ = split_map(path)
    return {
        'File': Path(path).name,
        'Digest': image_digest(file),
        'LookupTable': hashlib.md5(table.getvalue().encode()).hexdigest(),
    }


def describe_inputs(inputs):
    """Return the size, times and MD5 digest of each input, by its path within its dataset."""
    return {path: _describe(file, content_digest) for path, file in inputs.items()}


def write_manifest(path, out, request, inputs, earlier=None):
    """Write the manifest of a run whose outputs are complete; LabelsError if one is missing or an input has changed.

    ``inputs`` are those that were described before the run. Outputs for other atlases that an ``earlier`` manifest
    records stay recorded, if they were made of the same inputs with the same parameters.
    """
    for name, file in request.inputs.items():
        if _has_changed(file, inputs[name], content_digest):
            raise LabelsError(f'{file} has changed while it was processed. Run the same command again')
    outputs, atlases = {}, dict(request.atlases)
    if earlier is not None and not _compare_sources(earlier, request):
        atlases = earlier['Atlases'] | atlases
        intact = [name for name in earlier['Outputs'] if not find_damage(out, earlier, name)]
        outputs = {name: earlier['Outputs'][name] for name in intact}
    for name in request.outputs:
        if not (out / name).is_file():
            raise LabelsError(f'{out / name} has not been written, or was removed. Run the same command again')
        outputs[name] = _describe(out / name, read_digest)
    for name in request.drawn:
        outputs[name]['Atlases'] = sorted(request.atlases)
    content = dict(zip(SECTIONS, (list_software(), request.parameters, atlases, inputs, outputs), strict=True))
    create_folder(path.parent)
    with write_atomically(path) as partial:
        partial.write_text(json.dumps(content, indent=1, sort_keys=True) + '\n', encoding='utf-8')


def find_change(manifest, request, out):
    """Return why a run must be processed again, None if it is complete."""
    changed = _compare_sources(manifest, request)
    if changed:
        return changed
    for label, atlas in request.atlases.items():
        known = manifest['Atlases'].get(label)
        if known is None:
            return f'atlas {label} is new'
        if known != atlas:
            part = 'the look-up table of atlas' if known.get('Digest') == atlas['Digest'] else 'atlas'
            return f'{part} {label} has changed'
    for name in request.outputs:
        entry = manifest['Outputs'].get(name)
        if entry is None:
            return f'{name} is new'
        if name in request.drawn and not set(request.atlases) <= set(entry.get('Atlases', ())):
            return f'{name} does not show all atlases'
        damage = find_damage(out, manifest, name)
        if damage:
            return f'{name} {damage}'
    return None


def find_damage(out, manifest, name, read=False):
    """Return what is wrong with the output ``name`` of a manifest, None if nothing is.

    The content is read only if the size is right and the times have changed, or if ``read``.
    """
    try:
        changed = _has_changed(out / name, manifest['Outputs'][name], read_digest, read)
        return 'differs from what was written' if changed else None
    except FileNotFoundError:
        return 'is missing'
    except OSError as e:
        return f'cannot be read: {e.strerror}'


def read_digest(path):
    """Return the SHA-256 digest of the content of a file as it is now."""
    with Path(path).open('rb') as stream:
        return hashlib.file_digest(stream, 'sha256').hexdigest()


def list_differences(known, other):
    """Return what differs between two manifests that must be equal among runs: (name, value, value) of each.

    Compared are the parameters and the versions that can change numbers.

    >>> list_differences(*({'Software': {}, 'Parameters': {'strategy': name}} for name in ('mean', 'sum')))
    [('strategy', 'mean', 'sum')]
    """
    pairs = [(name, *(each['Software'].get(name, 'unknown') for each in (known, other))) for name in SOFTWARE]
    found = [(name, one, two) for name, one, two in pairs if _numeric(name, one) != _numeric(name, two)]
    one, two = known['Parameters'], other['Parameters']
    return found + [(key, one.get(key), two.get(key)) for key in sorted({*one, *two}) if one.get(key) != two.get(key)]


def _numeric(name, text):
    """Return the part of a version that can change numbers: of libraries, the minor version."""
    return text if name == SOFTWARE[0] else text.split('.')[:2]


def _compare_sources(manifest, request):
    """Return how software, parameters or inputs differ from those of a manifest; None if they do not."""
    now = {'Software': list_software(), 'Parameters': json.loads(json.dumps(request.parameters))}
    differences = list_differences(manifest, now)
    if differences:
        return ', '.join(f'{name} changed from {old} to {new}' for name, old, new in differences)
    known = manifest['Inputs']
    for name in sorted({*known, *request.inputs}):
        if name not in request.inputs:
            return f'{name} is not an input any more'
        if name not in known:
            return f'{name} is a new input'
        if _has_changed(request.inputs[name], known[name], content_digest):
            return f'{name} has changed'
    return None


def _describe(path, digest):
    """Return size, times of change and digest of a file."""
    status = path.stat()
    return {'Size': status.st_size, 'Times': [status.st_mtime_ns, status.st_ctime_ns], 'Digest': digest(path)}


def _has_changed(path, entry, digest, read=False):
    """Whether a file differs from its entry; it is read only if its times differ, or if told to ``read``."""
    status = path.stat()
    if status.st_size != entry['Size']:
        return True
    # No program can set back the second one.
    touched = [status.st_mtime_ns, status.st_ctime_ns] != entry['Times']
    return (touched or read) and digest(path) != entry['Digest']
