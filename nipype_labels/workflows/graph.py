# SPDX-License-Identifier: BSD-3-Clause
"""The graph behind the factory: its nodes and who feeds whom, from one set of parameters."""

import importlib.util
import math
import sys
from collections import defaultdict

import numpy as np
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from ..core.errors import LabelsError
from ..core.validation import validate
from ..interfaces import (
    ApplyMask,
    CleanSignal,
    Connectivity,
    HighVarianceConfounds,
    InverseProject,
    LabelsReport,
    ReduceLabels,
    Resample,
)
from ..interfaces.volumes import RunInputs
from ..model.parameters import PARAMETERS
from .boilerplate import describe
from .resources import estimate

#: Modules of the extra that reports need.
REPORTS_NEED = ('jinja2', 'matplotlib', 'PIL')

#: What varies from run to run.
INPUTS = (
    'bold_file',
    'bold_mask',
    'bold_sidecar',
    'atlas_files',
    'atlas_luts',
    'confounds_file',
    'sample_mask',
    'runs',
    't_r',
)

#: What a run gives; lists have an entry per atlas, in the order of the atlases.
OUTPUTS = (
    'raw_signals',
    'clean_signals',
    'regions',
    'labels',
    'mean_volume',
    'kept_volumes',
    'cleaning',
    'high_variance_confounds',
    'projected',
    'connectivity',
    'connectivity_info',
    'report',
    'contours',
    'carpets',
    'connectivity_figures',
)

#: Who feeds whom, whatever the parameters.
_EDGES = (
    ('inputnode.atlas_files', 'apply_mask.atlas_files'),
    ('inputnode.atlas_luts', 'apply_mask.lut_files'),
    ('inputnode.bold_file', 'reduce.in_file'),
    ('apply_mask.out_files', 'reduce.labels_files'),
    ('apply_mask.regions_files', 'reduce.regions_files'),
    ('reduce.out_files', 'clean.signals_files'),
    ('reduce.regions_files', 'clean.regions_files'),
    ('reduce.t_r', 'clean.header_t_r'),
    ('inputnode.bold_sidecar', 'clean.sidecar_file'),
    ('inputnode.t_r', 'clean.t_r'),
    ('inputnode.confounds_file', 'clean.confounds_files'),
    ('inputnode.sample_mask', 'clean.sample_mask'),
    ('inputnode.runs', 'clean.runs'),
    ('inputnode.bold_file', 'clean.bold_file'),
    ('inputnode.bold_mask', 'clean.mask_file'),
    ('inputnode.atlas_files', 'clean.atlas_files'),
    ('reduce.out_files', 'outputnode.raw_signals'),
    ('clean.regions_files', 'outputnode.regions'),
    ('reduce.mean_file', 'outputnode.mean_volume'),
    ('apply_mask.out_files', 'outputnode.labels'),
    ('clean.out_files', 'outputnode.clean_signals'),
    ('clean.kept_volumes_file', 'outputnode.kept_volumes'),
    ('clean.cleaning_file', 'outputnode.cleaning'),
)
_HIGH_VARIANCE_EDGES = (
    ('inputnode.bold_file', 'high_variance.in_file'),
    ('high_variance.out_file', 'clean.high_variance_file'),
    ('high_variance.out_file', 'outputnode.high_variance_confounds'),
)
_PROJECT_EDGES = (
    ('clean.out_files', 'project.signals_files'),
    ('clean.t_r', 'project.t_r'),
    ('reduce.regions_files', 'project.regions_files'),
    ('project.out_files', 'outputnode.projected'),
)
_CONNECTIVITY_EDGES = (
    ('clean.out_files', 'connectivity.signals_files'),
    ('connectivity.out_files', 'outputnode.connectivity'),
    ('connectivity.info_files', 'outputnode.connectivity_info'),
)
_REPORT_EDGES = (
    ('reduce.mean_file', 'report.mean_file'),
    ('apply_mask.out_files', 'report.labels_files'),
    ('clean.regions_files', 'report.regions_files'),
    ('reduce.out_files', 'report.signals_files'),
    ('clean.out_files', 'report.cleaned_files'),
    ('clean.kept_volumes_file', 'report.kept_volumes_file'),
    ('clean.cleaning_file', 'report.cleaning_file'),
    ('report.out_file', 'outputnode.report'),
    ('report.contours_files', 'outputnode.contours'),
    ('report.carpet_files', 'outputnode.carpets'),
)
#: What a report shows beside, by the parameter that announces it.
_SHOWN = {
    'use_mask': (('inputnode.bold_mask', 'report.mask_file'),),
    'use_confounds': (('inputnode.confounds_file', 'report.confounds_files'),),
    'connectivity': (
        ('connectivity.out_files', 'report.connectivity_files'),
        ('report.connectivity_svg_files', 'outputnode.connectivity_figures'),
    ),
}


