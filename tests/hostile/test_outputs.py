# SPDX-License-Identifier: BSD-3-Clause
"""Outputs are whole or what they were before: folders that can't be written, full disks, two runs at once."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_cases import Case, ask, both, cases, complaint, contents, folder, half_written, nothing, plugin

from nipype_labels.files import digests
from nipype_labels.files.digests import memory_folder


def make_file(name):
    """Put a file in the place of a folder, or where none was."""

    def damage(given):
        shutil.rmtree(given / name, ignore_errors=True)
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).write_text('mine')

    return damage


def link(name, target):
    return lambda given: (given / name).symlink_to(target)


@cases(
    ('a file', ask(out='lut.tsv'), 'can not write to lut.tsv: it is not a folder'),
    ('the series', ask(out='bold.nii.gz'), 'can not write to bold.nii.gz: it is not a folder'),
    ('below a file', ask(out='lut.tsv/out'), 'can not write to lut.tsv/out/work: Not a directory'),
    ('far below a file', ask(out='lut.tsv/a/b/c'), 'can not write to lut.tsv/a/b/c/work: Not a directory'),
    ('a link to nowhere', both(link('away', 'no/where'), ask(out='away')), 'can not write to away'),
    ('a link to itself', both(link('round', 'round'), ask(out='round')), 'can not write to round'),
    ('a device', ask(out='/dev/full'), 'can not write to /dev/full: it is not a folder'),
    ('below a device', ask(out='/dev/full/out'), 'can not write to /dev/full/out/work'),
    ('a system folder', ask(out='/proc/out'), 'can not write to /proc/out/work'),
    ('a name longer than names can be', ask(out='x' * 300), 'File name too long: xxx'),
    ('no name', ask(out=''), '--out is empty'),
    ('a work folder that is a file', make_file('out/work'), 'can not write to out/work: File exists'),
    ('a work folder below a file', nothing, 'can not write to lut.tsv/x', '--work-dir lut.tsv/x'),
    ("an atlas's folder that is a file", make_file('out/atlas'), 'can not write to out/atlas: it is not a folder'),
    (
        'signals that are a folder',
        folder('out/atlas/timeseries.tsv'),
        'can not write out/atlas/timeseries.tsv: there is a',
    ),
    ('a mean that is a folder', folder('out/mean.nii.gz'), 'can not write out/mean.nii.gz: there is a folder'),
    ('a stale file that is a folder', folder('out/atlas/projected.nii.gz'), 'can not write out/atlas/projected'),
)
def test_an_output_folder_that_cannot_be_written_is_refused_before_anything_runs(case, refuse, given):
    refuse(case)
    assert not list(given.folder.glob('out/work/*/*'))


@pytest.mark.parametrize('folder', ['out', 'out/atlas', 'above'])
def test_a_folder_that_may_not_be_written_is_refused_by_name(folder, given, refuse, without_privileges):
    (given / 'above').mkdir()
    (given / folder).chmod(0o555)
    named = {'out': 'out', 'out/atlas': 'out/atlas', 'above': 'above/out/work'}[folder]
    # With the options of the earlier run, nothing would have to be written.
    case = Case('read-only', ask(out='above/out') if folder == 'above' else nothing, named, '--strategy median')
    try:
        refuse(case)
    finally:
        (given / folder).chmod(0o755)


#: Words of the message for each input that may not be read.
UNREADABLE = {
    'bold.nii.gz': 'Could not read file',
    'atlas.nii.gz': 'Could not read file',
    'mask.nii.gz': 'Could not read file',
    'lut.tsv': 'ermission denied',
    'confounds.tsv': 'ermission denied',
    'keep.tsv': 'ermission denied',
    'sidecar.json': 'ermission denied',
}


@pytest.mark.parametrize('name', UNREADABLE)
def test_a_file_that_may_not_be_read_is_refused_by_name(name, given, call, without_privileges):
    before = contents(given.folder)
    (given / name).chmod(0o000)
    try:
        status, said = call(*given.arguments())
    finally:
        (given / name).chmod(0o644)
    line = complaint(said)
    assert status == 2
    for word in (name, *UNREADABLE[name].split(' | ')):
        assert word in line
    assert contents(given.folder) == before


#: Run the command with a limit to the size of files.
PROGRAM = """
import resource, sys
from nipype_labels.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    'size', [pytest.param(0, marks=pytest.mark.endurance), 600, pytest.param(1500, marks=pytest.mark.endurance)]
)
def test_a_disk_that_is_full_ends_a_run_by_one_line_and_changes_no_output(size, given):
    before = contents(given.folder)
    program = [sys.executable, '-c', PROGRAM, str(size), *given.arguments('--detrend')]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, cwd=given.folder)
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    line = complaint(done.stderr)
    assert line.startswith('nipype-labels: failed: ')
    assert 'File too large' in line
    assert contents(given.folder) == before
    assert half_written(given.folder) == []


