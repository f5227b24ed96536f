# SPDX-License-Identifier: BSD-3-Clause
"""Figure of the coverage of regions on surfaces: shaded views of the meshes, and bars for regions without vertices."""

import numpy as np
from matplotlib import colormaps
from PIL import Image, ImageDraw

from ..core.meshes import find_triangle_regions, view_mesh
from ..model.grayordinates import CORTEX
from . import svg
from .contours import index_regions
from .formatting import format_percent, shorten

#: Views in their order: hemisphere, where it is seen from (−1 left, 1 right), and name.
VIEWS = (
    ('L', -1, 'Left hemisphere, lateral'),
    ('R', 1, 'Right hemisphere, lateral'),
    ('L', 1, 'Left hemisphere, medial'),
    ('R', -1, 'Right hemisphere, medial'),
)

#: Space between views, height of the name of each, and pixels per unit of the figure.
GAP, CAPTION, PIXELS = 24, 26, 1.2

#: Triangles are painted so many times larger, which smooths their edges.
_OVERSAMPLING = 2

#: Brightness of triangles on the border of a region, as a fraction.
_BORDER = 0.5

#: Bars of so many regions at most, in columns; height of a bar with its space, and length of a whole bar.
MOST_BARS, BAR_COLUMNS, BAR, BAR_LENGTH = 60, 3, 22, 92

#: Colours of the coverage from 0 to 1, of regions without a time series, of no region, and of vertices without data.
SCALE = colormaps['Blues'](np.linspace(0.2, 0.7, 64))[:, :3]
LOST, NO_REGION, NO_DATA = (1.0, 0.353, 0.31), (0.82, 0.82, 0.82), (0.953, 0.855, 0.62)

#: Colours of a view: some of them, each from dark to light, mixed with white as at the edge of the mesh, and white.
_HUES = np.vstack([SCALE[::9], [LOST], [NO_REGION], [NO_DATA]])
PALETTE = svg.to_bytes(
    np.vstack(
        [
            *(_HUES * light for light in np.linspace(0.17, 1, 14)),
            *(_HUES * (1 - white) + white for white in (0.33, 0.66)),
            np.ones((1, 3)),
        ]
    )
)


