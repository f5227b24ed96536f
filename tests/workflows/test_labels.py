# SPDX-License-Identifier: BSD-3-Clause
"""The factory: nilearn's numbers from end to end, a graph that never runs twice, and errors while it is built."""

import json
import os
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nilearn.maskers import NiftiLabelsMasker
from nipype.pipeline import engine as pe
from numpy.testing import assert_allclose, assert_array_equal
from traits.api import TraitError

from nipype_labels.core.errors import LabelsError
from nipype_labels.files.regions import read_regions
from nipype_labels.files.tables import read_signals
from nipype_labels.workflows import init_labels_wf

#: On the grid of the atlas, which is that much finer than the series', nilearn would need gigabytes.
STEP = 6
MASK = ('nipype', 'testing/data/ds003_sub-01_mc_brainmask.nii.gz')
MASKED = ('nipype', 'testing/data/ds003_sub-01_mc.nii.gz')


def basic(small, n_atlases=1):
    return {'bold_file': small.bold_file, 'atlas_files': small.atlas_files[:n_atlases]}


def nilearn_signals(quietly, series, atlas, regions, **settings):
    """Signals that nilearn's masker gives, a column for each region, NaN for those it drops."""
    masker = NiftiLabelsMasker(atlas, reports=False, **settings)
    signals = np.atleast_2d(quietly(masker.fit_transform, series))
    out = np.full((len(signals), len(regions)), np.nan)
    for column, region in masker.region_ids_.items():
        if column != 'background':
            out[:, regions['index'].tolist().index(region)] = signals[:, column]
    return out


@pytest.fixture(scope='session')
def thinned(aal, tmp_path_factory):
    """Every sixth voxel of AAL, shifted lest voxels be halfway between two of a mask, where rounding decides."""
    whole = nibabel.load(aal[0])
    data = np.asarray(whole.dataobj)[::STEP, ::STEP, ::STEP].astype('int16')
    affine = whole.affine @ np.diag([STEP, STEP, STEP, 1])
    affine[:3, 3] += 0.37
    path = tmp_path_factory.mktemp('aal') / 'thinned.nii.gz'
    nibabel.save(nibabel.Nifti1Image(data, affine), path)
    return str(path)


@pytest.mark.parametrize('target', ['data', 'labels'])
@pytest.mark.parametrize(
    ('ours', 'theirs'),
    [
        ({}, {'standardize': None}),
        ({'detrend': True, 'standardize': 'zscore_sample'}, {'detrend': True, 'standardize': 'zscore_sample'}),
        (
            {'filter': 'cosine', 'high_pass': 0.03, 'standardize': 'psc'},
            {'clean_args': {'filter': 'cosine'}, 'high_pass': 0.03, 't_r': 2.0, 'standardize': 'psc'},
        ),
    ],
    ids=['raw', 'detrended', 'filtered'],
)
def test_real_series_give_nilearns_signals_from_end_to_end(
    ours, theirs, target, real_series, aal, thinned, run, quietly
):
    """On either grid, raw and cleaned, without any loss of digits between the nodes."""
    atlas = aal[0] if target == 'data' else thinned
    inputs = {'bold_file': real_series, 'atlas_files': [atlas]}
    result = run(inputs, resampling_target=target, nan_policy='zero', **ours)
    regions = read_regions(result.outputs.regions[0])
    names, signals = read_signals(result.outputs.clean_signals[0])
    assert names == regions['name'].tolist()
    expected = nilearn_signals(quietly, real_series, atlas, regions, resampling_target=target, **theirs)
    there = np.isin(regions['status'], ['ok', 'constant'])
    assert there.sum() >= 12
    assert_allclose(signals[:, there], expected[:, there], rtol=1e-4, atol=1e-4 * np.abs(expected[:, there]).max())
    assert np.isnan(signals[:, ~there]).all()


@pytest.mark.parametrize('target', ['data', 'labels'])
def test_a_masked_real_series_gives_nilearns_signals(target, installed, aal, thinned, run, quietly):
    """The mask comes to whichever grid counts."""
    series, mask, atlas = installed(*MASKED), installed(*MASK), aal[0] if target == 'data' else thinned
    inputs = {'bold_file': series, 'bold_mask': mask, 'atlas_files': [atlas]}
    result = run(inputs, use_mask=True, resampling_target=target, nan_policy='zero', detrend=True, standardize=True)
    regions = read_regions(result.outputs.regions[0])
    expected = nilearn_signals(
        quietly,
        series,
        atlas,
        regions,
        mask_img=mask,
        resampling_target=target,
        detrend=True,
        standardize='zscore_sample',
    )
    signals = read_signals(result.outputs.clean_signals[0])[1] * np.sqrt(19 / 20)
    there = (regions['status'] == 'ok').to_numpy()
    assert_array_equal(there, np.isfinite(expected).all(axis=0) & ~(expected == 0).all(axis=0))
    assert (regions['n_voxels_mask'] < regions['n_voxels_grid']).sum() > 20
    assert_allclose(signals[:, there], expected[:, there], atol=2e-4)


