# SPDX-License-Identifier: BSD-3-Clause
"""Denoised, named region time series from fMRI series and atlases, as Nipype nodes, workflows and a masker.

The names below are imported when they are first used: a workflow needs no pandas, the masker no Nipype.
"""

import importlib

__all__ = [
    *('NiftiLabelsMasker', 'NiftiMapsMasker', 'NiftiSpheresMasker', 'SurfaceLabelsMasker'),
    *('expand_preset', 'find_atlas', 'init_labels_derivatives_wf', 'init_labels_wf'),
]
__version__ = '0.1.0'

#: Package that defines each name.
_PACKAGES = {
    'NiftiLabelsMasker': '.masker',
    'NiftiMapsMasker': '.masker',
    'NiftiSpheresMasker': '.masker',
    'SurfaceLabelsMasker': '.masker',
    'expand_preset': '.core.validation',
    'find_atlas': '.bids.atlases',
    'init_labels_derivatives_wf': '.workflows',
    'init_labels_wf': '.workflows',
}


def __getattr__(name):
    """Import a public name when it is first used."""
    if name not in _PACKAGES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = getattr(importlib.import_module(_PACKAGES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__():
    """List public names, imported or not."""
    return sorted({*globals(), *__all__})