@pytest.mark.parametrize('copies', [0, 1])
def test_a_disk_that_is_full_when_outputs_are_copied_changes_none(copies, given, refuse, monkeypatch):
    done, copyfile = [], shutil.copyfile

    def copy(source, target):
        if len(done) == copies:
            Path(target).write_bytes(Path(source).read_bytes()[:9])
            raise OSError(errno.ENOSPC, 'No space left on device', str(target))
        done.append(copyfile(source, target))

    monkeypatch.setattr(shutil, 'copyfile', copy)
    refuse(Case('full', nothing, 'No space left on device | out', '--detrend'), status=1, kind='failed')
    assert len(done) == copies


def start(given, *options):
    program = [sys.executable, '-m', 'nipype_labels.cli.main', *given.arguments(), *options]
    return subprocess.Popen(program, stderr=subprocess.PIPE, text=True, cwd=given.folder, env=os.environ)


@pytest.mark.endurance
def test_of_two_runs_in_one_work_folder_one_may_be_refused_and_none_is_wrong(given, earlier):
    shutil.rmtree(given / 'out')
    runs = [start(given) for _ in range(2)]
    said = [run.communicate(timeout=120)[1] for run in runs]
    status = sorted(run.returncode for run in runs)
    assert status in ([0, 0], [0, 1]), said
    for run, text in zip(runs, said, strict=True):
        assert 'Traceback' not in text
        assert run.returncode == 0 or 'is locked by process' in complaint(text)
    assert contents(given / 'out') == contents(earlier / 'out')


def test_two_runs_into_one_folder_leave_the_outputs_of_one(given):
    runs = [
        start(given, '--work-dir', 'one', '--detrend'),
        start(given, '--work-dir', 'two', '--standardize', 'zscore'),
    ]
    said = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    done = json.loads((given / 'out' / 'cleaning.json').read_text())['Parameters']
    folder = 'one' if done['detrend'] else 'two'
    assert (done['detrend'], done['standardize']) in ((True, 'none'), (False, 'zscore'))
    (cleaned,) = (given / folder).rglob('clean/atlas_timeseries.tsv')
    assert (given / 'out' / 'atlas' / 'timeseries.tsv').read_bytes() == cleaned.read_bytes()
    assert half_written(given / 'out') == []


