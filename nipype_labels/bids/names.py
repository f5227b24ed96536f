# SPDX-License-Identifier: BSD-3-Clause
"""Names of files in the Brain Imaging Data Structure: taken apart, put together, and safe whatever goes in."""

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

from ..model.errors import LabelsError

_ORDER = """
    sub tpl ses cohort sample task tracksys acq nuc voi ce trc stain rec dir run mod echo flip inv mt part proc hemi
    space split recording chunk atlas seg scale res den label stat desc
"""

#: Keys of entities in the order in which names have them: the schema's, and one that it does not know.
ENTITIES = tuple(_ORDER.split())

#: Keys and suffixes that we use and the schema does not know: a validator is to look away.
LACKING_ENTITIES = ('stat',)
LACKING_SUFFIXES = ('timeseries', 'relmat', 'boldref', 'report')

#: Letters and digits that :func:`make_label` gives at most, and bytes that file systems take in a name.
LONGEST_LABEL = 48
LONGEST_NAME = 255

#: Entities that tell atlases apart, in the order in which a label is made of them.
_ATLAS_ENTITIES = ('atlas', 'seg', 'scale', 'desc')

_KEY, _VALUE = re.compile('[0-9a-zA-Z]+'), re.compile('[0-9a-zA-Z+]+')
_SUFFIX, _EXTENSION = re.compile('[0-9a-zA-Z]+'), re.compile(r'(\.[0-9a-zA-Z]+)+')


def parse_name(path):
    """Take the name of a file apart.

    Parameters
    ----------
    path : path
        Only its last part counts.

    Returns
    -------
    entities : dict of str to str
        In the order of the name; labels as they are written, ``01`` stays ``01``.
    suffix : str
    extension : str
        From the first dot on.

    Raises
    ------
    LabelsError
        If the name is not made of pairs ``key-label``, a suffix and an extension, has a key twice, or no subject.

    Examples
    --------
    >>> parse_name('sub-01/func/sub-01_task-rest_bold.nii.gz')
    ({'sub': '01', 'task': 'rest'}, 'bold', '.nii.gz')
    """
    entities, suffix, extension = split_name(path)
    if 'sub' not in entities:
        raise LabelsError(f'{str(path)!r} is not a BIDS name: it has no subject, as in sub-01')
    return entities, suffix, extension


def split_name(path):
    """Split the name of a file, which may have no subject; see :func:`parse_name`.

    Parameters
    ----------
    path : path

    Returns
    -------
    entities : dict of str to str
    suffix, extension : str

    Raises
    ------
    LabelsError
        If the name is not made of pairs ``key-label``, a suffix and an extension, or has a key twice.
    """
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
    """Put the name of a file together.

    Parameters
    ----------
    entities : dict of str to (str or None)
        None leaves one out. Keys that nobody knows stand, in the order given, before ``stat`` and ``desc``.
    suffix, extension : str

    Returns
    -------
    str

    Raises
    ------
    LabelsError
        If a part holds what names can not, or the name is longer than file systems take.

    Examples
    --------
    >>> build_name({'desc': 'raw', 'sub': '01', 'stat': None}, 'timeseries', '.tsv')
    'sub-01_desc-raw_timeseries.tsv'
    """
    given = {key: value for key, value in entities.items() if value is not None}
    for key, value in given.items():
        if not (_matches(_KEY, key) and _matches(_VALUE, value)):
            raise LabelsError(f'{f"{key}-{value}"!r} can not be part of a name: labels are of letters, digits and +')
    if not (_matches(_SUFFIX, suffix) and _matches(_EXTENSION, extension)):
        raise LabelsError(f'no name can end in {f"_{suffix}{extension}"!r}')
    name = '_'.join([*(f'{key}-{given[key]}' for key in sort_entities(given)), suffix]) + extension
    if len(name) > LONGEST_NAME:
        raise LabelsError(f'{name} has {len(name)} letters, file systems take {LONGEST_NAME}: use shorter labels')
    return name


def sort_entities(keys):
    """Return keys of entities in the order in which names have them; unknown keys precede ``stat`` and ``desc``."""
    return sorted(keys, key=_place)


def build_path(entities, suffix, extension, folder='func'):
    """Build the path of a file within its dataset.

    Parameters
    ----------
    entities : dict of str to str
    suffix, extension : str
        As :func:`build_name` takes them, as are the entities.
    folder : str
        The last one: ``'func'``, or ``'figures'``, which a subject has only one of.

    Returns
    -------
    str
        With slashes; never absolute, and never with ``..``.

    Raises
    ------
    LabelsError
        If a part holds what names can not, or there is no subject.

    Examples
    --------
    >>> build_path({'sub': '01', 'ses': 'a', 'task': 'rest'}, 'bold', '.json')
    'sub-01/ses-a/func/sub-01_ses-a_task-rest_bold.json'
    """
    name = build_name(entities, suffix, extension)
    if not entities.get('sub'):
        raise LabelsError(f'{name} names no subject, as in sub-01')
    if not _matches(_SUFFIX, folder):
        raise LabelsError(f'{folder!r} can not be the name of a folder')
    upper = ('sub',) if folder == 'figures' else ('sub', 'ses')
    folders = [f'{key}-{entities[key]}' for key in upper if entities.get(key)]
    return str(PurePosixPath(*folders, folder, name))


def make_label(text, default='atlas'):
    """Make a label of any text.

    Parameters
    ----------
    text : str
        The name of an atlas or the stem of its file. Of a name with the entity ``atlas``, that and what else tells
        atlases apart count.
    default : str
        Label of a text without a letter or digit.

    Returns
    -------
    str
        Of 1 to 48 letters and digits; what is longer ends in a digest.

    Examples
    --------
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
        # Two numbers side by side would read as one.
        between = key.capitalize() if label[-1:].isdigit() and word[0].isdigit() else ''
        label += (between + word[0].upper() + word[1:]) if label else word
    if len(label) > LONGEST_LABEL:
        label = label[: LONGEST_LABEL - 8] + hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]
    return label or default


def make_labels(texts, default='atlas'):
    """Make a label of each text, no two the same; those that would be are told apart by a number behind them.

    Parameters
    ----------
    texts : sequence of str
    default : str
        Label of a text without a letter or digit.

    Returns
    -------
    list of str
        As :func:`make_label` gives them; they differ by more than upper and lower case, since not all file systems
        tell that apart.

    Examples
    --------
    >>> make_labels(['AAL', 'aal', 'AAL-2', '*'])
    ['AAL', 'aal2', 'AAL22', 'atlas']
    """
    labels, taken = [], set()
    for text in texts:
        label = unique = make_label(text, default)
        number = 1
        while unique.lower() in taken:
            number += 1
            unique = label[: LONGEST_LABEL - len(str(number))] + str(number)
        taken.add(unique.lower())
        labels.append(unique)
    return labels


def _matches(pattern, value):
    """Whether a value is a string of which the whole matches."""
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _place(key):
    """Place of an entity in a name; unknown entities follow all that say what was recorded and where."""
    return ENTITIES.index(key) if key in ENTITIES else ENTITIES.index('stat') - 0.5
