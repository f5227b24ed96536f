# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels check``: report problems of an atlas and its look-up table before anything runs."""

from ..core.components import find_at_border, find_components
from ..files.lut import NO_TABLE, find_lookup_table, read_lookup_table
from ..files.volumes import read_labels
from ..model.affines import voxel_sizes
from ..model.atlas import Atlas, region_ids
from ..model.errors import errors_name, list_names

#: Regions of fewer voxels are reported: resampling to a coarser grid may lose them.
FEW_VOXELS = 5

#: Distance in mm between two components of a region that is reported.
FAR_APART = 10


def check(atlas, lut=None):
    """Print the content and the problems of an atlas; return 1 if there is a problem, 0 with notes only.

    The look-up table is by default the one in the header of the atlas, or next to its image.
    """
    labels, grid = read_labels(atlas)
    with errors_name(atlas):
        ids = region_ids(labels)
    size = ' × '.join(f'{size:.4g}' for size in voxel_sizes(grid.affine))
    print(f'{atlas}: {len(ids)} regions, {" × ".join(map(str, labels.shape))} voxels of {size} mm')
    lut = lut or find_lookup_table(atlas)
    names, problems, notes = {}, [], [grid.contradiction] if grid.contradiction else []
    if grid.doubt:
        problems.append(
            f'left and right are unknown ({grid.doubt}), so the atlas is refused for series on other voxel grids. '
            'Correct the header'
        )
    if lut is None:
        notes.append(NO_TABLE % atlas)
    else:
        table = read_lookup_table(lut, ids)
        print(f'{"its header" if str(lut) == str(atlas) else lut}: {len(table["name"])} names')
        names = dict(zip(table['index'], table['name'], strict=True))
    unnamed = [str(i) for i in ids if i not in names] if names else []
    problems += _list('region ids without a name (no column is written)', unnamed)
    absent = [f'{i} {name}' for i, name in names.items() if i not in set(ids.tolist()) and i != 0]
    notes += _list('names without a region in the image (their columns are n/a)', absent)
    notes += _describe_shapes(Atlas(grid, labels, ids, [names.get(i, str(i)) for i in ids.tolist()]))
    for kind, lines in (('problem', problems), ('note', notes)):
        for line in lines:
            print(f'{kind}: {line}')
    if names and not problems and not absent:
        print('No problems found')
    return 1 if problems else 0


def _describe_shapes(atlas):
    """Return lines about regions that are small, in several components, or at the border."""
    small = [f'{name} ({n})' for name, n in zip(atlas.names, atlas.count_voxels(), strict=True) if n < FEW_VOXELS]
    parts = list(zip(atlas.names, find_components(atlas), strict=True))
    sides = [name for name, part in parts if part.both_sides]
    apart = [f'{name} ({part.gap:.0f} mm)' for name, part in parts if part.gap > FAR_APART and not part.both_sides]
    border = [name for name, touches in zip(atlas.names, find_at_border(atlas), strict=True) if touches]
    return [
        *_list(f'regions of fewer than {FEW_VOXELS} voxels (resampling to a coarser grid may lose them)', small),
        *_list('one id for components left and right of the midline (one time series mixes them)', sides),
        *_list(f'one id for components more than {FAR_APART} mm apart (one time series mixes them)', apart),
        *_list('regions at the border of the image (the outer half voxel is lost on another voxel grid)', border),
    ]


def _list(what, members):
    """Return a line with the first few members, if there are any."""
    return [f'{what}: {list_names(members)}'] if members else []
