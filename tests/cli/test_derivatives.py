# SPDX-License-Identifier: BSD-3-Clause
"""The command derivatives on a whole dataset: outputs are complete and right, and a second call computes nothing."""

import json
import re
import shutil
import subprocess
import sys

import nibabel
import numpy as np
import pytest
from dataset_cases import BROKEN, CONFOUNDS, LACKING, N_VOLUMES, PARTICIPANTS, RUNS, SPACE, write_run
from fmriprep_tables import MOTION
from folders import tree
from nilearn.connectome import ConnectivityMeasure
from nilearn.signal import clean
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.covariance import EmpiricalCovariance

from nipype_labels.files.frames import read_table
from nipype_labels.files.tables import read_signals, to_numbers

NAMES = [f'sub-{participant}_task-rest_run-{run}' for participant in PARTICIPANTS for run in RUNS]
CLEANING = ('--confounds-strategy', '6P', '--standardize', 'zscore_sample', '--detrend')
CONNECTING = ('--connectivity', 'correlation', '--covariance-estimator', 'empirical')

pytestmark = [pytest.mark.timeout(200), pytest.mark.slow]


def asked(data, *atlases, level='participant'):
    """Arguments of the command."""
    given = [f'--atlas={name}={data}/atlases/{file}' for name, file in atlases]
    return ['derivatives', str(data / 'fmriprep'), str(data / 'out'), level, *given]


AAL, BOXES = ('AAL', 'AAL.nii'), ('boxes', 'boxes.nii.gz')


def executed(work, before=None):
    """Return when each node last ran, or the nodes that ran since ``before``."""
    times = {path: path.stat().st_mtime_ns for path in work.rglob('result_*.pklz')}
    if before is None:
        return times
    return sorted(
        path.name.removeprefix('result_').removesuffix('.pklz') for path in times if times[path] != before.get(path)
    )


def contents(folder):
    """Bytes of all derivatives; manifests have times of files."""
    return tree(folder, 'work', 'logs', 'manifests')


def table(data, name, end):
    folder = data / 'out' / name.split('_')[0] / 'func'
    return folder / f'{name}_space-MNI152NLin2009cAsym_{end}'


def test_a_dataset_is_processed_except_for_its_broken_run(data, call):
    """Numbers are those of nilearn; a second call computes nothing, and only a new atlas or a fixed run is computed."""
    status, _, said = call(*asked(data, AAL), *CLEANING, *CONNECTING)
    assert status == 1
    assert '5 of 6 runs are done' in said
    assert re.search(rf'{BROKEN}\S*: \S+{BROKEN}\S+ is truncated.* \(log: \S+\)', said)
    log = data / 'out' / 'logs' / f'{BROKEN}_{SPACE}.txt'
    assert 'is truncated' in log.read_text()
    check_numbers(data)

    before, files = executed(data / 'out' / 'work'), contents(data / 'out')
    status, _, said = call(*asked(data, AAL), *CLEANING, *CONNECTING)
    assert status == 1
    assert executed(data / 'out' / 'work', before) == ['reduce']  # of the broken run
    assert contents(data / 'out') == files

    before = executed(data / 'out' / 'work')
    assert call(*asked(data, AAL, BOXES), *CLEANING, *CONNECTING)[0] == 1
    times = executed(data / 'out' / 'work')
    fresh = [path for path in times if path not in before]
    assert all('labels_1_wf' in path.parts or path.parts[-2].startswith('merge_') for path in fresh)
    again = {path.parts[-2] for path in before if times[path] != before[path]}
    assert again == {'reduce', 'report', 'save'}  # reduce of the broken run alone, as before
    later = contents(data / 'out')
    changed = {name for name in files if later[name] != files[name]}
    pages = {'index.html', 'group/qc.tsv', *(f'sub-{participant}.html' for participant in PARTICIPANTS)}
    assert pages <= changed
    assert all(name.endswith('_report.html') for name in changed - pages)
    check_region_that_lacks(data)
    check_group(data, call)

    good = data / 'fmriprep' / 'sub-02' / 'func' / f'{BROKEN}_{SPACE}_desc-preproc_bold.nii.gz'
    shutil.copy(good.with_name(good.name.replace('run-2', 'run-1')), good)
    before = executed(data / 'out' / 'work')
    status, _, said = call(*asked(data, AAL, BOXES), *CLEANING, *CONNECTING)
    assert status == 0
    assert '6 of 6 runs are done' in said
    assert not log.exists()
    times = executed(data / 'out' / 'work')
    again = [path for path in times if times[path] != before.get(path)]
    assert again
    assert all(f'{BROKEN}_{SPACE}' in path.parts for path in again)


