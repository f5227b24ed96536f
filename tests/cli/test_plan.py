# SPDX-License-Identifier: BSD-3-Clause
"""What derivatives --dry-run lists of each run, as text and as TSV: state, files, problems, and estimates."""

import gzip

import pandas as pd
import pytest
from named_cases import BRAIN, MNI, PREPROC, TABLE, ask, describe, make_runs, write, write_atlas

pytestmark = pytest.mark.slow

NAMES = ('complete', 'damaged', 'maskless', 'short', 'tableless', 'headless', 'new')


def name(participant):
    return f'sub-{participant}_task-rest_{MNI}'


@pytest.fixture
def folder(tmp_path, call):
    """A dataset with a run of each kind, of which two were complete, and a series without a template space."""
    root = tmp_path / 'fmriprep'
    describe(root)
    for each in NAMES:
        for file in (f'{name(each)}_{PREPROC}', f'{name(each)}_{BRAIN}', f'sub-{each}_task-rest_{TABLE}'):
            write(root / f'sub-{each}' / 'func' / file)
    write_atlas(tmp_path / 'atlas.nii.gz')
    assert call(*ask(tmp_path, '--confounds-columns', 'rot_x', '--participant-label', *NAMES[:2]))[0] == 0
    (damaged,) = (tmp_path / 'out' / 'sub-damaged').rglob('*stat-mean_timeseries.tsv')
    damaged.unlink()
    (root / 'sub-maskless' / 'func' / f'{name("maskless")}_{BRAIN}').unlink()
    (root / 'sub-tableless' / 'func' / f'sub-tableless_task-rest_{TABLE}').unlink()
    short = root / 'sub-short' / 'func' / f'sub-short_task-rest_{TABLE}'
    short.write_text('\n'.join(short.read_text().splitlines()[:-1]) + '\n')
    (root / 'sub-headless' / 'func' / f'{name("headless")}_{PREPROC}').write_bytes(b'not an image')
    write(root / 'sub-new' / 'func' / f'sub-new_task-nback_space-T1w_{PREPROC}')
    return tmp_path


def test_every_run_is_listed_with_state_files_problems_and_estimates(folder, call):
    before = sorted(folder.rglob('*'))
    dry = ('--dry-run', '--tsv', str(folder / 'plan.tsv'))
    status, told, said = call(*ask(folder, '--confounds-columns', 'rot_x', *dry))
    assert status == 0, said
    assert sorted(folder.rglob('*')) == sorted([*before, folder / 'plan.tsv'])
    table = pd.read_csv(folder / 'plan.tsv', sep='\t', dtype=str, keep_default_na=False).set_index('name')
    assert list(table.index) == [*sorted(name(each) for each in NAMES), 'n/a']
    assert (table.atlases[:-1] == 'A').all()
    for each, problem in {
        'maskless': f'has no brain mask: {name("maskless")}_{BRAIN} does not exist. Pass --no-mask',
        'short': 'has 19 rows, the signals have 20 volumes',
        'tableless': f'has no confounds table: sub-tableless_task-rest_{TABLE} does not exist',
        'headless': f'{name("headless")}_{PREPROC}',
    }.items():
        row = table.loc[name(each)]
        assert (row.status, problem in row.problems) == ('missing', True), row.problems
        assert (row.seconds, row.memory_gb, row.derivatives_bytes) == ('n/a',) * 3
        assert f'\n  problem: {row.problems}\n' in told
        # Again at the end, for the reader of hundreds of runs.
        assert f'\n  {row.name}: {row.problems}\n' in told.partition('\ndisk: ')[2]
    complete, new, damaged = (table.loc[name(each)] for each in ('complete', 'new', 'damaged'))
    assert tuple(complete[['status', 'problems', 'seconds', 'memory_gb']]) == ('complete', 'n/a', '0.0', '0.0')
    assert (new.status, new.problems) == ('missing', 'n/a')
    assert (new.participant, new.session, new.task, new.run) == ('new', 'n/a', 'rest', 'n/a')
    assert new.seconds == '0.6'
    assert 0.1 < float(new.memory_gb) < 1
    assert 10_000 < int(new.derivatives_bytes) < int(new.work_bytes)
    for role, file in (('series', f'{name("new")}_{PREPROC}'), ('mask', f'{name("new")}_{BRAIN}')):
        assert new[role] == f'sub-new/func/{file}'
        assert f'\n  {role}: sub-new/func/{file}\n' in told
    assert (new.confounds, new.sidecars) == (f'sub-new/func/sub-new_task-rest_{TABLE}', 'n/a')
    assert damaged.status == 'missing'
    assert damaged.reason.endswith('stat-mean_timeseries.tsv is missing')
    assert f'{name("damaged")}: missing (processed again, because {damaged.reason})\n' in told
    assert '7 runs of 7 participants × 1 atlas: 1 complete, 6 missing, 4 of these cannot be processed\n' in told
    assert f'\natlas A: {folder}/atlas.nii.gz, 2 regions\n' in told
    unusable = table.loc['n/a']
    assert unusable.series.endswith(f'sub-new_task-nback_space-T1w_{PREPROC}')
    words = 'the run has no series in a template space. Pass --space T1w to process it'
    assert (unusable.status, unusable.problems) == ('missing', words)


