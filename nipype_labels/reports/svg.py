# SPDX-License-Identifier: BSD-3-Clause
"""Parts of figures: embedded images, ticks of axes, and the frame that all figures share.

Images have one pixel per element, which viewers scale. They are PNGs with a palette: those of matplotlib store four
bytes per pixel, which makes a report twice as large.
"""

import base64
import io

import numpy as np
from markupsafe import Markup
from matplotlib import colormaps
from matplotlib.ticker import MaxNLocator
from PIL import Image

from .templates import fill_template

#: Width of a figure and of its margins; where the drawing begins, below title and legend.
WIDTH, MARGIN, TOP = 1000, 24, 104

#: Space left of a drawing for the labels of its vertical axis.
AXIS = 64


def to_bytes(colours):
    """Return colours, from 0 to 1 and shape (n, 3), as bytes."""
    return np.rint(np.asarray(colours)[:, :3] * 255).astype(np.uint8)


#: Grey and black: a missing value, and a censored volume.
MISSING, CENSORED = (0.549, 0.549, 0.549), (0.122, 0.122, 0.122)

#: Shades of a volume, and black for no value. None is so bright that contours would be lost in it.
GREYS = to_bytes([*colormaps['gray'](np.linspace(0, 0.72, 64))[:, :3], (0, 0, 0)])

#: Colours of signals, odd in number so that the mean has one; then those of missing values and censored volumes.
DIVERGING = to_bytes([*colormaps['RdBu_r'](np.linspace(0, 1, 33))[:, :3], MISSING, CENSORED])
N_COLOURS = len(DIVERGING) - 2

#: Colours of retained and censored volumes.
MARKS = to_bytes([(1, 1, 1), CENSORED])


def shade(values, n, low, high):
    """Return the index, in a palette of ``n`` colours from ``low`` to ``high``, of each value; ``n`` if not finite.

    >>> shade(np.array([-9.0, 0.0, 1.0, np.nan]), 3, -1, 1).tolist()
    [0, 1, 2, 3]
    """
    finite = np.isfinite(values)
    fractions = (np.clip(np.where(finite, values, low), low, high) - low) / (high - low)
    return np.where(finite, np.rint(fractions * (n - 1)), n).astype(np.uint8)


def embed(indices, palette):
    """Return the data URL of a PNG with the colours of a palette, shape (number of colours, 3), at each pixel."""
    image = Image.fromarray(indices).convert('P')
    image.putpalette(palette.tobytes())
    return _encode(image)


def _encode(image):
    """Return the data URL of an image as PNG."""
    stream = io.BytesIO()
    image.save(stream, 'PNG', optimize=True)
    return 'data:image/png;base64,' + base64.b64encode(stream.getvalue()).decode('ascii')


def embed_picture(picture, palette):
    """Return the data URL of a PNG of an array of rows, columns and RGB, with the nearest colour of a palette."""
    colours = Image.new('P', (1, 1))
    colours.putpalette(palette.tobytes())
    return _encode(Image.fromarray(picture).quantize(palette=colours, dither=Image.Dither.NONE))


def embed_scale():
    """Return the image of the colours of signals, from the lowest to the highest value."""
    return embed(np.arange(N_COLOURS, dtype=np.uint8)[None], DIVERGING)


def place_ticks(n, labels):
    """Return a few labels on an axis of ``n`` pixels, and the middles of their pixels in per cent of its length.

    >>> place_ticks(2, ['a', 'b'])
    [{'at': '25.00', 'label': 'a'}, {'at': '75.00', 'label': 'b'}]
    """
    indices = [int(index) for index in MaxNLocator(5, integer=True).tick_values(0, n - 1) if 0 <= index < n]
    return [{'at': f'{100 * (index + 0.5) / n:.2f}', 'label': str(labels[index])} for index in indices]


def round_ticks(low, high, most=5):
    """Return a few round numbers, evenly spaced, of which the first and the last enclose a range.

    >>> round_ticks(0, 0.83, 3)
    [0.0, 0.3, 0.6, 0.9]
    """
    values = MaxNLocator(most, steps=[1, 2, 2.5, 3, 5, 10]).tick_values(low, high)
    return [round(float(value), 12) for value in values]


def fill_figure(kind, heading, subject, title, height, width=WIDTH, left=MARGIN + AXIS, **values):
    """Return a figure as a self-contained SVG: the template ``kind`` within the frame that all figures share."""
    frame = {'heading': heading, 'subject': f'{subject} – {title}' if title else subject, 'width': width, 'left': left}
    frame |= {'height': round(height), 'margin': MARGIN, 'top': TOP}
    return Markup(fill_template(f'{kind}.svg.j2', **frame, **values))
