# SPDX-License-Identifier: BSD-3-Clause
"""Arrays to images that stand in the page itself, one pixel per element; the browser scales them."""

import base64
import io

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.image import imsave

#: Shades of a volume: enough for the eye, half the size of 256, and none so bright that contours would drown in it.
GREYS = ListedColormap(colormaps['gray'](np.linspace(0, 0.72, 64)))

#: Colours of a signal, odd in number so that the mean has one.
DIVERGING = colormaps['RdBu_r'].resampled(33).with_extremes(bad='#8c8c8c')

#: Colour of a volume that is left out.
LEFT_OUT = '#1f1f1f'


def colour(values, colours, low, high):
    """Give a matrix colours.

    Parameters
    ----------
    values : array, shape (rows, columns)
        NaN takes the colour map's colour for bad values.
    colours : Colormap
    low, high : float
        Values of the first and the last colour.

    Returns
    -------
    array of uint8, shape (rows, columns, 4)
    """
    scaled = (np.ma.masked_invalid(values) - low) / (high - low)
    return colours(np.ma.clip(scaled, 0, 1), bytes=True)


def paint(pixels, where):
    """Colour the columns of volumes that are left out.

    Parameters
    ----------
    pixels : array of uint8, shape (rows, columns, 4)
    where : array of bool, shape (columns,)
    """
    pixels[:, where] = np.rint(255 * np.array(to_rgba(LEFT_OUT)))
    return pixels


def embed(pixels):
    """Encode pixels, always in the same bytes.

    Parameters
    ----------
    pixels : array of uint8, shape (rows, columns, 4)

    Returns
    -------
    str
        A data URL of a PNG.
    """
    stream = io.BytesIO()
    # Without the name and version of the software, which would change the bytes.
    imsave(stream, np.ascontiguousarray(pixels), format='png', metadata={'Software': None})
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
