# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels check``: report problems of an atlas and its look-up table before anything runs."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..core.components import find_at_border, find_components
from ..files.atlases import is_table, read_placed, read_regions
from ..files.hemispheres import find_pair
from ..files.lut import NO_NAMES, choose_lookup_table, find_lookup_table, names_by_id
from ..files.parcellations import name_parcellation, open_parcellation
from ..files.seeds import read_seeds
from ..files.spaces import is_surface
from ..model.affines import voxel_sizes
from ..model.errors import LookupTableError, list_names
from ..model.grayordinates import MESHES
from ..model.weighted import WeightedAtlas
from .progress import count

#: Regions of fewer voxels are reported: resampling to a coarser grid may lose them.
FEW_VOXELS = 5

#: Distance in mm between two components of a region that is reported.
FAR_APART = 10


class _Findings(NamedTuple):
    """Lines about an atlas, and whether a table names its regions and no others."""

    problems: list[str]
    notes: list[str]
    names_match: bool


def check(atlas, lut=None):
    """Print the content and the problems of an atlas; return 1 if there is a problem, 0 with notes only.

    The look-up table is by default the one in the files of the atlas, or next to its image.
    """
    if is_surface(lut):
        raise LookupTableError(
            f'{lut} is not a look-up table. Pass one file of a pair of hemispheres: its partner is found by its name'
        )
    examine = _check_surface if is_surface(atlas) else _check_seeds if is_table(atlas) else _check_image
    found = examine(atlas, lut)
    for kind, lines in (('problem', found.problems), ('note', found.notes)):
        for line in lines:
            print(f'{kind}: {line}')
    if found.names_match and not found.problems:
        print('No problems found')
    return 1 if found.problems else 0


def _check_image(path, lut):
    """Print the content of a label image or of probabilistic maps, and return the Findings."""
    atlas, problems, notes = read_placed(path), [], []
    grid, of_maps = atlas.space, isinstance(atlas, WeightedAtlas)
    size = ' × '.join(f'{size:.4g}' for size in voxel_sizes(grid.affine))
    what = 'probabilistic map' if of_maps else 'region'
    print(f'{path}: {count(len(atlas.ids), what)}, {" × ".join(map(str, grid.shape))} voxels of {size} mm')
    if grid.contradiction:
        notes.append(grid.contradiction)
    if grid.doubt:
        problems.append(
            f'left and right are unknown ({grid.doubt}), so the atlas is refused for series on other voxel grids. '
            'Correct the header'
        )
    lookup = choose_lookup_table(atlas.ids, path, lut=lut, warn=_collect(notes), of_maps=of_maps)
    lut = lut or find_lookup_table(path)
    if lut is not None:
        print(f'{"its header" if str(lut) == str(path) else lut}: {count(len(lookup["name"]), "name")}')
    ids = atlas.ids[atlas.count_voxels() > 0]
    unnamed, absent = _compare(ids, lookup, background=0)
    names = names_by_id(lookup)
    shapes = _describe_shapes(atlas.select(ids, [names.get(i, str(i)) for i in ids.tolist()]), of_maps)
    return _Findings([*problems, *unnamed], [*notes, *absent, *shapes], lut is not None and not absent)


