# SPDX-License-Identifier: BSD-3-Clause
"""Files to files: the nodes."""

from .clean import CleanSignal
from .connectivity import Connectivity
from .derivatives import SaveDerivatives
from .highvariance import HighVarianceConfounds
from .mask import ApplyMask
from .parcels import WriteParcels
from .project import InverseProject
from .reduce import ReduceLabels
from .report import LabelsReport
from .resample import Resample

__all__ = [
    'ApplyMask',
    'CleanSignal',
    'Connectivity',
    'HighVarianceConfounds',
    'InverseProject',
    'LabelsReport',
    'ReduceLabels',
    'Resample',
    'SaveDerivatives',
    'WriteParcels',
]
