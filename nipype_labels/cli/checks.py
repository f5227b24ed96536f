# SPDX-License-Identifier: BSD-3-Clause
"""Checks of arguments, headers and tables before the first node runs."""

import copy
import logging
import os
import re
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from nipype.interfaces.base import isdefined
from nipype.pipeline import plugins
from nipype.pipeline.plugins.base import GraphPluginBase
from traits.api import TraitError

from ..core.choices import suggest
from ..files.atomic import create_folder
from ..files.grids import require_orientation
from ..files.paths import expand
from ..files.tables import write_signals
from ..model.errors import LabelsError


def check_plugin(plugin):
    """Raise LabelsError for a plugin that Nipype does not have, or that does not report when nodes end."""
    found = getattr(plugins, f'{plugin}Plugin', None)
    if found is None:
        known = [name.removesuffix('Plugin') for name in vars(plugins) if name.endswith('Plugin')]
        raise LabelsError(f'Nipype has no plugin {plugin}{suggest(plugin, known)}')
    if issubclass(found, GraphPluginBase):
        raise LabelsError(
            f'the plugin {plugin} does not report when its jobs end, so that this command cannot write their outputs. '
            'Pass another plugin, such as SLURM or MultiProc'
        )


def make_folder(path, mode=0o777):
    """Make a folder if need be and return its absolute path; LabelsError if it is not writable."""
    try:
        create_folder(path, mode)
    except OSError as e:
        raise LabelsError(f'can not write to {path}: {e.strerror}') from e
    if not os.access(path, os.W_OK | os.X_OK):
        raise LabelsError(f'can not write to {path}: permission denied')
    return Path(path).absolute()


def make_work_folder(path, plugin):
    """Make the work folder, private, and return its absolute path; LabelsError if it is another user's.

    Nipype loads pickled objects from the work folder: anyone who can write to it can run programs as the user.
    """
    folder = make_folder(path, mode=0o700)
    with tempfile.TemporaryFile(dir=folder) as own:
        # The owner of new files may not be the user, as on network file systems and in containers.
        if os.fstat(own.fileno()).st_uid != folder.stat().st_uid:
            raise LabelsError(
                f'{folder} belongs to another user, who could replace the Python objects that Nipype loads from a work '
                'folder. Pass a --work-dir of your own'
            )
    if '%' in str(folder) and plugin not in ('Linear', 'MultiProc'):
        # Workers on other machines read the settings by ConfigParser, for which a % begins a reference.
        raise LabelsError(f'{folder}: the plugin {plugin} needs a --work-dir without % in its path')
    return folder


def absolute(value):
    """Return paths as absolute paths, because nodes run in other folders."""
    if isinstance(value, list):
        return [absolute(entry) for entry in value]
    return str(expand(value).absolute()) if isinstance(value, str | Path) else value


def check_orientations(series, atlases, mask, parameters):
    """Refuse images on different voxel grids whose headers do not distinguish left from right."""
    if parameters.get('resampling_target') == 'none':
        return
    choice = parameters.get('unknown_orientation', 'raise')
    onto_labels = parameters.get('resampling_target') == 'labels'
    masks = [] if mask is None else [mask]
    for target in atlases if onto_labels else [series]:
        for grid in [series, *masks] if onto_labels else [*atlases, *masks]:
            require_orientation(grid, target, choice, '--unknown-orientation accept')


@contextmanager
def reword_trait_errors():
    """Raise errors of traits as LabelsErrors that name the parameter only."""
    try:
        yield
    except TraitError as e:
        raise LabelsError(re.sub(r"^.*?'(\w+)' trait of .*? instance", r'\1', str(e), count=1)) from e


def check_cleaning(wf, series):
    """Clean a simulated series of as many volumes, so that invalid settings are refused before the series is read."""
    if series.n_volumes < 2 and wf.get_node('high_variance') is not None:
        return  # no voxel varies; the node raises
    # If no temporary file can be written, only the run itself can check.
    with suppress(OSError), tempfile.TemporaryDirectory(prefix='nipype_labels-') as folder, _silent():
        try:
            _rehearse(wf, series, folder)
        except LabelsError as e:
            raise type(e)(_name_series(str(e), folder, series.grid.path)) from e


def _rehearse(wf, series, folder):
    """Run the nodes that follow the reduction on simulated time series."""
    rng = np.random.default_rng(0)
    made_up, varying = Path(folder) / 'series.tsv', Path(folder) / 'high_variance.tsv'
    write_signals(made_up, ['a', 'b'], rng.normal(1000, 20, (series.n_volumes, 2)))
    clean = _connected(wf, 'clean')
    clean.inputs.signals_files = [str(made_up)]
    if series.t_r is not None:
        clean.inputs.header_t_r = series.t_r
    if wf.get_node('high_variance') is not None:
        n_confounds = min(wf.get_node('high_variance').inputs.n_confounds, series.n_volumes)
        names = [f'high_variance_{i:02d}' for i in range(n_confounds)]
        write_signals(varying, names, rng.normal(size=(series.n_volumes, n_confounds)))
        clean.inputs.high_variance_file = str(varying)
    cleaned = clean.run(cwd=folder).outputs
    if wf.get_node('connectivity') is not None:
        connectivity = _connected(wf, 'connectivity')
        connectivity.inputs.signals_files = cleaned.out_files
        connectivity.run(cwd=folder)


def _name_series(message, folder, path):
    """Return a message about simulated files as one about the series."""
    for made_up in sorted(Path(folder).iterdir()):
        message = message.replace(str(made_up), str(path))
    return message


def _connected(wf, name):
    """Return a copy of a node's interface, with the values that it gets from the inputs of the graph."""
    node, given = wf.get_node(name), wf.get_node('inputnode')
    interface = copy.deepcopy(node.interface)
    edge = wf._graph.get_edge_data(given, node) or {'connect': ()}
    for source, target in edge['connect']:
        value = getattr(given.inputs, source)
        if isdefined(value):
            setattr(interface.inputs, target, value)
    return interface


@contextmanager
def _silent():
    """Suppress the warnings of nodes: they appear when the nodes run."""
    logger = logging.getLogger('nipype.interface')
    logger.disabled, before = True, logger.disabled
    try:
        yield
    finally:
        logger.disabled = before
