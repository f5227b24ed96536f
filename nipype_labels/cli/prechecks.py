# SPDX-License-Identifier: BSD-3-Clause
"""What headers and tables show, checked before the first node reads a series."""

import copy
import logging
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from nipype.interfaces.base import isdefined

from ..core.errors import LabelsError
from ..files.tables import write_signals


def check_cleaning(wf, series):
    """Clean a made-up series of as many volumes, so that what cleaning refuses is refused before anything is read.

    Parameters
    ----------
    wf : Workflow
        Of :func:`~nipype_labels.workflows.init_labels_wf`, with its inputs set.
    series : Series
    """
    if series.n_volumes < 2 and wf.get_node('high_variance') is not None:
        return  # no voxel varies, as the node will say
    # Where no file can be written, the run itself has to find out.
    with suppress(OSError), tempfile.TemporaryDirectory(prefix='nipype_labels-') as folder, _silent():
        try:
            _rehearse(wf, series, folder)
        except LabelsError as e:
            raise type(e)(_name_series(str(e), folder, series.grid.path)) from e


def _rehearse(wf, series, folder):
    """Run the nodes after the reduction on made-up time series."""
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
    """A message about made-up files as one about the series."""
    for made_up in sorted(Path(folder).iterdir()):
        message = message.replace(str(made_up), str(path))
    return message


def _connected(wf, name):
    """A copy of a node's interface, with the values that it gets from the inputs of the graph."""
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
    """Keep the warnings of nodes back: they come when the nodes run."""
    logger = logging.getLogger('nipype.interface')
    logger.disabled, before = True, logger.disabled
    try:
        yield
    finally:
        logger.disabled = before
