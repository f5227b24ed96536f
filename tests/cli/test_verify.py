# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives that are damaged or of other parameters or inputs are named, and processed again."""

import json
import os
import shutil
import subprocess
import sys

import nibabel
import numpy as np
import pytest
from damages import DAMAGES
from folders import tree
from named_cases import MNI, PREPROC, ask, make_runs, write

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]

#: At the top of a dataset: what belongs to the user too, or holds the state of an execution.
OTHERS = ('work', 'logs', 'manifests', 'README.md', '.bidsignore', 'dataset_description.json')

#: An option for each further output.
EVERYTHING = ('--connectivity', 'correlation', '--project', 'labels', '--high-variance-confounds')


@pytest.fixture
def small_dataset(tmp_path):
    """Two participants."""
    return make_runs(tmp_path, ('01', '02'))


def test_every_damaged_derivative_is_reported(data, call):
    """Each file of a run, damaged in each way, is named by verify, and is written again with the same bytes."""
    out = data / 'out'
    one = ['derivatives', str(data / 'fmriprep'), str(out), 'participant', f'--atlas=B={data}/atlases/boxes.nii.gz']
    one += ['--participant-label', '01', '--run', '1', *EVERYTHING]
    assert call(*one)[0] == 0
    files = tree(out, *OTHERS)
    run = {name: content for name, content in files.items() if '_run-1_' in name}
    assert {name.rpartition('.')[2] for name in run} == {'gz', 'html', 'json', 'svg', 'tsv'}
    assert call('verify', str(out))[:2] == (0, '')
    for damage in DAMAGES:
        for name, content in run.items():
            damage(out / name)
            status, printed, _ = call('verify', str(out))
            assert (status, len(printed.splitlines())) == (1, 1)
            assert printed.startswith(f'{name} ')
            (out / name).write_bytes(content)
        for name in run:
            damage(out / name)
        status, _, said = call(*one)
        assert status == 0
        assert 'processed again, because ' in said
        assert tree(out, *OTHERS) == files
        assert call('verify', str(out))[0] == 0


@pytest.mark.endurance
@pytest.mark.parametrize('damage', DAMAGES)
def test_a_derivative_damaged_alone_is_written_again(damage, small_dataset, call):
    out = small_dataset / 'out'
    one = ask(small_dataset, '--participant-label', '01', *EVERYTHING)
    assert call(*one)[0] == 0
    files = tree(out, *OTHERS)
    for name in files:
        damage(out / name)
        status, _, said = call(*one)
        assert status == 0
        assert f'processed again, because {name} ' in said
        assert tree(out, *OTHERS) == files


def test_a_damaged_manifest_is_named_and_written_again(small_dataset, call):
    out, asked = small_dataset / 'out', ask(small_dataset)
    assert call(*asked)[0] == 0
    path = out / 'manifests' / f'sub-01_task-rest_{MNI}.json'
    files = tree(out, *OTHERS)
    empty = {section: {} for section in ('Software', 'Parameters', 'Atlases', 'Inputs', 'Outputs')}
    wrong = ({'Software': {'numpy': 2}}, {'Outputs': {'a': 3}}, {'Atlases': {'A': {'File': 'x'}}}, {'Inputs': []})
    texts = ['', path.read_text()[:-9], '{"Software": {}}', *(json.dumps(empty | content) for content in wrong)]
    for content in [*texts, None]:
        if content is None:
            path.unlink()
        else:
            path.write_text(content)
        status, printed, _ = call('verify', str(out))
        assert status == 1
        assert str(path) in printed or 'is not in a manifest' in printed
        assert call(*asked)[0] == 0
        assert call('verify', str(out))[0] == 0
    assert tree(out, *OTHERS) == files


def test_a_missing_description_of_the_dataset_is_written_again(small_dataset, call):
    out, asked = small_dataset / 'out', ask(small_dataset)
    assert call(*asked)[0] == 0
    content = (out / 'dataset_description.json').read_bytes()
    (out / 'dataset_description.json').unlink()
    status, _, said = call('verify', str(out))
    assert status == 2
    assert 'dataset_description.json is missing' in said
    expect_again(call, asked, 'dataset_description.json is missing', ['01'])
    assert (out / 'dataset_description.json').read_bytes() == content


def expect_again(call, asked, reason, again=('01', '02')):
    """Run the command: these participants are processed again for this reason, and once."""
    status, _, said = call(*asked)
    assert status == 0
    lines = [line for line in said.splitlines() if 'processed again' in line]
    assert [line.partition('_')[0] for line in lines] == [f'sub-{label}' for label in again]
    assert all(reason in line for line in lines), lines
    status, _, said = call(*asked)
    assert (status, len(said.splitlines())) == (0, 2)


