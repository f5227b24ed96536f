# SPDX-License-Identifier: BSD-3-Clause
"""Arrays to figures, and to one self-contained page that shows them; other pages may embed the same figures."""

from .data import AtlasData, Origin, SeriesData
from .matrix import draw_confounds
from .page import Report, draw_figures, render_report

__all__ = ['AtlasData', 'Origin', 'Report', 'SeriesData', 'draw_confounds', 'draw_figures', 'render_report']
