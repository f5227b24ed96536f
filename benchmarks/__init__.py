# SPDX-License-Identifier: BSD-3-Clause
"""Time and memory of the package compared with nilearn and with bare decompression; ``make bench`` runs it."""