def test_a_band_of_a_longer_real_series_is_nilearns(installed, aal, image, run, quietly):
    """Forty real volumes, forward and backward, since the filter takes thirty-four."""
    whole = nibabel.load(installed('nibabel', 'tests/data/functional.nii'))
    data = whole.get_fdata()
    longer = image('longer.nii.gz', np.concatenate([data, data[..., ::-1]], axis=3), whole.affine, 2.0)
    band = {'high_pass': 0.02, 'low_pass': 0.12, 'detrend': True, 'standardize': 'zscore_sample'}
    result = run({'bold_file': longer, 'atlas_files': [aal[0]]}, **band)
    regions = read_regions(result.outputs.regions[0])
    expected = nilearn_signals(quietly, longer, aal[0], regions, t_r=2.0, **band)
    assert np.isfinite(expected).all(axis=0).sum() == 26
    assert_allclose(read_signals(result.outputs.clean_signals[0])[1], expected, rtol=1e-6, atol=1e-6)


TARGETS = ['data', 'labels', None]


@pytest.mark.parametrize('masked', [True, False])
@pytest.mark.parametrize('target', TARGETS)
def test_every_grid_goes_with_and_without_a_mask(target, masked, small, image, run):
    """A mask that takes a corner takes voxels, and all outputs agree on the grid."""
    inputs = basic(small)
    if target is None:
        labels = np.kron(np.array([1, 2, 4]).reshape(3, 1, 1), np.ones((2, 6, 6))).astype('int16')
        inputs['atlas_files'] = [image('same.nii.gz', labels, small.affine)]
    if masked:
        mask = np.ones((6, 6, 6), dtype='uint8')
        mask[4:, 4:] = 0
        same = image('same_mask.nii.gz', mask, small.affine)
        inputs['bold_mask'] = same if target is None else small.bold_mask
    result = run(inputs, use_mask=masked, resampling_target=target, high_variance_confounds=True, project='labels')
    regions = read_regions(result.outputs.regions[0])
    assert set(regions['status']) == {'ok'}
    assert (regions['n_voxels_mask'] < regions['n_voxels_grid']).any() == masked
    grids = {nibabel.load(path).shape[:3] for path in (*result.outputs.labels, *result.outputs.projected)}
    assert grids == {(12, 12, 12) if target == 'labels' else (6, 6, 6)}
    assert nibabel.load(result.outputs.mean_volume).shape == (6, 6, 6)
    assert len(read_signals(result.outputs.high_variance_confounds)[1]) == 40


def test_without_a_target_grids_must_agree(small, run):
    """The error names both files."""
    with pytest.raises(RuntimeError, match=r'grids differ: .* and .*bold\.nii\.gz'):
        run(basic(small), resampling_target=None)


@pytest.mark.parametrize(
    'settings',
    [{}, {'use_mask': True, 'high_variance_confounds': True, 'project': 'atlas'}, {'resampling_target': 'labels'}],
)
def test_the_number_of_nodes_does_not_depend_on_the_number_of_atlases(settings, small, run):
    """And outputs stand in the order of the atlases."""
    mask = {'bold_mask': small.bold_mask} if 'use_mask' in settings else {}
    one = run({**basic(small), **mask}, 'one', **settings)
    two = run({**basic(small, 2), **mask}, 'two', **settings)
    assert one.nodes == two.nodes
    assert len(one.nodes) <= 8
    for field in ('raw_signals', 'clean_signals', 'regions', 'labels'):
        first, both = getattr(one.outputs, field), getattr(two.outputs, field)
        assert (len(first), len(both)) == (1, 2)
        assert Path(first[0]).read_bytes() == Path(both[0]).read_bytes()
    assert read_signals(two.outputs.clean_signals[1])[0] == ['11', '12']


FULL = {
    'use_mask': True,
    'use_luts': True,
    'use_confounds': True,
    'high_variance_confounds': True,
    'detrend': True,
    'standardize': True,
    'project': 'labels',
}
ALL_NODES = ['apply_mask', 'clean', 'high_variance', 'project', 'reduce', 'resample_labels', 'resample_mask']


