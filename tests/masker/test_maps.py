# SPDX-License-Identifier: BSD-3-Clause
"""Maskers of probabilistic maps and spheres: nilearn's numbers in double precision, without its defects."""

import nibabel
import numpy as np
import pandas as pd
import pytest
from nilearn import maskers
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels import NiftiLabelsMasker, NiftiMapsMasker, NiftiSpheresMasker
from nipype_labels.files.tables import read_signals
from nipype_labels.model.errors import LabelsError

SHAPE, T = (9, 8, 7), 12
AFFINE = np.array([[4.0, 0, 0, -16], [0, 4, 0, -15], [0, 0, 4, -13], [0, 0, 0, 1]])
SEEDS = [(0, 1, 3), (6, 3, 0), (-8, 7, 2)]


def image(data):
    return nibabel.Nifti1Image(data, AFFINE)


@pytest.fixture(scope='module')
def maps():
    return image(np.maximum(np.random.default_rng(3).normal(0.2, 1, (*SHAPE, 4)), 0))


@pytest.fixture(scope='module')
def bold():
    return image(np.random.default_rng(4).normal(500, 40, (*SHAPE, T)))


@pytest.fixture(scope='module')
def mask():
    inside = np.ones(SHAPE, dtype='uint8')
    inside[:2] = 0
    return image(inside)


OPTIONS = dict(standardize='zscore_sample', detrend=True, smoothing_fwhm=6.0)


@pytest.mark.filterwarnings('ignore')
def test_maps_are_fitted_as_by_nilearn(maps, bold, mask):
    ours = NiftiMapsMasker(maps, mask_img=mask, reports=False, **OPTIONS)
    theirs = maskers.NiftiMapsMasker(maps, mask_img=mask, reports=False, dtype='float64', **OPTIONS)
    signals = ours.fit_transform(bold)
    assert_allclose(signals, theirs.fit_transform(bold), rtol=1e-7, atol=1e-9)
    assert_allclose(
        ours.inverse_transform(signals).get_fdata(), theirs.inverse_transform(signals).get_fdata(), atol=1e-9
    )
    assert_array_equal(ours.maps_img_.get_fdata()[2:], maps.get_fdata()[2:])


@pytest.mark.filterwarnings('ignore')
def test_maps_of_series_in_single_precision_are_exact(maps, bold):
    """nilearn fits them in single precision."""
    single, maps = (image(each.get_fdata().astype('float32')) for each in (bold, maps))
    exact = np.linalg.lstsq(maps.get_fdata().reshape(-1, 4), single.get_fdata().reshape(-1, T), rcond=None)[0].T
    assert_allclose(NiftiMapsMasker(maps, reports=False).fit_transform(single), exact, rtol=1e-10)
    theirs = maskers.NiftiMapsMasker(maps, reports=False, standardize=None).fit_transform(single)
    assert np.abs(theirs / exact - 1).max() > 1e-8


@pytest.mark.filterwarnings('ignore')
def test_spheres_have_the_means_of_nilearn(bold, mask):
    own = dict(mask_img=mask, reports=False, allow_overlap=True, radius=9.0, **OPTIONS)
    ours, theirs = NiftiSpheresMasker(SEEDS, **own), maskers.NiftiSpheresMasker(SEEDS, **own)
    assert_allclose(ours.fit_transform(bold), theirs.fit_transform(bold), rtol=1e-7, atol=1e-9)


@pytest.mark.filterwarnings('ignore')
def test_means_of_integers_are_not_truncated(bold):
    """nilearn's have the type of the series."""
    integers = image(bold.get_fdata().astype('int16'))
    ours = NiftiSpheresMasker(SEEDS, radius=9.0, reports=False).fit_transform(integers)
    assert_allclose(ours, NiftiSpheresMasker(SEEDS, radius=9.0, reports=False).fit_transform(bold), atol=1)
    assert (ours != np.rint(ours)).any()
    theirs = maskers.NiftiSpheresMasker(SEEDS, radius=9.0, allow_overlap=True, reports=False, standardize=None)
    assert_array_equal(theirs.fit_transform(integers), np.trunc(ours))


