# SPDX-License-Identifier: BSD-3-Clause
"""What the package knows of the Brain Imaging Data Structure."""
