# SPDX-License-Identifier: BSD-3-Clause
"""Arrays to one self-contained page: what became of a series' regions."""

from .page import Atlas, Series, render_report

__all__ = ['Atlas', 'Series', 'render_report']
