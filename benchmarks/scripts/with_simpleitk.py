# SPDX-License-Identifier: BSD-3-Clause
"""Mean signals of regions by SimpleITK and NumPy, as a table; series and atlas must be on one grid."""

import sys

import numpy as np
import SimpleITK as sitk  # noqa: N813 (so its documentation calls it)

series, atlas, table = sys.argv[1:]
labels = sitk.GetArrayFromImage(sitk.ReadImage(atlas)).ravel()
volumes = sitk.GetArrayFromImage(sitk.ReadImage(series))
ids, counts = np.unique(labels[labels > 0], return_counts=True)
sums = [np.bincount(labels, weights=volume.ravel())[ids] for volume in volumes]
np.savetxt(table, sums / counts, fmt='%.17g', delimiter='\t', header='\t'.join(map(str, ids)), comments='')
