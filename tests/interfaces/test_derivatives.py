# SPDX-License-Identifier: BSD-3-Clause
"""The node that writes derivatives: the bytes of other nodes under BIDS names, each with a correct sidecar."""

import hashlib
import json
import math
import os
from pathlib import Path

import pytest
from derivatives_cases import PARAMETERS, SOURCE, make_run, saver
from folders import tree
from nipype.pipeline import engine as pe

from nipype_labels.bids.outputs import list_paths, plan_files
from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import process_guard
from nipype_labels.model.errors import LabelsError

STEM = 'sub-01/func/sub-01_task-rest_space-MNI152NLin2009cAsym'
ROLES = ('raw_timeseries', 'timeseries', 'regions', 'labels', 'projected', 'connectivity', 'contours')


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """Outputs of other nodes for a small series and two atlases, one of which has a region named Sources."""
    return make_run(tmp_path_factory.mktemp('made'))


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'out'


@pytest.fixture
def save(made, out, run):
    """Run the node; arguments replace the outputs of other nodes."""

    def call(**changed):
        return run(saver(made, out, **changed))

    return call


def sidecar(out, end, atlas='One'):
    return json.loads((out / f'{STEM}_atlas-{atlas}_res-2_{end}.json').read_text(encoding='utf-8'))


def test_files_have_the_bytes_of_the_outputs_of_nodes(made, out, save):
    save()
    planned = plan_files(SOURCE, ['One', 'Two'], PARAMETERS, drawn=('report', 'contours'))
    compared = set()
    for file in planned:
        if file.key != 'lookup':
            given = made[file.key] if file.atlas is None else made[file.key][file.atlas]
            assert (out / file.path).read_bytes() == Path(given).read_bytes(), file
            compared.add(file.key)
    assert compared == {*ROLES, 'mean_volume', 'censoring', 'high_variance_confounds', 'report'}
    lookup = (out / f'{STEM}_atlas-Two_res-2_dseg.tsv').read_text(encoding='utf-8')
    assert lookup == 'index\tname\n11\tSources\n12\tRepetitionTime\n13\tNowhere\n'


def test_exactly_the_planned_files_are_written_and_listed(out, save):
    listed = save().out_files
    planned = plan_files(SOURCE, ['One', 'Two'], PARAMETERS, drawn=('report', 'contours'))
    top = ['dataset_description.json', '.bidsignore', 'README.md']
    assert sorted(listed) == sorted(str(out / path) for path in (*list_paths(planned), *top))
    assert sorted(tree(out)) == sorted(str(Path(path).relative_to(out)) for path in listed)


def test_files_do_not_depend_on_the_folder_they_are_written_to(made, tmp_path, run):
    folders = tmp_path / 'one', tmp_path / 'elsewhere' / 'two'
    for folder in folders:
        run(saver(made, folder))
    assert tree(folders[0]) == tree(folders[1])
    for content in tree(folders[0]).values():
        assert str(tmp_path).encode() not in content
        assert str(Path(made['cleaning']).parents[1]).encode() not in content


def test_sidecars_repeat_what_cleaning_and_atlas_report(made, out, save):
    save()
    told, cleaning = sidecar(out, 'stat-mean_timeseries'), json.loads(Path(made['cleaning']).read_text())
    assert told['DegreesOfFreedom'] == cleaning['DegreesOfFreedom']
    assert told['NumberOfVolumesRetained'] == cleaning['NumberOfVolumesRetained'] == 28
    assert told['NumberOfVolumesDropped'] == 2
    assert told['Confounds']['Columns'] == cleaning['ConfoundsColumns']
    assert (told['RepetitionTime'], told['SamplingFrequency'], told['StartTime']) == (2.0, 0.5, 0.98)
    atlas = Path(made['atlas_files'][0])
    assert told['Atlas'] == {
        'Name': 'One',
        'File': 'one.nii.gz',
        'SHA256': hashlib.sha256(atlas.read_bytes()).hexdigest(),
    }


#: Volumes of the series, retained and dropped, by the end of the file's name, as docs/outputs.md has them.
COUNTS = {
    'stat-mean_timeseries': (30, 28, 2),
    'stat-mean_desc-projected_bold': (30, 28, 2),
    'stat-mean_desc-raw_timeseries': (30, 30, 0),
    'stat-correlation_relmat': (28, None, None),
    'stat-coverage_bold': (None, None, None),
    'dseg': (None, None, None),
}


