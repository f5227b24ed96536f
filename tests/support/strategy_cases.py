# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's function of each strategy."""

import numpy as np

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
