# SPDX-License-Identifier: BSD-3-Clause
import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from nipype_labels.core.errors import ImageError, LabelsError, SignalError
from nipype_labels.interfaces import ApplyMask, CleanSignal, ReduceLabels
from nipype_labels.interfaces.report import LabelsReport

AFFINE = np.array([[-4.0, 0, 0, 20], [0, 4, 0, -24], [0, 0, 4, -12], [0, 0, 0, 1]])


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """Inputs of the node, made by its siblings from a small series of two regions and one that is not there."""
    folder = tmp_path_factory.mktemp('series')
    rng = np.random.default_rng(0)
    labels = np.zeros((10, 12, 8), dtype=np.int16)
    labels[2:5, 3:9, 2:6], labels[6:8, 3:9, 2:6] = 4, 9
    series = nib.Nifti1Image(rng.normal(500, 9, (10, 12, 8, 20)).astype(np.float32), AFFINE)
    series.header.set_xyzt_units('mm', 'sec')
    series.header.set_zooms((4, 4, 4, 2))
    nib.save(series, folder / 'bold.nii.gz')
    nib.save(nib.Nifti1Image(labels, AFFINE), folder / 'atlas.nii.gz')
    (folder / 'lut.tsv').write_text('index\tname\n4\tLeft <area>\n7\tNowhere\n9\tRight\n')
    masked = ApplyMask(labels_files=str(folder / 'atlas.nii.gz'), lut_files=str(folder / 'lut.tsv')).run(cwd=folder)
    reduced = ReduceLabels(
        in_file=str(folder / 'bold.nii.gz'),
        labels_files=masked.outputs.out_files,
        regions_files=masked.outputs.regions_files,
    ).run(cwd=folder)
    cleaned = CleanSignal(
        signals_files=reduced.outputs.out_files,
        standardize='zscore',
        sample_mask=[i for i in range(20) if i not in (5, 6)],
        censored_output='drop',
    ).run(cwd=folder)
    return {
        'mean_file': reduced.outputs.mean_file,
        'labels_files': masked.outputs.out_files,
        'regions_files': reduced.outputs.regions_files,
        'signals_files': reduced.outputs.out_files,
        'cleaned_files': cleaned.outputs.out_files,
        'kept_volumes_file': cleaned.outputs.kept_volumes_file,
        'cleaning_file': cleaned.outputs.cleaning_file,
    }


def report(folder, inputs):
    folder.mkdir(exist_ok=True)
    return Path(LabelsReport(**inputs).run(cwd=folder).outputs.out_file)


def test_the_siblings_outputs_become_a_report(made, tmp_path):
    path = report(tmp_path / 'node', {**made, 'title': 'One & all', 'atlas_names': ['Tiny']})
    text = path.read_text(encoding='utf-8')
    assert path == tmp_path / 'node' / 'report.html'
    assert '<h1>One &amp; all</h1>' in text
    assert '18 of 20 volumes kept; left out by <code>sample_mask</code>: 2.' in text
    assert '2 of 3 regions have a signal, 1 has none.' in text
    assert text.index('Absent from the atlas') < text.index('Nowhere') < text.index('<table>')
    assert 'Left &lt;area&gt;' in text
    assert [p.name for p in path.parent.iterdir()] == ['report.html']


def test_two_runs_give_the_same_bytes(made, tmp_path):
    assert report(tmp_path / 'a', made).read_bytes() == report(tmp_path / 'b', made).read_bytes()


def test_many_atlases_share_a_report(made, tmp_path):
    text = report(tmp_path, {**made, 'labels_files': made['labels_files'] * 3}).read_text(encoding='utf-8')
    assert [f'id="atlas-{i}"' in text for i in (1, 2, 3, 4)] == [True, True, True, False]
    assert 'href="#atlas-3">Atlas 3</a>: 2 of 3 regions' in text


def test_labels_may_be_on_another_grid(made, tmp_path):
    affine = AFFINE @ np.diag([-0.5, 0.5, 0.5, 1])
    affine[:3, 3] = [-16, -24, -12]
    labels = np.zeros((20, 24, 16), dtype=np.float32)
    labels[4:10, 6:18, 4:12] = 9
    nib.save(nib.Nifti1Image(labels, affine), tmp_path / 'fine.nii.gz')
    text = report(tmp_path, {**made, 'labels_files': str(tmp_path / 'fine.nii.gz')}).read_text(encoding='utf-8')
    assert 'aria-label="axial slice' in text


