# SPDX-License-Identifier: BSD-3-Clause
"""A head with one known spot, on grids that point every way."""

import numpy as np
import pytest

from nipype_labels.core.grid import map_voxels
from nipype_labels.reports import Atlas, Series, draw_atlas, render_report

#: World coordinates in mm of a spot that is left, anterior and superior.
SPOT = np.array([-20.0, 24.0, 16.0])


def _turned(degrees):
    """Rotation about an axis along no edge of anything."""
    axis = np.array([1.0, 2.0, 3.0]) / np.sqrt(14)
    cross = np.cross(np.eye(3), axis)
    angle = np.deg2rad(degrees)
    return np.cos(angle) * np.eye(3) - np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(axis, axis)


def _centred(linear, shape):
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = -linear @ (np.array(shape) - 1) / 2
    return affine


#: Shapes and affines of the same 96 mm of space.
GRIDS = {
    'RAS': ((32, 24, 48), np.diag([3.0, 4.0, 2.0])),
    'LAS': ((32, 24, 48), np.diag([-3.0, 4.0, 2.0])),
    'LPI': ((32, 24, 48), np.diag([-3.0, -4.0, -2.0])),
    'PSR': ((24, 48, 32), np.array([[0, 0, 3.0], [-4.0, 0, 0], [0, 2.0, 0]])),
    'oblique': ((40, 40, 40), _turned(25) * 3.0),
    'oblique, mirrored': ((40, 40, 40), _turned(-40) @ np.diag([-3.0, 3.0, 3.0])),
}


@pytest.fixture(scope='session')
def ball():
    """Voxels of a grid within ``radius`` mm of a place."""

    def draw(shape, affine, centre=SPOT, radius=9.0):
        world = map_voxels(affine, tuple(np.indices(shape)))
        return ((world - np.reshape(centre, (3, 1, 1, 1))) ** 2).sum(axis=0) <= radius**2

    return draw


@pytest.fixture(params=GRIDS)
def grid(request):
    """Shape and affine of a grid."""
    shape, linear = GRIDS[request.param]
    return shape, _centred(np.array(linear), shape)


@pytest.fixture(scope='session')
def plain_grid():
    """Shape and affine of an upright grid."""
    shape, linear = GRIDS['RAS']
    return shape, _centred(linear, shape)


def region_row(index, name, status='ok', **others):
    return {
        'index': index,
        'name': name,
        'n_voxels_atlas': 40,
        'n_voxels_grid': 40,
        'n_voxels_mask': 40,
        'n_voxels_used': 40,
        'coverage': 1.0,
        'status': status,
        'volume_atlas': 960.0,
        'tsnr': 50.0 + index,
        **others,
    }


@pytest.fixture
def draw(plain_grid, ball):
    """A series and its one atlas, drawn; what is given replaces what there would be."""

    def make(n_volumes=12, kept=None, cleaning=None, of_series=None, **given):
        shape, affine = plain_grid
        kept = np.ones(n_volumes, dtype=bool) if kept is None else kept
        labels = ball(shape, affine).astype(np.int32) * 3 + ball(shape, affine, -SPOT).astype(np.int32) * 5
        regions = [region_row(3, 'Front'), region_row(5, 'Back')]
        n_regions = len(given.get('regions', regions))
        raw = np.random.default_rng(0).normal(100, 1, (n_volumes, n_regions))
        atlas = {'name': 'Name', 'labels': labels, 'affine': affine, 'regions': regions, 'raw': raw, **given}
        atlas.setdefault('cleaned', np.where(kept[:, None], atlas['raw'], np.nan))
        mean = np.where(ball(shape, affine, (0, 0, 0), 40), 700.0, 0)
        cleaning = {'Parameters': {'detrend': True, 'low_pass': None}} if cleaning is None else cleaning
        series = Series(mean, affine, kept, cleaning, **(of_series or {}))
        return series, draw_atlas(series, Atlas(**atlas))

    return make


@pytest.fixture
def make_page(draw):
    """A report of one atlas, or of copies of it; the rest is as in ``draw``."""

    def make(n_volumes=12, title='Title', copies=1, methods='', **given):
        series, drawn = draw(n_volumes, **given)
        return render_report(title, series, [drawn] * copies, {'nipype_labels': '1.2.3'}, methods)

    return make


@pytest.fixture(scope='session')
def make_row():
    """A row of a regions table."""
    return region_row