def full(small):
    return {
        **basic(small, 2),
        'atlas_luts': small.atlas_luts,
        'bold_mask': small.bold_mask,
        'confounds_file': small.confounds_file,
    }


def test_a_second_run_executes_nothing(small, run):
    """And gives the same files."""
    first, second = (run(full(small), **FULL) for _ in range(2))
    assert first.executed == first.nodes == ALL_NODES
    assert second.executed == []
    assert second.outputs == first.outputs


def test_touched_rewritten_and_copied_sources_rerun_nothing(small, tmp_path, run):
    """Only contents count, inside a host that goes by time stamps."""
    run(full(small), **FULL)
    for path in (small.bold_file, *small.atlas_files, *small.atlas_luts, small.bold_mask, small.confounds_file):
        content = Path(path).read_bytes()
        Path(path).unlink()
        Path(path).write_bytes(content)
        os.utime(path, (1, 1))
    assert run(full(small), **FULL).executed == []
    small.confounds_file = shutil.copy(small.confounds_file, tmp_path / 'copied.tsv')
    small.bold_file = shutil.copy(small.bold_file, tmp_path / 'copied.nii.gz')
    assert run(full(small), **FULL).executed == []


@pytest.mark.parametrize(
    ('changed', 'reruns'),
    [
        ({'standardize': 'psc'}, ['clean', 'project']),
        ({'confounds_columns': ['rot_.']}, ['clean', 'project']),
        ({'strategy': 'median'}, ['clean', 'project', 'reduce']),
        ({'fill_value': 0.0}, ['project']),
        ({'num_threads': 2}, []),
        ({'n_atlases': 2}, []),
        # The series is not interpolated here: the bytes stay, and the cascade stops.
        ({'dtype': 'float64'}, ['reduce']),
    ],
)
def test_a_changed_parameter_reruns_its_node_and_what_lies_downstream(changed, reruns, small, run):
    """Nothing else."""
    run(full(small), **FULL)
    assert run(full(small), **{**FULL, **changed}).executed == reruns
    assert run(full(small), **{**FULL, **changed}).executed == []


def test_a_changed_source_reruns_what_reads_it(small, run):
    """A table of names does not resample, a mask does not read the atlas again."""
    run(full(small), **FULL)
    Path(small.atlas_luts[1]).write_text('index\tname\n11\tEleven\n12\tDozen\n')
    assert run(full(small), **FULL).executed == ['apply_mask', 'clean', 'project', 'reduce']
    Path(small.confounds_file).write_text('csf\n' + '\n'.join(str(i % 5) for i in range(40)) + '\n')
    assert run(full(small), **FULL).executed == ['clean', 'project']


def test_another_series_on_the_same_grid_does_not_resample(small, image, run):
    """Only its grid matters to the labels."""
    run(full(small), **FULL)
    small.bold_file = image('other.nii.gz', small.data + 1, small.affine, 2.0)
    executed = run(full(small), **FULL).executed
    assert not {'resample_labels', 'resample_mask', 'apply_mask'} & set(executed)
    assert {'reduce', 'clean', 'high_variance'} <= set(executed)


def test_an_atlas_that_moved_away_does_not_leave_its_old_name_behind(small, image, run, tmp_path):
    """Names are not hashed: what is at the old name by now is another atlas, and no input."""
    labels = np.kron(np.array([1, 2, 4]).reshape(3, 1, 1), np.ones((2, 6, 6))).astype('int16')
    old = image('atlas.nii.gz', labels, small.affine)
    first = run({**basic(small), 'atlas_files': [old]})
    before = Path(first.outputs.clean_signals[0]).read_bytes()
    new = shutil.copy(old, tmp_path / 'kept.nii.gz')
    image('atlas.nii.gz', labels[::-1], small.affine)
    second = run({**basic(small), 'atlas_files': [new]})
    assert Path(second.outputs.clean_signals[0]).read_bytes() == before


def test_an_atlas_that_was_removed_after_it_was_copied_is_not_missed(small, image, run, tmp_path):
    """The copy is an input like the first one."""
    labels = np.kron(np.array([1, 2, 4]).reshape(3, 1, 1), np.ones((2, 6, 6))).astype('int16')
    old = image('atlas.nii.gz', labels, small.affine)
    first = run({**basic(small), 'atlas_files': [old]})
    before = Path(first.outputs.clean_signals[0]).read_bytes()
    new = shutil.move(old, tmp_path / 'moved.nii.gz')
    second = run({**basic(small), 'atlas_files': [new]})
    assert Path(second.outputs.clean_signals[0]).read_bytes() == before


