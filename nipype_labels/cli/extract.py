# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels extract``: run the workflow on one series."""

from pathlib import Path

from ..bids.spaces import find_space
from ..core.coverage import COLLINEAR_MAPS, MISSING_REGIONS
from ..core.validation import check_cifti_outputs, check_surface_parameters, expand_preset
from ..files.atlases import is_maps
from ..files.elements import read_any_mask, read_own_grids
from ..files.grids import report_contradiction
from ..files.paths import find_sidecar
from ..files.spaces import is_surface, open_any_series
from ..files.timing import resolve_repetition_time
from ..files.weights import count_weights
from ..interfaces.clean import REPETITION_TIMES
from ..model.entities import CONTRADICTION, find_contradictions
from ..model.errors import LabelsError, MissingRegionsError
from ..model.space import require_same_kind
from ..workflows import init_labels_wf
from ..workflows.resources import Sizes
from .atlases import check_tables, resolve_names
from .checks import (
    absolute,
    check_cleaning,
    check_orientations,
    check_plugin,
    make_work_folder,
    reword_trait_errors,
)
from .messages import in_files, warn
from .outputs import check_out, name_folders, remove_work, summarise, write
from .resources import check_resources, read_plugin_args
from .run import configure, run
from .surfaces import check_areas, choose_surfaces


def extract(
    bold,
    atlas,
    out,
    lut=None,
    datasets=(),
    mask=None,
    areas=None,
    surface=None,
    confounds=None,
    sample_mask=None,
    runs=None,
    sidecar=None,
    t_r=None,
    work_dir=None,
    clean_work=False,
    nprocs=1,
    plugin='Linear',
    plugin_args_file=None,
    verbose=0,
    command_line='',
    **parameters,
):
    """Extract, denoise and write the region time series of one series; return the exit status."""
    parameters = _expand_preset(parameters, confounds)
    series, sidecar = open_any_series(bold), sidecar or find_sidecar(bold)
    check_resources(nprocs)
    check_plugin(plugin)
    check_areas(areas, parameters.get('weight', 'count'))
    atlas, luts = resolve_names(atlas, lut or (), find_space(bold), datasets, 'labels' in parameters)
    _check_times(t_r, sidecar, series.t_r, parameters)
    contradictions = find_contradictions(bold, mask, [*(confounds or []), sample_mask, runs, sidecar], atlas)
    _report_contradictions(contradictions)
    grids = read_own_grids(atlas)
    _check(series, grids, mask, parameters)
    plugin_args = read_plugin_args(plugin_args_file, plugin)
    out, folders = _check_named(out), name_folders(atlas)
    given = {'BOLD': [bold], '--atlas': atlas, '--lut': luts, '--mask': [mask], '--confounds': confounds or []}
    given |= {'--sample-mask': [sample_mask], '--runs': [runs], '--sidecar': [sidecar], '--areas': [areas]}
    given['--surface'] = surface = choose_surfaces(surface, bold, parameters.get('reports'))
    check_out(out, folders, {option: [path for path in paths if path] for option, paths in given.items()})
    check_tables(absolute(atlas), absolute(luts), parameters.get('labels') if len(atlas) == 1 else None, parameters)
    values = dict(bold_file=bold, bold_mask=mask, bold_sidecar=sidecar, atlas_files=atlas, areas_file=areas)
    values |= dict(confounds_file=confounds, sample_mask=sample_mask, runs=runs, t_r=t_r)
    values |= dict(atlas_luts=luts if any(luts) else None, surface_files=surface or None)
    # A graph copies Nipype's settings when it is built.
    configure(verbose, reported=(MISSING_REGIONS, COLLINEAR_MAPS, CONTRADICTION, REPETITION_TIMES))
    with reword_trait_errors():
        wf = _build(series, grids, values, parameters | {'num_threads': nprocs}, folders, command_line)
        check_cleaning(wf, series)
    wf.base_dir = str(make_work_folder(work_dir or out / 'work', plugin))
    try:
        graph = run(wf, plugin, nprocs, plugin_args)
    except LabelsError as e:
        raise type(e)(in_files(str(e), wf.base_dir, bold, mask, {wf.name: atlas})) from e
    written = write(graph, out, folders)
    _report_contradictions(contradictions)
    if clean_work:
        remove_work(written, Path(wf.base_dir) / wf.name)
    summarise(out, written, folders)
    return 0


def _check_named(out):
    """Return the folder to write to as a Path."""
    if not str(out):
        raise LabelsError('--out is empty. Pass the folder to write to')
    return Path(out)


def _expand_preset(parameters, confounds):
    """Return parameters with those of a preset in its place."""
    if 'preset' not in parameters:
        return parameters
    if not confounds:
        raise LabelsError('--preset given, but it only acts with --confounds')
    return expand_preset(parameters.pop('preset'), **parameters)


def _build(series, grids, values, parameters, atlas_names, command):
    """Build the workflow for the inputs that are given; its report shows the names of atlases and the command."""
    reports = parameters.get('reports', False)
    parameters = parameters | ({'atlas_names': atlas_names} if reports else {})
    announced = {'use_mask': 'bold_mask', 'use_luts': 'atlas_luts', 'use_confounds': 'confounds_file'}
    announced['use_sample_mask'] = 'sample_mask'
    atlases = values['atlas_files']
    wf = init_labels_wf(
        **{switch: values[field] is not None for switch, field in announced.items()},
        sizes=Sizes.of(series, grids, len(atlases), count_weights(filter(is_maps, atlases))),
        **parameters,
    )
    inputs = wf.get_node('inputnode').inputs
    for field, value in values.items():
        if value is not None:
            setattr(inputs, field, absolute(value))
    if reports:
        wf.get_node('report').inputs.command = command
    return wf


def _report_contradictions(contradictions):
    """Print contradictions between the names of files."""
    for contradiction in contradictions:
        warn(CONTRADICTION % str(contradiction))


def _check_times(t_r, sidecar, header, parameters):
    """Refuse repetition times that contradict each other, or print a warning, before anything runs."""
    filtered = any(parameters.get(name) is not None for name in ('low_pass', 'high_pass'))
    _, warning = resolve_repetition_time(t_r, sidecar, header, filtered, parameters.get('detrend', False), name='--tr')
    if warning:
        warn(warning)


def _check(series, grids, mask, parameters):
    """Check images before anything runs; nodes would name their own files instead of the user's."""
    check_cifti_outputs(parameters, series.grid.path)
    if is_surface(series.grid.path):
        check_surface_parameters(parameters, series.grid.path)
    target = parameters.get('resampling_target')
    inside, where = (None, None) if mask is None else read_any_mask(mask)
    for grid in [*grids, *([where] if where else ())]:
        require_same_kind(grid, series.grid)
    for grid in [*grids, where] if target == 'none' else ():
        if grid is not None:
            grid.require(series.grid, 'with --resampling-target none they must agree')
    for grid in [series.grid, *grids, *([where] if where else ())]:
        report_contradiction(grid, warn)
    check_orientations(series.grid, grids, where, parameters)
    for grid in grids if target == 'labels' else [series.grid]:
        if mask is not None and not where.resample_nearest(inside, grid).any():
            raise MissingRegionsError(f'no voxel of {grid} is in the mask {where}')
