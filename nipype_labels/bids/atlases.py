# SPDX-License-Identifier: BSD-3-Clause
"""Atlases by name: searched in BIDS atlas datasets, then in TemplateFlow."""

import os
import re
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ..core.choices import suggest
from ..files.paths import expand
from ..model.errors import LabelsError
from .index import VOLUMES, File
from .inheritance import Sidecars
from .names import ABSENT, sort_entities, split_name
from .spaces import name_space
from .templateflow import Archive

#: Suffixes of label atlases and of probabilistic atlases.
LABELS, MAPS = 'dseg', 'probseg'

#: Entities of which an atlas may be named by the label alone.
_PLAIN = ('desc', 'scale', 'seg')

#: Entities of the name and the space of an atlas.
_IDENTITY = ('atlas', 'tpl', 'space', 'cohort')

_NAME = re.compile(r'[0-9A-Za-z]+(:[0-9A-Za-z]+(-[0-9A-Za-z+]+)?)*')
_WANTED = re.compile(rf'(.*_)?atlas-.*_({LABELS}|{MAPS})\.(nii|nii\.gz|tsv)')


class AtlasFiles(NamedTuple):
    """Files of an atlas that was found by name: ``image``, ``lut`` (None without one), and the name of the dataset."""

    image: Path
    lut: Path | None
    dataset: str


def find_atlas(name, space, datasets=None, templateflow_home=None, option=''):
    """Return the files of an atlas; they are downloaded if they are in TemplateFlow only.

    Probabilistic maps (``probseg``) are found where no label image (``dseg``) has the name.

    Parameters
    ----------
    name : str
        Label of the atlas, then as many details as needed, such as ``'Schaefer2018:400Parcels7Networks'`` or
        ``'HOCPA:th25:res-1'``. A detail is a pair of entity and label, or the label alone of ``desc``, ``scale`` or
        ``seg``; the label ``none`` selects files without the entity.
    space : str
        Space of the series, with cohort and resolution if known, such as ``'MNI152NLin2009cAsym:res-2'``. If the atlas
        has several resolutions, that of the series is preferred.
    datasets : dict of str to path, optional
        Folders to search before TemplateFlow, by name.
    templateflow_home : path, optional
        Folder of TemplateFlow (default: ``TEMPLATEFLOW_HOME``, or TemplateFlow's own).
    option : str, optional
        What precedes the name in errors.

    Returns
    -------
    AtlasFiles

    Raises
    ------
    LabelsError
        If no atlas or several atlases match, or if a file cannot be downloaded. The message lists the names to choose
        from.
    """
    searched, argument = [], '--datasets NAME=PATH' if option else "datasets={'NAME': 'PATH'}"
    try:
        for source in open_sources(datasets, templateflow_home, argument):
            searched.append(source)
            images = prefer_labels([file for file in source.images if _fits(file, name, space)])
            if images:
                return source.fetch(_choose(images, name, space, source.name, option))
        reasons = [f' ({each.name} was not searched: {each.problem})' for each in searched if each.problem]
        raise LabelsError(''.join([_explain_none(name, space, searched, option), *reasons]))
    except LabelsError as e:
        raise type(e)(f'{option}{name}: {e}') from e


def is_atlas_name(text):
    """Whether a text is the name of an atlas; paths of images contain a dot.

    >>> is_atlas_name('Schaefer2018:400Parcels7Networks'), is_atlas_name('AAL.nii'), is_atlas_name('atlases/AAL')
    (True, False, False)
    """
    return _NAME.fullmatch(str(text)) is not None


def open_sources(datasets=None, templateflow_home=None, argument='--datasets NAME=PATH'):
    """Yield the Source of each dataset, in order, and that of TemplateFlow, which is imported only when reached.

    If TemplateFlow cannot be used, its Source has a ``problem``; LabelsError if there are no datasets, which names the
    ``argument`` by which the user passes them.
    """
    for name, root in (datasets or {}).items():
        yield Source(name, expand(root).absolute())
    try:
        archive = Archive(templateflow_home)
    except LabelsError as e:
        if not datasets:
            remedy = f'pass the path of an image, or a folder of atlases by {argument}'
            raise LabelsError(f'{e}, or {remedy}') from e
        yield Source('TemplateFlow', problem=str(e))
    else:
        yield Source('TemplateFlow', archive.root, archive.fetch)


class Source:
    """Atlases in a folder, at any depth; ``download`` takes the File whose content is needed.

    A source that cannot be searched has no images; ``problem`` is the reason.
    """

    def __init__(self, name, root=None, download=lambda file: None, problem=''):
        self.name, self.root, self._download, self.problem = name, root, download, problem

    @cached_property
    def images(self):
        """Images of atlases (Files), label images and probabilistic maps; not the map of one region (``label-``)."""
        return [file for file in self._files if file.extension in VOLUMES and 'label' not in file.entities]

    def fetch(self, image):
        """Return the AtlasFiles of an image; its table is found by the inheritance principle of BIDS."""
        tables = [file for file in self._files if file.extension == '.tsv' and file.suffix == image.suffix]
        *others, table = [None, *Sidecars(tables).find(image)]
        if others[1:] and (others[-1].folder, len(others[-1].entities)) == (table.folder, len(table.entities)):
            raise LabelsError(f'{image.path} has two look-up tables: {others[-1].path} and {table.path}. Remove one')
        for file in (image, table):
            if file is not None:
                self._download(file)
        return AtlasFiles(self.root / image.path, table and self.root / table.path, self.name)

    @cached_property
    def _files(self):
        if self.problem:
            return []
        if not self.root.is_dir():
            raise LabelsError(f'the dataset {self.name} does not exist: {self.root} is not a folder')
        found = []
        for folder, _, names in os.walk(self.root):
            within = Path(folder).relative_to(self.root)
            found += [(within / name).as_posix() for name in names if _WANTED.fullmatch(name)]
        files = (File(path, *_split(path)) for path in sorted(found))
        return [file for file in files if 'atlas' in file.entities and 'sub' not in file.entities]


