# SPDX-License-Identifier: BSD-3-Clause
"""Series of two hemispheres: read together in blocks of vertices; pairs that do not match are refused."""

import gzip

import nibabel as nib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from real_files import need
from surface_cases import TSERIES, noise, read_elements, save_func_gii, save_mgz, save_tseries

from nipype_labels.files import digests, element_blocks
from nipype_labels.files.atlases import read_atlas
from nipype_labels.files.series import open_series
from nipype_labels.files.spaces import is_surface, open_any_series
from nipype_labels.files.surface_series import open_surface_series
from nipype_labels.model.errors import GridError, ImageError

T, N_LEFT, N_RIGHT = 6, 10, 8

NAMES = {
    'func.gii': 'sub-1_hemi-{}_space-fsnative_bold.func.gii',
    'mgz': '{}.rest.mgz',
    'mgh': 'rest-{}.mgh',
}


def save_pair(folder, kind='func.gii', left=None, right=None, **options):
    """Write a series of both hemispheres; return the paths."""
    save = save_func_gii if kind == 'func.gii' else save_mgz
    values = [noise(T, N_LEFT, 1) if left is None else left, noise(T, N_RIGHT, 2) if right is None else right]
    sides = 'LR' if kind == 'func.gii' else ('lh', 'rh')
    return [save(folder / NAMES[kind].format(side), each, **options) for side, each in zip(sides, values, strict=True)]


@pytest.mark.parametrize('in_memory', [0, 2**20])
@pytest.mark.parametrize('per_block', [1, 3, 1000])
@pytest.mark.parametrize('layout', ['volumes', 'rows', 'columns', 'mgz', 'mgh'])
@pytest.mark.filterwarnings('ignore:unclosed file:ResourceWarning')  # nibabel leaves .mgh open
def test_both_hemispheres_are_read_in_blocks_of_vertices(tmp_path, monkeypatch, layout, per_block, in_memory):
    monkeypatch.setattr(element_blocks, 'BLOCK_BYTES', per_block * T * 4)
    monkeypatch.setattr(element_blocks, '_MOST_IN_MEMORY', in_memory)
    kind = layout if layout.startswith('mg') else 'func.gii'
    paths = save_pair(tmp_path, kind, **({'layout': layout} if kind == 'func.gii' else {}))
    for given in (paths[0], str(paths[1]), paths[::-1]):
        series = open_surface_series(given)
        got, lengths = read_elements(series)
        assert_array_equal(got, np.concatenate([noise(T, N_LEFT, 1).T, noise(T, N_RIGHT, 2).T]))
        assert max(lengths) == min(per_block, N_LEFT)
        assert (series.n_volumes, series.float_type, got.dtype) == (T, np.float32, np.float32)
        assert [len(structure.elements) for structure in series.space.structures] == [N_LEFT, N_RIGHT]
        assert series.files == tuple(map(str, paths))


def test_one_volume_is_a_series(tmp_path):
    for kind in ('func.gii', 'mgz'):
        series = open_surface_series(save_pair(tmp_path, kind, noise(1, 4), noise(1, 5))[0])
        assert_array_equal(read_elements(series)[0][:4], noise(1, 4).T)


def test_the_digest_is_that_of_both_files(tmp_path):
    paths = save_pair(tmp_path)
    before = open_surface_series(paths[0]).digest()
    assert open_surface_series(paths[1]).digest() == before
    save_func_gii(paths[1], noise(T, N_RIGHT, 3))
    assert open_surface_series(paths[0]).digest() != before


def test_a_missing_partner_is_named(tmp_path):
    left, right = save_pair(tmp_path)
    left.unlink()
    with pytest.raises(ImageError, match=rf'the left hemisphere of {right} is missing: no such file: {left}\. Both'):
        open_surface_series(right)


def test_a_hemisphere_given_twice_is_refused(tmp_path):
    left, _ = save_pair(tmp_path)
    with pytest.raises(ImageError, match='the left hemisphere is given twice'):
        open_surface_series([left, left])


def test_metadata_of_another_hemisphere_are_refused(tmp_path):
    save_pair(tmp_path, side='CortexRight')
    with pytest.raises(
        ImageError, match=r'hemi-L.*its name is of hemisphere L, and its AnatomicalStructurePrimary of R'
    ):
        open_surface_series(tmp_path / NAMES['func.gii'].format('L'))


def test_hemispheres_have_as_many_volumes(tmp_path):
    for kind in ('func.gii', 'mgz'):
        paths = save_pair(tmp_path, kind, right=noise(T + 1, N_RIGHT))
        with pytest.raises(ImageError, match=rf'{paths[0]} has {T} volumes, and {paths[1]} has {T + 1}'):
            open_surface_series(paths[0])


def test_hemispheres_have_one_repetition_time(tmp_path):
    left, right = save_pair(tmp_path, time_step='1400')
    assert open_surface_series(left).t_r == 1.4
    save_func_gii(right, noise(T, N_RIGHT), time_step='2000')
    with pytest.raises(ImageError, match=r'has a repetition time of 1\.4 s, and .* of 2 s'):
        open_surface_series(left)
    assert open_surface_series(save_pair(tmp_path, 'mgz', t_r=800)[0]).t_r == 0.8


