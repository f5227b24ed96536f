# SPDX-License-Identifier: BSD-3-Clause
"""The node that resamples: the voxels of nilearn, images on equal grids unchanged, the repetition time kept."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from nilearn.image import resample_img
from numpy.testing import assert_allclose, assert_array_equal
from pairwise import pairwise

from nipype_labels.files import series as series_module
from nipype_labels.interfaces import ApplyMask, Resample
from nipype_labels.model.errors import LabelsError

# The target lies within the source but for one side that looks far beyond it; no voxel is on a border or halfway.
SOURCE = np.array([[3.0, 0, 0, -15.3], [0, 3.2, 0, -14.1], [0, 0, 3.5, -11.2], [0, 0, 0, 1]])
TARGETS = {
    'aligned': np.array([[2.2, 0, 0, -12.03], [0, 2.6, 0, -11.07], [0, 0, 2.9, -9.19], [0, 0, 0, 1]]),
    'flipped': np.array([[-2.2, 0, 0, 8.03], [0, 2.6, 0, -11.07], [0, 0, 2.9, -9.19], [0, 0, 0, 1]]),
    'oblique': np.array([[2.2, 0.11, 0.2, -12.03], [-0.1, 2.6, 0.05, -10.03], [0.3, -0.2, 2.9, -9.13], [0, 0, 0, 1]]),
}
TARGET_SHAPE = (9, 8, 12)


def stored(kind, n_volumes=4):
    rng = np.random.default_rng(3)
    return np.clip(rng.normal(90, 40, (11, 10, 9, n_volumes)), 0, 255).astype(kind)


@pairwise(geometry=TARGETS, kind=['float32', 'float64', 'int16', '>f4'], interpolation=['cubic', 'linear'])
def test_series_are_resampled_as_by_nilearn(interpolation, kind, geometry, image, run, quietly):
    rtol = 1e-9 if kind == 'float64' else 1e-5
    source = image('series.nii.gz', stored(kind), SOURCE, t_r=2)
    reference = image('reference.nii', np.zeros(TARGET_SHAPE, dtype='uint8'), TARGETS[geometry])
    outputs = run(Resample(in_files=source, reference_files=reference, interpolation=interpolation))
    ours, affine = nibabel.load(outputs.out_files[0]), nibabel.load(reference).affine
    # nilearn would round integers that are interpolated linearly.
    given = image('float.nii.gz', stored(kind).astype('float32'), SOURCE) if kind == 'int16' else source
    expected = quietly(
        resample_img,
        given,
        affine,
        TARGET_SHAPE,
        interpolation='continuous' if interpolation == 'cubic' else interpolation,
        clip=True,
        force_resample=True,
        copy_header=True,
    )
    assert ours.shape == expected.shape
    assert_array_equal(ours.affine, affine)
    voxels = expected.get_fdata()
    assert (voxels == 0).any()
    assert (voxels != 0).mean() > 0.3
    assert_allclose(ours.get_fdata(), voxels, rtol=rtol, atol=rtol * np.abs(voxels).max())


def test_unsigned_integers_are_not_rounded(image, run):
    """nilearn rounds interpolated values to unsigned integers (X8)."""
    source = image('series.nii.gz', stored('uint8'), SOURCE)
    same = image('float.nii.gz', stored('uint8').astype('float32'), SOURCE)
    reference = image('reference.nii', np.zeros(TARGET_SHAPE, dtype='uint8'), TARGETS['oblique'])
    outputs = run(Resample(in_files=[source, same], reference_files=reference, interpolation='cubic'))
    ours, floats = (nibabel.load(path).get_fdata() for path in outputs.out_files)
    assert (ours != np.rint(ours)).any()
    assert_array_equal(ours, floats)


@pytest.mark.parametrize('n_dimensions', [3, 4])
def test_images_on_the_target_grid_are_passed_on_unchanged(n_dimensions, image, run, tmp_path):
    data = stored('int16')[..., 0] if n_dimensions == 3 else stored('int16')
    given = image('given.nii.gz', data, SOURCE)
    before = Path(given).read_bytes()
    reference = image('reference.nii', stored('int16'), SOURCE + 1e-6)
    outputs = run(Resample(in_files=given, reference_files=reference, interpolation='cubic'))
    assert outputs.out_files == [given]
    assert Path(given).read_bytes() == before
    assert list((tmp_path / 'node-0').iterdir()) == []


@pytest.mark.parametrize(('t_r', 'unit'), [(0.8, 'sec'), (800, 'msec'), (800000, 'usec')])
def test_the_repetition_time_is_kept(t_r, unit, image, run):
    source = image('series.nii.gz', stored('int16'), SOURCE, t_r, unit)
    reference = image('reference.nii', np.zeros(TARGET_SHAPE, dtype='uint8'), TARGETS['aligned'])
    outputs = run(Resample(in_files=source, reference_files=reference, interpolation='linear'))
    header = nibabel.load(outputs.out_files[0]).header
    assert header.get_xyzt_units() == ('mm', 'sec')
    assert header.get_zooms()[3] == pytest.approx(0.8, rel=1e-6)


def test_the_header_describes_the_new_grid_in_both_codes(image, run):
    source = image('series.nii.gz', stored('int16'), SOURCE)
    reference = image('reference.nii', np.zeros(TARGET_SHAPE, dtype='uint8'), TARGETS['aligned'])
    written = nibabel.load(run(Resample(in_files=source, reference_files=reference)).out_files[0])
    (qform, qcode), (sform, scode) = written.get_qform(coded=True), written.get_sform(coded=True)
    assert qcode > 0
    assert scode > 0
    assert_allclose(qform, TARGETS['aligned'], atol=1e-4)
    assert_allclose(sform, TARGETS['aligned'], atol=1e-5)


def test_every_input_may_have_a_reference_of_its_own(image, run):
    labels = [image(f'{i}.nii', np.full((4, 4, 4), i + 1, dtype='int16')) for i in range(2)]
    grids = [image(f'grid{n}.nii', np.zeros((n, 3, 3), dtype='uint8'), np.diag([2.0, 2, 2, 1])) for n in (2, 3)]
    each = run(Resample(in_files=labels, reference_files=grids)).out_files
    both = run(Resample(in_files=labels, reference_files=grids[0])).out_files
    assert [nibabel.load(path).shape for path in (*each, *both)] == [(2, 3, 3), (3, 3, 3), (2, 3, 3), (2, 3, 3)]
    assert [int(nibabel.load(path).get_fdata().max()) for path in (*each, *both)] == [1, 2, 1, 2]


def test_labels_are_filled_by_their_background(image, run):
    """A fill of 0 may be a region (X6)."""
    labels = image('labels.nii', np.full((3, 3, 3), 5, dtype='int16'))
    wider = image('wider.nii', np.zeros((5, 3, 3), dtype='uint8'))
    outputs = run(Resample(in_files=labels, reference_files=wider, background_label=-1))
    out = np.asarray(nibabel.load(outputs.out_files[0]).dataobj)
    assert np.unique(out[:3]).tolist() == [5]
    assert np.unique(out[3:]).tolist() == [-1]


@pytest.mark.parametrize('interpolation', ['nearest', 'linear', 'cubic'])
def test_bytes_depend_neither_on_threads_nor_on_the_run(interpolation, image, run, contents, monkeypatch):
    data = stored('int16', n_volumes=7)
    monkeypatch.setattr(series_module, 'BLOCK_BYTES', 2 * data[..., 0].nbytes)
    source = image('series.nii.gz', data, SOURCE, t_r=2)
    reference = image('reference.nii', np.zeros(TARGET_SHAPE, dtype='uint8'), TARGETS['aligned'])
    one, again, two = (
        contents(
            run(Resample(in_files=source, reference_files=reference, interpolation=interpolation, num_threads=threads))
        )
        for threads in (1, 1, 2)
    )
    assert one == again == two


def test_labels_that_were_interpolated_are_refused_by_the_name_of_the_atlas(image, run):
    atlas = image('labels.nii', np.full((3, 3, 3), 1.5, dtype='float32'))
    other = image('other.nii', np.zeros((4, 3, 3), dtype='uint8'))
    labels = run(Resample(in_files=atlas, reference_files=other)).out_files
    with pytest.raises(LabelsError, match=r'/labels\.nii holds values that are not region ids: 1\.5'):
        run(ApplyMask(labels_files=labels, atlas_files=atlas))
