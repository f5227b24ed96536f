# SPDX-License-Identifier: BSD-3-Clause
"""The masker and its graph give equal bytes, whatever the parameters, confounds, and censored volumes."""

import os
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from masker_cases import AAL, MASK, SERIES
from nipype import logging
from threadpoolctl import threadpool_limits

from nipype_labels import NiftiLabelsMasker
from nipype_labels.files.tables import read_signals
from nipype_labels.model.errors import LabelsError

pytestmark = pytest.mark.slow

#: Sets that are tried, the same in each run; ``GRAPH_EXAMPLES`` asks for more, and others each time.
N_EXAMPLES = int(os.environ.get('GRAPH_EXAMPLES', '8'))

N_VOLUMES = 20

#: A filter needs at least 19 volumes, a band-pass 34: this series has 20.
FILTERS = st.sampled_from(
    [
        {},
        {'low_pass': 0.1, 't_r': 2.0},
        {'high_pass': 0.02, 't_r': 2.0},
        {'filter': 'cosine', 'high_pass': 0.03, 't_r': 2.0},
    ]
)

PARAMETERS = st.fixed_dictionaries(
    {
        'mask_img': st.sampled_from([None, MASK]),
        'strategy': st.sampled_from(['mean', 'sum', 'median', 'standard_deviation']),
        'smoothing_fwhm': st.sampled_from([None, 20.0]),
        'standardize': st.sampled_from([False, 'zscore', 'zscore_sample', 'psc', 'psc_nilearn']),
        'detrend': st.booleans(),
        'missing_labels': st.sampled_from(['nan', 'zero', 'drop']),
        'nan_policy': st.sampled_from(['omit', 'zero']),
        'high_variance_confounds': st.booleans(),
        'min_coverage': st.sampled_from([0.0, 0.4]),
    }
)


@st.composite
def tables(draw):
    """A confounds table with missing values in its first rows, or none; how to fill them."""
    if draw(st.booleans()):
        return None, 'raise'
    table = np.random.default_rng(draw(st.integers(0, 9))).normal(size=(N_VOLUMES, 3)).cumsum(axis=0)
    table[: draw(st.integers(0, 2)), draw(st.integers(0, 2))] = np.nan
    return pd.DataFrame(table, columns=list('abc')), draw(st.sampled_from(['raise', 'zero', 'mean']))


def outcome(call):
    """Denoised time series as bytes with their names, or the kind of the error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            names, signals = call()
        return list(names), signals.shape, signals.tobytes()
    except LabelsError as e:
        return type(e).__name__
    except Exception as e:  # Nipype hands on errors of nodes as text
        return next((kind.__name__ for kind in kinds(LabelsError) if f'{kind.__name__}:' in str(e)), repr(e))


def kinds(base):
    """A class and those derived from it, the most specific first."""
    return [kind for child in base.__subclasses__() for kind in kinds(child)] + [base]


@settings(
    max_examples=N_EXAMPLES,
    derandomize='GRAPH_EXAMPLES' not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(
    parameters=PARAMETERS,
    filter=FILTERS,
    confounds=tables(),
    censored=st.sets(st.integers(0, N_VOLUMES - 1), max_size=6),
    threads=st.sampled_from([1, 2]),
)
def test_masker_and_graph_give_equal_bytes(parameters, filter, confounds, censored, threads, tmp_path_factory):
    logging.getLogger('nipype.workflow').setLevel('CRITICAL')
    logging.getLogger('nipype.interface').setLevel('CRITICAL')
    folder = tmp_path_factory.mktemp('graph')
    table, confounds_na = confounds
    retained = sorted(set(range(N_VOLUMES)) - censored)
    masker = NiftiLabelsMasker(
        AAL, **parameters, **filter, confounds_na=confounds_na if table is not None else 'raise', reports=False
    )

    def by_masker():
        with threadpool_limits(threads):
            signals = masker.fit_transform(SERIES, confounds=table, sample_mask=retained if censored else None)
        return masker.get_feature_names_out(), signals

    def by_graph():
        wf = masker.to_workflow(use_confounds=table is not None, use_sample_mask=bool(censored))
        wf.base_dir, inputs = folder, wf.get_node('inputnode').inputs
        wf.config['execution'] = {'crashdump_dir': str(folder)}
        inputs.bold_file = SERIES
        if table is not None:
            table.to_csv(folder / 'c.tsv', sep='\t', na_rep='n/a', index=False)
            inputs.confounds_file = [str(folder / 'c.tsv')]
        if censored:
            inputs.sample_mask = retained
        nodes = {node.name: node.result.outputs for node in wf.run().nodes() if node.result}
        return read_signals(nodes['clean'].out_files[0])

    assert outcome(by_masker) == outcome(by_graph)
