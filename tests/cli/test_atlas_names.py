# SPDX-License-Identifier: BSD-3-Clause
"""Atlases by name in the command: the files that are used, what is printed, and each message."""

import json
import shutil
import sys

import pytest
from atlas_cases import TEMPLATE, make_atlases, make_home, name_schaefer
from named_cases import BRAIN, MNI, PREPROC, TABLE, describe, write, write_atlas

from nipype_labels.files.tables import read_signals

NAME = 'Schaefer2018:100Parcels7Networks'
RUN = f'sub-01_task-rest_{MNI}'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A dataset of one run, and TemplateFlow with one image."""
    describe(tmp_path / 'fmriprep')
    for name in (f'{RUN}_{PREPROC}', f'{RUN}_{BRAIN}', f'sub-01_task-rest_{TABLE}'):
        write(tmp_path / 'fmriprep' / 'sub-01' / 'func' / name)
    home = make_home(tmp_path / 'templateflow')
    write_atlas(tmp_path / 'atlas.nii.gz')
    shutil.copy(tmp_path / 'atlas.nii.gz', home / name_schaefer())
    monkeypatch.setenv('TEMPLATEFLOW_HOME', str(home))
    monkeypatch.setenv('HTTPS_PROXY', 'http://127.0.0.1:9')  # no network
    return tmp_path


def ask(folder, *more):
    return ['derivatives', str(folder / 'fmriprep'), str(folder / 'out'), 'participant', '--no-reports', *more]


@pytest.mark.slow
def test_atlases_are_found_in_the_space_and_resolution_of_the_series(folder, call):
    image = folder / 'templateflow' / name_schaefer()
    table = image.with_name(image.name.replace('_res-02', '').replace('.nii.gz', '.tsv'))
    status, _, said = call(*ask(folder, '--atlas', NAME, '--atlas', f'mine={folder}/atlas.nii.gz'))
    assert status == 0, said
    assert said.splitlines()[:2] == [f'space: {TEMPLATE}:res-2', f'--atlas {NAME}: {image} (TemplateFlow)']
    names, values = {}, {}
    for atlas in ('Schaefer2018Desc100Parcels7Networks', 'mine'):
        end = f'atlas-{atlas}_res-2_stat-mean_timeseries.tsv'
        names[atlas], values[atlas] = read_signals(folder / 'out/sub-01/func' / f'{RUN.replace("_res-2", "")}_{end}')
    rows = [line.split('\t') for line in table.read_text().splitlines()]
    assert names['Schaefer2018Desc100Parcels7Networks'] == [row[rows[0].index('name')] for row in rows[1:]]
    assert (values['Schaefer2018Desc100Parcels7Networks'][:, :2] == values['mine']).all()
    assert call(*ask(folder, '--atlas', NAME, '--atlas', f'mine={folder}/atlas.nii.gz'))[0] == 0


@pytest.mark.slow
def test_the_description_of_an_atlas_is_copied_from_its_dataset(folder, call):
    image = make_atlases(folder / 'atlases') / f'tpl-{TEMPLATE}' / f'tpl-{TEMPLATE}_atlas-Lausanne_scale-2_res-02_dseg'
    shutil.copy(folder / 'atlas.nii.gz', f'{image}.nii.gz')
    source, copy = folder / 'atlases/atlas-Lausanne_description.json', folder / 'out/atlas-small_description.json'
    arguments = ask(folder, '--atlas', 'small=Lausanne:scale-2', '--datasets', f'own={folder}/atlases')
    # BIDS requires a license, which is not made up.
    source.write_text('{"Name": "Multi-scale"}')
    assert call(*arguments)[0] == 0
    assert not copy.exists()
    source.write_text('{"Name": "Multi-scale", "BIDSVersion": "1.9.0", "License": "CC0", "Authors": ["Cammoun L"]}')
    shutil.rmtree(folder / 'out')
    assert call(*arguments)[0] == 0
    expected = {'AtlasName': 'Multi-scale', 'License': 'CC0', 'Authors': ['Cammoun L']}
    assert json.loads(copy.read_text()) == expected
    copy.write_text(json.dumps(expected | {'License': 'Corrected'}))
    shutil.rmtree(folder / 'out/manifests')
    assert call(*arguments)[0] == 0
    assert json.loads(copy.read_text())['License'] == 'Corrected'


@pytest.mark.slow
def test_a_dataset_precedes_templateflow_and_takes_a_name_and_a_table(folder, call):
    make_atlases(folder / 'atlases')
    (folder / 'lut.tsv').write_text('index\tname\n1\tEins\n2\tZwei\n')
    more = ('--lut', str(folder / 'lut.tsv'), '--datasets', f'own={folder}/atlases', '--dry-run')
    status, out, said = call(*ask(folder, '--atlas', 'small=Lausanne:scale-2', *more))
    assert status == 0, said
    assert '\n1 run of 1 participant × 1 atlas: 0 complete, 1 missing\n' in out
    assert f'tpl-{TEMPLATE}_atlas-Lausanne_scale-2_res-02_dseg.nii.gz (own)' in said
    bold = folder / 'fmriprep/sub-01/func' / f'{RUN}_{PREPROC}'
    asked = ('extract', str(bold), '-o', str(folder / 'one'), '--datasets', str(folder / 'atlases'))
    status, _, said = call(*asked, '--atlas', 'Lausanne:1', '--labels', 'A', 'B', '-o', str(folder / 'two'))
    assert status == 0, said
    assert next((folder / 'two').glob('*/timeseries.tsv')).read_text().startswith('A\tB\n')
    status, _, said = call(*asked, '--atlas', 'Lausanne:2', '--lut', str(folder / 'lut.tsv'), '--atlas', 'Lausanne:1')
    assert status == 0, said
    assert '--atlas Lausanne:1: ' in said
    assert '_scale-1_res-02_dseg.nii.gz (atlases)' in said
    heads = {path.read_text().partition('\n')[0] for path in (folder / 'one').glob('*/timeseries.tsv')}
    assert heads == {'Eins\tZwei', 'One\tTwo'}


@pytest.mark.parametrize(
    ('more', 'message'),
    [
        (
            ['--atlas', 'HOCPA'],
            f'error: --atlas HOCPA: 3 atlases match in {TEMPLATE}:res-2 (TemplateFlow). '
            'Pass one of: --atlas HOCPA:th0, --atlas HOCPA:th25, --atlas HOCPA:th50\n',
        ),
        (
            ['--atlas', 'HOCPA:th25'],
            f"run: python -c \"from templateflow.api import get; get('{TEMPLATE}', atlas='HOCPA', desc='th25', "
            "suffix='dseg')\". For computers without network, copy the folder ",
        ),
        (['--atlas', 'x=Nothing'], 'error: --atlas Nothing: no such atlas in the space'),
        (['--atlas', 'AAL.nii'], 'AAL.nii: file not found'),
        (['--atlas', NAME, '--datasets', 'own=nowhere'], 'error: --datasets own=nowhere: no such folder'),
        (
            ['--atlas', NAME, '--datasets', 'a=.', 'a=..'],
            'error: two --datasets are named a. Pass --datasets NAME=PATH',
        ),
        (['--atlas', 'atlas.nii.gz', '--datasets', '.'], 'error: --datasets given, but no --atlas is the name of an'),
        ([], 'error: derivatives needs an --atlas'),
    ],
)
def test_messages_name_the_option_to_pass(folder, call, more, message):
    status, _, said = call(*ask(folder, *more))
    assert status == 2
    assert message in said


def test_extract_needs_the_space_in_the_name_of_the_series(folder, call):
    write(folder / 'sub-01_task-rest_bold.nii.gz')
    for bold in ('sub-01_task-rest_bold.nii.gz', 'atlas.nii.gz'):
        status, _, said = call('extract', str(folder / bold), '-o', str(folder / 'one'), '--atlas', NAME)
        assert status == 2
        assert f'error: --atlas {NAME}: the name of BOLD has no space-. Pass the path of an image' in said


def test_atlases_lists_names_that_can_be_passed(folder, call):
    make_atlases(folder / 'atlases')
    status, out, said = call('atlases', TEMPLATE, '--datasets', f'own={folder}/atlases')
    assert (status, said) == (0, '')
    lines = [line.split('\t') for line in out.splitlines()]
    assert lines[0] == ['space', 'atlas', 'dataset', 'resolutions']
    assert [TEMPLATE, 'Lausanne:scale-1', 'own', '01,02'] in lines
    assert [TEMPLATE, NAME, 'TemplateFlow', '01,02'] in lines
    assert {line[0] for line in lines[1:]} == {TEMPLATE}
    assert [TEMPLATE, 'Maps', 'own', 'n/a'] in lines
    assert [TEMPLATE, 'DiFuMo:64dimensions', 'TemplateFlow', '02,03'] in lines
    every = call('atlases', '--datasets', f'own={folder}/atlases')[1]
    assert 'MNIInfant:cohort-2\tLausanne\town\tn/a\n' in every
    assert call('atlases', 'MNIInfant', '--datasets', f'own={folder}/atlases')[1].splitlines()[1:] == [
        'MNIInfant:cohort-2\tLausanne\town\tn/a'
    ]
    status, _, said = call('atlases', 'T1w')
    assert status == 2
    assert 'error: no atlas is available in the space T1w. Spaces: MNI152' in said


def test_atlases_of_datasets_are_listed_without_templateflow(folder, call, monkeypatch):
    monkeypatch.setitem(sys.modules, 'templateflow', None)
    install = 'TemplateFlow is not installed. Run: pip install ".[templateflow]" in a checkout of nipype_labels'
    own = ('--datasets', f'own={make_atlases(folder / "atlases")}')
    status, out, said = call('atlases', 'MNIInfant', *own)
    assert (status, out.splitlines()[1:]) == (0, ['MNIInfant:cohort-2\tLausanne\town\tn/a'])
    assert said == f'note: only atlases of --datasets are listed. {install}\n'
    status, _, said = call('atlases', 'MNIInfant')
    assert (status, f'error: {install}, or pass the path of an image, or a folder of' in said) == (2, True)
    (folder / 'empty').mkdir()
    status, _, said = call('atlases', '--datasets', f'own={folder / "empty"}')
    assert (status, 'error: no atlas is available. The names of files' in said) == (2, True)
