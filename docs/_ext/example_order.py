# SPDX-License-Identifier: BSD-3-Clause
"""The order in which the gallery shows its examples: the first to read comes first."""

#: Those not named here follow, by name.
FIRST = ['plot_signals.py']


class ExampleOrder:
    """Sort key of file names, as sphinx-gallery makes one for each folder."""

    def __init__(self, src_dir):
        self.src_dir = src_dir

    def __call__(self, name):
        """Place of an example among the others."""
        return (FIRST.index(name) if name in FIRST else len(FIRST), name)

    def __repr__(self):
        return type(self).__name__
