# SPDX-License-Identifier: BSD-3-Clause
"""Arrays to figures, and to one self-contained page that shows them; other pages may embed the same figures.

The names below are imported when they are first used: the pages that list runs need no matplotlib.
"""

import importlib

from ..model import errors

__all__ = ['AtlasData', 'Origin', 'Report', 'SeriesData', 'draw_confounds', 'draw_figures', 'render_report']

#: Module that defines each name.
_MODULES = {
    'AtlasData': '.data',
    'Origin': '.data',
    'Report': '.page',
    'SeriesData': '.data',
    'draw_confounds': '.matrix',
    'draw_figures': '.page',
    'render_report': '.page',
}


def __getattr__(name):
    """Import a public name when it is first used; LabelsError if the packages that it needs are not installed."""
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    try:
        value = getattr(importlib.import_module(_MODULES[name], __name__), name)
    except ImportError as e:
        raise errors.LabelsError(f'{e}: reports need more packages, {errors.INSTALL % "reports"}') from e
    globals()[name] = value
    return value
