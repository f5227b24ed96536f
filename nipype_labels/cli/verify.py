# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels verify``: compare the derivatives of all runs with their manifests."""

import sys
from collections import Counter
from pathlib import Path

from .. import __version__
from ..bids.dataset import describe_dataset
from ..bids.manifest import FOLDER, find_damage, list_differences, read_manifest
from ..files.json_files import read_json
from ..model.errors import LabelsError
from .messages import in_options


def verify(out):
    """Print a line for each problem of a dataset of derivatives; return 1 if there is one, else 0."""
    out = Path(out).absolute()
    description = out / 'dataset_description.json'
    if not description.is_file():
        raise LabelsError(f'{out} is not a dataset of derivatives: dataset_description.json is missing')
    describe_dataset(__version__, existing=read_json(description), where=description)
    manifests, problems = read_manifests(out)
    n_files = 0
    for path, manifest in manifests.items():
        for name in manifest['Outputs']:
            n_files += 1
            damage = find_damage(out, manifest, name, read=True)
            if damage:
                problems.append(f'{name} {damage} (manifest: {path})')
    problems += [f'{name} is not in a manifest: its run was not completed' for name in _list_unknown(out, manifests)]
    problems += list_mixtures(manifests)
    for problem in problems:
        print(in_options(problem))
    remedy = '. To repair outputs, run the level participant again with the same options' if problems else ''
    print(f'manifests: {len(manifests)}, files: {n_files}, problems: {len(problems)}{remedy}', file=sys.stderr)
    return 1 if problems else 0


def read_manifests(out, start=''):
    """Return the manifests of a dataset by their paths within it, and a line for each that is damaged.

    The names of the files begin with ``start``, perhaps a participant such as ``'sub-01_'``.
    """
    manifests, problems = {}, []
    for path in sorted((out / FOLDER).glob(f'{start or "[!.]"}*.json')):
        try:
            manifests[f'{FOLDER}/{path.name}'] = read_manifest(path)
        except LabelsError as e:
            problems.append(str(e))
    return manifests, problems


def list_mixtures(manifests):
    """Return a line for each run that differs from most runs of the same ``desc`` in parameters, software or atlas."""
    lines = []
    for desc in sorted({_get_desc(path) for path in manifests}):
        alike = {path: manifest for path, manifest in manifests.items() if _get_desc(path) == desc}
        usual = _choose_usual(alike.values())
        for path, manifest in alike.items():
            found = [f'{name} is {value}, not {most}' for name, most, value in list_differences(usual, manifest)]
            lines += [f'{path}: {"; ".join(found)} as in most runs'] if found else []
        for label in sorted({label for manifest in alike.values() for label in manifest['Atlases']}):
            lines += _compare_atlases(label, {path: each['Atlases'].get(label) for path, each in alike.items()})
    return lines


def _compare_atlases(label, atlases):
    """Return a line for each run whose atlas of this label differs from that of most runs."""
    atlases = {path: atlas for path, atlas in atlases.items() if atlas is not None}
    keys = {path: (atlas.get('Digest'), atlas.get('LookupTable')) for path, atlas in atlases.items()}
    ((usual, _),) = Counter(keys.values()).most_common(1)
    parts = {path: 'image' if key[0] != usual[0] else 'look-up table' for path, key in keys.items() if key != usual}
    return [f'{path}: the {part} of atlas {label} is not that of most runs' for path, part in parts.items()]


def _choose_usual(manifests):
    """Return a manifest with the parameters of most runs."""
    groups = []
    for manifest in manifests:
        same = next((group for group in groups if not list_differences(group[0], manifest)), None)
        if same is None:
            groups.append([manifest])
        else:
            same.append(manifest)
    return max(groups, key=len)[0]


def _get_desc(path):
    """Return the ``desc`` in the name of a manifest, empty without one."""
    return path.removesuffix('.json').partition('_desc-')[2]


def _list_unknown(out, manifests):
    """Return the files of participants that no manifest has."""
    known = {name for manifest in manifests.values() for name in manifest['Outputs']}
    # Pages of participants are made from derivatives and logs, also if all runs of a participant have failed.
    tops = [top for top in out.glob('sub-*') if top.is_dir() or top.suffix != '.html']
    found = [path.relative_to(out) for top in tops for path in (top.rglob('*') if top.is_dir() else [top])]
    files = [path for path in found if not path.name.startswith('.') and (out / path).is_file()]
    return sorted(path.as_posix() for path in files if path.as_posix() not in known)
