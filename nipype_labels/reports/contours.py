# SPDX-License-Identifier: BSD-3-Clause
"""Figure of the contours of regions on the mean volume."""

from itertools import accumulate

import numpy as np

from ..core.display import grey_window
from ..core.slices import PLANES, choose_slices, cut_plane, view_grid
from ..model.atlas import unused_id
from .svg import GREYS, MARGIN, TOP, WIDTH, embed, fill_figure, shade

#: Slices in each plane.
N_SLICES = 6

#: Space between slices, and the height of the coordinates below a row of slices.
GAP, CAPTION = 8, 30


def draw_contours(title, series, atlas):
    """Return an SVG with slices in three planes: regions with and without a time series, and the mask."""
    planes = outline_slices(
        series.mean, series.affine, atlas.labels, atlas.affine, atlas.ids, atlas.lost, series.mask, series.mask_affine
    )
    side = (WIDTH - 2 * MARGIN - (N_SLICES - 1) * GAP) / N_SLICES
    heights = [max(side / each['aspect'] for each in slices) for slices in planes]
    tops = list(accumulate([CAPTION + height for height in heights], initial=TOP))
    rows = [
        [_place(each, n, top, side, height) for n, each in enumerate(slices)]
        for slices, top, height in zip(planes, tops, heights, strict=False)
    ]
    drawn = {'rows': rows, 'has_mask': series.mask is not None}
    subject = f'{atlas.name}: {atlas.summary}'
    return fill_figure('contours', 'Contours on the mean volume', subject, title, tops[-1], **drawn)


def outline_slices(mean, mean_affine, labels, labels_affine, ids, lost, mask=None, mask_affine=None):
    """Return dicts of the slices in each plane: image, outlines as SVG paths, letters of the sides, coordinate.

    ``labels`` and ``mask`` may be on any grid; labels not in ``ids`` are background. Regions that are ``lost`` have
    outlines of their own.
    """
    view = view_grid(mean.shape, mean_affine)
    window = grey_window(mean)
    chosen = choose_slices(np.isin(labels, ids), labels_affine, view, N_SLICES)
    planes = []
    for plane in PLANES:
        slices = []
        for index in chosen[plane.normal]:
            picture = cut_plane(mean, mean_affine, view, plane, index)
            regions = index_regions(cut_plane(labels, labels_affine, view, plane, index, fill=unused_id(ids)), ids)
            outlines = {'sound': outline(regions, np.r_[False, ~lost]), 'unsound': outline(regions, np.r_[False, lost])}
            inside = mask is not None and cut_plane(mask, mask_affine, view, plane, index).astype(int)
            outlines['mask'] = '' if mask is None else outline(inside, np.array([False, True]))
            slices.append(outlines | _describe(picture, window, view, plane, index))
        planes.append(slices)
    return planes


def index_regions(labels, ids):
    """Return the row of each label in the coverage table, counted from 1; 0 is the background.

    >>> index_regions(np.array([[0, 30, 20, 7]]), np.array([20, 30])).tolist()
    [[0, 2, 1, 0]]
    """
    order = np.argsort(ids)
    row = np.minimum(np.searchsorted(ids, labels, sorter=order), len(ids) - 1)
    return np.where(ids[order][row] == labels, order[row] + 1, 0)


def outline(regions, chosen):
    """Return the edges of the chosen regions as an SVG path along the sides of pixels; 0 is the background.

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


def _describe(picture, window, view, plane, index):
    """Return the image of a slice, its size, the letters of its sides and its coordinate."""
    rows, columns = picture.shape
    coordinate = f'{"xyz"[plane.normal]} = {view.position(plane.normal, index):.0f} mm'.replace('-', '−')
    return {
        'image': embed(shade(picture, len(GREYS) - 1, *window), GREYS),
        'rows': rows,
        'columns': columns,
        'aspect': columns * view.steps[plane.across] / (rows * view.steps[plane.up]),
        'left': plane.left,
        'right': plane.right,
        'coordinate': coordinate.replace('= −0 ', '= 0 '),
    }


def _place(each, n, top, side, height):
    """Return a slice with its place in the figure; the slices of a row are aligned at the bottom."""
    own = side / each['aspect']
    place = {'x': MARGIN + n * (side + GAP), 'y': top + height - own, 'width': side, 'height': own}
    return each | {key: f'{value:.2f}' for key, value in place.items()}
