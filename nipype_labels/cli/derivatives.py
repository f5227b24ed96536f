# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels derivatives … participant``: region time series of all runs of a dataset, as BIDS derivatives.

Whether a run is complete is decided from its manifest, without Nipype; :mod:`.processing` processes the others.
"""

import os
import re
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..bids.dataset import describe_dataset, link_source, locate
from ..bids.manifest import Request, digest_atlas, find_change, name_manifest, read_manifest
from ..bids.outputs import check_plans, list_paths, plan_files
from ..bids.runs import find_runs
from ..bids.spaces import name_space
from ..core.validation import check_surface_parameters, check_volume_parameters, expand_preset, validate
from ..files.json_files import read_json
from ..files.locks import locked
from ..model.errors import LabelsError, LockedError
from ..model.outputs import DRAWN
from ..model.parameters import PARAMETERS
from .atlases import check_tables, name_atlases
from .logs import name_log
from .messages import in_options
from .pages import update_pages
from .resources import check_resources
from .summary import list_contradictions, load_filters, summarise
from .surfaces import add_areas, add_surfaces, check_areas, check_surfaces, note_masks

#: Files of the dataset that each run writes if they are missing.
_OF_DATASET = ('dataset_description.json', '.bidsignore')

#: Parameters of the registry that change the content of no derivative.
_RESOURCES = ('reports', 'cifti_outputs', 'atlas_names', 'num_threads', 'memory_level', 'verbose')


@dataclass(frozen=True)
class Job:
    """Runs of a dataset by the names of their graphs, and what is to be done with each.

    ``requests`` has the Request of each run, ``n_regions`` the number of regions of each atlas.
    """

    out: Path
    desc: str | None
    runs: dict
    requests: dict
    atlases: list
    n_regions: list
    parameters: dict
    dummy_scans: int
    digits: int | None
    reports: bool
    command: str

    def manifest(self, name):
        """Return the path of the manifest of a run."""
        return self.out / name_manifest(self.runs[name].name, self.desc)

    def log(self, name):
        """Return the path of the log of a run, which exists if the run failed."""
        return self.out / name_log(self.runs[name].name, self.desc)

    def require(self, name):
        """Raise LabelsError unless the files that a run needs exist once."""
        needs = self.parameters
        self.runs[name].require(needs['use_mask'], needs['use_confounds'], needs.get('weight') == 'area')

    @property
    def kind(self):
        """Name of the folder with the results of nodes of all runs, in the work folder."""
        return f'desc-{self.desc}' if self.desc else 'runs'


def derivatives(
    dataset,
    out,
    atlas,
    lut=(),
    datasets=(),
    participant_label=(),
    session_label=(),
    task=(),
    run=(),
    bids_filter_file=None,
    space=(),
    echo=(),
    bold_desc=None,
    desc=None,
    dummy_scans=0,
    digits=None,
    surface=None,
    use_mask=True,
    areas=None,
    reports=True,
    dry_run=False,
    tsv=None,
    work_dir=None,
    clean_work=False,
    nprocs=1,
    mem_gb=None,
    plugin=None,
    plugin_args_file=None,
    verbose=0,
    stop_on_first_crash=False,
    command_line='',
    **parameters,
):
    """Extract, denoise and write the region time series of all runs of a dataset; return 1 if a run failed."""
    _check_call(nprocs, mem_gb, tsv, dry_run)
    parameters = _complete(parameters, use_mask, dummy_scans)
    canonical = _list_parameters(parameters, dummy_scans, digits)
    _check_out(Path(dataset), Path(out), work_dir)
    check_areas(areas, canonical['weight'])
    chosen = dict(participants=participant_label, sessions=session_label, tasks=task, runs=run, spaces=space)
    chosen |= dict(echoes=echo, bold_desc=bold_desc, filters=load_filters(bids_filter_file))
    found = find_runs(dataset, **chosen)
    parameters, canonical = _adapt(found.runs, parameters, canonical)
    surfaces = check_surfaces(surface, str(found.runs[0].bold), reports)
    atlases = name_atlases(atlas, lut, _find_space(found.runs), datasets)
    runs = {node_name(run.name): run for run in add_surfaces(add_areas(found.runs, areas), surfaces, reports)}
    plans = _plan(runs, [atlas.name for atlas in atlases], parameters, desc, DRAWN if reports else ())
    digests, n_regions = _read_tables(atlases, parameters)
    requests = {name: _request(run, plans[name], canonical, digests) for name, run in runs.items()}
    written = (dummy_scans, canonical['digits'], reports, command_line)
    job = Job(Path(out).absolute(), desc, runs, requests, atlases, n_regions, parameters, *written)
    warnings = list_contradictions(found.runs, atlases)
    if dry_run:
        from .plan import report_plan

        return report_plan(found, warnings, job, nprocs, _find_incomplete(job), tsv)
    sys.stderr.writelines(f'{warning}\n' for warning in warnings)
    running = dict(work_dir=work_dir, clean_work=clean_work, nprocs=nprocs, mem_gb=mem_gb, plugin=plugin)
    running |= dict(plugin_args_file=plugin_args_file, verbose=verbose, stop=stop_on_first_crash)
    return summarise(found, warnings, job, _process_incomplete(job, running))


def _process_incomplete(job, running):
    """Process the runs that are not complete, and update the pages; return why runs failed, by name."""
    changes = _find_incomplete(job)
    complete = job.runs.keys() - changes.keys()
    _remove_logs(job, complete)
    if running['clean_work']:
        _remove_work(Path(running['work_dir'] or job.out / 'work') / job.kind, complete)
    for name, change in changes.items():
        if change:
            print(f'{job.runs[name].name}: processed again, because {in_options(change)}', file=sys.stderr)
    reasons = {}
    if changes:
        # Nipype is imported only if there is something to do.
        from .processing import process

        reasons = process(job, list(changes), **running)
    if job.reports:
        owners = {name: f'sub-{run.entities["sub"]}' for name, run in job.runs.items()}
        update_pages(job.out, set(owners.values()), {owners[name] for name in changes})
    return reasons


def node_name(name):
    """Return the name of a run as Nipype takes it for a graph.

    >>> node_name('sub-01_task-rest+eyes')
    'sub-01_task-rest_eyes'
    """
    return re.sub(r'[^\w-]', '_', name)


def _check_call(nprocs, mem_gb, tsv, dry_run):
    """Refuse resources that do not exist, and the table of a dry run without one."""
    check_resources(nprocs, mem_gb)
    if tsv is not None and not dry_run:
        raise LabelsError('--tsv given, but it only acts with --dry-run')


def _complete(parameters, use_mask, dummy_scans):
    """Return the parameters of the workflow factory, with a preset replaced by its parameters."""
    if dummy_scans < 0:
        raise LabelsError(f'dummy_scans must be 0 or more, not {dummy_scans}')
    parameters = expand_preset(parameters.pop('preset'), **parameters) if 'preset' in parameters else parameters
    wanted = bool(parameters.get('confounds_strategy') or parameters.get('confounds_columns'))
    return parameters | {'use_mask': use_mask, 'use_confounds': wanted, 'use_sample_mask': dummy_scans > 0}


def _adapt(runs, parameters, canonical):
    """Return parameters, also in canonical form, without masks if no run of surfaces has a mask of the cortex."""
    if not runs[0].is_of_surfaces:
        check_volume_parameters(parameters)
        return parameters, canonical
    check_surface_parameters(parameters, str(runs[0].bold))
    if not parameters['use_mask'] or any(run.mask or 'mask' in run.candidates for run in runs):
        return parameters, canonical
    print(note_masks(runs), file=sys.stderr)
    without = {'use_mask': False}
    return parameters | without, canonical | without


def _plan(runs, labels, parameters, desc, drawn):
    """Plan the files of each run; no two runs may write the same file."""
    plans = {name: plan_files(run.source, labels, parameters, desc, drawn=drawn) for name, run in runs.items()}
    check_plans([(run.source, plans[name]) for name, run in runs.items()])
    return plans


def _list_parameters(parameters, dummy_scans, digits):
    """Return all parameters that change a derivative, in canonical form."""
    given = validate(parameters | {'digits': digits})
    known = {name: parameter.neutral for name, parameter in PARAMETERS.items()} | given
    return {name: value for name, value in known.items() if name not in _RESOURCES} | {'dummy_scans': dummy_scans}


def _request(run, planned, parameters, atlases):
    """Return what is asked of a run; a confounds table is an input of report and sidecars too."""
    files = [*run.list_files('bold'), *run.sidecars, *run.list_files('areas')]
    files += run.list_files('mask') if parameters['use_mask'] else []
    if parameters['use_confounds'] or run.has_readable_confounds:
        files.append(run.confounds)
    drawn = tuple(file.path for file in planned if file.output.is_drawn)
    files += map(Path, run.surfaces if drawn else ())
    inputs = {locate(path, run.root): path for path in files if path is not None}
    return Request(inputs, tuple(list_paths(planned)), drawn, parameters, atlases)


def _find_incomplete(job):
    """Return the runs that are not complete, each with the reason if it was complete before, else None."""
    found = {name: _find_change(job, name) for name in job.runs}
    changes = {name: change for name, (complete, change) in found.items() if not complete}
    missing = [name for name in _OF_DATASET if not (job.out / name).is_file()]
    if missing and not changes:
        # Any run writes the files of the dataset.
        changes[next(iter(job.runs))] = f'{missing[0]} is missing'
    return changes


def _remove_logs(job, complete):
    """Remove the logs of complete runs, which other parameters or atlases have left."""
    for path in map(job.log, complete):
        # Without a log, OUT may be read-only.
        if path.is_file():
            path.unlink()


def _remove_work(folder, complete):
    """Remove the results of nodes of complete runs, which a call that kept them, or was killed, has left."""
    for path in (folder / name for name in complete):
        # Another job that has locked a run removes its results itself.
        with suppress(LockedError, FileNotFoundError), locked(path / '.lock', timeout=0):
            shutil.rmtree(path)


def _find_change(job, name):
    """Return whether a run is complete, and if not, why it must be processed again, None if it was never complete."""
    try:
        job.require(name)
    except LabelsError:
        return False, None  # it fails for this reason when it is processed
    try:
        manifest = read_manifest(job.manifest(name))
        change = manifest and find_change(manifest, job.requests[name], job.out)
    except (LabelsError, OSError) as e:
        return False, str(e)
    return manifest is not None and change is None, change


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
        describe_dataset(__version__, link_source(dataset, out), read_json(description), description)


def _find_space(runs):
    """Return and print the space of all runs, with their resolution if it is the same; refuse several spaces."""
    spaces = sorted({run.space for run in runs})
    if len(spaces) > 1:
        raise LabelsError(f'series are in the spaces {", ".join(spaces)}: choose one by --space, that of the atlases')
    detailed = sorted({name_space(run.entities) for run in runs})
    print(f'space: {", ".join(detailed)}', file=sys.stderr)
    return detailed[0] if len(detailed) == 1 else spaces[0]


def _read_tables(atlases, parameters):
    """Return the digests of each atlas by name, and its number of regions, after a check of its look-up table."""
    paths, luts = [atlas.path for atlas in atlases], [atlas.lut for atlas in atlases]
    tables = check_tables(paths, luts, None, parameters)
    digests = {atlas.name: digest_atlas(atlas.path, table) for atlas, table in zip(atlases, tables, strict=True)}
    return digests, [len(table['name']) for table in tables]
