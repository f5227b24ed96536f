# SPDX-License-Identifier: BSD-3-Clause
"""Outputs next to those of an earlier command in one folder: consistent, or replaced with a message, or refused."""

import shutil
from pathlib import Path

import nibabel
import pytest

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]


@pytest.fixture
def extract(small, call):
    """Run the command on the small series; its status and the last lines that it printed."""

    def run(*arguments, atlas=small.atlas, out=small.out):
        status, _, said = call('extract', str(small.bold), '--atlas', str(atlas), '-o', str(out), *map(str, arguments))
        return status, [line for line in said.splitlines() if not line.startswith('[') and 'look-up table' not in line]

    return run


@pytest.fixture
def other(small):
    """Another atlas, of another name."""
    return Path(shutil.copy(small.other, small.out.with_name('other.nii.gz')))


def test_another_atlas_by_the_same_options_joins_the_first(extract, other, small):
    assert extract('--detrend')[0] == 0
    before = (small.out / 'atlas' / 'timeseries.tsv').read_bytes()
    status, said = extract('--detrend', atlas=other)
    assert (status, len(said)) == (0, 1)
    assert (small.out / 'atlas' / 'timeseries.tsv').read_bytes() == before
    assert (small.out / 'other' / 'timeseries.tsv').is_file()


@pytest.mark.parametrize('option', ['--detrend', '--high-variance-confounds'])
def test_another_atlas_by_other_options_is_refused(option, extract, other, small):
    """The cleaning.json of the new time series would be wrong for the old ones."""
    assert extract()[0] == 0
    before = {path: path.read_bytes() for path in small.out.glob('*.*')}
    status, said = extract(option, atlas=other)
    assert status == 2
    assert 'time series of other atlases (atlas), which the new cleaning.json would contradict' in said[-1]
    assert f'delete {small.out / "atlas"}' in said[-1]
    assert {path: path.read_bytes() for path in small.out.glob('*.*')} == before
    shutil.rmtree(small.out / 'atlas')
    assert extract(option, atlas=other)[0] == 0


def test_another_atlas_on_another_series_is_refused(extract, other, small):
    assert extract()[0] == 0
    shutil.copy(small.bold, small.bold.with_name('first.nii.gz'))
    image = nibabel.load(small.bold.with_name('first.nii.gz'))
    nibabel.save(nibabel.Nifti1Image(image.get_fdata() + 1, image.affine, image.header), small.bold)
    status, said = extract(atlas=other)
    assert status == 2
    assert 'mean.nii.gz' in said[-1]


def test_outputs_that_are_replaced_or_removed_are_named(extract, small):
    assert len(extract('--project', 'labels')[1]) == 1
    assert len(extract('--project', 'labels')[1]) == 1
    _, said = extract('--detrend')
    assert len(said) == 2
    assert said[0] == (
        f'WARNING: {small.out}: outputs of other inputs or options: replaced atlas/timeseries.tsv, cleaning.json; '
        'removed atlas/projected.nii.gz'
    )


GIVEN = [
    ('censoring.tsv', '--sample-mask'),
    ('high_variance_confounds.tsv', '--confounds'),
    ('atlas/regions.tsv', '--lut'),
]


@pytest.mark.parametrize(('name', 'option'), GIVEN)
def test_an_output_that_is_given_as_an_input_is_refused(name, option, extract, small):
    """The input would be replaced, or removed, while it is read."""
    assert extract('--high-variance-confounds')[0] == 0
    before = (small.out / name).read_bytes()
    status, said = extract(option, small.out / name)
    assert status == 2
    assert f'{small.out / name} is given as {option}, and would be replaced: choose another --out' in said[-1]
    assert (small.out / name).read_bytes() == before


def test_a_series_of_the_output_folder_is_refused(call, extract, small):
    assert extract()[0] == 0
    mean = small.out / 'mean.nii.gz'
    status, _, said = call('extract', str(mean), '--atlas', str(small.other), '-o', str(small.out))
    assert status == 2
    assert 'is given as BOLD' in said


def test_home_is_expanded_where_the_shell_does_not(call, small, monkeypatch):
    home = small.out.with_name('home')
    home.mkdir()
    monkeypatch.setenv('HOME', str(home))
    shutil.copy(small.bold, home / 'bold.nii.gz')
    shutil.copy(small.lut, home / 'lut.tsv')
    asked = ('extract', '~/bold.nii.gz', f'--atlas={small.atlas}', '--lut=~/lut.tsv', '--out=~/x', '--work-dir=~/w')
    assert call(*asked)[0] == 0
    assert sorted(path.name for path in home.iterdir()) == ['bold.nii.gz', 'lut.tsv', 'w', 'x']
    assert not Path('~').exists()


def test_a_misspelt_choice_gets_a_suggestion(call, small):
    status, _, said = call('extract', str(small.bold), '--atlas', str(small.atlas), '-o', 'out', '--strategy', 'medain')
    assert status == 2
    assert "did you mean 'median'?" in said
    _, _, said = call('extract', str(small.bold), '--atlas', str(small.atlas), '-o', 'out', '--plugin', 'MultiPrc')
    assert "did you mean 'MultiProc'?" in said
