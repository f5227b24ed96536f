# SPDX-License-Identifier: BSD-3-Clause
"""Tables of fMRIPrep's and signals that the cleaning node is tested on, and its outputs as they are read."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from nipype_labels.files.tables import read_signals

FMRIPREP = {
    'current': 'interfaces/fmriprep/data/test_desc-confounds_regressors.tsv',
    'steady': 'interfaces/fmriprep/data/no_nonsteady_desc-confounds_regressors.tsv',
    'v21': 'interfaces/fmriprep/data/test-v21_desc-confounds_timeseries.tsv',
}
MOTION = ['trans_x', 'trans_y', 'trans_z', 'rot_x', 'rot_y', 'rot_z']


def series(n_volumes=30, n_regions=4):
    """Time series with drift and mean."""
    rng = np.random.default_rng(10)
    time = np.arange(n_volumes)[:, None]
    return (
        500
        + 40 * rng.normal(size=n_regions)
        + time * rng.normal(size=n_regions)
        + rng.normal(size=(n_volumes, n_regions))
    )


def cleaned(outputs, which=0):
    return read_signals(outputs.out_files[which])[1]


def report(outputs):
    return json.loads(Path(outputs.cleaning_file).read_text(encoding='utf-8'))


def volumes(outputs):
    return pd.read_csv(outputs.censoring_file, sep='\t', na_values=['n/a'], keep_default_na=False)
