# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels extract``: the factory's graph, run on one series."""

import fcntl
import itertools
import os
import shutil
import sys
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

from ..bids.sidecar import find_repetition_time, find_sidecar
from ..core.errors import LabelsError, MissingRegionsError
from ..core.regions import has_signal, list_missing
from ..core.resample import resample_nearest
from ..files.entities import find_contradictions
from ..files.grids import read_grid, report_contradiction
from ..files.images import read_mask
from ..files.regions import read_regions
from ..files.series import open_series
from ..interfaces.clean import CONTRADICTION, REPETITION_TIMES
from ..interfaces.reduce import MISSING_REGIONS
from ..workflows import init_labels_wf
from ..workflows.resources import Sizes
from .arguments import (
    absolute,
    check_orientations,
    check_running,
    make_folder,
    make_work_folder,
    plainly,
    read_plugin_args,
    settle,
)
from .atlases import check_tables
from .run import configure, run

#: Outputs of nodes, and their names in the folder of each atlas.
PER_ATLAS = {
    'signals.tsv': ('clean', 'out_files'),
    'signals_raw.tsv': ('reduce', 'out_files'),
    'regions.tsv': ('reduce', 'regions_files'),
    'labels.nii.gz': ('apply_mask', 'out_files'),
    'projected.nii.gz': ('project', 'out_files'),
    'connectivity.tsv': ('connectivity', 'out_files'),
}

#: Outputs of nodes, and their names beside those folders.
PER_SERIES = {
    'mean.nii.gz': ('reduce', 'mean_file'),
    'kept_volumes.tsv': ('clean', 'kept_volumes_file'),
    'cleaning.json': ('clean', 'cleaning_file'),
    'high_variance_confounds.tsv': ('high_variance', 'out_file'),
    'report.html': ('report', 'out_file'),
}


def extract(
    bold,
    atlas,
    out,
    lut=None,
    mask=None,
    confounds=None,
    sample_mask=None,
    runs=None,
    sidecar=None,
    t_r=None,
    work_dir=None,
    nprocs=1,
    plugin='Linear',
    plugin_args_file=None,
    verbose=False,
    **parameters,
):
    """Extract, clean and write region signals.

    Parameters
    ----------
    bold : path
    atlas : list of path
    out : path
        Folder to write to; a folder in it for each atlas.
    lut : list of (path or None), optional
        Look-up table of each atlas, as far as any are given.
    mask : path, optional
    confounds : list of path, optional
    sample_mask, runs, sidecar : path, optional
    t_r : float, optional
        In s.
    work_dir : path, optional
    nprocs : int
    plugin : str
        Of Nipype.
    plugin_args_file : path, optional
        JSON object of arguments for the plugin.
    verbose : bool
    **parameters
        Of :func:`~nipype_labels.workflows.init_labels_wf`.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    LabelsError
        If something given can't be worked with.
    """
    series = open_series(bold)
    check_running(nprocs, plugin)
    sidecar = sidecar or find_sidecar(bold)
    _check_times(t_r, sidecar, series.t_r, parameters)
    contradictions = find_contradictions(bold, mask, [*(confounds or []), sample_mask, runs, sidecar], atlas)
    _warn(contradictions)
    _check(series, atlas, mask, parameters)
    plugin_args = read_plugin_args(plugin_args_file)
    if not str(out):
        raise LabelsError('there is no folder to write to: --out is empty')
    out = Path(out)
    _check_out(out, _folders(atlas))
    work_dir = make_work_folder(work_dir or out / 'work', plugin)
    configure(verbose, reported=(MISSING_REGIONS, CONTRADICTION, REPETITION_TIMES))
    if parameters.get('reports'):
        parameters['atlas_names'] = _folders(atlas)
    with plainly():
        wf = init_labels_wf(
            use_mask=mask is not None,
            use_luts=lut is not None,
            use_confounds=confounds is not None,
            use_sample_mask=sample_mask is not None,
            sizes=Sizes.of(series, [read_grid(path) for path in atlas]),
            num_threads=nprocs,
            **settle(parameters),
        )
    wf.base_dir = str(work_dir)
    luts = [*(lut or ()), *[None] * (len(atlas) - len(lut or ()))]
    names = parameters.get('labels') if len(atlas) == 1 else None
    check_tables(absolute(atlas), absolute(luts), names, parameters.get('background_label', 0))
    given = dict(bold_file=bold, bold_mask=mask, bold_sidecar=sidecar, atlas_files=atlas, atlas_luts=lut and luts)
    given.update(confounds_file=confounds, sample_mask=sample_mask, runs=runs, t_r=t_r)
    for field, value in given.items():
        if value is not None:
            setattr(wf.inputs.inputnode, field, absolute(value))
    graph = run(wf, plugin, nprocs, plugin_args)
    written = _write(graph, out, _folders(atlas))
    _warn(contradictions)
    _summarise(out, written, _folders(atlas))
    return 0


