# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from nipype_labels.core.display import grey_window
from nipype_labels.reports.svg import DIVERGING, GREYS, embed, shade


def test_an_image_has_the_colours_of_its_palette(pixels_of):
    places = np.random.default_rng(0).integers(0, len(DIVERGING), (7, 11)).astype(np.uint8)
    np.testing.assert_array_equal(pixels_of(embed(places, DIVERGING)), DIVERGING[places])


def test_brighter_values_have_brighter_shades():
    places = shade(np.linspace(-10, 110, 50), len(GREYS) - 1, 0, 100)
    assert (np.diff(places.astype(int)) >= 0).all()
    assert (np.diff(GREYS[:-1, 0].astype(int)) >= 0).all()
    assert GREYS[places[[0, -1]], 0].tolist() == [GREYS[0, 0], GREYS[-2, 0]]


@pytest.mark.parametrize('volume', [np.zeros(4), np.full(4, np.nan), np.full(4, -3.0)])
def test_a_window_is_never_empty(volume):
    low, high = grey_window(volume)
    assert low < high