def name_choices(arguments):
    """Arguments under the names and as the types that traits take, without a preset and those that are None.

    Parameters
    ----------
    arguments : dict

    Returns
    -------
    dict

    Raises
    ------
    LabelsError
        If a preset or a strategy is unknown, or both are given.
    """
    given = {key: value for key, value in arguments.items() if key in PARAMETERS}
    named = arguments | validate(given)
    return {key: value for key, value in named.items() if value is not None and key != 'preset'}


def check_parameters(parameters):
    """Refuse parameters that contradict each other.

    Parameters
    ----------
    parameters : dict
        From :func:`name_choices`.

    Raises
    ------
    LabelsError
    """
    if parameters['use_luts'] and 'labels' in parameters:
        raise LabelsError('names are given twice: by labels and by use_luts')
    lacking = [name for name in REPORTS_NEED if parameters['reports'] and importlib.util.find_spec(name) is None]
    if lacking:
        raise LabelsError(f'reports need {" and ".join(lacking)}: pip install "nipype_labels[reports]"')


def assemble(parameters):
    """Build the graph.

    Parameters
    ----------
    parameters : dict
        The factory's arguments, from :func:`name_choices`.

    Returns
    -------
    Workflow
    """
    memory = estimate(
        parameters['sizes'],
        parameters['num_threads'],
        sampled=parameters['resampling_target'] == 'labels',
        smoothed=bool(np.any(parameters.get('smoothing_fwhm', 0))),
        projected=parameters['project'],
    )
    reading = {'n_procs': parameters['num_threads']}
    cleaning = parameters | {'use_high_variance': parameters['high_variance_confounds']}
    # The coverage tables list the regions: another background need not read the series again.
    reduction = {key: value for key, value in parameters.items() if key != 'background_label'}
    nodes = [
        pe.Node(RunInputs(INPUTS), name='inputnode'),
        pe.Node(niu.IdentityInterface(fields=list(OUTPUTS), mandatory_inputs=False), name='outputnode'),
        init_node(ApplyMask, 'apply_mask', parameters, mem_gb=memory['mask']),
        init_node(ReduceLabels, 'reduce', reduction, mem_gb=memory['reduce'], **reading),
        init_node(CleanSignal, 'clean', cleaning, mem_gb=memory['clean']),
    ]
    resampling, edges = _resample(parameters, memory)
    nodes += resampling
    edges += _EDGES
    if parameters['high_variance_confounds']:
        own = {'use_mask': parameters['use_mask']}
        nodes.append(init_node(HighVarianceConfounds, 'high_variance', own, mem_gb=memory['high_variance'], **reading))
        edges += _HIGH_VARIANCE_EDGES
    if parameters['project'] != 'none':
        nodes.append(init_node(InverseProject, 'project', parameters, mem_gb=memory['project']))
        onto = 'inputnode.atlas_files' if parameters['project'] == 'atlas' else 'apply_mask.out_files'
        edges += [*_PROJECT_EDGES, (onto, 'project.labels_files')]
    if parameters['connectivity'] != 'none':
        nodes.append(init_node(Connectivity, 'connectivity', parameters, mem_gb=memory['connectivity']))
        edges += _CONNECTIVITY_EDGES
    if parameters['reports']:
        nodes.append(init_report_node(parameters, describe(parameters), memory['report']))
        edges += _REPORT_EDGES
        edges += [edge for name, more in _SHOWN.items() if parameters[name] not in (False, 'none') for edge in more]
    wf = _workflow_class()(name=parameters['name'])
    wf.__desc__ = describe(parameters) + '\n'
    wf.add_nodes(nodes)
    # In one call: Nipype looks at the whole graph each time, which thousands of runs would feel.
    by_name, links = {node.name: node for node in nodes}, defaultdict(list)
    for source, target in edges:
        (source, field), (target, into) = source.split('.'), target.split('.')
        links[source, target].append((field, into))
    wf.connect([(by_name[source], by_name[target], fields) for (source, target), fields in links.items()])
    return wf


