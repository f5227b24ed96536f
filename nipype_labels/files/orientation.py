# SPDX-License-Identifier: BSD-3-Clause
"""Orientation of images: whether headers say left from right, and whether sform and qform contradict each other."""

from pathlib import Path

import nibabel as nib
import scipy.io

from ..model.affines import largest_drift
from ..model.space import VolumeGrid

#: How far apart sform and qform may place a corner, in voxels.
MOST_DRIFT = 0.5

#: Begins the description of an image that we write for an image whose header does not say left from right.
_MARK = 'left and right unknown: '

#: Where an MGH file has the flag that says whether its axes are known, as a big-endian integer of two bytes.
_MGH_FLAG = slice(28, 30)


def explain_unknown_orientation(image):
    """Say in a few words why an image's header does not tell left from right; empty if it does."""
    header = image.header
    if isinstance(header, nib.Nifti1Header):
        noted = header['descrip'].item().decode('latin-1')
        if noted.startswith(_MARK):
            return noted.removeprefix(_MARK)
        return '' if header['sform_code'] or header['qform_code'] else 'sform_code and qform_code are 0'
    files = image.file_map
    name = files['image'].filename if 'image' in files else None
    if name is None or not Path(name).is_file():
        return ''
    if isinstance(image, nib.AnalyzeImage):
        return '' if _has_affine(files) else 'an Analyze header without a .mat file'
    if isinstance(image, nib.MGHImage):
        with files['image'].get_prepare_fileobj('rb') as stream:
            return '' if any(stream.read(_MGH_FLAG.stop)[_MGH_FLAG]) else 'its goodRASFlag is 0'
    return ''


def compare_sform_qform(image):
    """Say by how much sform and qform of an image contradict each other; empty if they agree or one is missing."""
    header = image.header
    if not isinstance(header, nib.Nifti1Header) or not (header['sform_code'] and header['qform_code']):
        return ''
    try:
        sform, qform = header.get_sform(), header.get_qform()
    except ValueError:  # the quaternion is not a rotation, and not used
        return ''
    drift = largest_drift(image.shape, qform, sform)
    if not drift > MOST_DRIFT:
        return ''
    return f'sform and qform contradict each other by up to {drift:.3g} voxels; the sform is used'


def set_orientation(header, shape, affine, doubt=''):
    """Write an affine into a NIfTI header, and the ``doubt`` why left and right are unknown.

    Both codes are 0 if there is a doubt and the affine is the one that readers take without codes.
    """
    header.set_qform(affine, 1)
    header.set_sform(affine, 1)
    if not doubt:
        return
    header['descrip'] = f'{_MARK}{doubt}'
    if VolumeGrid(shape, affine).matches(VolumeGrid(shape, header.get_base_affine())):
        header['sform_code'] = header['qform_code'] = 0


def _has_affine(files):
    """Whether SPM's .mat file next to an Analyze image has an affine that says left from right."""
    path = files['mat'].filename if 'mat' in files else None
    if path is None or not Path(path).is_file() or not Path(path).stat().st_size:
        return False
    return 'mat' in {name for name, *_ in scipy.io.whosmat(path)}
