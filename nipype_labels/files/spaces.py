# SPDX-License-Identifier: BSD-3-Clause
"""Decide whether a file is a volume or surface data, and open series of either kind."""

import os
import re
from pathlib import Path

from ..model.grayordinates import CIFTI_NAME
from .grids import open_header
from .hemispheres import GIFTI_ENDS, MGH_ENDS, find_side, strip_hemisphere
from .parcellations import split_map
from .paths import strip_suffixes
from .series import open_series
from .surface_series import open_surface_series


def is_surface(given):
    """Return whether a path, or the first of a sequence, is a file of surface data: CIFTI, GIFTI, .annot, or MGH.

    An image of MGH is one if its name has a hemisphere, and it is one row: a voxel for each vertex.
    """
    path = given[0] if isinstance(given, list | tuple) and given else given
    if not isinstance(path, str | os.PathLike):
        return False
    path = split_map(path)[0]
    if path.lower().endswith((*GIFTI_ENDS, '.annot')) or CIFTI_NAME.search(path):
        return True
    is_mgh = path.lower().endswith(MGH_ENDS)
    return is_mgh and bool(find_side(path)) and Path(path).is_file() and open_header(path).shape[1:3] == (1, 1)


def open_any_series(given):
    """Return the Series of a volume image, or the SurfaceSeries of surface data (see :func:`is_surface`)."""
    return open_surface_series(given) if is_surface(given) else open_series(given)


def name_content(path):
    """Return the name of a file without its suffixes, and of surface data without the hemisphere, but with the map.

    >>> name_content('atlas-lh.label.gii'), name_content('RSN.dlabel.nii:Yeo 7'), name_content('Tian.S1.nii.gz')
    ('atlas', 'RSN_Yeo-7', 'Tian.S1')
    """
    if not is_surface(path):
        return strip_suffixes(path)
    file, part = split_map(path)
    return strip_suffixes(strip_hemisphere(Path(file).name)) + ('_' + re.sub(r'[^\w.+-]+', '-', part) if part else '')
