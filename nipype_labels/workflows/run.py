# SPDX-License-Identifier: BSD-3-Clause
"""Workflow of one run of a dataset: time series for any number of atlases, report and derivatives."""

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from ..bids.dataset import link_source
from ..interfaces.verified import VerifiedNode
from ..model.entities import find_contradictions
from ..model.outputs import NODE_OUTPUTS
from .derivatives import init_labels_derivatives_wf
from .labels import init_labels_wf
from .nodes import make_report_node
from .resources import Sizes, estimate


def init_run_wf(
    *,
    run,
    groups,
    parameters,
    out_dir,
    desc=None,
    digits=None,
    reports=True,
    command='',
    sample_mask=None,
    sizes=Sizes(),
    name='run_wf',
):
    """Extract region time series of one run of a dataset, and write them as derivatives.

    .. code-block:: text

        labels_0_wf ─┬─▶ report ─▶ derivatives_wf
        labels_1_wf ─┘ ─────────────▲

    ``groups`` are lists of atlases by the names of their workflows. Atlases of one group share a pass over the series.
    Atlases that were added later have their own pass, so that earlier results stay cached. ``sample_mask`` lists the
    volumes to retain. ``parameters`` are arguments of :func:`init_labels_wf` except ``use_luts``. Reports show
    ``command``.
    """
    wf = pe.Workflow(name=name)
    extractions = [_extract(run, group, parameters, sample_mask, sizes, name) for name, group in groups.items()]
    wf.add_nodes(extractions)
    atlases = [atlas for group in groups.values() for atlas in group]
    made = [output for output in NODE_OUTPUTS if output.is_made(parameters)]
    sources = {output: _joined(wf, extractions, output) for output in made if not output.is_drawn}
    save = init_labels_derivatives_wf(
        out_dir=out_dir,
        source=run.source,
        atlas_labels=[atlas.name for atlas in atlases],
        parameters=parameters | {'use_luts': any(atlas.lut for atlas in atlases)},
        desc=desc,
        digits=digits,
        dataset_links=link_source(run.root, out_dir),
        more_sources=[path.relative_to(run.root).as_posix() for path in _used(run, parameters)],
        name='derivatives_wf',
    )
    inputs = save.get_node('inputnode').inputs
    inputs.atlas_files = [atlas.path for atlas in atlases]
    if run.areas is not None:
        inputs.areas_file = str(run.areas)
    if run.sidecar is not None:
        inputs.bold_sidecar = str(run.sidecar)
    if run.has_readable_confounds:
        inputs.confounds_file = str(run.confounds)
    for output, (node, field) in sources.items():
        wf.connect(node, field, save, f'inputnode.{output.key}')
    if reports:
        report = _report(run, atlases, parameters, extractions[0].__desc__, sizes, command)
        for output, (node, field) in sources.items():
            if output.report_input:
                wf.connect(node, field, report, output.report_input)
        drawn = [(output.field, f'inputnode.{output.key}') for output in made if output.is_drawn]
        wf.connect([(report, save, drawn)])
    return wf


def _extract(run, group, parameters, sample_mask, sizes, name):
    """Return the extraction for a group of atlases, with its inputs."""
    luts = [atlas.lut for atlas in group]
    wf = init_labels_wf(**parameters, use_luts=any(luts), sizes=sizes, name=name)
    inputs = wf.get_node('inputnode').inputs
    inputs.bold_file, inputs.atlas_files = str(run.bold), [atlas.path for atlas in group]
    if any(luts):
        inputs.atlas_luts = luts
    if parameters['use_mask']:
        inputs.bold_mask = str(run.mask)
    if run.areas is not None:
        inputs.areas_file = str(run.areas)
    if sample_mask is not None:
        inputs.sample_mask = sample_mask
    if run.sidecar is not None:
        inputs.bold_sidecar = str(run.sidecar)
    if parameters['use_confounds']:
        inputs.confounds_file = str(run.confounds)
    return wf


def _used(run, parameters):
    """Return the files of a run that the extraction takes besides its series."""
    confounds = [run.confounds] if parameters['use_confounds'] else []
    return [*(run.list_files('mask') if parameters['use_mask'] else []), *confounds]


def _joined(wf, extractions, output):
    """Return the node and the field that have an output of all extractions."""
    field = f'outputnode.{output.key}'
    if not output.per_atlas or len(extractions) == 1:
        return extractions[0], field
    merge = VerifiedNode(niu.Merge(len(extractions)), name=f'merge_{output.key}', run_without_submitting=True)
    for i, extraction in enumerate(extractions):
        wf.connect(extraction, field, merge, f'in{i + 1}')
    return merge, 'out'


def _report(run, atlases, parameters, methods, sizes, command):
    """Return the node that draws the report."""
    shown = {'connectivity': 'none', 'fisher_z': False} | parameters
    shown['atlas_names'] = [atlas.name for atlas in atlases]
    report = make_report_node(shown, methods.strip(), estimate(sizes)['report'], title=run.name)
    report.inputs.bold_file, report.inputs.atlas_files = str(run.bold), [atlas.path for atlas in atlases]
    if any(atlas.lut for atlas in atlases):
        report.inputs.lut_files = [atlas.lut for atlas in atlases]
    if run.surfaces:
        report.inputs.surface_files = list(run.surfaces)
    if command:
        report.inputs.command = command
    if parameters['use_mask']:
        report.inputs.mask_file = str(run.mask)
    if run.has_readable_confounds:
        report.inputs.confounds_files = [str(run.confounds)]
    warnings = find_contradictions(run.bold, None, (), [atlas.path for atlas in atlases])
    if warnings:
        # The JSON file has only those of the first group of atlases.
        report.inputs.warnings = [str(found) for found in warnings]
    return report
