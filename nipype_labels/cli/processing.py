# SPDX-License-Identifier: BSD-3-Clause
"""Process the runs of a dataset that are not complete: build and run their graphs, and write their manifests."""

import json
import shutil
from dataclasses import replace

from ..bids.inheritance import merge_sidecars
from ..bids.manifest import describe_inputs, find_damage, read_manifest, write_manifest
from ..files.grids import read_grid
from ..files.json_files import read_json
from ..files.series import open_series
from ..model.errors import LabelsError
from ..workflows import init_labels_wf
from ..workflows.run import init_run_wf
from .atlases import group_atlases
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
from .plan import measure
from .run import configure


def process(job, names, work_dir, nprocs, mem_gb, plugin, plugin_args_file, verbose):
    """Process the runs ``names`` of a Job; return why runs failed, by name."""
    plugin = plugin or ('MultiProc' if nprocs > 1 else 'Linear')
    check_running(nprocs, plugin)
    plugin_args = ({} if mem_gb is None else {'memory_gb': mem_gb}) | read_plugin_args(plugin_args_file)
    with reword_trait_errors():
        init_labels_wf(**job.parameters)
    out = make_folder(job.out)
    work_dir = make_work_folder(work_dir or out / 'work', plugin)
    configure(verbose, stop_on_first_crash=False)
    steps = Steps(job, work_dir)
    reasons = run_batches(
        names, steps.build, steps.finish, steps.kind, work_dir, out / 'logs', plugin, nprocs, plugin_args
    )
    return {name: steps.reword(name, reason) for name, reason in reasons.items()}


class Steps:
    """What is done with each run of a Job before and after its graph is run."""

    def __init__(self, job, work_dir):
        self._job, self._work_dir = job, work_dir
        self.kind = f'desc-{job.desc}' if job.desc else 'runs'
        self._groups = group_atlases(job.atlases, work_dir / 'atlases.json')
        self._grids = [read_grid(atlas.path) for atlas in job.atlases]
        self._inputs = {}

    def build(self, name):
        """Return the graph of a run, after checks of its files."""
        job, run = self._job, self._job.runs[name]
        run.require(mask=job.parameters['use_mask'], confounds=job.parameters['use_confounds'])
        # What changes from here on is noticed when the run is finished.
        self._inputs[name] = describe_inputs(job.requests[name].inputs)
        run = _inherit(run, self._work_dir / self.kind / name)
        self._remove_damaged(name)
        # The node that writes the outputs compares all of them with what is on disk, and writes what differs.
        shutil.rmtree(self._work_dir / self.kind / name / 'derivatives_wf', ignore_errors=True)
        sizes = measure(run, self._grids, job.n_regions, job.parameters)
        wf = init_run_wf(
            run=run,
            groups=self._groups,
            parameters=job.parameters,
            out_dir=str(job.out),
            desc=job.desc,
            reports=job.reports,
            sample_mask=_retain(run, sizes.shape[3], job.dummy_scans),
            sizes=sizes,
            name=name,
        )
        check_cleaning(wf.get_node(next(iter(self._groups))), open_series(run.bold))
        return wf

    def finish(self, name):
        """Write the manifest of a run whose outputs are on disk; LabelsError if they or its inputs have changed."""
        job = self._job
        write_manifest(job.manifest(name), job.out, job.requests[name], self._inputs[name], self._read_earlier(name))

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

    def reword(self, name, reason):
        """Return why a run failed in the vocabulary of the command."""
        run, atlases = self._job.runs[name], {key: [each.path for each in group] for key, group in self._groups.items()}
        return in_options(in_files(reason, self._work_dir, run.bold, run.mask, atlases))


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
