# SPDX-License-Identifier: BSD-3-Clause
"""Read and build the names of files in the Brain Imaging Data Structure (BIDS)."""

import hashlib
import re
import unicodedata

from ..model.errors import LabelsError

_ORDER = """
    sub tpl ses cohort sample task tracksys acq nuc voi ce trc stain rec dir run mod echo flip inv mt part proc hemi
    space split recording chunk atlas seg scale res den label stat desc
"""

#: Keys of entities in the order of names: those of the schema, and :data:`UNKNOWN_ENTITIES`.
ENTITIES = tuple(_ORDER.split())

#: Keys and suffixes of our files that are not in the schema; ``.bidsignore`` has them.
UNKNOWN_ENTITIES = ('stat',)
UNKNOWN_SUFFIXES = ('timeseries', 'relmat', 'boldref', 'report')

#: Columns of tables of runs, and the entities that they have.
RUN_COLUMNS = {'participant': 'sub', 'session': 'ses', 'task': 'task', 'run': 'run'}

#: Label that stands for a missing entity in names of spaces and atlases, and in filters.
ABSENT = 'none'

#: Longest label of :func:`make_label`, and longest name of a file in bytes.
LONGEST_LABEL = 48
_LONGEST_NAME = 255

#: Entities that identify an atlas, in their order in its label.
_ATLAS_ENTITIES = ('atlas', 'seg', 'scale', 'desc')

_KEY, _VALUE = re.compile('[0-9a-zA-Z]+'), re.compile('[0-9a-zA-Z+]+')
_SUFFIX, _EXTENSION = re.compile('[0-9a-zA-Z]+'), re.compile(r'(\.[0-9a-zA-Z]+)+')


def parse_name(path):
    """Return the entities (dict), suffix and extension of the name of a file, which must have a subject.

    >>> parse_name('sub-01/func/sub-01_task-rest_bold.nii.gz')
    ({'sub': '01', 'task': 'rest'}, 'bold', '.nii.gz')
    """
    entities, suffix, extension = split_name(path)
    if 'sub' not in entities:
        raise LabelsError(f'{str(path)!r} is not a BIDS name: it has no subject, as in sub-01')
    return entities, suffix, extension


def split_name(path):
    """Return the entities, suffix and extension of a file whose name may have no subject; see :func:`parse_name`."""
    stem, dot, rest = str(path).rsplit('/', 1)[-1].partition('.')
    wrong = f'{str(path)!r} is not a BIDS name'
    *parts, suffix = stem.split('_')
    entities = {}
    for part in parts:
        key, hyphen, value = part.partition('-')
        if not (hyphen and _KEY.fullmatch(key) and _VALUE.fullmatch(value)):
            raise LabelsError(f'{wrong}: {part!r} is not a pair of key and label, as in sub-01')
        if key in entities:
            raise LabelsError(f'{wrong}: it has {key} twice')
        entities[key] = value
    if not (_SUFFIX.fullmatch(suffix) and _EXTENSION.fullmatch(dot + rest)):
        raise LabelsError(f'{wrong}: it must end in a suffix and an extension, as in _bold.nii.gz')
    return entities, suffix, dot + rest


def build_name(entities, suffix, extension):
    """Return the name of a file; entities that are None are omitted.

    >>> build_name({'desc': 'raw', 'sub': '01', 'stat': None}, 'timeseries', '.tsv')
    'sub-01_desc-raw_timeseries.tsv'
    """
    given = {key: value for key, value in entities.items() if value is not None}
    for key, value in given.items():
        if not (_matches(_KEY, key) and _matches(_VALUE, value)):
            raise LabelsError(f'{f"{key}-{value}"!r} cannot be part of a name: labels consist of letters, digits and +')
    if not (_matches(_SUFFIX, suffix) and _matches(_EXTENSION, extension)):
        end = f'_{suffix}{extension}'
        raise LabelsError(f'{end!r} cannot end a name: suffix and extension consist of letters and digits')
    name = '_'.join([*(f'{key}-{given[key]}' for key in sort_entities(given)), suffix]) + extension
    if len(name) > _LONGEST_NAME:
        raise LabelsError(f'{name} has {len(name)} characters, file systems allow {_LONGEST_NAME}. Use shorter labels')
    return name


def sort_entities(keys):
    """Return keys of entities in the order in which names have them; unknown keys precede ``stat`` and ``desc``."""
    return sorted(keys, key=_place)


def build_path(entities, suffix, extension, folder='func'):
    """Return the path of a file within its dataset, with slashes; ``figures`` are folders of subjects, not of sessions.

    >>> build_path({'sub': '01', 'ses': 'a', 'task': 'rest'}, 'bold', '.json')
    'sub-01/ses-a/func/sub-01_ses-a_task-rest_bold.json'
    """
    name = build_name(entities, suffix, extension)
    if not entities.get('sub'):
        raise LabelsError(f'{name} has no subject, as in sub-01')
    if not _matches(_SUFFIX, folder):
        raise LabelsError(f'{folder!r} cannot be the name of a folder')
    upper = ('sub',) if folder == 'figures' else ('sub', 'ses')
    folders = [f'{key}-{entities[key]}' for key in upper if entities.get(key)]
    return '/'.join((*folders, folder, name))


def make_label(text):
    """Return a label for the name of an atlas or the stem of its file: 1 to 48 letters and digits.

    If the text has the entity ``atlas``, the label consists of it, ``seg``, ``scale`` and ``desc``. A longer label is
    truncated and ends in a checksum. A text without letters or digits becomes ``atlas``.

    >>> make_label('harvard_oxford (cort)'), make_label('../../x'), make_label('Rés 2'), make_label('***')
    ('harvardOxfordCort', 'x', 'Res2', 'atlas')
    >>> make_label('atlas-Schaefer2018_res-2_desc-400Parcels7Networks_dseg')
    'Schaefer2018Desc400Parcels7Networks'
    """
    text = str(text)
    plain = ''.join(c for c in unicodedata.normalize('NFKD', text) if not unicodedata.combining(c))
    found = dict(re.findall(r'(?<![^_])([a-z]+)-([0-9a-zA-Z]+)(?![^_])', plain))
    words = [(key, found[key]) for key in _ATLAS_ENTITIES if 'atlas' in found and key in found]
    label = ''
    for key, word in words or [('', word) for word in re.findall('[0-9a-zA-Z]+', plain)]:
        # Adjacent numbers would be read as one number.
        between = key.capitalize() if label[-1:].isdigit() and word[0].isdigit() else ''
        label += (between + word[0].upper() + word[1:]) if label else word
    if len(label) > LONGEST_LABEL:
        label = label[: LONGEST_LABEL - 8] + hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]
    return label or 'atlas'


def make_labels(texts):
    """Return a unique label for each text; case is ignored, because some file systems ignore it.

    >>> make_labels(['AAL', 'aal', 'AAL-2', '*'])
    ['AAL', 'aal2', 'AAL22', 'atlas']
    """
    labels, taken = [], set()
    for text in texts:
        label = unique = make_label(text)
        number = 1
        while unique.lower() in taken:
            number += 1
            unique = label[: LONGEST_LABEL - len(str(number))] + str(number)
        taken.add(unique.lower())
        labels.append(unique)
    return labels


def _matches(pattern, value):
    """Whether a value is a string that matches a pattern as a whole."""
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _place(key):
    """Return the sort key of an entity; unknown entities precede ``stat`` and ``desc``."""
    return ENTITIES.index(key) if key in ENTITIES else ENTITIES.index('stat') - 0.5