def check_numbers(data):
    """Compare each run with means over labelled voxels in the brain, denoised and correlated by nilearn."""
    confounds = read_table(CONFOUNDS)[MOTION].apply(to_numbers).to_numpy()
    for name in NAMES:
        if name == BROKEN:
            assert not table(data, name, 'atlas-AAL_res-2_dseg.nii.gz').exists()
            continue
        labels = nibabel.load(table(data, name, 'atlas-AAL_res-2_dseg.nii.gz')).get_fdata()
        func = data / 'fmriprep' / name.split('_')[0] / 'func'
        bold = nibabel.load(func / f'{name}_{SPACE}_desc-preproc_bold.nii.gz').get_fdata()
        brain = nibabel.load(func / f'{name}_{SPACE}_desc-brain_mask.nii.gz').get_fdata() > 0
        assert not labels[~brain].any()
        regions = read_table(table(data, name, 'atlas-AAL_res-2_stat-coverage_bold.tsv'))
        columns, signals = read_signals(table(data, name, 'atlas-AAL_res-2_stat-mean_timeseries.tsv'))
        assert columns == list(regions['name'])
        assert len(columns) == 116
        there = np.isfinite(signals).all(axis=0)
        ids = regions['index'].astype(int)[there]
        means = np.stack([bold[labels == i].mean(axis=0) for i in ids], axis=1)
        # The table marks the first volume as not in the steady state.
        expected = clean(means[1:], confounds=confounds[1:], detrend=True, standardize='zscore_sample')
        assert_allclose(signals[:, there], expected, rtol=1e-5, atol=1e-6)
        columns, matrix = read_signals(table(data, name, 'atlas-AAL_res-2_stat-correlation_relmat.tsv'))
        measure = ConnectivityMeasure(EmpiricalCovariance(), kind='correlation')
        assert_allclose(matrix[np.ix_(there, there)], measure.fit_transform([expected])[0], atol=1e-5)
        sidecar = json.loads(table(data, name, 'atlas-AAL_res-2_stat-mean_timeseries.json').read_text())
        assert sidecar['RepetitionTime'] == 2.0
        assert sidecar['SamplingFrequency'] == 0.5
        assert sidecar['Confounds']['Columns'] == MOTION


def check_region_that_lacks(data):
    """Check that its column is n/a in the runs of the participant whose mask excludes it, and in no others."""
    for name in NAMES:
        if name != BROKEN:
            columns, signals = read_signals(table(data, name, 'atlas-boxes_res-2_stat-mean_timeseries.tsv'))
            assert columns == [f'Box {i}' for i in range(1, 9)]
            assert np.isnan(signals[:, 0]).all() == (LACKING in name)
            assert np.isfinite(signals[:, 1:]).all()