def _check_surface(path, lut):
    """Print the content of a parcellation of surfaces, and return the Findings."""
    notes, parcellation = [], open_parcellation(path)
    atlas, lookup = name_parcellation(parcellation, lut=lut, warn=_collect(notes))
    space, background = atlas.space, atlas.background
    is_held = atlas.labels != background
    ids = np.unique(atlas.labels[is_held])
    left, right, others = (np.unique(atlas.labels[is_held & (space.hemispheres == side)]) for side in ('L', 'R', ''))
    sides = zip((left, right, others), ('left', 'right', 'in unpaired structures'), strict=True)
    counts = ', '.join(f'{len(found)} {where}' for found, where in sides if len(found))
    files = ' and '.join(find_pair(path)) if space.is_pair else path
    print(f'{files}: {count(len(ids), "region")} ({counts}), {replace(space, path="")}')
    print(f'{lut or "label tables of the files"}: {count(len(lookup["name"]), "name")}')
    elements = 'vertices' if space.is_pair else 'vertices and voxels'
    rows = ', '.join(parcellation.background_names) or 'none'
    print(f'background: {np.count_nonzero(~is_held):,} of {space.size:,} {elements}, rows of the label table: {rows}')
    unnamed, absent = _compare(ids, lookup, background)
    names = names_by_id(lookup)
    both = [names.get(i, str(i)) for i in np.intersect1d(left, right).tolist()]
    own = [{region.name for region in parcellation.regions if region.hemisphere == side} for side in 'LR']
    shared = [] if lut else sorted(own[0] & own[1])
    notes += [
        *absent,
        *_list('names of different regions in both hemispheres (they become L_… and R_…)', shared),
        *_list('one id for both hemispheres (one time series mixes them)', both),
    ]
    return _Findings(_compare_meshes(space) + unnamed, notes, not absent)


def _compare_meshes(space):
    """Return a line if the hemispheres have different standard meshes; native meshes differ in any participant."""
    meshes = {structure.n_vertices for structure in space.structures if structure.n_vertices}
    if len(meshes) < 2 or not meshes <= MESHES.keys():
        return []
    return [f'the hemispheres have different meshes: {space.density}. Use files of one mesh']


def _check_seeds(path, lut):
    """Print the content of a table of seeds, and return the Findings."""
    names = read_regions(path, lut, radius=0)['name']
    # Only a radius of their own does not follow the one that is passed.
    radii, others = (read_seeds(path, radius).radii for radius in (0, 1))
    own = [f'{radius:.4g}' for radius in np.unique(radii[radii == others])]
    print(f'{path}: {count(len(names), "seed")}' + (f', radius {list_names(own)} mm' if own else ''))
    without = [name for name, *both in zip(names, radii, others, strict=True) if both[0] != both[1]]
    return _Findings([], _list('seeds without a radius of their own (pass --radius)', without), True)


def _collect(notes):
    """Return a function that appends the warnings of readers to notes, except those that are a problem."""

    def warn(message, *values):
        if message != NO_NAMES:
            notes.append(message % values)

    return warn


def _compare(ids, lookup, background):
    """Return lines about ids without names, and about names without one of the ids."""
    names, held = names_by_id(lookup), set(ids.tolist())
    unnamed = [str(i) for i in ids.tolist() if i not in names]
    absent = [' '.join(dict.fromkeys((str(i), name))) for i, name in names.items() if i not in held and i != background]
    return (
        _list('region ids without a name (no column is written)', unnamed),
        _list('names without a region in the image (their columns are n/a)', absent),
    )


def _describe_shapes(atlas, of_maps):
    """Return lines about regions that are small and, unless they are maps, in several components, or at the border."""
    small = [f'{name} ({n})' for name, n in zip(atlas.names, atlas.count_voxels(), strict=True) if n < FEW_VOXELS]
    lines = _list(f'regions of fewer than {FEW_VOXELS} voxels (resampling to a coarser grid may lose them)', small)
    if of_maps:
        return lines
    parts = list(zip(atlas.names, find_components(atlas), strict=True))
    sides = [name for name, part in parts if part.both_sides]
    apart = [f'{name} ({part.gap:.0f} mm)' for name, part in parts if part.gap > FAR_APART and not part.both_sides]
    border = [name for name, touches in zip(atlas.names, find_at_border(atlas), strict=True) if touches]
    return [
        *lines,
        *_list('one id for components left and right of the midline (one time series mixes them)', sides),
        *_list(f'one id for components more than {FAR_APART} mm apart (one time series mixes them)', apart),
        *_list('regions at the border of the image (the outer half voxel is lost on another voxel grid)', border),
    ]


def _list(what, members):
    """Return a line with the first few members, if there are any."""
    return [f'{what}: {list_names(members)}'] if members else []
