# SPDX-License-Identifier: BSD-3-Clause
"""The nodes of an extraction, each with the edges that connect it."""

import math
import sys
from collections import defaultdict
from types import SimpleNamespace

import numpy as np
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from ..core.clean import DENOISING
from ..interfaces import (
    ApplyMask,
    CleanSignal,
    Connectivity,
    HighVarianceConfounds,
    InverseProject,
    LabelsReport,
    ReduceLabels,
    Resample,
    WriteParcels,
)
from ..interfaces.verified import VerifiedNode
from ..interfaces.volumes import RunInputs
from ..interfaces.workflow_inputs import WorkflowInput
from ..model.outputs import NODE_OUTPUTS
from ..model.parameters import CONFOUNDS_PARAMETERS, SPHERES
from .boilerplate import describe
from .resources import estimate

#: Fields of ``inputnode``: what varies between runs.
INPUTS = (
    'bold_file',
    'bold_mask',
    'bold_sidecar',
    'atlas_files',
    'atlas_luts',
    'areas_file',
    'surface_files',
    'confounds_file',
    'sample_mask',
    'runs',
    't_r',
)

#: Arguments that announce fields of ``inputnode``, by field.
SWITCHES = {
    'bold_mask': 'use_mask',
    'atlas_luts': 'use_luts',
    'confounds_file': 'use_confounds',
    'sample_mask': 'use_sample_mask',
}


def build_graph(given, sizes, name):
    """Return the workflow of canonical parameters."""
    memory = estimate(
        sizes,
        given['num_threads'],
        sampled=given['resampling_target'] == 'labels',
        smoothed=bool(np.any(given.get('smoothing_fwhm', 0))),
        projected=given['project'],
    )
    fields = [output.key for output in NODE_OUTPUTS]
    nodes = SimpleNamespace(
        inputnode=pe.Node(RunInputs(INPUTS), name='inputnode'),
        outputnode=pe.Node(niu.IdentityInterface(fields=fields, mandatory_inputs=False), name='outputnode'),
    )
    edges = [*_extract(nodes, given, memory), *_denoise(nodes, given, memory), *_resample(nodes, given, memory)]
    if given['high_variance_confounds']:
        edges += _find_high_variance(nodes, given, memory)
    if given['project'] != 'none':
        edges += _project(nodes, given, memory)
    if given['cifti_outputs']:
        edges += _write_parcels(nodes, memory)
    if given['connectivity'] != 'none':
        edges += _measure_connectivity(nodes, given, memory)
    if given['reports']:
        edges += _report(nodes, given, memory)
    edges += _connect_outputs(nodes, given)
    _name_inputs(nodes.inputnode, edges)
    wf = workflow_class()(name=name)
    wf.__desc__ = describe(given) + '\n'
    # In one call: Nipype examines the whole graph each time, which would be slow for thousands of runs.
    wf.connect(edges)
    return wf


def _name_inputs(inputnode, edges):
    """Let errors of the nodes name the fields of ``inputnode`` and the arguments that announce them."""
    for source, target, fields in edges:
        if source is inputnode:
            named = {name: WorkflowInput(field, SWITCHES.get(field)) for field, name in fields}
            target.interface.workflow_inputs = target.interface.workflow_inputs | named


def _pick(given, *names):
    """Return the parameters of these names that are given."""
    return {name: given[name] for name in names if name in given}


def _extract(nodes, given, memory):
    """Add the nodes that mask the labels and reduce the series; return their edges."""
    nodes.apply_mask = make_node(
        ApplyMask(**_pick(given, 'use_mask', 'use_luts', 'labels', 'background_label', 'allow_overlap', 'weight')),
        'apply_mask',
        memory['mask'],
    )
    # The coverage tables list the regions: another background label need not read the series again.
    own = _pick(
        given,
        *('strategy', 'smoothing_fwhm', 'resampling_target', 'interpolation', 'unknown_orientation', 'dtype'),
        *('nan_policy', 'zeros', 'weight', 'missing_labels', 'min_coverage', 'num_threads'),
    )
    nodes.reduce = make_node(ReduceLabels(**own), 'reduce', memory['reduce'], given['num_threads'])
    return [
        (nodes.inputnode, nodes.apply_mask, [('atlas_files', 'atlas_files'), ('atlas_luts', 'lut_files')]),
        *((nodes.inputnode, node, [('areas_file', 'areas_file')]) for node in (nodes.apply_mask, nodes.reduce)),
        (nodes.inputnode, nodes.reduce, [('bold_file', 'in_file'), ('atlas_files', 'atlas_files')]),
        (nodes.apply_mask, nodes.reduce, [('out_files', 'labels_files'), ('regions_files', 'regions_files')]),
    ]


