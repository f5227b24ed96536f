# SPDX-License-Identifier: BSD-3-Clause
"""Processes of derivatives: progress, jobs that share a dataset, and kills, after which complete runs are kept."""

import gzip
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from folders import tree
from named_cases import BRAIN, MNI, PREPROC, TABLE, ask, make_runs
from program import PROGRAM

pytestmark = [pytest.mark.timeout(200), pytest.mark.slow]

PARTICIPANTS = [f'{i:02}' for i in range(1, 11)]

#: Folders of the output whose files hold times.
TIMED = ('work', 'logs', 'manifests')


@pytest.fixture
def folder(tmp_path):
    """A dataset of ten runs."""
    return make_runs(tmp_path, PARTICIPANTS)


def start(folder, *more, out='out'):
    arguments = [argument.replace(f'{folder}/out', f'{folder}/{out}') for argument in ask(folder, *more)]
    command = [*PROGRAM, *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder)


def finish(job):
    """Exit status of a job and its messages; standard error ends when the last process closes it."""
    said = job.communicate(timeout=100)[1]
    return job.returncode, said


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def count_complete(folder):
    return len(list(folder.glob('out/manifests/[!.]*.json')))


def test_progress_has_a_line_per_run(folder, call):
    status, _, said = call(*ask(folder, '--nprocs', '2', '--participant-label', *PARTICIPANTS[:3]))
    space, *lines = said.splitlines()
    assert status == 0
    assert space == 'space: MNI152NLin2009cAsym:res-2'
    assert re.fullmatch(r'3 runs, 1 atlas, 2 processes, about \d+ s', lines[0])
    assert all(re.fullmatch(rf'\[{i}/3\] sub-\S+ done \(\d+ s.*\)', line) for i, line in enumerate(lines[1:4], 1))
    assert ' left)' in lines[1]
    status, _, said = call(*ask(folder, '--participant-label', *PARTICIPANTS[:4]))
    assert '\n4 runs (3 already complete), 1 atlas, 1 process, about ' in said


def damage(folder):
    """Damage a file of each of seven runs; return the reason of each failure, by participant."""

    def find(participant, end):
        return folder / 'fmriprep' / f'sub-{participant}' / 'func' / f'sub-{participant}_task-rest_{MNI}_{end}'

    find('02', BRAIN).unlink()
    find('03', BRAIN).with_suffix('').write_bytes(gzip.decompress(find('03', BRAIN).read_bytes()))
    find('04', BRAIN).write_bytes(b'not an image')
    for participant, size in (('05', 50), ('06', 0)):
        for end in (BRAIN, PREPROC):
            find(participant, end).write_bytes(find(participant, end).read_bytes()[:size])
    find('07', PREPROC).write_bytes(gzip.compress(bytes(400)))
    find('08', BRAIN).unlink()
    find('08', BRAIN).symlink_to('not_downloaded')
    said = ('has no brain mask', 'more than one brain mask', BRAIN, PREPROC, PREPROC, PREPROC, 'was not downloaded')
    return dict(zip(PARTICIPANTS[1:8], said, strict=True))


@pytest.mark.parametrize('more', [('--nprocs', '1'), ('--nprocs', '2'), ('--plugin', 'Linear')], ids=str)
def test_runs_with_missing_or_damaged_files_do_not_stop_the_others(more, folder, call):
    reasons = damage(folder)
    status, _, said = call(*ask(folder, *more))
    assert (status, count_complete(folder)) == (1, 3), said
    for participant, reason in reasons.items():
        assert re.search(f'^  sub-{participant}_task-rest_{MNI}: .*{re.escape(reason)}', said, re.MULTILINE), said


def test_a_confounds_table_that_was_not_downloaded_stops_no_run_without_confounds(folder, call):
    table = folder / 'fmriprep' / 'sub-01' / 'func' / f'sub-01_task-rest_{TABLE}'
    table.symlink_to('not_downloaded')
    asked = [word for word in ask(folder, '--participant-label', '01') if word != '--no-reports']
    status, _, said = call(*asked)
    assert status == 0, said
    assert list((folder / 'out' / 'sub-01').rglob('*_report.html'))


