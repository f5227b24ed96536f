# SPDX-License-Identifier: BSD-3-Clause
"""Process the runs of a dataset that are not complete: build and run their graphs, and write their manifests."""

import json
import shutil
import sys
from contextlib import suppress
from dataclasses import replace
from importlib import import_module

from ..bids.inheritance import merge_sidecars
from ..bids.manifest import describe_inputs, find_damage, read_manifest, write_manifest
from ..files.json_files import read_json
from ..files.spaces import open_any_series
from ..interfaces.verified import RECORD, find_node_damage
from ..model.errors import LabelsError
from ..workflows import init_labels_wf
from ..workflows.run import init_run_wf
from .atlases import group_atlases
from .batch import LAST, run_batches
from .checks import (
    check_cleaning,
    check_plugin,
    make_folder,
    make_work_folder,
    reword_trait_errors,
)
from .logs import write_citation, write_log
from .memory import find_memory_limit
from .messages import advise_sidecar, in_files, in_options
from .progress import Progress, count
from .resources import LEAST_GB, read_plugin_args
from .run import configure, explain, lock_work, run_nodes
from .sizes import RunSizes, estimate_memory, estimate_time
from .workers import run_all

#: Why a run was not processed after another one has failed.
NOT_STARTED = 'not started, because of --stop-on-first-crash'


def process(job, names, work_dir, clean_work, nprocs, mem_gb, plugin, plugin_args_file, verbose, stop):
    """Process the runs ``names`` of a Job; return why runs failed, by name.

    Without a plugin, each run is processed to its end in one process. With ``stop``, no run starts after one failed.
    """
    check_plugin(plugin or 'Linear')
    if plugin_args_file and plugin is None:
        raise LabelsError('--plugin-args-file given, but it only acts with --plugin')
    if mem_gb is not None and plugin not in (None, 'MultiProc'):
        raise LabelsError('--mem-gb given, but it only acts without --plugin, or with --plugin MultiProc')
    plugin_args = {} if mem_gb is None else {'memory_gb': max(mem_gb, LEAST_GB)}
    plugin_args |= read_plugin_args(plugin_args_file, plugin)
    with reword_trait_errors():
        methods = init_labels_wf(**job.parameters).__desc__
    make_folder(job.out)
    write_citation(job.out, methods, job.desc)
    work_dir = make_work_folder(work_dir or job.out / 'work', plugin or 'Linear')
    steps = Steps(job, work_dir, clean_work, verbose)
    steps.configure()
    n_processes = min(nprocs, len(names))
    if job.reports and plugin is None:
        _load_figures()
    progress = Progress({name: estimate_time(job.runs[name], job) for name in names}, n_processes)
    print(_describe(job, len(names), n_processes, progress), file=sys.stderr)
    if plugin is not None:
        with lock_work(work_dir):
            reasons = run_batches(names, steps, progress, work_dir, plugin, nprocs, plugin_args, stop)
    else:
        reasons = run_all(
            steps,
            names,
            n_processes,
            find_memory_limit() if mem_gb is None else mem_gb,
            lambda name, reason: progress.print(name, 'failed' if reason else 'done'),
            stop,
        )
    started = reasons | dict.fromkeys(progress.ended)
    return reasons | {name: NOT_STARTED for name in names if name not in started}


def _describe(job, n_waiting, n_processes, progress):
    """Return what is processed, and the estimated time, as a line."""
    n_complete = len(job.runs) - n_waiting
    complete = f' ({n_complete} already complete)' if n_complete else ''
    runs, atlases = count(len(job.runs), 'run'), count(len(job.atlases), 'atlas')
    return f'{runs}{complete}, {atlases}, {count(n_processes, "process")}, {progress.estimate()}'


