# SPDX-License-Identifier: BSD-3-Clause
"""Workflows of fMRIPrep resample a series and compute confounds for ours, and all of them are run."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.image import resample_to_img
from nilearn.signal import clean
from numpy.testing import assert_allclose

from nipype_labels.files.tables import read_signals

pytestmark = pytest.mark.timeout(240)

BOLD_WF = 'sub_01_wf/bold_task_rest_run_1_wf'

#: Folders of an output space's nodes: one of a resolution of the template, and one of that of the series.
FOLDERS = {
    'MNI152NLin2009cAsym': '_in_tuple_MNI152NLin2009cAsym.res2',
    'MNI152NLin6Asym': '_in_tuple_MNI152NLin6Asym.resnative',
}

#: Parameters of our workflow.
CLEANING = {'confounds_strategy': ['6P', 'aCompCor', 'scrubbing'], 'detrend': True, 'standardize': 'zscore_sample'}

NODES = ['resample_labels', 'resample_mask', 'apply_mask', 'reduce', 'clean']


def ours(*names):
    """Folders of nodes of ours, in every space."""
    return {f'{BOLD_WF}/labels_wf/{folder}/{name}' for folder in FOLDERS.values() for name in names}


def always(run):
    """Nodes that always run: those that write derivatives."""
    assert all('ds_' in path for path in run.always)
    return {path for path in run.executed if any(Path(path).is_relative_to(sink) for sink in run.always)}


#: Nodes that select atlases.
SELECTING = {f'{BOLD_WF}/{folder}/labels_wf_atlas' for folder in FOLDERS.values()}


@pytest.fixture(scope='module')
def run_host(subject, programs, run_command):
    """Run the script of the host for some steps; return the outcome of each."""

    def call(work, steps, **arguments):
        case = {'folder': str(subject), 'work': work, 'run': arguments, 'steps': steps}
        script = Path(__file__).with_name('host.py')
        status, log = run_command(script, json.dumps(case), folder=subject, path=[programs], seconds=180)
        assert status == 0, log
        return [SimpleNamespace(**step) for step in json.loads((subject / 'outcome.json').read_text())]

    return call


@pytest.fixture(scope='module')
def runs(run_host, files):
    """Outcomes of the host alone, with our workflow, and so on; the last run has the outputs of the first with ours."""
    labels = files | CLEANING
    steps = {
        'alone': {'labels': None},
        'attached': {'labels': labels},
        'again': {'labels': labels},
        'changed': {'labels': labels | {'standardize': 'psc'}},
        'detached': {'labels': None},
        'restored': {'labels': labels},
        'touched': {'labels': labels, 'touch': 'bids/sub-01/func/sub-01_task-rest_run-1_bold.nii.gz'},
    }
    return SimpleNamespace(**dict(zip(steps, run_host('work', list(steps.values()), plugin='Linear'), strict=True)))


@pytest.fixture(params=FOLDERS)
def found(request, runs, files):
    """Outputs of nodes of fMRIPrep and of ours for a space."""
    space, outputs = request.param, runs.touched.outputs
    reduced, cleaned = (outputs[f'{BOLD_WF}/labels_wf/{FOLDERS[space]}/{name}'] for name in ('reduce', 'clean'))
    return SimpleNamespace(
        space=space,
        atlas=nib.load(files['atlases'][space][0]),
        names=pd.read_csv(files['luts'][space][0], sep='\t')['name'].tolist(),
        bold=nib.load(outputs[f'{BOLD_WF}/bold_std_wf/{FOLDERS[space]}/resample']['out_file']),
        mask=nib.load(outputs[f'{BOLD_WF}/ds_bold_std_wf/{FOLDERS[space]}/resample_mask']['output_image']),
        confounds=pd.read_csv(outputs[f'{BOLD_WF}/bold_confounds_wf/spike_regressors']['confounds_file'], sep='\t'),
        raw_file=reduced['out_files'][0],
        clean_file=cleaned['out_files'][0],
        regions_file=cleaned['regions_files'][0],
        kept=pd.read_csv(cleaned['censoring_file'], sep='\t')['retained'].to_numpy(),
        cleaning=json.loads(Path(cleaned['cleaning_file']).read_text()),
    )


def test_attaching_ours_runs_ours_alone(runs):
    resampled = {f'{BOLD_WF}/bold_std_wf/{folder}/resample' for folder in FOLDERS.values()}
    assert resampled | {f'{BOLD_WF}/bold_confounds_wf/spike_regressors'} <= set(runs.alone.executed)
    assert not ours(*NODES) & set(runs.alone.executed)
    assert always(runs.attached) | ours(*NODES) | SELECTING == set(runs.attached.executed)


def test_a_second_run_executes_none_of_our_nodes(runs):
    assert set(runs.again.executed) == always(runs.again)


def test_a_parameter_of_ours_reruns_its_node_alone(runs):
    for run in (runs.changed, runs.restored):
        assert set(run.executed) == always(run) | ours('clean')


def test_detaching_ours_reruns_nothing(runs):
    assert set(runs.detached.executed) == always(runs.detached)


def test_equal_results_of_fmripreps_nodes_rerun_none_of_ours(runs):
    resampled = {f'{BOLD_WF}/bold_std_wf/{folder}/resample' for folder in FOLDERS.values()}
    assert resampled | {f'{BOLD_WF}/bold_confounds_wf/spike_regressors'} <= set(runs.touched.executed)
    assert not (ours(*NODES) | SELECTING) & set(runs.touched.executed)


def test_signals_are_means_of_the_labelled_voxels_that_fmriprep_resampled(found, quietly):
    resampled = quietly(
        resample_to_img, found.atlas, found.bold, interpolation='nearest', force_resample=True, copy_header=True
    )
    labels = np.where(found.mask.get_fdata() > 0, resampled.get_fdata(), 0)
    voxels, present = found.bold.get_fdata(), np.unique(found.atlas.get_fdata())[1:]
    names, signals = read_signals(found.raw_file)
    assert names == found.names
    assert_allclose(signals[:, :-1].T, [voxels[labels == label].mean(axis=0) for label in present], rtol=1e-6)
    assert np.isnan(signals[:, -1]).all()


def test_volumes_with_motion_or_without_steady_state_are_censored(found):
    """As the confounds that fMRIPrep computed say."""
    moved = (found.confounds['framewise_displacement'] > 0.5) | (found.confounds['std_dvars'] > 1.5)
    unsteady = found.confounds.filter(like='non_steady_state').any(axis=1)
    assert np.flatnonzero(unsteady).tolist() == [0, 1]
    assert moved[20]
    np.testing.assert_array_equal(found.kept, ~(moved | unsteady))


def test_clean_signals_are_nilearns(found, quietly):
    """With the columns of fMRIPrep's confounds that the strategies name; trends are functions of acquisition time."""
    columns = [name for name in found.confounds if re.fullmatch(r'(trans|rot)_.|a_comp_cor_\d+|cosine\d+', name)]
    assert found.cleaning['ConfoundsColumns'] == columns
    times = np.flatnonzero(found.kept)
    line = np.column_stack([np.ones(len(times)), times])
    signals, confounds = (
        values[times] - line @ np.linalg.lstsq(line, values[times], rcond=None)[0]
        for values in (read_signals(found.raw_file)[1][:, :-1], found.confounds[columns].to_numpy())
    )
    expected = quietly(clean, signals, confounds=confounds, detrend=False, standardize='zscore_sample', filter=False)
    assert_allclose(read_signals(found.clean_file)[1][:, :-1], expected, rtol=1e-6, atol=1e-9)
    assert found.cleaning['Parameters']['t_r'] == 2.0


