# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels extract``: the bytes of the workflow factory, a line for each user error, and reuse of results."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import nibabel
import numpy as np
import psutil
import pytest
from coverage_frames import read_regions

from nipype_labels.files.locks import locked
from nipype_labels.files.tables import read_signals
from nipype_labels.workflows import init_labels_wf

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]

#: Outputs of every run next to the folders of the atlases (with a lock), and in each of them.
BESIDE = {'mean.nii.gz', 'censoring.tsv', 'cleaning.json'}
IN_EACH = {'timeseries.tsv', 'timeseries_raw.tsv', 'regions.tsv', 'labels.nii.gz'}


def files(folder):
    return {path.name for path in Path(folder).iterdir() if path.is_file()}


def assert_user_error(done, *words):
    """Assert status 2 and one line of error after the lines of progress and a warning about names."""
    lines = [line for line in done.stderr.splitlines() if not re.match(r'\[\d+/\d+\] |WARNING: \S+: no look-up', line)]
    assert done.returncode == 2, done.stderr
    assert 'Traceback' not in done.stdout + done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith('nipype-labels: error: ')
    for word in words:
        assert str(word) in lines[0]


def test_extract_writes_the_requested_outputs(small, command):
    done = command('extract', small.bold, '--atlas', small.atlas, '--lut', small.lut, '--detrend', '-o', small.out)
    assert done.returncode == 0, done.stderr
    assert files(small.out) == BESIDE
    assert {path.name for path in small.out.iterdir() if path.is_dir()} == {'work', 'atlas'}
    assert files(small.out / 'atlas') == IN_EACH
    names, signals = read_signals(small.out / 'atlas' / 'timeseries.tsv')
    assert names == ['Four', 'One', 'Two', 'Nine']
    assert signals.shape == (30, 4)
    assert np.isfinite(signals[:, :3]).all()
    assert np.isnan(signals[:, 3]).all()


def test_extract_reports_its_progress_and_finally_its_outputs(small, process):
    done = process('extract', small.bold, '--atlas', small.atlas, '--lut', small.lut, '-o', small.out)
    lines = done.stderr.splitlines()
    progress = [re.fullmatch(r'\[(\d+)/(\d+)\] (\w+) (running|done) \(\d+\.\d s\)', line) for line in lines]
    steps = [found for found in progress if found]
    assert {found[2] for found in steps} == {'4'}
    assert [found[3] for found in steps if found[4] == 'done'] == ['resample_labels', 'apply_mask', 'reduce', 'clean']
    assert [found[1] for found in steps if found[4] == 'done'] == ['1', '2', '3', '4']
    assert lines[-1] == (
        f'wrote 7 files to {small.out}; regions without a signal: 1 of 4 of atlas (outside_field_of_view: Nine)'
    )
    assert 'Traceback' not in done.stderr


def test_no_missing_regions_are_reported_if_none_is_missing(small, command):
    """All other words of the last line are the same."""
    done = command('extract', small.bold, '--atlas', small.other, '-o', small.out)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == f'wrote 7 files to {small.out}; regions without a signal: none'


def test_signals_are_the_factorys_bytes(small, command, tmp_path, monkeypatch):
    done = command(
        *('extract', small.bold, '--atlas', small.atlas, '--lut', small.lut, '--mask', small.mask),
        *('--confounds', small.confounds, '--confounds-columns', 'rot_.', '--strategy', 'median'),
        *('--detrend', '--high-pass', '0.02', '--filter', 'cosine', '--standardize', 'zscore_sample'),
        *('--project', 'labels', '--connectivity', 'partial correlation', '--fisher-z', '-o', small.out),
    )
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    wf = init_labels_wf(
        use_mask=True,
        use_luts=True,
        use_confounds=True,
        confounds_columns=['rot_.'],
        strategy='median',
        detrend=True,
        filter='cosine',
        high_pass=0.02,
        standardize='zscore_sample',
        project='labels',
        connectivity='partial correlation',
        fisher_z=True,
    )
    wf.base_dir = str(tmp_path / 'factory')
    inputs = wf.inputs.inputnode
    inputs.bold_file, inputs.bold_mask, inputs.confounds_file = str(small.bold), str(small.mask), str(small.confounds)
    inputs.atlas_files, inputs.atlas_luts = [str(small.atlas)], [str(small.lut)]
    nodes = {node.name: node.result.outputs for node in wf.run().nodes()}
    written = small.out / 'atlas'
    for ours, theirs in {
        written / 'timeseries.tsv': nodes['clean'].out_files[0],
        written / 'timeseries_raw.tsv': nodes['reduce'].out_files[0],
        written / 'regions.tsv': nodes['reduce'].regions_files[0],
        written / 'labels.nii.gz': nodes['apply_mask'].out_files[0],
        written / 'projected.nii.gz': nodes['project'].out_files[0],
        written / 'connectivity.tsv': nodes['connectivity'].out_files[0],
        small.out / 'mean.nii.gz': nodes['reduce'].mean_file,
        small.out / 'censoring.tsv': nodes['clean'].censoring_file,
        small.out / 'cleaning.json': nodes['clean'].cleaning_file,
    }.items():
        assert ours.read_bytes() == Path(theirs).read_bytes(), ours.name


