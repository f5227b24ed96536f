# SPDX-License-Identifier: BSD-3-Clause
"""Tables of all runs: only intact and equal derivatives are in one table; all others are named or refused."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from group_cases import MATRIX, collect, find, read, read_matrix, read_rows, rewrite
from named_cases import AFFINE, SHAPE, TABLE, ask, make_runs, write
from nilearn.connectome import sym_matrix_to_vec
from program import PROGRAM

from nipype_labels.cli.group import list_edges, read_pairs
from nipype_labels.cli.main import main
from nipype_labels.files.tables import write_signals

pytestmark = [pytest.mark.timeout(200), pytest.mark.slow]


@pytest.fixture(scope='session')
def derived(tmp_path_factory):
    """Derivatives of three participants, to copy."""
    folder = tmp_path_factory.mktemp('derived')
    make_runs(folder, ('01', '02', '03'))
    assert main(ask(folder, '--connectivity', 'correlation')) == 0
    return folder


@pytest.fixture
def out(derived, tmp_path, monkeypatch):
    shutil.copytree(derived, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / 'out'


def test_the_matrix_has_a_row_per_run_and_a_column_per_pair_of_regions(out, call):
    status, _, said = collect(call, out)
    assert status == 0, said
    rows, edges, matrix = read(out, 'rows.tsv'), read(out, 'edges.tsv'), read_matrix(out)
    assert (matrix.dtype, matrix.shape) == (np.float32, (len(rows), len(edges)))
    assert edges.to_dict('records') == [{'index_1': 1, 'name_1': 'One', 'index_2': 2, 'name_2': 'Two'}]
    for participant, values in zip(rows.participant, matrix, strict=True):
        table = pd.read_csv(find(out, participant, MATRIX), sep='\t')
        assert values == [np.float32(table.loc[0, 'Two'])]
    assert list(rows.task) == ['rest'] * 3
    assert rows.session.isna().all()


def test_the_loaders_of_the_documentation_give_the_matrices_of_the_runs(out, call):
    assert collect(call, out)[0] == 0
    (folder,) = out.glob('group/*/')
    shutil.copytree(folder, out.parent / 'signals/group/space-MNI152NLin2009cAsym_atlas-AAL')
    page = Path(__file__).parents[2] / 'docs' / 'outputs.md'
    (block,) = re.findall(r'^```python\n(.*?)^```', page.read_text(), re.DOTALL | re.MULTILINE)
    names = {}
    exec(compile(block, 'outputs.md', 'exec'), names)
    own = [pd.read_csv(find(out, participant, MATRIX), sep='\t').to_numpy() for participant in ('01', '02', '03')]
    np.testing.assert_allclose(names['matrices'], own, rtol=1e-6)
    assert names['table'].loc['sub-02_task-rest', 'One × Two'] == np.float32(own[1][0, 1])
    assert (names['features'].shape, list(names['groups'])) == ((3, 1), ['01', '02', '03'])


def test_edges_are_in_the_order_of_nilearns_vectors(tmp_path):
    """The loaders are tested with more regions than the derivatives here have."""
    lower = np.tril(np.random.default_rng(0).uniform(-1, 1, (5, 5)), -1)
    matrix = lower + lower.T + np.eye(5)
    names = [f'R{i}' for i in range(5)]
    write_signals(tmp_path / f'sub-1_atlas-A_{MATRIX}', names, matrix)
    regions, values = read_pairs(tmp_path / f'sub-1_atlas-A_{MATRIX}', list(enumerate(names, 1)))
    edges = list_edges(regions)
    np.testing.assert_array_equal(values, sym_matrix_to_vec(matrix, discard_diagonal=True))
    pairs = edges[['name_1', 'name_2']].to_numpy().tolist()
    assert [matrix[names.index(one), names.index(other)] for one, other in pairs] == values.tolist()


def test_coverage_and_quality_have_a_row_per_region_and_per_run(out, call):
    assert collect(call, out)[0] == 0
    coverage, quality = read(out, 'coverage.tsv'), read(out, 'qc.tsv')
    assert list(coverage.columns[:5]) == ['participant', 'session', 'task', 'run', 'run_name']
    for participant, rows in coverage.groupby('participant'):
        own = pd.read_csv(find(out, participant, 'stat-coverage_bold.tsv'), sep='\t', na_values='n/a')
        assert (
            rows.iloc[:, 5:].reset_index(drop=True).astype(str).to_numpy().tolist()
            == own.astype(str).to_numpy().tolist()
        )
    sidecar = json.loads(find(out, '02', 'stat-mean_timeseries.json').read_text())
    row = quality[quality.participant == '02'].iloc[0]
    assert (row.atlas, row.status, row.n_regions, row.n_missing) == ('A', 'complete', 2, 0)
    assert (out / 'group' / row.folder / 'coverage.tsv').is_file()
    assert row.tsnr == pytest.approx(coverage[coverage.participant == '02'].tsnr.median())
    assert row.degrees_of_freedom == sidecar['DegreesOfFreedom']
    assert (row.n_volumes, row.n_retained) == (sidecar['NumberOfVolumes'], sidecar['NumberOfVolumesRetained'])


def test_mean_displacement_is_that_of_the_confounds_when_the_run_was_processed(out, call):
    """Also of runs that were denoised without confounds; tables without the column, and links to no file, have none."""
    names = (f'{name}/func/{name}_task-rest_{TABLE}' for name in ('sub-01', 'sub-02', 'sub-03'))
    first, without_column, link = (out.parent / 'fmriprep' / name for name in names)
    displacement = ['n/a', *['0.25', '0.5'] * 9, '0.9']
    first.write_text('\n'.join(['framewise_displacement', *displacement]) + '\n')
    write(without_column)
    link.symlink_to('not_downloaded')
    assert call(*ask(out.parent, '--connectivity', 'correlation'))[0] == 0
    shutil.rmtree(out.parent / 'fmriprep')
    assert collect(call, out)[0] == 0
    assert read(out, 'qc.tsv').mean_fd.fillna(-1).tolist() == [pytest.approx((9 * 0.75 + 0.9) / 19), -1, -1]


def test_rows_of_runs_that_have_not_changed_are_copied(out, call):
    (manifest,) = out.glob('manifests/sub-02_*')
    shutil.move(manifest, out.parent / 'hidden')
    assert collect(call, out)[0] == 1
    (path,) = out.glob('group/*/connectivity.npy')
    marked = np.load(path, mmap_mode='r+')
    marked[0] = 0.125
    marked.flush()
    shutil.move(out.parent / 'hidden', manifest)
    assert collect(call, out)[0] == 0
    assert read_rows(out) == [f'sub-0{i}_task-rest' for i in (1, 2, 3)]
    extended = read_matrix(out).copy()
    assert extended[0] == 0.125
    shutil.rmtree(out / 'group')
    assert collect(call, out)[0] == 0
    assert read_matrix(out)[1:].tolist() == extended[1:].tolist()


@pytest.mark.parametrize('damage', ['no rows', 'half', 'other rows'])
def test_a_matrix_that_does_not_belong_to_its_rows_is_written_again(damage, out, call):
    assert collect(call, out)[0] == 0
    (path,) = out.glob('group/*/connectivity.npy')
    expected = path.read_bytes()
    if damage == 'no rows':
        path.with_name('rows.tsv').unlink()
    elif damage == 'half':
        path.write_bytes(expected[:-6])
    else:
        text = path.with_name('rows.tsv').read_text().splitlines()
        path.with_name('rows.tsv').write_text('\n'.join([text[0], text[2], text[1], text[3]]) + '\n')
        path.write_bytes(expected[:-12] + expected[-8:-4] + expected[-12:-8] + expected[-4:])
    assert collect(call, out)[0] == 0
    assert path.read_bytes() == expected


@pytest.mark.parametrize('end', [MATRIX, MATRIX.replace('.tsv', '.json')])
@pytest.mark.parametrize('content', [None, 'x'])
def test_damaged_runs_are_excluded_and_named(end, content, out, call):
    path = find(out, '02', end)
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    status, _, said = collect(call, out)
    assert status == 1
    assert f'{path.name} {"is missing" if content is None else "differs from what was written"}' in said
    assert read_rows(out) == ['sub-01_task-rest', 'sub-03_task-rest']
    assert 'has 2 of 3 runs; missing: sub-02_task-rest' in said
    quality = read(out, 'qc.tsv')
    assert quality.status.tolist() == ['complete', 'excluded', 'complete']
    assert path.name in quality.reason[1]


def test_runs_whose_quality_is_damaged_are_in_no_table(out, call):
    path = find(out, '02', 'stat-mean_timeseries.json')
    path.write_text('{}')
    assert collect(call, out)[0] == 1
    assert read_rows(out) == read_rows(out, 'coverage.tsv') == ['sub-01_task-rest', 'sub-03_task-rest']
    quality = read(out, 'qc.tsv')
    assert quality.status.tolist() == ['complete', 'excluded', 'complete']
    assert f'{path.name} differs from what was written' in quality.reason[1]


def test_runs_without_a_manifest_are_excluded_and_named(out, call):
    (place,) = out.glob('manifests/sub-03_*')
    place.unlink()
    status, _, said = collect(call, out)
    assert status == 1
    assert f'{find(out, "03", MATRIX).name} is excluded: it is not in a manifest' in said
    assert read_rows(out, 'coverage.tsv') == ['sub-01_task-rest', 'sub-02_task-rest']
    quality = read(out, 'qc.tsv')
    assert list(quality.status) == ['complete', 'complete', 'excluded']
    assert 'it is not in a manifest' in quality.reason[2]


def test_files_of_other_software_stop_neither_tables_nor_pages(out, call):
    """XCP-D names atlases by seg-; logs of a scheduler may be in the folder of our logs."""
    other = find(out, '02', MATRIX).with_name('sub-02_task-rest_seg-Glasser_stat-pearsoncorrelation_relmat.tsv')
    other.write_text('One\n1.0\n')
    for name in ('sub-02_123.txt', 'sub-02.out'):
        (out / 'logs' / name).write_text('slurmstepd: error\n')
    status, _, said = collect(call, out)
    assert status == 1
    assert f'{other.name} is excluded: it is not in a manifest' in said
    assert read(out, 'qc.tsv').status.tolist() == ['complete', 'excluded', 'complete', 'complete']
    assert sorted(path.name for path in out.glob('sub-*.html')) == ['sub-01.html', 'sub-02.html', 'sub-03.html']


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ('One\tTwo\n1.0\t0.5\n', '1 rows, but 2 columns'),
        ('One\tTwo\n1.0\t0.5\n0.25\t1.0\n', 'not symmetric, such as for One and Two'),
        ('One\tTwo\n1.0\tn/a\n0.25\t1.0\n', 'not symmetric, such as for One and Two'),
        ('Two\tOne\n1.0\t0.5\n0.5\t1.0\n', 'the regions are not in the order of sub-02_'),
        ('One\tZwei\n1.0\t0.5\n0.5\t1.0\n', 'the regions are not in the order of sub-02_'),
        ('One\n1.0\n', 'have different regions'),
    ],
)
def test_matrices_that_do_not_fit_are_refused(content, words, out, call):
    path = find(out, '02', MATRIX)
    rewrite(path, content, out)
    status, _, said = collect(call, out)
    assert status == 2
    assert f'{path}' in said
    assert words in said


def test_a_matrix_with_na_for_one_region_is_collected(out, call):
    rewrite(find(out, '02', MATRIX), 'One\tTwo\n1.0\tn/a\nn/a\tn/a\n', out)
    assert collect(call, out)[0] == 0
    assert read_rows(out) == [f'sub-0{i}_task-rest' for i in (1, 2, 3)]
    assert np.isnan(read_matrix(out)).tolist() == [[False], [True], [False]]


def test_runs_of_other_parameters_or_software_are_refused(out, call):
    two = ask(out.parent, '--connectivity', 'correlation', '--participant-label', '02')
    assert call(*two, '--detrend')[0] == 0
    status, _, said = collect(call, out)
    assert status == 2
    assert 'sub-01_task-rest and sub-02_task-rest cannot be in one table: detrend is False and True. Run' in said
    assert call(*two)[0] == 0
    assert collect(call, out)[0] == 0
    (place,) = out.glob('manifests/sub-02_*')
    manifest = json.loads(place.read_text())
    manifest['Software']['nipype_labels'] = '0.0.1'
    manifest['Atlases']['A']['LookupTable'] = 'other'
    place.write_text(json.dumps(manifest))
    status, _, said = collect(call, out)
    assert status == 2
    assert ' and 0.0.1, LookupTable of atlas A is ' in said


def test_runs_without_a_matrix_are_named(out, call):
    assert call(*ask(out.parent, '--desc', 'x'))[0] == 0
    assert call(*ask(out.parent, '--participant-label', '01', '--desc', 'y', '--connectivity', 'correlation'))[0] == 0
    status, _, said = collect(call, out)
    assert status == 0
    assert '_desc-y/connectivity.npy has 1 of 3 runs; missing: sub-02_task-rest, sub-03_task-rest' in said


def test_old_results_of_runs_that_failed_later_are_named(out, call):
    for label in ('01', '02'):
        next(out.parent.glob(f'fmriprep/sub-{label}/func/*_mask.nii.gz')).unlink()
    assert call(*ask(out.parent, '--connectivity', 'correlation'))[0] == 1
    find(out, '01', MATRIX).unlink()
    find(out, '01', 'stat-coverage_bold.tsv').unlink()
    _, _, said = collect(call, out)
    assert read_rows(out) == ['sub-02_task-rest', 'sub-03_task-rest']
    assert said.splitlines()[-1] == 'old results are used for 1 failed run: sub-02_task-rest'


def test_options_that_the_level_group_would_ignore_are_refused(call):
    given = ['--nprocs', '2', '--no-mask', '--low-pass', '0.1', '--work-dir', 'x', '--run', '1', '--preset', '36P']
    given += ['--verbose', '--bids-filter-file', 'x', '--dry-run', '--datasets', 'a=.']
    status, _, said = call('derivatives', 'fmriprep', 'out', 'group', *given)
    assert status == 2
    assert 'given, but the level group takes no options except --qc-fc' in said
    assert all(option in said for option in given if option.startswith('--'))


def test_ids_that_change_alone_reach_the_table_of_edges(out, call):
    """The matrices of the runs keep their content."""
    assert collect(call, out)[0] == 0
    for participant in ('01', '02', '03'):
        path = find(out, participant, 'stat-coverage_bold.tsv')
        rewrite(path, path.read_text().replace('\n2\tTwo', '\n7\tTwo'), out)
    assert collect(call, out)[0] == 0
    assert read(out, 'edges.tsv').index_2.tolist() == [7]


def test_another_atlas_of_the_same_name_replaces_the_matrix(out, call):
    assert collect(call, out)[0] == 0
    image = nibabel.Nifti1Image((np.arange(np.prod(SHAPE)).reshape(SHAPE) % 3 + 1).astype('uint8'), AFFINE)
    image.to_filename(out.parent / 'atlas.nii.gz')
    (out.parent / 'atlas.tsv').write_text('index\tname\n1\tA\n2\tB\n3\tC\n')
    assert call(*ask(out.parent, '--connectivity', 'correlation'))[0] == 0
    assert collect(call, out)[0] == 0
    assert read(out, 'edges.tsv').name_1.tolist() == ['A', 'A', 'B']
    assert read_matrix(out).shape == (3, 3)


def test_a_folder_that_does_not_exist_is_not_created(out, call):
    status, _, said = call('derivatives', str(out.parent / 'fmriprep'), str(out.parent / 'other'), 'group')
    assert status == 2
    assert 'other: no such folder' in said
    assert not (out.parent / 'other').exists()


#: Run the command, and wait for a line of input before the first file is renamed.
PAUSED = """
import os, sys
from nipype_labels.cli.main import main
rename = os.replace
def replace(*names):
    os.replace = rename
    print('paused', flush=True)
    sys.stdin.readline()
    rename(*names)
