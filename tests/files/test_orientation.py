# SPDX-License-Identifier: BSD-3-Clause
"""Orientation in headers: known, unknown or contradictory."""

import gzip
import struct

import nibabel as nib
import numpy as np
import pytest
import scipy.io
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.files.grids import open_header, read_grid, report_contradiction, require_orientation
from nipype_labels.files.niimg import open_image
from nipype_labels.files.series import SeriesWriter, open_series
from nipype_labels.files.volumes import read_labels, write_volume
from nipype_labels.model.errors import GridError, ImageError, LabelsError
from nipype_labels.model.space import VolumeGrid

SHAPE = (4, 5, 6)
AFFINE = np.array([[-3.0, 0, 0, 9], [0, 3, 0, -12], [0, 0, 4, -7], [0, 0, 0, 1]])
NO_CODES = 'sform_code and qform_code are 0'
NO_MAT = 'an Analyze header without a .mat file'


def voxels(n_volumes=None):
    shape = SHAPE if n_volumes is None else (*SHAPE, n_volumes)
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape)


def nifti(path, codes=(1, 1), sform=AFFINE, qform=AFFINE, kind=nib.Nifti1Image):
    image = kind(voxels(), None)
    image.header.set_zooms((3, 3, 4))
    image.header.set_sform(sform, codes[0])
    image.header.set_qform(qform, codes[1])
    image.to_filename(path)
    return path