def _denoise(nodes, given, memory):
    """Add the node that denoises time series; return its edges."""
    own = _pick(
        given,
        *(*CONFOUNDS_PARAMETERS, *DENOISING, 'use_confounds', 'use_sample_mask'),
        *('missing_labels', 'unknown_orientation', 'censored_output'),
    )
    interface = CleanSignal(use_high_variance=given['high_variance_confounds'], **own)
    nodes.clean = make_node(interface, 'clean', memory['clean'])
    return [
        (
            nodes.inputnode,
            nodes.clean,
            [
                ('bold_sidecar', 'sidecar_file'),
                ('t_r', 't_r'),
                ('confounds_file', 'confounds_files'),
                ('sample_mask', 'sample_mask'),
                ('runs', 'runs'),
                # Names of files, which may contradict each other.
                ('bold_file', 'bold_file'),
                ('bold_mask', 'mask_file'),
                ('atlas_files', 'atlas_files'),
            ],
        ),
        (
            nodes.reduce,
            nodes.clean,
            [('out_files', 'signals_files'), ('regions_files', 'regions_files'), ('t_r', 'header_t_r')],
        ),
    ]


def _resample(nodes, given, memory):
    """Add the nodes that resample labels and mask to one grid, where need be; return the edges."""
    target = given['resampling_target']
    if target == 'data':
        nodes.resample_labels = _resampler('resample_labels', given, memory, *SPHERES, 'background_label', maps=True)
        edges = [
            (nodes.inputnode, nodes.resample_labels, [('atlas_files', 'in_files'), ('bold_file', 'reference_files')]),
            (nodes.resample_labels, nodes.apply_mask, [('out_files', 'labels_files')]),
        ]
    else:
        edges = [(nodes.inputnode, nodes.apply_mask, [('atlas_files', 'labels_files')])]
    if not given['use_mask'] or target == 'none':
        # Connected without use_mask too: a mask that is given without being announced is an error of the node.
        return [*edges, (nodes.inputnode, nodes.apply_mask, [('bold_mask', 'mask_files')])]
    nodes.resample_mask = _resampler('resample_mask', given, memory)
    reference = 'bold_file' if target == 'data' else 'atlas_files'
    return [
        *edges,
        (nodes.inputnode, nodes.resample_mask, [('bold_mask', 'in_files'), (reference, 'reference_files')]),
        (nodes.resample_mask, nodes.apply_mask, [('out_files', 'mask_files')]),
    ]


def _resampler(name, given, memory, *names, **more):
    return make_node(Resample(**_pick(given, 'unknown_orientation', *names), **more), name, memory['resample'])


def _find_high_variance(nodes, given, memory):
    """Add the node that computes high-variance confounds, within the mask if there is one; return its edges."""
    interface = HighVarianceConfounds(**_pick(given, 'use_mask', 'num_threads'))
    nodes.high_variance = make_node(interface, 'high_variance', memory['high_variance'], given['num_threads'])
    edges = [
        (nodes.inputnode, nodes.high_variance, [('bold_file', 'in_file')]),
        (nodes.high_variance, nodes.clean, [('out_file', 'high_variance_file')]),
    ]
    if not given['use_mask']:
        return edges
    if given['resampling_target'] == 'none':
        return [*edges, (nodes.inputnode, nodes.high_variance, [('bold_mask', 'mask_file')])]
    if given['resampling_target'] == 'data':
        return [*edges, (nodes.resample_mask, nodes.high_variance, [('out_files', 'mask_file')])]
    # The other mask is on the grid of the labels; voxels are selected on that of the series.
    to_series = _resampler('resample_mask_to_series', given, memory)
    return [
        *edges,
        (nodes.inputnode, to_series, [('bold_mask', 'in_files'), ('bold_file', 'reference_files')]),
        (to_series, nodes.high_variance, [('out_files', 'mask_file')]),
    ]


