# SPDX-License-Identifier: BSD-3-Clause
"""The node that writes reports: what it shows of the outputs of other nodes, its figures, and what it refuses."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nipype.interfaces.base import isdefined

from nipype_labels import __version__
from nipype_labels.files.sample_mask import write_censoring
from nipype_labels.files.tables import write_signals
from nipype_labels.files.volumes import write_volume
from nipype_labels.interfaces import ApplyMask, CleanSignal, ReduceLabels
from nipype_labels.interfaces.report import LabelsReport
from nipype_labels.model.errors import ConfoundsError, ImageError, LabelsError, SignalError
from nipype_labels.reports.formatting import format_signed

AFFINE = np.array([[-4.0, 0, 0, 20], [0, 4, 0, -24], [0, 0, 4, -12], [0, 0, 0, 1]])


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """Inputs of the node, made by other nodes from a small series of two regions and a missing one."""
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
        'censoring_file': cleaned.outputs.censoring_file,
        'cleaning_file': cleaned.outputs.cleaning_file,
    }


@pytest.fixture
def more(tmp_path):
    """Optional inputs of the node; the mask is on a grid of its own."""
    mask = np.zeros((5, 6, 4), dtype=np.uint8)
    mask[1:4, 1:5, 1:3] = 1
    nib.save(nib.Nifti1Image(mask, AFFINE @ np.diag([2, 2, 2, 1.0])), tmp_path / 'mask.nii.gz')
    moved = ['n/a', *(f'{0.1 + 0.01 * i:.2f}' for i in range(19))]
    (tmp_path / 'plain.tsv').write_text('x\n' + '1\n' * 20)
    (tmp_path / 'motion.tsv').write_text('y\tframewise_displacement\n' + ''.join(f'1\t{cell}\n' for cell in moved))
    # In an order of its own, and without the region that has no signal.
    (tmp_path / 'matrix.tsv').write_text('Right\tLeft <area>\n1.0\t-0.37\n-0.37\tn/a\n')
    return {
        'mask_file': str(tmp_path / 'mask.nii.gz'),
        'confounds_files': [str(tmp_path / 'plain.tsv'), str(tmp_path / 'motion.tsv')],
        'connectivity_files': [str(tmp_path / 'matrix.tsv')],
        'connectivity_kind': 'partial correlation',
        'methods': 'Made by *us* [@nipype1].',
    }


def report(folder, inputs):
    folder.mkdir(exist_ok=True)
    return Path(LabelsReport(**inputs).run(cwd=folder).outputs.out_file)


def files_of(cleaned, confounds):
    """Inputs of the node from CleanSignal and its confounds table."""
    names = {'cleaned_files': 'out_files', 'censoring_file': 'censoring_file', 'cleaning_file': 'cleaning_file'}
    made = {name: getattr(cleaned.outputs, output) for name, output in names.items()}
    return made | {'confounds_files': [str(confounds)]}


def written(folder):
    """Names of the files in a folder, without the prefix that the node adds in a folder of the user."""
    return sorted(path.name.split('-', 2)[2] for path in folder.iterdir())


def test_the_outputs_of_the_other_nodes_become_a_report(made, tmp_path):
    path = report(tmp_path / 'node', {**made, 'title': 'One & all', 'atlas_names': ['Tiny']})
    text = path.read_text(encoding='utf-8')
    assert path.parent == tmp_path / 'node'
    assert '<h1>One &amp; all</h1>' in text
    assert '18 of 20 volumes retained; censored by <code>sample_mask</code>: 2.' in text
    assert '2 of 3 regions have a time series, 1 has none.' in text
    assert text.index('Absent from atlas') < text.index('Nowhere') < text.index('<table class="regions">')
    assert 'Left &lt;area&gt;' in text
    assert written(path.parent) == ['atlas_carpet.svg', 'atlas_contours.svg', 'atlas_spectra.svg', 'report.html']


def test_two_runs_give_the_same_bytes(made, more, tmp_path):
    shared = ['confounds.svg', 'report.html']
    first, second = (report(tmp_path / name, {**made, **more}).parent for name in 'ab')
    assert (
        written(first)
        == written(second)
        == ['atlas_carpet.svg', 'atlas_connectivity.svg', 'atlas_contours.svg', 'atlas_spectra.svg', *shared]
    )
    assert [path.read_bytes() for path in sorted(first.iterdir())] == [p.read_bytes() for p in sorted(second.iterdir())]


def test_many_atlases_share_a_report(made, tmp_path):
    text = report(tmp_path, {**made, 'labels_files': made['labels_files'] * 3}).read_text(encoding='utf-8')
    assert [f'id="atlas-{i}"' in text for i in (1, 2, 3, 4)] == [True, True, True, False]
    assert 'href="#atlas-3">atlas3</a>: 2 of 3 regions' in text


def test_labels_may_be_on_another_grid(made, tmp_path):
    affine = AFFINE @ np.diag([-0.5, 0.5, 0.5, 1])
    affine[:3, 3] = [-16, -24, -12]
    labels = np.zeros((20, 24, 16), dtype=np.float32)
    labels[4:10, 6:18, 4:12] = 9
    nib.save(nib.Nifti1Image(labels, affine), tmp_path / 'fine.nii.gz')
    text = report(tmp_path, {**made, 'labels_files': str(tmp_path / 'fine.nii.gz')}).read_text(encoding='utf-8')
    assert 'z = ' in text


def test_a_series_of_one_volume_has_a_report(made, tmp_path):
    for name, rows in (('signals', '1.5\tn/a\t2.5\n'), ('kept', '0\ttrue\tn/a\n')):
        header = {'signals': 'Left <area>\tNowhere\tRight\n', 'kept': 'volume\tretained\treason\n'}[name]
        (tmp_path / f'{name}.tsv').write_text(header + rows)
    signals = str(tmp_path / 'signals.tsv')
    one = {'signals_files': signals, 'cleaned_files': signals, 'censoring_file': str(tmp_path / 'kept.tsv')}
    assert 'no time course' in report(tmp_path, {**made, **one}).read_text(encoding='utf-8')


def test_regions_that_were_dropped_from_the_signals_stay_in_the_report(made, tmp_path):
    (tmp_path / 'signals.tsv').write_text('Right\n' + '\n'.join(str(float(i)) for i in range(20)) + '\n')
    signals = str(tmp_path / 'signals.tsv')
    text = report(tmp_path, {**made, 'signals_files': signals, 'cleaned_files': signals}).read_text(encoding='utf-8')
    assert '1 of 3 regions have a time series, 2 have none.' in text


def test_optional_inputs_are_shown(made, more, tmp_path):
    text = report(tmp_path / 'node', {**made, **more}).read_text(encoding='utf-8')
    assert 'class="mask"' in text
    # The mean and the largest of 0.10, 0.11, …, 0.28; the first volume has none.
    assert 'mean 0.19, largest 0.28</text>' in text
    assert 'Connectivity: partial correlation' in text
    assert '<b>−0.37</b> <span>Left &lt;area&gt; – Right</span>' in text
    assert 'median of 1 pair −0.37' in text
    assert '2 pairs n/a' in text
    assert 'Made by <em>us</em> (Gorgolewski et al., 2011).' in text


def test_optional_inputs_that_are_missing_are_not_mentioned(made, tmp_path):
    outputs = LabelsReport(**made).run(cwd=tmp_path).outputs
    text = Path(outputs.out_file).read_text(encoding='utf-8')
    assert not any(
        word in text for word in ('class="mask"', 'displacement (mm)', 'Connectivity', 'Methods', '>Confounds<')
    )
    assert not isdefined(outputs.connectivity_svg_files)
    assert not isdefined(outputs.confounds_svg_file)


def test_the_page_names_its_files_date_version_and_command(made, more, tmp_path, monkeypatch):
    monkeypatch.setenv('SOURCE_DATE_EPOCH', '1700000000')
    files = [tmp_path / 'sub-01_bold.nii.gz', tmp_path / 'tiny & old.nii']
    for file in files:
        file.touch()
    named = {'bold_file': files[0], 'atlas_files': files[1:], 'atlas_names': ['Tiny']}
    text = report(tmp_path / 'node', {**made, **more, **named, 'command': 'nipype-labels extract "a b" --mask'})
    text = text.read_text(encoding='utf-8')
    head = text[: text.index('</header>')]
    for kind, name in (
        ('Series', 'sub-01_bold.nii.gz'),
        ('Mask', 'mask.nii.gz'),
        ('Confounds', 'motion.tsv'),
        ('Atlas Tiny', 'tiny &amp; old.nii'),
        ('Command', 'nipype-labels extract &#34;a b&#34; --mask'),
    ):
        assert re.search(rf'<dt>{kind}</dt><dd>.*<code>{re.escape(name)}</code></dd>', head)
    assert f'<dt>Date</dt><dd>2023-11-14 22:13, nipype_labels {__version__}</dd>' in head


def test_networks_of_the_look_up_table_order_the_matrix(made, more, tmp_path):
    table = tmp_path / 'networks.tsv'
    rows = ('index\tname\tnetwork_label\themi', '4\tLeft <area>\tVis\tL', '7\tNowhere\tCont\tL', '9\tRight\tVis\tR')
    table.write_text('\n'.join(rows))
    text = report(tmp_path / 'node', {**made, **more, 'lut_files': [table]}).read_text(encoding='utf-8')
    assert 'class="networks" d="M0 0h2v2h-2zM2 2h1v1h-1z"' in text
    names = re.findall(r'text-anchor="end">(Left &lt;area&gt;|Right|Nowhere)</text>', text)
    assert names == ['Left &lt;area&gt;', 'Right', 'Nowhere']
    plain = report(tmp_path / 'other', {**made, **more, 'lut_files': [None]}).read_text(encoding='utf-8')
    assert 'class="networks" d=""' in plain


def test_the_correlation_of_the_confounds_that_were_regressed_out_is_drawn(made, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(20, 3)), columns=['csf', 'trans_x', 'unused'])
    table['global_signal'] = 500 - table['csf']
    table.loc[5, 'global_signal'] = 9999
    table.to_csv(tmp_path / 'confounds.tsv', sep='\t', index=False)
    cleaned = CleanSignal(
        signals_files=made['signals_files'],
        confounds_files=[tmp_path / 'confounds.tsv'],
        confounds_columns=['csf', 'trans_x', 'global_signal'],
        sample_mask=[i for i in range(20) if i != 5],
        t_r=2.0,
    ).run(cwd=tmp_path)
    outputs = LabelsReport(**{**made, **files_of(cleaned, tmp_path / 'confounds.tsv')}).run(cwd=tmp_path).outputs
    drawn = Path(outputs.confounds_svg_file).read_text(encoding='utf-8')
    assert drawn in Path(outputs.out_file).read_text(encoding='utf-8')
    assert all(f'>{name}</text>' in drawn for name in ('csf', 'trans_x', 'global_signal'))
    assert 'unused' not in drawn
    # Over the retained volumes, one correlation is -1, and the two others are opposites.
    retained = table.drop(index=5)
    known = np.corrcoef(retained[['csf', 'trans_x', 'global_signal']].T)[np.triu_indices(3, 1)]
    lower, middle, upper = map(format_signed, np.quantile(known, (0.25, 0.5, 0.75)))
    assert f'median of 3 pairs {middle}, quartiles {lower} and {upper}' in drawn


def test_the_page_embeds_the_figures_that_are_written_for_each_atlas(made, more, tmp_path):
    three = {**made, **more, 'labels_files': made['labels_files'] * 3, 'atlas_names': ['A', 'B & C', 'D']}
    outputs = LabelsReport(**three).run(cwd=tmp_path).outputs
    page = Path(outputs.out_file).read_text(encoding='utf-8')
    for stem, paths in (
        ('contours', outputs.contours_files),
        ('carpet', outputs.carpet_files),
        ('spectra', outputs.spectra_files),
        ('connectivity', outputs.connectivity_svg_files),
    ):
        names = [Path(path).name.split('-', 2)[2] for path in paths]
        assert names == [f'{label}_{stem}.svg' for label in ('atlas', 'atlas2', 'atlas3')]
        assert all(Path(path).read_text(encoding='utf-8') in page for path in paths)
        titles = [ElementTree.parse(path).getroot().findtext('{http://www.w3.org/2000/svg}title') for path in paths]
        assert ['. A' in titles[0], '. B & C' in titles[1], '. D' in titles[2]] == [True] * 3


def test_a_threshold_is_drawn_if_volumes_were_scrubbed_by_it(made, more, tmp_path):
    cleaning = json.loads(Path(made['cleaning_file']).read_text(encoding='utf-8'))
    assert cleaning['ScrubbingThresholds'] == {}
    assert 'class="threshold"' not in report(tmp_path, {**made, **more}).read_text(encoding='utf-8')
    scrubbed = CleanSignal(
        signals_files=made['signals_files'],
        confounds_files=str(_write_motion(tmp_path / 'scrub.tsv')),
        confounds_strategy=['scrubbing'],
        fd_threshold=0.25,
        t_r=2.0,
    ).run(cwd=tmp_path)
    files = files_of(scrubbed, tmp_path / 'scrub.tsv')
    text = report(tmp_path, {**made, **more, **files}).read_text(encoding='utf-8')
    assert '3 volumes above 0.25' in text
    assert 'class="threshold"' in text
    assert 'atlas: median and quartiles of 2 regions' in text


def _write_motion(path):
    """Confounds to scrub by: the last three volumes moved too much."""
    moved = ['n/a', *(['0.1'] * 16), '0.3', '0.4', '0.5']
    path.write_text('framewise_displacement\tstd_dvars\n' + ''.join(f'{cell}\t1.0\n' for cell in moved))
    return path


@pytest.mark.slow
def test_a_whole_brain_of_400_regions_takes_seconds_and_little_space(tmp_path):
    rng = np.random.default_rng(0)
    shape, affine = (99, 117, 95), np.array([[-2.0, 0, 0, 98], [0, 2, 0, -134], [0, 0, 2, -72], [0, 0, 0, 1]])
    middle = (np.array(shape).reshape(3, 1, 1, 1) - 1) / 2
    brain = (((np.indices(shape) - middle) / (0.42 * middle * 2)) ** 2).sum(axis=0) <= 1
    blocks = np.arange(np.prod([n // 11 + 1 for n in shape])).reshape([n // 11 + 1 for n in shape]) % 400 + 1
    labels = blocks.repeat(11, 0).repeat(11, 1).repeat(11, 2)[: shape[0], : shape[1], : shape[2]] * brain
    networks = ('Vis', 'SomMot', 'DorsAttn', 'SalVentAttn', 'Limbic', 'Cont', 'Default')
    names = [f'7Networks_{side}H_{networks[i // 29]}_PFC_{i}' for side in 'LR' for i in range(200)]
    raw = rng.normal(500, 5, (300, 400))
    images = {'mean': rng.normal(400, 30, shape) * brain, 'labels': labels.astype(np.int16), 'mask': brain}
    for name, voxels in images.items():
        write_volume(tmp_path / f'{name}.nii.gz', voxels.astype(np.float32) if name == 'mean' else voxels, affine)
    tables = {'raw': raw, 'cleaned': raw - 500, 'matrix': np.corrcoef(raw.T)}
    for name, values in tables.items():
        write_signals(tmp_path / f'{name}.tsv', names, values)
    counts = np.bincount(labels.ravel(), minlength=401)[1:]
    row = '\t'.join(['{0}', '{1}', *['{2}'] * 4, '1.0', 'ok', '{3}', '300', '80.5']) + '\n'
    (tmp_path / 'regions.tsv').write_text(
        'index\tname\tn_voxels_atlas\tn_voxels_grid\tn_voxels_mask\tn_voxels_used\tcoverage\tstatus\tvolume_atlas\t'
        'n_volumes\ttsnr\n' + ''.join(row.format(i + 1, names[i], counts[i], 8.0 * counts[i]) for i in range(400))
    )
    write_censoring(tmp_path / 'kept.tsv', np.arange(300) % 40 > 0, {})
    columns = ['framewise_displacement', 'std_dvars', 'global_signal', *(f'confound{i}' for i in range(36))]
    pd.DataFrame(rng.gamma(2, 0.1, (300, 39)), columns=columns).to_csv(tmp_path / 'motion.tsv', sep='\t', index=False)
    cleaning = {'Parameters': {'t_r': 2.0, 'low_pass': 0.1}, 'ConfoundsColumns': columns[2:]}
    (tmp_path / 'cleaning.json').write_text(json.dumps(cleaning))
    node = LabelsReport(
        mean_file=tmp_path / 'mean.nii.gz',
        mask_file=tmp_path / 'mask.nii.gz',
        labels_files=[tmp_path / 'labels.nii.gz'],
        regions_files=[tmp_path / 'regions.tsv'],
        signals_files=[tmp_path / 'raw.tsv'],
        cleaned_files=[tmp_path / 'cleaned.tsv'],
        connectivity_files=[tmp_path / 'matrix.tsv'],
        connectivity_kind='correlation',
        confounds_files=[tmp_path / 'motion.tsv'],
        censoring_file=tmp_path / 'kept.tsv',
        cleaning_file=tmp_path / 'cleaning.json',
    )
    begun = time.perf_counter()
    outputs = node.run(cwd=tmp_path).outputs
    # It is about one second on an idle machine.
    assert time.perf_counter() - begun < 15
    assert Path(outputs.out_file).stat().st_size <= 1_500_000


@pytest.mark.parametrize(
    ('name', 'content', 'error', 'message'),
    [
        ('signals_files', 'Left <area>\tNowhere\tRight\n1\t2\t3\n', SignalError, 'has 1 rows; 18 of 20 volumes'),
        ('signals_files', 'Elsewhere\n' + '1.0\n' * 20, SignalError, 'Elsewhere'),
        ('cleaning_file', '[]', LabelsError, 'must hold a JSON object'),
        ('cleaning_file', '{', LabelsError, 'cannot be read as JSON'),
        ('censoring_file', 'volume\n1\n2\n', SignalError, 'a flag for each volume'),
        ('mean_file', 'text', ImageError, 'not an image'),
        ('mask_file', 'text', ImageError, 'not an image'),
        ('confounds_files', 'framewise_displacement\n' + '0.1\n' * 19, ConfoundsError, 'has 19 rows'),
        ('connectivity_files', 'Left <area>\tRight\n1\t0\n', SignalError, '1 rows under 2 names'),
        ('connectivity_files', 'Elsewhere\n1\n', SignalError, 'Elsewhere'),
        ('connectivity_files', 'Right\nhigh\n', LabelsError, 'not a table of region time series'),
    ],
    ids=[
        'rows',
        'columns',
        'no object',
        'no JSON',
        'no flags',
        'no image',
        'no mask',
        'displacement of other volumes',
        'no square',
        'connectivity of other regions',
        'no numbers',
    ],
)
def test_what_does_not_fit_is_refused_by_name(made, tmp_path, name, content, error, message):
    wrong = tmp_path / ('wrong.nii' if name in ('mean_file', 'mask_file') else 'wrong.tsv')
    wrong.write_text(content)
    with pytest.raises(error, match=message) as caught:
        report(tmp_path, {**made, name: str(wrong)})
    assert 'wrong.' in str(caught.value)
    assert not [*tmp_path.glob('*.html'), *tmp_path.glob('*.svg')]


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
    with pytest.raises(LabelsError, match=r'pip install "\.\[reports\]" in a checkout'):
        report(tmp_path, made)


@pytest.mark.slow
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