def prefer_labels(images):
    """Return the label images among images of atlases, or all of them, which are maps, if there are none."""
    return [file for file in images if file.suffix == LABELS] or images


def space_of(file):
    """Return the space of the file of an atlas with its cohort, None if its name has no space."""
    label = file.entities.get('space', file.entities.get('tpl'))
    return label and name_space({**file.entities, 'space': label}, ('cohort',))


def spell(file, images, details=()):
    """Return the name by which ``file`` is found among ``images`` of one atlas; ``details`` are entities to append."""
    keys = {key for image in images for key in image.entities} - {*_IDENTITY, 'res'}
    labels = [(key, file.entities.get(key, ABSENT)) for key in [*sort_entities(keys), *details]]
    plain = [label if key == 'desc' and label != ABSENT else f'{key}-{label}' for key, label in labels]
    return ':'.join([file.entities['atlas'], *plain])


def _split(path):
    """Return the parts of a name; without entities if it is not a BIDS name."""
    try:
        return split_name(path)
    except LabelsError:
        return {}, '', ''


def _fits(file, name, space):
    """Whether an image has the name, all its details, and the space."""
    atlas, *details = name.split(':')
    in_space = space_of(file) == _split_space(space)[0]
    return in_space and file.entities['atlas'] == atlas and all(_has(file.entities, detail) for detail in details)


def _has(entities, detail):
    """Whether entities have a detail: a pair such as ``res-2``, or a label alone."""
    key, hyphen, label = detail.partition('-')
    if not hyphen:
        return detail in [entities.get(key) for key in _PLAIN]
    return _number(entities.get(key, ABSENT)) == _number(label)


def _number(label):
    """Return a label without leading zeros, so that ``res-02`` is ``res-2``."""
    return label.lstrip('0') or '0'


def _split_space(space):
    """Return a space without its resolution, and the pair of resolution, such as ``res-2`` (None if unknown)."""
    label, *pairs = space.split(':')
    kept = [pair for pair in pairs if pair.startswith('cohort-')]
    return ':'.join([label, *kept]), next((pair for pair in pairs if pair.startswith('res-')), None)


def _choose(images, name, space, dataset, option):
    """Return the only one of the images, at the resolution of the space if there are several."""
    chosen = images if ':res-' in name else _prefer_resolution(images, space)
    if len(chosen) == 1:
        return chosen[0]
    names = _list_names(chosen, option)
    if len(names) < len(chosen):
        paths = ', '.join(file.path for file in chosen)
        raise LabelsError(f'{dataset} has several files of one atlas: {paths}. Pass the path of one of them')
    raise LabelsError(f'{len(chosen)} atlases match in {space} ({dataset}). Pass one of: {", ".join(names)}')


def _prefer_resolution(images, space):
    """Return the images; of each that exists at several resolutions, only that at the resolution of the space."""
    wanted = _split_space(space)[1]
    groups = {}
    for file in images:
        groups.setdefault(spell(file, images), []).append(file)
    chosen = []
    for group in groups.values():
        chosen += [file for file in group if wanted and _has(file.entities, wanted)] or group
    return chosen


def _list_names(images, option):
    """Return the names that distinguish the images of one atlas."""
    several = len({file.entities.get('res') for file in images}) > 1
    return sorted({option + spell(file, images, ('res',) if several else ()) for file in images})


def _explain_none(name, space, sources, option):
    """Return the error message if no atlas matches: the names or the spaces to choose from."""
    atlas, place = name.split(':')[0], _split_space(space)[0]
    images = [file for source in sources for file in source.images]
    here = [file for file in images if space_of(file) == place]
    same = prefer_labels([file for file in here if file.entities['atlas'] == atlas])
    none = f'no such atlas in the space {place} ({", ".join(source.name for source in sources if not source.problem)})'
    if same:
        return f'{none}. Pass one of: {", ".join(_list_names(_prefer_resolution(same, space), option))}'
    others = sorted({str(space_of(file)) for file in images if file.entities['atlas'] == atlas})
    if others:
        return f'{none}. It exists in {", ".join(others)}: choose series in one of these spaces, or pass an image'
    names = sorted({file.entities['atlas'] for file in here}, key=str.lower)
    available = f'Available: {", ".join(names)}' if names else 'No atlas is available in this space'
    return f'{none}. {available}. Or pass the path of an image{suggest(atlas, names)}'