@pytest.mark.endurance
@pytest.mark.parametrize('more', [(), ('--nprocs', '2'), ('--nprocs', '3', '--mem-gb', '0.001')])
def test_a_kill_keeps_complete_runs_and_leaves_no_worker(more, folder, call):
    """The same command completes the others; the bytes are those of one undisturbed execution."""
    job = start(folder, *more)
    wait_for(lambda: count_complete(folder) >= 4)
    workers = psutil.Process(job.pid).children(recursive=True)
    job.kill()
    assert finish(job)[0] == -signal.SIGKILL
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    n_complete = count_complete(folder)
    status, _, said = call(*ask(folder, *more))
    assert status == 0
    assert f'\n10 runs ({n_complete} already complete), ' in said
    assert call('verify', str(folder / 'out'))[0] == 0
    assert finish(start(folder, out='other'))[0] == 0
    assert tree(folder / 'out', *TIMED) == tree(folder / 'other', *TIMED)


@pytest.mark.endurance
def test_an_interrupted_job_ends_its_workers(folder):
    job = start(folder, '--nprocs', '2')
    wait_for(lambda: count_complete(folder) >= 2)
    workers = psutil.Process(job.pid).children(recursive=True)
    job.send_signal(signal.SIGINT)
    status, said = finish(job)
    assert status == 130
    assert 'Traceback' not in said
    assert psutil.wait_procs(workers, timeout=5)[1] == []


@pytest.mark.endurance
def test_spawned_workers_write_the_same_bytes_as_forked_ones(folder):
    """As on systems where processes are not forked."""
    main = 'sys.exit(main(sys.argv[1:]))'
    spawn = 'import sys; from nipype_labels.interfaces import process_guard as guard; guard.START_METHOD = "spawn"'
    code = f'{spawn}; from nipype_labels.cli.main import main; {main}'
    done = subprocess.run([sys.executable, '-c', code, *ask(folder, '--nprocs', '2')], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert finish(start(folder, '--nprocs', '2', out='other'))[0] == 0
    assert tree(folder / 'out', *TIMED) == tree(folder / 'other', *TIMED)


def test_the_run_of_a_killed_worker_is_restarted(folder):
    job = start(folder, '--nprocs', '2', '--participant-label', *PARTICIPANTS[:6])
    wait_for(lambda: count_complete(folder) >= 2)
    psutil.Process(job.pid).children()[0].kill()
    status, said = finish(job)
    assert status == 0, said
    assert said.splitlines()[-1].startswith('6 of 6 runs are done')


@pytest.mark.parametrize('n_jobs', [2, pytest.param(6, marks=pytest.mark.endurance)])
def test_jobs_for_each_participant_share_one_dataset(n_jobs, folder, call):
    """Of two jobs for the same participant, one may be refused, and names the other; they never mix."""
    participants = PARTICIPANTS[:n_jobs]
    jobs = [start(folder, '--participant-label', participant) for participant in [*participants, participants[0]]]
    ended = [finish(job) for job in jobs]
    refused = [said for status, said in ended if status]
    assert len(refused) <= 1
    assert {status for status, _ in ended[1:-1]} == {0}
    assert all('is locked by' in said for said in refused)
    assert not any('WARNING' in said for status, said in ended if status == 0)
    assert call('verify', str(folder / 'out'))[0] == 0
    again = call(*ask(folder, '--participant-label', *PARTICIPANTS[:n_jobs]))[2]
    assert f'\n{n_jobs} of {n_jobs} runs are done' in again


def test_a_job_reads_the_folder_of_its_participant_only(folder):
    """Other participants may be unreadable, missing or large."""
    asked = ask(folder, '--participant-label', '01')
    script = (
        'import os, sys\nfrom nipype_labels.cli.main import main\n'
        'seen = []\nsys.addaudithook(lambda event, args: seen.append(str(args[0])) '
        'if event in ("open", "os.scandir", "os.listdir") else None)\n'
        'status = main(sys.argv[1:])\nprint(*seen, sep="\\n")\nsys.exit(status)\n'
    )
    done = subprocess.run([sys.executable, '-c', script, *asked], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    opened = {
        Path(path).parts[len(folder.parts) + 1] for path in done.stdout.splitlines() if f'{folder}/fmriprep/' in path
    }
    assert opened & {f'sub-{participant}' for participant in PARTICIPANTS} == {'sub-01'}
