# SPDX-License-Identifier: BSD-3-Clause
"""Whole processes: what a user waits for, with imports and tables. Functions as in :mod:`benchmarks.ours`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).with_name('scripts')
COMMAND = Path(sys.executable).with_name('nipype-labels')


def extract(data, scratch, threads, series, atlas):
    """The command ``extract``."""
    files = [data.series(**series), '--atlas', data.atlas(**atlas)]
    command = [COMMAND, 'extract', *files, '-o', scratch / 'out', '--nprocs', f'{threads}']

    def work():
        _run(command)
        (table,) = (scratch / 'out').glob('*/timeseries.tsv')
        return table

    return work


def script(data, scratch, threads, name, series, atlas):
    """One of :mod:`benchmarks.scripts`."""
    table = scratch / 'signals.tsv'
    command = [sys.executable, SCRIPTS / f'{name}.py', data.series(**series), data.atlas(**atlas), table]

    def work():
        _run(command)
        return table

    return work


def extract_surfaces(data, scratch, threads, kind, n_atlases=1):
    """The command ``extract`` of surfaces."""
    atlases = [f'--atlas={data.parcellation(kind, which)}' for which in range(n_atlases)]
    command = [COMMAND, 'extract', data.surface_series(kind), *atlases, '-o', scratch / 'out', '--nprocs', f'{threads}']

    def work():
        _run(command)

    return work


def workbench(data, scratch, threads, n_atlases=1):
    """``wb_command -cifti-parcellate``, once for each parcellation."""
    series, out = data.surface_series('cifti'), scratch / 'signals.ptseries.nii'
    atlases = [data.parcellation('cifti', which) for which in range(n_atlases)]

    def work():
        for atlas in atlases:
            _run(['wb_command', '-cifti-parcellate', series, atlas, 'COLUMN', out])

    return work


def derivatives(data, scratch, threads, series, atlas, n_more):
    """The command ``derivatives``: processor seconds of each run with its report, after the first."""
    commands = []
    for n_runs in (1, 1 + n_more):
        dataset, out = scratch / f'fmriprep-{n_runs}', scratch / f'out-{n_runs}'
        _make_dataset(dataset, data.series(**series), n_runs)
        atlas_option = f'--atlas=400={data.atlas(**atlas)}'
        commands.append([COMMAND, 'derivatives', dataset, out, 'participant', atlas_option, '--no-mask'])

    def work():
        one, more = (_run(command) for command in commands)
        return {'seconds': (more - one) / n_more}

    return work


def _run(command):
    """Run a command; the processor seconds that it took."""
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f'{command[:3]} ended with {done.returncode}: {done.stderr[-2000:]}')
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _make_dataset(dataset, series, n_runs):
    """Make a dataset as fMRIPrep writes it, of copies of a series."""
    folder = dataset / 'sub-01' / 'func'
    folder.mkdir(parents=True)
    description = {'Name': 'Copies', 'BIDSVersion': '1.10.0', 'DatasetType': 'derivative'}
    (dataset / 'dataset_description.json').write_text(json.dumps(description), encoding='utf-8')
    for run in range(1, 1 + n_runs):
        name = f'sub-01_task-rest_run-{run}_space-MNI152NLin2009cAsym_desc-preproc_bold'
        shutil.copy(series, folder / f'{name}.nii.gz')
        sidecar = {'RepetitionTime': 2.0, 'TaskName': 'rest', 'SkullStripped': False}
        (folder / f'{name}.json').write_text(json.dumps(sidecar), encoding='utf-8')
