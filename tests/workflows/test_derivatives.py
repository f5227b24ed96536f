# SPDX-License-Identifier: BSD-3-Clause
"""The factory of derivatives: valid datasets, reruns of changed nodes only, and errors when the graph is built."""

import fnmatch
import inspect
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from folders import tree
from images import save_image
from nipype.pipeline import engine as pe
from validator_cases import validate

from nipype_labels.bids.dataset import IGNORED
from nipype_labels.bids.outputs import list_paths, plan_files
from nipype_labels.model.errors import LabelsError
from nipype_labels.model.outputs import DRAWN, NODE_OUTPUTS
from nipype_labels.workflows import init_labels_derivatives_wf, init_labels_wf

pytestmark = pytest.mark.slow

STANDARD = 'sub-01/ses-a/func/sub-01_ses-a_task-rest_run-1_space-MNI152NLin2009cAsym_res-2_desc-preproc_bold.nii.gz'
NATIVE = 'sub-02/func/sub-02_task-rest_space-T1w_desc-preproc_bold.nii.gz'
CONFOUNDS = 'sub-01/ses-a/func/sub-01_ses-a_task-rest_run-1_desc-confounds_timeseries.tsv'
FULL = {
    'use_luts': True,
    'use_confounds': True,
    'confounds_columns': ['rot_x'],
    'confounds_strategy': ['scrubbing'],
    'high_variance_confounds': True,
    'detrend': True,
    'high_pass': 0.02,
    'standardize': True,
    'connectivity': 'correlation',
    'fisher_z': True,
    'project': 'labels',
    'reports': True,
}

#: Codes of the validator for names that are missing from the schema.
NAMING = {'NOT_INCLUDED', 'ALL_FILENAME_RULES_HAVE_ISSUES', 'FILENAME_MISMATCH'}


def make_files(folder):
    """Inputs of an extraction: a series, two atlases with tables, and confounds."""
    rng = np.random.default_rng(8)

    def write(name, data, size, t_r=None):
        return str(save_image(folder / name, data, np.diag([size, size, size, 1]), t_r))

    ids = rng.integers(0, 4, (2, 16, 16, 16)).astype('int16')
    rows = [
        f'{rot:.5f}\t{fd:.3f}\t1.0\n' for rot, fd in zip(rng.normal(size=40), rng.uniform(0, 0.55, 40), strict=True)
    ]
    texts = {
        'one.tsv': 'index\tname\n1\tLeft\n2\tRight\n3\tSources\n',
        'two.tsv': 'index\tname\n1\tÎle\n2\tb\n3\tc\n7\tabsent\n',
        'confounds.tsv': 'rot_x\tframewise_displacement\tstd_dvars\n' + ''.join(rows),
        'bold.json': json.dumps({'RepetitionTime': 2.0, 'StartTime': 0.98, 'SkullStripped': False, 'TaskName': 'rest'}),
    }
    for name, content in texts.items():
        (folder / name).write_text(content, encoding='utf-8')
    return {
        'bold_file': write('bold.nii.gz', rng.normal(900, 20, (8, 8, 8, 40)).astype('float32'), 4, 2.0),
        'bold_sidecar': str(folder / 'bold.json'),
        'atlas_files': [write(f'{name}.nii.gz', labels, 2) for name, labels in zip(('one', 'two'), ids, strict=True)],
        'atlas_luts': [str(folder / f'{name}.tsv') for name in ('one', 'two')],
        'confounds_file': str(folder / 'confounds.tsv'),
    }


def init_host_wf(files, base_dir, parameters, **choices):
    """A host that extracts and writes."""
    labels = init_labels_wf(**parameters)
    for field, value in files.items():
        if field != 'confounds_file' or parameters.get('use_confounds'):
            setattr(labels.get_node('inputnode').inputs, field, value)
    settings = {'source': STANDARD, 'atlas_labels': ['One', 'Two'], 'dataset_links': {'preprocessed': '../fmriprep'}}
    save = init_labels_derivatives_wf(parameters=parameters, **settings | choices)
    save.inputs.inputnode.atlas_files, save.inputs.inputnode.bold_sidecar = files['atlas_files'], files['bold_sidecar']
    wf = pe.Workflow('host', base_dir=str(base_dir))
    wf.connect([(labels, save, [(f'outputnode.{output.key}', f'inputnode.{output.key}') for output in NODE_OUTPUTS])])
    return wf


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    return make_files(tmp_path_factory.mktemp('files'))


@pytest.fixture(scope='module')
def dataset(files, tmp_path_factory):
    """A dataset of several runs: in a standard space, in native BOLD space, with a desc, and on grids of atlases."""
    pytest.importorskip('matplotlib')
    folder = tmp_path_factory.mktemp('derivatives')
    least = {'use_luts': True}
    cases = [
        (FULL, {'more_sources': [CONFOUNDS], 'atlas_scales': [None, '3']}),
        (least | {'resampling_target': 'labels', 'strategy': 'standard_deviation'}, {'source': NATIVE}),
        (least | {'standardize': 'psc', 'censored_output': 'nan'}, {'desc': 'psc'}),
    ]
    for i, (parameters, choices) in enumerate(cases):
        init_host_wf(files, folder / f'work-{i}', parameters, out_dir=folder / 'out', **choices).run()
    return folder / 'out'


def test_the_validator_finds_no_error(dataset):
    assert validate(dataset) == set()


