# SPDX-License-Identifier: BSD-3-Clause
"""Round places on axes, in per cent of their length: pages may be of any width."""

from matplotlib.ticker import MaxNLocator


def place_ticks(n, labels):
    """A few places on an axis of ``n`` pixels.

    Parameters
    ----------
    n : int
    labels : sequence, length n

    Returns
    -------
    list of dict
        ``at``: how far along the pixel's middle is, in per cent; ``label``: what to write there.

    Examples
    --------
    >>> place_ticks(2, ['a', 'b'])
    [{'at': '25.00', 'label': 'a'}, {'at': '75.00', 'label': 'b'}]
    """
    places = [int(place) for place in MaxNLocator(5, integer=True).tick_values(0, n - 1) if 0 <= place < n]
    return [{'at': f'{100 * (place + 0.5) / n:.2f}', 'label': str(labels[place])} for place in places]


def round_ticks(low, high, most=5):
    """A few round numbers, evenly spaced, of which the first and the last enclose a range.

    >>> round_ticks(0, 0.83, 3)
    [0.0, 0.3, 0.6, 0.9]
    """
    values = MaxNLocator(most, steps=[1, 2, 2.5, 3, 5, 10]).tick_values(low, high)
    return [round(float(value), 12) for value in values]
