# SPDX-License-Identifier: BSD-3-Clause
"""Coverage tables as DataFrames, to select rows and columns by name."""

from nipype_labels.files.coverage import read_coverage
from nipype_labels.files.frames import to_frame


def read_regions(path):
    """Return the coverage table in a file."""
    return to_frame(read_coverage(path))
