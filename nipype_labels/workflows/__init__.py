# SPDX-License-Identifier: BSD-3-Clause
"""Workflow factories: they connect nodes and never run them."""

from .derivatives import init_labels_derivatives_wf
from .labels import init_labels_wf

__all__ = ['init_labels_derivatives_wf', 'init_labels_wf']
