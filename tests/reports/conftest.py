# SPDX-License-Identifier: BSD-3-Clause
"""Reports of a head with two regions."""

import base64
import io

import numpy as np
import pytest
from head_cases import GRIDS, SPOT
from head_cases import ball as draw_ball
from PIL import Image

from nipype_labels.reports import AtlasData, Origin, SeriesData, draw_figures, render_report

VERSIONS = {'nipype_labels': '1.2.3'}


@pytest.fixture(scope='session')
def pixels_of():
    """Read the pixels of an embedded image: an array of rows, columns and RGB."""
    return lambda url: np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(',')[1]))).convert('RGB'))


@pytest.fixture(scope='session')
def ball():
    """Voxels of a grid within some mm of a point."""
    return draw_ball


@pytest.fixture(params=GRIDS)
def grid(request):
    """Shape and affine of a grid."""
    return GRIDS[request.param]


@pytest.fixture(scope='session')
def plain_grid():
    """Shape and affine of an upright grid."""
    return GRIDS['RAS']


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
def make_atlas(plain_grid, ball):
    """A series and its one atlas; arguments replace the defaults."""

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
        series = SeriesData(mean, affine, kept, cleaning, **(of_series or {}))
        return series, AtlasData(**atlas)

    return make


@pytest.fixture
def make_page(make_atlas):
    """A report of one atlas, or of copies of it; see ``make_atlas``."""

    def make(n_volumes=12, title='Title', copies=1, methods='', origin=Origin(versions=VERSIONS), **given):
        series, atlas = make_atlas(n_volumes, **given)
        figures = [draw_figures(title, series, atlas)] * copies
        return render_report(title, series, [atlas] * copies, figures, origin, methods)

    return make


@pytest.fixture(scope='session')
def make_row():
    """A row of a coverage table."""
    return region_row
