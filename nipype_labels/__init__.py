# SPDX-License-Identifier: BSD-3-Clause
"""Clean, named region signals from 4D fMRI and label atlases, as Nipype nodes and workflows."""

__version__ = '0.1.0'
