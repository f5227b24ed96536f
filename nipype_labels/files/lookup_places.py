# SPDX-License-Identifier: BSD-3-Clause
"""Where the look-up table of an atlas is: in its header, or in a file next to it."""

import itertools
import os
import re
from pathlib import Path

from ..core.errors import GridError, ImageError, LookupTableError
from .grids import load
from .lookup_xml import AFNI_TABLE, parse_afni

#: Ends of the names of look-up tables, in the order in which they are looked for.
LUT_ENDS = ('.tsv', '.csv', '.txt', '.lut', '.ctab', '.xml', '.niml.lt')

#: NIfTI's code for a header extension written by AFNI.
AFNI_EXTENSION = 4

#: Entities that the table of an atlas need not have: it is the same in every space and resolution.
_SHARED = ('res', 'cohort', 'space', 'tpl')

#: Names of images whose tables have other names, as distributed by CBIG and nilearn: a pattern, and the table's stem.
_KNOWN = (
    (re.compile(r'(.+_order)_FSLMNI152_\d+mm'), r'\1'),
    (re.compile(r'(Yeo2011_\d+Networks)_MNI152_.+'), r'\1_ColorLUT'),
)

_IMAGE_END = re.compile(r'(\.nii|\.img|\.hdr|\.mgz|\.mgh|\.mnc)?(\.gz|\.bz2|\.zst)?$', re.IGNORECASE)


def find_lookup_table(atlas, in_header=True):
    """Find the look-up table of an atlas that no argument names.

    Parameters
    ----------
    atlas : path
        Label image.
    in_header : bool
        Look into the header of the image, too; without it, the image need not exist.

    Returns
    -------
    str or None
        The image itself if AFNI's table is in its header; else the first existing file next to it: of the same name but
        for the end; of the same name without ``res-``, ``cohort-``, ``space-`` and ``tpl-``, as TemplateFlow has it; of
        the name that CBIG and nilearn give to it. None if no such file exists.

    Raises
    ------
    LookupTableError
        If the image can't be read.
    """
    atlas = Path(atlas)
    if in_header and read_header(atlas) is not None:
        return str(atlas)
    return next((str(path) for path in _places(atlas) if os.path.isfile(path)), None)  # noqa: PTH113


def read_header(image):
    """Read the pairs of id and name that AFNI left in the header of an image.

    Parameters
    ----------
    image : path or nibabel image

    Returns
    -------
    list of (int, str), or None
        None without such a table.

    Raises
    ------
    LookupTableError
        If the image can't be read.
    """
    try:
        header = getattr(load(image) if isinstance(image, str | os.PathLike) else image, 'header', None)
    except (GridError, ImageError) as e:
        raise LookupTableError(str(e)) from e
    extensions = [e for e in getattr(header, 'extensions', ()) if e.get_code() == AFNI_EXTENSION]
    texts = [bytes(e.get_content()).decode('utf-8', 'replace') for e in extensions]
    return next((parse_afni(text) for text in texts if AFNI_TABLE in text), None)


def _places(atlas):
    """Paths of tables next to an atlas, in the order in which they are looked for."""
    stem = _IMAGE_END.sub('', atlas.name)
    yield from (atlas.with_name(stem + end) for end in LUT_ENDS)
    yield atlas.with_name(f'{stem}.nii.txt')  # of AAL, also next to the compressed image
    parts = stem.split('_')
    for n in range(1, len(_SHARED) + 1):
        for without in itertools.combinations(_SHARED, n):
            kept = [part for part in parts if part.split('-')[0] not in without]
            if parts[-1] == 'dseg' and len(kept) == len(parts) - n and len(kept) > 1:
                yield atlas.with_name('_'.join(kept) + '.tsv')
    for pattern, table in _KNOWN:
        found = pattern.fullmatch(stem)
        if found:
            yield from (atlas.with_name(found.expand(table) + end) for end in LUT_ENDS)
