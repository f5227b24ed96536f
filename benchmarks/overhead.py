# SPDX-License-Identifier: BSD-3-Clause
"""Measure overhead: starting up, and the graph around the nodes' bodies.

Functions as in :mod:`benchmarks.ours`.
"""

import subprocess
import sys
import time
from pathlib import Path


def load_package(data, scratch, threads):
    """Import the package."""

    def work():
        import nipype_labels  # noqa: F401

    return work


def show_help(data, scratch, threads):
    """Show the command's help, as a process of its own."""
    command = [Path(sys.executable).with_name('nipype-labels'), '--help']
    return lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def graph(data, scratch, threads, plugin, cached):
    """The factory's graph on one series and atlas; what counts is the run's time without its nodes' bodies.

    Parameters
    ----------
    plugin : {'Linear', 'MultiProc'}
    cached : bool
        Whether everything has been run before, so that no body runs.
    """
    from nipype import config, logging

    from nipype_labels.workflows import init_labels_wf

    execution = {'check_version': 'false', 'poll_sleep_duration': '0.05', 'stop_on_first_crash': 'true'}
    config.update_config({'execution': execution})
    logging.getLogger('nipype.workflow').setLevel('CRITICAL')
    series_file, atlas_file = str(data.series()), str(data.atlas(400))

    def run(folder):
        wf = init_labels_wf(detrend=True, standardize='zscore', num_threads=threads)
        wf.base_dir = str(scratch / folder)
        wf.inputs.inputnode.bold_file, wf.inputs.inputnode.atlas_files = series_file, [atlas_file]
        arguments = {'n_procs': threads, 'raise_insufficient': False} if plugin == 'MultiProc' else {}
        return wf.run(plugin=plugin, plugin_args=arguments)

    def work():
        start = time.perf_counter()
        executed = run('warm' if cached else 'cold')
        whole = time.perf_counter() - start
        # A cached result contains the time of its first execution. The nodes form a chain: bodies never overlap.
        bodies = 0.0 if cached else sum(_duration(node) for node in executed.nodes())
        return {'seconds': whole - bodies}

    # What Nipype and we load at first use doesn't count.
    run('warm')
    return work


def build(data, scratch, threads, n_runs):
    """One graph of many runs, built and expanded as Nipype does it before anything runs."""
    from copy import deepcopy

    from nipype.pipeline import engine as pe
    from nipype.pipeline.engine.utils import generate_expanded_graph

    from nipype_labels.workflows import init_labels_wf

    series_file, atlas_file = str(data.series()), str(data.atlas(400))

    def work():
        wf = pe.Workflow('host')
        for i in range(n_runs):
            labels = init_labels_wf(detrend=True, standardize='zscore', name=f'run_{i}')
            # Nipype gathers the inputs of all nodes for each labels.inputs.inputnode.
            inputs = labels.get_node('inputnode').inputs
            inputs.bold_file, inputs.atlas_files = series_file, [atlas_file]
            wf.add_nodes([labels])
        generate_expanded_graph(deepcopy(wf._create_flat_graph()))

    return work


def _duration(node):
    """Seconds that a node's body took; nodes that only hand on have none."""
    return 0.0 if node.name in ('inputnode', 'outputnode') else node.result.runtime.duration
