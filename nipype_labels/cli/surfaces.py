# SPDX-License-Identifier: BSD-3-Clause
"""Files of surfaces of a run: those that options name, or those of the participant."""

from dataclasses import replace
from pathlib import Path

from ..bids.surfaces import CORTEX_MASK, GIFTI, MIDTHICKNESS, OF_PARTICIPANT, find_pairs, find_surfaces
from ..files.areas import require_areas
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


def add_surfaces(runs, given, reports):
    """Return runs with the surfaces on which their reports show them, if any."""
    if not reports:
        return runs
    return [replace(run, surfaces=tuple(given or find_surfaces(run.bold))) for run in runs]


def check_areas(given, weight):
    """Raise LabelsError unless ``--areas`` is given exactly if vertices are weighted by area, and names a pair."""
    require_areas(weight, given)
    if given not in (None, OF_PARTICIPANT):
        find_pair(given)


def add_areas(runs, given):
    """Return runs with the file of the areas of their vertices, if ``--areas`` is given."""
    if given is None:
        return runs
    if given != OF_PARTICIPANT:
        return [replace(run, areas=Path(given).absolute()) for run in runs]
    return [_add_midthickness(run) for run in runs]


def note_masks(runs):
    """Return a line which says that series of surfaces are processed without a mask, and which masks do not fit."""
    others = (find_pairs(run.bold, CORTEX_MASK, of_other_meshes=True) for run in runs if run.bold.name.endswith(GIFTI))
    other = next((pair[0] for pairs in others for pair in pairs), None)
    unused = f'; those of other meshes are not used, such as {other}' if other else ''
    return f'series of surfaces: without a mask of the cortex{unused}'


def _add_midthickness(run):
    """Return a run with the midthickness surface of its participant, or with several candidates."""
    found = tuple(Path(pair[0]) for pair in find_pairs(run.bold, MIDTHICKNESS))
    several = {'areas': found} if len(found) > 1 else {}
    return replace(run, areas=found[0] if len(found) == 1 else None, candidates=run.candidates | several)
