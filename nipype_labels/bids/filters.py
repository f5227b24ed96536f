# SPDX-License-Identifier: BSD-3-Clause
"""Filters of BIDS Apps: JSON files that select series by their entities, as fMRIPrep's ``--bids-filter-file``."""

from ..core.choices import suggest
from ..files.json_files import read_json
from ..model.errors import LabelsError, errors_name
from .names import ABSENT, ENTITIES

#: Section of the filters of series, and sections of fMRIPrep for files that are not read here.
SECTION, OTHER_SECTIONS = 'bold', ('fmap', 'sbref', 'flair', 't2w', 't1w', 'roi')

#: Names of entities in PyBIDS that are not their keys in file names.
_LONG_NAMES = {
    'subject': 'sub',
    'session': 'ses',
    'acquisition': 'acq',
    'ceagent': 'ce',
    'tracer': 'trc',
    'reconstruction': 'rec',
    'direction': 'dir',
    'resolution': 'res',
    'density': 'den',
    'description': 'desc',
}

#: Names that are not entities, and their only value for series.
_FIXED = {'datatype': 'func', 'suffix': 'bold'}

#: Label of an entity that a name must have, whatever its label.
PRESENT = '*'


def read_filters(path):
    """Return the labels to select, by key of entity, and the sections that are not used, of a filter file.

    ``null`` becomes ``'none'``, the label of a missing entity.
    """
    content = read_json(path)
    with errors_name(path):
        for name in content:
            if name not in (SECTION, *OTHER_SECTIONS):
                hint = suggest(name, (SECTION, *OTHER_SECTIONS))
                raise LabelsError(
                    f'unknown section {name!r}{hint}. Filters of series belong in the section "{SECTION}"'
                )
        section = content.get(SECTION, {})
        if not isinstance(section, dict):
            raise LabelsError(f'section "{SECTION}" must be an object of entities, such as {{"session": "01"}}')
        filters = {}
        for name, value in section.items():
            labels = _read_labels(name, value)
            key = _LONG_NAMES.get(name, name)
            if name in _FIXED:
                if _FIXED[name] not in labels:
                    raise LabelsError(f'{name} must be {_FIXED[name]!r}, because only BOLD series are read')
            elif key not in ENTITIES:
                hint = suggest(name, (*_LONG_NAMES, *ENTITIES, *_FIXED))
                raise LabelsError(
                    f'unknown entity {name!r}{hint}. Use the keys of file names, or their names in PyBIDS'
                )
            elif key in filters:
                raise LabelsError(f'the entity {key} is given twice')
            else:
                filters[key] = labels
    return filters, [name for name in content if name != SECTION]


def _read_labels(name, value):
    """Return the value of an entity as a list of labels."""
    values = value if isinstance(value, list) else [value]
    for each in values:
        if isinstance(each, bool) or not isinstance(each, str | int | None) or each == '':
            raise LabelsError(
                f'{name} must be a label, a list of labels, null (without the entity) or "*" (any label), not {value!r}'
            )
    if not values:
        raise LabelsError(f'{name} has an empty list, which selects nothing. Remove it to select all')
    return [ABSENT if each is None else str(each) for each in values]