def test_tables_are_written_among_fmripreps_derivatives(found, subject):
    resolution = '_res-2' if found.space == 'MNI152NLin2009cAsym' else ''
    func = subject / 'out' / 'sub-01' / 'func'
    assert (func / 'sub-01_task-rest_run-1_desc-confounds_timeseries.tsv').exists()
    for suffix, path in (('timeseries', found.clean_file), ('regions', found.regions_file)):
        sunk = func / f'sub-01_task-rest_run-1_space-{found.space}{resolution}_atlas-synthetic_{suffix}.tsv'
        assert sunk.read_bytes() == Path(path).read_bytes()


def test_only_an_output_space_with_a_resolution_is_on_the_templates_grid(runs):
    outputs = {
        space: runs.alone.outputs[f'{BOLD_WF}/bold_std_wf/{folder}/resample'] for space, folder in FOLDERS.items()
    }
    grids = {space: nib.load(given['out_file']) for space, given in outputs.items()}
    assert grids['MNI152NLin2009cAsym'].shape[:3] == (24, 24, 20)
    assert grids['MNI152NLin6Asym'].shape[:3] == (13, 13, 11)
    np.testing.assert_array_equal(grids['MNI152NLin6Asym'].header.get_zooms()[:3], 4.0)


def test_under_fmripreps_own_plugin_the_bytes_are_the_same(runs, run_host, files):
    arguments = {'n_procs': 2, 'memory_gb': 64, 'maxtasksperchild': 1, 'raise_insufficient': False}
    (parallel,) = run_host('parallel', [{'labels': files | CLEANING}], plugin='MultiProc', plugin_args=arguments)
    assert parallel.start_method == 'forkserver'
    assert ours(*NODES) <= set(parallel.executed)
    for path in ours('reduce', 'clean'):
        one, other = (Path(run.outputs[path]['out_files'][0]).read_bytes() for run in (runs.touched, parallel))
        assert one == other