def test_reverting_a_parameter_gives_the_first_bytes_again(small, run):
    """Nothing of what was between is left."""
    first = Path(run(full(small), **FULL).outputs.clean_signals[0]).read_bytes()
    other = Path(run(full(small), **{**FULL, 'detrend': False}).outputs.clean_signals[0]).read_bytes()
    again = Path(run(full(small), **FULL).outputs.clean_signals[0]).read_bytes()
    assert first == again != other


def test_deleted_outputs_are_made_again(small, run):
    """Linear finds them gone."""
    first = run(full(small), **FULL)
    before = Path(first.outputs.clean_signals[0]).read_bytes()
    for path in (*first.outputs.clean_signals, *first.outputs.raw_signals):
        Path(path).unlink()
    again = run(full(small), **FULL)
    assert Path(again.outputs.clean_signals[0]).read_bytes() == before
    assert again.outputs == first.outputs


def test_two_work_folders_give_the_same_bytes(small, run):
    """Of signals, tables, images and reports of cleaning."""
    one, two = (vars(run(full(small), folder, **FULL).outputs) for folder in ('one', 'deeper/two'))
    for field, value in one.items():
        for i, path in enumerate(value if isinstance(value, list) else [value] if value else []):
            other = two[field][i] if isinstance(value, list) else two[field]
            assert Path(path).read_bytes() == Path(other).read_bytes(), field


def inner_nodes(**parameters):
    wf = init_labels_wf(**parameters)
    return {name: wf.get_node(name) for name in wf.list_node_names() if not name.endswith('putnode')}


@pytest.mark.parametrize(
    'parameters', [{}, FULL, {'use_mask': True, 'resampling_target': 'labels', 'high_variance_confounds': True}]
)
def test_every_node_is_hashed_by_content_and_says_what_it_needs(parameters):
    """Whatever the host's own setting."""
    for node in inner_nodes(**parameters).values():
        assert node.config['execution']['hash_method'] == 'content'
        assert 0.1 < node.mem_gb < 64
        assert node.run_without_submitting is False
    assert inner_nodes(num_threads=3)['reduce'].n_procs == 3


@pytest.mark.parametrize(
    ('parameters', 'message'),
    [
        ({'high_pass': 0.1, 'low_pass': 0.05}, 'no band is left'),
        ({'high_pass': 0.1, 'low_pass': 0.1}, 'no band is left'),
        ({'high_pass': 0.1, 'filter': None}, "filter='none' would not use them"),
        ({'filter': 'cosine'}, 'takes a high_pass'),
        ({'filter': 'cosine', 'high_pass': 0.01, 'low_pass': 0.1}, 'no low_pass'),
        ({'confounds_columns': ['csf']}, 'use_confounds is False'),
        ({'confounds_strategy': ['6P']}, 'use_confounds is False'),
        ({'labels': ['A'], 'use_luts': True}, 'given twice'),
        ({'fill_value': 0.0}, "project='none' fills nothing"),
        ({'atlas_names': ['AAL']}, 'reports=False'),
    ],
)
def test_contradictions_raise_while_the_graph_is_built(parameters, message):
    """Not in the middle of the night."""
    with pytest.raises(LabelsError, match=message):
        init_labels_wf(**parameters)