def _workflow_class():
    """Nipype's class, or niworkflows' if a host has loaded it: its hosts collect ``__desc__`` of their own kind alone.

    It is not loaded here, since that would take matplotlib's backend away from whoever draws in this process.
    """
    loaded = sys.modules.get('niworkflows.engine.workflows')
    return pe.Workflow if loaded is None else loaded.LiterateWorkflow


def _resample(parameters, memory):
    """Nodes that bring labels and mask onto one grid, and the edges to and from them."""
    target, nodes, edges = parameters['resampling_target'], [], []

    def add(name, source, reference, *onto, **own):
        own['unknown_orientation'] = parameters['unknown_orientation']
        nodes.append(init_node(Resample, name, own, mem_gb=memory['resample']))
        edges.append((f'inputnode.{source}', f'{name}.in_files'))
        edges.append((f'inputnode.{reference}', f'{name}.reference_files'))
        edges.extend((f'{name}.out_files', into) for into in onto)

    searched = ['high_variance.mask_file'] if parameters['high_variance_confounds'] else []
    if target == 'data':
        fill = {'background_label': parameters['background_label']}
        add('resample_labels', 'atlas_files', 'bold_file', 'apply_mask.labels_files', **fill)
    else:
        edges.append(('inputnode.atlas_files', 'apply_mask.labels_files'))
    if not parameters['use_mask'] or target == 'none':
        searched = searched if parameters['use_mask'] else []
        edges.extend(('inputnode.bold_mask', into) for into in ['apply_mask.mask_files', *searched])
    elif target == 'data':
        add('resample_mask', 'bold_mask', 'bold_file', 'apply_mask.mask_files', *searched)
    else:
        add('resample_mask', 'bold_mask', 'atlas_files', 'apply_mask.mask_files')
        if searched:
            # The voxels that vary most are looked for in the series, which has a grid of its own here.
            add('resample_mask_to_series', 'bold_mask', 'bold_file', *searched)
    return nodes, edges


def init_report_node(parameters, methods, mem_gb):
    """The node that shows what an extraction with these parameters gave."""
    kind = parameters['connectivity']
    shown = {'connectivity_kind': f'{kind}, Fisher z' if parameters['fisher_z'] else kind, 'methods': methods}
    return init_node(LabelsReport, 'report', parameters | shown, mem_gb=mem_gb)


def init_node(interface, name, parameters, **resources):
    """Make a node whose files are hashed by content.

    Parameters
    ----------
    interface : type
        Subclass of ``LabelsInterface``.
    name : str
    parameters : dict
        Those with the name of one of its traits set that trait.
    **resources
        ``mem_gb`` and ``n_procs``.

    Returns
    -------
    Node
    """
    own = {key: parameters[key] for key in interface.input_spec.class_trait_names() if key in parameters}
    node = pe.Node(interface(**own), name=name, **resources)
    # A file that is only touched or rewritten then reruns nothing, and neither does a node downstream that comes or
    # goes: Nipype hashes which outputs are used if it is to remove the others. Whatever the host's own setting.
    node.config = {'execution': {'hash_method': 'content', 'remove_unnecessary_outputs': 'false'}}
    # SLURM's plugin asks for nothing that a node is known to need unless it is told.
    node.plugin_args = {'sbatch_args': f'--cpus-per-task={node.n_procs} --mem={math.ceil(1024 * node.mem_gb)}M'}
    return node