def test_sidecars_count_volumes_as_the_page_on_outputs_says(out, save):
    save()
    names = ('NumberOfVolumes', 'NumberOfVolumesRetained', 'NumberOfVolumesDropped')
    assert {end: tuple(map(sidecar(out, end).get, names)) for end in COUNTS} == COUNTS


def test_regions_with_names_of_keys_keep_the_keys(made, out, save):
    save()
    told = sidecar(out, 'stat-mean_timeseries', 'Two')
    assert told['RepetitionTime'] == 2.0
    assert told['Sources'][0].startswith('bids::sub-01')
    assert list(told['Columns']) == read_signals(made['timeseries'][1])[0]
    assert told['Columns']['Sources']['Index'] == 11
    assert sidecar(out, 'stat-mean_timeseries')['Left']['Index'] == 1


def test_other_parameters_change_what_they_change_and_nothing_else(out, save):
    save()
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.rglob('*') if path.is_file()}
    save(parameters=json.dumps(PARAMETERS | {'detrend': False}))
    changed = {path.name for path, (time, _) in before.items() if path.stat().st_mtime_ns != time}
    assert all(name.endswith('.json') for name in changed)
    ends = ('stat-mean_timeseries.json', 'stat-correlation_relmat.json', 'desc-projected_bold.json')
    assert {name.split('_res-2_')[1] for name in changed} == {f'stat-mean_{e}' if 'proj' in e else e for e in ends}


def test_outputs_of_changed_time_series_are_removed(made, out, save):
    """They could be mistaken for results of the new time series; outputs of unchanged time series are kept."""
    save()
    fewer = json.dumps(PARAMETERS | {'connectivity': 'covariance', 'high_variance_confounds': False})
    covariance = dict(parameters=fewer, high_variance_confounds=None)
    save(**covariance)
    relmats = sorted(path.name.split('stat-')[1] for path in out.rglob('*One*_relmat.tsv'))
    assert relmats == ['correlation_relmat.tsv', 'covariance_relmat.tsv']
    assert list(out.rglob('*highvariance*'))
    save(**covariance, timeseries=made['raw_timeseries'])
    relmats = sorted(path.name.split('stat-')[1] for path in out.rglob('*One*_relmat.*'))
    assert relmats == ['covariance_relmat.json', 'covariance_relmat.tsv']
    assert not list(out.rglob('*highvariance*'))


def test_outputs_that_are_replaced_are_named(made, save, caplog):
    save()
    save()
    assert 'replaced' not in caplog.text
    save(timeseries=made['raw_timeseries'])
    (said,) = [record.getMessage() for record in caplog.records if 'are replaced' in record.getMessage()]
    assert 'timeseries.tsv' in said
    assert 'desc-raw' not in said


def test_a_run_of_another_source_is_refused_by_both_names(out, save):
    """The names of both give the same files, since only desc differs."""
    save()
    before = tree(out)
    with pytest.raises(LabelsError, match='write each to a folder of its own') as caught:
        save(source=SOURCE.replace('preproc', 'smoothed'))
    assert SOURCE in str(caught.value)
    assert SOURCE.replace('preproc', 'smoothed') in str(caught.value)
    assert tree(out) == before


def test_an_output_of_the_folder_that_is_given_as_an_input_is_refused(made, out, save):
    """The input would be replaced, or removed, while it is read."""
    save()
    before = tree(out)
    (own,) = out.rglob('*atlas-One_*stat-mean_desc-raw_timeseries.tsv')
    with pytest.raises(LabelsError, match=r'desc-raw_timeseries\.tsv: this output is also an input .*raw_timeseries'):
        save(raw_timeseries=[str(own), made['raw_timeseries'][1]])
    assert tree(out) == before


def test_a_file_that_is_not_ours_is_not_written_over(out, save):
    path = out / f'{STEM}_atlas-One_res-2_dseg.json'
    path.parent.mkdir(parents=True)
    for content in ('{"Sources": "x"}', '{}', '[]', 'half of a js'):
        path.write_text(content)
        with pytest.raises(LabelsError, match=r'dseg\.json'):
            save()
        assert tree(out) == {f'{STEM}_atlas-One_res-2_dseg.json': content.encode()}