@pytest.mark.parametrize(
    'parameters',
    [
        {'interpolation': 'linear'},
        {'use_confounds': True, 'fd_threshold': 0.2},
        {'use_confounds': True, 'dvars_threshold': 3.0},
        {'use_confounds': True, 'n_compcor': 3},
        {'standardize_confounds': False},
        {'confounds_na': 'zero'},
    ],
)
def test_a_parameter_that_would_not_act_raises(parameters):
    """Each of these is set to something, and nothing would come of it."""
    with pytest.raises(LabelsError):
        init_labels_wf(**parameters)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('strategy', 'mode'),
        ('resampling_target', 'image'),
        ('interpolation', 'sinc'),
        ('smoothing_fwhm', -1.0),
        ('smoothing_fwhm', float('nan')),
        ('smoothing_fwhm', [6.0, 6.0]),
        ('smoothing_fwhm', 'fast'),
        ('dtype', 'int16'),
        ('dtype', np.int32),
        ('dtype', bool),
        ('nan_policy', 'keep'),
        ('missing_labels', 'keep'),
        ('min_coverage', 1.5),
        ('min_coverage', -0.1),
        ('standardize', 'z'),
        ('filter', 'fft'),
        ('low_pass', 0.0),
        ('high_pass', -0.01),
        ('high_pass', float('nan')),
        ('low_pass', float('inf')),
        ('low_pass', '0.1'),
        ('censored_output', 'zero'),
        ('project', 'space'),
        ('detrend', 'yes'),
        ('background_label', 0.5),
        ('num_threads', 0),
        ('n_atlases', 0),
        ('name', 'a.b'),
    ],
)
def test_a_bad_value_raises_while_the_graph_is_built(name, value):
    """It names the parameter or the values there are."""
    with pytest.raises((TraitError, ValueError, TypeError)):
        init_labels_wf(**{name: value})


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('confounds_strategy', ['48P']),
        ('n_compcor', 0),
        ('fd_threshold', -1.0),
        ('dvars_threshold', -1.0),
        ('confounds_na', 'drop'),
    ],
)
def test_a_bad_value_for_confounds_raises_while_the_graph_is_built(name, value):
    """It names the parameter or the values there are."""
    with pytest.raises((TraitError, ValueError)):
        init_labels_wf(use_confounds=True, **{'confounds_strategy': ['6P', 'aCompCor', 'scrubbing'], name: value})


def test_parameters_go_by_name_alone():
    """There are too many for places."""
    with pytest.raises(TypeError):
        init_labels_wf(True)
    with pytest.raises(TypeError):
        init_labels_wf(smoothing=6)


def test_a_graph_that_is_built_has_not_run(tmp_path):
    """And has written nothing."""
    init_labels_wf(**FULL)
    assert list((tmp_path / 'cwd').iterdir()) == []


def hashes(**parameters):
    return {
        name: node.interface.inputs.get_hashval(hash_method='content')[1]
        for name, node in inner_nodes(**parameters).items()
    }


@pytest.mark.parametrize(
    ('spelled', 'plain'),
    [
        ({'standardize': True}, {'standardize': 'zscore'}),
        ({'standardize': None}, {'standardize': False}),
        ({'standardize': 'none'}, {'standardize': False}),
        ({'standardize': np.True_}, {'standardize': True}),
        ({'detrend': np.True_}, {'detrend': True}),
        ({'use_mask': np.bool_(False)}, {'use_mask': False}),
        ({'dtype': np.float32}, {'dtype': 'float32'}),
        ({'dtype': np.dtype('f8')}, {'dtype': 'float64'}),
        ({'dtype': float}, {'dtype': 'float64'}),
        ({'dtype': None}, {'dtype': 'none'}),
        ({'resampling_target': None}, {'resampling_target': 'none'}),
        ({'filter': False}, {'filter': 'none'}),
        ({'filter': None}, {'filter': 'none'}),
        ({'high_pass': np.float64(0.01)}, {'high_pass': 0.01}),
        ({'high_pass': np.float32(0.25)}, {'high_pass': 0.25}),
        ({'min_coverage': np.float64(0.5)}, {'min_coverage': 0.5}),
        ({'min_coverage': 1}, {'min_coverage': 1.0}),
        ({'smoothing_fwhm': 6}, {'smoothing_fwhm': 6.0}),
        ({'smoothing_fwhm': np.float64(6)}, {'smoothing_fwhm': 6.0}),
        ({'smoothing_fwhm': (6, 6, 4)}, {'smoothing_fwhm': [6.0, 6.0, 4.0]}),
        ({'smoothing_fwhm': np.array([6.0, 6.0, 4.0])}, {'smoothing_fwhm': [6.0, 6.0, 4.0]}),
        ({'smoothing_fwhm': 0}, {'smoothing_fwhm': None}),
        ({'background_label': np.int64(-1)}, {'background_label': -1}),
        ({'labels': ('A', 'B')}, {'labels': ['A', 'B']}),
        ({'labels': np.array(['A', 'B'])}, {'labels': ['A', 'B']}),
        ({'low_pass': 1, 'high_pass': np.float64(0.5)}, {'low_pass': 1.0, 'high_pass': 0.5}),
    ],
)
def test_one_value_in_two_spellings_is_one_graph(spelled, plain):
    """Nipype hashes what it looks like, and would run twice."""
    assert hashes(**spelled) == hashes(**plain)


