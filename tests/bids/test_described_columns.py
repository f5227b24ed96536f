# SPDX-License-Identifier: BSD-3-Clause
"""Descriptions of columns in sidecars agree with the coverage table, whose columns are computed by other means."""

import re

import nibabel as nib
import numpy as np
import pytest
from numpy.testing import assert_allclose

from nipype_labels import NiftiLabelsMasker, NiftiSpheresMasker
from nipype_labels.model.columns import COVERAGE

SAID = {name: told['Description'] for name, told in COVERAGE.items()}
RETAINED = np.setdiff1d(np.arange(30), [0, 12, 13, 14])


def image(data, size):
    return nib.Nifti1Image(data, np.diag([size, size, size, 1.0]))


@pytest.fixture(scope='module')
def bench():
    """Atlas of 2 mm, series and mask of 4 mm: the coarse grid, the finite values, and the table of the masker."""
    labels = np.zeros((12, 12, 12), 'int16')
    labels[:6], labels[6:, :6], labels[6:, 6:] = 1, 2, 3
    bold = np.random.default_rng(3).normal(800, 9, (6, 6, 6, 30)) + np.linspace(0, 90, 30)
    bold[0, 0, 0, 0] = 5000
    bold[0, 0, :3], bold[4, 1, 1, :9] = np.nan, np.nan
    mask = np.ones((6, 6, 6), 'uint8')
    mask[:, :, 5] = 0
    masker = NiftiLabelsMasker(image(labels, 2.0), ['A', 'B', 'C'], mask_img=image(mask, 4.0), reports=False)
    masker.fit_transform(image(bold, 4.0), sample_mask=RETAINED)
    return labels, labels[::2, ::2, ::2], mask > 0, bold, masker.regions_


EXPECTED = {
    'index': ('Id of the region', lambda i, *_: i),
    'name': ('Name of the region', lambda i, *_: 'ABC'[i - 1]),
    'n_voxels_atlas': ("in the atlas, on the atlas's voxel grid", lambda i, atlas, *_: (atlas == i).sum()),
    'n_voxels_grid': ('on the voxel grid of the', lambda i, atlas, on_grid, *_: (on_grid == i).sum()),
    'n_voxels_mask': ('within the mask', lambda i, atlas, on_grid, mask, bold: ((on_grid == i) & mask).sum()),
    'n_voxels_used': ('finite in at least one volume', lambda *bench: used(*bench).sum()),
    'coverage': (
        "fraction of the region's volume in the atlas",
        lambda i, atlas, *rest: used(i, atlas, *rest).sum() * 4**3 / ((atlas == i).sum() * 2**3),
    ),
    'status': ('', lambda *_: 'ok'),
    'volume_atlas': ('Volume of the region in the atlas', lambda i, atlas, *_: (atlas == i).sum() * 2**3),
    'n_volumes': ('Volumes with a value', lambda *_: 30),
    'tsnr': ('retained volumes, without their linear trend', lambda *bench: tsnr(*bench)),
}


def used(i, atlas, on_grid, mask, bold):
    return (on_grid == i) & mask & np.isfinite(bold).any(axis=-1)


def tsnr(i, atlas, on_grid, mask, bold):
    """Mean over standard deviation of the region's mean time series."""
    course = np.nanmean(bold[used(i, atlas, on_grid, mask, bold)], axis=0)[RETAINED]
    residuals = course - np.polynomial.Polynomial.fit(RETAINED, course, 1)(RETAINED)
    return course.mean() / residuals.std()


#: Columns of other atlases than labels of volumes: that of maps and spheres, and those of surfaces.
OTHERS = {'n_shared', 'area_atlas', 'hemisphere', 'index_file', 'n_zero'}


@pytest.mark.parametrize('column', sorted(set(SAID) - OTHERS))
def test_a_column_of_the_coverage_table_is_what_its_description_says(column, bench):
    *given, regions = bench
    words, compute = EXPECTED[column]
    assert re.search(words, SAID[column])
    expected = [compute(i, *given) for i in (1, 2, 3)]
    found = regions[column] if column in regions else regions['n_voxels_atlas'] * 2**3
    if isinstance(expected[0], str):
        assert found.tolist() == expected
    else:
        assert_allclose(found.to_numpy(dtype=float), expected, rtol=2e-6)


def test_shared_voxels_are_those_of_several_regions(bench):
    _, _, mask, bold, _ = bench
    centres, radius = np.array([[8.0, 8, 8], [12, 8, 8], [8, 16, 16]]), 6.0
    masker = NiftiSpheresMasker(centres.tolist(), radius, mask_img=image(mask.astype('uint8'), 4.0), reports=False)
    masker.fit_transform(image(bold, 4.0))
    where = 4.0 * np.indices(mask.shape)
    inside = [(np.linalg.norm(where - c[:, None, None, None], axis=0) <= radius) & mask for c in centres]
    expected = [(region & (sum(inside) > 1)).sum() for region in inside]
    assert re.search('that other regions have too', SAID['n_shared'])
    assert expected[0] > 0
    assert masker.regions_['n_shared'].tolist() == expected