class Steps:
    """What is done with each run of a Job."""

    def __init__(self, job, work_dir, clean_work, verbose):
        self._job, self._work_dir, self._clean_work, self._verbose = job, work_dir, clean_work, verbose
        self.kind = job.kind
        self._groups = group_atlases(job.atlases, work_dir / 'atlases.json')
        self._sizes = RunSizes(job)
        self._inputs = {}

    def configure(self):
        """Set up Nipype in this process."""
        configure(self._verbose, stop_on_first_crash=False)

    def estimate(self, name):
        """Return the memory in GB that the nodes of a run need one after the other, 0 for a run that will fail."""
        job = self._job
        try:
            job.require(name)
            return estimate_memory(self._sizes.measure(job.runs[name]), job.parameters)
        except Exception:
            # The worker meets the same error, and reports it as the reason of this run alone.
            return 0

    def run(self, name):
        """Process a run to its end in this process; return why it failed, None if it is complete."""
        folder = self._work_dir / self.kind / name
        try:
            with lock_work(folder):
                wf = self.build(name)
                wf.base_dir = str(folder.parent)
                run_nodes(wf, folder / 'crash')
                self.finish(name)
        except Exception as e:
            # A failed run stops no other, whatever the reason.
            return self.fail(name, *explain(e))
        return None

    def build(self, name):
        """Return the graph of a run, after checks of its files."""
        job, run = self._job, self._job.runs[name]
        # A run whose job is killed is missing, not failed.
        job.log(name).unlink(missing_ok=True)
        job.require(name)
        # What changes from here on is noticed when the run is finished.
        self._inputs[name] = describe_inputs(job.requests[name].inputs)
        run = _inherit(run, self._work_dir / self.kind / name)
        self._remove_damaged(name)
        # The node that writes the outputs compares all of them with what is on disk, and writes what differs.
        shutil.rmtree(self._work_dir / self.kind / name / 'derivatives_wf', ignore_errors=True)
        sizes = self._sizes.measure(run)
        wf = init_run_wf(
            run=run,
            groups=self._groups,
            parameters=job.parameters,
            out_dir=str(job.out),
            desc=job.desc,
            digits=job.digits,
            reports=job.reports,
            command=job.command,
            sample_mask=_retain(run, sizes.shape[3], job.dummy_scans),
            sizes=sizes,
            name=name,
        )
        check_cleaning(wf.get_node(next(iter(self._groups))), open_any_series(run.bold))
        return wf

    def finish(self, name):
        """Write the manifest of a run whose outputs are on disk; LabelsError if they or its inputs have changed."""
        job = self._job
        write_manifest(job.manifest(name), job.out, job.requests[name], self._inputs[name], self._read_earlier(name))
        # Another job may have failed, because this one had locked the run.
        job.log(name).unlink(missing_ok=True)
        if self._clean_work:
            self._remove_work(name)

    def _remove_work(self, name):
        """Remove the results of the nodes of a run after its outputs were compared with what its last node wrote."""
        folder = self._work_dir / self.kind / name
        damage = find_node_damage(folder / 'derivatives_wf' / LAST / RECORD)
        if damage:
            raise LabelsError(f'{damage}. Run the same command again')
        shutil.rmtree(folder)

    def _read_earlier(self, name):
        """Return the manifest of an earlier execution, None without one that can be read."""
        try:
            return read_manifest(self._job.manifest(name))
        except LabelsError:
            return None

    def _remove_damaged(self, name):
        """Remove outputs that are not as they were written: a damaged sidecar could not be read."""
        out, earlier = self._job.out, self._read_earlier(name)
        for path in self._job.requests[name].outputs:
            if earlier is not None and path in earlier['Outputs'] and find_damage(out, earlier, path):
                (out / path).unlink(missing_ok=True)

    def fail(self, name, reason, details=''):
        """Write the log of a run that failed; return the reason in the vocabulary of the command."""
        run, atlases = self._job.runs[name], {key: [each.path for each in group] for key, group in self._groups.items()}
        reason = in_options(in_files(advise_sidecar(reason, run.sidecars), self._work_dir, run.bold, run.mask, atlases))
        # Without disk space, the reason is printed alone.
        with suppress(OSError):
            write_log(self._job.log(name), reason, details)
        return reason


def _load_figures():
    """Load what draws reports once, before workers are forked and time is measured; runs report a missing package."""
    with suppress(ImportError):
        import_module('..reports.page', __package__)


def _retain(run, n_volumes, dummy_scans):
    """Return the volumes of a run after the dummy scans, None for all."""
    if dummy_scans >= n_volumes:
        raise LabelsError(f'{run.bold}: dummy_scans={dummy_scans} leaves none of {n_volumes} volumes')
    return list(range(dummy_scans, n_volumes)) if dummy_scans else None


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
