# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels check``: what is wrong with an atlas and its look-up table, before a night is spent on it."""

from pathlib import Path

import numpy as np
from scipy import ndimage

from ..core.errors import LabelsError
from ..core.mask import region_ids
from ..core.regions import count_voxels
from ..files.images import read_labels
from ..files.lookup import header_lookup_table, read_lookup_table
from .atlases import find_lut

#: Regions of fewer voxels are named: resampling to a coarser grid may lose them.
FEW_VOXELS = 5

#: Names that a line lists before it counts the rest.
MOST = 8


def check(atlas, lut=None):
    """Print what an atlas holds, and what is wrong with it.

    Parameters
    ----------
    atlas : path
    lut : path, optional
        The one beside the atlas, or in its header, by default.

    Returns
    -------
    int
        Exit status: 1 if something is wrong that loses or confuses regions.

    Raises
    ------
    LabelsError
        If one can't be read.
    """
    labels, grid = read_labels(atlas)
    try:
        ids = region_ids(labels)
    except LabelsError as e:
        raise LabelsError(f'{atlas}: {e}') from e
    zooms = np.sqrt((grid.affine[:3, :3] ** 2).sum(axis=0))
    size = ' × '.join(f'{zoom:.4g}' for zoom in zooms)
    print(f'{atlas}: {len(ids)} regions, {" × ".join(map(str, labels.shape))} voxels of {size} mm')
    wrong, notes = [], []
    lut = lut or find_lut(Path(atlas))
    table = header_lookup_table(atlas) if lut is None else read_lookup_table(lut, ids)
    if table is None:
        notes.append('it has no look-up table: regions are named by their ids')
        names = {}
    else:
        print(f'{lut or "its header"}: {len(table)} names')
        names = dict(zip(table['index'], table['name'], strict=True))
        wrong += _list('without a name, and so without a column', [str(i) for i in ids if i not in names])
        absent = [f'{i} {name}' for i, name in names.items() if i not in set(ids.tolist()) and i != 0]
        notes += _list('named, but not in the image: their columns will be n/a', absent)
    named, counts = [names.get(i, str(i)) for i in ids.tolist()], count_voxels(labels, ids)
    small = [f'{name} ({n})' for name, n in zip(named, counts, strict=True) if n < FEW_VOXELS]
    notes += _list(f'of fewer than {FEW_VOXELS} voxels, which a coarser grid may lose', small)
    split = [name for name, sides in zip(named, find_sides(labels, ids, grid.affine), strict=True) if len(sides) > 1]
    notes += _list('in pieces, of which the largest two are left and right', split)
    for kind, lines in (('wrong', wrong), ('note', notes)):
        for line in lines:
            print(f'{kind}: {line}')
    if not wrong:
        print('nothing is wrong')
    return 1 if wrong else 0


def find_sides(labels, ids, affine):
    """Sides of the midline, where x is 0 mm, on which the two largest pieces of each region lie.

    Parameters
    ----------
    labels : array of int, shape (I, J, K)
    ids : array of int, shape (L,)
        All that there are, in rising order.
    affine : array, shape (4, 4)
        RAS+, in mm.

    Returns
    -------
    list of set of {-1, 0, 1}
        -1 is left, 0 the midline itself.
    """
    place = np.where(labels == 0, 0, 1 + np.searchsorted(ids, labels))
    sides = []
    for number, where in enumerate(ndimage.find_objects(place), start=1):
        pieces, n_pieces = ndimage.label(place[where] == number, structure=np.ones((3, 3, 3)))
        sizes = np.bincount(pieces.ravel(), minlength=n_pieces + 1)[1:]
        largest = 1 + np.argsort(sizes)[::-1][:2]
        centres = np.array(ndimage.center_of_mass(pieces > 0, pieces, largest))
        x = affine[0, :3] @ (centres + [part.start for part in where]).T + affine[0, 3]
        sides.append(set(np.sign(np.round(x, 6)).astype(int).tolist()) if n_pieces > 1 else {0})
    return sides


def _list(what, members):
    """A line for what was found, if anything was; the first few by name."""
    rest = f' and {len(members) - MOST} more' if len(members) > MOST else ''
    return [f'{what}: {", ".join(members[:MOST])}{rest}'] if members else []
