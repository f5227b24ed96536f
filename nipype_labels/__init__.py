# SPDX-License-Identifier: BSD-3-Clause
"""Clean, named region signals from 4D fMRI and label atlases, as Nipype nodes and workflows."""

import importlib

__all__ = ['NiftiLabelsMasker']
__version__ = '0.1.0'


def __getattr__(name):
    """Load the notebook class when it is asked for: who builds graphs need not wait for it."""
    if name == 'NiftiLabelsMasker':
        return importlib.import_module('.masker', __name__).NiftiLabelsMasker
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