EMBEDDED = """
def load(name):
    from pathlib import Path
    return str(Path(name).absolute())

if __name__ == '__main__':
    folder = Path(sys.argv[1])
    wf = pe.Workflow('host', base_dir=str(folder / 'work'))
    upstream = pe.Node(niu.Function(output_names=['path'], function=load), name='upstream')
    upstream.inputs.name = str(folder / 'bold.nii.gz')
    for name in ('first', 'second'):
        labels = init_labels_wf(use_mask=True, use_luts=True, detrend=True, standardize=name == 'first', name=name)
        labels.inputs.inputnode.atlas_files = [str(folder / 'one.nii.gz'), str(folder / 'two.nii.gz')]
        labels.inputs.inputnode.atlas_luts = [str(folder / 'one.tsv'), None]
        labels.inputs.inputnode.bold_mask = str(folder / 'mask.nii.gz')
        wf.connect(upstream, 'path', labels, 'inputnode.bold_file')
    wf.run(**(PARALLEL if sys.argv[2] == 'MultiProc' else {}))
"""


@pytest.mark.timeout(120)
def test_two_graphs_embedded_in_a_host_complete_in_sequence_and_in_parallel(small, run_script, tmp_path):
    """With the same bytes; a second parallel run leaves every file as it was; nothing is written elsewhere."""
    before = sorted(tmp_path.iterdir())
    made = {}
    for plugin in ('Linear', 'MultiProc'):
        run_script(EMBEDDED, plugin)
        files = sorted((tmp_path / 'work' / 'host').rglob('*.tsv'))
        made[plugin] = {str(path.relative_to(tmp_path)): path.read_bytes() for path in files}
        if plugin == 'Linear':
            shutil.rmtree(tmp_path / 'work')
    # Each graph: regions of masked labels and of signals, raw and clean signals, two of each; kept volumes.
    assert len(made['Linear']) == 2 * (2 + 2 + 2 + 2 + 1)
    assert made['Linear'] == made['MultiProc']
    times = {path: path.stat().st_mtime_ns for path in files}
    run_script(EMBEDDED, 'MultiProc')
    assert times == {path: path.stat().st_mtime_ns for path in files}
    left = {path.name for path in tmp_path.iterdir()} - {path.name for path in before}
    assert left == {'work', 'script.py', 'stderr'}


