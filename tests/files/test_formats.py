# SPDX-License-Identifier: BSD-3-Clause
"""Files that are not volumes are refused with their format and the program that converts them."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from nipype_labels.files.grids import open_header, read_grid
from nipype_labels.files.niimg import open_image
from nipype_labels.files.series import open_series
from nipype_labels.files.volumes import read_labels
from nipype_labels.model.errors import ImageError

EXAMPLES = Path(nib.__file__).parent / 'tests' / 'data'


def cifti(path):
    axis = nib.cifti2.SeriesAxis(0, 2, 10)
    brain = nib.cifti2.BrainModelAxis.from_mask(np.ones(20, bool), name='CortexLeft')
    nib.save(nib.Cifti2Image(np.zeros((10, 20), np.float32), (axis, brain)), path)


def gifti(path):
    array = nib.gifti.GiftiDataArray(np.zeros(20, np.float32))
    nib.save(nib.gifti.GiftiImage(darrays=[array]), path)


def junk(path):
    path.write_bytes(b'junk' * 300)


def dicom(path):
    path.write_bytes(bytes(128) + b'DICM' + bytes(200))


@pytest.mark.parametrize(
    ('name', 'write', 'what', 'how'),
    [
        ('b.dtseries.nii', cifti, 'is a CIFTI file', 'wb_command -cifti-separate b.dtseries.nii'),
        ('renamed.nii', cifti, 'is a CIFTI file', 'wb_command'),
        ('b.dlabel.nii', junk, 'is a CIFTI file', 'wb_command'),
        ('b.func.gii', gifti, 'is a GIFTI file', 'volume series'),
        ('b.label.gii.gz', junk, 'is a GIFTI file', 'volume series'),
        ('lh.aparc.annot', junk, 'parcellation of a surface', 'aparc+aseg.mgz'),
        ('b+orig.HEAD', junk, 'is an AFNI image', '3dAFNItoNIFTI -prefix volume.nii.gz b+orig.HEAD'),
        ('b+tlrc.BRIK.gz', junk, 'is an AFNI image', '3dAFNItoNIFTI'),
        ('b.mnc', junk, 'is a MINC image', 'mnc2nii b.mnc'),
        ('b.PAR', junk, 'PAR/REC', 'NIfTI: parrec2nii b.PAR'),
        ('b.mif.gz', junk, 'MRtrix', 'mrconvert b.mif.gz'),
        ('b.nrrd', junk, '3D Slicer', 'NIfTI'),
        ('b.dcm', junk, 'is a DICOM file', 'dcm2niix'),
        ('IM0001', dicom, 'is a DICOM file', 'dcm2niix'),
    ],
)
@pytest.mark.parametrize('read', [open_header, open_series, read_labels])
def test_another_format_is_named_with_its_converter(tmp_path, name, write, what, how, read):
    write(tmp_path / name)
    with pytest.raises(ImageError) as caught:
        read(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert what in str(caught.value)
    assert how in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('name', ['example4d+orig.HEAD', 'scaled+tlrc.HEAD', 'minc1_4d.mnc'])
def test_a_series_that_nibabel_reads_in_another_way_is_named_with_its_converter(name):
    with pytest.raises(ImageError, match='Convert it to NIfTI'):
        open_series(EXAMPLES / name)


@pytest.mark.parametrize('read', [open_series, read_grid, read_labels, open_image])
@pytest.mark.parametrize('n_vertices', [2562, 163842])
@pytest.mark.parametrize('n_volumes', [(), (3,)])
def test_data_of_a_surface_in_the_shape_of_a_volume_is_refused(tmp_path, read, n_vertices, n_volumes):
    image = nib.MGHImage(np.ones((n_vertices, 1, 1, *n_volumes), np.float32), np.eye(4))
    image.to_filename(tmp_path / 'lh.mgz')
    with pytest.raises(ImageError, match=rf'lh\.mgz is data of a surface, not a volume: it has {n_vertices} × 1 × 1'):
        read(tmp_path / 'lh.mgz')
    with pytest.raises(ImageError, match='is data of a surface'):
        open_image(image)


def test_one_row_of_voxels_within_a_field_of_view_is_a_volume(tmp_path):
    for kind, name in ((nib.MGHImage, 'row.mgz'), (nib.Nifti1Image, 'row.nii')):
        kind(np.ones((300, 1, 1, 2), np.float32), np.diag([2.0, 2, 2, 1])).to_filename(tmp_path / name)
        assert open_series(tmp_path / name).grid.shape == (300, 1, 1)
