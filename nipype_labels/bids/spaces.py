# SPDX-License-Identifier: BSD-3-Clause
"""Name the spaces of series, and select series by space, resolution and cohort."""

from collections import Counter, defaultdict

from ..model.errors import LabelsError
from .names import ABSENT, split_name

#: Entities that distinguish the spaces of a run.
SPACE_ENTITIES = ('space', 'cohort', 'res', 'den')

#: Name of native BOLD space; the names of its series have no entity ``space``.
NATIVE = 'func'

#: Labels of spaces of a participant; all others are templates.
_OWN_SPACES = (NATIVE, 'T1w', 'T2w', 'anat', 'bold', 'boldref', 'fsnative', 'individual', 'run', 'sbref')


def name_space(entities, details=SPACE_ENTITIES[1:]):
    """Return the space of a file as ``--space`` takes it, followed by those of the entities ``details`` that it has.

    >>> name_space({'space': 'MNIInfant', 'cohort': '2'}), name_space({'task': 'rest'})
    ('MNIInfant:cohort-2', 'func')
    """
    more = [f'{key}-{entities[key]}' for key in details if key in entities]
    return ':'.join([entities.get('space', NATIVE), *more])


def find_space(path):
    """Return the space that the name of a file has, as ``--space`` takes it; None without a space.

    >>> find_space('sub-01_space-MNI152NLin2009cAsym_res-2_bold.nii.gz')
    'MNI152NLin2009cAsym:res-2'
    """
    try:
        entities = split_name(path)[0]
    except LabelsError:
        return None
    return name_space(entities) if 'space' in entities else None


def is_template(entities):
    """Return whether a file is in a template space, where places are the same in all participants.

    >>> is_template({'space': 'MNI152NLin2009cAsym'}), is_template({'space': 'T1w'}), is_template({})
    (True, False, False)
    """
    return entities.get('space', NATIVE) not in _OWN_SPACES


def select_spaces(root, series, names, list_all):
    """Return the series (Files) of the spaces, such as ``MNI152NLin2009cAsym:res-2``; all if no space is asked for.

    ``root`` is for errors; ``list_all`` returns the series of all participants.
    """
    chosen = {}
    for name in names:
        found = [file for file in series if _matches(file.entities, name)]
        if not found and not any(_matches(file.entities, name) for file in list_all()):
            present = ', '.join(sorted({name_space(file.entities) for file in list_all()}))
            raise LabelsError(f'{root} has no series of space-{name.removeprefix("space-")}. Available: {present}')
        _check_unambiguous(name, found)
        chosen.update((file.path, file) for file in found)
    return list(chosen.values()) if names else series


def select_template(root, series, bad_series):
    """Return the series of the only template space, or of the only space; add runs without it to ``bad_series``.

    LabelsError if there are several spaces, or several resolutions of one run.
    """
    templates = [file for file in series if is_template(file.entities)]
    chosen = templates or series
    runs = Counter((_name_run(file), file.extension) for file in chosen)
    if len({name_space(file.entities, ('cohort',)) for file in chosen}) > 1 or max(runs.values(), default=0) > 1:
        raise LabelsError(_list_spaces(root, series, chosen[0]))
    named = {run for run, _ in runs}
    for file in series:
        if _name_run(file) not in named:
            space = name_space(file.entities)
            bad_series[file.path] = f'the run has no series in a template space. Pass --space {space} to process it'
    return chosen


def _list_spaces(root, series, example):
    """Return the error message that counts the series of each space."""
    present = {(file.entities.get('space', NATIVE), key) for file in series for key in file.entities}
    counts = Counter(_spell(file.entities, present) for file in series)
    listed = ', '.join(f'{name} ({count} series)' for name, count in sorted(counts.items()))
    best = _spell(example.entities, present)
    return f'{root} has series in {len(counts)} spaces: {listed}. Choose one, as in --space {best}'


def _spell(entities, present):
    """Return the space of a series with all details that other series in this space have."""
    label = entities.get('space', NATIVE)
    details = [f'{key}-{entities.get(key, ABSENT)}' for key in SPACE_ENTITIES[1:] if (label, key) in present]
    return ':'.join([label, *details])


def _name_run(file):
    """Return the entities of a series except those of its space."""
    return frozenset(pair for pair in file.entities.items() if pair[0] not in SPACE_ENTITIES)


def _matches(entities, name):
    """Whether a series is in a space and has all details that the name of the space has."""
    label, *details = name.removeprefix('space-').split(':')
    pairs = [detail.partition('-')[::2] for detail in details]
    return entities.get('space', NATIVE) == label and all(entities.get(key, ABSENT) == value for key, value in pairs)


def _check_unambiguous(name, found):
    """Raise LabelsError if the name of a space fits several series of one run."""
    runs = defaultdict(dict)
    for file in found:
        details = tuple(file.entities.get(key, ABSENT) for key in SPACE_ENTITIES[1:])
        runs[_name_run(file)].setdefault(details, file)
    for same in runs.values():
        if len(same) > 1:
            differ = [i for i, labels in enumerate(zip(*same, strict=True)) if len(set(labels)) > 1]
            names = [
                ':'.join([name, *(f'{SPACE_ENTITIES[i + 1]}-{details[i]}' for i in differ)]) for details in sorted(same)
            ]
            raise LabelsError(
                f'--space {name} matches {len(same)} series of one run: '
                f'{", ".join(file.path for file in same.values())}. Pass one of: --space {", --space ".join(names)}; '
                f'or --space {" ".join(names)} to process each'
            )
