# SPDX-License-Identifier: BSD-3-Clause
"""Extract region time series of every run and standard output space within fMRIPrep (25.2).

Run it instead of ``fmriprep``, with a JSON file before fMRIPrep's own arguments::

    python workflows/inside_fmriprep.py LABELS.json BIDS_DIR OUTPUT_DIR participant ...

The file holds arguments of :func:`attach_labels_wf`, and names of the atlases for :func:`sink_tables`::

    {"atlases": {"MNI152NLin2009cAsym": ["/atlases/AAL.nii"]},
     "luts": {"MNI152NLin2009cAsym": ["/atlases/AAL.txt"]},
     "names": ["AAL"],
     "confounds_strategy": ["24P", "aCompCor"], "confounds_na": "zero"}

Telemetry, CodeCarbon and copies of FreeSurfer's label names, which the command ``fmriprep`` adds, are omitted.
"""

import json
import sys
from pathlib import Path

from nipype.pipeline import engine as pe

from nipype_labels import init_labels_wf

#: Paths of tables. Niworkflows' own pattern has neither atlas nor resolution: two tables would share a file.
PATTERN = (
    'sub-{subject}[/ses-{session}]/func/sub-{subject}[_ses-{session}]_task-{task}[_acq-{acquisition}][_ce-{ceagent}]'
    '[_rec-{reconstruction}][_dir-{direction}][_run-{run}]_space-{space}[_cohort-{cohort}][_res-{resolution}]'
    '_atlas-{atlas}_{suffix<timeseries|regions>}{extension<.tsv>}'
)


def find_bold_wfs(wf):
    """Return fMRIPrep's workflows of the runs that are resampled to standard spaces."""
    names = {name.split('.bold_std_wf.')[0] for name in wf.list_node_names() if '.bold_std_wf.' in name}
    return [wf.get_node(name) for name in sorted(names)]


def attach_labels_wf(bold_wf, atlases, luts=None, name='labels_wf', **parameters):
    """Attach the factory's workflow to fMRIPrep's workflow of a run, after fMRIPrep has built its workflow.

    Only fields that fMRIPrep itself uses are connected. Nipype would rerun the node of any other field.

    Parameters
    ----------
    bold_wf : Workflow
        As found by :func:`find_bold_wfs`.
    atlases : dict of str to list of path
        Label images for every standard space among the output spaces, by the space's name.
    luts : dict of str to list of path or None, optional
        A look-up table for each of them.
    name : str
    **parameters
        Of :func:`nipype_labels.workflows.init_labels_wf`. Confounds come in if a strategy or columns name them.

    Returns
    -------
    Workflow
        The factory's, to connect its ``outputnode`` further.
    """
    from niworkflows.interfaces.utility import KeySelect

    uses = any(parameters.get(key) for key in ('confounds_strategy', 'confounds_columns'))
    labels_wf = init_labels_wf(use_mask=True, use_luts=luts is not None, use_confounds=uses, name=name, **parameters)
    # From the sidecar, as fMRIPrep itself takes it: a series in standard space has its header from the template.
    labels_wf.inputs.inputnode.t_r = bold_wf.get_node('bold_confounds_wf.tcompcor').inputs.repetition_time

    files = {'atlas_files': _paths(atlases, atlases)}
    if luts is not None:
        files['atlas_luts'] = _paths(luts, atlases)
    # fMRIPrep iterates over spaces, so that each copy of our nodes is of one of them.
    select = pe.Node(
        KeySelect(keys=list(atlases), fields=list(files), **files), f'{name}_atlas', run_without_submitting=True
    )
    bold_wf.connect(
        [
            (bold_wf.get_node('inputnode'), select, [('std_space', 'key')]),
            (select, labels_wf, [(field, f'inputnode.{field}') for field in files]),
            (bold_wf.get_node('bold_std_wf'), labels_wf, [('outputnode.bold_file', 'inputnode.bold_file')]),
            (bold_wf.get_node('ds_bold_std_wf'), labels_wf, [('resample_mask.output_image', 'inputnode.bold_mask')]),
        ]
    )
    if uses:
        confounds_wf = bold_wf.get_node('bold_confounds_wf')
        bold_wf.connect(confounds_wf, 'outputnode.confounds_file', labels_wf, 'inputnode.confounds_file')
    _add_settings(bold_wf, select, *(labels_wf.get_node(leaf) for leaf in labels_wf.list_node_names()))
    return labels_wf


