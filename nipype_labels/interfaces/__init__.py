# SPDX-License-Identifier: BSD-3-Clause
"""Files to files: the nodes."""

from .clean import CleanSignal
from .highvariance import HighVarianceConfounds
from .mask import ApplyMask
from .project import InverseProject
from .reduce import ReduceLabels
from .resample import Resample

__all__ = ['ApplyMask', 'CleanSignal', 'HighVarianceConfounds', 'InverseProject', 'ReduceLabels', 'Resample']