def test_names_that_contradict_each_other_are_a_problem_of_each_run(tmp_path, call):
    make_runs(tmp_path, ('01', '02'))
    atlas = write_atlas(tmp_path / 'tpl-MNI152NLin6Asym_atlas-X_dseg.nii.gz')
    told = call(*ask(tmp_path, f'--atlas=X={atlas}', '--dry-run'))[1]
    assert told.count('  problem: files that may not belong together: ') == 2
    assert 'but tpl-MNI152NLin6Asym_atlas-X_dseg.nii.gz has tpl-MNI152NLin6Asym' in told
    assert 'needs: ' in told


def test_the_table_needs_a_dry_run_and_a_folder(tmp_path, call):
    make_runs(tmp_path, ('01',))
    status, _, said = call(*ask(tmp_path, '--tsv', 'plan.tsv'))
    assert (status, 'error: --tsv given, but it only acts with --dry-run' in said) == (2, True)
    status, _, said = call(*ask(tmp_path, '--dry-run', '--tsv', 'none/plan.tsv'))
    assert (status, 'error: --tsv none/plan.tsv cannot be written: No such file' in said) == (2, True)
    assert not (tmp_path / 'plan.tsv').exists()


@pytest.mark.parametrize('dry', [(), ('--dry-run',)], ids=['processed', 'planned'])
def test_a_reason_that_many_runs_share_is_printed_once_at_the_end(tmp_path, call, dry):
    make_runs(tmp_path, ('01',))
    series = [f'{each}_task-rest_run-{run}_{MNI}' for each in ('sub-02', 'sub-03') for run in ('01', '02', '10')]
    for each in series:
        write(tmp_path / 'fmriprep' / each[:6] / 'func' / f'{each}_{PREPROC}')
    _, told, said = call(*ask(tmp_path, *dry))
    end = told.partition('\ndisk: ')[2] if dry else said
    assert end.count('has no brain mask') == 1
    first = f'{series[0]}, {series[1]}, {series[2]}'
    assert f'\n  6 runs ({first}, …), the first: {tmp_path}/fmriprep/sub-02/func/{series[0]}_' in end
    if not dry:
        logs = sorted((tmp_path / 'out' / 'logs').glob('sub-*.txt'))
        assert [f'/{log.stem}_' in log.read_text() for log in logs] == [True] * 6
        assert f' (log: {tmp_path}/out/logs/{series[0]}.txt)\n' in end


def test_a_series_that_is_too_small_for_the_header_it_shares_with_others_is_a_problem(tmp_path, call):
    make_runs(tmp_path, ('01', '02', '03'))
    for each in ('01', '02', '03'):
        series = tmp_path / 'fmriprep' / f'sub-{each}' / 'func' / f'{name(each)}_{PREPROC}'
        content = gzip.decompress(series.read_bytes())
        series.unlink()
        series.with_suffix('').write_bytes(content[: len(content) // 2] if each == '02' else content)
    told = call(*ask(tmp_path, '--dry-run'))[1]
    assert '3 missing, 1 of these cannot be processed\n' in told
    assert f'{name("02")}_desc-preproc_bold.nii has 2576 bytes, too few for the 4800 bytes' in told


def test_columns_of_confounds_tables_that_are_missing_are_a_problem(tmp_path, call):
    make_runs(tmp_path, ('01', '02'))
    for each, heading in (('01', 'a_comp_cor_00\tcosine00\t'), ('02', 'cosine00\tcosine01\t')):
        table = tmp_path / 'fmriprep' / f'sub-{each}' / 'func' / f'sub-{each}_task-rest_{TABLE}'
        table.write_text(heading + 'rot_x\n' + 'n/a\t0\t1\n' + '1\t0.5\t2\n' * 19)
    told = call(*ask(tmp_path, '--dry-run', '--confounds-strategy', 'aCompCor'))[1]
    problem = "sub-02_task-rest_desc-confounds_timeseries.tsv has no column 'a_comp_cor_00'"
    assert problem in told.partition('\ndisk: ')[2]
    assert '2 missing, 1 of these cannot be processed\n' in told
    assert 'cannot be processed' not in call(*ask(tmp_path, '--dry-run', '--confounds-columns', 'rot_x'))[1]
