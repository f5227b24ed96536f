# SPDX-License-Identifier: BSD-3-Clause
"""Extract the region time series of one series with one atlas.

Run it as ``python workflows/extract_signals.py BOLD ATLAS LUT FOLDER``.
"""

import sys

from nipype_labels import init_labels_wf


def main(bold_file, atlas_file, lut_file, folder):
    """Run the workflow; return the executed graph."""
    wf = init_labels_wf(use_luts=True, detrend=True, standardize='zscore')
    wf.base_dir = folder
    wf.inputs.inputnode.bold_file = bold_file
    wf.inputs.inputnode.atlas_files = [atlas_file]
    wf.inputs.inputnode.atlas_luts = [lut_file]
    return wf.run()


if __name__ == '__main__':
    for node in main(*sys.argv[1:]).nodes():
        print(node.name, node.result.outputs, sep='\n')