def test_runs_of_other_inputs_or_parameters_are_processed_again(small_dataset, call, monkeypatch):
    asked = ask(small_dataset)
    assert call(*asked)[0] == 0
    expect_again(call, [*asked, '--strategy', 'median'], 'strategy changed from mean to median')
    expect_again(call, [*asked, '--strategy', 'median', '--dummy-scans', '1'], 'changed from 0 to 1')
    asked += ['--strategy', 'median', '--no-mask', '--low-pass', '0.1', '--detrend']
    expect_again(call, asked, '--low-pass changed from None to 0.1')

    func = small_dataset / 'fmriprep' / 'sub-01' / 'func'
    series = func / f'sub-01_task-rest_{MNI}_{PREPROC}'
    series.with_name(series.name.replace('.nii.gz', '.json')).write_text('{"RepetitionTime": 2.0}')
    expect_again(call, asked, f'{PREPROC.replace("nii.gz", "json")} is a new input', ['01'])
    image = nibabel.load(series)
    nibabel.Nifti1Image(np.asarray(image.dataobj)[..., ::-1], image.affine, image.header).to_filename(series)
    expect_again(call, asked, f'{series.name} has changed', ['01'])
    os.utime(series)
    assert 'processed again' not in call(*asked)[2]

    table = small_dataset / 'atlas.tsv'
    table.write_text(table.read_text().replace('Two', 'Three'))
    expect_again(call, asked, 'look-up table of atlas A has changed')
    monkeypatch.setattr('nipype_labels.__version__', '99.0')
    expect_again(call, asked, 'nipype_labels changed from ')


def test_mixed_parameters_and_unknown_files_are_named(small_dataset, call):
    write(small_dataset / 'fmriprep' / 'sub-03' / 'func' / f'sub-03_task-rest_{MNI}_{PREPROC}')
    asked = ask(small_dataset, '--no-mask')
    out = small_dataset / 'out'
    assert call(*asked)[0] == 0
    assert call(*asked, '--participant-label', '03', '--high-pass', '0.02')[0] == 0
    (out / 'sub-01' / 'func' / 'sub-01_task-old_timeseries.tsv').write_text('A\n')
    path = out / 'manifests' / f'sub-02_task-rest_{MNI}.json'
    manifest = json.loads(path.read_text())
    manifest['Software']['scipy'] = '0.9.1'
    manifest['Atlases']['A']['Digest'] = '0' * 32
    path.write_text(json.dumps(manifest))
    status, printed, said = call('verify', str(out))
    assert status == 1
    # Each run differs in something from the first one.
    assert 'sub-01/func/sub-01_task-old_timeseries.tsv is not in a manifest' in printed
    assert 'scipy is 0.9.1, not ' in printed
    assert '--high-pass is 0.02, not None as in most runs' in printed
    assert f'manifests/{path.name}: the image of atlas A is not that of most runs' in printed
    assert said.startswith('manifests: 3, files: ')
    status, _, said = call('verify', str(small_dataset / 'fmriprep'))
    assert status == 2
    assert 'made by fMRIPrep' in said


def test_the_page_of_a_participant_whose_runs_failed_is_known(small_dataset, call):
    next(small_dataset.glob('fmriprep/sub-02/func/*_mask.nii.gz')).unlink()
    out = small_dataset / 'out'
    assert call(*[word for word in ask(small_dataset) if word != '--no-reports'])[0] == 1
    assert (out / 'sub-02.html').is_file()
    assert not (out / 'sub-02').exists()
    assert call('verify', str(out))[:2] == (0, '')


def test_a_second_call_reads_manifests_only(small_dataset, call):
    """Without Nipype, in 5 ms of processor time per run."""
    asked = ask(small_dataset)
    assert call(*asked)[0] == 0
    out, func = small_dataset / 'out', small_dataset / 'fmriprep' / 'sub-01' / 'func'
    n_runs = 100
    (manifest,) = out.glob('manifests/sub-01*')
    for i in range(n_runs):
        for path in (*func.glob('*_task-rest_*'), *out.glob('sub-01/func/*_task-rest_*'), manifest):
            copy = path.with_name(path.name.replace('task-rest', f'task-{i}'))
            if path == manifest:
                copy.write_text(path.read_text().replace('task-rest', f'task-{i}'))
                write_times(copy, small_dataset)
            else:
                shutil.copy(path, copy)
    script = (
        'import sys\nfrom nipype_labels.cli.main import main\n'
        'status = main(sys.argv[1:])\nassert "nipype" not in sys.modules\nsys.exit(status)\n'
    )
    began = os.times()
    done = subprocess.run([sys.executable, '-c', script, *asked], capture_output=True, text=True)
    ended = os.times()
    seconds = ended.children_user + ended.children_system - began.children_user - began.children_system
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].startswith(f'{n_runs + 2} of {n_runs + 2} runs are done')
    assert seconds < 2 + 0.005 * n_runs


def write_times(path, folder):
    """Enter the times and digests of copied files into a copied manifest."""
    content = json.loads(path.read_text())
    for section, root in (('Inputs', folder / 'fmriprep'), ('Outputs', folder / 'out')):
        for name, entry in content[section].items():
            status = (root / name).stat()
            entry['Times'] = [status.st_mtime_ns, status.st_ctime_ns]
    path.write_text(json.dumps(content))
