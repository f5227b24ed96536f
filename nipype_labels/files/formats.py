# SPDX-License-Identifier: BSD-3-Clause
"""Recognize files that are not readable volume images, and suggest how to convert them."""

import re
from pathlib import Path

import nibabel as nib

from ..model.errors import ImageError

#: Suffixes, name and conversion of unsupported formats.
_FORMATS = {
    ('.head', '.brik'): ('an AFNI image', 'Convert it to NIfTI: 3dAFNItoNIFTI -prefix volume.nii.gz {name}'),
    ('.mnc',): ('a MINC image', 'Convert it to NIfTI: mnc2nii {name} volume.nii'),
    ('.par', '.rec'): ('a Philips PAR/REC image', 'Convert it to NIfTI: parrec2nii {name}, or dcm2niix'),
    ('.dcm', '.ima'): ('a DICOM file', 'Convert the folder of the series to NIfTI: dcm2niix FOLDER'),
    ('.mif', '.mih'): ('an MRtrix image', 'Convert it to NIfTI: mrconvert {name} volume.nii.gz'),
    ('.nrrd', '.nhdr', '.mha', '.mhd'): ('an image of ITK or 3D Slicer', 'Save it as NIfTI in 3D Slicer'),
    ('.gii',): (
        'a GIFTI file, data of a surface',
        'Use the volume series or atlas (NIfTI); wb_command -metric-to-volume-mapping maps a surface to a volume',
    ),
    ('.tsv', '.csv', '.txt'): ('a table, not an image or a series', 'Use a NIfTI image'),
    ('.annot', '.label'): (
        'a FreeSurfer parcellation of a surface',
        'Use a parcellation of the volume, such as aparc+aseg.mgz, or mri_label2vol',
    ),
}

#: Ends of the names of CIFTI files.
_CIFTI = re.compile(r'\.[dp](tseries|scalar|label|conn)\.nii$', re.IGNORECASE)

#: Offset and content of the mark of DICOM files.
_DICOM_MARK = (128, b'DICM')

#: Longest field of view in mm; a longer row of voxels is surface data, one voxel per vertex.
_LONGEST_VIEW = 600


def describe_format(path, image=None):
    """Return the format of an unsupported file and how to convert it, empty for unknown formats.

    >>> describe_format('bold+tlrc.BRIK.gz')
    'bold+tlrc.BRIK.gz is an AFNI image. Convert it to NIfTI: 3dAFNItoNIFTI -prefix volume.nii.gz bold+tlrc.BRIK.gz'
    """
    name = Path(path).name
    if isinstance(image, nib.Cifti2Image) or _CIFTI.search(name):
        return (
            f'{path} is a CIFTI file, data of surfaces and of separate voxels. Use the volume series or atlas (NIfTI), '
            f'or extract its voxels: wb_command -cifti-separate {name} COLUMN -volume-all volume.nii.gz'
        )
    suffix = Path(name.removesuffix('.gz')).suffix.lower()
    suffix = '.dcm' if _is_dicom(path) else suffix
    for suffixes, (what, how) in _FORMATS.items():
        if suffix in suffixes:
            return f'{path} is {what}. {how.format(name=name)}'
    return ''


def refuse_surface(path, image):
    """Raise ImageError if an image is surface data in the shape of a volume: a row longer than any field of view."""
    length, *others = image.shape[:3]
    zoom = float(image.header.get_zooms()[0])
    if others == [1, 1] and not length * zoom <= _LONGEST_VIEW:
        raise ImageError(
            f'{path} is data of a surface, not a volume: it has {length} × 1 × 1 voxels, one for each vertex. '
            'Use the volume series or atlas, or map it to a volume: mri_surf2vol'
        )


def _is_dicom(path):
    """Whether a file is DICOM by its mark; many DICOM files have no suffix."""
    try:
        with Path(path).open('rb') as file:
            file.seek(_DICOM_MARK[0])
            return file.read(4) == _DICOM_MARK[1]
    except OSError:
        return False
