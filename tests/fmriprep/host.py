# SPDX-License-Identifier: BSD-3-Clause
"""A host's script: fMRIPrep's own workflows from a fitted run on, and ours attached to them, run as its argument says.

The argument is JSON:

- ``folder``: where the files are; ``work``: the work folder within it;
- ``run``: what Nipype's ``run`` takes;
- ``steps``: runs, each with the arguments of ``attach_labels_wf`` as ``labels``, null where ours stays out, and perhaps
  a file to ``touch`` before.

It writes to ``outcome.json``, for each run, which nodes were executed, which always are, and what nodes gave, by their
folders; and how processes were started.
"""

import importlib.util
import json
import multiprocessing
import sys
from copy import deepcopy
from pathlib import Path

from fmriprep import config
from fmriprep.interfaces import DerivativesDataSink
from fmriprep.workflows.bold.apply import init_bold_volumetric_resample_wf
from fmriprep.workflows.bold.confounds import init_bold_confs_wf
from fmriprep.workflows.bold.outputs import init_ds_volumes_wf
from nipype import config as nipype_config
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe
from niworkflows.engine.workflows import LiterateWorkflow
from niworkflows.utils.spaces import Reference, SpatialReferences
from smriprep.workflows.outputs import init_template_iterator_wf

SCRIPT = Path(__file__).parents[2] / 'workflows' / 'inside_fmriprep.py'

#: Output spaces, on the template's grid and on one that fMRIPrep makes from template and series.
SPACES = (('MNI152NLin2009cAsym', {'res': '2'}), ('MNI152NLin6Asym', {'res': 'native'}))

METADATA = {'RepetitionTime': 2.0, 'TaskName': 'rest'}

#: Outputs of the fit of a run and of the anatomical workflow; all images are aligned.
FITTED = {
    'bold': 'bids/sub-01/func/sub-01_task-rest_run-1_bold.nii.gz',
    'boldref': 'boldref.nii.gz',
    'bold_mask': 'bold_mask.nii.gz',
    'motion_xfm': 'motion.txt',
    'identity': 'identity.txt',
    't1w_mask': 't1w_mask.nii.gz',
    't1w_tpms': ['gm.nii.gz', 'wm.nii.gz', 'csf.nii.gz'],
}

#: Nodes whose outputs are compared.
GIVING = ('resample', 'resample_mask', 'spike_regressors', 'apply_mask', 'reduce', 'clean')

#: Connections, as in ``init_bold_wf`` of fMRIPrep.
EDGES = (
    ('inputnode.std_t1w', 'bold_std_wf.inputnode.target_ref_file'),
    ('inputnode.std_mask', 'bold_std_wf.inputnode.target_mask'),
    ('inputnode.anat2std_xfm', 'bold_std_wf.inputnode.anat2std_xfm'),
    ('inputnode.std_resolution', 'bold_std_wf.inputnode.resolution'),
    ('fit.boldref', 'bold_std_wf.inputnode.bold_ref_file'),
    ('fit.identity', 'bold_std_wf.inputnode.boldref2anat_xfm'),
    ('fit.bold', 'bold_std_wf.inputnode.bold_file'),
    ('fit.motion_xfm', 'bold_std_wf.inputnode.motion_xfm'),
    ('inputnode.anat2std_xfm', 'ds_bold_std_wf.inputnode.anat2std_xfm'),
    ('inputnode.std_t1w', 'ds_bold_std_wf.inputnode.template'),
    ('inputnode.std_space', 'ds_bold_std_wf.inputnode.space'),
    ('inputnode.std_resolution', 'ds_bold_std_wf.inputnode.resolution'),
    ('inputnode.std_cohort', 'ds_bold_std_wf.inputnode.cohort'),
    ('fit.bold_mask', 'ds_bold_std_wf.inputnode.bold_mask'),
    ('fit.boldref', 'ds_bold_std_wf.inputnode.bold_ref'),
    ('fit.identity', 'ds_bold_std_wf.inputnode.boldref2anat_xfm'),
    ('fit.motion_xfm', 'ds_bold_std_wf.inputnode.motion_xfm'),
    ('fit.bold', 'ds_bold_std_wf.inputnode.source_files'),
    ('bold_std_wf.outputnode.bold_file', 'ds_bold_std_wf.inputnode.bold'),
    ('bold_std_wf.outputnode.resampling_reference', 'ds_bold_std_wf.inputnode.ref_file'),
    ('fit.t1w_tpms', 'bold_confounds_wf.inputnode.t1w_tpms'),
    ('fit.t1w_mask', 'bold_confounds_wf.inputnode.t1w_mask'),
    ('fit.bold_mask', 'bold_confounds_wf.inputnode.bold_mask'),
    ('fit.boldref', 'bold_confounds_wf.inputnode.hmc_boldref'),
    ('fit.motion_xfm', 'bold_confounds_wf.inputnode.motion_xfm'),
    ('fit.identity', 'bold_confounds_wf.inputnode.boldref2anat_xfm'),
    ('fit.bold', 'bold_confounds_wf.inputnode.bold'),
    ('bold_confounds_wf.outputnode.confounds_file', 'ds_confounds.in_file'),
    ('bold_confounds_wf.outputnode.confounds_metadata', 'ds_confounds.meta_dict'),
)