def sink_tables(bold_wf, labels_wf, names):
    """Write denoised time series and coverage tables among fMRIPrep's derivatives.

    Parameters
    ----------
    bold_wf, labels_wf : Workflow
        Of a run: fMRIPrep's, and the one that was attached to it.
    names : list of str
        Labels of the atlases in file names.
    """
    from fmriprep.interfaces import DerivativesDataSink

    theirs = bold_wf.get_node('ds_confounds').inputs
    places = {'base_directory': theirs.base_directory, 'source_file': theirs.source_file}
    entities = [(f'std_{entity}', entity) for entity in ('space', 'cohort', 'resolution')]
    for field, suffix in (('timeseries', 'timeseries'), ('regions', 'regions')):
        interface = DerivativesDataSink(suffix=suffix, **places)
        interface._file_patterns = (PATTERN,)
        sink = pe.MapNode(interface, ['in_file', 'atlas'], name=f'{labels_wf.name}_ds_{suffix}')
        sink.run_without_submitting = True
        sink.inputs.atlas = list(names)
        bold_wf.connect(
            [(bold_wf.get_node('inputnode'), sink, entities), (labels_wf, sink, [(f'outputnode.{field}', 'in_file')])]
        )
        _add_settings(bold_wf, sink)


def main(labels_file, *arguments):
    """Run fMRIPrep and the extraction; return the exit status."""
    from fmriprep import config
    from fmriprep.cli import parser, workflow
    from fmriprep.reports.core import generate_reports
    from fmriprep.utils.bids import write_bidsignore, write_derivative_description

    labels = json.loads(Path(labels_file).read_text(encoding='utf-8'))
    names = labels.pop('names')
    parser.parse_args(arguments)
    spaces = {reference.space for reference in config.execution.output_spaces.get_standard(dim=(3,))}
    if spaces - labels['atlases'].keys():
        return f'every standard output space needs atlases: {", ".join(sorted(spaces))}'
    if any(len(files) != len(names) for files in labels['atlases'].values()):
        return f'there must be as many atlases for each space as names: {", ".join(names)}'
    config_file = config.execution.work_dir / config.execution.run_uuid / 'config.toml'
    config_file.parent.mkdir(parents=True, exist_ok=True)
    config.to_filename(config_file)
    # The command builds in a separate process to save memory, unless it is debugged.
    built = workflow.build_workflow(config_file, {})
    wf = built['workflow']
    if built['return_code'] or wf is None:
        return built['return_code']
    bold_wfs = find_bold_wfs(wf)
    if not bold_wfs:
        return 'no run is resampled to a standard space: see --output-spaces, --level and --anat-only'
    for bold_wf in bold_wfs:
        labels_wf = attach_labels_wf(bold_wf, **{'num_threads': config.nipype.omp_nthreads} | labels)
        sink_tables(bold_wf, labels_wf, names)
    workflow.build_boilerplate(config_file, wf)
    if config.execution.boilerplate_only:
        return 0
    about = config.execution
    try:
        wf.run(**config.nipype.get_plugin())
    finally:
        failed = generate_reports(about.participant_label, about.fmriprep_dir, about.run_uuid)
        write_derivative_description(about.bids_dir, about.fmriprep_dir, dataset_links=about.dataset_links)
        write_bidsignore(about.fmriprep_dir)
    return int(bool(failed))


def _add_settings(bold_wf, *nodes):
    """Add fMRIPrep's settings to those of nodes, so that its report shows their crashes."""
    theirs = bold_wf.get_node('ds_confounds').config['execution']
    for node in nodes:
        node.config = {'execution': theirs | (node.config or {}).get('execution', {})}


def _paths(files, spaces):
    """Return absolute paths for each space. Missing files are an error, before fMRIPrep works for hours."""
    paths = [[path and Path(path).expanduser().absolute() for path in files[space]] for space in spaces]
    missing = [str(path) for row in paths for path in row if path and not path.is_file()]
    if missing:
        raise FileNotFoundError(f'no such file: {", ".join(missing)}')
    return [[path and str(path) for path in row] for row in paths]


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