def test_files_ignored_by_the_validator_only_have_names_missing_from_the_schema(dataset, tmp_path):
    copied = tmp_path / 'copied'
    shutil.copytree(dataset, copied)
    (copied / '.bidsignore').unlink()
    found = validate(copied)
    assert {code for code, _ in found} <= NAMING

    def is_ignored(path):
        parts = path.relative_to(copied).parts
        return any(fnmatch.fnmatch(part, pattern) for part in parts for pattern in IGNORED)

    inside = {path for path in copied.rglob('*') if is_ignored(path) and (path.is_file() or path.name in IGNORED)}
    assert {name.rstrip('/') for _, name in found} == {str(path.relative_to(copied)) for path in inside}
    assert not [path for path in inside if '_dseg.' in path.name]


def test_every_planned_file_exists(dataset):
    planned = plan_files(STANDARD, ['One', 'Two'], FULL, atlas_scales=['', '3'], drawn=DRAWN)
    planned += plan_files(STANDARD, ['One', 'Two'], {}, 'psc')
    planned += plan_files(NATIVE, ['One', 'Two'], {'strategy': 'standard_deviation'})
    top = {'dataset_description.json', '.bidsignore', 'README.md'}
    assert set(tree(dataset)) == {*list_paths(planned), *top}


def test_sidecars_list_exactly_the_parameters_that_change_numbers(dataset):
    (path,) = dataset.rglob('*atlas-One_res-2_stat-mean_timeseries.json')
    told = json.loads(path.read_text(encoding='utf-8'))
    arguments = set(inspect.signature(init_labels_wf).parameters)
    undefined = {'labels', 'radius', 'zeros', 'smoothing_fwhm', 'low_pass', 'fill_value'}
    resources = {'reports', 'atlas_names', 'sizes', 'num_threads', 'name'}
    assert set(told['Parameters']) == arguments - undefined - resources
    assert told['Parameters']['standardize'] == 'zscore'
    assert told['Methods'].startswith('Label images were resampled')
    assert told['Sources'][1] == f'bids:preprocessed:{CONFOUNDS}'
    assert told['NumberOfVolumesDropped'] == told['NumberOfVolumes'] - told['NumberOfVolumesRetained'] > 0
    assert 'Sources' in told['Columns']


@pytest.fixture
def execute(files, tmp_path):
    """Run a host; return the names of executed nodes, and the files that were written."""

    def call(out='out', parameters=FULL, **choices):
        results = {path: path.stat().st_mtime_ns for path in (tmp_path / 'work').rglob('result_*.pklz')}
        init_host_wf(files, tmp_path / 'work', parameters, out_dir=tmp_path / out, **choices).run()
        after = {path: path.stat().st_mtime_ns for path in (tmp_path / 'work').rglob('result_*.pklz')}
        changed = {path.parent.name for path, time in after.items() if results.get(path) != time}
        return {name for name in changed if not name.endswith('putnode')}, tmp_path / out

    return call


def test_parameters_of_writing_rerun_only_the_node_that_writes(execute):
    least = {'use_luts': True}
    executed, out = execute(parameters=least)
    assert executed == {'resample_labels', 'apply_mask', 'reduce', 'clean', 'save'}
    before = tree(out)
    assert execute(parameters=least)[0] == set()
    assert execute(parameters=least | {'num_threads': 2})[0] == set()
    next(out.rglob('*One*_dseg.nii.gz')).unlink()
    assert execute(parameters=least)[0] == {'save'}
    assert tree(out) == before
    executed, elsewhere = execute('elsewhere', parameters=least)
    assert executed == {'save'}
    assert tree(elsewhere) == before
    assert execute(parameters=least, desc='other')[0] == {'save'}
    assert set(before) < set(tree(out))


@pytest.mark.endurance
def test_multiproc_writes_derivatives(files, tmp_path):
    wf = init_host_wf(files, tmp_path / 'work', {'use_luts': True}, out_dir=tmp_path / 'out')
    graph = wf.run('MultiProc', plugin_args={'n_procs': 2, 'memory_gb': 8})
    (save,) = (node for node in graph.nodes() if node.name == 'save')
    assert all(Path(path).is_file() for path in save.result.outputs.out_files)


def test_extracting_alone_writes_no_derivatives():
    assert not [name for name in init_labels_wf(reports=True).list_node_names() if 'save' in name]


def init_one(**choices):
    return init_labels_derivatives_wf(
        **{'out_dir': 'out', 'source': STANDARD, 'atlas_labels': ['One'], 'parameters': {}} | choices
    )


@pytest.mark.parametrize(
    ('choices', 'message'),
    [
        ({'source': 'sub-01/func/bold.nii.gz'}, 'not a BIDS name'),
        ({'source': f'../{STANDARD}'}, 'within its dataset'),
        ({'atlas_labels': ['One', 'One']}, 'both are labelled'),
        ({'atlas_labels': ['../x']}, 'cannot be part of a name'),
        ({'atlas_scales': ['1', '2']}, '2 scales are given for 1'),
        ({'desc': 'raw'}, 'Choose another desc'),
        ({'parameters': {'confounds_columns': ['csf']}}, 'only acts with use_confounds'),
    ],
)
def test_invalid_arguments_raise_while_the_graph_is_built(choices, message):
    with pytest.raises(LabelsError, match=message):
        init_one(**choices)


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match='standardise'):
        init_one(parameters={'standardise': True})


def test_spellings_of_one_value_write_the_same():
    texts = [
        init_one(parameters=parameters).get_node('save').inputs.parameters
        for parameters in ({}, {'standardize': False}, {'standardize': 'none', 'confounds_columns': ()})
    ]
    assert len(set(texts)) == 1


def test_the_node_is_hashed_by_content_and_says_what_it_needs():
    node = init_one().get_node('save')
    assert node.config['execution']['hash_method'] == 'content'
    assert 0.1 < node.mem_gb < 1
    assert node.run_without_submitting is False
    assert Path(node.inputs.out_dir).is_absolute()
