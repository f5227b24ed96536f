# SPDX-License-Identifier: BSD-3-Clause
"""Contours of regions over a mean volume."""

import numpy as np

from ..core.regions import unused_id
from .images import GREYS, embed, grey_window, shade
from .slices import PLANES, choose_slices, cut_plane, view_grid

#: Slices in each plane.
N_SLICES = 6

#: Whose edges make up the outline of a mask, by what is outside and inside.
MASKED = np.array([False, True])


def draw_contours(mean, mean_affine, labels, labels_affine, ids, lost, mask=None, mask_affine=None):
    """Draw slices in three planes.

    Parameters
    ----------
    mean : array, shape (I, J, K)
    mean_affine : array, shape (4, 4)
    labels : array of int, shape (I', J', K')
        On any grid.
    labels_affine : array, shape (4, 4)
    ids : array of int, shape (L,)
        Of the regions; all other labels are background.
    lost : array of bool, shape (L,)
        Regions without a signal, whose contours are set apart.
    mask : array of bool, shape (I'', J'', K''), optional
        To be outlined; on any grid.
    mask_affine : array, shape (4, 4), optional

    Returns
    -------
    list of dict
        For each plane ``name`` and ``slices``: drawings for the template.
    """
    view = view_grid(mean.shape, mean_affine)
    window = grey_window(mean)
    chosen = choose_slices(np.isin(labels, ids), labels_affine, view, N_SLICES)
    drawings = []
    for plane in PLANES:
        slices = []
        for index in chosen[plane.normal]:
            picture = cut_plane(mean, mean_affine, view, plane, index)
            regions = place_regions(cut_plane(labels, labels_affine, view, plane, index, fill=unused_id(ids)), ids)
            drawn = _draw_slice(picture, regions, lost, window, view, plane, index)
            inside = None if mask is None else cut_plane(mask, mask_affine, view, plane, index)
            slices.append(drawn | {'mask': '' if inside is None else outline(inside.astype(int), MASKED)})
        drawings.append({'name': plane.name, 'slices': slices})
    return drawings


def place_regions(labels, ids):
    """Row of each label in the regions table, counted from 1; 0 is no region.

    >>> place_regions(np.array([[0, 30, 20, 7]]), np.array([20, 30])).tolist()
    [[0, 2, 1, 0]]
    """
    order = np.argsort(ids)
    place = np.minimum(np.searchsorted(ids, labels, sorter=order), len(ids) - 1)
    return np.where(ids[order][place] == labels, order[place] + 1, 0)


def outline(regions, chosen):
    """Edges between pixels of different regions, along the pixels' sides.

    Parameters
    ----------
    regions : array of int, shape (rows, columns)
        0 is no region.
    chosen : array of bool, shape (number of regions + 1,)
        By region, whether its edges are wanted.

    Returns
    -------
    str
        An SVG path in units of pixels.

    Examples
    --------
    >>> outline(np.array([[1]]), np.array([False, True]))
    'M0 0h1M0 1h1M0 0v1M1 0v1'
    """
    padded = np.pad(regions, 1)
    wanted = chosen[padded]
    steps = []
    for transposed, step in ((False, 'M{1} {0}h{2}'), (True, 'M{0} {1}v{2}')):
        numbers, flags = (padded.T, wanted.T) if transposed else (padded, wanted)
        edges = (numbers[1:] != numbers[:-1]) & (flags[1:] | flags[:-1])
        # Edges in a row become one line, from where they begin to where they end.
        changes = np.diff(edges[:, 1:-1].astype(np.int8), axis=1, prepend=0, append=0)
        for (line, begin), (_, end) in zip(np.argwhere(changes == 1), np.argwhere(changes == -1), strict=True):
            steps.append(step.format(line, begin, end - begin))
    return ''.join(steps)


def _draw_slice(picture, regions, lost, window, view, plane, index):
    """One slice for the template."""
    rows, columns = picture.shape
    sound, unsound = np.r_[False, ~lost], np.r_[False, lost]
    shown = np.unique(regions)
    place = f'{"xyz"[plane.normal]} = {view.position(plane.normal, index):.0f} mm'.replace('-', '−')
    return {
        'image': embed(shade(picture, len(GREYS) - 1, *window), GREYS),
        'rows': rows,
        'columns': columns,
        'aspect': f'{columns * view.steps[plane.across] / (rows * view.steps[plane.up]):.4f}',
        'sound': outline(regions, sound),
        'unsound': outline(regions, unsound),
        'left': plane.left,
        'right': plane.right,
        'place': place.replace('= −0 ', '= 0 '),
        'n_regions': int((shown > 0).sum()),
    }
