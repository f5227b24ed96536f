# SPDX-License-Identifier: BSD-3-Clause
"""Graphs run in folders of their own, with the names of executed nodes."""

import logging
import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from nipype import config
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from nipype_labels.files.tables import write_signals
from nipype_labels.model.outputs import NODE_OUTPUTS
from nipype_labels.workflows import init_labels_wf


@pytest.fixture(autouse=True)
def _own_nipype(tmp_path, monkeypatch):
    """Poll often, and write crash files and all others to a folder of the test."""
    (tmp_path / 'cwd').mkdir()
    monkeypatch.chdir(tmp_path / 'cwd')
    config.update_config(
        {
            'execution': {
                'check_version': 'false',
                'poll_sleep_duration': '0.01',
                'crashdump_dir': str(tmp_path / 'crash'),
                'crashfile_format': 'txt',
                'stop_on_first_crash': 'true',
            }
        }
    )


@pytest.fixture
def small(image, tmp_path):
    """A series, two atlases with tables, a mask and confounds, each on a grid of its own."""
    rng = np.random.default_rng(20)
    data = rng.normal(1000, 20, (6, 6, 6, 40))
    affine, finer, coarser = np.diag([4.0, 4, 4, 1]), np.diag([2.0, 2, 2, 1]), np.diag([8.0, 8, 8, 1])
    coarser[:3, 3] = 2
    atlas = np.zeros((12, 12, 12), dtype='int16')
    atlas[:4], atlas[4:8, :6], atlas[4:8, 6:], atlas[8:] = 1, 2, 4, 7
    other = np.zeros((12, 12, 12), dtype='int16')
    other[:, :6], other[:, 6:] = 11, 12
    mask = np.ones((3, 3, 3), dtype='uint8')
    mask[2, 2] = 0
    luts = tmp_path / 'names_one.tsv', tmp_path / 'names_two.tsv'
    luts[0].write_text('index\tname\n7\tSeven\n1\tOne\n2\tTwo\n4\tFour\n')
    luts[1].write_text('index\tname\n11\tEleven\n12\tTwelve\n')
    write_signals(tmp_path / 'confounds.tsv', ['csf', 'rot_x', 'rot_y'], rng.normal(size=(40, 3)))
    return SimpleNamespace(
        data=data,
        affine=affine,
        bold_file=image('bold.nii.gz', data, affine, 2.0),
        atlas_files=[image('one.nii.gz', atlas, finer), image('two.nii.gz', other, finer)],
        atlas_luts=[str(path) for path in luts],
        bold_mask=image('mask.nii.gz', mask, coarser),
        confounds_file=str(tmp_path / 'confounds.tsv'),
    )


def collect(
    raw_timeseries=None,
    timeseries=None,
    regions=None,
    labels=None,
    mean_volume=None,
    censoring=None,
    cleaning=None,
    high_variance_confounds=None,
    projected=None,
    connectivity=None,
    connectivity_info=None,
    report=None,
    contours=None,
    carpets=None,
    spectra=None,
    connectivity_figures=None,
    confounds_figure=None,
):
    """Return the outputs as a host collects them."""
    return dict(locals())


@pytest.fixture
def host():
    """A graph of a host with that of the factory in it, whose outputs a node of the host collects."""

    def build(base_dir, inputs, **parameters):
        embedded = init_labels_wf(**parameters)
        for field, value in inputs.items():
            setattr(embedded.get_node('inputnode').inputs, field, value)
        fields = [output.key for output in NODE_OUTPUTS]
        sink = pe.Node(niu.Function(input_names=fields, output_names=['out'], function=collect), name='sink')
        wf = pe.Workflow('host', base_dir=str(base_dir))
        wf.connect([(embedded, sink, [(f'outputnode.{field}', field) for field in fields])])
        return wf

    return build


@contextmanager
def listening(executed):
    """Put the names of nodes that Nipype executes into a list."""
    logger = logging.getLogger('nipype.workflow')
    handler = logging.Handler(logging.INFO)

    def emit(record):
        found = re.search(r'\[Node\] Executing "([\w-]+)"', record.getMessage())
        if found and found[1] != 'sink':
            executed.append(found[1])

    handler.emit = emit
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.fixture
def run(host, tmp_path):
    """Run a graph of the factory in a host; return its outputs and the executed nodes."""

    def call(inputs, folder='work', **parameters):
        executed = []
        with listening(executed):
            graph = host(tmp_path / folder, inputs, **parameters).run()
        nodes = {node.name: node for node in graph.nodes()}
        outputs = SimpleNamespace(**nodes.pop('sink').result.outputs.out)
        return SimpleNamespace(outputs=outputs, executed=sorted(executed), nodes=sorted(nodes), graph=graph)

    return call


@pytest.fixture(scope='session')
def _slurm(tmp_path_factory):
    """A real SLURM on this machine, for as long as the tests run."""
    if shutil.which('sbatch') is None or shutil.which('munged', path='/usr/sbin') is None:
        pytest.skip('there is no SLURM here: apt-get install slurm-wlm munge')
    if os.geteuid() != 0:
        pytest.skip('only root can start a SLURM of its own')
    folder, scripts = tmp_path_factory.mktemp('slurm'), Path(__file__).parents[1] / 'slurm'
    with pytest.MonkeyPatch.context() as patch:
        started = subprocess.run([scripts / 'start.sh', folder], capture_output=True, text=True, timeout=60)
        assert started.returncode == 0, started.stderr
        patch.setenv('SLURM_CONF', started.stdout.split()[-1])
        patch.setenv('LOGNAME', os.environ.get('LOGNAME', 'root'))
        yield
        subprocess.run([scripts / 'stop.sh', folder], timeout=60)


@pytest.fixture(scope='session')
def slurm(_slurm):
    """A real SLURM with an empty queue; return a function that empties it again."""

    def empty():
        subprocess.run(['scancel', '--user=root'], check=True)
        end = time.monotonic() + 30
        while subprocess.run(['squeue', '--noheader'], capture_output=True, text=True).stdout.strip():
            assert time.monotonic() < end, 'jobs do not end'
            time.sleep(0.1)

    empty()
    return empty
