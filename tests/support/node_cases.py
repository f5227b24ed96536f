# SPDX-License-Identifier: BSD-3-Clause
"""All nodes, their hashes, and nodes that can run."""

import numpy as np

from nipype_labels import interfaces
from nipype_labels.interfaces import (
    ApplyMask,
    CleanSignal,
    HighVarianceConfounds,
    InverseProject,
    ReduceLabels,
    Resample,
)

NODES = [getattr(interfaces, name) for name in interfaces.__all__]


def digest(interface, method='content'):
    return interface.inputs.get_hashval(hash_method=method)[1]


def clean_node(signals, **inputs):
    """A node that can run, on four volumes of two regions."""
    return CleanSignal(signals_files=signals(np.random.default_rng(1).normal(size=(4, 2))), **inputs)


def runnable(interface, image, signals, **inputs):
    """A node with its mandatory inputs, all of which exist."""
    labels = image('labels.nii.gz', np.arange(27, dtype='int16').reshape(3, 3, 3))
    series = image('series.nii.gz', np.random.default_rng(2).normal(size=(3, 3, 3, 4)))
    mandatory = {
        ApplyMask: {'labels_files': labels},
        CleanSignal: {'signals_files': signals(np.random.default_rng(1).normal(size=(4, 2)))},
        HighVarianceConfounds: {'in_file': series},
        InverseProject: {'signals_files': series, 'labels_files': labels, 'regions_files': labels},
        ReduceLabels: {'in_file': series, 'labels_files': labels, 'regions_files': labels},
        Resample: {'in_files': labels, 'reference_files': series},
    }
    return interface(**mandatory[interface], **inputs)