@pytest.mark.filterwarnings('ignore')
def test_a_voxel_outside_the_radius_is_not_in_the_sphere(bold):
    """nilearn adds the voxel whose truncated coordinates are those of the seed."""
    x, y, z = (AFFINE @ (4, 4, 4, 1))[:3]
    seeds = [(x + 0.5, y + 0.5, z + 0.5), (x, y, z)]
    own = dict(radius=0.8, reports=False)
    ours = NiftiSpheresMasker(seeds, **own).fit(bold)
    assert ours.regions_['status'].tolist() == ['lost_in_resampling', 'ok']
    with pytest.warns(UserWarning, match='without a signal: lost_in_resampling: 1'):
        signals = ours.transform(bold)
    assert np.isnan(signals[:, 0]).all()
    theirs = maskers.NiftiSpheresMasker(seeds, allow_overlap=True, standardize=None, **own).fit_transform(bold)
    assert_array_equal(theirs, bold.get_fdata()[4, 4, 4][:, None] * [1, 1])
    nearest = NiftiSpheresMasker(seeds, include_nearest=True, **own).fit_transform(bold)
    assert_array_equal(nearest, theirs)


def test_masker_graph_and_files_have_the_same_bytes(maps, bold, mask, tmp_path):
    paths = {}
    for name, data in (('maps', maps), ('bold', bold), ('mask', mask)):
        paths[name] = str(tmp_path / f'{name}.nii.gz')
        nibabel.save(data, paths[name])
    for masker in (
        NiftiMapsMasker(paths['maps'], mask_img=paths['mask'], labels=list('abcd'), reports=False),
        NiftiSpheresMasker(SEEDS, radius=6.0, mask_img=paths['mask'], reports=False),
    ):
        signals = masker.fit_transform(paths['bold'])
        wf = masker.to_workflow(folder=tmp_path / 'made')
        wf.base_dir = str(tmp_path / type(masker).__name__)
        wf.inputs.inputnode.bold_file = paths['bold']
        (clean,) = (node for node in wf.run().nodes() if node.name == 'clean')
        names, found = read_signals(clean.result.outputs.out_files[0])
        assert_array_equal(found, signals)
        assert names == masker.get_feature_names_out().tolist()


def test_seeds_may_be_a_dataframe(bold, tmp_path):
    """Its columns are found by their names, as those of a table are."""
    table = pd.DataFrame(SEEDS, columns=list('xyz')).assign(name=['V1', 'M1', 'S1'], radius=[9.0, np.nan, 5.5])
    table = table[['name', 'z', 'x', 'radius', 'y']]
    table.to_csv(tmp_path / 'seeds.tsv', sep='\t', index=False, na_rep='n/a')
    own = dict(radius=7.0, reports=False)
    masker = NiftiSpheresMasker(table, **own)
    signals = masker.fit_transform(bold)
    assert_array_equal(signals, NiftiSpheresMasker(tmp_path / 'seeds.tsv', **own).fit_transform(bold))
    radii = dict(zip(SEEDS, (9.0, 7.0, 5.5), strict=True))
    expected = [NiftiSpheresMasker([seed], radius=radii[seed]).fit_transform(bold)[:, 0] for seed in SEEDS]
    assert_array_equal(signals, np.transpose(expected))
    assert masker.get_feature_names_out().tolist() == ['V1', 'M1', 'S1']
    wf = masker.to_workflow(folder=tmp_path)
    (path,) = wf.inputs.inputnode.atlas_files
    assert_array_equal(NiftiSpheresMasker(path, **own).fit_transform(bold), signals)
    table.loc[0, 'radius'] = 8.0
    with pytest.raises(LabelsError, match='seeds changed after fit'):
        masker.transform(bold)
    with pytest.raises(LabelsError, match='seeds is not a table of seeds: no column z'):
        NiftiSpheresMasker(table.drop(columns='z'), **own).fit(bold)


@pytest.mark.parametrize('form', [np.array, lambda seeds: list(map(list, seeds))], ids=['array', 'lists'])
def test_seeds_changed_in_place_need_another_fit(form, bold):
    seeds = form(SEEDS)
    masker = NiftiSpheresMasker(seeds, radius=9.0)
    signals = masker.fit_transform(bold)
    assert_array_equal(masker.transform(bold), signals)
    assert 'no time course' not in str(masker.generate_report())
    seeds[0][2] += 40
    with pytest.raises(LabelsError, match='seeds changed after fit: call fit again'):
        masker.transform(bold)