def test_a_series_of_one_volume_has_a_report(made, tmp_path):
    for name, rows in (('signals', '1.5\tn/a\t2.5\n'), ('kept', '0\ttrue\tn/a\n')):
        header = {'signals': 'Left <area>\tNowhere\tRight\n', 'kept': 'volume\tkept\treason\n'}[name]
        (tmp_path / f'{name}.tsv').write_text(header + rows)
    signals = str(tmp_path / 'signals.tsv')
    one = {'signals_files': signals, 'cleaned_files': signals, 'kept_volumes_file': str(tmp_path / 'kept.tsv')}
    assert 'no course in time' in report(tmp_path, {**made, **one}).read_text(encoding='utf-8')


def test_regions_that_were_dropped_from_the_signals_stay_in_the_report(made, tmp_path):
    (tmp_path / 'signals.tsv').write_text('Right\n' + '\n'.join(str(float(i)) for i in range(20)) + '\n')
    signals = str(tmp_path / 'signals.tsv')
    text = report(tmp_path, {**made, 'signals_files': signals, 'cleaned_files': signals}).read_text(encoding='utf-8')
    assert '1 of 3 regions have a signal, 2 have none.' in text


@pytest.mark.parametrize(
    ('name', 'content', 'error', 'message'),
    [
        ('signals_files', 'Left <area>\tNowhere\tRight\n1\t2\t3\n', SignalError, 'has 1 rows; of 20 volumes 18'),
        ('signals_files', 'Elsewhere\n' + '1.0\n' * 20, SignalError, 'Elsewhere'),
        ('cleaning_file', '[]', LabelsError, 'no JSON object'),
        ('cleaning_file', '{', LabelsError, 'no readable JSON'),
        ('kept_volumes_file', 'volume\n1\n2\n', SignalError, 'a flag for each volume'),
        ('mean_file', 'text', ImageError, 'not an image'),
    ],
    ids=['rows', 'columns', 'no object', 'no JSON', 'no flags', 'no image'],
)
def test_what_does_not_fit_is_refused_by_name(made, tmp_path, name, content, error, message):
    wrong = tmp_path / ('wrong.nii' if name == 'mean_file' else 'wrong.tsv')
    wrong.write_text(content)
    with pytest.raises(error, match=message) as caught:
        report(tmp_path, {**made, name: str(wrong)})
    assert 'wrong.' in str(caught.value)
    assert not (tmp_path / 'report.html').exists()


def test_a_mean_of_several_volumes_is_refused(made, tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3, 2)), AFFINE), tmp_path / 'four.nii')
    with pytest.raises(ImageError, match='must hold one volume'):
        report(tmp_path, {**made, 'mean_file': str(tmp_path / 'four.nii')})


def test_names_are_needed_for_all_atlases_or_none(made, tmp_path):
    with pytest.raises(LabelsError, match='2 names for 1 atlases'):
        report(tmp_path, {**made, 'atlas_names': ['A', 'B']})


def test_without_the_extra_the_error_says_how_to_get_it(made, tmp_path, monkeypatch):
    import nipype_labels

    for module in [name for name in sys.modules if name.startswith('nipype_labels.reports')]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delattr(nipype_labels, 'reports', raising=False)
    monkeypatch.setitem(sys.modules, 'jinja2', None)
    with pytest.raises(LabelsError, match=r'pip install "nipype_labels\[reports\]"'):
        report(tmp_path, made)


def test_the_nodes_need_no_extra_until_a_report_is_made():
    code = (
        'import sys, nipype_labels.interfaces.report; '
        'print([m for m in ("matplotlib", "jinja2", "nipype_labels.reports") if m in sys.modules])'
    )
    found = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == '[]'


def test_every_parameter_of_cleaning_is_shown(made, tmp_path):
    text = report(tmp_path, made).read_text(encoding='utf-8')
    cleaning = json.loads(Path(made['cleaning_file']).read_text(encoding='utf-8'))
    assert all(f'<dt>{name}</dt>' in text for name in cleaning['Parameters'])