@pytest.mark.parametrize('content', ['{"Name": "fMRIPrep", "GeneratedBy": [{"Name": "fMRIPrep"}]}', 'no json'])
def test_the_folder_of_another_dataset_is_refused_and_unchanged(content, out, save):
    out.mkdir()
    (out / 'dataset_description.json').write_text(content)
    with pytest.raises(LabelsError, match=r'dataset_description\.json'):
        save()
    assert tree(out) == {'dataset_description.json': content.encode()}


def test_a_broken_link_as_dataset_description_is_refused(out, save):
    out.mkdir()
    (out / 'dataset_description.json').symlink_to('annex/nowhere')
    with pytest.raises(LabelsError, match='cannot be read: No such file'):
        save()


def test_files_of_the_user_are_kept(out, save):
    save()
    description = json.loads((out / 'dataset_description.json').read_text())
    (out / 'dataset_description.json').write_text(json.dumps(description | {'Authors': ['A', 'B']}))
    (out / 'README.md').write_text('Mine.')
    (out / '.bidsignore').write_bytes(b'mine\xff\n')
    save()
    assert json.loads((out / 'dataset_description.json').read_text())['Authors'] == ['A', 'B']
    assert (out / 'README.md').read_text() == 'Mine.'
    assert (out / '.bidsignore').read_bytes().startswith(b'mine\xff\n*_stat-*\n')


def test_a_readme_of_another_kind_is_enough(out, save):
    out.mkdir()
    (out / 'README.rst').write_text('Mine.')
    save()
    assert not (out / 'README.md').exists()


def failing(monkeypatch, after):
    """Let the renaming of files fail after some of them."""
    real, places = os.replace, []

    def replace(source, target):
        places.append(target)
        if len(places) > after:
            raise OSError(28, 'No space left on device', str(target))
        real(source, target)

    monkeypatch.setattr(os, 'replace', replace)


@pytest.mark.parametrize('after', [0, 1, 2, 4, 7, 9])
def test_an_interrupted_run_leaves_no_partial_file_and_no_sidecar_of_missing_data(after, made, out, save):
    save()
    changed = {'parameters': json.dumps(PARAMETERS | {'standardize': 'none'}), 'timeseries': made['raw_timeseries']}
    changed['report'] = made['contours'][0]
    with pytest.MonkeyPatch.context() as patch:
        failing(patch, after)
        with pytest.raises(LabelsError, match=r'can not write to .*No space left'):
            save(**changed)
    broken = tree(out)
    save(**changed)
    whole = tree(out)
    assert not [path for path in broken if 'partial' in path]
    assert set(broken) < set(whole)
    planned = plan_files(SOURCE, ['One', 'Two'], PARAMETERS, drawn=('report', 'contours'))
    for file in planned:
        mark = file.sidecar or f'{STEM}_res-2_desc-censoring_timeseries.json'
        if mark in broken:
            assert (broken[mark], broken[file.path]) == (whole[mark], whole[file.path])


def test_a_first_run_that_ends_half_way_has_files_before_sidecars(out, save):
    with pytest.MonkeyPatch.context() as patch:
        failing(patch, 9)
        with pytest.raises(LabelsError, match='No space left'):
            save()
    assert [path for path in tree(out) if path.endswith('.json')] == ['dataset_description.json']
    save()


def test_a_folder_that_can_not_be_written_to_is_named(made, out, tmp_path, run, monkeypatch):
    (tmp_path / 'file').write_text('')
    with pytest.raises(LabelsError, match=r'can not write to .*file/out: Not a directory'):
        run(saver(made, tmp_path / 'file' / 'out'))

    def refuse(self, *arguments, **options):
        raise PermissionError(13, 'Permission denied', str(self))

    monkeypatch.setattr(Path, 'mkdir', refuse)
    with pytest.raises(LabelsError, match=r'can not write to .*out: Permission denied'):
        saver(made, out).run(cwd=str(tmp_path))


@pytest.mark.parametrize('label', ['../x', '/x', ''])
def test_no_label_leads_out_of_the_folder(label, out, save, tmp_path):
    before = tree(tmp_path)
    for changed in ({'atlas_labels': ['One', label]}, {'atlas_scales': ['', label or '..']}, {'desc': label or '../x'}):
        with pytest.raises(LabelsError):
            save(**changed)
    with pytest.raises(LabelsError):
        save(source=f'sub-{label}/func/sub-{label}_bold.nii.gz')
    assert tree(tmp_path) == before
    assert not out.exists()


