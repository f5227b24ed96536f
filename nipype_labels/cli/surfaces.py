# SPDX-License-Identifier: BSD-3-Clause
"""Surfaces on which reports show series of surfaces: ``--surface``, or those of the participant."""

from pathlib import Path

from ..bids.surfaces import find_surfaces
from ..files.elements import read_space
from ..files.hemispheres import find_pair
from ..files.meshes import read_meshes
from ..files.spaces import is_surface
from ..model.errors import LabelsError


def check_surfaces(given, bold, reports):
    """Return the paths of the surfaces that ``--surface`` names, left before right; none by default.

    LabelsError if no report shows them, the series (a path) is a volume, or it has another mesh.
    """
    if not given:
        return []
    if not reports:
        raise LabelsError('--surface given, but it only acts with reports')
    if not is_surface(bold):
        raise LabelsError('--surface given, but it only acts with series of surfaces')
    read_meshes(given, read_space(bold))
    return [str(Path(path).absolute()) for path in find_pair(given)]


def choose_surfaces(given, bold, reports):
    """Return the surfaces on which a report shows a series, if any: those given, or those of the participant."""
    return check_surfaces(given, bold, reports) or (find_surfaces(bold) if reports else [])