def check_group(data, call):
    """Check that the level group has a row for each complete run."""
    status, _, said = call(*asked(data, level='group'))
    assert status == 0
    done = [name for name in NAMES if name != BROKEN]
    assert f'wrote {len(done)} runs' in said
    folder = data / 'out' / 'group' / 'space-MNI152NLin2009cAsym_atlas-boxes_res-2'
    coverage, edges = read_table(folder / 'coverage.tsv'), read_table(folder / 'edges.tsv')
    assert list(dict.fromkeys(coverage['name'])) == [f'Box {i}' for i in range(1, 9)]
    for name, (run, rows) in zip(done, coverage.groupby('run_name', sort=False), strict=True):
        assert run == name
        regions = read_table(table(data, name, 'atlas-boxes_res-2_stat-coverage_bold.tsv'))
        assert list(rows['coverage']) == list(regions['coverage'])
        assert (float(regions['coverage'][0]) == 0) == (LACKING in name)
    stacked = np.load(folder / 'connectivity.npy')
    assert stacked.shape == (len(done), 8 * 7 // 2)
    place = edges.index[(edges['name_1'] == 'Box 3') & (edges['name_2'] == 'Box 7')]
    for i, name in enumerate(done):
        _, matrix = read_signals(table(data, name, 'atlas-boxes_res-2_stat-correlation_relmat.tsv'))
        assert stacked[i, place] == np.float32(matrix[2, 6])
        assert_array_equal(stacked[i], matrix[np.tril_indices(8, -1)].astype('float32'))
    quality = read_table(data / 'out' / 'group' / 'qc.tsv')
    assert quality['status'].value_counts().to_dict() == {'complete': 2 * len(done), 'failed': 1}


def test_all_ways_to_run_give_the_same_bytes(data, command, process):
    chosen = ('--participant-label', 'sub-03', '--no-reports', *CLEANING)
    parallel = ('--nprocs', '2', '--mem-gb', '4')
    plugin = ('--plugin', 'MultiProc', *parallel)
    for out, run, more in (('one', command, ()), ('two', command, parallel), ('three', process, plugin)):
        given = [argument.replace('/out', f'/{out}') for argument in asked(data, BOXES, ('other', 'boxes.nii.gz'))]
        done = run(*given, *chosen, *more)
        assert done.returncode == 0, done.stderr
        assert '2 of 2 runs are done' in done.stderr
    assert contents(data / 'one') == contents(data / 'two') == contents(data / 'three')


def test_deleted_derivatives_are_written_again(data, call):
    chosen = ('--participant-label', '01', '--no-reports')
    assert call(*asked(data, BOXES), *chosen)[0] == 0
    files = contents(data / 'out')
    table(data, NAMES[0], 'atlas-boxes_res-2_stat-mean_timeseries.tsv').unlink()
    before = executed(data / 'out' / 'work')
    assert call(*asked(data, BOXES), *chosen)[0] == 0
    assert contents(data / 'out') == files
    assert executed(data / 'out' / 'work', before) == ['save']


def test_dummy_scans_are_censored(data, call):
    assert call(*asked(data, BOXES), '--participant-label', '01', '--no-reports', '--dummy-scans', '4')[0] == 0
    _, signals = read_signals(table(data, NAMES[0], 'atlas-boxes_res-2_stat-mean_timeseries.tsv'))
    _, raw = read_signals(table(data, NAMES[0], 'atlas-boxes_res-2_stat-mean_desc-raw_timeseries.tsv'))
    assert len(raw) == N_VOLUMES
    assert_allclose(signals, raw[4:])


def test_two_sets_of_parameters_are_kept_apart_by_desc(data, call):
    chosen = ('--participant-label', '01', '--no-reports')
    assert call(*asked(data, BOXES), *chosen, '--desc', 'raw0')[0] == 0
    files, before = contents(data / 'out'), executed(data / 'out' / 'work')
    assert call(*asked(data, BOXES), *chosen, '--desc', 'detrended', '--detrend')[0] == 0
    status, _, said = call(*asked(data, level='group'))
    assert (status, said.splitlines()) == (0, [f'wrote 2 runs in 2 folders to {data}/out/group'])
    folders = {path.name.rpartition('_desc-')[2] for path in (data / 'out' / 'group').iterdir() if path.is_dir()}
    assert folders == {'raw0', 'detrended'}
    assert {name: bytes for name, bytes in contents(data / 'out').items() if name in files} == files
    assert before.items() <= executed(data / 'out' / 'work').items()


def test_tables_are_passed_found_next_to_the_atlas_or_reported_missing(data, call):
    one = ('--participant-label', '01', '--no-reports')
    (data / 'given.csv').write_text('id,label\n' + ''.join(f'{i},Given {i}\n' for i in range(8, 0, -1)))
    shutil.copy(data / 'atlases' / 'boxes.nii.gz', data / 'atlases' / 'bare.nii.gz')
    atlases = asked(data, BOXES, ('bare', 'bare.nii.gz'))
    atlases.insert(5, f'--lut={data / "given.csv"}')
    status, _, said = call(*atlases, *one)
    assert status == 0
    assert said.count('no look-up table') == 1
    assert 'bare.nii.gz: no look-up table in its header or next to it' in said
    end = 'stat-mean_timeseries.tsv'
    assert read_signals(table(data, NAMES[0], f'atlas-boxes_res-2_{end}'))[0] == [f'Given {i}' for i in range(8, 0, -1)]
    assert read_signals(table(data, NAMES[0], f'atlas-bare_res-2_{end}'))[0] == [str(i) for i in range(1, 9)]
    (data / 'given.csv').write_text('id,label\n77,Nowhere\n')
    status, _, said = call(*atlases, *one)
    assert status == 2
    assert 'given.csv has names for the ids 77, but the ids of' in said


def test_series_of_several_spaces_need_a_choice(data, call):
    mask = nibabel.load(data / 'fmriprep/sub-01/func' / f'{NAMES[0]}_{SPACE}_desc-brain_mask.nii.gz')
    brain = np.asarray(mask.dataobj) > 0
    write_run(data / 'fmriprep', NAMES[0], np.ones((*brain.shape, 5), 'float32'), brain, mask.affine, 'space-T1w')
    status, out, said = call(*asked(data, BOXES), '--dry-run')
    assert (status, said) == (0, 'space: MNI152NLin2009cAsym:res-2\n')
    assert out.endswith('7 series found, 1 not selected by --space\n')
    status, _, said = call(*asked(data, BOXES), '--space', 'T1w', 'MNI152NLin2009cAsym')
    assert status == 2
    assert 'series are in the spaces MNI152NLin2009cAsym, T1w: choose one by --space' in said
    assert '\n1 run of 1 participant × 1 atlas: ' in call(*asked(data, BOXES), '--space', 'T1w', '--dry-run')[1]


def test_a_run_without_its_confounds_table_is_reported(data, call):
    (data / 'fmriprep/sub-01/func' / f'{NAMES[0]}_desc-confounds_timeseries.tsv').unlink()
    status, _, said = call(
        *asked(data, BOXES), '--participant-label', '01', '--no-reports', '--confounds-strategy', '6P'
    )
    assert status == 1
    assert '1 of 2 runs are done' in said
    assert re.search(rf'{NAMES[0]}\S*: .* has no confounds table: {NAMES[0]}_desc-confounds_timeseries', said)
    assert '. Put one table next to the series, or process all runs without --preset, ' in said


@pytest.mark.parametrize(
    ('more', 'words'),
    [
        (('--atlas', '../x=atlases/boxes.nii.gz'), 'letters and digits only'),
        (('--atlas', '<script>=atlases/boxes.nii.gz'), 'letters and digits only'),
        (('--atlas', 'BOXES=atlases/AAL.nii'), 'two atlases are named'),
        (('--atlas', 'none=atlases/none.nii'), 'file not found'),
        (('--participant-label', '07'), 'no series of sub-07. Available: 01, 02, 03'),
        (('--desc', '../x'), 'desc'),
        (('--fd-threshold', '0.3'), '--fd-threshold given, but it only acts with'),
        (('--low-pass', '-1'), '--low-pass'),
        (('--dummy-scans', '-1'), '--dummy-scans must be 0 or more, not -1'),
        (('--nprocs', '0'), '--nprocs must be 1 to 1024'),
        (('--mem-gb', '0'), '--mem-gb must be 0.001 or more'),
        (('--plugin-args-file', 'x.json'), '--plugin-args-file given, but it only acts with --plugin'),
        (('--plugin', 'Cray'), 'Nipype has no plugin Cray'),
        (('--plugin', 'SLURMGraph'), 'the plugin SLURMGraph does not report when its jobs end'),
        (('--plugin', 'SLURM', '--mem-gb', '4'), '--mem-gb given, but it only acts without --plugin, or with'),
    ],
)
def test_invalid_arguments_are_refused_before_anything_is_written(more, words, data, call):
    status, _, said = call(*asked(data, BOXES), *more)
    assert status == 2
    assert words in said
    assert not (data / 'out').exists()


def test_confounds_tables_that_are_not_used_are_named(data, call):
    told = call(*asked(data, BOXES), '--dry-run')[1]
    assert '\nthe confounds tables are not used: choose columns by --preset, --confounds-strategy or ' in told
    chosen = call(*asked(data, BOXES), '--dry-run', '--confounds-strategy', '6P')[1]
    assert 'the confounds tables are not used' not in chosen
    status, _, said = call(*asked(data, BOXES), '--participant-label', '01', '--no-reports')
    assert (status, said.count('the confounds tables are not used')) == (0, 1)


def test_a_dry_run_does_nothing(data, call):
    status, told, _ = call(*asked(data, AAL, BOXES), '--dry-run')
    assert status == 0
    assert '\n6 runs of 3 participants × 2 atlases: 0 complete, 6 missing\n' in told
    assert not (data / 'out').exists()


@pytest.mark.endurance
def test_memory_and_disk_space_are_within_twice_the_estimate_of_a_dry_run(data, call, tmp_path):
    chosen = (*asked(data, AAL, BOXES), '--participant-label', '01', '03', *CLEANING, *CONNECTING)
    _, told, _ = call(*chosen, '--dry-run')
    memory, derivatives, work = (float(number) for number in re.findall(r'([\d.]+) [GM]B', told)[-3:])
    script = (
        'import resource, subprocess, sys\n'
        'status = subprocess.run([sys.executable, "-m", "nipype_labels.cli.main", *sys.argv[1:]]).returncode\n'
        'print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n'
    )
    done = subprocess.run([sys.executable, '-c', script, *chosen], capture_output=True, text=True, cwd=tmp_path)
    status, peak = (int(number) for number in done.stdout.split()[-2:])
    assert status == 0, done.stderr
    sizes = dict.fromkeys(('work', 'derivatives'), 0)
    for path in (data / 'out').rglob('*'):
        if path.is_file():
            sizes['work' if 'work' in path.relative_to(data / 'out').parts else 'derivatives'] += path.stat().st_size
    for estimated, taken in (
        (memory * 2**20, peak),
        (derivatives * 1e6, sizes['derivatives']),
        (work * 1e6, sizes['work']),
    ):
        assert taken / 2 < estimated < taken * 2


WILD = ['../x', '<script>alert(1)</script>', 'x' * 300, 'Région № 4 “β”', "'; rm -rf ~", '&lt;b&gt;', 'a b', '$(id)']


def test_names_of_regions_with_markup_and_shell_syntax_stay_names(data, call):
    (data / 'atlases' / 'boxes.tsv').write_text(
        'index\tname\n' + ''.join(f'{i}\t{name}\n' for i, name in enumerate(WILD, start=1)), encoding='utf-8'
    )
    around = {path for path in data.rglob('*') if 'out' not in path.relative_to(data).parts}
    assert call(*asked(data, BOXES), '--participant-label', '01', *CONNECTING)[0] == 0
    for end in ('stat-mean_timeseries', 'stat-correlation_relmat'):
        columns, values = read_signals(table(data, NAMES[0], f'atlas-boxes_res-2_{end}.tsv'))
        assert columns == WILD
        assert values.shape[1] == 8
    sidecar = json.loads(table(data, NAMES[0], 'atlas-boxes_res-2_stat-mean_timeseries.json').read_text())
    assert set(WILD) <= set(sidecar)
    page = table(data, NAMES[0], 'res-2_report.html').read_text(encoding='utf-8')
    assert '<script>alert' not in page
    assert '&lt;script&gt;alert(1)&lt;/script&gt;' in page
    assert {path for path in data.rglob('*') if 'out' not in path.relative_to(data).parts} == around


def test_entities_with_markup_are_refused(data, call):
    func = data / 'fmriprep' / 'sub-01' / 'func'
    wild = func / f'sub-01_task-<script>_{SPACE}_desc-preproc_bold.nii.gz'
    shutil.copy(func / f'{NAMES[0]}_{SPACE}_desc-preproc_bold.nii.gz', wild)
    status, _, said = call(*asked(data, BOXES), '--participant-label', '01', '--no-reports')
    assert status == 1
    assert not list(data.rglob('*script*_timeseries.tsv'))
    assert f"{wild.name}' is not a BIDS name: 'task-<script>' is not a pair of key and label" in said
    assert said.splitlines()[-1].endswith('3 series found: 2 done, 1 not done')
