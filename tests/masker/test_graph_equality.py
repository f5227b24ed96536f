# SPDX-License-Identifier: BSD-3-Clause
"""Masker, graph and command give equal bytes, whatever the atlas, parameters, confounds, and censored volumes."""

import os
import warnings
from functools import partial

import nibabel
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from masker_cases import AAL, MASK, SERIES
from threadpoolctl import threadpool_limits

from nipype_labels import NiftiLabelsMasker, NiftiMapsMasker, NiftiSpheresMasker
from nipype_labels.cli.main import main
from nipype_labels.files.tables import read_signals
from nipype_labels.model.errors import LabelsError

pytestmark = pytest.mark.slow

#: Sets tried for each kind of atlas, the same in each run; ``GRAPH_EXAMPLES`` asks for more, and others each time.
N_EXAMPLES = int(os.environ.get('GRAPH_EXAMPLES', '5'))

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
        'smoothing_fwhm': st.sampled_from([None, 20.0]),
        'standardize': st.sampled_from([False, 'zscore', 'zscore_sample', 'psc', 'psc_nilearn']),
        'detrend': st.booleans(),
        'missing_labels': st.sampled_from(['nan', 'zero', 'drop']),
        'dtype': st.sampled_from([None, 'float32']),
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


def run_graph(masker, folder, table, retained):
    """Names and denoised time series of the graph of a masker, of the series, with confounds and a sample mask."""
    wf = masker.to_workflow(use_confounds=table is not None, use_sample_mask=retained is not None)
    wf.base_dir, inputs = folder, wf.get_node('inputnode').inputs
    wf.config['execution'] = {'crashdump_dir': str(folder)}
    inputs.bold_file = SERIES
    if table is not None:
        table.to_csv(folder / 'c.tsv', sep='\t', na_rep='n/a', index=False)
        inputs.confounds_file = [str(folder / 'c.tsv')]
    if retained is not None:
        inputs.sample_mask = retained
    nodes = {node.name: node.result.outputs for node in wf.run().nodes() if node.result}
    return read_signals(nodes['clean'].out_files[0])


def kinds(base):
    """A class and those derived from it, the most specific first."""
    return [kind for child in base.__subclasses__() for kind in kinds(child)] + [base]


@pytest.fixture(scope='module')
def atlases(tmp_path_factory):
    """Labels, maps on a grid of their own, two of them collinear, and seeds, of which the last has no voxel; paths."""
    folder, rng, series = tmp_path_factory.mktemp('others'), np.random.default_rng(70), nibabel.load(SERIES)
    maps = np.maximum(rng.normal(-0.5, 1, (20, 20, 12, 5)), 0).astype('float32')
    maps[..., 4] = 2 * maps[..., 0]
    affine = series.affine @ np.diag([0.8, 0.8, 0.75, 1])
    nibabel.save(nibabel.Nifti1Image(maps, affine), folder / 'maps.nii.gz')
    seeds = pd.DataFrame(rng.uniform(-60, 60, (5, 3)).round(), columns=list('xyz')).assign(name=list('abcde'))
    seeds.loc[4, 'x'] = 500
    seeds.to_csv(folder / 'seeds.tsv', sep='\t', index=False)
    return {'AAL': AAL, 'maps': str(folder / 'maps.nii.gz'), 'seeds': str(folder / 'seeds.tsv')}


def to_options(parameters):
    """Return parameters as options of the command."""
    options = []
    for name, value in parameters.items():
        option = '--mask' if name == 'mask_img' else f'--{name.replace("_", "-").replace("t-r", "tr")}'
        if value is not None and value is not False:
            options += [option] if value is True else [option, str(value)]
    return options


#: The masker of each kind of atlas, and its strategies.
KINDS = {
    'AAL': (NiftiLabelsMasker, ['mean', 'sum', 'median', 'standard_deviation']),
    'maps': (NiftiMapsMasker, ['least_squares', 'weighted_mean']),
    'seeds': (NiftiSpheresMasker, ['least_squares', 'weighted_mean']),
}


@settings(
    max_examples=N_EXAMPLES,
    derandomize='GRAPH_EXAMPLES' not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(
    parameters=PARAMETERS,
    strategy=st.integers(0, 3),
    filter=FILTERS,
    confounds=tables(),
    censored=st.sets(st.integers(0, N_VOLUMES - 1), max_size=6),
    threads=st.sampled_from([1, 2]),
)
@pytest.mark.parametrize('kind', KINDS)
def test_masker_graph_and_command_give_equal_bytes(
    kind, parameters, strategy, filter, confounds, censored, threads, atlases, tmp_path_factory
):
    folder, (masker_class, strategies) = tmp_path_factory.mktemp('graph'), KINDS[kind]
    table, confounds_na = confounds
    retained = sorted(set(range(N_VOLUMES)) - censored) if censored else None
    own = {'radius': 20.0, 'include_nearest': bool(censored)} if kind == 'seeds' else {}
    parameters = parameters | filter | own | {'strategy': strategies[strategy % len(strategies)]}
    parameters |= {} if table is None else {'confounds_na': confounds_na}
    masker = masker_class(atlases[kind], **parameters, reports=False)

    def by_masker():
        with threadpool_limits(threads):
            signals = masker.fit_transform(SERIES, confounds=table, sample_mask=retained)
        return masker.get_feature_names_out(), signals

    def by_command():
        options = ['--seeds' if kind == 'seeds' else '--atlas', atlases[kind], *to_options(parameters)]
        options += ['--confounds', str(folder / 'c.tsv')] if table is not None else []
        if retained is not None:
            np.savetxt(folder / 'retained.txt', retained, '%d')
            options += ['--sample-mask', str(folder / 'retained.txt')]
        assert main(['extract', SERIES, *options, '-o', str(folder / 'out')]) == 0
        return read_signals(folder / 'out' / kind / 'timeseries.tsv')

    expected = outcome(by_masker)
    assert outcome(partial(run_graph, masker, folder, table, retained)) == expected
    if isinstance(expected, tuple):
        assert outcome(by_command) == expected
