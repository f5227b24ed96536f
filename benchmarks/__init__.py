# SPDX-License-Identifier: BSD-3-Clause
"""What the package costs, beside nilearn and beside bare decompression; ``make bench`` runs it."""
