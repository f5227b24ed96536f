# SPDX-License-Identifier: BSD-3-Clause
"""Files that installed packages ship; images whose headers do not say left from right are corrected in a copy."""

import functools
import importlib.util
import re
import shutil
import tempfile
from pathlib import Path

import nibabel
import numpy as np
import pytest

#: Copies that this process made; the folder goes with the process.
COPIES = tempfile.TemporaryDirectory(prefix='oriented-')


@functools.cache
def package_file(package, *parts):
    """A file that an installed package ships; None without the package."""
    spec = importlib.util.find_spec(package)
    return spec and str(oriented(Path(spec.origin).parent.joinpath(*parts)))


def need(package, *parts):
    """Return package_file; without the package, the test is skipped."""
    return package_file(package, *parts) or pytest.skip(f'{package} is not installed')


def is_runnable(code):
    """Whether the packages whose data a code block reads are installed."""
    return all(map(importlib.util.find_spec, re.findall(r"find_spec\('(\w+)'\)", code)))


def oriented(path):
    """The file, or a copy with the same affine as its sform if an image has neither sform nor qform."""
    is_cifti = path.suffixes[-2:-1] in (['.dlabel'], ['.dscalar'], ['.dtseries'])
    if is_cifti or not path.name.endswith(('.nii', '.nii.gz')) or not path.is_file():
        return path
    image = nibabel.load(path)
    if image.header['sform_code'] or image.header['qform_code']:
        return path
    image.header.set_sform(image.affine, 1)
    corrected = nibabel.Nifti1Image(np.asanyarray(image.dataobj.get_unscaled()), None, image.header)
    corrected.header.set_slope_inter(image.dataobj.slope, image.dataobj.inter)
    copy = Path(COPIES.name) / path.name
    corrected.to_filename(copy)
    assert np.array_equal(nibabel.load(copy).affine, image.affine)
    assert np.array_equal(nibabel.load(copy).dataobj, image.dataobj)
    return copy


@functools.cache
def coarse_atlas(package, *parts):
    """Copy of an atlas with every second voxel along each axis, and its table; None without the package.

    Reading all voxels of an atlas of 1 mm takes longer than what most tests do with the regions.
    """
    path = package_file(package, *parts)
    if path is None:
        return None
    image = nibabel.load(path)
    copy = Path(COPIES.name) / 'coarse' / Path(path).name
    copy.parent.mkdir(exist_ok=True)
    labels = np.asanyarray(image.dataobj)[::2, ::2, ::2]
    nibabel.Nifti1Image(labels, image.affine @ np.diag([2, 2, 2, 1])).to_filename(copy)
    shutil.copy(package_file(package, *parts[:-1], f'{copy.stem}.txt'), copy.parent)
    return str(copy)
