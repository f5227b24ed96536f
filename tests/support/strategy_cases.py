# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's function of each strategy."""

import numpy as np

from nipype_labels.model.parameters import MAP_STRATEGIES

STATISTICS = {
    'mean': np.mean,
    'sum': np.sum,
    'median': np.median,
    'minimum': np.min,
    'maximum': np.max,
    'variance': np.var,
    'standard_deviation': np.std,
    # Of labels.
    'weighted_mean': np.mean,
    'least_squares': np.mean,
}


def of_labels(strategy):
    """The strategy that nilearn has for labels: those of maps are the mean of a region."""
    return 'mean' if strategy in MAP_STRATEGIES else strategy
