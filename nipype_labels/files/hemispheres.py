# SPDX-License-Identifier: BSD-3-Clause
"""Pairs of files with the data of the left and of the right hemisphere."""

import re
from pathlib import Path

from ..model.errors import ImageError

#: Ends of the names of files that are GIFTI, images of FreeSurfer, and any of one hemisphere, in lower case.
GIFTI_ENDS, MGH_ENDS = ('.gii', '.gii.gz'), ('.mgh', '.mgz')
HEMISPHERE_ENDS = (*GIFTI_ENDS, *MGH_ENDS, '.annot')

#: Where names have the hemisphere, in the order of the search: BIDS, FreeSurfer, HCP.
_SIDES = (
    re.compile(r'(?:^|_)hemi-(?P<side>[LR])(?=[_.]|$)'),
    re.compile(r'(?:^|[._-])(?P<side>[lr]h)(?=[._-]|$)'),
    re.compile(r'(?:^|\.)(?P<side>[LR])(?=\.|$)'),
)

#: The other hemisphere.
_OTHER = {'L': 'R', 'R': 'L', 'lh': 'rh', 'rh': 'lh'}


def find_side(path):
    """Return the hemisphere (``L`` or ``R``) that the name of a file has, empty without one.

    >>> find_side('sub-1_hemi-L_bold.func.gii'), find_side('rh.aparc.annot'), find_side('100307.L.area.shape.gii')
    ('L', 'R', 'L')
    """
    found = _search(path)
    return found['side'][0].upper() if found else ''


def find_pair(given):
    """Return the files of the left and the right hemisphere.

    Parameters
    ----------
    given : path, or sequence of one or two paths
        Either file, whose partner has the same name except for the hemisphere (``hemi-L`` and ``hemi-R``, ``lh`` and
        ``rh``, ``L`` and ``R``), or both in any order.

    Raises
    ------
    ImageError
        If a file is missing, a hemisphere is given twice, or a name has no hemisphere.
    """
    paths = [str(path) for path in (given if isinstance(given, list | tuple) else [given])]
    if not 1 <= len(paths) <= 2:
        raise ImageError(f'two files are needed, one for each hemisphere, not {len(paths)}: {", ".join(paths[:4])}')
    missing = next((path for path in paths if not Path(path).is_file()), None)
    if missing:
        raise ImageError(f'no such file: {missing}')
    sides = [find_side(path) for path in paths]
    if not all(sides):
        raise ImageError(
            f'{paths[sides.index("")]} has data of one hemisphere, but its name does not say of which. Name the files '
            'of a pair with hemi-L and hemi-R, or lh and rh'
        )
    if len(paths) == 2 and sides[0] == sides[1]:
        raise ImageError(f'the {_word(sides[0])} hemisphere is given twice: {paths[0]} and {paths[1]}')
    if len(paths) == 1:
        paths.append(_name_partner(paths[0]))
        sides.append(_OTHER[sides[0]])
        if not Path(paths[1]).is_file():
            raise ImageError(
                f'the {_word(sides[1])} hemisphere of {paths[0]} is missing: no such file: {paths[1]}. '
                'Both are needed; pass both if the other one has another name'
            )
    return tuple(path for _, path in sorted(zip(sides, paths, strict=True)))


def strip_hemisphere(name):
    """Return a name without its hemisphere.

    >>> [strip_hemisphere(name) for name in ('lh.aparc', 'atl-X_hemi-L_dseg', '100.R.va', 'desikan-rh')]
    ['aparc', 'atl-X_dseg', '100.va', 'desikan']
    """
    found = _search(name)
    return name if found is None else (name[: found.start()] + name[found.end() :]).lstrip('._-')


def list_pair(path):
    """Return the existing files of a pair from either, sorted; of a name without a hemisphere that file alone.

    >>> list_pair('lh.aparc.annot')
    ['lh.aparc.annot']
    """
    path = str(Path(path))
    partner = _name_partner(path) if find_side(path) else path
    return sorted({path, partner}) if Path(partner).is_file() else [path]


def _name_partner(path):
    """Return the path of the same file of the other hemisphere."""
    found, name = _search(path), Path(path).name
    start, stop = found.span('side')
    return str(Path(path).with_name(name[:start] + _OTHER[found['side']] + name[stop:]))


def _search(path):
    return next((found for pattern in _SIDES if (found := pattern.search(Path(path).name))), None)


def _word(side):
    return {'L': 'left', 'R': 'right'}[side]
