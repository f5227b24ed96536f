# SPDX-License-Identifier: BSD-3-Clause
"""What users write without the package, each run as ``python SCRIPT SERIES ATLAS TABLE``."""
