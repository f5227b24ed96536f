# SPDX-License-Identifier: BSD-3-Clause
"""The vocabulary as plain objects: parameters, outputs, spaces and atlases."""
