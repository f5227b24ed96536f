# SPDX-License-Identifier: BSD-3-Clause
"""Labels, probabilistic maps and spheres in one pass of one graph, against nilearn's maskers in double precision."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from nilearn import maskers
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.files.coverage import read_coverage
from nipype_labels.files.tables import read_signals
from nipype_labels.files.weights import read_weights
from nipype_labels.model.errors import LabelsError
from nipype_labels.workflows import init_labels_wf

SHAPE, T = (12, 11, 10), 20
AFFINE = np.array([[3.0, 0, 0, -16], [0, 3, 0, -15], [0, 0, 3.5, -17], [0, 0, 0, 1]])
FINER = np.array([[2.5, 0, 0, -17.3], [0, 2.5, 0, -16.2], [0, 0, 2.5, -18.1], [0, 0, 0, 1]])
SEEDS = 'x\ty\tz\tname\n0\t0\t0\tV1\n6\t3\t0\tM1\n-9\t8\t2\tS1\n200\t0\t0\tfar\n'


@pytest.fixture
def files(image, tmp_path):
    """Write a series, a mask, and an atlas of each kind, and return their paths by name."""
    rng = np.random.default_rng(80)
    labels = np.arange(8).reshape(2, 2, 2).repeat(6, 0).repeat(6, 1).repeat(5, 2)[:, :11]
    maps = np.maximum(rng.normal(size=(15, 14, 14, 4)) + np.linspace(-1, 1, 15)[:, None, None, None], 0)
    mask = np.ones(SHAPE, 'uint8')
    mask[:2] = 0
    seeds = tmp_path / 'seeds.tsv'
    seeds.write_text(SEEDS, encoding='utf-8')
    return {
        'bold': image('bold.nii.gz', rng.normal(500, 30, (*SHAPE, T)), AFFINE, t_r=2.0),
        'mask': image('mask.nii.gz', mask, AFFINE),
        'labels': image('areas.nii.gz', labels.astype('int16'), AFFINE),
        'maps': image('networks.nii.gz', maps, FINER),
        'seeds': str(seeds),
    }


def run(files, folder, *atlases, **parameters):
    """Return the outputs of the nodes of a graph by name."""
    wf = init_labels_wf(use_mask=True, **parameters)
    wf.base_dir = str(folder)
    wf.inputs.inputnode.trait_set(
        bold_file=files['bold'], bold_mask=files['mask'], atlas_files=[files[name] for name in atlases]
    )
    return {node.name: node.result.outputs for node in wf.run().nodes()}


@pytest.mark.filterwarnings('ignore')
def test_labels_maps_and_spheres_of_one_pass_are_nilearns(files, tmp_path):
    found = run(files, tmp_path, 'labels', 'maps', 'seeds', strategy='least_squares', radius=7.0, project='labels')
    labels, maps, spheres = (read_signals(path)[1] for path in found['reduce'].out_files)
    # In double precision: nilearn solves in that of the series.
    own = dict(mask_img=files['mask'], standardize=None, dtype='float64', memory_level=0)
    bold = nibabel.load(files['bold'])
    assert_allclose(labels, maskers.NiftiLabelsMasker(files['labels'], **own).fit_transform(bold), rtol=1e-9)
    theirs = maskers.NiftiMapsMasker(files['maps'], resampling_target='data', **own)
    assert_allclose(maps, theirs.fit_transform(bold), rtol=1e-9)
    seeds = [(0, 0, 0), (6, 3, 0), (-9, 8, 2)]
    of_seeds = maskers.NiftiSpheresMasker(seeds, radius=7.0, allow_overlap=True, **own)
    assert_allclose(spheres[:, :3], of_seeds.fit_transform(bold), rtol=1e-9)
    assert np.isnan(spheres[:, 3]).all()
    regions = read_coverage(found['reduce'].regions_files[2])
    assert regions.status.tolist() == ['ok', 'ok', 'ok', 'outside_field_of_view']
    assert regions.name.tolist() == ['V1', 'M1', 'S1', 'far']
    assert regions.quality['n_shared'].tolist()[2:] == [0, 0]
    # The adjoint of the fit: amplitudes times maps.
    shown = nibabel.load(found['project'].out_files[1]).get_fdata()
    assert_allclose(shown, theirs.inverse_transform(maps).get_fdata(), rtol=1e-5, atol=1e-3)
    weights = read_weights(found['apply_mask'].out_files[1])
    image = nibabel.load(found['apply_mask'].image_files[1]).get_fdata()
    assert_array_equal(image.ravel(order='F')[weights.elements] > 0, True)


@pytest.mark.filterwarnings('ignore')
def test_the_series_is_sampled_on_the_grid_of_maps(files, tmp_path):
    found = run(files, tmp_path, 'maps', strategy='least_squares', resampling_target='labels', interpolation='linear')
    (signals,) = (read_signals(path)[1] for path in found['reduce'].out_files)
    own = dict(mask_img=files['mask'], standardize=None, dtype='float64', resampling_target='maps')
    theirs = maskers.NiftiMapsMasker(files['maps'], **own).fit_transform(files['bold'])
    # nilearn samples by cubic splines, and takes 0 outside the series: the time series resemble each other.
    assert all(np.corrcoef(ours, other)[0, 1] > 0.5 for ours, other in zip(signals.T, theirs.T, strict=True))


def test_adding_an_atlas_of_another_kind_changes_no_byte(files, tmp_path):
    parameters = dict(strategy='weighted_mean')
    alone = run(files, tmp_path / 'alone', 'maps', **parameters)
    mixed = run(files, tmp_path / 'mixed', 'labels', 'maps', 'seeds', radius=7.0, **parameters)
    one, other = alone['reduce'].out_files[0], mixed['reduce'].out_files[1]
    assert Path(one).read_bytes() == Path(other).read_bytes()


@pytest.mark.parametrize(
    ('atlas', 'parameters', 'said'),
    [
        ('maps', {}, r"networks.nii.gz is .*maps.*strategy='mean' is for labels.*Choose weighted_mean or .*swapped"),
        ('seeds', {}, r'seeds.tsv: 4 seeds have no radius of their own: pass radius=MM'),
        ('seeds', {'resampling_target': 'labels'}, r"seeds.tsv.*no voxel grid.*set resampling_target='data'"),
        ('seeds', {'radius': 7.0, 'allow_overlap': False}, r'seeds.tsv: spheres overlap.*V1 and M1'),
        ('maps', {'strategy': 'least_squares', 'allow_overlap': False}, r'networks.*maps overlap.*1 and 2, 1 and 3'),
        (
            'maps',
            {'strategy': 'least_squares', 'allow_overlap': False, 'resampling_target': 'labels'},
            r'networks.*maps overlap.*1 and 2, 1 and 3',
        ),
        ('labels', {'radius': 7.0}, r'radius given, but it only acts with tables of seeds'),
        ('labels', {'allow_overlap': False}, r'allow_overlap given, but it only acts with probabilistic maps'),
    ],
)
def test_parameters_of_another_kind_of_atlas_are_refused(atlas, parameters, said, files, tmp_path):
    with pytest.raises(Exception, match=said):
        run(files, tmp_path, atlas, **parameters)


@pytest.mark.parametrize('target', ['data', 'labels'])
def test_a_table_as_series_is_refused_as_a_table(files, tmp_path, target):
    table = tmp_path / 'lut.tsv'
    table.write_text('index\tname\n1\tV1\n', encoding='utf-8')
    with pytest.raises(Exception, match=r'lut\.tsv is a table, not an image or a series'):
        run(files | {'bold': str(table)}, tmp_path, 'labels', resampling_target=target)


def test_parameters_of_spheres_need_the_grid_of_the_series():
    with pytest.raises(LabelsError, match="radius given, but it only acts with resampling_target='data'"):
        init_labels_wf(radius=3.0, resampling_target='labels')
