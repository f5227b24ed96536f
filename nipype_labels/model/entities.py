# SPDX-License-Identifier: BSD-3-Clause
"""Contradictions between the entities in the names of files that are used together."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

#: Entities that distinguish acquisitions; the names of all files are compared by these.
ACQUISITION = ('sub', 'ses', 'task', 'acq', 'ce', 'rec', 'dir', 'run', 'chunk')

#: Space of derivatives of a series without ``space``.
NATIVE = 'no space, which is native BOLD space'

#: Message about file names that contradict each other.
CONTRADICTION = 'files that may not belong together: %s'

_PAIR = re.compile(r'(?:^|_)([a-z]+)-([0-9a-zA-Z+]+)(?=_|\.|$)')


class Contradiction(NamedTuple):
    """Two files used together (``first``, ``second``) whose names have different labels of one entity."""

    first: str
    has: str
    second: str
    but_has: str

    def __str__(self) -> str:
        """Return a sentence."""
        return f'{self.first} has {self.has}, but {self.second} has {self.but_has}'


def find_contradictions(
    bold: object = None, mask: object = None, tables: Iterable[object] = (), atlases: Iterable[object] = ()
) -> list[Contradiction]:
    """Return Contradictions between the names of files that are used together, one for each entity and file.

    ``tables`` (confounds, sidecars) have no space. A missing entity contradicts no other, except that preprocessed
    images of a task without ``space`` are in native BOLD space. Objects that are not paths are ignored.

    >>> (found,) = find_contradictions('sub-1_run-1_bold.nii.gz', tables=['sub-1_run-2_desc-confounds_timeseries.tsv'])
    >>> str(found)
    'sub-1_run-1_bold.nii.gz has run-1, but sub-1_run-2_desc-confounds_timeseries.tsv has run-2'
    """
    images = [(path, True) for path in (bold, mask)]
    files = [*images, *((path, False) for path in tables), *((path, True) for path in atlases)]
    first: dict[str, tuple[object, str, str]] = {}
    found = []
    for path, is_image in files:
        if not isinstance(path, str | os.PathLike):
            continue
        # Bytes that are not UTF-8 could not be written into a report.
        name = Path(path).name.encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')
        for key, (value, written) in _compared(name, is_image).items():
            other_value, other_written, other = first.setdefault(key, (value, written, name))
            if value != other_value:
                found.append(Contradiction(other, other_written, name, written))
    return found


def _compared(name: str, is_image: bool) -> dict[str, tuple[object, str]]:
    """Return the value and the text in the name of each entity that is compared."""
    entities: dict[str, str] = {}
    for key, label in _PAIR.findall(name):
        entities.setdefault(key, label)
    # Masks of the cortex are of the surface of a participant, which has images and meshes of its own.
    of_surface = entities.get('desc') == 'cortex'
    compared: dict[str, tuple[object, str]] = {
        key: (entities[key], f'{key}-{entities[key]}')
        for key in (ACQUISITION[:1] if of_surface else ACQUISITION)
        if key in entities
    }
    if 'run' in compared and entities['run'].isdigit():
        compared['run'] = (int(entities['run']), compared['run'][1])
    if not is_image or of_surface:
        return compared
    key = next((key for key in ('space', 'tpl') if key in entities), None)
    if key is not None:
        compared['space'] = (entities[key], f'{key}-{entities[key]}')
        if 'cohort' in entities:
            # Cohorts are those of one template.
            compared[f'cohort of {entities[key]}'] = (entities['cohort'], f'cohort-{entities["cohort"]}')
    elif {'sub', 'task', 'desc'} <= entities.keys():
        compared['space'] = (None, NATIVE)
    return compared