def init_bold_wf(folder):
    """Workflow of a run after its fit, from the parts and with the names of fMRIPrep."""
    out, files = str(folder / 'out'), {key: _within(folder, value) for key, value in FITTED.items()}
    wf = LiterateWorkflow('bold_task_rest_run_1_wf')
    spatial = ['anat2std_xfm', 'std_t1w', 'std_mask', 'std_space', 'std_resolution', 'std_cohort']
    fit = pe.Node(niu.IdentityInterface(fields=list(files)), 'fit')
    fit.inputs.trait_set(**files)
    confounds_wf = init_bold_confs_wf(
        mem_gb=0.1,
        metadata=METADATA,
        regressors_all_comps=False,
        regressors_dvars_th=1.5,
        regressors_fd_th=0.5,
        name='bold_confounds_wf',
    )
    confounds_wf.inputs.inputnode.skip_vols = 2
    sink = DerivativesDataSink(base_directory=out, desc='confounds', suffix='timeseries', source_file=files['bold'])
    wf.add_nodes(
        [
            pe.Node(niu.IdentityInterface(fields=spatial), 'inputnode'),
            fit,
            init_bold_volumetric_resample_wf(
                metadata=METADATA, mem_gb={'resampled': 0.1}, jacobian=False, name='bold_std_wf'
            ),
            init_ds_volumes_wf(
                source_file=files['bold'],
                bids_root=str(folder / 'bids'),
                output_dir=out,
                multiecho=False,
                metadata=METADATA,
                name='ds_bold_std_wf',
            ),
            confounds_wf,
            pe.Node(sink, 'ds_confounds', run_without_submitting=True),
        ]
    )
    for source, target in EDGES:
        (source, field), (target, into) = source.split('.', 1), target.split('.', 1)
        wf.connect(wf.get_node(source), field, wf.get_node(target), into)
    for name in wf.list_node_names():
        if name.split('.')[-1].startswith('ds_report'):
            wf.get_node(name).inputs.trait_set(base_directory=out, source_file=files['bold'])
    return wf


def init_host_wf(folder, work):
    """A subject's workflow: templates, transforms to them, and a run."""
    wf = LiterateWorkflow('sub_01_wf', base_dir=str(work))
    spaces = SpatialReferences([Reference(*space) for space in SPACES], checkpoint=True)
    iterator = init_template_iterator_wf(spaces=spaces)
    iterator.inputs.inputnode.template = [space for space, _ in SPACES]
    iterator.inputs.inputnode.anat2std_xfm = [_within(folder, FITTED['identity'])] * len(SPACES)
    named = [(name, f'std_{name}') for name in ('space', 'resolution', 'cohort')]
    named += [(name, name) for name in ('anat2std_xfm', 'std_t1w', 'std_mask')]
    fields = [(f'outputnode.{source}', f'inputnode.{target}') for source, target in named]
    wf.connect([(iterator, init_bold_wf(folder), fields)])
    for node in wf._get_all_nodes():
        node.config = deepcopy(wf.config)
    return wf


def _within(folder, value):
    return [_within(folder, name) for name in value] if isinstance(value, list) else str(folder / value)


def attach(wf, labels):
    """Attach our workflow by the script."""
    spec = importlib.util.spec_from_file_location('inside_fmriprep', SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    (bold_wf,) = script.find_bold_wfs(wf)
    script.sink_tables(bold_wf, script.attach_labels_wf(bold_wf, **labels), ['synthetic'])


def run(folder, work, arguments, labels, touch=None):
    """Build and run the graph; return executed nodes, nodes that always run, and outputs."""
    wf = init_host_wf(folder, work)
    if labels is not None:
        attach(wf, labels)
    if touch is not None:
        (folder / touch).touch()
    before = _results(work)
    graph = wf.run(**arguments)
    nodes = {str(Path(node.output_dir()).relative_to(work)): node for node in graph.nodes()}
    changed = [path for path, time in _results(work).items() if before.get(path) != time]
    return {
        'executed': sorted(str(path.parent.relative_to(work)) for path in changed),
        'always': sorted(path for path, node in nodes.items() if getattr(node.interface, '_always_run', False)),
        'start_method': multiprocessing.get_start_method(),
        'outputs': {path: node.result.outputs.get() for path, node in nodes.items() if node.name in GIVING},
    }


def main(case):
    """All runs of the case."""
    folder = Path(case['folder'])
    config.execution.dataset_links = {'raw': folder / 'bids', 'templateflow': config.TF_LAYOUT.root}
    settings = {'crashdump_dir': str(folder / 'crash'), 'poll_sleep_duration': '0.05', 'stop_on_first_crash': 'true'}
    nipype_config.update_config({'execution': settings})
    steps = [run(folder, folder / case['work'], case['run'], **step) for step in case['steps']]
    (folder / 'outcome.json').write_text(json.dumps(steps, default=str))


def _results(work):
    """Results of nodes, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in work.rglob('result_*.pklz')}


if __name__ == '__main__':
    main(json.loads(sys.argv[1]))