def test_the_same_call_reruns_nothing(small, command):
    asked = ('extract', small.bold, '--atlas', small.atlas, '-o', small.out)

    def made():
        kept = {
            'reduce': 'atlas_timeseries_raw.tsv',
            'clean': 'atlas_timeseries.tsv',
            'apply_mask': 'atlas_labels.nii.gz',
        }
        found = {name: next((small.out / 'work').rglob(f'{name}/{file}')) for name, file in kept.items()}
        return {name: path.stat().st_mtime_ns for name, path in found.items()}

    assert command(*asked).returncode == 0
    first, signals = made(), (small.out / 'atlas' / 'timeseries.tsv').read_bytes()
    assert command(*asked).returncode == 0
    assert made() == first
    assert (small.out / 'atlas' / 'timeseries.tsv').read_bytes() == signals
    assert command(*asked, '--detrend').returncode == 0
    third = made()
    assert {name for name in third if third[name] != first[name]} == {'clean'}


def test_a_table_belongs_to_the_atlas_before_it(small, command):
    done = command(
        'extract', small.bold, '--atlas', small.other, '--atlas', small.atlas, '--lut', small.lut, '-o', small.out
    )
    assert done.returncode == 0, done.stderr
    assert read_regions(small.out / 'atlas' / 'regions.tsv')['name'].tolist() == ['1', '2']
    assert read_regions(small.out / 'atlas-2' / 'regions.tsv')['name'].tolist() == ['Four', 'One', 'Two', 'Nine']


def test_a_table_without_an_atlas_is_an_error_of_usage(small, command):
    done = command('extract', small.bold, '--lut', small.lut, '--atlas', small.atlas, '-o', small.out)
    assert done.returncode == 2
    assert '--lut must follow the --atlas' in done.stderr
    assert not small.out.exists()


def test_the_sidecar_next_to_the_series_is_read(small, command):
    small.bold.with_name('bold.json').write_text(json.dumps({'RepetitionTime': 2.001}))
    asked = ('extract', small.bold, '--atlas', small.atlas, '-o', small.out)
    assert command(*asked).returncode == 0
    assert json.loads((small.out / 'cleaning.json').read_text())['Parameters']['t_r'] == 2.001


@pytest.mark.parametrize('plugin', ['Linear', 'MultiProc'])
def test_an_error_of_a_node_is_one_line_in_a_process_too(plugin, small, process):
    """Without the messages of Nipype at its end."""
    asked = ('extract', small.bold, '--atlas', small.atlas, '--missing-labels', 'raise', '-o', small.out)
    assert_user_error(process(*asked, '--plugin', plugin, '--nprocs', '2'), '9', 'outside_field_of_view')


def test_a_table_next_to_the_atlas_is_used_and_a_missing_one_reported(small, call):
    asked = ('extract', str(small.bold), '--atlas', str(small.atlas), '-o', str(small.out))
    for _ in range(2):
        status, _, said = call(*asked)
        assert status == 0
        assert said.count('no look-up table') == 1
        assert f'WARNING: {small.atlas}: no look-up table in its header or next to it' in said
        assert 'name its table with --lut' in said
    for names in ('One Two Four Nine', 'Uno Due Quattro Nove'):
        rows = zip((1, 2, 4, 9), names.split(), strict=True)
        small.atlas.with_name('atlas.txt').write_text(''.join(f'{i} {name}\n' for i, name in rows))
        status, _, said = call(*asked)
        assert 'no look-up table' not in said
        assert read_signals(small.out / 'atlas' / 'timeseries.tsv')[0] == names.split()


def test_ids_without_a_row_are_reported_once_also_if_all_is_cached(small, call):
    small.atlas.with_name('atlas.txt').write_text('1 One\n4 Four\n')
    for _ in range(2):
        _, _, said = call('extract', str(small.bold), '--atlas', str(small.atlas), '-o', str(small.out))
        assert said.count('no name for the region ids 2, 9 of the image: they get no column') == 1