@cases(
    ('an option that does not exist', nothing, 'unrecognized arguments: --frobnicate 3', '--frobnicate 3'),
    ('an option cut short', nothing, 'unrecognized arguments: --standard zscore', '--standard zscore'),
    ('a file too many', nothing, 'unrecognized arguments: more.nii', 'more.nii'),
    ('an option without its value', nothing, 'argument --mask: expected one argument', '--mask'),
    ('a strategy that does not exist', nothing, "argument --strategy: invalid choice: 'mode'", '--strategy mode'),
    ('a filter that does not exist', nothing, "argument --filter: invalid choice: 'bessel'", '--filter bessel'),
    ('a scale that does not exist', nothing, "argument --standardize: invalid choice: 'z'", '--standardize z'),
    ('a word for a time', nothing, "argument --tr/--t-r: invalid float value: 'two'", '--tr two'),
    (
        'a fraction for an id',
        nothing,
        "argument --background-label: invalid int value: '1.5'",
        '--background-label 1.5',
    ),
    ('a second table', nothing, '--lut must follow the --atlas that it belongs to', '--lut lut.tsv'),
)
def test_arguments_that_do_not_exist_are_errors_of_usage(case, given, call):
    case.damage(given)
    before = contents(given.folder)
    status, said = call(*given.arguments(case.options))
    assert status == 2
    assert 'Traceback' not in said
    assert case.words in said.splitlines()[-1]
    assert contents(given.folder) == before


@cases(
    ('fewer than no processors', nothing, '--nprocs must be 1 to 1024, not -1', '--nprocs -1'),
    ('a plugin that does not exist', nothing, 'Nipype has no plugin MultiPrc', '--plugin MultiPrc'),
    ('a plugin that is a path', nothing, 'Nipype has no plugin ../x', '--plugin ../x'),
    ("a plugin's arguments that are not there", nothing, 'plugin.json', '--plugin-args-file plugin.json'),
    ("a plugin's arguments that are junk", plugin(bytes(range(256))), 'plugin.json'),
    ("a plugin's arguments without end", plugin('[' * 200_000), 'plugin.json'),
    ('a fill for nothing', nothing, '--fill-value given, but it only acts with project', '--fill-value 1'),
    ('a spline for nothing', nothing, 'interpolation given, but it only acts with', '--interpolation linear'),
    ('Fisher z of nothing', nothing, '--fisher-z given, but it only acts with connectivity', '--fisher-z'),
    ('Fisher z of covariances', nothing, '--fisher-z is for correlation', '--fisher-z --connectivity covariance'),
    ('an estimator for nothing', nothing, '--covariance-estimator given', '--covariance-estimator empirical'),
    (
        'confounds unscaled where there are none',
        ask(confounds=None),
        '--no-standardize-confounds given, but it only acts with confounds',
        '--no-standardize-confounds',
    ),
    ("a stranger's table", ask(lut='~nobody_such/lut.tsv'), 'no such look-up table | ~nobody_such/lut.tsv'),
    ('a table of two lines', ask(confounds='a\nb.tsv'), 'no such file | a\\nb.tsv'),
    ('a table of too long a name', ask(confounds='x' * 300), 'no such file | xxx'),
)
def test_contradictory_parameters_are_refused(case, refuse):
    refuse(case)


def test_a_damaged_memory_of_digests_changes_nothing(unchanged, tmp_path, monkeypatch):
    monkeypatch.setattr(digests, 'LEAST_BYTES', 0)
    monkeypatch.setattr(digests, 'SETTLED_SECONDS', -1)
    monkeypatch.setattr(digests, 'memory_folder', lambda: tmp_path / 'memory')
    monkeypatch.setattr(digests, '_known', {})
    (tmp_path / 'memory').mkdir()
    for shard in range(256):
        (tmp_path / 'memory' / f'{shard:02x}').write_bytes((b' ' * 65 + b'\n') * 3 + b'\xff' * 65 + b'\n' + bytes(65))
    unchanged(Case('junk', nothing))


@pytest.mark.parametrize('cache', ['', '/dev/null/cache'])
def test_a_user_without_a_home_needs_none(cache, unchanged, monkeypatch):
    monkeypatch.setattr(digests, 'memory_folder', memory_folder)
    monkeypatch.setattr(digests, 'LEAST_BYTES', 0)
    monkeypatch.setattr(digests, 'SETTLED_SECONDS', -1)
    monkeypatch.setenv('XDG_CACHE_HOME', cache)
    monkeypatch.setattr('posixpath.expanduser', lambda path: path)
    unchanged(Case('homeless', nothing))
