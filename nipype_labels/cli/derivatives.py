# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels derivatives … participant``: region signals of all runs of a data set, as derivatives of it."""

import re
import shutil
import sys
from dataclasses import replace

from ..bids.plan import DRAWN, check_plans, list_paths, plan_files
from ..bids.runs import find_runs
from ..core.errors import LabelsError
from ..core.mask import region_ids
from ..files.grids import read_grid
from ..files.images import read_labels
from ..files.series import open_series
from ..workflows import init_labels_wf
from ..workflows.resources import Sizes, estimate, estimate_disk
from ..workflows.run import init_run_wf
from .arguments import check_running, make_folder, make_work_folder, plainly, read_plugin_args, settle
from .atlases import group_atlases, name_atlases
from .batch import run_batches
from .run import configure


def derivatives(
    dataset,
    out,
    atlas,
    participant_label=(),
    session_label=(),
    task=(),
    space=(),
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
    """Extract, clean and write the region signals of all runs of a data set.

    Parameters
    ----------
    dataset, out : path
        Data set of derivatives as fMRIPrep writes them, and the one to write.
    atlas : list of str
        ``name=path``, or a path alone.
    participant_label, session_label, task, space : sequence of str
        Labels of those to take; all by default, but atlases are of one space.
    desc : str, optional
        Label that tells these derivatives from others of the same runs and atlases.
    dummy_scans : int
        Volumes at the beginning of each run to leave out.
    use_mask : bool
        Leave out what lies outside of each run's brain mask.
    reports : bool
    dry_run : bool
        Say what would be done and what it would take, and do nothing.
    work_dir : path, optional
    nprocs : int
    mem_gb : float, optional
        Memory in GB that nodes may use together.
    plugin : str, optional
        Of Nipype; by default Linear for one processor, MultiProc for more.
    plugin_args_file : path, optional
        JSON object of arguments for the plugin.
    verbose : bool
    **parameters
        Of :func:`~nipype_labels.workflows.init_labels_wf`.

    Returns
    -------
    int
        Exit status: 1 if a run failed.

    Raises
    ------
    LabelsError
        If something given can't be worked with.
    """
    plugin = plugin or ('MultiProc' if nprocs > 1 else 'Linear')
    check_running(nprocs, plugin)
    plugin_args = ({} if mem_gb is None else {'memory_gb': mem_gb}) | read_plugin_args(plugin_args_file)
    wanted = bool(parameters.get('confounds_strategy') or parameters.get('confounds_columns'))
    parameters = settle(parameters) | {'use_mask': use_mask, 'use_confounds': wanted}
    parameters['use_sample_mask'] = dummy_scans > 0
    with plainly():
        init_labels_wf(**parameters)
    atlases = name_atlases(atlas)
    runs = {node_name(run.name): run for run in find_runs(dataset, participant_label, session_label, task, space)}
    _check_spaces(runs.values())
    labels = [atlas.name for atlas in atlases]
    drawn = DRAWN if reports else ()
    plans = {name: plan_files(run.source, labels, parameters, desc, drawn=drawn) for name, run in runs.items()}
    check_plans([(run.source, plans[name]) for name, run in runs.items()])
    grids, n_regions = [read_grid(atlas.path) for atlas in atlases], _count_regions(atlases)
    if dry_run:
        print(foretell(runs, grids, n_regions, parameters, reports, nprocs))
        return 0
    out = make_folder(out)
    work_dir = make_work_folder(work_dir or out / 'work', plugin)
    configure(verbose, stop_on_first_crash=False)
    groups, kind = group_atlases(atlases, work_dir / 'atlases.json'), f'desc-{desc}' if desc else 'runs'
    for name, planned in plans.items():
        if not all((out / path).is_file() for path in list_paths(planned)):
            # The node that wrote them would be taken for done.
            shutil.rmtree(work_dir / kind / name / 'derivatives_wf', ignore_errors=True)
    shared = {'groups': groups, 'parameters': parameters, 'out_dir': str(out), 'desc': desc, 'reports': reports}

    def build(name):
        run = runs[name]
        run.require(mask=use_mask, confounds=wanted)
        sizes = measure(run, grids, n_regions)
        kept = list(range(dummy_scans, sizes.shape[3])) if dummy_scans else None
        return init_run_wf(run=run, sample_mask=kept, sizes=sizes, name=name, **shared)

    reasons = run_batches(list(runs), build, kind, work_dir, out / 'logs', plugin, nprocs, plugin_args)
    return summarise(runs, reasons, out)


def node_name(name):
    """Name of a run as Nipype takes it for a graph.

    >>> node_name('sub-01_task-rest+eyes')
    'sub-01_task-rest_eyes'
    """
    return re.sub(r'[^\w-]', '_', name)


def measure(run, grids, n_regions):
    """Sizes of a run, from the header of its series."""
    sizes = Sizes.of(open_series(run.bold), grids)
    return replace(sizes, n_regions=max(n_regions))


def foretell(runs, grids, n_regions, parameters, reports, nprocs):
    """What the work on runs would be and take, in words.

    Parameters
    ----------
    runs : dict of str to Run
    grids : list of Grid
        Of the atlases.
    n_regions : list of int
        Of each.
    parameters : dict
        Of the extraction.
    reports : bool
    nprocs : int

    Returns
    -------
    str
    """
    lines, memory, disk, n_read = [], [], [0, 0], 0
    target, fwhm = parameters.get('resampling_target', 'data'), parameters.get('smoothing_fwhm')
    for run in runs.values():
        try:
            sizes = measure(run, grids, n_regions)
        except (LabelsError, OSError) as e:
            lines.append(f'  {run.name}: {e}')
            continue
        nodes = estimate(sizes, nprocs, target == 'labels', bool(fwhm), parameters.get('project', 'none'))
        memory.append(max(nodes.values()))
        n_read += 1
        disk = [sum(pair) for pair in zip(disk, estimate_disk(sizes, n_regions, parameters, reports), strict=True)]
    subjects = len({run.entities['sub'] for run in runs.values()})
    together = sum(sorted(memory)[-nprocs:])
    return '\n'.join(
        [
            f'{n_read} runs of {subjects} participants × {len(grids)} atlases',
            f'memory: {together:.2f} GB',
            f'disk: {disk[0] / 1e6:.1f} MB of derivatives, {disk[1] / 1e6:.1f} MB of work that may go afterwards',
            *([f'{len(lines)} runs can not be read:'] if lines else []),
            *lines,
        ]
    )


def summarise(runs, reasons, out):
    """Say last how many runs are done, and of each other one why not; the exit status."""
    print(f'{len(runs) - len(reasons)} of {len(runs)} runs are done, in {out}', file=sys.stderr)
    for name, reason in reasons.items():
        log = out / 'logs' / f'{name}.txt'
        where = f' (log: {log})' if log.is_file() else ''
        print(f'  {runs[name].name}: {reason}{where}', file=sys.stderr)
    return 1 if reasons else 0


def _check_spaces(runs):
    """Refuse to lay one atlas over series of several spaces."""
    spaces = sorted({run.space for run in runs})
    if len(spaces) > 1:
        raise LabelsError(f'series are in the spaces {", ".join(spaces)}: choose one by --space, that of the atlases')


def _count_regions(atlases):
    """Regions of each atlas."""
    return [len(region_ids(read_labels(atlas.path)[0])) for atlas in atlases]
