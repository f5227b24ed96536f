# SPDX-License-Identifier: BSD-3-Clause
"""Select components of anatomical CompCor in tables of fMRIPrep by their masks."""

import re

from ..model.errors import ConfoundsError
from .json_files import read_json
from .paths import find_sidecar

#: Masks of components by the first letter of their columns, since fMRIPrep 21.0.
_MASKS = {'a': 'combined', 'c': 'CSF', 'w': 'WM'}

_COMPONENT = r'[acw]_comp_cor_\d+'

#: Problem if the masks of components are unknown.
_NO_MASKS = '{}: no JSON file next to it names the masks of the aCompCor components'


def has_components(names):
    """Whether columns of a table are components of anatomical CompCor."""
    return any(re.fullmatch(_COMPONENT, name) for name in names)


def find_components(names, masks, n_compcor, acompcor, source):
    """Return the columns of the first ``n_compcor`` components (or ``'all'``) of each mask, and notes for the user.

    ``acompcor`` is ``'combined'`` or ``'separated'``. Without ``masks``, see :func:`read_masks`, the names decide.
    """
    components, notes = [name for name in names if re.fullmatch(_COMPONENT, name)], []
    if not components:
        raise ConfoundsError(f"{source} has no column 'a_comp_cor_00', and no other components of aCompCor")
    if not masks and {name[0] for name in components} != {'a'}:
        masks = {name: _MASKS[name[0]] for name in components}
    if not masks:
        if acompcor == 'separated':
            raise ConfoundsError(f'{_NO_MASKS.format(source)}, which acompcor separated requires')
        masks = dict.fromkeys(components, 'combined')
        notes.append(f'{_NO_MASKS.format(source)}. They are used as components of the combined mask.')
    taken = []
    for mask in ('combined',) if acompcor == 'combined' else ('CSF', 'WM'):
        columns = sorted((name for name in masks if masks[name] == mask), key=_number)
        if not columns:
            raise ConfoundsError(f'{source} has no aCompCor components of the mask {mask}. Choose another acompcor')
        taken += columns if n_compcor == 'all' else columns[:n_compcor]
    missing = [name for name in taken if name not in components]
    if missing:
        raise ConfoundsError(f'{source} has no column {missing[0]!r}, which the JSON file next to it describes')
    return taken, notes


def read_masks(path):
    """Return the mask (``'combined'``, ``'CSF'`` or ``'WM'``) of each component from the JSON file next to a table."""
    file = None if path is None else find_sidecar(path)
    if file is None:
        return {}
    return {
        name: metadata['Mask']
        for name, metadata in read_json(file, ConfoundsError).items()
        if re.fullmatch(_COMPONENT, name) and isinstance(metadata, dict) and isinstance(metadata.get('Mask'), str)
    }


def _number(name):
    """Return a sort key by the number of a component, which may have more digits than Python converts."""
    number = name.rsplit('_', 1)[1].lstrip('0')
    return len(number), number
