# SPDX-License-Identifier: BSD-3-Clause
"""A host's script like ``matrix_host.py``: nodes of niworkflows and Nipype make series, mask and confounds for ours.

Of its JSON argument it takes ``folder``, ``work``, ``plugin``, ``plugin_args`` and ``parameters``.
"""

import json
import sys

from matrix_host import main
from nipype.algorithms.confounds import ComputeDVARS, FramewiseDisplacement
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe
from niworkflows.engine.workflows import LiterateWorkflow
from niworkflows.interfaces.bold import NonsteadyStatesDetector
from niworkflows.interfaces.header import ValidateImage
from niworkflows.interfaces.images import SignalExtraction
from niworkflows.interfaces.nibabel import ApplyMask, Binarize
from niworkflows.interfaces.patches import RobustTCompCor
from niworkflows.interfaces.utility import AddTSVHeader, JoinTSVColumns

from nipype_labels.workflows import init_labels_wf

PARAMETERS = {
    'use_mask': True,
    'use_confounds': True,
    'use_sample_mask': True,
    'confounds_columns': ['(trans|rot)_.', 'csf', 'white_matter', r't_comp_cor_\d+'],
    'confounds_strategy': ['scrubbing'],
    'detrend': True,
    'standardize': 'zscore_sample',
}

#: Who feeds whom.
EDGES = (
    ('validate.out_file', 'dummies.in_file'),
    ('validate.out_file', 'masked.in_file'),
    ('brain.out_mask', 'masked.in_mask'),
    ('masked.out_file', 'dvars.in_file'),
    ('brain.out_mask', 'dvars.in_mask'),
    ('dvars.out_std', 'dvars_header.in_file'),
    ('fd.out_file', 'changes.in_file'),
    ('dvars_header.out_file', 'changes.join_file'),
    ('validate.out_file', 'tissues.in_file'),
    ('validate.out_file', 'tcompcor.realigned_file'),
    ('brain.out_mask', 'tcompcor.mask_files'),
    ('dummies.n_dummy', 'tcompcor.ignore_initial_volumes'),
    ('motion.out_file', 'motion_and_tissues.in_file'),
    ('tissues.out_file', 'motion_and_tissues.join_file'),
    ('motion_and_tissues.out_file', 'regressors.in_file'),
    ('tcompcor.components_file', 'regressors.join_file'),
    ('regressors.out_file', 'gather.regressors_file'),
    ('changes.out_file', 'gather.changes_file'),
)


def gather(regressors_file, changes_file):
    """Confounds as fMRIPrep names them; there is no change that leads to the first volume."""
    from pathlib import Path

    import pandas as pd

    changes = pd.read_csv(changes_file, sep='\t').rename(columns={'FramewiseDisplacement': 'framewise_displacement'})
    changes.index += 1
    confounds = pd.read_csv(regressors_file, sep='\t').join(changes)
    confounds.to_csv('confounds.tsv', sep='\t', index=False, na_rep='n/a')
    return str(Path('confounds.tsv').absolute())


def steady(t_mask):
    """Volumes to keep, from those that are not in the steady state."""
    return [not flag for flag in t_mask]


def init_host_wf(case, folder):
    """The host's graph, with ours at its end."""
    files = {name: str(folder / name) for name in ('bold.nii.gz', 'brain.nii.gz', 'motion.txt', 'atlas.nii.gz')}
    axes = [f'{kind}_{axis}' for kind in ('trans', 'rot') for axis in 'xyz']
    compcor = {'num_components': 3, 'pre_filter': 'cosine', 'percentile_threshold': 0.05}
    interfaces = {
        'validate': ValidateImage(in_file=files['bold.nii.gz']),
        'dummies': NonsteadyStatesDetector(),
        'brain': Binarize(in_file=files['brain.nii.gz'], thresh_low=100.0),
        'masked': ApplyMask(),
        'dvars': ComputeDVARS(),
        'dvars_header': AddTSVHeader(columns=['std_dvars']),
        'fd': FramewiseDisplacement(in_file=files['motion.txt'], parameter_source='SPM'),
        'changes': JoinTSVColumns(),
        'motion': AddTSVHeader(in_file=files['motion.txt'], columns=axes),
        'tissues': SignalExtraction(
            label_files=[str(folder / f'{tissue}.nii.gz') for tissue in ('csf', 'white_matter')],
            class_labels=['csf', 'white_matter'],
        ),
        'tcompcor': RobustTCompCor(header_prefix='t_comp_cor_', components_file='temporal_compcor.tsv', **compcor),
        'motion_and_tissues': JoinTSVColumns(),
        'regressors': JoinTSVColumns(),
        'gather': niu.Function(output_names=['out_file'], function=gather),
    }
    nodes = {name: pe.Node(interface, name=name) for name, interface in interfaces.items()}
    labels = init_labels_wf(**PARAMETERS | case.get('parameters', {}))
    labels.inputs.inputnode.atlas_files = [files['atlas.nii.gz']]
    wf = LiterateWorkflow('host', base_dir=case['work'])
    for source, target in EDGES:
        (source, field), (target, into) = source.split('.'), target.split('.')
        wf.connect(nodes[source], field, nodes[target], into)
    wf.connect(
        [
            (nodes['masked'], labels, [('out_file', 'inputnode.bold_file')]),
            (nodes['brain'], labels, [('out_mask', 'inputnode.bold_mask')]),
            (nodes['gather'], labels, [('out_file', 'inputnode.confounds_file')]),
            (nodes['dummies'], labels, [(('t_mask', steady), 'inputnode.sample_mask')]),
        ]
    )
    return wf


if __name__ == '__main__':
    sys.exit(main(json.loads(sys.argv[1]), init_host_wf))