def test_the_header_of_a_replaced_mgz_file_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, 'SETTLED_SECONDS', -1)
    left, _ = save_pair(tmp_path, 'mgz', t_r=800)
    assert open_surface_series(left).t_r == 0.8
    save_pair(tmp_path, 'mgz', t_r=2000)
    assert open_surface_series(left).t_r == 2
    save_mgz(left, noise(T, N_LEFT + 1), t_r=2000)
    assert open_surface_series(left).space.size == N_LEFT + 1 + N_RIGHT


@pytest.mark.parametrize('missing', [9, 60, 200])
def test_damaged_mgz_files_are_refused(tmp_path, missing):
    left, _ = save_pair(tmp_path, 'mgz')
    left.write_bytes(left.read_bytes()[:-missing])
    with pytest.raises(ImageError, match=r'lh\.rest\.mgz'):
        read_elements(open_surface_series(left))


def test_a_wrong_checksum_of_an_mgz_file_is_found(tmp_path):
    left, _ = save_pair(tmp_path, 'mgz')
    raw = bytearray(left.read_bytes())
    raw[-6] ^= 255
    left.write_bytes(raw)
    with pytest.raises(ImageError, match=r'lh\.rest\.mgz is damaged'):
        read_elements(open_surface_series(left))


def test_volumes_and_other_files_are_not_series_of_surfaces(tmp_path):
    for side in ('lh', 'rh'):
        nib.MGHImage(np.zeros((3, 4, 5, 6), np.float32), np.eye(4)).to_filename(tmp_path / f'{side}.x.mgz')
        (tmp_path / f'{side}.x.txt').write_text('')
    with pytest.raises(ImageError, match=r'lh\.x\.mgz is a volume: series of surfaces have one voxel for each vertex'):
        open_surface_series(tmp_path / 'lh.x.mgz')
    with pytest.raises(ImageError, match=r'lh\.x\.txt is not a series of surfaces: use \.dtseries\.nii'):
        open_surface_series(tmp_path / 'lh.x.txt')


def test_files_are_volumes_or_surfaces_by_name_and_shape(tmp_path):
    nib.MGHImage(np.zeros((3, 4, 5), np.float32), np.eye(4)).to_filename(tmp_path / 'lh.ribbon.mgz')
    save_pair(tmp_path, 'mgz')
    for name in ('x.dtseries.nii', 'x.dlabel.nii:map', 'x_hemi-L.func.gii', 'lh.x.label.gii.gz', 'lh.x.annot'):
        assert is_surface(name)
        assert is_surface([tmp_path / name])
    assert is_surface(tmp_path / 'lh.rest.mgz')
    for name in ('bold.nii.gz', 'atlas.mgz', 'seeds.tsv', tmp_path / 'lh.ribbon.mgz', 'lh.none.mgz', np.eye(3), []):
        assert not is_surface(name)


def test_series_of_either_kind_are_opened(tmp_path):
    nib.Nifti1Image(np.zeros((3, 4, 5, 6), np.float32), np.eye(4)).to_filename(tmp_path / 'bold.nii')
    assert open_any_series(tmp_path / 'bold.nii').grid.shape == (3, 4, 5)
    assert open_any_series(save_pair(tmp_path)[0]).space.size == N_LEFT + N_RIGHT
    assert open_any_series([save_tseries(tmp_path / TSERIES, noise(3))]).n_volumes == 3


def test_a_surface_mgz_with_an_atlas_of_the_volume_is_refused(tmp_path):
    left, _ = save_pair(tmp_path, 'mgz', noise(T, 2562), noise(T, 2562))
    labels = np.ones((3, 4, 5), np.int16)
    nib.Nifti1Image(labels, np.eye(4)).to_filename(tmp_path / 'atlas.nii')
    with pytest.raises(
        GridError, match=r'lh\.rest\.mgz \(fsaverage4 \(2,562 vertices\)\) is data of surfaces, .*atlas'
    ):
        read_atlas(tmp_path / 'atlas.nii').on(open_any_series(left).space)
    with pytest.raises(ImageError, match='is data of a surface, not a volume'):
        open_series(left)


def test_packed_func_gii_files_are_a_pair(tmp_path):
    for path in save_pair(tmp_path):
        path.with_name(f'{path.name}.gz').write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert open_surface_series(tmp_path / f'{NAMES["func.gii"].format("R")}.gz').n_volumes == T


@pytest.mark.slow
def test_a_real_series_is_that_of_nibabel():
    """Resting state on fsaverage5, 652 volumes."""
    folder, name = ('brainspace', 'datasets', 'preprocessing'), 'sub-010188_ses-02_task-rest_acq-AP_run-01.fsa5.{}.mgz'
    paths = [need(*folder, name.format(side)) for side in ('lh', 'rh')]
    series = open_any_series(paths[1])
    assert str(series.space) == f'{paths[0]} (fsaverage5 (10,242 vertices))'
    expected = np.concatenate([np.asanyarray(nib.load(path).dataobj)[:, 0, 0] for path in paths])
    assert_array_equal(read_elements(series)[0], expected)