@pytest.mark.filterwarnings('ignore')
def test_a_cache_keeps_spheres_and_maps_of_the_same_voxels_apart(bold, tmp_path):
    """The fit of overlapping maps is not their means."""
    seeds = [(0, 1, 3), (4, 1, 3)]
    own = dict(memory=tmp_path, reports=False, strategy='least_squares')
    spheres = NiftiSpheresMasker(seeds, radius=5.0, **own)
    means = spheres.fit_transform(bold)
    maps = np.stack([spheres.inverse_transform(np.eye(2)[i]).get_fdata() > 0 for i in range(2)], axis=-1)
    fitted = NiftiMapsMasker(image(maps.astype('float64')), **own).fit_transform(bold)
    expected = np.linalg.lstsq(maps.reshape(-1, 2).astype(float), bold.get_fdata().reshape(-1, T), rcond=None)[0].T
    assert_allclose(fitted, expected, rtol=1e-10)
    assert_allclose(means[:, 0], bold.get_fdata()[maps[..., 0]].mean(axis=0), rtol=1e-12)
    assert np.abs(means - fitted).max() > 10
    assert_array_equal(NiftiSpheresMasker(seeds, radius=5.0, **own).fit_transform(bold), means)


def test_overlapping_spheres_have_their_mean_in_the_inverse_transform(bold):
    seeds = [(0, 1, 3), (4, 1, 3)]
    masker = NiftiSpheresMasker(seeds, radius=5.0, reports=False).fit(bold)
    assert set(np.unique(masker.inverse_transform(np.array([1.0, 3.0])).get_fdata())) == {0, 1, 2, 3}
    with pytest.raises(LabelsError, match=r'overlap.*1 and 2'):
        NiftiSpheresMasker(seeds, radius=5.0, allow_overlap=False, reports=False).fit(bold)


@pytest.mark.filterwarnings('ignore')
def test_a_sphere_may_be_larger_than_the_series(bold):
    """The box around this sphere has 8 million voxels of 1 mm."""
    masker = NiftiSpheresMasker([(0, 0, 0)], radius=100.0, reports=False)
    assert_allclose(masker.fit_transform(bold)[:, 0], bold.get_fdata().mean(axis=(0, 1, 2)), rtol=1e-12)
    assert masker.regions_['n_voxels_atlas'][0] == pytest.approx(4 / 3 * np.pi * 100**3 / 4**3, rel=1e-3)


def test_overlapping_maps_are_refused_as_by_nilearn(maps, bold):
    with pytest.raises(ValueError, match='Overlap detected in the maps'):
        maskers.NiftiMapsMasker(maps, allow_overlap=False, standardize=None).fit_transform(bold)
    with pytest.raises(LabelsError, match=r'maps overlap \(allow_overlap=False\): A and B, A and C, '):
        NiftiMapsMasker(maps, allow_overlap=False, labels=list('ABCD')).fit(bold)
    disjoint = maps.get_fdata() * (maps.get_fdata() == maps.get_fdata().max(axis=-1, keepdims=True))
    assert NiftiMapsMasker(image(disjoint), allow_overlap=False, reports=False).fit_transform(bold).shape == (T, 4)


def test_collinear_maps_are_named(maps, bold):
    twice = image(maps.get_fdata()[..., [0, 1, 2, 0]])
    masker = NiftiMapsMasker(twice, labels=list('ABCD'), reports=False)
    with pytest.warns(UserWarning, match='maps that are linear combinations of others: A, D'):
        signals = masker.fit_transform(bold)
    assert_allclose(signals[:, 0], signals[:, 3], rtol=1e-9)
    assert masker.regions_['status'].tolist() == ['collinear', 'ok', 'ok', 'collinear']


def test_tables_are_refused_as_tables(bold, tmp_path):
    table = tmp_path / 'lut.csv'
    table.write_text('index,name\n1,V1\n', encoding='utf-8')
    for call in (NiftiMapsMasker(table).fit, lambda: NiftiSpheresMasker([(0, 0, 0)], radius=9.0).fit_transform(table)):
        with pytest.raises(LabelsError, match=r'lut\.csv is a table, not an image or a series'):
            call()


def test_images_of_another_kind_are_refused(bold, mask):
    with pytest.raises(LabelsError, match='maps_img must be a 4D image'):
        NiftiMapsMasker(mask).fit()
    said = r'labels_img must be a 3D image of labels, and .* has \d+ volumes.*NiftiMapsMasker.*swapped'
    with pytest.raises(LabelsError, match=said):
        NiftiLabelsMasker(bold).fit(mask)
    with pytest.raises(LabelsError, match='seeds must be coordinates'):
        NiftiSpheresMasker([(1, 2)], radius=3.0).fit(bold)