def draw_coverage(title, series, atlas):
    """Return an SVG with the coverage of the regions of an atlas of surfaces.

    Regions with vertices are coloured in four views, if the meshes are known. The others have bars.
    """
    inside = find_inside(series, atlas)
    rows = {side: place_regions(atlas, side, inside) for side in series.meshes}
    views, height = _draw_views(series.meshes, rows, color_regions(atlas))
    on_mesh = np.zeros(len(atlas.regions) + 2, dtype=bool)
    for values in rows.values():
        on_mesh[values] = True
    worst_first = np.lexsort((measure_coverage(atlas), ~atlas.lost)).tolist()
    wanted = [i for i in worst_first if not on_mesh[i + 1]]
    bars = _draw_bars(atlas, wanted[:MOST_BARS])
    top = svg.TOP + height
    drawn = {'views': views, 'bars': bars, 'bars_top': top + 30}
    drawn |= {'bar_length': BAR_LENGTH, 'has_no_data': bool(views) and bool(on_mesh[-1])}
    drawn['note'] = _describe_bars(atlas, wanted, bool(views))
    drawn['scale'] = svg.embed(np.arange(len(SCALE), dtype=np.uint8)[None], svg.to_bytes(SCALE))
    if bars:
        top += 30 + BAR * -(-len(bars) // BAR_COLUMNS) + 16
    subject = f'{atlas.name}: {atlas.summary}'
    return svg.fill_figure('coverage', 'Coverage of the regions', subject, title, top, **drawn)


def find_inside(series, atlas):
    """Return whether each vertex and voxel of an atlas is inside the mask of the series, if it has one, shape (n,)."""
    if series.mask is None:
        return np.ones(len(atlas.labels), dtype=bool)
    numbers = series.mask_space.locate(atlas.space)
    return (numbers >= 0) & series.mask[numbers]


def place_regions(atlas, side, inside):
    """Return the row of the region of each vertex of a hemisphere, counted from 1; 0 is outside all regions.

    Vertices that the series does not have, or that are not ``inside`` its mask, have the row after the last region.
    """
    start, no_data = 0, len(atlas.regions) + 1
    for structure in atlas.space.structures:
        stop = start + len(structure.elements)
        if structure.name == CORTEX[side]:
            regions = np.full(structure.n_vertices, no_data)
            found = index_regions(atlas.labels[start:stop], atlas.ids)
            regions[structure.elements] = np.where(inside[start:stop], found, no_data)
            return regions
        start = stop
    return np.zeros(0, dtype=np.int64)


def measure_coverage(atlas):
    """Return the coverage of each region from 0 to 1, shape (L,); 0 where it is missing."""
    covered = np.array([region['coverage'] for region in atlas.regions], dtype=np.float64)
    return np.clip(np.nan_to_num(covered), 0, 1)


def color_regions(atlas):
    """Return the colour of no region, of each region, and of vertices without data, shape (L + 2, 3), from 0 to 1."""
    colours = SCALE[svg.shade(measure_coverage(atlas), len(SCALE), 0, 1)]
    return np.vstack([NO_REGION, np.where(atlas.lost[:, None], LOST, colours), NO_DATA])


def paint_view(view, colours, size, scale, middle):
    """Return an image of triangles with their colours (n, 3), as an array of rows, columns and RGB.

    ``size`` is the width and the height in pixels, ``scale`` the pixels per mm, ``middle`` the point in the middle.
    """
    width, height = (_OVERSAMPLING * each for each in size)
    image = Image.new('RGB', (width, height), (255, 255, 255))
    places = (view.corners - middle) * (scale * _OVERSAMPLING) + np.array([width, height]) / 2
    shades = svg.to_bytes(colours * view.light[:, None])
    draw = ImageDraw.Draw(image)
    for corners, shade in zip(places.reshape(-1, 6).tolist(), map(tuple, shades.tolist()), strict=True):
        draw.polygon(corners, fill=shade)
    return np.asarray(image.resize(size, Image.Resampling.BOX))


def _draw_views(meshes, rows, colours):
    """Return the views with their places in the figure, and the height that they take."""
    chosen = [view for view in VIEWS if view[0] in meshes and len(rows[view[0]])]
    if not chosen:
        return [], 0
    seen = [view_mesh(*meshes[side], direction) for side, direction, _ in chosen]
    spans = np.array([np.ptp(view.corners.reshape(-1, 2), axis=0) for view in seen]).max(axis=0)
    width = (svg.WIDTH - 2 * svg.MARGIN - GAP) / 2
    height = width * spans[1] / spans[0]
    size = tuple(round(PIXELS * each) for each in (width, height))
    drawn = []
    for number, (view, (side, _, name)) in enumerate(zip(seen, chosen, strict=True)):
        regions, border = find_triangle_regions(rows[side], meshes[side][1][view.triangles])
        shades = colours[regions] * np.where(border, _BORDER, 1)[:, None]
        flat = view.corners.reshape(-1, 2)
        middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
        picture = paint_view(view, shades, size, (size[0] - 2) / spans[0], middle)
        row, column = divmod(number, 2)
        place = {'x': svg.MARGIN + column * (width + GAP), 'y': svg.TOP + row * (height + CAPTION)}
        place |= {'width': width, 'height': height}
        words = {'name': name, 'image': svg.embed_picture(picture, PALETTE)}
        drawn.append(words | {key: f'{value:.2f}' for key, value in place.items()})
    return drawn, -(-len(chosen) // 2) * (height + CAPTION)


def _draw_bars(atlas, regions):
    """Return the name and length of the bar of each region, column by column, and their places."""
    n_rows = -(-len(regions) // BAR_COLUMNS)
    width = (svg.WIDTH - 2 * svg.MARGIN - (BAR_COLUMNS - 1) * GAP) / BAR_COLUMNS
    bars, covered = [], measure_coverage(atlas)
    for number, i in enumerate(regions):
        column, row = divmod(number, n_rows)
        bars.append(
            {
                'x': f'{svg.MARGIN + column * (width + GAP):.2f}',
                'y': BAR * row,
                'name': shorten(atlas.names[i], 20),
                'length': f'{BAR_LENGTH * covered[i]:.1f}',
                'words': format_percent(atlas.regions[i]['coverage']),
                'lost': bool(atlas.lost[i]),
            }
        )
    return bars


def _describe_bars(atlas, regions, has_views):
    """Return the line above the bars."""
    if not regions:
        return ''
    words = 'Regions without a vertex in these views' if has_views else 'All regions; no surface is known for views'
    if len(regions) <= MOST_BARS:
        return words
    others = measure_coverage(atlas)[regions[MOST_BARS:]]
    lowest, highest = format_percent(others.min()), format_percent(others.max())
    most = lowest if lowest == highest else f'{lowest} to {highest}'
    kept = 'no surface is known for views' if not has_views else 'without a vertex in these views'
    return f'The {MOST_BARS} worst of {len(regions)} regions ({kept}); the others have {most}'
