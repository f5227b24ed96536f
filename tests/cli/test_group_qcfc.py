# SPDX-License-Identifier: BSD-3-Clause
"""QC-FC of the command is that of scipy, from the files of the runs; where it is not defined, the reason is named."""

import shutil
from pathlib import Path
from xml.etree import ElementTree

import nibabel
import numpy as np
import pandas as pd
import pytest
from group_cases import MATRIX, collect, find, read
from named_cases import AFFINE, BRAIN, MNI, N_VOLUMES, PREPROC, SHAPE, TABLE, ask, describe, write
from scipy import ndimage, stats

from nipype_labels.cli.main import main

pytestmark = [pytest.mark.timeout(200), pytest.mark.slow]


@pytest.fixture(scope='session')
def moving(tmp_path_factory):
    """Derivatives of six regions in two runs of five participants; two have no displacement in the second run."""
    folder, rng = tmp_path_factory.mktemp('moving'), np.random.default_rng(6)
    describe(folder / 'fmriprep')
    for participant in range(1, 6):
        for task in ('nback', 'rest'):
            start = folder / 'fmriprep' / f'sub-0{participant}' / 'func' / f'sub-0{participant}_task-{task}'
            for name in (PREPROC, BRAIN):
                write(Path(f'{start}_{MNI}_{name}'))
            displacement = ['n/a', *map(str, rng.gamma(2, 0.1, N_VOLUMES - 1))]
            if task == 'rest' and participant > 3:
                displacement = ['n/a'] * N_VOLUMES
            Path(f'{start}_{TABLE}').write_text('\n'.join(['framewise_displacement', *displacement]) + '\n')
    labels = np.arange(np.prod(SHAPE)).reshape(SHAPE) % 6 + 1
    nibabel.Nifti1Image(labels.astype('uint8'), AFFINE).to_filename(folder / 'atlas.nii.gz')
    names = ''.join(f'{i}\tR{i}\n' for i in range(1, 7))
    (folder / 'atlas.tsv').write_text(f'index\tname\n{names}')
    assert main(ask(folder, '--connectivity', 'correlation', '--no-mask')) == 0
    return folder


@pytest.fixture
def out(moving, tmp_path, monkeypatch):
    shutil.copytree(moving, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / 'out'


def hide(out, *names):
    """Remove manifests, as if these runs had not been processed."""
    for name in names:
        (path,) = out.glob(f'manifests/{name}_*')
        path.unlink()


def test_qc_fc_is_the_correlation_with_motion_of_each_task(out, call):
    assert collect(call, out, '--qc-fc')[0] == 0
    image = nibabel.load(out.parent / 'atlas.nii.gz')
    labels = np.asarray(image.dataobj)
    centres = [image.affine @ [*ndimage.center_of_mass(labels == i), 1] for i in range(1, 7)]
    summary = read(out, 'qcfc.tsv').set_index('runs')
    for task, participants in (('nback', ('01', '02', '03', '04', '05')), ('rest', ('01', '02', '03'))):
        matrices, motion = [], []
        for participant in participants:
            matrices.append(pd.read_csv(find(out, participant, f'task-{task}_*{MATRIX}'), sep='\t').to_numpy())
            (table,) = (out.parent / 'fmriprep').glob(f'sub-{participant}/func/*_task-{task}_{TABLE}')
            motion.append(pd.read_csv(table)['framewise_displacement'].mean())
        edges = read(out, f'qcfc_task-{task}.tsv')
        assert len(edges) == 15
        for edge in edges.itertuples():
            i, j = edge.index_1 - 1, edge.index_2 - 1
            expected = stats.pearsonr(motion, [matrix[i, j] for matrix in matrices])
            assert (edge.r, edge.p) == pytest.approx(tuple(expected), rel=1e-4)
            assert (edge.n, edge.distance) == (len(motion), pytest.approx(np.linalg.norm(centres[i] - centres[j])))
        row = summary.loc[f'task-{task}']
        assert (row.n_participants, row.n_without_fd, row.n_edges) == (len(motion), 5 - len(motion), 15)
        assert row.median_absolute_r == pytest.approx(edges.r.abs().median())
        assert row.distance_rho == pytest.approx(stats.spearmanr(edges.r, edges.distance).statistic)
        (figure,) = out.glob(f'group/*/qcfc_task-{task}.svg')
        ElementTree.parse(figure)


def test_a_set_of_too_few_participants_is_named_and_refused_if_it_is_the_only_one(out, call):
    hide(out, 'sub-01_task-rest')
    status, _, said = collect(call, out, '--qc-fc')
    words = '2 participants have a mean framewise displacement, but QC-FC needs at least 3'
    assert status == 1
    assert f'no QC-FC of task-rest in space-MNI152NLin2009cAsym_atlas-A_res-2: {words}' in said
    assert read(out, 'qcfc.tsv').reason.fillna('').tolist() == ['', words]
    assert not list(out.glob('group/*/qcfc_task-rest*'))
    hide(out, *(f'sub-0{i}_task-nback' for i in range(1, 6)))
    status, _, said = collect(call, out, '--qc-fc')
    assert status == 2
    assert said.startswith(
        f'nipype-labels: error: no QC-FC of task-rest in space-MNI152NLin2009cAsym_atlas-A_res-2: {words}'
    )
    assert len(read(out, 'qc.tsv')) == 10


def test_qc_fc_of_an_earlier_call_is_removed(out, call):
    assert collect(call, out, '--qc-fc')[0] == 0
    assert collect(call, out)[0] == 0
    assert not list(out.glob('group/*/qcfc*'))


def test_damaged_label_images_are_refused(out, call):
    for path in out.glob('sub-*/func/*_dseg.nii.gz'):
        path.write_bytes(b'x')
    status, _, said = collect(call, out, '--qc-fc')
    assert status == 2
    assert '_dseg.nii.gz differs from what was written. Run the level participant again' in said


def test_qc_fc_needs_connectivity_and_the_level_group(out, call):
    status, _, said = call(*ask(out.parent, '--qc-fc'))
    assert (status, '--qc-fc given, but it only acts at the level group' in said) == (2, True)
    shutil.rmtree(out)
    assert call(*ask(out.parent, '--participant-label', '01', '--task', 'rest'))[0] == 0
    status, _, said = collect(call, out, '--qc-fc')
    assert status == 2
    assert 'has no connectivity for --qc-fc. Run the level participant with --connectivity first' in said
