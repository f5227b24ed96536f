# SPDX-License-Identifier: BSD-3-Clause
"""The node for the inverse transform: every voxel has the value of its own region."""

import nibabel
import numpy as np
import pytest
from nilearn.maskers import NiftiLabelsMasker
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.interfaces import ApplyMask, InverseProject, ReduceLabels
from nipype_labels.model.errors import SignalError


@pytest.fixture
def atlas(image, text, run):
    """Labels 30, 7, 200 and 9 with names, on an oblique grid, and their coverage table in another order."""
    data = np.random.default_rng(7).choice([0, 7, 9, 30, 200], (5, 4, 3)).astype('int16')
    affine = np.array([[2, 0.1, 0, -5], [-0.1, 2, 0, 3], [0, 0, 4, 1], [0, 0, 0, 1.0]])
    labels = image('atlas.nii.gz', data, affine)
    lut = text('lut.tsv', 'index\tname\n30\tA\n7\tB\n200\tC\n9\tD\n')
    placed = run(ApplyMask(labels_files=labels, lut_files=lut))
    return {'labels_files': placed.out_files, 'regions_files': placed.regions_files}


IDS = {'A': 30, 'B': 7, 'C': 200, 'D': 9}


def by_loop(labels, columns, values, blank=np.nan):
    """Expected value of every voxel."""
    out = np.zeros((*labels.shape, len(values)))
    for name, course in zip(columns, values.T, strict=True):
        out[labels == IDS[name]] = np.where(np.isnan(course), blank, course)
    return out


@pytest.mark.parametrize('columns', ['ABCD', 'DCBA', 'CA'])
@pytest.mark.parametrize('dtype', ['float32', 'float64'])
def test_every_voxel_shows_the_signal_of_its_id(dtype, columns, atlas, signals, run):
    values = np.random.default_rng(8).normal(size=(6, len(columns)))
    path = signals(values, columns=list(columns))
    written = nibabel.load(run(InverseProject(signals_files=path, out_dtype=dtype, **atlas)).out_files[0])
    labels = nibabel.load(atlas['labels_files'][0])
    assert written.get_data_dtype() == np.dtype(dtype)
    assert_array_equal(np.asarray(written.dataobj), by_loop(np.asarray(labels.dataobj), columns, values).astype(dtype))


@pytest.mark.parametrize(('fill', 'blank'), [({}, np.nan), ({'fill_value': 0.0}, 0), ({'fill_value': -3.5}, -3.5)])
def test_missing_values_stay_missing_or_are_filled(fill, blank, atlas, signals, run):
    values = np.random.default_rng(8).normal(size=(5, 4))
    values[:, 1], values[2] = np.nan, np.nan
    outputs = run(
        InverseProject(signals_files=signals(values, columns=list('ABCD')), out_dtype='float64', **fill, **atlas)
    )
    labels = np.asarray(nibabel.load(atlas['labels_files'][0]).dataobj)
    assert_array_equal(nibabel.load(outputs.out_files[0]).get_fdata(), by_loop(labels, 'ABCD', values, blank))


@pytest.mark.parametrize('t_r', [0.8, 2.0])
def test_the_header_has_grid_and_repetition_time(t_r, atlas, signals, run):
    path = signals(np.ones((5, 4)), columns=list('ABCD'))
    written = nibabel.load(run(InverseProject(signals_files=path, t_r=t_r, **atlas)).out_files[0])
    assert_allclose(written.affine, nibabel.load(atlas['labels_files'][0]).affine, atol=1e-6)
    assert written.header.get_zooms()[3] == pytest.approx(t_r, rel=1e-6)
    assert written.header.get_xyzt_units() == ('mm', 'sec')
    assert written.shape == (5, 4, 3, 5)


@pytest.mark.parametrize(('squeeze', 'shape'), [(True, (5, 4, 3)), (False, (5, 4, 3, 1))])
def test_a_single_row_is_a_volume_unless_asked_otherwise(squeeze, shape, atlas, signals, run):
    """nilearn decides by the type of the input."""
    path = signals(np.ones((1, 4)), columns=list('ABCD'))
    outputs = run(InverseProject(signals_files=path, squeeze=squeeze, **atlas))
    assert nibabel.load(outputs.out_files[0]).shape == shape


def test_columns_that_the_table_does_not_know_are_refused(atlas, signals, run):
    path = signals(np.ones((2, 2)), columns=['A', 'Z'])
    with pytest.raises(SignalError, match=r'signals\.tsv has columns that are not regions in .*_regions\.tsv: Z'):
        run(InverseProject(signals_files=path, **atlas))


def test_several_atlases_in_one_call_have_the_bytes_of_each_alone(atlas, signals, run, contents):
    path = signals(np.random.default_rng(9).normal(size=(4, 4)), columns=list('ABCD'))
    twice = {key: files * 2 for key, files in atlas.items()}
    both = contents(run(InverseProject(signals_files=[path, path], **twice)))
    alone = contents(run(InverseProject(signals_files=path, **atlas)))
    assert both['out_files', 0] == both['out_files', 1] == alone['out_files', 0]


def test_regions_outside_the_mask_do_not_shift_the_others(image, run, quietly):
    """nilearn gives the voxels of 2 the signal of 1, and those of 3 that of 2 (X4)."""
    labels = np.zeros((4, 3, 3), dtype='int16')
    labels[0], labels[1], labels[2] = 1, 2, 3
    mask = np.ones((4, 3, 3), dtype='uint8')
    mask[0] = 0
    data = np.zeros((4, 3, 3, 2))
    data[0], data[1], data[2] = 10, 20, 30
    data *= [1, 2]
    labels, mask, series = image('labels.nii', labels), image('mask.nii', mask), image('series.nii', data)

    masker = quietly(NiftiLabelsMasker(labels, mask_img=mask, standardize=None, reports=False).fit)
    theirs = quietly(masker.inverse_transform, np.array([[10.0, 20, 30], [20, 40, 60]])).get_fdata()
    assert_array_equal(theirs[1, 0, 0], [10, 20])
    assert_array_equal(theirs[2, 0, 0], [20, 40])

    placed = run(ApplyMask(labels_files=labels, mask_files=mask))
    reduced = run(ReduceLabels(in_file=series, labels_files=placed.out_files, regions_files=placed.regions_files))
    tables = {'signals_files': reduced.out_files, 'regions_files': reduced.regions_files}
    masked, whole = (
        nibabel.load(run(InverseProject(labels_files=onto, **tables)).out_files[0]).get_fdata()
        for onto in (placed.out_files, labels)
    )
    for ours in (masked, whole):
        assert_array_equal(ours[1:3, 0, 0], [[20, 40], [30, 60]])
        assert_array_equal(ours[3], 0)
    assert_array_equal(masked[0], 0)
    assert np.isnan(whole[0]).all()
