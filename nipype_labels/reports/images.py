# SPDX-License-Identifier: BSD-3-Clause
"""Arrays to images that stand in the page itself, one pixel per element; the browser scales them.

Images are PNGs with a palette: those of matplotlib store four bytes per pixel, which makes a report twice as large.
"""

import base64
import io

import numpy as np
from matplotlib import colormaps
from PIL import Image


def _bytes(colours):
    """Colours of a palette, from parts of 1 to bytes."""
    return np.rint(np.asarray(colours)[:, :3] * 255).astype(np.uint8)


#: Grey and black: a value that is missing, and a volume that is left out.
MISSING, LEFT_OUT = (0.549, 0.549, 0.549), (0.122, 0.122, 0.122)

#: Shades of a volume, and black for no value. They are enough for the eye, and none is so bright that contours would
#: drown in it.
GREYS = _bytes([*colormaps['gray'](np.linspace(0, 0.72, 64))[:, :3], (0, 0, 0)])

#: Colours of a signal, odd in number so that the mean has one, then those of what is missing and left out.
DIVERGING = _bytes([*colormaps['RdBu_r'](np.linspace(0, 1, 33))[:, :3], MISSING, LEFT_OUT])

#: Colours of volumes that are kept and left out.
MARKS = _bytes([(1, 1, 1), LEFT_OUT])


def shade(values, n, low, high):
    """Choose a colour for each value.

    Parameters
    ----------
    values : array, any shape
    n : int
        Number of colours.
    low, high : float
        Values of the first and the last one.

    Returns
    -------
    array of uint8, shape of ``values``
        Places in a palette; ``n`` where a value is not finite.

    Examples
    --------
    >>> shade(np.array([-9.0, 0.0, 1.0, np.nan]), 3, -1, 1).tolist()
    [0, 1, 2, 3]
    """
    finite = np.isfinite(values)
    parts = (np.clip(np.where(finite, values, low), low, high) - low) / (high - low)
    return np.where(finite, np.rint(parts * (n - 1)), n).astype(np.uint8)


def embed(places, palette):
    """Encode an image.

    Parameters
    ----------
    places : array of uint8, shape (rows, columns)
        Of each pixel's colour in the palette.
    palette : array of uint8, shape (number of colours, 3)

    Returns
    -------
    str
        A data URL of a PNG.
    """
    image = Image.fromarray(places).convert('P')
    image.putpalette(palette.tobytes())
    stream = io.BytesIO()
    image.save(stream, 'PNG', optimize=True)
    return 'data:image/png;base64,' + base64.b64encode(stream.getvalue()).decode('ascii')


def grey_window(volume):
    """Least and largest value of a volume to tell apart; the brightest specks and the empty background don't count.

    >>> grey_window(np.array([0.0, np.nan, 10.0, 20.0]))
    (0.0, 20.0)
    """
    values = volume[np.isfinite(volume) & (volume != 0)]
    if not values.size:
        return 0.0, 1.0
    low, high = min(0.0, float(values.min())), float(np.quantile(values, 0.995, method='higher'))
    return low, high if high > low else low + 1.0
