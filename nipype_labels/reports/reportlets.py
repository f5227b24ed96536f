# SPDX-License-Identifier: BSD-3-Clause
"""SVG images that stand alone, for the pages of hosts that collect such; they show what the page shows."""

from itertools import accumulate

from .contours import N_SLICES
from .templates import fill_template

#: Width of the images, and of the space at their edges; hosts scale them.
WIDTH, MARGIN = 1000, 24

#: Space between slices, and what a row of them needs below for the places.
GAP, CAPTION = 8, 30

#: Where drawings begin below title and legend.
TOP = 104

#: Lengths of a title and of the smaller line below it that fit.
MOST_LETTERS, MOST_SMALLER = 70, 120

#: Space left of carpets and matrices for what is written there.
AXIS = 64

#: Heights of the displacement's drawing and of each carpet, and what each needs above for its heading.
MOTION, CARPET, HEADING = 90, 300, 40

#: Space left of a matrix for names.
NAMES_AXIS = 206


def render_contours(title, drawn):
    """Write an image of the contours.

    Parameters
    ----------
    title : str
        Of the report.
    drawn : dict
        From :func:`.page.draw_atlas`.

    Returns
    -------
    str
        SVG, as of the functions below. The same arguments give the same text.
    """
    side = (WIDTH - 2 * MARGIN - (N_SLICES - 1) * GAP) / N_SLICES
    heights = [max(side / float(each['aspect']) for each in plane['slices']) for plane in drawn['planes']]
    tops = list(accumulate([CAPTION + height for height in heights], initial=TOP))
    rows = [
        [_place_slice(each, n, top, side, height) for n, each in enumerate(plane['slices'])]
        for plane, top, height in zip(drawn['planes'], tops, heights, strict=False)
    ]
    lost = len(drawn['regions']) - drawn['n_sound']
    subject = f'{drawn["n_sound"]} of {len(drawn["regions"])} regions have a signal'
    subject += f', {lost} {"has" if lost == 1 else "have"} none' if lost else ''
    return _fill('contours', title, drawn, f'Contours on the mean volume; {subject}', tops[-1], rows=rows)


def render_carpets(title, drawn):
    """Write an image of displacement and of the carpets before and after cleaning."""
    subject = f'Signals before and after cleaning; {drawn["n_kept"]} of {drawn["n_volumes"]} volumes kept'
    motion = drawn['motion'] if drawn['carpets'] else None
    first = TOP + 8 + (MOTION + HEADING if motion else 0)
    second = first + CARPET + HEADING
    height = second + CARPET + 64 if drawn['carpets'] else TOP + 40
    places = {'motion_top': TOP + 8, 'motion_height': MOTION, 'tops': (first, second), 'carpet_height': CARPET}
    return _fill('carpet', title, drawn, subject, height, motion=motion, left=AXIS + MARGIN, **places)


def render_matrix(title, drawn):
    """Write an image of the connectivity matrix."""
    named = drawn['matrix']['names'] is not None
    subject = f'Connectivity{", " + drawn["matrix"]["kind"] if drawn["matrix"]["kind"] else ""}'
    left = MARGIN + (NAMES_AXIS if named else AXIS)
    side = WIDTH - MARGIN - left
    return _fill('matrix', title, drawn, subject, TOP + side + 60, left=left, side=side)


def _place_slice(each, n, top, side, height):
    """A slice with its place in the image; lower ones stand on the bottom of their row."""
    own = side / float(each['aspect'])
    place = {'x': MARGIN + n * (side + GAP), 'y': top + height - own, 'width': side, 'height': own}
    return each | {key: f'{value:.2f}' for key, value in place.items()}


def _fill(kind, title, drawn, subject, height, **values):
    """Fill the template of an image."""
    frame = {'width': WIDTH, 'height': round(height), 'margin': MARGIN, 'top': TOP}
    frame |= {'most_letters': MOST_LETTERS, 'most_smaller': MOST_SMALLER}
    return fill_template(f'{kind}.svg.j2', title=title, subject=subject, atlas=drawn, **frame, **values)
