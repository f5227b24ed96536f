# SPDX-License-Identifier: BSD-3-Clause
"""Orientation of images: unknown left and right, contradictory sform and qform."""

from pathlib import Path

import nibabel as nib
import scipy

from ..model.affines import largest_drift
from ..model.space import VolumeGrid

#: Largest accepted distance in voxels between a corner by sform and by qform.
_MOST_DRIFT = 0.5

#: Beginning of the description of images that are written with unknown left and right.
_MARK = 'left and right unknown: '

#: Position of ``goodRASFlag`` in an MGH file: whether its axes are known, two bytes.
_MGH_FLAG = slice(28, 30)


def explain_unknown_orientation(image):
    """Return the reason why left and right of an image are unknown; empty if they are known."""
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
    """Return a message if sform and qform contradict each other; empty if they agree or one is missing."""
    header = image.header
    if not isinstance(header, nib.Nifti1Header) or not (header['sform_code'] and header['qform_code']):
        return ''
    try:
        sform, qform = header.get_sform(), header.get_qform()
    except ValueError:  # the quaternion is not a rotation; the sform is used
        return ''
    drift = largest_drift(image.shape, qform, sform)
    if not drift > _MOST_DRIFT:
        return ''
    return f'sform and qform contradict each other by up to {drift:.3g} voxels; the sform is used'


def set_orientation(header, shape, affine, doubt=''):
    """Write an affine into a NIfTI header; ``doubt`` is the reason why left and right are unknown.

    With a doubt, both codes are 0 if readers then use the same affine.
    """
    header.set_qform(affine, 1)
    header.set_sform(affine, 1)
    if not doubt:
        return
    header['descrip'] = f'{_MARK}{doubt}'
    if VolumeGrid(shape, affine).matches(VolumeGrid(shape, header.get_base_affine())):
        header['sform_code'] = header['qform_code'] = 0


def _has_affine(files):
    """Whether SPM's .mat file next to an Analyze image has an affine by which left and right are known."""
    path = files['mat'].filename if 'mat' in files else None
    if path is None or not Path(path).is_file() or not Path(path).stat().st_size:
        return False
    return 'mat' in {name for name, *_ in scipy.io.whosmat(path)}
