# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels derivatives … participant``: region time series of all runs of a dataset, as BIDS derivatives."""

import json
import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from .. import __version__
from ..bids.dataset import describe_dataset
from ..bids.inheritance import merge_sidecars
from ..bids.outputs import check_plans, list_paths, plan_files
from ..bids.runs import find_runs
from ..core.validation import expand_preset
from ..files.grids import read_grid
from ..files.json_files import read_json
from ..files.series import open_series
from ..model.errors import LabelsError
from ..model.outputs import DRAWN
from ..workflows import init_labels_wf
from ..workflows.run import init_run_wf
from .atlases import check_tables, group_atlases, name_atlases
from .batch import run_batches
from .checks import (
    check_cleaning,
    check_running,
    make_folder,
    make_work_folder,
    read_plugin_args,
    reword_trait_errors,
)
from .messages import in_files, in_options
from .run import configure
from .summary import describe_plan, list_contradictions, measure, summarise


def derivatives(
    dataset,
    out,
    atlas,
    lut=(),
    participant_label=(),
    session_label=(),
    task=(),
    space=(),
    echo=(),
    bold_desc=None,
    desc=None,
    dummy_scans=0,
    use_mask=True,
    reports=True,
    dry_run=False,
    work_dir=None,
    nprocs=1,
    mem_gb=None,
    plugin=None,
    plugin_args_file=None,
    verbose=False,
    **parameters,
):
    """Extract, denoise and write the region time series of all runs of a dataset; return 1 if a run failed."""
    plugin = plugin or ('MultiProc' if nprocs > 1 else 'Linear')
    check_running(nprocs, plugin, dummy_scans)
    plugin_args = ({} if mem_gb is None else {'memory_gb': mem_gb}) | read_plugin_args(plugin_args_file)
    parameters = expand_preset(parameters) if 'preset' in parameters else parameters
    wanted = bool(parameters.get('confounds_strategy') or parameters.get('confounds_columns'))
    parameters |= {'use_mask': use_mask, 'use_confounds': wanted, 'use_sample_mask': dummy_scans > 0}
    with reword_trait_errors():
        init_labels_wf(**parameters)
    atlases = name_atlases(atlas, lut)
    _check_out(Path(dataset), Path(out), work_dir)
    found = find_runs(dataset, participant_label, session_label, task, space, echo, bold_desc)
    runs = {node_name(run.name): run for run in found.runs}
    plans = _plan(runs, [atlas.name for atlas in atlases], parameters, desc, DRAWN if reports else ())
    grids, n_regions = [read_grid(atlas.path) for atlas in atlases], _count_regions(atlases, parameters)
    warnings = list_contradictions(found.runs, atlases)
    if dry_run:
        print(describe_plan(found, warnings, grids, n_regions, parameters, reports, nprocs))
        return 0
    sys.stderr.writelines(f'{warning}\n' for warning in warnings)
    out = make_folder(out)
    work_dir = make_work_folder(work_dir or out / 'work', plugin)
    configure(verbose, stop_on_first_crash=False)
    groups, kind = group_atlases(atlases, work_dir / 'atlases.json'), f'desc-{desc}' if desc else 'runs'
    _forget_incomplete(plans, out, work_dir / kind)
    shared = {'groups': groups, 'parameters': parameters, 'out_dir': str(out), 'desc': desc, 'reports': reports}

    def build(name):
        runs[name].require(mask=use_mask, confounds=wanted)
        run = _inherit(runs[name], work_dir / kind / name)
        sizes = measure(run, grids, n_regions, parameters)
        kept = _retain(run, sizes.shape[3], dummy_scans)
        return _checked(init_run_wf(run=run, sample_mask=kept, sizes=sizes, name=name, **shared), groups, run)

    reasons = run_batches(list(runs), build, kind, work_dir, out / 'logs', plugin, nprocs, plugin_args)
    return summarise(found, warnings, runs, _reword(reasons, runs, work_dir, groups), out)


def node_name(name):
    """Name of a run as Nipype takes it for a graph.

    >>> node_name('sub-01_task-rest+eyes')
    'sub-01_task-rest_eyes'
    """
    return re.sub(r'[^\w-]', '_', name)


def _plan(runs, labels, parameters, desc, drawn):
    """Plan the files of each run; all are in one space, and no two runs may write the same file."""
    _check_spaces(runs.values())
    plans = {name: plan_files(run.source, labels, parameters, desc, drawn=drawn) for name, run in runs.items()}
    check_plans([(run.source, plans[name]) for name, run in runs.items()])
    return plans


def _checked(wf, groups, run):
    """Return the graph of a run, after a check that its tables and its header allow the cleaning."""
    check_cleaning(wf.get_node(next(iter(groups))), open_series(run.bold))
    return wf


def _retain(run, n_volumes, dummy_scans):
    """Return the volumes of a run after the dummy scans, None for all."""
    if dummy_scans >= n_volumes:
        raise LabelsError(f'{run.bold}: dummy_scans={dummy_scans} leaves none of {n_volumes} volumes')
    return list(range(dummy_scans, n_volumes)) if dummy_scans else None


def _reword(reasons, runs, work_dir, groups):
    """Return why runs failed in the vocabulary of the command."""
    made_from = {name: [atlas.path for atlas in group] for name, group in groups.items()}
    return {
        name: in_options(in_files(reason, work_dir, runs[name].bold, runs[name].mask, made_from))
        for name, reason in reasons.items()
    }


def _forget_incomplete(plans, out, folder):
    """Remove the results of the nodes that wrote files that are missing now: the nodes would count as done."""
    for name, planned in plans.items():
        if not all((out / path).is_file() for path in list_paths(planned)):
            shutil.rmtree(folder / name / 'derivatives_wf', ignore_errors=True)


def _check_out(dataset, out, work_dir):
    """Refuse to write into the input dataset, or into another one that is not ours, before anything runs."""
    for option, folder in (('OUT', out), ('--work-dir', Path(work_dir or out))):
        place, inside = folder.resolve(), dataset.resolve()
        within = place.relative_to(inside).parts if place.is_relative_to(inside) else ('',)
        if not within or within[0].startswith('sub-'):
            raise LabelsError(
                f'{option} {folder} is the input dataset, or the folder of a participant in it. Choose another folder, '
                f'such as {inside.parent / "nipype_labels"}'
            )
    description = out / 'dataset_description.json'
    if os.path.lexists(description):
        links = {'preprocessed': os.path.relpath(dataset.absolute(), out.absolute())}
        describe_dataset(__version__, links, read_json(description), description)


def _inherit(run, folder):
    """Return a run with all that its sidecars say in one file, which is written to a folder if need be."""
    if len(run.sidecars) < 2:
        return run
    merged = merge_sidecars(run.sidecars)
    if merged == read_json(run.sidecar):
        return run
    content, path = json.dumps(merged, indent=2).encode(), folder / 'inherited_bold.json'
    if not (path.is_file() and path.read_bytes() == content):
        make_folder(folder)
        path.write_bytes(content)
    return replace(run, sidecar=path)


def _check_spaces(runs):
    """Refuse one atlas for series in several spaces."""
    spaces = sorted({run.space for run in runs})
    if len(spaces) > 1:
        raise LabelsError(f'series are in the spaces {", ".join(spaces)}: choose one by --space, that of the atlases')


def _count_regions(atlases, parameters):
    """Number of regions of each atlas, after a check of its look-up table."""
    paths, luts = [atlas.path for atlas in atlases], [atlas.lut for atlas in atlases]
    return check_tables(paths, luts, None, parameters.get('background_label', 0))
