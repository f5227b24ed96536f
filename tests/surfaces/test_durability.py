# SPDX-License-Identifier: BSD-3-Clause
"""Series of surfaces: equal bytes of derivatives and extract, and after a kill of derivatives."""

import signal
import subprocess
import time
from types import SimpleNamespace

import numpy as np
import pytest
from folders import tree
from named_cases import describe
from program import PROGRAM
from surface_cases import noise, save_dlabel, save_func_gii, save_label_gii, save_tseries

RUN = 'sub-01_task-rest'
TABLE = {0: '???', 1: 'a', 2: 'b'}


@pytest.fixture(params=['cifti', 'pair'])
def case(request, tmp_path):
    """A dataset with one series, and an atlas: both CIFTI, or both files of two hemispheres."""
    func = tmp_path / 'fmriprep' / 'sub-01' / 'func'
    func.mkdir(parents=True)
    describe(tmp_path / 'fmriprep')
    if request.param == 'cifti':
        bold = func / f'{RUN}_space-fsLR_den-91k_bold.dtseries.nii'
        save_tseries(bold, noise(30))
        atlas = save_dlabel(tmp_path / 'a.dlabel.nii', {'m': (np.arange(15) % 3, TABLE)})
        more = ['--cifti-outputs']
        return SimpleNamespace(bold=bold, atlas=atlas, space='fsLR:den-91k', folder=tmp_path, more=more)
    for number, side in enumerate('LR'):
        values = noise(30, 12, number)
        bold = save_func_gii(func / f'{RUN}_hemi-{side}_space-fsaverage5_bold.func.gii', values, side=side)
        atlas = save_label_gii(tmp_path / f'a.{side}.label.gii', np.arange(12) % 3, TABLE, side=side)
    return SimpleNamespace(bold=bold, atlas=atlas, space='fsaverage5', folder=tmp_path, more=['--project', 'labels'])


def list_arguments(case, out):
    """Return the arguments of ``derivatives``."""
    asked = ['derivatives', case.folder / 'fmriprep', case.folder / out, 'participant', '--atlas', f'A={case.atlas}']
    return [*map(str, asked), '--space', case.space, '--detrend', *case.more, '--connectivity', 'correlation']


def test_derivatives_have_the_bytes_of_extract(case, in_process):
    """Those of extract are the bytes of masker and graph: test_masker.py."""
    status, _, said = in_process(*list_arguments(case, 'out'))
    assert status == 0, said
    (derived,) = (case.folder / 'out').rglob('*_atlas-A_*stat-mean_timeseries.tsv')
    extract = ['extract', str(case.bold), '--atlas', str(case.atlas), '--detrend', '-o', str(case.folder / 'one')]
    status, _, said = in_process(*extract)
    assert status == 0, said
    (extracted,) = (case.folder / 'one').glob('*/timeseries.tsv')
    assert derived.read_bytes() == extracted.read_bytes()


def test_derivatives_reuse_the_nodes_of_complete_steps(case, in_process):
    """Another kind of connectivity reads no series again; the same command reads nothing."""
    arguments = list_arguments(case, 'out')
    assert in_process(*arguments)[0] == 0
    results = {path.parent.name: path for path in (case.folder / 'out' / 'work').rglob('result_*.pklz')}
    before = {name: path.stat().st_mtime_ns for name, path in results.items()}
    assert in_process(*arguments)[0] == 0
    assert {name: path.stat().st_mtime_ns for name, path in results.items()} == before
    arguments[-1] = 'covariance'
    status, _, said = in_process(*arguments)
    assert status == 0, said
    again = {name for name, path in results.items() if path.stat().st_mtime_ns != before[name]}
    assert 'connectivity' in again
    assert not again & {'resample_labels', 'apply_mask', 'reduce', 'clean'}


#: Files whose appearance kills the command: of the work, of a node, of the outputs, and the result of a node.
SEEN = ('work/runs', 'work/runs/*/*/reduce', 'sub-01/**/*.tsv', 'work/runs/*/*/clean/result_*')

#: One kill of a pair; all others are endurance tests.
KILLS = [
    pytest.param(kind, seen, marks=[] if (kind, number) == ('pair', 2) else pytest.mark.endurance)
    for kind in ('cifti', 'pair')
    for number, seen in enumerate(SEEN)
]


@pytest.mark.slow
@pytest.mark.parametrize(('case', 'seen'), KILLS, indirect=['case'])
def test_derivatives_after_a_kill_are_those_of_an_undisturbed_command(case, seen, in_process, monkeypatch):
    # Reports show the command, so that both are called in a folder of their own, with the same name of OUT.
    dataset, _, *others = list_arguments(case, '')[1:]
    arguments = ['derivatives', dataset, 'out', *others]
    whole, folder = case.folder / 'whole', case.folder / 'killed'
    for each in (whole, folder):
        each.mkdir()
    killed = subprocess.Popen([*PROGRAM, *arguments], stderr=subprocess.DEVNULL, cwd=folder)
    end = time.monotonic() + 60
    while killed.poll() is None and not any((folder / 'out').glob(seen)):
        assert time.monotonic() < end, f'{seen} was not written'
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert killed.returncode == -signal.SIGKILL
    for each in (whole, folder):
        monkeypatch.chdir(each)
        status, _, said = in_process(*arguments)
        assert status == 0, said
    assert tree(folder / 'out/sub-01') == tree(whole / 'out/sub-01')