def test_contradictory_repetition_times_are_refused_before_anything_runs(small, command):
    (small.bold.parent / 'bold.json').write_text('{"RepetitionTime": 3}')
    done = command('extract', small.bold, '--atlas', small.atlas, '--low-pass', '0.1', '-o', small.out)
    assert_user_error(done, 'the sidecar says 3 s', 'the header says 2 s', 'Pass the right one as --tr')
    assert 'running' not in done.stderr
    assert not small.out.exists()


def test_an_explicit_repetition_time_wins_and_the_command_says_so(small, command):
    asked = ('extract', small.bold, '--atlas', small.atlas, '-o', small.out, '--tr', '3', '--low-pass', '0.1')
    for _ in range(2):
        done = command(*asked)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count('--tr is 3 s, but the header says 2 s; --tr is used') == 1
        assert 't_r is' not in done.stderr
    assert json.loads((small.out / 'cleaning.json').read_text())['Parameters']['t_r'] == 3


def test_the_same_call_succeeds_after_an_error_is_fixed(small, command):
    asked = ('extract', small.bold, '--atlas', small.atlas, '--confounds', small.confounds, '-o', small.out)
    table = small.confounds.read_text()
    small.confounds.write_text(table + '0.0\t0.0\n')
    assert_user_error(command(*asked), 'confounds.tsv', '31 rows', '30 volumes')
    small.confounds.write_text(table)
    done = command(*asked)
    assert done.returncode == 0, done.stderr
    assert files(small.out / 'atlas') == IN_EACH


def test_a_second_run_on_one_work_folder_is_refused(small, process, command):
    asked = ('extract', small.bold, '--atlas', small.atlas, '-o', small.out)
    (small.out / 'work').mkdir(parents=True)
    with locked(small.out / 'work' / '.lock'):
        done = process(*asked)
    assert done.returncode != 0
    assert f'{small.out}/work is locked by process {os.getpid()} (started' in done.stderr
    assert 'unexpected' not in done.stderr
    assert command(*asked).returncode == 0


def test_a_killed_worker_ends_the_run_and_says_what_to_do(small, tmp_path):
    """As when memory runs out, which Nipype's own MultiProc never notices."""
    program = [Path(sys.executable).with_name('nipype-labels'), 'extract', small.bold, '--atlas', small.atlas]
    program += ['-o', small.out, '--plugin', 'MultiProc', '--nprocs', '2']
    with (tmp_path / 'stderr').open('w') as stderr:
        process = subprocess.Popen(program, stderr=stderr, start_new_session=True)
        try:
            while process.poll() is None:
                # Forks have their master's command; others are programs that Nipype asks about the machine.
                for child in psutil.Process(process.pid).children():
                    with suppress(psutil.NoSuchProcess):
                        if child.cmdline()[1:3] == [str(program[0]), 'extract']:
                            child.kill()
                time.sleep(0.005)
            assert process.returncode != 0
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert 'a worker process was killed, most likely because memory ran out' in (tmp_path / 'stderr').read_text()


def test_outputs_of_an_earlier_call_are_removed(small, command):
    asked = ('extract', small.bold, '--atlas', small.atlas, '-o', small.out)
    assert command(*asked, '--project', 'labels').returncode == 0
    assert 'projected.nii.gz' in files(small.out / 'atlas')
    done = command(*asked, '--detrend')
    assert done.returncode == 0, done.stderr
    assert 'projected.nii.gz' not in files(small.out / 'atlas')


def test_an_extraction_loads_no_module_that_it_can_do_without(small):
    """They take longer to import than a short series to reduce; confounds, filters and other grids need them."""
    script = (
        # Sums over regions need sparse matrices; some releases of SciPy load scipy.linalg with them.
        'import sys, scipy.sparse\nneeded = set(sys.modules)\n'
        'from nipype_labels.cli.main import main\nstatus = main(sys.argv[1:])\n'
        'print([name for name in ("pandas", "matplotlib", "jinja2", "scipy.linalg", "scipy.signal", "scipy.ndimage", '
        '"scipy.interpolate", "scipy.stats") if name in sys.modules and name not in needed])\nsys.exit(status)\n'
    )
    atlas = small.out.with_name('same_grid.nii.gz')
    nibabel.save(nibabel.Nifti1Image(np.arange(216, dtype='int16').reshape(6, 6, 6) % 4, np.diag([4, 4, 4, 1])), atlas)
    command = [sys.executable, '-c', script, 'extract', small.bold, '--atlas', atlas, '-o', small.out]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == '[]'
