# SPDX-License-Identifier: BSD-3-Clause
"""NIfTI files of arrays."""

import nibabel
import numpy as np


def save_image(path, data, affine, t_r=None, unit='sec'):
    """Write an array in its own type, with a repetition time in the header if one is given; return the path."""
    image = nibabel.Nifti1Image(data, np.asarray(affine, dtype=float), dtype=data.dtype)
    image.header.set_xyzt_units('mm', unit)
    if t_r is not None:
        image.header.set_zooms((*image.header.get_zooms()[:3], t_r))
    path.parent.mkdir(exist_ok=True)
    nibabel.save(image, path)
    return path
