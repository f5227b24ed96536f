# SPDX-License-Identifier: BSD-3-Clause
"""What commands are given: checked before anything runs, and as nodes take it."""

import os
import re
from contextlib import contextmanager
from pathlib import Path

from nipype.pipeline import plugins
from traits.api import TraitError

from ..core.choices import suggest
from ..core.errors import LabelsError, errors_name
from ..core.validation import expand_preset
from ..files.json_files import read_json
from ..files.paths import expand


def check_running(nprocs, plugin, dummy_scans=0):
    """Raise LabelsError unless there are processors, Nipype has the plugin, and no number is negative."""
    if dummy_scans < 0:
        raise LabelsError(f'dummy_scans must be 0 or more, not {dummy_scans}')
    if nprocs < 1:
        raise LabelsError(f'--nprocs must be 1 or more, not {nprocs}')
    if not hasattr(plugins, f'{plugin}Plugin'):
        known = [name.removesuffix('Plugin') for name in vars(plugins) if name.endswith('Plugin')]
        raise LabelsError(f'Nipype has no plugin {plugin}{suggest(plugin, known)}')


def read_plugin_args(path):
    """Return the arguments for a plugin from a JSON file; empty without one."""
    with errors_name('--plugin-args-file'):
        return read_json(path) if path else {}


def make_folder(path):
    """A folder, made if need be, as an absolute path; LabelsError if it can not be written to."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise LabelsError(f'can not write to {path}: {e.strerror}') from e
    if not os.access(path, os.W_OK | os.X_OK):
        raise LabelsError(f'can not write to {path}: it may not be changed')
    return Path(path).absolute()


def make_work_folder(path, plugin):
    """Make the work folder, if need be; its absolute path, LabelsError if the plugin can not work in it."""
    folder = make_folder(path)
    if '%' in str(folder) and plugin not in ('Linear', 'MultiProc'):
        # Workers on other machines read the settings by ConfigParser, for which a % begins a reference.
        raise LabelsError(f'{folder}: the plugin {plugin} needs a --work-dir without % in its path')
    return folder


def absolute(value):
    """Paths made absolute: nodes run in folders of their own."""
    if isinstance(value, list):
        return [absolute(entry) for entry in value]
    return str(expand(value).absolute()) if isinstance(value, str | Path) else value


def check_orientations(series, atlases, mask, parameters):
    """Refuse, in the command's words, images on different grids of which left and right are unknown.

    Parameters
    ----------
    series : Grid
    atlases : list of Grid
    mask : Grid or None
    parameters : dict
        Of :func:`~nipype_labels.workflows.init_labels_wf`.

    Raises
    ------
    GridError
    """
    if parameters.get('resampling_target') == 'none':
        return
    choice = parameters.get('unknown_orientation', 'raise')
    onto_labels = parameters.get('resampling_target') == 'labels'
    masks = [] if mask is None else [mask]
    for target in atlases if onto_labels else [series]:
        for grid in [series, *masks] if onto_labels else [*atlases, *masks]:
            grid.require_orientation(target, choice, '--unknown-orientation accept')


@contextmanager
def reword_trait_errors():
    """Say what a trait does not take without saying what a trait is, by a LabelsError."""
    try:
        yield
    except TraitError as e:
        raise LabelsError(re.sub(r"^.*?'(\w+)' trait of .*? instance", r'\1', str(e), count=1)) from e


def resolve_parameters(parameters):
    """Parameters as the factory takes them: without a preset, and one width of smoothing is a number."""
    if 'preset' in parameters:
        parameters = expand_preset(parameters)
    if len(parameters.get('smoothing_fwhm', ())) == 1:
        return {**parameters, 'smoothing_fwhm': parameters['smoothing_fwhm'][0]}
    return parameters
