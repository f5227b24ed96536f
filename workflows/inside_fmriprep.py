# SPDX-License-Identifier: BSD-3-Clause
"""Region signals inside a host graph, connected as inside fMRIPrep.

The host here is a small stand-in with fMRIPrep's names: it hands on a series in standard space, its mask and its
confounds from ``outputnode`` fields. In fMRIPrep the same three connections are::

    bold_std_wf.outputnode.bold_file                  -> labels_wf.inputnode.bold_file
    ds_bold_std_wf.resample_mask.output_image         -> labels_wf.inputnode.bold_mask
    bold_confounds_wf.outputnode.confounds_file       -> labels_wf.inputnode.confounds_file

Run it as ``python workflows/inside_fmriprep.py BOLD MASK CONFOUNDS ATLAS FOLDER``.
"""

import sys

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from nipype_labels.workflows import init_labels_wf


def init_host_wf(bold_file, mask_file, confounds_file, name='bold_task_rest_wf'):
    """A graph that ends where fMRIPrep's outputs in standard space begin."""
    wf = pe.Workflow(name=name)
    fields = {'bold_file': bold_file, 'bold_mask': mask_file, 'confounds_file': confounds_file}
    # A node that runs, so that ours wait for it as they would for a real one.
    prepare = pe.Node(niu.Rename(format_string='%(name)s', keep_ext=True), name='prepare')
    prepare.inputs.in_file, prepare.inputs.name = fields.pop('bold_file'), 'desc-preproc_bold'
    outputnode = pe.Node(niu.IdentityInterface(fields=['bold_file', *fields]), name='outputnode')
    outputnode.inputs.trait_set(**fields)
    wf.connect(prepare, 'out_file', outputnode, 'bold_file')
    return wf


def main(bold_file, mask_file, confounds_file, atlas_file, folder, **run):
    """Embed the factory in the host and run both; the executed graph."""
    host = init_host_wf(bold_file, mask_file, confounds_file)
    labels_wf = init_labels_wf(
        use_mask=True, use_confounds=True, confounds_strategy=['6P'], standardize='zscore_sample'
    )
    labels_wf.inputs.inputnode.atlas_files = [atlas_file]
    wf = pe.Workflow(name='host_wf', base_dir=folder)
    fields = ('bold_file', 'bold_mask', 'confounds_file')
    wf.connect([(host, labels_wf, [(f'outputnode.{field}', f'inputnode.{field}') for field in fields])])
    return wf.run(**run)


if __name__ == '__main__':
    for node in main(*sys.argv[1:]).nodes():
        print(node.name, node.result.outputs, sep='\n')
