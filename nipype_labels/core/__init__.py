# SPDX-License-Identifier: BSD-3-Clause
"""Arrays to arrays: every number of the package is computed here, with numpy and scipy alone.

Modules import ``scipy`` and name what they use in full: SciPy loads its parts when they are first used.
"""