def _project(nodes, given, memory):
    """Add the node that maps time series back to voxels; return its edges."""
    nodes.project = make_node(InverseProject(**_pick(given, 'fill_value')), 'project', memory['project'])
    onto = (nodes.inputnode, 'atlas_files') if given['project'] == 'atlas' else (nodes.apply_mask, 'out_files')
    return [
        (nodes.inputnode, nodes.project, [('bold_file', 'bold_file')]),
        (onto[0], nodes.project, [(onto[1], 'labels_files')]),
        (nodes.reduce, nodes.project, [('regions_files', 'regions_files')]),
        (nodes.clean, nodes.project, [('out_files', 'signals_files'), ('t_r', 't_r')]),
    ]


def _write_parcels(nodes, memory):
    """Add the node that writes time series and coverage as CIFTI parcels; return its edges."""
    nodes.parcels = make_node(WriteParcels(), 'parcels', memory['parcels'])
    return [
        (nodes.inputnode, nodes.parcels, [('bold_file', 'bold_file')]),
        (nodes.apply_mask, nodes.parcels, [('out_files', 'labels_files')]),
        (nodes.reduce, nodes.parcels, [('out_files', 'raw_files')]),
        (
            nodes.clean,
            nodes.parcels,
            [('out_files', 'signals_files'), ('regions_files', 'regions_files'), ('t_r', 't_r')],
        ),
    ]


def _measure_connectivity(nodes, given, memory):
    """Add the node that measures functional connectivity; return its edges."""
    interface = Connectivity(**_pick(given, 'connectivity', 'covariance_estimator', 'fisher_z'))
    nodes.connectivity = make_node(interface, 'connectivity', memory['connectivity'])
    return [(nodes.clean, nodes.connectivity, [('out_files', 'signals_files')])]


def _report(nodes, given, memory):
    """Add the node that draws the report; return its edges from the inputs of the run."""
    nodes.report = make_report_node(given, describe(given), memory['report'])
    shown = [('bold_mask', 'mask_file'), ('confounds_file', 'confounds_files'), ('atlas_luts', 'lut_files')]
    fields = [(name, name) for name in ('bold_file', 'atlas_files', 'surface_files')]
    fields += [(field, name) for field, name in shown if given[SWITCHES[field]]]
    return [(nodes.inputnode, nodes.report, fields)]


def _connect_outputs(nodes, given):
    """Return the edges from the nodes that write outputs to ``outputnode`` and to the report."""
    edges = defaultdict(list)
    for output in NODE_OUTPUTS:
        if output.is_made(given) and (given['reports'] or not output.is_drawn):
            edges[output.node, 'outputnode'].append((output.field, output.key))
            if given['reports'] and output.report_input:
                edges[output.node, 'report'].append((output.field, output.report_input))
    return [(getattr(nodes, source), getattr(nodes, target), fields) for (source, target), fields in edges.items()]


def make_node(interface, name, mem_gb, n_procs=1):
    """Return a node that hashes its files by content, and that asks SLURM for what it needs."""
    node = VerifiedNode(interface, name=name, mem_gb=mem_gb, n_procs=n_procs)
    # A file that is only touched or rewritten then reruns nothing, and neither does a node downstream that comes or
    # goes: Nipype hashes which outputs are used if it is to remove the others. This holds whatever the host's setting.
    node.config = {'execution': {'hash_method': 'content', 'remove_unnecessary_outputs': 'false'}}
    node.plugin_args = {'sbatch_args': f'--cpus-per-task={n_procs} --mem={math.ceil(1024 * mem_gb)}M'}
    return node


def make_report_node(given, methods, mem_gb, **more):
    """Return the node that draws the report of an extraction with these parameters."""
    kind = given['connectivity']
    names = {'atlas_names': given['atlas_names']} if given.get('atlas_names') else {}
    interface = LabelsReport(
        connectivity_kind=f'{kind}, Fisher z' if given['fisher_z'] else kind, methods=methods, **names, **more
    )
    return make_node(interface, 'report', mem_gb)


def workflow_class():
    """Return Nipype's class, or niworkflows' if a host has loaded it: hosts collect ``__desc__`` of that class only.

    It is not imported here, since that would change the matplotlib backend of the process.
    """
    loaded = sys.modules.get('niworkflows.engine.workflows')
    return pe.Workflow if loaded is None else loaded.LiterateWorkflow
