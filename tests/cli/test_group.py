# SPDX-License-Identifier: BSD-3-Clause
"""Tables of all runs: only intact and equal derivatives are in one table; all others are named or refused."""

import hashlib
import json
import shutil

import pytest
from named_cases import BRAIN, MNI, PREPROC, ask, describe, write, write_atlas

from nipype_labels.cli.main import main

pytestmark = [pytest.mark.timeout(200), pytest.mark.slow]

MATRIX, COVERAGE = 'stat-correlation_relmat.tsv', 'stat-coverage_bold.tsv'


@pytest.fixture(scope='session')
def derived(tmp_path_factory):
    """Derivatives of three participants, to copy."""
    folder = tmp_path_factory.mktemp('derived')
    describe(folder / 'fmriprep')
    for participant in ('01', '02', '03'):
        for name in (PREPROC, BRAIN):
            path = folder / 'fmriprep' / f'sub-{participant}' / 'func' / f'sub-{participant}_task-rest_{MNI}_{name}'
            write(path)
    write_atlas(folder / 'atlas.nii.gz')
    assert main(ask(folder, '--connectivity', 'correlation')) == 0
    return folder


@pytest.fixture
def out(derived, tmp_path, monkeypatch):
    shutil.copytree(derived, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / 'out'


def collect(call, out, *more):
    return call('derivatives', str(out.parent / 'fmriprep'), str(out), 'group', *more)


def find(out, participant, end):
    (path,) = out.glob(f'sub-{participant}/func/*{end}')
    return path


def read_rows(out, end):
    (path,) = out.glob(f'group/*{end}')
    return [line.split('\t')[0] for line in path.read_text().splitlines()[1:]]


def rewrite(path, content, out):
    """Write an output and its manifest, as if the level participant had written this content."""
    path.write_text(content)
    (place,) = out.glob(f'manifests/{path.name.partition("_")[0]}_*')
    manifest = json.loads(place.read_text())
    entry = manifest['Outputs'][path.relative_to(out).as_posix()]
    entry.update(Size=len(content), Digest=hashlib.sha256(content.encode()).hexdigest())
    place.write_text(json.dumps(manifest))


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
    assert read_rows(out, MATRIX) == ['sub-01_task-rest', 'sub-03_task-rest']
    assert 'has 2 of 3 runs; missing: sub-02_task-rest' in said


def test_runs_without_a_manifest_are_excluded_and_named(out, call):
    (place,) = out.glob('manifests/sub-03_*')
    place.unlink()
    status, _, said = collect(call, out)
    assert status == 1
    assert f'{find(out, "03", MATRIX).name} is excluded: it is not in a manifest' in said
    assert read_rows(out, COVERAGE) == ['sub-01_task-rest', 'sub-02_task-rest']


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


def test_a_region_without_values_is_symmetric(out, call):
    rewrite(find(out, '02', MATRIX), 'One\tTwo\n1.0\tn/a\nn/a\tn/a\n', out)
    assert collect(call, out)[0] == 0
    assert read_rows(out, MATRIX) == [f'sub-0{i}_task-rest' for i in (1, 2, 3)]


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
    assert 'stat-correlation_desc-y_relmat.tsv has 1 of 3 runs; missing: sub-02_task-rest, sub-03_task-rest' in said


def test_options_that_would_be_ignored_are_refused(out, call):
    status, _, said = collect(call, out, '--nprocs', '2', '--no-mask', '--low-pass', '0.1')
    assert status == 2
    assert all(option in said for option in ('--nprocs', '--no-mask', '--low-pass'))
    assert 'the level group takes no options' in said
