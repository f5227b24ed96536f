# SPDX-License-Identifier: BSD-3-Clause
"""Datasets with traps: each series is processed with its own files or named, and the last line counts all of them."""

import ctypes
import json
import os
import re
import shutil
import subprocess

import nibabel
import numpy as np
import pandas as pd
import pytest
from named_cases import BRAIN, MNI, PREPROC, TABLE, ask, describe, make_runs, write, write_atlas
from numpy.testing import assert_allclose
from program import PROGRAM

from nipype_labels.bids.names import build_name, parse_name
from nipype_labels.files.tables import read_signals

pytestmark = [pytest.mark.timeout(200), pytest.mark.slow]

#: From Linux' prctl.h and capability.h.
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


@pytest.fixture
def folder(tmp_path):
    describe(tmp_path / 'fmriprep')
    write_atlas(tmp_path / 'atlas.nii.gz')
    yield tmp_path
    (tmp_path / 'fmriprep' / 'sub-02').chmod(0o700)


def drop_rights():
    """Apply permissions of files to root too."""
    libc = ctypes.CDLL(None)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability)


def run_unprivileged(*arguments):
    """Run the command as a user who may not read everything."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        preexec_fn=drop_rights if os.geteuid() == 0 else None,
    )


def expect(root, run, at):
    """Region means over the voxels in the mask of the run, before denoising."""
    labels = np.asarray(nibabel.load(root.parent / 'atlas.nii.gz').dataobj)
    bold = nibabel.load(root / at / f'{run}_{PREPROC}').get_fdata()
    brain = np.asarray(nibabel.load(root / at / f'{run}_{BRAIN}').dataobj) > 0
    return np.stack([bold[(labels == i) & brain].mean(axis=0) for i in (1, 2)], axis=1)


LABELS = ('a_part-mag', 'a_part-phase', 'b_chunk-1', 'b_chunk-2', 'c', 'd_foo-x', 'e')

#: Runs that can be processed, two of them at another resolution of the same run.
GOOD = [*(f'sub-01_task-{label}_{MNI}' for label in LABELS), f'sub-01_task-e_{MNI[:-1]}1']


def write_traps(root):
    """Write runs of participant 01 that can be processed and that cannot, and participant 02, who cannot be read."""
    func = root / 'sub-01' / 'func'
    for run in GOOD:
        write(func / f'{run}_{PREPROC}')
        write(func / f'{run}_{BRAIN}')
        write(func / f'{run.split("_space-")[0]}_{TABLE}')
    for echo in (1, 2, 3):
        write(func / f'sub-01_task-c_echo-{echo}_{PREPROC}')
    write(func / f'sub-01_task-c_{MNI}_desc-smoothAROMAnonaggr_bold.nii.gz')
    twin = func / f'sub-01_task-twin_{MNI}_{PREPROC}'
    for name in (twin, twin.with_suffix(''), twin.with_name(f'sub-01_task-twin_{MNI}_{BRAIN}')):
        write(name)
    write(func / f'sub-01_task-tables_{MNI}_{PREPROC}')
    write(func / f'sub-01_task-tables_{MNI}_{BRAIN}')
    write(func / f'sub-01_task-tables_{TABLE}')
    write(func / 'sub-01_task-tables_desc-confounds_regressors.tsv')
    write(func / f'sub-01_task-unmasked_run-1_{MNI}_{PREPROC}')
    write(func / f'sub-01_task-unmasked_{MNI}_{BRAIN}')
    write(func / f'sub-01_task-unmasked_run-1_{TABLE}')
    with open(bytes(func) + f'/sub-01_task-r\udce9st_{MNI}_{PREPROC}'.encode('utf-8', 'surrogateescape'), 'wb'):  # noqa: PTH123
        pass
    write(root / 'sub-02' / 'func' / f'sub-02_task-a_{MNI}_{PREPROC}')
    (root / 'sub-02').chmod(0)


def test_every_series_is_processed_with_its_own_files_or_named(folder):
    root = folder / 'fmriprep'
    write_traps(root)
    out = folder / 'out'
    asked = ['derivatives', root, out, 'participant', '--atlas', f'A={folder}/atlas.nii.gz', '--no-reports']
    spaces = ['--space', *(f'MNI152NLin2009cAsym:res-{res}' for res in (1, 2))]
    done = run_unprivileged(*asked, *spaces, '--confounds-columns', 'trans_x')
    said = done.stderr.splitlines()
    assert done.returncode == 1
    assert said[-1] == (
        f'8 of 11 runs are done, in {out}; 17 series found: 8 done, 5 not done, 1 of other descriptions (--bold-desc), '
        '3 not selected by --space; 1 folder or file could not be read'
    )
    named = '\n'.join(said)
    for words in (
        rf'sub-01_task-twin_{MNI}: .* more than one series: \S+\.nii and \S+\.nii\.gz\. Keep one|'
        rf'sub-01_task-twin_{MNI}: .* more than one series: \S+\.nii\.gz and \S+\.nii\. Keep one',
        rf'sub-01_task-tables_{MNI}: .* more than one confounds table: \S+_regressors\.tsv and \S+_timeseries\.tsv',
        rf'sub-01_task-unmasked_run-1_{MNI}: .* has no brain mask: \S+ does not exist\. Pass --no-mask',
        r'sub-01/func/sub-01_task-r\\xe9st_\S+: the path is not UTF-8',
        r'sub-02: cannot be read: Permission denied',
    ):
        assert re.search(words, named), words
    written = {path.name for path in out.glob('sub-*/func/*desc-raw_timeseries.tsv')}
    assert len(written) == len(GOOD)
    for run in GOOD:
        entities = parse_name(f'{run}_bold.nii.gz')[0] | {'atlas': 'A', 'stat': 'mean'}
        columns, raw = read_signals(
            out / 'sub-01/func' / build_name(entities | {'desc': 'raw'}, 'timeseries', '.tsv'),
        )
        assert columns == ['One', 'Two']
        assert_allclose(raw, expect(root, run, 'sub-01/func'), rtol=1e-6)
        sidecar = json.loads((out / 'sub-01/func' / build_name(entities, 'timeseries', '.json')).read_text())
        sources = [source.rpartition('/')[2] for source in sidecar['Sources']]
        assert f'{run}_{BRAIN}' in sources
        assert f'{run.split("_space-")[0]}_{TABLE}' in sources

    grouped = run_unprivileged('derivatives', root, out, 'group')
    assert grouped.returncode == 0, grouped.stderr
    name = 'space-MNI152NLin2009cAsym_atlas-A_res-1/coverage.tsv'
    assert f'{name} has 1 of 7 runs; missing: sub-01_task-a_part-mag, ' in grouped.stderr
    assert re.findall(r'task-([a-z]+)\S* failed: ', grouped.stderr) == ['tables', 'twin', 'unmasked']
    assert grouped.stderr.splitlines()[-1] == f'wrote 7 runs in 2 folders to {out}/group'
    table = pd.read_csv(out / 'group' / 'space-MNI152NLin2009cAsym_atlas-A_res-2' / 'coverage.tsv', sep='\t')
    rows = list(table['run_name'].unique())
    assert rows == sorted(run.split('_space-')[0] for run in GOOD if run.endswith('res-2'))


@pytest.fixture
def small_dataset(tmp_path):
    return make_runs(tmp_path, ['01'])


@pytest.mark.parametrize('out', ['fmriprep', 'fmriprep/sub-01', 'linked', 'fmriprep/../fmriprep/'])
@pytest.mark.parametrize('option', ['OUT', '--work-dir'])
def test_the_input_dataset_is_never_written_into(out, option, small_dataset, call):
    (small_dataset / 'linked').symlink_to(small_dataset / 'fmriprep')
    before = sorted(small_dataset.rglob('*'))
    arguments = ask(small_dataset, *(['--work-dir', str(small_dataset / out)] if option != 'OUT' else []))
    if option == 'OUT':
        arguments[2] = str(small_dataset / out)
    for more in ([], ['--dry-run']):
        status, _, said = call(*arguments, *more)
        assert status == 2
        assert f'{option} {small_dataset}' in said
        assert 'Choose another folder' in said
    assert sorted(small_dataset.rglob('*')) == before


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ('{"Name": "x", "GeneratedBy": [{"Name": "fMRIPrep"}]}', 'made by fMRIPrep'),
        ('{"Name": "x", "GeneratedBy": 3}', 'made by unknown software'),
        ('{"GeneratedBy": [{"Name": "nipype_labels"}], "DatasetLinks": ["a"]}', 'DatasetLinks must be an object'),
        ('{', 'cannot be read as JSON'),
    ],
)
def test_an_output_folder_of_another_dataset_is_refused_before_anything_runs(content, words, small_dataset, call):
    out = small_dataset / 'out'
    out.mkdir()
    (out / 'dataset_description.json').write_text(content)
    status, _, said = call(*ask(small_dataset))
    assert status == 2
    assert re.search(rf'out/dataset_description\.json.*{words}', said)
    assert [path.name for path in out.iterdir()] == ['dataset_description.json']


def test_a_repetition_time_is_inherited(small_dataset, call):
    root = small_dataset / 'fmriprep'
    (path,) = root.glob('sub-*/func/*_bold.nii.gz')
    image = nibabel.load(path)
    image.header.set_zooms((3, 3, 3, 0))
    nibabel.Nifti1Image(np.asarray(image.dataobj), None, image.header).to_filename(path)
    (root / 'task-rest_bold.json').write_text('{"RepetitionTime": 3.0, "TaskName": "rest", "Offset": NaN}')
    (root / 'task-nback_bold.json').write_text('{"RepetitionTime": 9.0}')
    for expected, more in ((3.0, None), (1.5, {'RepetitionTime': 1.5})):
        if more:
            path.with_name(path.name.replace('.nii.gz', '.json')).write_text(json.dumps(more))
        assert call(*ask(small_dataset, '--high-pass', '0.02'))[0] == 0
        (sidecar,) = (small_dataset / 'out').glob('sub-01/func/*_stat-mean_timeseries.json')
        told = json.loads(sidecar.read_text())
        assert (told['RepetitionTime'], told['TaskName']) == (expected, 'rest')
    (root / 'bold.json').write_text('[]')
    status, _, said = call(*ask(small_dataset, '--high-pass', '0.02'))
    assert status == 1
    assert f'{root}/bold.json must hold a JSON object' in said


def test_sidecars_of_one_folder_that_contradict_each_other_are_named(small_dataset, call):
    root = small_dataset / 'fmriprep'
    (root / 'task-rest_bold.json').write_text('{"RepetitionTime": 3.0}')
    (root / 'space-MNI152NLin2009cAsym_bold.json').write_text('{"RepetitionTime": 2.0}')
    status, _, said = call(*ask(small_dataset))
    assert status == 1
    assert re.search(r'RepetitionTime is 2\.0 in \S+/space-\S+_bold\.json and 3\.0 in \S+/task-rest_bold\.json', said)


def test_contradictory_repetition_times_name_the_sidecars_to_correct(small_dataset, call):
    """The command has no --tr: runs of a dataset may have different repetition times."""
    root = small_dataset / 'fmriprep'
    (series,) = root.glob('sub-*/func/*_bold.nii.gz')
    own, of_task = series.with_name(series.name.replace('.nii.gz', '.json')), root / 'task-rest_bold.json'
    of_task.write_text('{"RepetitionTime": 3.0}')
    own.write_text('{"TaskName": "rest"}')
    status, _, said = call(*ask(small_dataset, '--high-pass', '0.02'))
    assert status == 1
    remedy = 'the header says 2 s. Correct RepetitionTime (in seconds) in'
    assert f'{remedy} {of_task} or {own} (log: ' in said
    assert '--tr' not in said
    status, _, said = call(*ask(small_dataset))
    assert (status, f'{remedy} the sidecar; without it, ' in said, '--tr' in said) == (0, True, False)


def test_series_of_another_description_are_processed_on_request(small_dataset, call):
    (path,) = (small_dataset / 'fmriprep').glob('sub-*/func/*_bold.nii.gz')
    other = path.with_name(path.name.replace('preproc', 'smoothAROMAnonaggr'))
    shutil.copy(path, other)
    assert call(*ask(small_dataset, '--bold-desc', 'smoothAROMAnonaggr'))[0] == 0
    (sidecar,) = (small_dataset / 'out').glob('sub-01/func/*_desc-mean_boldref.json')
    assert other.name in sidecar.read_text()
    path.unlink()
    status, _, said = call(*ask(small_dataset))
    assert status == 0
    assert 'series are desc-smoothAROMAnonaggr' in said
    status, said, _ = call(*ask(small_dataset, '--dry-run'))
    assert said.splitlines()[-1] == '1 series found'
    assert 'series are desc-smoothAROMAnonaggr' in said
