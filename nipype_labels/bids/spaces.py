# SPDX-License-Identifier: BSD-3-Clause
"""Name the spaces of series, and select series by space, resolution and cohort."""

from collections import defaultdict

from ..model.errors import LabelsError

#: Entities that distinguish the spaces of a run.
SPACE_ENTITIES = ('space', 'cohort', 'res', 'den')

#: Name of native BOLD space; the names of its series have no entity ``space``.
NATIVE = 'func'

#: Label of an entity that is missing in a name.
_ABSENT = 'none'


def name_space(entities, details=SPACE_ENTITIES[1:]):
    """Return the space of a file as ``--space`` takes it, followed by those of the entities ``details`` that it has.

    >>> name_space({'space': 'MNIInfant', 'cohort': '2'}), name_space({'task': 'rest'})
    ('MNIInfant:cohort-2', 'func')
    """
    more = [f'{key}-{entities[key]}' for key in details if key in entities]
    return ':'.join([entities.get('space', NATIVE), *more])


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


def _matches(entities, name):
    """Whether a series is in a space and has all details that the name of the space has."""
    label, *details = name.removeprefix('space-').split(':')
    pairs = [detail.partition('-')[::2] for detail in details]
    return entities.get('space', NATIVE) == label and all(entities.get(key, _ABSENT) == value for key, value in pairs)


def _check_unambiguous(name, found):
    """Raise LabelsError if the name of a space fits several series of one run."""
    runs = defaultdict(dict)
    for file in found:
        details = tuple(file.entities.get(key, _ABSENT) for key in SPACE_ENTITIES[1:])
        run = frozenset(pair for pair in file.entities.items() if pair[0] not in SPACE_ENTITIES)
        runs[run].setdefault(details, file)
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
