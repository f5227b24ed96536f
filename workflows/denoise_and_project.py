# SPDX-License-Identifier: BSD-3-Clause
"""Extract and denoise region time series, then map them back to an image.

Run it as ``python workflows/denoise_and_project.py BOLD MASK ATLAS CONFOUNDS FOLDER``.
"""

import sys

from nipype_labels import init_labels_wf


def main(bold_file, mask_file, atlas_file, confounds_file, folder):
    """Run the workflow; return the executed graph."""
    wf = init_labels_wf(
        use_mask=True,
        use_confounds=True,
        confounds_strategy=['6P', 'scrubbing'],
        confounds_na='zero',
        detrend=True,
        standardize='psc',
        # Censored volumes remain as empty volumes, so that the image keeps the length of the series.
        censored_output='nan',
        project='labels',
    )
    wf.base_dir = folder
    wf.inputs.inputnode.bold_file = bold_file
    wf.inputs.inputnode.bold_mask = mask_file
    wf.inputs.inputnode.atlas_files = [atlas_file]
    wf.inputs.inputnode.confounds_file = confounds_file
    return wf.run()


if __name__ == '__main__':
    for node in main(*sys.argv[1:]).nodes():
        print(node.name, node.result.outputs, sep='\n')