def test_a_link_is_replaced_and_not_followed(out, save, tmp_path):
    (tmp_path / 'precious').write_text('precious')
    path = out / f'{STEM}_atlas-One_res-2_dseg.tsv'
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / 'precious')
    save()
    assert (tmp_path / 'precious').read_text() == 'precious'
    assert not path.is_symlink()


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        ({'connectivity': None}, 'connectivity: the parameters ask for this output, but it is not given'),
        ({'parameters': '{}'}, 'the parameters do not ask for this output, but it is given'),
        ({'high_variance_confounds': None}, 'high_variance_confounds: the parameters ask for this output'),
        ({'atlas_labels': ['One']}, '2 files for 1 atlases'),
        ({'atlas_labels': ['One', 'One']}, 'both are labelled'),
        ({'parameters': 'none'}, 'parameters cannot be read as JSON'),
        ({'parameters': '[]'}, 'parameters must hold a JSON object'),
    ],
)
def test_contradictory_inputs_are_refused(changed, message, out, save):
    with pytest.raises(LabelsError, match=message):
        save(**changed)
    assert not out.exists()


def test_figures_of_an_output_that_was_not_requested_are_refused(made, save):
    parameters = json.dumps({**PARAMETERS, 'connectivity': 'none'})
    with pytest.raises(LabelsError, match='connectivity_figures: the parameters do not ask for this output'):
        save(connectivity=None, connectivity_figures=made['contours'], parameters=parameters)


def test_invalid_inputs_are_named(made, save, text):
    with pytest.raises(LabelsError, match=r'odd\.json is not a valid cleaning\.json\. Missing keys: Parameters'):
        save(cleaning=text('odd.json', '{}'))
    with pytest.raises(LabelsError, match=r'columns that its coverage table does not have'):
        save(regions=made['regions'][::-1])


def test_another_name_of_an_atlas_writes_its_sidecars_again(made, out, tmp_path):
    renamed = tmp_path / 'renamed.nii.gz'
    renamed.write_bytes(Path(made['atlas_files'][0]).read_bytes())
    moved = tmp_path / 'one.nii.gz'
    moved.write_bytes(Path(made['atlas_files'][0]).read_bytes())

    def digest(first):
        return saver(made, out, atlas_files=[str(first), made['atlas_files'][1]]).inputs.get_hashval('content')[1]

    assert digest(moved) == digest(made['atlas_files'][0]) != digest(renamed)


@pytest.mark.parametrize('checks', [0, 1])
def test_an_orphaned_worker_process_saves_nothing(checks, out, save, monkeypatch):
    def end(status):
        raise SystemExit(status)

    save()
    before, answers = tree(out), iter([False] * checks)
    monkeypatch.setattr(process_guard, 'is_orphaned', lambda: next(answers, True))
    monkeypatch.setattr(os, '_exit', end)
    with pytest.raises(SystemExit) as ended:
        save(parameters=json.dumps({**PARAMETERS, 'standardize': 'psc'}))
    assert ended.value.code == process_guard.EXIT_ORPHANED
    assert tree(out).items() <= before.items()
    assert (tree(out) == before) == (checks == 0)


def test_a_deleted_file_is_made_again(made, out, tmp_path):
    """Nipype takes no node for cached whose outputs are missing."""

    def outputs():
        return pe.Node(saver(made, out), name='save', base_dir=str(tmp_path / 'work')).run().outputs.out_files

    first, before = outputs(), tree(out)
    (out / f'{STEM}_atlas-One_res-2_dseg.nii.gz').unlink()
    assert outputs() == first
    assert tree(out) == before


#: Digest of all texts that the node writes, without versions. If it changes, raise ``numerics``.
GOLDEN = '2c8073ba89a941729ade37692e0032b08bffac318dc634133f943ec4e461f777'


def test_numerics_are_raised_whenever_texts_change(out, save):
    save()
    digest = hashlib.sha256()
    for path, content in sorted(tree(out).items()):
        if path.endswith('.json') and 'sub-01' in path:
            told = json.loads(content)
            told.pop('Software')
            digest.update(json.dumps([path, rounded(told)]).encode())
    assert digest.hexdigest() == GOLDEN


def rounded(value):
    """A value whose floats have the digits that every machine gives."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items() if key != 'SHA256'}
    return float(f'{value:.6g}') if isinstance(value, float) and math.isfinite(value) else value