def _warn(contradictions):
    """Print contradictions between the names of files."""
    for contradiction in contradictions:
        print('WARNING:', CONTRADICTION % str(contradiction), file=sys.stderr)


def _check_times(t_r, sidecar, header, parameters):
    """Refuse, or warn of, repetition times that contradict each other before anything runs."""
    filtered = 'low_pass' in parameters or 'high_pass' in parameters
    _, warning = find_repetition_time(t_r, sidecar, header, filtered, parameters.get('detrend', False), name='--t-r')
    if warning:
        print(f'WARNING: {warning}', file=sys.stderr)


def _check_out(out, folders):
    """Find out before anything runs that a file could not get its name."""
    for path in _places(out, folders):
        if path.is_dir():
            raise LabelsError(f'can not write {path}: there is a folder of this name')
        if path.parent.exists() and not path.parent.is_dir():
            raise LabelsError(f'can not write to {path.parent}: it is no folder')


def _check(series, atlases, mask, parameters):
    """Find out before anything runs what nodes could only say of files made from the user's."""
    target = parameters.get('resampling_target')
    grids = [read_grid(atlas, whole=True) for atlas in atlases]
    inside, where = (None, None) if mask is None else read_mask(mask)
    for grid in [*grids, where] if target == 'none' else ():
        if grid is not None:
            grid.require(series.grid, 'with --resampling-target none they must agree')
    for grid in [series.grid, *grids, *([where] if where else ())]:
        report_contradiction(grid, lambda said: print(f'WARNING: {said}', file=sys.stderr))
    check_orientations(series.grid, grids, where, parameters)
    for grid in grids if target == 'labels' else [series.grid]:
        if mask is not None and not resample_nearest(inside, where.affine, grid.shape, grid.affine).any():
            raise MissingRegionsError(f'no voxel of {grid} is in the mask {where}')


def _folders(atlases):
    """A folder name for each atlas: its file's, made unique by a number."""
    names = []
    for path in atlases:
        stem = Path(path).name.removesuffix('.gz').removesuffix('.nii')
        # A name of dots alone would lead out of the folder, or be that folder itself.
        stem = stem if stem.strip('.') else 'atlas'
        tries = itertools.chain([stem], (f'{stem}-{i}' for i in itertools.count(2)))
        taken = {name.lower() for name in (*names, *PER_SERIES, 'work')}
        names.append(next(name for name in tries if name.lower() not in taken))
    return names


def _write(graph, out, folders):
    """Copy the outputs of the nodes to where the user wants them, all or none; the paths written."""
    nodes = {node.name: node for node in graph.nodes()}
    copies = {}
    for name, (node, field) in PER_SERIES.items():
        if node in nodes:
            copies[out / name] = getattr(nodes[node].result.outputs, field)
    for name, (node, field) in PER_ATLAS.items():
        if node in nodes:
            files = getattr(nodes[node].result.outputs, field)
            copies.update({out / folder / name: path for folder, path in zip(folders, files, strict=True)})
    for folder in folders:
        make_folder(out / folder)
    with _alone(out):
        _put(copies, set(_places(out, folders)) - set(copies))
    return list(copies)


def _places(out, folders):
    """All files that a run may write."""
    return [out / name for name in PER_SERIES] + [out / folder / name for folder in folders for name in PER_ATLAS]


def _put(copies, stale):
    """Put copies of files in their places, and remove stale ones, once all are copied."""
    partials = {target: target.with_name(f'.{target.name}.partial-{uuid.uuid4().hex[:12]}') for target in copies}
    try:
        for target, source in copies.items():
            shutil.copyfile(source, partials[target])
        for path in stale:
            # Left by an earlier run with other parameters, it would pass for a result of this one.
            path.unlink(missing_ok=True)
        for target, partial in partials.items():
            os.replace(partial, target)  # noqa: PTH105 (known to be atomic)
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)


@contextmanager
def _alone(folder):
    """Wait until no other run puts its outputs into a folder: those of two would mix."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system that knows no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _summarise(out, written, folders):
    """Say which regions are missing, and last what was written."""
    lacking = []
    for folder in folders:
        regions = read_regions(out / folder / 'regions.tsv')
        missing = list_missing(regions['name'], regions['status'])
        if missing:
            n_missing = (~has_signal(regions['status'])).sum()
            lacking.append(f'{n_missing} of {len(regions)} of {folder} ({missing})')
    print(
        f'wrote {len(written)} files to {out}; regions without a signal: {"; ".join(lacking) or "none"}',
        file=sys.stderr,
    )
