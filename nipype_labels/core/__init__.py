# SPDX-License-Identifier: BSD-3-Clause
"""Arrays to arrays: every number of the package is computed here, with numpy and scipy alone."""
