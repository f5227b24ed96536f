# SPDX-License-Identifier: BSD-3-Clause
"""The graph of fMRIPrep for a subject with our workflow in it, built and not run: connections, and unchanged nodes."""

import importlib.util
import itertools
import json
import re
import shutil
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe
from nipype.pipeline.engine.utils import generate_expanded_graph, merge_dict

from nipype_labels.files.tables import read_signals
from nipype_labels.workflows import init_labels_wf

# Warnings of fMRIPrep and of its imports are not about this package.
pytestmark = [pytest.mark.timeout(240), pytest.mark.filterwarnings('ignore')]

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / 'workflows' / 'inside_fmriprep.py'
PAGE = (ROOT / 'docs' / 'embedding.md').read_text(encoding='utf-8')

RUNS = ('bold_task_rest_run_1_wf', 'bold_task_rest_run_2_wf')
SPACES = ('MNI152NLin2009cAsym', 'MNI152NLin6Asym')
NODES = ('resample_labels', 'resample_mask', 'apply_mask', 'reduce', 'clean')


@pytest.fixture(scope='module')
def script():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location('inside_fmriprep', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def labels(files):
    """Arguments of ``attach_labels_wf``."""
    return files | {'confounds_strategy': ['24P'], 'confounds_na': 'zero', 'detrend': True}


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """Two runs of a subject, in BIDS."""
    from niworkflows.utils.testing import generate_bids_skeleton

    folder = tmp_path_factory.mktemp('dataset') / 'bids'
    timing = {'RepetitionTime': 2.0, 'PhaseEncodingDirection': 'j', 'TotalReadoutTime': 0.03}
    func = [{'task': 'rest', 'run': run, 'suffix': 'bold', 'metadata': timing} for run in (1, 2)]
    generate_bids_skeleton(str(folder), {'01': {'anat': [{'suffix': 'T1w'}], 'func': func}})
    for path in folder.rglob('*.nii.gz'):
        nib.save(nib.Nifti1Image(np.zeros((10, 10, 10, 10), dtype='float32'), np.eye(4)), path)
    return folder


@pytest.fixture(scope='module')
def build(dataset):
    """Build fMRIPrep's graph for two standard output spaces."""
    from fmriprep import config
    from fmriprep.workflows.base import init_fmriprep_wf
    from fmriprep.workflows.tests import mock_config

    with mock_config(bids_dir=dataset):
        config.execution.output_spaces = ' '.join([*(f'{space}:res-2' for space in SPACES), 'T1w'])
        config.init_spaces()
        config.workflow.level, config.workflow.run_reconall, config.workflow.bold2anat_init = 'full', False, 't1w'
        yield init_fmriprep_wf


@pytest.fixture(scope='module')
def built(build, script, labels):
    """The graph before and after ours was attached to it."""
    wf = build()
    before, text = expand(wf), wf.visit_desc()
    attached = []
    for bold_wf in script.find_bold_wfs(wf):
        attached.append(script.attach_labels_wf(bold_wf, **labels))
        script.sink_tables(bold_wf, attached[-1], ['synthetic'])
    return SimpleNamespace(wf=wf, before=before, after=expand(wf), text=text, attached=attached)


def expand(wf):
    """Nodes of the graph that would be run, by their folders, as Nipype's ``run`` makes them."""
    flat = wf._create_flat_graph()
    wf._set_needed_outputs(flat)
    graph = generate_expanded_graph(deepcopy(flat))
    nodes = {}
    for node in graph.nodes():
        node.config, node.base_dir = merge_dict(deepcopy(wf.config), node.config), wf.base_dir
    for node in graph.nodes():
        edges = [(source, pair) for source, _, data in graph.in_edges(node, data=True) for pair in data['connect']]
        node.fed = {into: (_place(source, wf), field) for source, (field, into) in edges}
        nodes[_place(node, wf)] = node
    return nodes


def _place(node, wf):
    return str(Path(node.output_dir()).relative_to(Path(wf.base_dir) / wf.name / 'sub_01_wf'))


def needing_more(before, after):
    """Nodes of which other outputs are needed than before; they would run again."""
    return [place for place in before if after[place].needed_outputs != before[place].needed_outputs]


def ours(run, space, name):
    return f'{run}/labels_wf/_in_tuple_{space}.res2/{name}'


def test_there_are_as_many_nodes_of_ours_as_runs_times_spaces_times_nodes(built):
    added = built.after.keys() - built.before.keys()
    expected = {ours(run, space, name) for run in RUNS for space in SPACES for name in NODES}
    around = ('labels_wf_atlas', 'labels_wf_ds_timeseries', 'labels_wf_ds_regions')
    expected |= {f'{run}/_in_tuple_{space}.res2/{name}' for run in RUNS for space in SPACES for name in around}
    assert added == expected
    assert built.before.keys() <= built.after.keys()


@pytest.mark.parametrize('space', SPACES)
@pytest.mark.parametrize('run', RUNS)
def test_each_run_and_space_is_fed_by_its_own_nodes_of_fmripreps(run, space, built, labels):
    iterable = f'_in_tuple_{space}.res2'
    fed = {name: built.after[ours(run, space, name)].fed for name in NODES}
    bold = (f'{run}/bold_std_wf/{iterable}/resample', 'out_file')
    assert fed['reduce']['in_file'] == bold
    assert fed['resample_labels']['reference_files'] == bold
    assert fed['resample_mask']['reference_files'] == bold
    assert fed['resample_mask']['in_files'] == (f'{run}/ds_bold_std_wf/{iterable}/resample_mask', 'output_image')
    assert fed['clean']['confounds_files'] == (f'{run}/bold_confounds_wf/spike_regressors', 'confounds_file')
    select = f'{run}/{iterable}/labels_wf_atlas'
    assert fed['resample_labels']['in_files'] == (select, 'atlas_files')
    assert fed['apply_mask']['atlas_files'] == (select, 'atlas_files')
    assert fed['apply_mask']['lut_files'] == (select, 'atlas_luts')
    assert built.after[select].fed == {'key': (f'template_iterator_wf/{iterable}/spacesource', 'space')}
    interface = deepcopy(built.after[select].interface)
    interface.inputs.key = space
    assert interface.run().outputs.atlas_files == labels['atlases'][space]
    assert interface.run().outputs.atlas_luts == labels['luts'][space]
    assert built.after[ours(run, space, 'clean')].inputs.t_r == 2.0


def test_no_node_of_fmripreps_changes(built):
    for place, node in built.before.items():
        attached = built.after[place]
        assert attached.fed == node.fed
        assert attached.needed_outputs == node.needed_outputs, place
        assert attached.inputs.get_hashval(hash_method='timestamp') == node.inputs.get_hashval(hash_method='timestamp')


@pytest.mark.parametrize(
    ('node', 'field', 'changes'),
    [('outputnode', 'tcompcor_mask', False), ('acompcor', 'pre_filter_file', True)],
    ids=['that an outputnode has', 'that nothing takes'],
)
def test_only_a_field_that_nothing_takes_changes_a_node_of_fmripreps(node, field, changes, build):
    wf = build()
    before = expand(wf)
    confounds_wf = wf.get_node(f'sub_01_wf.{RUNS[0]}.bold_confounds_wf')
    confounds_wf.connect(confounds_wf.get_node(node), field, pe.Node(niu.Rename(), 'more'), 'in_file')
    assert needing_more(before, expand(wf)) == [f'{RUNS[0]}/bold_confounds_wf/{node}'] * changes


def test_settings_are_those_of_fmriprep_except_content_hashes(built):
    theirs = built.after[f'{RUNS[0]}/ds_confounds'].config['execution']
    assert theirs['hash_method'] == 'timestamp'
    own = init_labels_wf().get_node('reduce').config['execution']
    assert own['hash_method'] == 'content'
    for node in itertools.product(RUNS, SPACES, NODES):
        assert built.after[ours(*node)].config['execution'] == theirs | own


def test_the_boilerplate_describes_our_workflow_once(built):
    (text,) = {wf.__desc__ for wf in built.attached}
    assert built.wf.visit_desc().count(text) == 1
    assert text not in built.text


def test_a_file_that_is_not_there_is_an_error_before_anything_runs(built, script, labels):
    """fMRIPrep would run for hours before the file is read."""
    atlases = labels['atlases'] | {'MNI152NLin6Asym': ['nowhere.nii.gz']}
    with pytest.raises(FileNotFoundError, match=r'nowhere\.nii\.gz'):
        script.attach_labels_wf(script.find_bold_wfs(built.wf)[0], **labels | {'atlases': atlases}, name='other_wf')


@pytest.fixture(scope='module')
def command(built, dataset, labels, run_command, tmp_path_factory):
    """Run the script as a command, with empty programs for those that fMRIPrep looks for."""
    from fmriprep.utils.misc import check_deps

    folder = tmp_path_factory.mktemp('command')
    for name in {command.split()[0] for _, command in check_deps(built.wf)} | {'mri_convert'}:
        (folder / name).write_text('#!/bin/sh\n')
        (folder / name).chmod(0o755)
    (folder / 'license.txt').write_text('none')
    (folder / 'labels.json').write_text(json.dumps(labels | {'names': ['synthetic']}))

    def call(*more, spaces):
        command = [SCRIPT, 'labels.json', dataset, 'out', 'participant', '-w', 'work', '--nprocs', '2', '--notrack']
        command += ['--fs-no-reconall', '--fs-license-file', 'license.txt', '--skip-bids-validation', *more]
        return run_command(*command, '--output-spaces', *spaces, folder=folder, path=[folder], seconds=200)

    call.folder = folder
    return call


def test_the_script_builds_as_the_command_does(command, built):
    """It takes the arguments of fMRIPrep, and its boilerplate includes ours."""
    spaces = ['MNI152NLin2009cAsym:res-2', 'MNI152NLin6Asym']
    status, log = command('--boilerplate-only', '--md-only-boilerplate', spaces=spaces)
    assert status == 0, log
    text = (command.folder / 'out' / 'logs' / 'CITATION.md').read_text()
    assert text.count(built.attached[0].__desc__) == 1
    assert 'fMRIPrep' in text
    # What the page says of an output space without a resolution.
    (settings,) = (command.folder / 'work').glob('*/config.toml')
    assert 'MNI152NLin2009cAsym:res-2 MNI152NLin6Asym:res-native' in settings.read_text()


def test_the_script_runs_as_the_command_does(command):
    """The script runs until ANTs is needed; the report of fMRIPrep names the failure."""
    status, log = command(spaces=['MNI152NLin2009cAsym:res-2'])
    assert status == 1
    assert 'ImageMath' in log
    out = command.folder / 'out'
    assert 'Exception raised while executing Node lap_tmpl' in (out / 'sub-01.html').read_text()
    assert (out / 'dataset_description.json').exists()


@pytest.mark.parametrize(
    ('spaces', 'message'),
    [
        (['MNI152NLin2009cAsym', 'OASIS30ANTs'], 'every standard output space needs atlases'),
        (['T1w'], 'no run is resampled to a standard space'),
    ],
    ids=['no atlas', 'no space'],
)
def test_the_script_refuses_what_would_give_no_signals(spaces, message, command):
    """Before fMRIPrep runs."""
    status, log = command(spaces=spaces)
    assert status == 1
    assert message in log


def test_no_field_in_the_table_of_the_page_changes_a_node_of_fmripreps(build):
    """All fields exist under these names, and fMRIPrep itself needs all of them."""
    paths = [
        path for row in re.findall(r'^\| `.*', PAGE, re.MULTILINE) for path in re.findall(r'`(\w+\.\w+\.\w+)`', row)
    ]
    assert len(paths) == 7
    wf = build()
    before = expand(wf)
    bold_wf = wf.get_node(f'sub_01_wf.{RUNS[0]}')
    for i, (source, field) in enumerate(path.split('.', 1) for path in paths):
        bold_wf.connect(bold_wf.get_node(source), field, pe.Node(niu.Rename(), f'more_{i}'), 'in_file')
    assert needing_more(before, expand(wf)) == []


def test_code_of_the_page_runs(build, files, subject, tmp_path, monkeypatch):
    """The code for a separate graph is run; that for fMRIPrep builds a graph."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(SCRIPT.parent)
    shutil.copy(subject / 'bids/sub-01/func/sub-01_task-rest_run-1_bold.nii.gz', 'bold.nii.gz')
    for name, (path,) in zip(('-2009c', '-6'), files['atlases'].values(), strict=True):
        shutil.copy(path, f'atlas{name}.nii.gz')
    shutil.copy('atlas-6.nii.gz', 'atlas.nii.gz')
    alone, within = re.findall(r'```python\n(.*?)```', PAGE, re.DOTALL)
    exec(compile(alone, 'embedding.md', 'exec'), {})
    assert read_signals('work/host/labels_wf/clean/atlas_timeseries.tsv')[1].shape == (40, 3)
    namespace = {}
    exec(compile(within, 'embedding.md', 'exec'), namespace)
    assert {ours(run, space, 'reduce') for run in RUNS for space in SPACES} <= expand(namespace['wf']).keys()
