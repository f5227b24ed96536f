# SPDX-License-Identifier: BSD-3-Clause
"""Arrays to figures, and to one self-contained page that shows them; other pages may embed the same figures."""

from .page import Atlas, Report, Series, draw_figures, render_report

__all__ = ['Atlas', 'Report', 'Series', 'draw_figures', 'render_report']
