# SPDX-License-Identifier: BSD-3-Clause
"""Index of the files of a dataset of derivatives; files whose names cannot be used are listed with the reason."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from ..files.json_files import read_json
from ..model.errors import LabelsError
from .names import parse_name, split_name

#: Suffixes of confounds tables: the present one, and that of fMRIPrep before 20.2.
CONFOUNDS_SUFFIXES = ('timeseries', 'regressors')

#: Extensions of volume images.
VOLUMES = ('.nii.gz', '.nii')

#: Levels of folders below a subject: session, datatype and one more.
_DEPTH = 3

#: Folders of a subject without series.
_NO_SERIES = ('figures', 'log')

#: Names of series, brain masks and confounds tables, and of sidecars, which may apply to many series.
_WANTED = re.compile(
    r'.+_bold\.(.+\.)?(nii|nii\.gz|gii)|(.+_)?bold\.json|.+_mask\.nii(\.gz)?|'
    rf'.+_desc-confounds.*_({"|".join(CONFOUNDS_SUFFIXES)})\.tsv(\.gz)?',
    re.DOTALL,
)


@dataclass(frozen=True)
class File:
    """A file of a dataset: its path within the dataset, with slashes, and the parts of its name."""

    path: str
    entities: dict
    suffix: str
    extension: str

    @property
    def folder(self):
        """Folder of the file within the dataset; empty at the top."""
        return self.path.rpartition('/')[0]


@dataclass(frozen=True)
class Index:
    """Series, brain masks, confounds tables and sidecars of a dataset.

    ``bad_series`` has the reason why the name of a series cannot be used, by path; ``unread`` has it for other files,
    and for folders that cannot be read.
    """

    files: list = field(default_factory=list)
    bad_series: dict = field(default_factory=dict)
    unread: dict = field(default_factory=dict)


def index_dataset(root, participants=()):
    """Return the Index of a dataset, of all participants or of those with the labels given."""
    check_root(root)
    try:
        entries = _scan(root)
    except OSError as e:
        raise LabelsError(f'{root} cannot be read: {e.strerror}') from e
    index = Index()
    subjects = [entry for entry in entries if entry.name.startswith('sub-') and '.' not in entry.name]
    wanted = [f'sub-{label.removeprefix("sub-")}' for label in participants]
    names = [entry.name for entry in subjects]
    missing = [name for name in wanted if name not in names]
    if missing:
        present = ', '.join(printable(name.removeprefix('sub-')) for name in names) or 'no participants'
        raise LabelsError(f'{root} has no series of {missing[0]}. Available: {present}')
    chosen = [entry for entry in subjects if not wanted or entry.name in wanted]
    tops = [entry for entry in entries if entry.name.endswith('bold.json')]
    _visit(index, root, '', [*tops, *chosen], _DEPTH)
    return index


def list_participants(root):
    """Return the names of the folders ``sub-…`` of a dataset, in the order of their characters."""
    return [entry.name for entry in _scan(root) if entry.name.startswith('sub-') and entry.is_dir()]


def check_root(root):
    """Raise LabelsError unless a folder is a BIDS dataset whose description can be read."""
    path = root / 'dataset_description.json'
    if not os.path.lexists(path):
        missing = 'no such folder' if not root.is_dir() else 'not a BIDS dataset: it has no dataset_description.json'
        raise LabelsError(f'{root}: {missing}{suggest_root(root)}')
    read_json(path)


def suggest_root(root):
    """Return the datasets that may be meant instead of a folder, as the end of an error message."""
    root = Path(root)
    try:
        inside = [path for top in (root / 'derivatives', root) for path in sorted(top.glob('*')) if _is_dataset(path)]
    except OSError:
        inside = []
    around = [path for path in root.parents[:2] if root.name.startswith(('sub-', 'ses-')) and _is_dataset(path)]
    return f'. Did you mean {" or ".join(str(path) for path in [*inside, *around][:5])}?' if inside or around else ''


def _is_dataset(path):
    return not path.name.startswith('sub-') and (path / 'dataset_description.json').is_file()


def _scan(folder):
    """Return the entries of a folder by name, without hidden ones such as AppleDouble files."""
    with os.scandir(folder) as entries:
        return sorted((entry for entry in entries if not entry.name.startswith('.')), key=lambda entry: entry.name)


def _visit(index, root, folder, entries, depth):
    """Add the files of a folder and of its subfolders to the index."""
    for entry in entries:
        path = f'{folder}/{entry.name}' if folder else entry.name
        try:
            if entry.is_dir():
                if depth > 0 and entry.name not in _NO_SERIES:
                    _visit(index, root, path, _scan(root / path), depth - 1)
            elif '.' in entry.name:
                _add(index, path, entry.name)
            elif entry.is_symlink():
                index.unread[printable(path)] = 'a link to a folder that does not exist'
        except OSError as e:
            index.unread[printable(path)] = f'cannot be read: {e.strerror}'


def _add(index, path, name):
    """Add a file to the index if it may be part of a run."""
    if not _WANTED.fullmatch(name):
        return
    is_sidecar = name.endswith('.json')
    try:
        if printable(path) != path:
            raise LabelsError('the path is not UTF-8. Rename the file or folder')
        entities, suffix, extension = (split_name if is_sidecar else parse_name)(name)
        _check_folders(path, entities)
    except LabelsError as e:
        is_series = re.search(r'_bold\.', name) and not is_sidecar
        (index.bad_series if is_series else index.unread)[printable(path)] = str(e)
        return
    index.files.append(File(path, entities, suffix, extension))


def _check_folders(path, entities):
    """Raise LabelsError if a name contradicts the folders of its subject and session."""
    for folder in path.split('/')[:-1]:
        key, _, label = folder.partition('-')
        if key in ('sub', 'ses') and entities.get(key, label) != label:
            raise LabelsError(f'the file is in the folder {folder}, but its name has {key}-{entities[key]}')


def printable(path):
    """Return a path with escapes for the bytes that are not UTF-8."""
    return path.encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')
