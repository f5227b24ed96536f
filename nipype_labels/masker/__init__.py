# SPDX-License-Identifier: BSD-3-Clause
"""The maskers for notebooks and scikit-learn: images and arrays in memory, computed by the functions of the nodes."""

from .nifti_labels import NiftiLabelsMasker
from .nifti_maps import NiftiMapsMasker
from .nifti_spheres import NiftiSpheresMasker
from .surface_labels import SurfaceLabelsMasker

__all__ = ['NiftiLabelsMasker', 'NiftiMapsMasker', 'NiftiSpheresMasker', 'SurfaceLabelsMasker']
