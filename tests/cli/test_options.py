# SPDX-License-Identifier: BSD-3-Clause
"""Options of derivatives in the spelling of BIDS Apps."""

import json

import pytest
from named_cases import BRAIN, MNI, PREPROC, ask, describe, write, write_atlas

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

RUNS = [f'sub-{participant}_task-rest_run-{run}_{MNI}' for participant in ('01', '02') for run in ('01', '02')]


@pytest.fixture
def folder(tmp_path):
    """A dataset of four runs, of which the first is broken."""
    root = tmp_path / 'fmriprep'
    describe(root)
    for run in RUNS:
        for name in (PREPROC, BRAIN):
            write(root / run[:6] / 'func' / f'{run}_{name}')
    broken = root / 'sub-01' / 'func' / f'{RUNS[0]}_{PREPROC}'
    broken.write_bytes(broken.read_bytes()[:-200])
    write_atlas(tmp_path / 'atlas.nii.gz')
    return tmp_path


def list_complete(folder):
    return sorted(path.stem for path in (folder / 'out' / 'manifests').glob('[!.]*.json'))


def test_runs_and_filters_select_series_and_w_is_the_work_folder(folder, call):
    filters = folder / 'filter.json'
    filters.write_text(json.dumps({'t1w': {'session': '1'}, 'bold': {'suffix': 'bold', 'run': 2}}))
    chosen = ('--bids-filter-file', str(filters), '--participant-label', '02', '-w', str(folder / 'scratch'))
    status, _, said = call(*ask(folder, *chosen))
    assert status == 0
    assert list_complete(folder) == [RUNS[3]]
    assert f'--bids-filter-file {filters}: only BOLD series are read, not t1w' in said
    assert '2 series found: 1 done, 0 not done, 1 not selected by --bids-filter-file' in said
    assert (folder / 'scratch' / 'runs' / RUNS[3]).is_dir()
    assert not (folder / 'out' / 'work').exists()
    assert call(*ask(folder, '--run', '2'))[0] == 0
    assert list_complete(folder) == [RUNS[1], RUNS[3]]
    asked = ('status', str(folder / 'fmriprep'), str(folder / 'out'))
    assert [call(*asked, *more)[0] for more in ([], ['--run', '2'], ['--bids-filter-file', str(filters)])] == [1, 0, 0]
    filters.write_text('{"bold": {"run": 3}}')
    status, _, said = call(*ask(folder, '--bids-filter-file', str(filters)))
    assert (status, 'no series of run-3. Available: 01, 02' in said) == (2, True)


@pytest.mark.parametrize('more', [(), ('--nprocs', '2'), ('--plugin', 'Linear')], ids=str)
def test_no_run_starts_after_one_has_failed(more, folder, call):
    status, _, said = call(*ask(folder, '--stop-on-first-crash', *more))
    assert status == 1
    done = list_complete(folder)
    # With two processes, the other run that has started is completed.
    assert len(done) < 3 if more == ('--nprocs', '2') else done == []
    assert said.count(': not started, because of --stop-on-first-crash\n') == 3 - len(done)
    assert f'{len(done)} of 4 runs are done' in said
    assert call(*ask(folder, *more))[0] == 1
    assert list_complete(folder) == RUNS[1:]


def test_v_shows_the_log_of_nodes_and_vv_debugging_messages(folder, call):
    said = [
        call(*ask(folder, '--run', '2', '--participant-label', label, *more))[2]
        for label, more in (('02', []), ('01', ['-v']), ('02', ['--desc', 'x', '-v', '-v']))
    ]
    assert ['INFO: [Node]' in text for text in said] == [False, True, True]
    assert ['DEBUG: ' in text for text in said] == [False, False, True]
