# SPDX-License-Identifier: BSD-3-Clause
"""Inputs and parameters of graphs, and the nodes within them."""

from nipype_labels.workflows import init_labels_wf


def basic(small, n_atlases=1):
    return {'bold_file': small.bold_file, 'atlas_files': small.atlas_files[:n_atlases]}


FULL = {
    'use_mask': True,
    'use_luts': True,
    'use_confounds': True,
    'high_variance_confounds': True,
    'detrend': True,
    'standardize': True,
    'project': 'labels',
}


def full(small):
    return {
        **basic(small, 2),
        'atlas_luts': small.atlas_luts,
        'bold_mask': small.bold_mask,
        'confounds_file': small.confounds_file,
    }


def inner_nodes(**parameters):
    wf = init_labels_wf(**parameters)
    return {name: wf.get_node(name) for name in wf.list_node_names() if not name.endswith('putnode')}
