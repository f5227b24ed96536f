# SPDX-License-Identifier: BSD-3-Clause
"""Our workflow behind nodes of niworkflows, as in fMRIPrep, and in a LiterateWorkflow."""

import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from images import save_image
from matrix_cases import PLUGINS, Host
from nilearn.signal import clean
from niworkflows.engine.workflows import LiterateWorkflow
from numpy.testing import assert_allclose

from nipype_labels.files.tables import read_signals
from nipype_labels.workflows import init_labels_wf

pytestmark = pytest.mark.slow

N_VOLUMES, N_DUMMIES, JUMPS = 60, 3, (20, 41)
OURS = {'resample_labels', 'resample_mask', 'apply_mask', 'reduce', 'clean'}
THEIRS = {'validate', 'dummies', 'brain', 'masked', 'dvars', 'dvars_header', 'fd', 'changes', 'motion', 'tissues'}
THEIRS |= {'tcompcor', 'motion_and_tissues', 'regressors', 'gather'}


class NiworkflowsHost(Host):
    """A folder with a raw series, its motion, and the result of a segmentation; and runs of a host on it."""

    script = Path(__file__).parents[1] / 'support' / 'niworkflows_host.py'
    nodes = OURS | THEIRS

    def __init__(self, folder, plugin):
        self.folder, self.plugin = folder, PLUGINS[plugin]
        rng = np.random.default_rng(31)
        affine, shape = np.diag([4.0, 4, 4, 1]), (10, 10, 10)
        brain = np.zeros(shape, dtype='int16')
        brain[1:9, 1:9, 1:9] = 1000
        series = brain[..., None] + rng.normal(0, 20, (*shape, N_VOLUMES)) + 50
        series[..., :N_DUMMIES] *= 1.5
        motion = np.cumsum(rng.normal(0, [0.02] * 3 + [0.0002] * 3, (N_VOLUMES, 6)), axis=0)
        for jump in JUMPS:
            series[..., jump:] *= 1 + 0.1 * rng.random((*shape, 1))
            motion[jump:, 0] += 1
        save_image(folder / 'bold.nii.gz', series.astype('int16'), affine, 2.0)
        save_image(folder / 'brain.nii.gz', brain, affine)
        save_image(folder / 'atlas.nii.gz', rng.integers(0, 6, shape).astype('int16'), affine)
        for tissue, place in (('csf', 4), ('white_matter', 5)):
            probability = np.zeros(shape, dtype='float32')
            probability[2:8, 2:8, place] = 0.9
            save_image(folder / f'{tissue}.nii.gz', probability, affine)
        np.savetxt(folder / 'motion.txt', motion)


@pytest.fixture(scope='module')
def host(tmp_path_factory):
    """A host that has run once, in sequence."""
    host = NiworkflowsHost(tmp_path_factory.mktemp('niworkflows'), 'Linear')
    host.first = host.run()
    return host


def test_niworkflows_nodes_connect_to_ours(host):
    assert host.first.error is None
    assert host.first.executed == OURS | THEIRS


@pytest.mark.endurance
def test_niworkflows_nodes_connect_to_ours_in_parallel(host, tmp_path):
    parallel = NiworkflowsHost(tmp_path, 'fork').run()
    assert parallel.error is None
    assert parallel.executed == OURS | THEIRS
    assert parallel.digests == host.first.digests


def test_signals_are_those_of_the_series_and_confounds_that_they_hand_over(host):
    """By the mean of voxels and nilearn's cleaning, of the volumes that are steady and do not move.

    Trends are functions of acquisition time, those of nilearn are not.
    """
    folder = host.folder / 'work' / 'host'
    files = next(folder.glob('masked/*.nii.gz')), next(folder.glob('brain/*mask.nii.gz')), host.folder / 'atlas.nii.gz'
    bold, mask, labels = (np.asanyarray(nibabel.load(path).dataobj) for path in files)
    means = np.transpose([bold[(labels == i) & (mask > 0)].mean(axis=0) for i in range(1, 6)])
    assert_allclose(read_signals(folder / 'labels_wf/reduce/atlas_timeseries_raw.tsv')[1], means, rtol=1e-9)
    confounds = pd.read_csv(folder / 'gather/confounds.tsv', sep='\t', na_values='n/a')
    moves = (confounds['framewise_displacement'] > 0.5) | (confounds['std_dvars'] > 1.5)
    kept = np.flatnonzero(~moves & (np.arange(N_VOLUMES) >= N_DUMMIES))
    # The way into the steady state is a change too.
    assert set(range(N_VOLUMES)) - set(kept) == {*range(N_DUMMIES), N_DUMMIES, *JUMPS}
    names = [name for name in confounds if name not in ('framewise_displacement', 'std_dvars')]
    assert len(names) == 6 + 2 + 3
    line = np.column_stack([np.ones(len(kept)), kept])
    level = [
        values[kept] - line @ np.linalg.lstsq(line, values[kept])[0] for values in (means, confounds[names].to_numpy())
    ]
    expected = clean(level[0], confounds=level[1], detrend=False, standardize='zscore_sample')
    assert_allclose(read_signals(folder / 'labels_wf/clean/atlas_timeseries.tsv')[1], expected, atol=1e-7)


@pytest.mark.endurance
def test_a_second_run_executes_nothing_and_a_parameter_of_ours_only_ours(host):
    assert host.run().executed == set()
    assert host.run(parameters={'standardize': 'psc'}).executed == {'clean'}


def test_a_niworkflows_host_includes_our_boilerplate():
    ours = init_labels_wf(use_mask=True, high_variance_confounds=True)
    inner, host = LiterateWorkflow('inner'), LiterateWorkflow('host')
    inner.__desc__, host.__desc__, host.__postdesc__ = 'First.\n', 'Before.\n', 'After.\n'
    inner.add_nodes([ours])
    host.add_nodes([inner])
    assert ours.__desc__.endswith('.\n')
    assert host.visit_desc() == f'Before.\nFirst.\n{ours.__desc__}After.\n'


def test_a_host_that_does_without_niworkflows_gets_no_part_of_it_and_the_same_text():
    """It would set matplotlib's backend for the whole process."""
    code = (
        'import sys; from nipype_labels.workflows import init_labels_wf; wf = init_labels_wf(use_mask=True);'
        "print({'niworkflows', 'matplotlib'} & set(sys.modules) or wf.__desc__)"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == init_labels_wf(use_mask=True).__desc__.strip(), done.stderr
