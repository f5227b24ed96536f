# SPDX-License-Identifier: BSD-3-Clause
"""Sizes of runs from their headers, and the plan that ``derivatives --dry-run`` prints."""

from dataclasses import replace

from ..files.grids import read_grid
from ..files.series import open_series
from ..model.errors import LabelsError
from ..workflows.resources import Sizes, estimate, estimate_disk
from .checks import check_orientations
from .summary import count_excluded, list_notes


def measure(run, grids, n_regions, parameters):
    """Return the sizes of a run from its headers, which must say left from right where images are resampled."""
    series = open_series(run.bold)
    check_orientations(series.grid, grids, read_grid(run.mask) if parameters['use_mask'] else None, parameters)
    sizes = Sizes.of(series, grids)
    return replace(sizes, n_regions=max(n_regions))


def estimate_memory(sizes, parameters):
    """Return the memory in GB that the nodes of a run need one after the other."""
    target, fwhm = parameters.get('resampling_target', 'data'), parameters.get('smoothing_fwhm')
    nodes = estimate(sizes, 1, target == 'labels', bool(fwhm), parameters.get('project', 'none'))
    return max(nodes.values())


def describe_plan(found, warnings, job, nprocs):
    """Return the runs of a Job, and the memory and disk space that they need, as text."""
    parameters, n_regions, grids = job.parameters, job.n_regions, [read_grid(atlas.path) for atlas in job.atlases]
    lines, memory, disk, n_read = [], [], [0, 0], 0
    for run in found.runs:
        try:
            run.require(parameters['use_mask'], parameters['use_confounds'])
            sizes = measure(run, grids, n_regions, parameters)
        except (LabelsError, OSError) as e:
            lines.append(f'  {run.name}: {e}')
            continue
        memory.append(estimate_memory(sizes, parameters))
        n_read += 1
        disk = [sum(pair) for pair in zip(disk, estimate_disk(sizes, n_regions, parameters, job.reports), strict=True)]
    subjects = len({run.entities['sub'] for run in found.runs})
    together = sum(sorted(memory)[-nprocs:])
    return '\n'.join(
        [
            f'{n_read} runs of {subjects} participants × {len(grids)} atlases',
            f'memory: {together:.2f} GB',
            f'disk: {disk[0] / 1e6:.1f} MB of derivatives, {disk[1] / 1e6:.1f} MB of work that may go afterwards',
            *([f'{len(lines)} runs cannot be processed:'] if lines else []),
            *lines,
            *warnings,
            *list_notes(found),
            f'{found.n_series} series found{count_excluded(found)}',
        ]
    )
