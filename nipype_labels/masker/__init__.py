# SPDX-License-Identifier: BSD-3-Clause
"""The masker for notebooks and scikit-learn: images and arrays in memory, computed by the functions of the nodes."""

from .nifti_labels import NiftiLabelsMasker

__all__ = ['NiftiLabelsMasker']