BROKEN = """
def hand_on(value):
    return value

if __name__ == '__main__':
    folder, case = Path(sys.argv[1]), sys.argv[2]
    wf = pe.Workflow('host', base_dir=str(folder / 'work'))
    labels = init_labels_wf(use_mask=case == 'bold_mask', use_confounds=case == 'confounds_file')
    labels.inputs.inputnode.atlas_files = [str(folder / 'one.nii.gz')]
    labels.inputs.inputnode.bold_file = str(folder / 'bold.nii.gz')
    values = {'bold_file': '/nowhere/bold.nii.gz', 'bold_mask': '/nowhere/mask.nii.gz', 't_r': 0.0,
              'sample_mask': 'flags', 'confounds_file': '/nowhere/c.tsv', 'runs': [0.5], 'atlas_files': []}
    upstream = pe.Node(niu.Function(input_names=['value'], output_names=['value'], function=hand_on), name='upstream')
    upstream.inputs.value = values[case]
    wf.connect(upstream, 'value', labels, f'inputnode.{case}')
    try:
        wf.run(**PARALLEL)
    except Exception as e:
        (folder / 'raised').write_text(str(e))
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    'case', ['bold_file', 'bold_mask', 'confounds_file', 'atlas_files', 't_r', 'sample_mask', 'runs']
)
def test_what_goes_wrong_upstream_is_an_error_in_parallel_too(case, small, run_script, tmp_path):
    """A host that waits for ever is worse than one that fails."""
    run_script(BROKEN, case, seconds=15)
    assert (tmp_path / 'raised').read_text()


@pytest.mark.parametrize(
    ('switch', 'field'),
    [
        ('use_mask', 'bold_mask'),
        ('use_luts', 'atlas_luts'),
        ('use_confounds', 'confounds_file'),
        ('use_sample_mask', 'sample_mask'),
    ],
)
@pytest.mark.parametrize('target', ['data', 'labels'])
def test_inputs_must_come_as_announced(target, switch, field, small, run):
    """Neither unannounced nor, once announced, not at all."""
    value = [True] * 40 if field == 'sample_mask' else getattr(small, field)
    value = value[:1] if field == 'atlas_luts' else value
    with pytest.raises((RuntimeError, ValueError), match=r'is True, but|requires a value'):
        run(basic(small), resampling_target=target, **{switch: True})
    with pytest.raises(RuntimeError, match='is False, but'):
        run({**basic(small), field: value}, 'other', resampling_target=target)


def test_tables_may_be_there_for_some_atlases(small, run):
    """None stands where there is none."""
    inputs = {**basic(small, 2), 'atlas_luts': [None, small.atlas_luts[1]]}
    result = run(inputs, use_luts=True)
    names = [read_signals(path)[0] for path in result.outputs.clean_signals]
    assert names == [['1', '2', '4', '7'], ['Eleven', 'Twelve']]


@pytest.mark.parametrize('target', ['data', 'labels'])
@pytest.mark.parametrize('policy', ['nan', 'zero', 'drop'])
def test_columns_are_the_rows_of_the_table_whatever_was_lost(policy, target, small, image, tmp_path, run):
    """In resampling, outside the field of view, outside the mask, or never there."""
    atlas = np.zeros((16, 12, 12), dtype='int16')
    atlas[0:4], atlas[4:8], atlas[14:], atlas[9, 1, 1] = 5, 1, 9, 3
    mask = np.ones((6, 6, 6), dtype='uint8')
    mask[2:4] = 0
    # A grid of which no voxel is halfway between two of the series', where rounding decides.
    finer = np.diag([2.0, 2, 2, 1])
    finer[:3, 3] = -0.5
    lut = tmp_path / 'lut.tsv'
    lut.write_text('index\tname\n9\tOutside\n3\tSmall\n5\tThere\n77\tNever\n1\tMasked\n')
    inputs = {
        'bold_file': small.bold_file,
        'bold_mask': image('wide_mask.nii.gz', mask, small.affine),
        'atlas_files': [image('wide.nii.gz', atlas, finer)],
        'atlas_luts': [str(lut)],
    }
    result = run(
        inputs,
        use_mask=True,
        use_luts=True,
        missing_labels=policy,
        resampling_target=target,
        detrend=True,
        standardize=True,
    )
    regions = read_regions(result.outputs.regions[0])
    assert regions['name'].tolist() == ['Outside', 'Small', 'There', 'Never', 'Masked']
    outside = 'outside_field_of_view' if target == 'data' else 'outside_mask'
    small_one = 'lost_in_resampling' if target == 'data' else 'ok'
    assert regions['status'].tolist() == [outside, small_one, 'ok', 'absent_from_atlas', 'outside_mask']
    there = ['There'] if target == 'data' else ['Small', 'There']
    for path in (result.outputs.raw_signals[0], result.outputs.clean_signals[0]):
        names, signals = read_signals(path)
        assert names == (there if policy == 'drop' else regions['name'].tolist())
        present = np.isfinite(signals).all(axis=0) & (signals != 0).any(axis=0)
        assert [name for name, p in zip(names, present, strict=True) if p] == there


SCRUBBED = [0, 7, 8, 31, 39]


@pytest.mark.parametrize('censored', ['drop', 'nan'])
@pytest.mark.parametrize(
    'settings',
    [
        {},
        {'detrend': True, 'standardize': True, 'high_pass': 0.02, 'low_pass': 0.1},
        {'smoothing_fwhm': 8.0, 'standardize': 'psc'},
    ],
    ids=['plain', 'filtered', 'smoothed'],
)
def test_a_volume_left_out_has_no_influence_on_the_outputs(settings, censored, small, image, run):
    """However wild it is, the clean signals and their projection are the same bytes."""
    mask = [volume not in SCRUBBED for volume in range(40)]
    # Blobs on a dark ground, where splines overshoot.
    data = np.where(np.random.default_rng(21).uniform(size=(6, 6, 6, 1)) < 0.5, 0, small.data)
    found = []
    for factor in (0.1, 1e4):
        data[..., SCRUBBED] = factor * small.data[..., SCRUBBED] * np.random.default_rng(22).uniform(size=(6, 6, 6, 5))
        inputs = {**basic(small, 2), 'bold_file': image('wild.nii.gz', data, small.affine, 2.0), 'sample_mask': mask}
        result = run(
            inputs, f'work{factor}', use_sample_mask=True, censored_output=censored, project='labels', **settings
        )
        paths = [*result.outputs.clean_signals, *result.outputs.projected, result.outputs.kept_volumes]
        found.append([Path(path).read_bytes() for path in paths])
        assert np.isfinite(read_signals(paths[0])[1]).any()
    assert found[0] == found[1]


def test_confounds_and_masks_of_volumes_come_in_every_form(small, tmp_path, run):
    """Flags of Python's and of NumPy's, indices, a file; one table or several."""
    kept = [volume for volume in range(40) if volume not in (3, 20)]
    flags = [volume in kept for volume in range(40)]
    (tmp_path / 'kept.txt').write_text('\n'.join(map(str, kept)))
    forms = [flags, kept, str(tmp_path / 'kept.txt'), list(np.array(flags)), [int(i) for i in np.array(kept)]]
    found = set()
    for i, form in enumerate(forms):
        inputs = {**basic(small), 'sample_mask': form, 'confounds_file': [small.confounds_file]}
        result = run(inputs, f'work{i}', use_sample_mask=True, use_confounds=True)
        found.add(Path(result.outputs.clean_signals[0]).read_bytes())
    assert len(found) == 1


def test_relative_names_are_those_of_the_folder_the_graph_was_started_in(small, tmp_path, run, monkeypatch):
    """Nodes run in folders of their own."""
    monkeypatch.chdir(tmp_path)
    inputs = {'bold_file': 'bold.nii.gz', 'atlas_files': ['one.nii.gz'], 'bold_mask': 'mask.nii.gz'}
    inputs |= {'atlas_luts': ['one.tsv'], 'confounds_file': 'confounds.tsv'}
    relative = run(inputs, 'relative', use_mask=True, use_luts=True, use_confounds=True)
    absolute = run(
        {
            name: [str(tmp_path / v) for v in value] if isinstance(value, list) else str(tmp_path / value)
            for name, value in inputs.items()
        },
        'absolute',
        use_mask=True,
        use_luts=True,
        use_confounds=True,
    )
    one, two = (Path(result.outputs.clean_signals[0]).read_bytes() for result in (relative, absolute))
    assert one == two


def test_the_repetition_time_goes_from_the_header_to_filter_and_projection(small, run):
    """Unless sidecar or parameter say it, which must agree."""
    result = run(basic(small), high_pass=0.02, detrend=True, project='atlas')
    assert json.loads(Path(result.outputs.cleaning).read_text())['Parameters']['t_r'] == 2.0
    assert nibabel.load(result.outputs.projected[0]).header.get_zooms()[3] == 2.0
    with pytest.raises(RuntimeError, match='t_r says 1 s, the header says 2 s'):
        run({**basic(small), 't_r': 1.0}, 'other', high_pass=0.02)


@pytest.mark.parametrize('project', ['labels', 'atlas'])
def test_the_projection_shows_the_clean_signals(project, small, run):
    """On the labels' grid or the atlas's own."""
    result = run(full(small), **{**FULL, 'project': project})
    for i, path in enumerate(result.outputs.projected):
        onto = nibabel.load(result.outputs.labels[i] if project == 'labels' else small.atlas_files[i])
        names, signals = read_signals(result.outputs.clean_signals[i])
        regions = read_regions(result.outputs.regions[i])
        labels, shown = np.asarray(onto.dataobj), nibabel.load(path).get_fdata()
        assert shown.shape == (*onto.shape, 40)
        for name, course in zip(names, signals.T, strict=True):
            region = regions['index'][regions['name'] == name].iloc[0]
            assert (labels == region).any()
            assert (shown[labels == region] == course.astype('float32')).all()
        assert (shown[labels == 0] == 0).all()


def test_names_given_in_order_head_the_columns(small, run):
    """Of the only atlas."""
    result = run(basic(small), labels=['A', 'B', 'C', 'D'])
    assert read_signals(result.outputs.clean_signals[0])[0] == ['A', 'B', 'C', 'D']


def test_a_host_may_run_many_series_through_iterables(small, image, tmp_path):
    """Each in a folder of its own."""
    other = image('second.nii.gz', small.data + 5, small.affine, 2.0)
    wf = init_labels_wf()
    wf.base_dir = str(tmp_path / 'work')
    wf.inputs.inputnode.atlas_files = small.atlas_files
    wf.get_node('inputnode').iterables = ('bold_file', [small.bold_file, other])
    graph = wf.run()
    found = [node.result.outputs.out_files[0] for node in graph.nodes() if node.name == 'clean']
    assert len(set(found)) == 2
    first, second = (read_signals(path)[1] for path in found)
    assert_allclose(np.abs(first - second), 5, rtol=1e-6)


def test_the_graph_is_a_workflow_of_nipypes():
    """Named as asked."""
    wf = init_labels_wf(name='parcellate')
    assert isinstance(wf, pe.Workflow)
    assert wf.name == 'parcellate'
