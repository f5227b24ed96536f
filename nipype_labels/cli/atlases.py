# SPDX-License-Identifier: BSD-3-Clause
"""Atlases as a command is given them, and which of them share a pass over the series."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..bids.names import make_labels
from ..core.errors import LabelsError

#: Ends of the names of look-up tables beside an atlas, in the order in which they are looked for.
LUT_ENDS = ('.tsv', '.csv', '.txt', '.lut', '.xml', '.niml.lt')


@dataclass(frozen=True)
class Atlas:
    """An atlas.

    Attributes
    ----------
    name : str
        Letters and digits: files are named by it.
    path : str
    lut : str or None
        Its look-up table.
    """

    name: str
    path: str
    lut: str | None = None


def name_atlases(given):
    """Atlases from arguments, each with the look-up table beside it if there is one.

    Parameters
    ----------
    given : list of str
        ``name=path``, or a path alone, whose file then gives the name.

    Returns
    -------
    list of Atlas

    Raises
    ------
    LabelsError
        If a file is missing, or a name is none or is given twice.
    """
    pairs = [entry.split('=', 1) if '=' in entry else (None, entry) for entry in given]
    paths = [Path(path).expanduser().absolute() for _, path in pairs]
    made = make_labels([path.name.removesuffix('.gz').removesuffix('.nii') for path in paths])
    names = [label if name is None else name for (name, _), label in zip(pairs, made, strict=True)]
    for name, path in zip(names, paths, strict=True):
        if not name.isalnum() or not name.isascii():
            raise LabelsError(f'--atlas {name}={path}: files are named by it, so it may hold letters and digits alone')
        if [other.lower() for other in names].count(name.lower()) > 1:
            raise LabelsError(f'--atlas {name} is given twice')
        if not path.is_file():
            raise LabelsError(f'no such atlas: {path}')
    return [Atlas(name, str(path), find_lut(path)) for name, path in zip(names, paths, strict=True)]


def find_lut(path):
    """Look-up table beside an atlas, of the same name but for its end; None if there is none."""
    stem = path.name.removesuffix('.gz').removesuffix('.nii')
    beside = (path.with_name(stem + end) for end in LUT_ENDS)
    return next((str(table) for table in beside if table.is_file()), None)


def group_atlases(atlases, record):
    """Groups of atlases that share a pass over a series: those that did before do so again, whatever was added.

    Parameters
    ----------
    atlases : list of Atlas
    record : Path
        JSON file that remembers groups.

    Returns
    -------
    dict of str to list of Atlas
        By the names of the groups.
    """
    known = json.loads(record.read_text(encoding='utf-8')) if record.is_file() else []
    by_name, groups = {atlas.name: atlas for atlas in atlases}, {}
    for i, members in enumerate(known):
        # Of the rest of a group alone, the nodes would be others: it is a group of its own.
        if all(name in by_name for name in members):
            groups[f'labels_{i}_wf'] = [by_name.pop(name) for name in members]
    if by_name:
        groups[f'labels_{len(known)}_wf'] = list(by_name.values())
        partial = record.with_name(f'{record.name}.{os.getpid()}')
        partial.write_text(json.dumps([*known, list(by_name)], indent=1) + '\n', encoding='utf-8')
        os.replace(partial, record)  # noqa: PTH105 (known to be atomic)
    return groups
