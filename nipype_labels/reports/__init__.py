# SPDX-License-Identifier: BSD-3-Clause
"""Arrays to figures, and to one self-contained page that shows them; other pages may embed the same figures."""

from .data import AtlasData, SeriesData
from .page import Report, draw_figures, render_report

__all__ = ['AtlasData', 'Report', 'SeriesData', 'draw_figures', 'render_report']
