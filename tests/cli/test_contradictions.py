# SPDX-License-Identifier: BSD-3-Clause
"""Files whose names contradict each other: a warning in the log and in the outputs."""

import json

import nibabel
import pytest
from named_cases import BRAIN, MNI, PREPROC, TABLE, ask, describe, write, write_atlas

from nipype_labels import NiftiLabelsMasker

pytestmark = pytest.mark.slow

RUN = 'sub-01_task-rest_run-1'
BOLD, OTHER_TABLE = f'{RUN}_{MNI}_{PREPROC}', f'sub-01_task-rest_run-2_{TABLE}'
ATLAS = 'tpl-MNI152NLin6Asym_atlas-x_dseg.nii.gz'
SAID = 'files that may not belong together: '
FIRST = f'{BOLD} has run-1, but {OTHER_TABLE} has run-2'
SECOND = f'{BOLD} has space-MNI152NLin2009cAsym, but {ATLAS} has tpl-MNI152NLin6Asym'


def read_notes(page):
    """Whether both warnings follow the title of a page directly."""
    text = page.read_text(encoding='utf-8')
    body = text[text.index('</h1>') :]
    return body.index(FIRST) < body.index(SECOND) < body.index('volumes retained')


def test_extract_warns_at_both_ends_and_in_its_files(tmp_path, call):
    for name in (BOLD, OTHER_TABLE):
        write(tmp_path / name)
    write_atlas(tmp_path / ATLAS)
    asked = ['extract', BOLD, '--atlas', ATLAS, '--confounds', OTHER_TABLE, '--reports', '-o', 'out']
    for _ in ('first', 'cached'):
        status, _, said = call(*asked)
        assert status == 0
        lines = said.splitlines()
        warnings = [f'WARNING: {SAID}{FIRST}', f'WARNING: {SAID}{SECOND}']
        assert lines[:2] == lines[-3:-1] == warnings
        assert said.count(SAID) == 4
    assert json.loads((tmp_path / 'out' / 'cleaning.json').read_text())['Warnings'] == [FIRST, SECOND]
    assert read_notes(tmp_path / 'out' / 'report.html')
    # The same files under names that agree: nothing is said, and no result of the other names is taken.
    (tmp_path / OTHER_TABLE).rename(tmp_path / OTHER_TABLE.replace('run-2', 'run-1'))
    (tmp_path / ATLAS).rename(tmp_path / ATLAS.replace('NLin6', 'NLin2009c'))
    asked = [word.replace('run-2', 'run-1').replace('NLin6', 'NLin2009c') for word in asked[:-1]]
    status, _, said = call(*asked, 'agreeing', '--work-dir', 'out/work')
    assert status == 0
    assert SAID not in said
    assert 'Warnings' not in json.loads((tmp_path / 'agreeing' / 'cleaning.json').read_text())


def test_derivatives_name_an_atlas_of_another_space(tmp_path, call):
    describe(tmp_path / 'fmriprep')
    for run in (RUN, 'sub-02_task-rest'):
        for name in (PREPROC, BRAIN):
            write(tmp_path / 'fmriprep' / run[:6] / 'func' / f'{run}_{MNI}_{name}')
    write_atlas(tmp_path / 'atlas.nii.gz')
    write_atlas(tmp_path / ATLAS)
    asked = [word for word in ask(tmp_path) if word != '--no-reports']
    assert SAID not in call(*asked)[2]
    asked.append(f'--atlas=B={tmp_path / ATLAS}')
    for _ in ('added later', 'cached'):
        status, _, said = call(*asked)
        assert status == 0
        line = f'WARNING: {SAID}{SECOND} (in 2 runs)'
        lines = said.splitlines()
        assert (lines[1], lines[-2]) == (line, line)
        assert said.count(SAID) == 2
    assert line in call(*asked, '--dry-run')[1]
    func = tmp_path / 'out' / 'sub-01' / 'func'
    warned = {path.name: json.loads(path.read_text()).get('Warnings') for path in func.glob('*.json')}
    assert {name for name, found in warned.items() if found} == {name for name in warned if 'atlas-B' in name}
    assert len(warned) > sum('atlas-B' in name for name in warned) > 3
    assert all(found in (None, [SECOND]) for found in warned.values())
    (page,) = func.glob('*_report.html')
    text = page.read_text(encoding='utf-8')
    assert text.index(SECOND) < text.index('volumes retained')


def test_the_masker_warns_and_reports(tmp_path):
    for name in (BOLD, OTHER_TABLE):
        write(tmp_path / name)
    write_atlas(tmp_path / ATLAS)
    masker = NiftiLabelsMasker(tmp_path / ATLAS)
    with pytest.warns(UserWarning, match=SAID) as caught:
        masker.fit_transform(tmp_path / BOLD, confounds=tmp_path / OTHER_TABLE)
    assert [str(warning.message) for warning in caught] == [SAID + FIRST, SAID + SECOND]
    assert caught[0].filename == __file__
    masker.generate_report().save_as_html(tmp_path / 'page.html')
    assert read_notes(tmp_path / 'page.html')
    loaded = NiftiLabelsMasker(nibabel.load(tmp_path / ATLAS), reports=False).fit()
    with pytest.warns(UserWarning, match=SAID) as caught:
        loaded.transform(nibabel.load(tmp_path / BOLD))
    assert [str(warning.message) for warning in caught] == [SAID + SECOND]
    with pytest.warns(UserWarning, match=SAID) as caught:
        masker.transform([str(tmp_path / BOLD)] * 2, confounds=[str(tmp_path / OTHER_TABLE)] * 2)
    assert len(caught) == 4
