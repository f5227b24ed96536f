# SPDX-License-Identifier: BSD-3-Clause
"""Images and tables between disk and arrays."""
