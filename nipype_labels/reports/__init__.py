# SPDX-License-Identifier: BSD-3-Clause
"""Arrays to one self-contained page, and images for the pages of others: what became of a series' regions."""

from .page import Atlas, Report, Series, draw_atlas, render_report
from .reportlets import render_carpets, render_contours, render_matrix

__all__ = [
    'Atlas',
    'Report',
    'Series',
    'draw_atlas',
    'render_carpets',
    'render_contours',
    'render_matrix',
    'render_report',
]