os.replace = replace
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.endurance
def test_a_second_job_waits_for_the_first_one_and_adds_its_rows(out, call):
    assert collect(call, out)[0] == 0
    (folder,) = out.glob('group/*/')
    expected = {path.name: path.read_bytes() for path in folder.iterdir()}
    shutil.rmtree(out / 'group')
    (manifest,) = out.glob('manifests/sub-03_*')
    manifest.rename(out.parent / manifest.name)
    command = ['derivatives', str(out.parent / 'fmriprep'), str(out), 'group']
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True}
    with subprocess.Popen([sys.executable, '-c', PAUSED, *command], **pipes) as first:
        assert first.stdout.readline() == 'paused\n'
        (out.parent / manifest.name).rename(manifest)
        with subprocess.Popen([*PROGRAM, *command], **pipes) as second:
            assert f'group is locked by process {first.pid} (started ' in second.stderr.readline()
            assert not list(folder.glob('[!.]*'))
            first.communicate('go on\n')
            second.communicate()
    # The first job had found two runs only.
    assert (first.returncode, second.returncode) == (1, 0)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == expected
    assert not (out / '.group.lock').exists()


#: Run the command, and end the process without a warning at a rename: before it, or after it.
KILLED = """
import os, signal, sys
from nipype_labels.cli.main import main
number, after, rename = int(sys.argv[1]), sys.argv[2] == 'after', os.replace
def replace(*names):
    global number
    number -= 1
    if number == 0 and after:
        rename(*names)
    if number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(*names)
os.replace = replace
sys.exit(main(sys.argv[3:]))
"""


@pytest.mark.endurance
@pytest.mark.parametrize('when', ['before', 'after'])
def test_a_killed_call_leaves_a_matrix_that_belongs_to_its_rows_or_none(when, out, call):
    """Kills at each rename, while the runs of a participant are added."""
    assert collect(call, out)[0] == 0
    (folder,) = out.glob('group/*/')
    expected = {path.name: path.read_bytes() for path in folder.iterdir()}
    values = dict(zip(read_rows(out), read_matrix(out).tolist(), strict=True))
    hidden = list(out.glob('manifests/sub-03_*'))
    for number in range(1, 9):
        for path in hidden:
            path.rename(out.parent / path.name)
        assert collect(call, out)[0] == 1
        for path in hidden:
            (out.parent / path.name).rename(path)
        command = ['derivatives', str(out.parent / 'fmriprep'), str(out), 'group']
        done = subprocess.run([sys.executable, '-c', KILLED, str(number), when, *command], capture_output=True)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        if (folder / 'rows.tsv').exists():
            own = dict(zip(read_rows(out), read_matrix(out).tolist(), strict=True))
            assert own == {name: values[name] for name in own}
        assert collect(call, out)[0] == 0
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == expected
    assert (number, done.returncode) == (7, 0)
