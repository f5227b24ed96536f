# SPDX-License-Identifier: BSD-3-Clause
"""Who feeds whom: factories of graphs. They build and never run."""

from .derivatives import init_labels_derivatives_wf
from .labels import init_labels_wf

__all__ = ['init_labels_derivatives_wf', 'init_labels_wf']