def patched(path, at, form, *values):
    """Overwrite fields of a NIfTI-1 header."""
    content = bytearray(path.read_bytes())
    content[at : at + struct.calcsize(form)] = struct.pack(form, *values)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize('kind', [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize(('codes', 'doubt'), [((1, 1), ''), ((0, 1), ''), ((4, 0), ''), ((0, 0), NO_CODES)])
def test_left_and_right_of_nifti_are_known_by_one_code(tmp_path, kind, codes, doubt):
    path = nifti(tmp_path / 'b.nii', codes, kind=kind)
    assert read_grid(path).doubt == open_series(path).grid.doubt == doubt
    assert open_image(nib.load(path)).grid.doubt == doubt


def test_an_affine_that_a_user_sets_in_memory_is_known(tmp_path):
    image = nib.load(nifti(tmp_path / 'b.nii', (0, 0)))
    assert open_image(nib.Nifti1Image(voxels(), AFFINE)).grid.doubt == ''
    assert open_image(nib.Nifti1Image(voxels(), AFFINE, image.header)).grid.doubt == ''
    assert open_image(nib.Nifti1Image(voxels(), image.affine, image.header)).grid.doubt == NO_CODES
    assert open_image(nib.Spm99AnalyzeImage(voxels(), AFFINE)).grid.doubt == ''


@pytest.mark.parametrize(
    ('mat', 'doubt'),
    [({'mat': AFFINE}, ''), ({'M': AFFINE, 'mat': AFFINE}, ''), ({'M': AFFINE}, NO_MAT), (b'', NO_MAT), (None, NO_MAT)],
)
@pytest.mark.parametrize('named', ['b.img', 'b.hdr'])
def test_analyze_needs_a_mat_file_that_says_left_from_right(tmp_path, mat, doubt, named):
    nib.Spm99AnalyzeImage(voxels(), AFFINE).to_filename(tmp_path / 'b.img')
    (tmp_path / 'b.mat').unlink()
    if isinstance(mat, dict):
        scipy.io.savemat(tmp_path / 'b.mat', mat)
    elif mat is not None:
        (tmp_path / 'b.mat').write_bytes(mat)
    assert read_grid(tmp_path / named).doubt == doubt
    assert open_image(nib.load(tmp_path / 'b.img')).grid.doubt == doubt


@pytest.mark.parametrize(('flag', 'doubt'), [(1, ''), (0, 'its goodRASFlag is 0')])
def test_mgh_files_need_the_flag_of_a_known_orientation(tmp_path, flag, doubt):
    image = nib.MGHImage(voxels(), AFFINE)
    image.to_filename(tmp_path / 'b.mgz')
    content = bytearray(gzip.decompress((tmp_path / 'b.mgz').read_bytes()))
    content[28:30] = struct.pack('>h', flag)
    (tmp_path / 'b.mgz').write_bytes(gzip.compress(content))
    assert read_grid(tmp_path / 'b.mgz').doubt == open_image(nib.load(tmp_path / 'b.mgz')).grid.doubt == doubt


@pytest.mark.parametrize('origin', [None, (2, 2, 3)])
def test_what_is_written_on_an_unknown_grid_is_unknown(tmp_path, origin):
    nib.Spm99AnalyzeImage(voxels(), AFFINE).to_filename(tmp_path / 'b.img')
    (tmp_path / 'b.mat').unlink()
    header = nib.load(tmp_path / 'b.img').header
    header['origin'][:3] = origin or 0
    (tmp_path / 'b.hdr').write_bytes(header.binaryblock)
    grid = read_grid(tmp_path / 'b.img')
    write_volume(tmp_path / 'v.nii.gz', voxels(), grid.affine, grid.doubt)
    with SeriesWriter(tmp_path / 's.nii.gz', (*SHAPE, 1), grid.affine, doubt=grid.doubt) as writer:
        writer.write(voxels())
    for name in ('v.nii.gz', 's.nii.gz'):
        written = read_grid(tmp_path / name)
        assert written.matches(grid)
        assert written.doubt == grid.doubt == NO_MAT
        assert_allclose(written.affine, grid.affine)
        assert not (origin is None and nib.load(tmp_path / name).header['sform_code'])


def test_what_is_written_on_a_known_grid_has_no_description(tmp_path):
    write_volume(tmp_path / 'v.nii.gz', voxels(), AFFINE)
    header = nib.load(tmp_path / 'v.nii.gz').header
    assert header['descrip'] == b''
    assert header['sform_code'] > 0


@pytest.mark.parametrize('doubtful', [0, 1])
def test_another_grid_is_refused_and_the_fixes_are_named(tmp_path, doubtful):
    unknown = read_grid(nifti(tmp_path / 'b.nii', (0, 0)))
    other = VolumeGrid(SHAPE, unknown.affine + np.eye(4), 'a.nii')
    pair = (unknown, other) if doubtful == 0 else (other, unknown)
    with pytest.raises(
        GridError, match=r'b\.nii: left and right are unknown \(sform_code .* are 0\), and a\.nii is on'
    ):
        require_orientation(pair[0], pair[1])
    with pytest.raises(GridError, match=r'fslcpgeom.*pass --unknown-orientation accept to take its axes as LAS'):
        require_orientation(pair[0], pair[1], 'raise', '--unknown-orientation accept')
    require_orientation(pair[0], pair[1], 'accept')
    require_orientation(pair[0], VolumeGrid(SHAPE, unknown.affine, 'a.nii'))
    with pytest.raises(LabelsError, match='unknown_orientation must be one of raise, accept'):
        require_orientation(pair[0], pair[1], 'ignore')


def turned(degrees):
    angle = np.deg2rad(degrees)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ AFFINE


def moved(mm):
    return AFFINE + np.array([[0, 0, 0, mm], *np.zeros((3, 4))])


@pytest.mark.parametrize(
    ('qform', 'codes', 'drift'),
    [
        (moved(40), (1, 1), '13.3 voxels'),
        (moved(1.6), (2, 1), '0.533 voxels'),
        (moved(1.4), (1, 1), None),
        (turned(90), (1, 4), 'voxels'),
        (turned(0.01), (1, 1), None),
        (moved(40), (0, 1), None),
        (moved(40), (1, 0), None),
        (np.diag([-1.0, 1, 1, 1]) @ AFFINE, (1, 1), 'voxels'),
    ],
)
def test_sform_and_qform_contradict_each_other_beyond_half_a_voxel(tmp_path, qform, codes, drift):
    grid = read_grid(nifti(tmp_path / 'b.nii', codes, qform=qform))
    said = []
    report_contradiction(grid, said.append)
    report_contradiction(grid, said.append)
    assert len(said) == (drift is not None)
    if drift:
        assert f'{tmp_path / "b.nii"}: sform and qform contradict each other by up to' in said[0]
        assert drift in said[0]
        assert said[0].endswith('the sform is used')
        assert_allclose(grid.affine, AFFINE)


def test_quaternions_that_rounding_made_too_long_are_scaled(tmp_path):
    path = nifti(tmp_path / 'b.nii', (0, 1), qform=np.diag([-1.0, 1, -1, 1]) @ np.abs(AFFINE))
    expected = read_grid(path).affine
    for quaternion in ((0, 1.00001, 0), (0, 1.001, 0)):
        patched(path, 256, '<3f', *quaternion)
        with pytest.raises(ValueError, match='w2 should be positive'):
            nib.load(path)
        assert_allclose(open_header(path).affine, expected, atol=1e-5)
        assert_array_equal(read_labels(path)[0], voxels())
    patched(path, 256, '<3f', 0, 1.5, 0)
    with pytest.raises(ImageError, match=r'b\.nii.*quatern_b, quatern_c and quatern_d are not a rotation.*fslorient'):
        open_header(path)
    patched(path, 254, '<h', 1)
    assert_allclose(open_header(path).affine, AFFINE)


@pytest.mark.parametrize('suffix', ['.nii', '.img'])
def test_a_quaternion_does_not_matter_where_the_sform_is_used(tmp_path, suffix):
    kind = nib.Nifti1Image if suffix == '.nii' else nib.Nifti1Pair
    path = nifti(tmp_path / f'b{suffix}', kind=kind)
    patched(path.with_suffix('.hdr') if suffix == '.img' else path, 256, '<3f', 0, 1.5, 0)
    grid = read_grid(path)
    assert_allclose(grid.affine, AFFINE)
    assert grid.contradiction == ''


@pytest.mark.parametrize(
    ('at', 'form', 'values', 'said'),
    [
        (76, '<f', [0.0], None),
        (76, '<f', [2.0], None),
        (76, '<f', [-3.0], r'pixdim\[0\] \(qfac\) of -3; it must be 1 or -1'),
        (80, '<f', [-3.0], None),
        (80, '<f', [0.0], '0×3×4 mm'),
        (252, '<h', [9], 'qform_code 9 is not a code of NIfTI'),
        (254, '<h', [7], 'sform_code 7 is not a code of NIfTI'),
        (108, '<f', [353.0], None),
        (108, '<f', [100.0], 'vox offset'),
        (0, '<i', [0], None),
        (344, '<4s', [b'junk'], 'file type'),
    ],
)
def test_headers_that_other_programs_read_are_read_or_refused(tmp_path, at, form, values, said):
    path = nifti(tmp_path / 'b.nii', (0, 1), qform=np.abs(AFFINE))
    expected = read_grid(path).affine
    path.write_bytes(path.read_bytes()[:352] + bytes(1) * (at == 108) + path.read_bytes()[352:])
    patched(path, at, form, *values)
    if said is None:
        assert_array_equal(read_labels(path)[0], voxels())
        assert_allclose(read_grid(path).affine, expected)
    else:
        with pytest.raises(ImageError, match=said) as caught:
            read_labels(path)
        assert str(path) in str(caught.value)
