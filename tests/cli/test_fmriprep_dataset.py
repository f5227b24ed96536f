# SPDX-License-Identifier: BSD-3-Clause
"""A whole dataset of fMRIPrep by one short command: every series is accounted for, and the outputs are valid BIDS."""

import json
import os
import subprocess

import pandas as pd
import pytest
from fmriprep_dataset import BROKEN, ECHOES, RUNS, SPACES, folder_of, make_fmriprep, make_templateflow
from program import PROGRAM
from validator_cases import validate

from nipype_labels.core.validation import expand_preset

ATLAS = 'Schaefer2018:100Parcels7Networks:res-2'
LABEL = 'Schaefer2018Desc100Parcels7Networks'
PRESET = '36P'

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(300)]


def name(run):
    """Name of a run with its template space."""
    return f'{run}_{SPACES[run.split("_")[1][-1]][0]}'


def table(out, run, end):
    """A file of a run for the atlas."""
    before, _, res = name(run).partition('_res-')
    return folder_of(out, run) / f'{before}_atlas-{LABEL}{"_res-" if res else ""}{res}_{end}'


def run_command(folder, *words):
    """Run the command in a process of its own, without network."""
    own = {'TEMPLATEFLOW_HOME': str(folder / 'templateflow'), 'HTTPS_PROXY': 'http://127.0.0.1:9'}
    command = [*PROGRAM, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=250, cwd=folder, env=os.environ | own)


def process(folder, *more):
    """Run the command that a user types, with further words."""
    places = folder / 'fmriprep', folder / 'out', 'participant'
    return run_command(folder, 'derivatives', *places, '--atlas', ATLAS, '--preset', PRESET, *more)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('whole')
    make_fmriprep(folder / 'fmriprep')
    make_templateflow(folder / 'templateflow')
    return folder


@pytest.fixture(scope='module')
def plan(folder):
    """Output of a dry run before anything is processed."""
    return process(folder, '--dry-run')


@pytest.fixture(scope='module')
def done(folder, plan):
    """Messages of the command that processes all runs."""
    return process(folder)


def test_the_plan_lists_all_runs_without_a_problem(plan):
    assert plan.returncode == 0, plan.stderr
    assert '12 runs of 3 participants × 1 atlas: 0 complete, 12 missing\n' in plan.stdout
    assert plan.stdout.count('\n  needs: ') == 12
    assert 'problem:' not in plan.stdout


def test_every_series_is_accounted_for(folder, plan, done):
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == 'space: MNI152NLin2009cAsym, MNI152NLin2009cAsym:res-2'
    assert lines[1].startswith(f'--atlas {ATLAS}: {folder}/templateflow/')
    (reason,) = (line for line in lines if line.startswith(f'  {name(BROKEN)}: '))
    assert 'is truncated: it ends in one of volumes' in reason
    account = (
        '51 series found: 11 done, 1 not done, 24 not volumes (.dtseries.nii, .func.gii), 12 not selected by --space, '
        '3 single echoes or not selected by --echo'
    )
    assert lines[-1] == f'11 of 12 runs are done, in {folder}/out; {account}'
    files = [path for path in folder.glob('fmriprep/**/*_bold.*') if path.suffix != '.json']
    # A pair of hemispheres is one series.
    assert len([path for path in files if '_hemi-R_' not in path.name]) == 51


def test_outputs_have_the_regions_of_the_atlas_and_the_parameters_of_the_preset(folder, done):
    out = folder / 'out'
    lookup = next((folder / 'templateflow').glob(f'tpl-MNI152NLin2009cAsym/*{ATLAS.split(":")[1]}_dseg.tsv'))
    names = list(pd.read_csv(lookup, sep='\t')['name'])
    for run in RUNS:
        if run == BROKEN:
            assert not table(out, run, 'stat-mean_timeseries.tsv').exists()
            continue
        values = pd.read_csv(table(out, run, 'stat-mean_timeseries.tsv'), sep='\t')
        assert list(values) == names
        assert values.notna().all().all()
        sidecar = json.loads(table(out, run, 'stat-mean_timeseries.json').read_text())
        expected = expand_preset(PRESET)
        assert {key: sidecar['Parameters'][key] for key in expected} == expected
        assert sidecar['Confounds']['Number'] == 36
        assert len(values) == sidecar['NumberOfVolumesRetained'] > 100
    assert not [path for path in out.rglob('*') if 'echo-' in path.name or 'space-T1w' in path.name]
    assert table(out, ECHOES, 'stat-mean_timeseries.tsv').is_file()


def test_a_second_call_status_group_and_verify_agree(folder, done):
    again = process(folder)
    assert again.returncode == 1
    assert '12 runs (11 already complete), 1 atlas, 1 process, ' in again.stderr
    assert again.stderr.splitlines()[-1] == done.stderr.splitlines()[-1]
    status = run_command(folder, 'status', 'fmriprep', 'out')
    assert status.returncode == 1
    assert '12 runs: 11 complete, 0 missing, 1 failed\n' in status.stderr
    group = run_command(folder, 'derivatives', 'fmriprep', 'out', 'group')
    assert name(BROKEN) in group.stderr
    assert list((folder / 'out' / 'group').iterdir())
    verified = run_command(folder, 'verify', 'out')
    assert verified.returncode == 0, verified.stdout


def test_the_outputs_are_valid_bids(folder, done):
    out = folder / 'out'
    assert validate(out) == set()
    # Who the authors are is known to the user alone.
    assert {code for code, _ in validate(out, 'warning')} <= {'TOO_FEW_AUTHORS', 'ATLAS_DESCRIPTION_RECOMMENDED'}
