# SPDX-License-Identifier: BSD-3-Clause
"""CIFTI files as this package writes them: nibabel and Workbench read the same."""

import nibabel as nib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from surface_cases import TSERIES, elements, noise, save_tseries

from nipype_labels.files.parcellations import read_parcellation
from nipype_labels.files.spaces import open_any_series
from nipype_labels.files.surface_images import (
    write_dense_labels,
    write_dense_scalars,
    write_dense_series,
    write_parcel_scalars,
    write_parcel_series,
)
from nipype_labels.model.atlas import Atlas
from nipype_labels.model.errors import ImageError
from nipype_labels.model.grayordinates import pair_space

LABELS = np.array([1, 1, 0, 5, 5, 0, 5, 5, 7, 7, 8, 0, 2**30, 2**30, 1], dtype=np.int32)
IDS, NAMES = [5, 1, 7, 2**30, 99], ['V1 & <V2>', 'M1', '{x}', 'stem', 'none']


@pytest.fixture
def atlas(tmp_path):
    space = open_any_series(save_tseries(tmp_path / TSERIES, noise(2))).space
    return Atlas(space, LABELS, np.array(IDS), NAMES)


@pytest.fixture
def signals():
    return np.random.default_rng(0).normal(size=(4, len(IDS)))


def write_all(folder, atlas, signals):
    """One file of each kind."""
    folder.mkdir(exist_ok=True)
    write_dense_labels(folder / 'x.dlabel.nii', atlas)
    write_dense_scalars(folder / 'x.dscalar.nii', atlas.space, np.arange(15.0), 'mean')
    write_dense_series(folder / 'x.dtseries.nii', atlas, signals, 0.72)
    write_parcel_series(folder / 'x.ptseries.nii', atlas, signals, None)
    write_parcel_scalars(folder / 'x.pscalar.nii', atlas, signals[0], 'coverage')
    return sorted(folder.iterdir())


def test_nibabel_reads_values_and_axes(atlas, signals, tmp_path):
    files = {path.name[2:-4]: nib.load(path) for path in write_all(tmp_path / 'out', atlas, signals)}
    axes = {kind: [image.header.get_axis(i) for i in (0, 1)] for kind, image in files.items()}
    for kind in ('dlabel', 'dscalar', 'dtseries'):
        assert axes[kind][1] == elements()
    known = np.where(LABELS == 8, 0, LABELS)
    assert_array_equal(files['dlabel'].dataobj[0], known)
    table = {key: name for key, (name, _) in axes['dlabel'][0].label[0].items()}
    assert table == {0: '???', **dict(zip(IDS, NAMES, strict=True))}
    assert_array_equal(files['dscalar'].dataobj[0], np.arange(15))
    expected = np.zeros((4, 15))
    for column, number in enumerate(IDS):
        expected[:, number == LABELS] = signals[:, [column]]
    assert_allclose(files['dtseries'].get_fdata(), expected, rtol=1e-7)
    assert (axes['dtseries'][0].step, axes['dtseries'][0].size, axes['ptseries'][0].step) == (0.72, 4, 0)
    for kind, values in (('ptseries', signals), ('pscalar', signals[:1])):
        assert_allclose(files[kind].get_fdata(), values, rtol=1e-7)
        parcels = axes[kind][1]
        assert parcels.name.tolist() == NAMES
        assert {name: vertices.tolist() for name, vertices in parcels.vertices[0].items()} == {
            'CIFTI_STRUCTURE_CORTEX_LEFT': [4, 7],
            'CIFTI_STRUCTURE_CORTEX_RIGHT': [1, 2],
        }
        assert parcels.voxels[3].tolist() == [[1, 0, 0], [2, 3, 4]]


def test_labels_are_read_back(atlas, tmp_path):
    write_dense_labels(tmp_path / 'x.dlabel.nii', atlas)
    again, lookup = read_parcellation(tmp_path / 'x.dlabel.nii')
    assert again.space.matches(atlas.space)
    assert dict(zip(lookup['index'], lookup['name'], strict=True)) == dict(zip(IDS, NAMES, strict=True))
    assert_array_equal(again.select(IDS, NAMES).count_voxels(), atlas.count_voxels())


def test_the_same_content_gives_the_same_bytes(atlas, signals, tmp_path):
    one, other = (write_all(tmp_path / name, atlas, signals) for name in ('one', 'other'))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


@pytest.mark.slow
def test_workbench_accepts_the_files(signals, tmp_path, wb_command):
    space = pair_space(162, 162)
    atlas = Atlas(space, np.arange(324) % 7, np.array([1, 2, 3, 4, 99]), NAMES)
    for path in write_all(tmp_path / 'out', atlas, signals):
        if path.name != 'x.dscalar.nii':  # of 15 values
            assert wb_command('-file-information', path).stderr == b''


def test_values_beyond_the_type_are_refused(atlas, signals, tmp_path):
    with pytest.raises(ImageError, match=r'an element has a value that float32 cannot hold: 1e\+60'):
        write_dense_series(tmp_path / 'x.dtseries.nii', atlas, np.full_like(signals, 1e60), 1.0)
