# SPDX-License-Identifier: BSD-3-Clause
"""The command status: the state of each run after earlier calls, and the participants to submit again."""

import json

import pytest
from named_cases import BRAIN, MNI, ask, make_runs, write

from nipype_labels.bids.manifest import describe_inputs

RUN = f'sub-{{}}_task-rest_{MNI}'

pytestmark = pytest.mark.timeout(100)


@pytest.fixture
def folder(tmp_path):
    """A dataset of four participants with a run each, and a folder of a participant without a series."""
    make_runs(tmp_path, ('01', '03', '04', 'B'))
    (tmp_path / 'fmriprep' / 'sub-02' / 'anat').mkdir(parents=True)
    (tmp_path / 'fmriprep' / 'sub-02.html').touch()
    return tmp_path


@pytest.fixture
def status(folder, call):
    """Exit status, rows and last line of the command; names of runs are those of their participants."""

    def report(*more):
        code, printed, said = call('status', str(folder / 'fmriprep'), str(folder / 'out'), *more)
        head, *rows = [line.split('\t') for line in printed.splitlines()]
        assert head == ['participant', 'name', 'status', 'reason']
        assert all(row[1] == RUN.format(row[0].removeprefix('sub-')) for row in rows)
        return code, {row[0]: tuple(row[2:]) for row in rows}, said.splitlines()

    return report


@pytest.mark.slow
@pytest.mark.parametrize('more', [(), ('--plugin', 'Linear')])
def test_states_follow_what_happens_to_a_dataset(more, folder, call, status):
    out, complete, missing = folder / 'out', ('complete', 'n/a'), ('missing', 'n/a')
    mask = folder / 'fmriprep' / 'sub-03' / 'func' / f'{RUN.format("03")}_{BRAIN}'
    content = mask.read_bytes()
    mask.unlink()
    assert call(*ask(folder, *more, '--participant-label', '01', '03'))[0] == 1
    code, rows, said = status()
    assert code == 1
    assert (rows['sub-01'], rows['sub-04'], rows['sub-B']) == (complete, missing, missing)
    state, reason = rows['sub-03']
    assert state == 'failed'
    assert 'has no brain mask' in reason
    assert '--no-mask' in reason
    submit = '3 participants to submit again: sbatch --array=2-4 SCRIPT'
    assert said == ['4 runs: 1 complete, 2 missing, 1 failed', submit]

    mask.write_bytes(content)
    assert call(*ask(folder, *more))[0] == 0
    code, rows, said = status()
    assert (code, set(rows.values()), said) == (0, {complete}, ['4 runs: 4 complete, 0 missing, 0 failed'])

    (timeseries,) = (out / 'sub-B').rglob('*stat-mean_timeseries.tsv')
    timeseries.unlink()
    write(mask.with_name(f'{RUN.format("03")}_desc-preproc_bold.nii.gz'))  # the same bytes
    (table,) = (out / 'sub-01').rglob('*stat-mean_timeseries.tsv')
    table.write_text(table.read_text() + '\n')
    code, rows, said = status()
    assert rows['sub-B'] == ('missing', f'{timeseries.relative_to(out)} is missing')
    assert rows['sub-01'] == ('missing', f'{table.relative_to(out)} differs from what was written')
    assert (rows['sub-03'], rows['sub-04']) == (complete, complete)
    assert said[-1] == '2 participants to submit again: sbatch --array=0,4 SCRIPT'
    assert status('--participant-label', '03', '04')[0] == 0


@pytest.mark.slow
def test_each_desc_has_states_of_its_own(folder, call, status):
    """The failure of one call is not hidden by the success of another."""
    one = ('--participant-label', '01')
    assert call(*ask(folder, *one))[0] == 0
    assert call(*ask(folder, *one, '--desc', 'late', '--dummy-scans', '99'))[0] == 1
    assert status(*one)[1]['sub-01'] == ('complete', 'n/a')
    state, reason = status(*one, '--desc', 'late')[1]['sub-01']
    assert state == 'failed'
    assert '--dummy-scans 99 leaves none of 20 volumes' in reason


def test_a_misspelt_folder_or_another_dataset_is_an_error_and_not_a_list_of_missing_runs(folder, call, status):
    code, _, said = call('status', str(folder / 'fmriprep'), str(folder / 'signal'))
    assert (code, 'signal: no such folder. Pass the OUT of derivatives' in said) == (2, True)
    code, _, said = call('status', str(folder / 'fmriprep'), str(folder / 'fmriprep'))
    assert (code, 'describes another dataset' in said) == (2, True)
    (folder / 'out').mkdir()
    assert status()[2][-1] == '4 participants to submit again: sbatch --array=0,2-4 SCRIPT'


@pytest.mark.slow
def test_inputs_outside_a_linked_dataset_are_found(folder, call):
    """Their paths in the manifest begin at the dataset as it was named, not where the link leads."""
    (folder / 'elsewhere').mkdir()
    (folder / 'fmriprep').rename(folder / 'elsewhere' / 'fmriprep')
    (folder / 'fmriprep').symlink_to('elsewhere/fmriprep')
    assert call(*ask(folder))[0] == 0
    (path,) = (folder / 'out').glob('manifests/sub-01_*')
    manifest = json.loads(path.read_text())
    manifest['Inputs'] |= describe_inputs({'../atlas.nii.gz': folder / 'atlas.nii.gz'})
    path.write_text(json.dumps(manifest))
    assert call('status', str(folder / 'fmriprep'), str(folder / 'out'))[0] == 0
